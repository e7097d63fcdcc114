//! [`Bytes`] in and out: plaintext that is decrypted straight into storage of its own, and sealed from where it is.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    task::Poll,
};

use bytes::{Buf, Bytes};

use super::{TlsStream, core::Core};
use crate::ByteStream;

/// How many slices of a [`Buf`] are looked at for one write.
const SLICES: usize = 16;

#[cfg(feature = "tokio")]
impl<IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send> TlsStream<IO> {
    /// Reads what there is, at most about 64 KiB, without a copy; `None` is the peer's close_notify.
    ///
    /// The bytes share storage with others of the same stream: a small piece that is kept keeps up to 64 KiB. It may
    /// be dropped while it waits: no byte is lost.
    ///
    /// # Errors
    /// As reading from the stream: [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) for a cut.
    pub async fn read_bytes(&mut self) -> io::Result<Option<Bytes>> {
        let Self { io, core, .. } = self;
        read(core, &mut crate::byte_stream::TokioIo(io)).await
    }

    /// Writes all of `bytes`, sealed from where they are. Flush to await that they are sent.
    ///
    /// Dropped while it waits, it has taken what `bytes` has advanced by.
    ///
    /// # Errors
    /// As writing to the stream.
    pub async fn write_bytes(&mut self, bytes: &mut (impl Buf + Send)) -> io::Result<()> {
        let Self { io, core, .. } = self;
        write(core, &mut crate::byte_stream::TokioIo(io), bytes).await
    }
}

#[cfg(feature = "futures-io")]
impl<IO: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send> TlsStream<IO> {
    /// Reads what there is, at most about 64 KiB, without a copy; `None` is the peer's close_notify.
    ///
    /// The bytes share storage with others of the same stream: a small piece that is kept keeps up to 64 KiB. It may
    /// be dropped while it waits: no byte is lost.
    ///
    /// # Errors
    /// As reading from the stream: [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) for a cut.
    pub async fn read_bytes_futures(&mut self) -> io::Result<Option<Bytes>> {
        let Self { io, core, .. } = self;
        read(core, &mut crate::byte_stream::FuturesIo(io)).await
    }

    /// Writes all of `bytes`, sealed from where they are. Flush to await that they are sent.
    ///
    /// Dropped while it waits, it has taken what `bytes` has advanced by.
    ///
    /// # Errors
    /// As writing to the stream.
    pub async fn write_bytes_futures(&mut self, bytes: &mut (impl Buf + Send)) -> io::Result<()> {
        let Self { io, core, .. } = self;
        write(core, &mut crate::byte_stream::FuturesIo(io), bytes).await
    }
}

async fn read(core: &mut Core, io: &mut impl ByteStream) -> io::Result<Option<Bytes>> {
    poll_fn(|cx| core.poll_read_bytes(cx, io)).await
}

async fn write(core: &mut Core, io: &mut impl ByteStream, bytes: &mut (impl Buf + Send)) -> io::Result<()> {
    poll_fn(|cx| write_all(bytes, |slices| core.poll_write(cx, io, slices))).await
}

/// Writes from the front of `bytes` until none is left.
pub(super) fn write_all(
    bytes: &mut impl Buf,
    mut poll_write: impl FnMut(&[IoSlice<'_>]) -> Poll<io::Result<usize>>,
) -> Poll<io::Result<()>> {
    while bytes.has_remaining() {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let filled = bytes.chunks_vectored(&mut slices);
        let written = std::task::ready!(poll_write(&slices[..filled]))?;
        bytes.advance(written);
    }
    Poll::Ready(Ok(()))
}
