//! Signing inside a library that cannot suspend.
//!
//! The library's call runs on a thread of its own. What it asks of a [`Signer`] there, or of a verifier, goes to the
//! task that runs the handshake, which awaits the answer on its own runtime; the thread waits for that and nothing
//! else.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    task::{Poll, Waker},
    thread,
};

use super::{HookError, Signer};
use crate::{Error, ErrorKind, SignatureScheme};

/// How many threads may wait for signers of one configuration at once; further handshakes wait for their turn.
const MAX_THREADS: usize = 256;

/// A library needs little of it for one step of a handshake.
const STACK_SIZE: usize = 512 * 1024;

thread_local! {
    // Set for the length of one call, on the thread that was made for it.
    static DESK: RefCell<Option<Arc<dyn AskAtDesk>>> = const { RefCell::new(None) };
}

/// The threads on which the handshakes of one configuration sign.
#[derive(Clone, Default)]
pub struct SigningThreads(Arc<Mutex<Turns>>);

#[derive(Default)]
struct Turns {
    running: usize,
    waiting: BTreeMap<u64, Waker>,
    arrived: u64,
}

impl SigningThreads {
    /// Runs `call` on a thread of its own; what it asks through [`sign_on_thread`] is awaited here.
    ///
    /// A call whose future is dropped goes on to its end unheard: it gets no signature.
    ///
    /// # Errors
    /// [`ErrorKind::Backend`] when no thread can be had, or the call panics.
    pub async fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.turn().await;
        let desk = Arc::new(Desk::new());
        let _side = TaskSide(desk.clone());
        let at_desk = desk.clone();
        thread::Builder::new()
            .name("polytls-signing".into())
            .stack_size(STACK_SIZE)
            .spawn(move || {
                let _turn = turn;
                let mut side = ThreadSide(at_desk.clone(), None);
                DESK.set(Some(at_desk));
                side.1 = Some(call());
            })
            .map_err(|error| Error::new(ErrorKind::Backend).with_source(error))?;
        loop {
            match desk.next().await {
                Event::Question(question) => question.await,
                Event::Done(Some(outcome)) => return Ok(outcome),
                Event::Done(None) => {
                    let error = Error::new(ErrorKind::Backend);
                    return Err(error.with_source("the TLS library panicked while it signed"));
                }
            }
        }
    }

    async fn turn(&self) -> Turn {
        let place = Place::last(&self.0);
        poll_fn(|cx| {
            let mut turns = lock(&self.0);
            if turns.running < MAX_THREADS {
                turns.running += 1;
                return Poll::Ready(Turn(self.0.clone()));
            }
            turns.waiting.insert(place.number, cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

/// The place of one handshake among those that wait: it leaves no waker behind.
struct Place<'a> {
    turns: &'a Mutex<Turns>,
    number: u64,
}

impl<'a> Place<'a> {
    fn last(turns: &'a Mutex<Turns>) -> Self {
        let mut waiting = lock(turns);
        waiting.arrived += 1;
        Self { turns, number: waiting.arrived }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        lock(self.turns).waiting.remove(&self.number);
    }
}

impl fmt::Debug for SigningThreads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningThreads").field("running", &lock(&self.0).running).finish_non_exhaustive()
    }
}

/// The right to one thread.
struct Turn(Arc<Mutex<Turns>>);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = lock(&self.0);
        turns.running -= 1;
        // One that has gone meanwhile would let its turn pass unused: all may try.
        std::mem::take(&mut turns.waiting).into_values().for_each(Waker::wake);
    }
}

/// Asks a signer from within a call that [`SigningThreads::run`] made, and waits for the answer.
///
/// # Errors
/// The signer's [`HookError`]; one of its own when nobody awaits the handshake any more.
pub fn sign_on_thread(
    signer: &Arc<dyn Signer>,
    scheme: SignatureScheme,
    message: &[u8],
) -> Result<Vec<u8>, HookError> {
    let (signer, message) = (signer.clone(), message.to_vec());
    await_in_task(async move { signer.sign(scheme, &message).await })?
}

/// Whether this is a thread that [`SigningThreads::run`] made, where no runtime is at hand.
pub(crate) fn is_signing_thread() -> bool {
    DESK.with_borrow(Option::is_some)
}

/// Waits, within a call that [`SigningThreads::run`] made, while its task awaits the future.
///
/// # Errors
/// When this is no such call, and when nobody awaits the handshake any more.
pub(crate) fn await_in_task<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, HookError> {
    let Some(desk) = DESK.with_borrow(Clone::clone) else {
        return Err(HookError::new("a hook was asked outside a signing thread"));
    };
    let (answer, answered) = mpsc::channel();
    desk.ask(Box::pin(async move {
        // A thread that does not wait any more has panicked, which is the next event.
        let _ = answer.send(future.await);
    }));
    drop(desk);
    answered.recv().map_err(|_| HookError::new("the handshake was given up"))
}

/// Sends its answer to the thread that waits for it.
type Question = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a thread and a task meet.
struct Desk<T>(Mutex<State<T>>);

