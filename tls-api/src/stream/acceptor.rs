//! The server's entrance.

use std::{fmt, pin::pin, sync::Arc};

use super::{HandshakeError, TlsStream, handshake};
use crate::{ByteStream, ConfigError, Error, ServerConfig, ServerHandshake, Transport, transport::Arrived};

/// Accepts: prepared once from a [`ServerConfig`], used for many connections. Cheap to clone.
#[derive(Clone)]
pub struct TlsAcceptor {
    config: ServerConfig,
    backend: &'static str,
    handshake: Arc<dyn ServerHandshake>,
}

impl TlsAcceptor {
    /// Has the configuration's backend parse keys and roots.
    ///
    /// # Errors
    /// [`ConfigError`] when the backend refuses them; [`ConfigError::KeyMismatch`] when the key is another's.
    pub fn new(config: &ServerConfig) -> Result<Self, ConfigError> {
        let handshake = config.backend().server(&config.with_roots_of_now()?)?;
        Ok(Self { config: config.clone(), backend: config.backend().info().name, handshake })
    }

    /// What it was made from.
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Runs the handshake with a client over one of tokio's streams.
    ///
    /// # Errors
    /// [`HandshakeError`], which gives `io` back.
    ///
    /// # Panics
    /// The time limit needs tokio's timer: as for `tokio::time::sleep`, a runtime without it is a panic.
    #[cfg(feature = "tokio")]
    pub async fn accept<IO>(&self, io: IO) -> Result<TlsStream<IO>, HandshakeError<IO>>
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    {
        pin!(self.accept_arrived(io, Arrived::nothing())).await
    }

    /// Runs the handshake of a client of whom this much has come.
    #[cfg(feature = "tokio")]
    pub(super) async fn accept_arrived<IO>(
        &self,
        mut io: IO,
        arrived: Arrived,
    ) -> Result<TlsStream<IO>, HandshakeError<IO>>
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    {
        let limit = self.config.protocol().handshake_time_limit();
        let outcome = {
            let mut stream = crate::byte_stream::TokioIo(&mut io);
            // It is large, and would be moved from one to the next that waits for it.
            let outcome = pin!(self.establish(&mut stream, arrived));
            super::tokio::within(limit, outcome, self.backend).await
        };
        handshake::finish(io, outcome)
    }

    /// Runs the handshake with a client over one of futures' streams, on any runtime.
    ///
    /// # Errors
    /// [`HandshakeError`], which gives `io` back.
    #[cfg(feature = "futures-io")]
    pub async fn accept_futures<IO>(&self, io: IO) -> Result<TlsStream<IO>, HandshakeError<IO>>
    where
        IO: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send,
    {
        pin!(self.accept_arrived_futures(io, Arrived::nothing())).await
    }

    /// [`TlsAcceptor::accept_arrived`] over one of futures' streams.
    #[cfg(feature = "futures-io")]
    pub(super) async fn accept_arrived_futures<IO>(
        &self,
        mut io: IO,
        arrived: Arrived,
    ) -> Result<TlsStream<IO>, HandshakeError<IO>>
    where
        IO: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send,
    {
        let limit = self.config.protocol().handshake_time_limit();
        let outcome = {
            let mut stream = crate::byte_stream::FuturesIo(&mut io);
            let outcome = pin!(self.establish(&mut stream, arrived));
            super::futures_io::within(limit, outcome, self.backend).await
        };
        handshake::finish(io, outcome)
    }

    async fn establish(
        &self,
        io: &mut dyn ByteStream,
        arrived: Arrived,
    ) -> Result<handshake::Connected, Error> {
        let limit = size_limit(self.config.protocol().handshake_size_limit(), self.config.max_early_data());
        let transport = Transport::going_on(io, limit, arrived);
        let sizing = self.config.protocol().record_sizing();
        let side = handshake::Side::Server(&*self.handshake);
        pin!(side.establish(transport, self.backend, sizing)).await
    }
}

/// Early data comes before the handshake is complete, in records of 512 bytes at least.
fn size_limit(handshake: usize, early_data: u32) -> usize {
    let early_data = early_data as usize;
    handshake.saturating_add(early_data).saturating_add(early_data / 16)
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAcceptor").field("config", &self.config).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_data_comes_on_top_of_the_handshake_up_to_no_limit() {
        assert_eq!(size_limit(8192, 0), 8192);
        assert_eq!(size_limit(8192, 1600), 8192 + 1700);
        assert_eq!(size_limit(usize::MAX, u32::MAX), usize::MAX);
        assert_eq!(size_limit(usize::MAX - 1600, 1600), usize::MAX);
    }
}
