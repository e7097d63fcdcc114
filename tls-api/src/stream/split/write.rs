//! The writing half.

use std::{
    fmt,
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Buf;
use tokio::io::AsyncWrite;

use super::{Sender, Shared, Split, TokioSink};
use crate::{
    ConnectionInfo, Error,
    stream::{bytes::write_all, core::Side},
};

/// The writing half of a [`TlsStream`](crate::TlsStream). Shutting it down sends close_notify; dropping it sends nothing.
pub struct OwnedWriteHalf<IO: Split> {
    pub(super) shared: Arc<Shared<IO>>,
}

impl<IO: Split> OwnedWriteHalf<IO> {
    /// What the handshake negotiated.
    pub fn info(&self) -> &ConnectionInfo {
        &self.shared.facts.info
    }

    /// As [`TlsStream::update_keys`](crate::TlsStream::update_keys).
    ///
    /// # Errors
    /// As there.
    pub fn update_keys(&mut self, ask_peer: bool) -> Result<(), Error> {
        let shared = &*self.shared;
        let update = |sender: &mut Sender<IO::Writer>| {
            sender.writing.check_not_closed()?;
            sender.half.update_keys(ask_peer, &mut sender.writing.outgoing)
        };
        // As the reader would have: whom the byte stream is to wake for the writer, it still wakes.
        let updated = shared.sender.wait(update, |cx, sender| {
            shared.send(sender, cx, Side::Reader);
        });
        shared.wake_reader_if_left_behind();
        updated
    }

    /// As [`TlsStream::write_bytes`](crate::TlsStream::write_bytes).
    ///
    /// # Errors
    /// As there.
    pub async fn write_bytes(&mut self, bytes: &mut (impl Buf + Send)) -> io::Result<()> {
        poll_fn(|cx| write_all(bytes, |slices| self.poll_write_slices(cx, slices))).await
    }

    fn poll_write_slices(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.poll(cx, |cx, Sender { half, writing, io }| {
            writing.poll_write(cx, &mut **half, &mut TokioSink(io), slices)
        })
    }

    /// Sends, and gives the buffer back when nothing is left in it.
    pub(super) fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        operation: impl FnOnce(&mut Context<'_>, &mut Sender<IO::Writer>) -> Poll<T>,
    ) -> Poll<T> {
        let shared = &*self.shared;
        let operation = |cx: &mut Context<'_>, sender: &mut Sender<IO::Writer>| {
            let polled = operation(cx, sender);
            sender.writing.outgoing.release_if_empty();
            // Who waits may give up: nothing tells, so the reader sees to it as well.
            shared.leave_behind(!sender.writing.is_sent());
            polled
        };
        let polled = shared.sender.poll(cx, operation, |cx, sender| {
            shared.send(sender, cx, Side::Writer);
        });
        shared.wake_reader_if_left_behind();
        polled
    }

    /// How many bytes of storage this half's buffer holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.shared.sender.wait(|sender| sender.writing.outgoing.capacity(), |_, _| ())
    }
}

impl<IO: Split> AsyncWrite for OwnedWriteHalf<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_slices(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |cx, Sender { half, writing, io }| {
            half.answer(&mut writing.outgoing);
            writing.poll_flush(cx, &mut TokioSink(io))
        })
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |cx, Sender { half, writing, io }| {
            writing.poll_close(cx, &mut **half, &mut TokioSink(io))
        })
    }
}

impl<IO: Split> Drop for OwnedWriteHalf<IO> {
    fn drop(&mut self) {
        // Whatever it was waiting for, the reader alone can see to it now.
        self.shared.leave_behind(true);
        self.shared.wake_reader_if_left_behind();
    }
}

impl<IO: Split> fmt::Debug for OwnedWriteHalf<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnedWriteHalf")
    }
}
