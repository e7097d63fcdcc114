//! The streams that applications hold: written once, above [`Session`](crate::Session).

mod acceptor;
mod connector;
mod core;
#[cfg(feature = "futures-io")]
mod futures_io;
mod handshake;
#[cfg(feature = "tokio")]
mod split;
#[cfg(all(test, feature = "tokio"))]
mod tests;
#[cfg(feature = "tokio")]
mod tokio;

use std::fmt;

use self::core::Core;
#[cfg(feature = "tokio")]
pub use self::split::{OwnedReadHalf, OwnedWriteHalf};
pub use self::{acceptor::TlsAcceptor, connector::TlsConnector, handshake::HandshakeError};
use crate::ConnectionInfo;

/// An established TLS connection over the byte stream `IO`.
///
/// It is `AsyncRead` and `AsyncWrite` in the sense of whichever of tokio and futures `IO` belongs to.
///
/// # End of data
/// A read of zero bytes means that the peer sent close_notify. If the byte stream ends without it, data may
/// have been cut off, and the read fails with [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof), on every
/// backend. Shutting down sends close_notify and ends this side's direction; reading goes on until the peer's.
/// Dropping the stream sends nothing: the peer sees a cut.
///
/// # Cancellation
/// Every read and write may be dropped while it waits: no byte is lost or doubled. A write that has returned
/// has taken its bytes; flush to await that they are sent.
pub struct TlsStream<IO> {
    io: IO,
    core: Core,
    info: ConnectionInfo,
}

impl<IO> TlsStream<IO> {
    /// What the handshake negotiated.
    pub fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// The byte stream underneath.
    pub fn io(&self) -> &IO {
        &self.io
    }

    /// The byte stream underneath. Reading or writing it directly breaks the connection.
    pub fn io_mut(&mut self) -> &mut IO {
        &mut self.io
    }

    /// Ends TLS without close_notify and gives the byte stream back. What was received and not read is lost.
    pub fn into_io(self) -> IO {
        self.io
    }
}

impl<IO: fmt::Debug> fmt::Debug for TlsStream<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("io", &self.io).field("info", &self.info).finish_non_exhaustive()
    }
}
