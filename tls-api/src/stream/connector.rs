//! The client's entrance.

use std::{fmt, pin::pin, sync::Arc};

use super::{HandshakeError, TlsStream, handshake};
use crate::{
    ByteStream, ClientConfig, ClientHandshake, ConfigError, ConnectOptions, Error, ServerName, Transport,
};

/// Connects: prepared once from a [`ClientConfig`], used for many connections. Cheap to clone.
#[derive(Clone)]
pub struct TlsConnector {
    config: ClientConfig,
    backend: &'static str,
    handshake: Arc<dyn ClientHandshake>,
}

impl TlsConnector {
    /// Has the configuration's backend parse keys and roots.
    ///
    /// # Errors
    /// [`ConfigError`] when the backend refuses them.
    pub fn new(config: &ClientConfig) -> Result<Self, ConfigError> {
        let handshake = config.backend().client(&config.with_roots_of_now()?)?;
        Ok(Self { config: config.clone(), backend: config.backend().info().name, handshake })
    }

    /// What it was made from.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }

    /// Runs the handshake with the server `name` over one of tokio's streams.
    ///
    /// # Errors
    /// [`HandshakeError`], which gives `io` back.
    ///
    /// # Panics
    /// The time limit needs tokio's timer: as for `tokio::time::sleep`, a runtime without it is a panic.
    #[cfg(feature = "tokio")]
    pub async fn connect<IO>(&self, name: &ServerName, io: IO) -> Result<TlsStream<IO>, HandshakeError<IO>>
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    {
        pin!(self.connect_with(name, &ConnectOptions::new(), io)).await
    }

    /// [`TlsConnector::connect`] with options for this one connection.
    ///
    /// # Errors
    /// [`HandshakeError`], which gives `io` back.
    ///
    /// # Panics
    /// As [`TlsConnector::connect`].
    #[cfg(feature = "tokio")]
    pub async fn connect_with<IO>(
        &self,
        name: &ServerName,
        options: &ConnectOptions,
        mut io: IO,
    ) -> Result<TlsStream<IO>, HandshakeError<IO>>
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    {
        let limit = self.config.protocol().handshake_time_limit();
        let outcome = {
            let mut stream = crate::byte_stream::TokioIo(&mut io);
            // It is large, and would be moved from one to the next that waits for it.
            let outcome = pin!(self.establish(name, options, &mut stream));
            super::tokio::within(limit, outcome, self.backend).await
        };
        handshake::finish(io, outcome)
    }

    /// Runs the handshake with the server `name` over one of futures' streams, on any runtime.
    ///
    /// # Errors
    /// [`HandshakeError`], which gives `io` back.
    #[cfg(feature = "futures-io")]
    pub async fn connect_futures<IO>(
        &self,
        name: &ServerName,
        io: IO,
    ) -> Result<TlsStream<IO>, HandshakeError<IO>>
    where
        IO: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send,
    {
        pin!(self.connect_futures_with(name, &ConnectOptions::new(), io)).await
    }

    /// [`TlsConnector::connect_futures`] with options for this one connection.
    ///
    /// # Errors
    /// [`HandshakeError`], which gives `io` back.
    #[cfg(feature = "futures-io")]
    pub async fn connect_futures_with<IO>(
        &self,
        name: &ServerName,
        options: &ConnectOptions,
        mut io: IO,
    ) -> Result<TlsStream<IO>, HandshakeError<IO>>
    where
        IO: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send,
    {
        let limit = self.config.protocol().handshake_time_limit();
        let outcome = {
            let mut stream = crate::byte_stream::FuturesIo(&mut io);
            let outcome = pin!(self.establish(name, options, &mut stream));
            super::futures_io::within(limit, outcome, self.backend).await
        };
        handshake::finish(io, outcome)
    }

    async fn establish(
        &self,
        name: &ServerName,
        options: &ConnectOptions,
        io: &mut dyn ByteStream,
    ) -> Result<handshake::Connected, Error> {
        if options.early_data.is_some() && !self.config.early_data() {
            return Err(ConfigError::Invalid {
                option: "early_data",
                reason: "it is given for a connection, but the configuration does not allow it".into(),
            }
            .into());
        }
        let side = handshake::Side::Client(&*self.handshake, name, options);
        let transport = Transport::with_limit(io, self.config.protocol().handshake_size_limit());
        let sizing = self.config.protocol().record_sizing();
        pin!(side.establish(transport, self.backend, sizing)).await
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConnector").field("config", &self.config).finish_non_exhaustive()
    }
}