struct State<T> {
    question: Option<Question>,
    progress: Progress<T>,
    /// The task is gone: nobody will answer.
    abandoned: bool,
    waker: Option<Waker>,
}

enum Progress<T> {
    Running,
    Ended(T),
    Panicked,
}

enum Event<T> {
    Question(Question),
    /// The call has ended; without an outcome, by a panic.
    Done(Option<T>),
}

trait AskAtDesk {
    fn ask(&self, question: Question);
}

impl<T> Desk<T> {
    fn new() -> Self {
        let progress = Progress::Running;
        Self(Mutex::new(State { question: None, progress, abandoned: false, waker: None }))
    }

    async fn next(&self) -> Event<T> {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if let Some(question) = state.question.take() {
                return Poll::Ready(Event::Question(question));
            }
            match std::mem::replace(&mut state.progress, Progress::Running) {
                Progress::Ended(outcome) => return Poll::Ready(Event::Done(Some(outcome))),
                Progress::Panicked => return Poll::Ready(Event::Done(None)),
                Progress::Running => {}
            }
            state.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn change(&self, change: impl FnOnce(&mut State<T>)) {
        let mut state = lock(&self.0);
        change(&mut state);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> AskAtDesk for Desk<T> {
    fn ask(&self, question: Question) {
        // A question that nobody will hear is dropped, which is an answer too.
        self.change(|state| state.question = Some(question).filter(|_| !state.abandoned));
    }
}

/// The thread's place at the desk: however it leaves, the task learns of it.
struct ThreadSide<T>(Arc<Desk<T>>, Option<T>);

impl<T> Drop for ThreadSide<T> {
    fn drop(&mut self) {
        let outcome = self.1.take();
        self.0.change(|state| state.progress = outcome.map_or(Progress::Panicked, Progress::Ended));
    }
}

/// The task's place at the desk: once it has left, no question waits for it.
struct TaskSide<T>(Arc<Desk<T>>);

impl<T> Drop for TaskSide<T> {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.abandoned = true;
            state.question = None;
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Signs with the bytes reversed, after a while.
    #[derive(Debug)]
    struct Slow(Duration);

    #[async_trait::async_trait]
    impl Signer for Slow {
        fn schemes(&self) -> &[SignatureScheme] {
            &[SignatureScheme::ED25519]
        }

        async fn sign(&self, _scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, HookError> {
            tokio::time::sleep(self.0).await;
            Ok(message.iter().rev().copied().collect())
        }
    }

    fn slow(millis: u64) -> Arc<dyn Signer> {
        Arc::new(Slow(Duration::from_millis(millis)))
    }

    #[tokio::test]
    async fn calls_wait_for_their_signers_side_by_side() {
        let threads = SigningThreads::default();
        let started = Instant::now();
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..100_u8 {
            let threads = threads.clone();
            calls.spawn(async move {
                let signer = slow(50);
                let call = move || sign_on_thread(&signer, SignatureScheme::ED25519, &[number, 1]);
                threads.run(call).await.unwrap().unwrap()
            });
        }
        let mut signatures = calls.join_all().await;
        signatures.sort_unstable();
        assert_eq!(signatures, (0..100).map(|number| vec![1, number]).collect::<Vec<_>>());
        assert!(started.elapsed() < Duration::from_millis(50 * 100), "they waited for one another");
    }

    #[tokio::test]
    async fn a_call_that_nobody_awaits_any_more_gets_no_signature() {
        let (tell, told) = mpsc::channel();
        let signer = slow(3_600_000);
        let threads = SigningThreads::default();
        let call = threads.run(move || {
            let _ = tell.send(sign_on_thread(&signer, SignatureScheme::ED25519, b"x"));
        });
        assert!(tokio::time::timeout(Duration::from_millis(10), call).await.is_err());
        assert!(told.recv_timeout(Duration::from_secs(20)).unwrap().is_err());
    }

    #[tokio::test]
    async fn a_handshake_that_no_longer_waits_leaves_nothing_behind() {
        let threads = SigningThreads::default();
        lock(&threads.0).running = MAX_THREADS;
        for _ in 0..3 {
            let mut waiting = Box::pin(threads.run(|| ()));
            for _ in 0..3 {
                assert!(tokio::time::timeout(Duration::ZERO, &mut waiting).await.is_err());
            }
            assert_eq!(lock(&threads.0).waiting.len(), 1);
        }
        assert!(lock(&threads.0).waiting.is_empty());
        let waiting = tokio::spawn({
            let threads = threads.clone();
            async move { threads.run(|| 7).await.unwrap() }
        });
        tokio::task::yield_now().await;
        drop(Turn(threads.0.clone()));
        assert_eq!(waiting.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_panic_in_the_library_is_an_error() {
        let error = SigningThreads::default().run(|| -> u8 { panic!("on purpose") }).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Backend);
    }

    #[test]
    fn elsewhere_there_is_nobody_to_ask() {
        assert!(sign_on_thread(&slow(0), SignatureScheme::ED25519, b"x").is_err());
    }
}
