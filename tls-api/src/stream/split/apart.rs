//! Byte streams that come apart.

use tokio::{
    io::{AsyncRead, AsyncWrite, Join, join},
    net::{TcpStream, tcp},
};

/// A byte stream whose directions two tasks use at once.
///
/// Any other is split by [`TlsStream::into_split_by`](crate::TlsStream::into_split_by).
pub trait Split: Sized {
    /// The direction of reading.
    type Reader: AsyncRead + Unpin + Send;
    /// The direction of writing. It is dropped when neither half of the [`TlsStream`](crate::TlsStream) is left.
    type Writer: AsyncWrite + Unpin + Send;

    /// The byte stream's directions.
    fn split(self) -> (Self::Reader, Self::Writer);

    /// The byte stream again.
    ///
    /// # Errors
    /// The directions, when they are of two byte streams.
    fn unsplit(reader: Self::Reader, writer: Self::Writer) -> Result<Self, (Self::Reader, Self::Writer)>;
}

impl Split for TcpStream {
    type Reader = tcp::OwnedReadHalf;
    type Writer = tcp::OwnedWriteHalf;

    fn split(self) -> (Self::Reader, Self::Writer) {
        self.into_split()
    }

    fn unsplit(reader: Self::Reader, writer: Self::Writer) -> Result<Self, (Self::Reader, Self::Writer)> {
        reader.reunite(writer).map_err(|error| (error.0, error.1))
    }
}

#[cfg(unix)]
impl Split for tokio::net::UnixStream {
    type Reader = tokio::net::unix::OwnedReadHalf;
    type Writer = tokio::net::unix::OwnedWriteHalf;

    fn split(self) -> (Self::Reader, Self::Writer) {
        self.into_split()
    }

    fn unsplit(reader: Self::Reader, writer: Self::Writer) -> Result<Self, (Self::Reader, Self::Writer)> {
        reader.reunite(writer).map_err(|error| (error.0, error.1))
    }
}

impl<R: AsyncRead + Unpin + Send, W: AsyncWrite + Unpin + Send> Split for Join<R, W> {
    type Reader = R;
    type Writer = W;

    fn split(self) -> (R, W) {
        self.into_inner()
    }

    fn unsplit(reader: R, writer: W) -> Result<Self, (R, W)> {
        Ok(join(reader, writer))
    }
}
