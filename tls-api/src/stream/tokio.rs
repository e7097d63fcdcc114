//! [`TlsStream`] as one of tokio's streams.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{TlsStream, handshake::timed_out};
use crate::{Error, byte_stream::TokioIo};

/// The most that one read initialises in a buffer that is not yet.
pub(super) const READ_AT_ONCE: usize = 64 * 1024;

/// The outcome, or [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) once the time is up.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    outcome: impl Future<Output = Result<T, Error>>,
    backend: impl Into<Option<&'static str>>,
) -> Result<T, Error> {
    match limit {
        None => outcome.await,
        Some(limit) => match tokio::time::timeout(limit, outcome).await {
            Ok(outcome) => outcome,
            Err(_) => Err(timed_out(backend.into())),
        },
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> AsyncRead for TlsStream<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { io, core, .. } = self.get_mut();
        let room = buffer.remaining().min(READ_AT_ONCE);
        let count = ready!(core.poll_read(cx, &mut TokioIo(io), buffer.initialize_unfilled_to(room)))?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> AsyncWrite for TlsStream<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { io, core, .. } = self.get_mut();
        core.poll_write(cx, &mut TokioIo(io), slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, core, .. } = self.get_mut();
        core.poll_flush(cx, &mut TokioIo(io))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, core, .. } = self.get_mut();
        core.poll_close(cx, &mut TokioIo(io))
    }
}
