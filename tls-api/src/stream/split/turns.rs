//! What the writer uses all the time and the reader now and then, without either ever waiting for the other.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering, fence},
    },
    task::{Context, Poll, Waker},
};

use crate::stream::core::WakerSlot;

/// A value of which each side takes a turn only when the other has none.
///
/// A reader that finds the writer at it leaves a note ([`Turns::ask`]), and the writer looks for one after its turn. A
/// writer that finds the reader at it is woken when that has ended ([`Turns::poll`]), or waits for that where it cannot be
/// woken ([`Turns::wait`]). Each side first writes down what the other
/// has to see, then looks at the lock; a fence between the two keeps both from missing each other.
#[derive(Debug)]
pub(super) struct Turns<T> {
    value: Mutex<T>,
    asked: AtomicBool,
    /// A writer that met the reader.
    waiting_writer: WakerSlot,
}

impl<T> Turns<T> {
    pub(super) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), asked: AtomicBool::new(false), waiting_writer: WakerSlot::default() }
    }

    /// The reader's turn: `None` if the writer is at it, who then answers the reader after its turn.
    pub(super) fn ask<R>(&self, turn: impl FnOnce(&mut T) -> R) -> Option<R> {
        // With the writer's exchange: who sees the note sees what it is about.
        self.asked.store(true, Ordering::Release);
        fence(Ordering::SeqCst);
        let mut value = self.try_lock()?;
        self.asked.store(false, Ordering::Relaxed);
        let result = turn(&mut value);
        drop(value);
        fence(Ordering::SeqCst);
        self.waiting_writer.wake();
        Some(result)
    }

    /// The writer's turn, and one of `answer` for each time that the reader has asked meanwhile.
    pub(super) fn poll<R>(
        &self,
        cx: &mut Context<'_>,
        turn: impl FnOnce(&mut Context<'_>, &mut T) -> Poll<R>,
        answer: impl FnMut(&mut Context<'_>, &mut T),
    ) -> Poll<R> {
        let Some(mut value) = self.try_lock().or_else(|| self.try_lock_or_be_woken(cx)) else {
            return Poll::Pending;
        };
        let result = turn(cx, &mut value);
        drop(value);
        self.answer(cx, answer);
        result
    }

    /// The writer's turn where it cannot be woken, and answers as after [`Turns::poll`]: the reader's turn takes no
    /// longer than one attempt to send what waits.
    pub(super) fn wait<R>(
        &self,
        turn: impl FnOnce(&mut T) -> R,
        answer: impl FnMut(&mut Context<'_>, &mut T),
    ) -> R {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let result = turn(&mut value);
        drop(value);
        self.answer(&mut Context::from_waker(Waker::noop()), answer);
        result
    }

    /// Answers a reader that has met the writer's turn, which has ended.
    fn answer(&self, cx: &mut Context<'_>, mut answer: impl FnMut(&mut Context<'_>, &mut T)) {
        fence(Ordering::SeqCst);
        while self.asked.load(Ordering::Relaxed) {
            // If the reader is at it, it sees to itself what it asks for.
            let Some(mut value) = self.try_lock() else { break };
            // An exchange, so that no later look of the answer's comes before it.
            self.asked.swap(false, Ordering::AcqRel);
            answer(cx, &mut value);
            drop(value);
            fence(Ordering::SeqCst);
        }
    }

    pub(super) fn into_inner(self) -> T {
        self.value.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.value.try_lock() {
            Ok(value) => Some(value),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn try_lock_or_be_woken(&self, cx: &Context<'_>) -> Option<MutexGuard<'_, T>> {
        self.waiting_writer.set(cx.waker());
        fence(Ordering::SeqCst);
        self.try_lock()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, task::Wake};

    use super::*;
    use crate::stream::tests::task;

    #[test]
    fn a_writer_that_meets_the_reader_is_woken_when_it_is_done() {
        let turns = Turns::new(0);
        let (writer, waker) = task();
        let turn = |_: &mut Context<'_>, value: &mut u32| Poll::Ready(*value);
        let poll = || turns.poll(&mut Context::from_waker(&waker), turn, |_, _| unreachable!());
        turns.ask(|value| {
            assert!(poll().is_pending());
            assert_eq!(writer.0.load(Ordering::SeqCst), 0);
            *value = 1;
        });
        assert_eq!(writer.0.load(Ordering::SeqCst), 1, "the writer sleeps for ever");
        assert_eq!(poll(), Poll::Ready(1));
    }

    #[test]
    fn a_reader_that_meets_the_writer_is_answered_after_its_turn() {
        let turns = Turns::new(Vec::new());
        let turn = |_: &mut Context<'_>, value: &mut Vec<_>| {
            assert!(turns.ask(|_| ()).is_none());
            assert!(turns.ask(|_| ()).is_none());
            value.push("turn");
            Poll::Ready(())
        };
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(turns.poll(cx, turn, |_, value| value.push("answer")).is_ready());
        assert!(turns.poll(cx, |_, _| Poll::Ready(()), |_, _| unreachable!()).is_ready());
        assert_eq!(turns.into_inner(), ["turn", "answer"]);
    }

    #[test]
    fn a_reader_that_meets_a_writer_that_cannot_wait_is_answered_after_its_turn() {
        let turns = Turns::new(Vec::new());
        let turn = |value: &mut Vec<_>| {
            assert!(turns.ask(|_| ()).is_none());
            value.push("turn");
        };
        turns.wait(turn, |_, value| value.push("answer"));
        assert_eq!(turns.into_inner(), ["turn", "answer"]);
    }

    /// Notes whether what a waker locks that polls in place was free.
    struct InPlace(Turns<()>, AtomicBool);

    impl Wake for InPlace {
        fn wake(self: Arc<Self>) {
            self.1.store(!self.0.waiting_writer.is_locked(), Ordering::Relaxed);
        }
    }

    #[test]
    fn a_waker_that_polls_in_place_finds_nothing_locked() {
        let task = Arc::new(InPlace(Turns::new(()), AtomicBool::new(false)));
        let waker = Waker::from(task.clone());
        task.0.ask(|()| {
            let turn = |_: &mut Context<'_>, (): &mut ()| Poll::Ready(());
            assert!(task.0.poll(&mut Context::from_waker(&waker), turn, |_, ()| ()).is_pending());
        });
        assert!(task.1.load(Ordering::Relaxed), "it would wait for itself");
    }

    #[test]
    fn whatever_is_asked_is_answered_by_one_or_the_other() {
        const ASKED: u32 = 20_000;
        let turns = Turns::new(0);
        let asks = std::sync::atomic::AtomicU32::new(0);
        // Each turn of either side answers all that has been asked before it.
        let answer = |value: &mut u32| *value = asks.load(Ordering::Relaxed);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..ASKED {
                    asks.fetch_add(1, Ordering::Relaxed);
                    turns.ask(answer);
                }
            });
            scope.spawn(|| {
                let cx = &mut Context::from_waker(Waker::noop());
                for _ in 0..ASKED {
                    let _ = turns.poll(cx, |_, _| Poll::Ready(()), |_, value| answer(value));
                }
            });
        });
        assert_eq!(turns.into_inner(), ASKED, "something that was asked is forgotten");
    }
}
