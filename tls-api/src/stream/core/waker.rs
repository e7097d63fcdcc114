//! Whom a byte stream wakes when it can be written to.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

/// Who polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stream) enum Side {
    Reader,
    Writer,
}

/// Decides whom a byte stream wakes when it can be written to.
///
/// As long as only the writer writes, that is the writer, at no cost. From the moment that the reader has
/// to write while a writer may be waiting, both are woken, until everything is sent.
#[derive(Debug, Default)]
pub(in crate::stream) struct SendWaker {
    waiting_writer: Option<Waker>,
    both: Option<Arc<WriteWaker>>,
}

/// A waker that wakes the reader and the writer of one connection.
#[derive(Debug, Default)]
struct WriteWaker {
    reader: WakerSlot,
    writer: WakerSlot,
}

/// The waker of a task that waits, if one does. No code of a waker runs while its lock is held, but for a comparison:
/// a waker may do anything, such as poll what it is for.
#[derive(Debug, Default)]
pub(in crate::stream) struct WakerSlot(Mutex<Option<Waker>>);

impl SendWaker {
    pub(in crate::stream) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        side: Side,
        operation: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if side == Side::Writer && self.both.is_none() {
            let polled = operation(cx);
            self.waiting_writer = polled.is_pending().then(|| cx.waker().clone());
            return polled;
        }
        let waiting_writer = &mut self.waiting_writer;
        let both = self.both.get_or_insert_with(|| {
            Arc::new(WriteWaker {
                writer: WakerSlot::new(waiting_writer.take()),
                reader: WakerSlot::default(),
            })
        });
        both.of(side).set(cx.waker());
        operation(&mut Context::from_waker(&Waker::from(both.clone())))
    }

    /// Everything is sent. Whom of the two the byte stream would have woken beside this side, may go on.
    pub(in crate::stream) fn drained(&mut self, side: Side) {
        let waiting_writer = self.waiting_writer.take();
        let both = self.both.take();
        let other = match side {
            Side::Reader => waiting_writer.or_else(|| both?.writer.take()),
            Side::Writer => both.and_then(|both| both.reader.take()),
        };
        if let Some(other) = other {
            other.wake();
        }
    }
}

impl WriteWaker {
    fn of(&self, side: Side) -> &WakerSlot {
        match side {
            Side::Reader => &self.reader,
            Side::Writer => &self.writer,
        }
    }
}

impl Wake for WriteWaker {
    fn wake(self: Arc<Self>) {
        for slot in [&self.reader, &self.writer] {
            slot.wake();
        }
    }
}

impl WakerSlot {
    fn new(waker: Option<Waker>) -> Self {
        Self(Mutex::new(waker))
    }

    /// Has this waker wait, and no earlier one.
    pub(in crate::stream) fn set(&self, waker: &Waker) {
        if !self.lock().as_ref().is_some_and(|held| held.will_wake(waker)) {
            let waker = waker.clone();
            let replaced = self.lock().replace(waker);
            drop(replaced);
        }
    }

    pub(in crate::stream) fn take(&self) -> Option<Waker> {
        self.lock().take()
    }

    pub(in crate::stream) fn wake(&self) {
        let waiting = self.take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(in crate::stream) fn is_locked(&self) -> bool {
        self.0.try_lock().is_err()
    }
}
