//! Whom a byte stream wakes when it can be written to.

use std::{
    sync::{Arc, Mutex, PoisonError},
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
    reader: Mutex<Option<Waker>>,
    writer: Mutex<Option<Waker>>,
}

impl SendWaker {
    pub(in crate::stream) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        side: Side,
        operation: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if side == Side::Writer && self.both.is_none() {
            let polled = operation(cx);
            if polled.is_pending() {
                self.waiting_writer = Some(cx.waker().clone());
            }
            return polled;
        }
        let waiting_writer = &mut self.waiting_writer;
        let both = self.both.get_or_insert_with(|| {
            Arc::new(WriteWaker { writer: Mutex::new(waiting_writer.take()), reader: Mutex::default() })
        });
        both.register(side, cx.waker());
        operation(&mut Context::from_waker(&Waker::from(both.clone())))
    }

    /// Everything is sent. A writer that the byte stream would have woken may go on.
    pub(in crate::stream) fn drained(&mut self, side: Side) {
        let waiting_writer = self.waiting_writer.take();
        let both = self.both.take();
        if side == Side::Reader {
            let from_both = both.and_then(|both| take(&both.writer));
            if let Some(writer) = waiting_writer.or(from_both) {
                writer.wake();
            }
        }
    }
}

impl WriteWaker {
    fn register(&self, side: Side, waker: &Waker) {
        let slot = match side {
            Side::Reader => &self.reader,
            Side::Writer => &self.writer,
        };
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }
}

impl Wake for WriteWaker {
    fn wake(self: Arc<Self>) {
        for slot in [&self.reader, &self.writer] {
            if let Some(waker) = take(slot) {
                waker.wake();
            }
        }
    }
}

fn take(slot: &Mutex<Option<Waker>>) -> Option<Waker> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}
