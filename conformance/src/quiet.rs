//! An executor without a clock: it polls until everything is done, or until nothing would ever move again.
//!
//! Where a connection waits for bytes that will not come, a test with a clock has to guess how long to wait.
//! Here nobody has been woken, so nobody will be: the stall is known at once.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// Polls after which tasks that wake themselves count as spinning.
const SPIN_LIMIT: usize = 1_000_000;

/// How long another thread may take to wake a task.
const THREADS_TIME: Duration = Duration::from_secs(20);

/// Tasks that run in turn.
#[derive(Default)]
pub(crate) struct Quiet<'a> {
    tasks: Vec<Task<'a>>,
}

struct Task<'a> {
    future: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    woken: Arc<Flag>,
}

struct Flag {
    woken: AtomicBool,
    /// Where the executor runs, and perhaps waits.
    executor: Thread,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.executor.unpark();
    }
}

/// Why the executor stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Every task is done.
    Done,
    /// Some task waits, and nobody will wake it.
    Stalled,
    /// Some task wakes itself for ever.
    Spinning,
}

impl<'a> Quiet<'a> {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a task; it leaves its result where it likes.
    pub(crate) fn add(&mut self, task: impl Future<Output = ()> + 'a) {
        let woken = Arc::new(Flag { woken: AtomicBool::new(true), executor: thread::current() });
        self.tasks.push(Task { future: Some(Box::pin(task)), woken });
    }

    /// Polls until all are done or nothing moves.
    pub(crate) fn run(&mut self) -> Rest {
        for _ in 0..SPIN_LIMIT {
            let mut moved = false;
            for task in &mut self.tasks {
                moved |= task.poll_if_woken();
            }
            if self.tasks.iter().all(|task| task.future.is_none()) {
                return Rest::Done;
            }
            if !moved {
                return Rest::Stalled;
            }
        }
        Rest::Spinning
    }
}

impl Quiet<'_> {
    /// As [`Quiet::run`] where other threads wake tasks too: polls until `enough`, or all are done.
    pub(crate) fn run_with_threads(&mut self, enough: impl Fn() -> bool) -> Rest {
        let deadline = Instant::now() + THREADS_TIME;
        loop {
            let rest = self.run();
            let left = deadline.saturating_duration_since(Instant::now());
            if rest != Rest::Stalled || enough() || left.is_zero() {
                return rest;
            }
            thread::park_timeout(left);
        }
    }
}

impl Task<'_> {
    fn poll_if_woken(&mut self) -> bool {
        let Some(future) = &mut self.future else { return false };
        if !self.woken.woken.swap(false, Ordering::AcqRel) {
            return false;
        }
        let waker = Waker::from(self.woken.clone());
        if future.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Ready(()) {
            self.future = None;
        }
        true
    }
}

/// The output of `future`, or `None` once it has been pending `budget` times: then it is dropped.
pub(crate) async fn cancelled_after<T>(budget: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut left = budget;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
