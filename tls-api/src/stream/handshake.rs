//! From a byte stream to an established connection, or back to the byte stream.

use std::{error::Error as StdError, fmt, io, sync::Arc};

use super::{
    TlsStream,
    core::{Core, Writing},
};
use crate::{
    ClientHandshake, ConnectOptions, ConnectionInfo, Error, ErrorKind, Established, ProtocolVersion,
    RecordSizing, ReplayableData, ServerHandshake, ServerName, Transport, record::Role,
};

/// One of the two sides of a handshake.
#[derive(Clone, Copy)]
pub(super) enum Side<'a> {
    Client(&'a dyn ClientHandshake, &'a ServerName, &'a ConnectOptions),
    Server(&'a dyn ServerHandshake),
}

/// An established connection without its byte stream.
pub(super) struct Connected {
    core: Core,
    info: Arc<ConnectionInfo>,
    early_data: Option<Box<ReplayableData>>,
    role: Role,
}

impl Side<'_> {
    /// Runs the handshake.
    pub(super) async fn establish(
        self,
        mut transport: Transport<'_>,
        backend: &'static str,
        sizing: RecordSizing,
    ) -> Result<Connected, Error> {
        let established = match self {
            Side::Client(handshake, name, options) => handshake.connect(name, options, &mut transport).await,
            Side::Server(handshake) => handshake.accept(&mut transport).await,
        };
        let Established { session, mut info, early_data, background, pads_records } = match established {
            Ok(established) => established,
            Err(error) => {
                // The peer should learn why; if it can't be told, the error is the same.
                let _ = transport.flush().await;
                return Err(if error.backend().is_none() { error.on_backend(backend) } else { error });
            }
        };
        let flushed = match self {
            // In TLS 1.3 the client's Finished is the last message; nobody waits for the server's tickets.
            Side::Server(_) if info.version == Some(ProtocolVersion::Tls13) => {
                transport.flush_without_waiting().await?
            }
            // In TLS 1.2 it is the server's Finished, and the client cannot go on before it has come.
            Side::Server(_) | Side::Client(..) => transport.flush().await.map(|()| true)?,
        };
        let (first_sent, first_received) = transport.first_bytes();
        first_sent.into_iter().for_each(|after| info.timings.set_first_sent(after));
        first_received.into_iter().for_each(|after| info.timings.set_first_received(after));
        info.timings.set_complete(transport.started().elapsed());
        info.handshake_bytes_received = transport.bytes_received();
        info.handshake_bytes_sent = transport.bytes_sent();
        if let Some(verified) = &info.verified_chain {
            info.peer_chain = verified.held_with(std::mem::take(&mut info.peer_chain));
        }
        let (mut incoming, mut outgoing) = transport.into_buffers();
        incoming.release_if_empty();
        outgoing.release_if_empty();
        let sizing = if pads_records { RecordSizing::Full } else { sizing };
        let writing = Writing::new(outgoing, !flushed, sizing);
        let core = Core::new(session, incoming, writing, background, backend);
        let role = match self {
            Side::Client(..) => Role::Client,
            Side::Server(_) => Role::Server,
        };
        Ok(Connected { core, info: Arc::new(info), early_data: early_data.map(Box::new), role })
    }
}

/// The stream, or the error together with the byte stream.
pub(super) fn finish<IO>(
    io: IO,
    outcome: Result<Connected, Error>,
) -> Result<TlsStream<IO>, HandshakeError<IO>> {
    match outcome {
        Ok(Connected { core, info, early_data, role }) => Ok(TlsStream { io, core, info, early_data, role }),
        Err(error) => Err(HandshakeError::new(error, io)),
    }
}

/// The error of a handshake that has had its time, of which a backend ran its part or not yet.
pub(super) fn timed_out(backend: Option<&'static str>) -> Error {
    let error = Error::new(ErrorKind::TimedOut);
    match backend {
        Some(backend) => error.on_backend(backend),
        None => error,
    }
}

/// A handshake that failed, with the byte stream that it ran over.
pub struct HandshakeError<IO> {
    /// What happened.
    error: Error,
    io: IO,
}

impl<IO> HandshakeError<IO> {
    pub(super) fn new(error: Error, io: IO) -> Self {
        Self { error, io }
    }

    /// What happened.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// What happened, without the byte stream.
    pub fn into_error(self) -> Error {
        self.error
    }

    /// The byte stream; what the peer sent during the handshake has been read from it.
    pub fn into_io(self) -> IO {
        self.io
    }

    /// Both.
    pub fn into_parts(self) -> (Error, IO) {
        (self.error, self.io)
    }
}

impl<IO> fmt::Debug for HandshakeError<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<IO> fmt::Display for HandshakeError<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<IO> StdError for HandshakeError<IO> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

impl<IO> From<HandshakeError<IO>> for Error {
    fn from(failed: HandshakeError<IO>) -> Self {
        failed.error
    }
}

impl<IO> From<HandshakeError<IO>> for io::Error {
    fn from(failed: HandshakeError<IO>) -> Self {
        failed.error.into()
    }
}
