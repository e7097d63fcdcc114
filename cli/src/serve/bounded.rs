//! A client's stream within a server's bounds: closed when it is idle, and read from for a moment at its end.
//!
//! A socket that is closed with bytes unread, be it the peer's close_notify, is reset, and a reset takes back
//! what the peer has not read yet: the end of a response, or the alert that says why a handshake failed.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use polytls::TlsStream;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{Instant, Sleep, sleep},
};

/// How long a connection may be without a byte in either direction.
const IDLE_TIME_LIMIT: Duration = Duration::from_secs(60);

/// How long, and for how many bytes, it is read from at its end.
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 64 * 1024;

/// The stream, with its place among the connections. A task has both when this is dropped.
pub(super) struct Bounded {
    stream: Option<(TlsStream<TcpStream>, OwnedSemaphorePermit)>,
    idle: Pin<Box<Sleep>>,
}

impl Bounded {
    pub(super) fn new(stream: TlsStream<TcpStream>, place: OwnedSemaphorePermit) -> Self {
        Self { stream: Some((stream, place)), idle: Box::pin(sleep(IDLE_TIME_LIMIT)) }
    }

    /// Runs `operation` on the stream; if it has to wait, it waits no longer than the limit.
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnOnce(Pin<&mut TlsStream<TcpStream>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let Some((stream, _)) = &mut self.stream else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        match operation(Pin::new(stream), cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => self.idle.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into())),
        }
    }

    /// The same, for operations that move bytes: flushing nothing, for one, does not.
    fn poll_moving<T>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnOnce(Pin<&mut TlsStream<TcpStream>>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let polled = self.poll(cx, operation);
        if polled.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE_TIME_LIMIT);
        }
        polled
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        if let (Some((stream, place)), Ok(runtime)) =
            (self.stream.take(), tokio::runtime::Handle::try_current())
        {
            runtime.spawn(linger(stream, place));
        }
    }
}

/// Reads on for a moment once everything is sent, and then gives back the place.
pub(super) async fn linger(stream: impl AsyncRead + Unpin, place: OwnedSemaphorePermit) {
    let mut rest = stream.take(LINGER_BYTES);
    let mut nowhere = tokio::io::sink();
    // However it ends: the response or the alert is out, and nobody waits for this.
    let _ = tokio::time::timeout(LINGER_TIME, tokio::io::copy(&mut rest, &mut nowhere)).await;
    drop(place);
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_moving(cx, |stream, cx| stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_moving(cx, |stream, cx| stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_moving(cx, |stream, cx| stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |stream, cx| stream.poll_shutdown(cx))
    }
}
