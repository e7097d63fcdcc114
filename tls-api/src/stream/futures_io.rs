//! [`TlsStream`] as one of futures' streams, on any runtime.

use std::{
    future::{Future, poll_fn},
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use futures_io::{AsyncRead, AsyncWrite};
use futures_timer::Delay;

use super::{TlsStream, handshake::timed_out};
use crate::{Error, byte_stream::FuturesIo};

/// The outcome, or [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) once the time is up.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    outcome: impl Future<Output = Result<T, Error>>,
    backend: impl Into<Option<&'static str>>,
) -> Result<T, Error> {
    let Some(limit) = limit else { return outcome.await };
    let backend = backend.into();
    let mut outcome = pin!(outcome);
    let mut delay = Delay::new(limit);
    poll_fn(|cx| {
        if let Poll::Ready(outcome) = outcome.as_mut().poll(cx) {
            return Poll::Ready(outcome);
        }
        Pin::new(&mut delay).poll(cx).map(|()| Err(timed_out(backend)))
    })
    .await
}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> AsyncRead for TlsStream<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let Self { io, core, .. } = self.get_mut();
        core.poll_read(cx, &mut FuturesIo(io), buffer)
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
        core.poll_write(cx, &mut FuturesIo(io), slices)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, core, .. } = self.get_mut();
        core.poll_flush(cx, &mut FuturesIo(io))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, core, .. } = self.get_mut();
        core.poll_close(cx, &mut FuturesIo(io))
    }
}
