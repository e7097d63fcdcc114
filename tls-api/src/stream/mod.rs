//! The streams that applications hold: written once, above [`Session`](crate::Session).

mod acceptor;
mod binding;
mod bytes;
mod connector;
mod core;
#[cfg(feature = "futures-io")]
mod futures_io;
mod handshake;
mod incoming;
mod record_sizing;
#[cfg(feature = "tokio")]
mod split;
#[cfg(all(test, feature = "tokio"))]
mod tests;
#[cfg(feature = "tokio")]
mod tokio;

use std::{fmt, sync::Arc};

use self::core::Core;
#[cfg(feature = "tokio")]
pub use self::split::{OwnedReadHalf, OwnedWriteHalf, Split};
pub use self::{
    acceptor::TlsAcceptor,
    connector::TlsConnector,
    handshake::HandshakeError,
    incoming::{HelloLimits, IncomingHandshake},
};
use crate::{ConfigError, ConnectionInfo, Error, ReplayableData, record::Role};

/// What HKDF yields with SHA-256; other hashes and TLS 1.2 would yield more, but one bound is for all.
const MOST_EXPORTED: usize = 255 * 32;

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
    info: Arc<ConnectionInfo>,
    early_data: Option<Box<ReplayableData>>,
    role: Role,
}

impl<IO> TlsStream<IO> {
    /// What the handshake negotiated.
    pub fn info(&self) -> &ConnectionInfo {
        &self.info
    }

    /// Which side of the connection this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// On a server: the early data that it accepted, once. What is read from the stream comes after it.
    pub fn take_early_data(&mut self) -> Option<ReplayableData> {
        self.early_data.take().map(|data| *data)
    }

    /// Renews the keys that protect what is sent, and asks the peer to renew its own if `ask_peer`
    /// (RFC 8446 §4.6.3). The message that says so goes out with the next write or flush.
    ///
    /// # Errors
    /// [`ConfigError::Unsupported`] within the error where the backend cannot,
    /// [`ConfigError::Invalid`] in TLS 1.2, which has no key update. The connection
    /// goes on as it was. [`BrokenPipe`](std::io::ErrorKind::BrokenPipe) once it is shut down.
    pub fn update_keys(&mut self, ask_peer: bool) -> Result<(), Error> {
        self.core.update_keys(ask_peer)
    }

    /// Fills `output` with key material that both sides of this connection can compute, and nobody else
    /// (RFC 8446 §7.5, RFC 5705). The label says what it is for; those of the IANA registry begin with `EXPORTER`.
    ///
    /// In TLS 1.2 no context and an empty one differ (RFC 5705 §4); in TLS 1.3 they are the same.
    ///
    /// # Errors
    /// [`ConfigError::Unsupported`] within the error where the backend cannot,
    /// [`ConfigError::Invalid`] for an output that is empty or longer than 8160 bytes.
    pub fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        if output.len() > MOST_EXPORTED {
            let reason = format!("{MOST_EXPORTED} bytes at most (RFC 5869 §2.3)");
            return Err(ConfigError::Invalid { option: "export_keying_material", reason }.into());
        }
        self.core.session().export_keying_material(output, label, context)
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
