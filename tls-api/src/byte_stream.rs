//! What carries the records: any reliable, ordered byte stream.

use std::{
    io,
    task::{Context, Poll},
};

/// A byte stream in both directions, with the contracts of `futures::io::{AsyncRead, AsyncWrite}`.
///
/// The streams of tokio and futures are adapted to it; a test implements it over a queue and needs no runtime.
pub trait ByteStream: Send {
    /// Reads into `buffer`; zero bytes into a buffer that is not empty means end of stream.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes some of `bytes`.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Passes on what the stream itself buffers.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the direction of writing.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// tokio's I/O traits as a [`ByteStream`].
#[cfg(feature = "tokio")]
pub(crate) struct TokioIo<'a, IO>(pub(crate) &'a mut IO);

#[cfg(feature = "tokio")]
impl<IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send> ByteStream for TokioIo<'_, IO> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = tokio::io::ReadBuf::new(buffer);
        std::task::ready!(std::pin::Pin::new(&mut *self.0).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::pin::Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::pin::Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}

/// futures' I/O traits as a [`ByteStream`].
#[cfg(feature = "futures-io")]
pub(crate) struct FuturesIo<'a, IO>(pub(crate) &'a mut IO);

#[cfg(feature = "futures-io")]
impl<IO: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send> ByteStream for FuturesIo<'_, IO> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut *self.0).poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::pin::Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::pin::Pin::new(&mut *self.0).poll_close(cx)
    }
}
