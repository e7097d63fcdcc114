//! A stream in two halves, for two tasks.

use std::{
    fmt,
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::TlsStream;
use crate::{ConnectionInfo, Error, byte_stream::TokioIo};

/// The reading half of a [`TlsStream`].
pub struct OwnedReadHalf<IO>(Arc<Mutex<TlsStream<IO>>>);

/// The writing half of a [`TlsStream`]. Shutting it down sends close_notify; dropping it sends nothing.
pub struct OwnedWriteHalf<IO>(Arc<Mutex<TlsStream<IO>>>);

impl<IO> TlsStream<IO> {
    /// Splits the stream into halves that two tasks may use at once.
    ///
    /// The halves share a lock, which each holds while it is polled and never while it waits.
    pub fn into_split(self) -> (OwnedReadHalf<IO>, OwnedWriteHalf<IO>) {
        let shared = Arc::new(Mutex::new(self));
        (OwnedReadHalf(shared.clone()), OwnedWriteHalf(shared))
    }
}

impl<IO> OwnedReadHalf<IO> {
    /// The stream again; `Err` gives the halves back when they are of two streams.
    #[allow(clippy::result_large_err, reason = "the halves are what the caller wants back")]
    pub fn unsplit(self, write: OwnedWriteHalf<IO>) -> Result<TlsStream<IO>, (Self, OwnedWriteHalf<IO>)> {
        if !Arc::ptr_eq(&self.0, &write.0) {
            return Err((self, write));
        }
        drop(write);
        match Arc::try_unwrap(self.0) {
            Ok(stream) => Ok(stream.into_inner().unwrap_or_else(PoisonError::into_inner)),
            // Only two halves are ever made, and one was dropped above.
            Err(shared) => Err((Self(shared.clone()), OwnedWriteHalf(shared))),
        }
    }

    /// What the handshake negotiated.
    pub fn info(&self) -> ConnectionInfo {
        lock(&self.0).info.clone()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> OwnedReadHalf<IO> {
    /// As [`TlsStream::read_bytes`].
    ///
    /// # Errors
    /// As there.
    pub async fn read_bytes(&mut self) -> io::Result<Option<Bytes>> {
        poll_fn(|cx| {
            let TlsStream { io, core, .. } = &mut *lock(&self.0);
            core.poll_read_bytes(cx, &mut TokioIo(io))
        })
        .await
    }
}

impl<IO> OwnedWriteHalf<IO> {
    /// As [`TlsStream::update_keys`].
    ///
    /// # Errors
    /// As there.
    pub fn update_keys(&mut self, ask_peer: bool) -> Result<(), Error> {
        lock(&self.0).update_keys(ask_peer)
    }
}

fn lock<IO>(shared: &Mutex<TlsStream<IO>>) -> std::sync::MutexGuard<'_, TlsStream<IO>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> AsyncRead for OwnedReadHalf<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_read(cx, buffer)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> AsyncWrite for OwnedWriteHalf<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *lock(&self.0)).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *lock(&self.0)).poll_shutdown(cx)
    }
}

impl<IO> fmt::Debug for OwnedReadHalf<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnedReadHalf")
    }
}

impl<IO> fmt::Debug for OwnedWriteHalf<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnedWriteHalf")
    }
}
