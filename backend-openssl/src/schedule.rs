//! What of OpenSSL stays after a handshake: its secrets, key material for the application, and tickets.
//!
//! The records are polytls's own, as they are over every engine that says its secrets. OpenSSL alone can make a session
//! of a ticket of TLS 1.3, and it reads tickets in records: a client seals them anew for it, under the first secret and
//! with a count of its own. What OpenSSL itself would write goes nowhere.

use std::{fmt, io::IoSlice};

use openssl::{
    error::ErrorStack,
    ssl::{ErrorCode, ShutdownState, SslRef, SslStream},
};
use polytls_api::{
    Buffer, CipherSuite, Error, ErrorKind, Phase, ProtocolVersion,
    record::{ContentType, KeySchedule, RecordFraming, RecordSession, Role, TrafficKeys},
};

use crate::{
    NAME,
    connection::Connection,
    drive::forget_errors,
    error,
    export::export_keying_material,
    keys::{
        tls12::KeyBlock,
        tls13::{TrafficSecret, TrafficSecrets},
    },
    session_store::Keeper,
    wire::Wire,
};

/// The type of a NewSessionTicket (RFC 8446 §4).
const NEW_SESSION_TICKET: u8 = 4;

/// The key schedule of an established connection.
pub(crate) struct Schedule {
    stream: SslStream<Wire>,
    /// In TLS 1.3, which has other keys after those of the handshake.
    secrets: Option<Secrets>,
    /// On a client with a store: where its sessions go.
    keeper: Option<Keeper>,
}

/// What further keys come from.
struct Secrets {
    sending: TrafficSecret,
    receiving: TrafficSecret,
    /// On a client: what seals tickets for OpenSSL to read.
    tickets: Option<TrafficKeys>,
}

/// What a record layer goes on with.
struct Start {
    sending: TrafficKeys,
    receiving: TrafficKeys,
    secrets: Option<Secrets>,
}

impl Start {
    /// RFC 8446 §7.3.
    fn tls13(ssl: &SslRef, suite: CipherSuite) -> Result<Option<Self>, ErrorStack> {
        let seen = Connection::of(ssl).and_then(|connection| connection.secrets.take(suite, ssl.is_server()));
        let Some(TrafficSecrets { sending, receiving, sent }) = seen else { return Ok(None) };
        let received = receiving.expand()?;
        let tickets = if ssl.is_server() { None } else { Some(received.keys(0)?) };
        Ok(Some(Self {
            sending: sending.expand()?.keys(sent)?,
            receiving: received.keys(0)?,
            secrets: Some(Secrets { sending, receiving, tickets }),
        }))
    }

    /// RFC 5246 §6.3. One record has gone each way, a Finished.
    fn tls12(stream: &SslStream<Wire>, suite: CipherSuite) -> Result<Option<Self>, ErrorStack> {
        let Some(KeyBlock { client, server }) = KeyBlock::of(stream.ssl(), suite)? else { return Ok(None) };
        let (sending, receiving) = if stream.ssl().is_server() { (server, client) } else { (client, server) };
        let nonce = stream.get_ref().explicit_nonce_of_finished();
        let Some(sending) = sending.after(nonce) else { return Ok(None) };
        Ok(Some(Self { sending: sending.keys(1)?, receiving: receiving.keys(1)?, secrets: None }))
    }
}

impl Schedule {
    /// A session that goes on where OpenSSL's handshake has ended, with at most `record` bytes in a record that is sent.
    pub(crate) fn session(
        stream: SslStream<Wire>,
        version: ProtocolVersion,
        suite: CipherSuite,
        record: usize,
        keeper: Option<Keeper>,
    ) -> Result<RecordSession, Error> {
        let role = if stream.ssl().is_server() { Role::Server } else { Role::Client };
        let start = match version {
            ProtocolVersion::Tls13 => Start::tls13(stream.ssl(), suite),
            _ => Start::tls12(&stream, suite),
        };
        let Some(Start { sending, receiving, secrets }) = start.map_err(error::library)? else {
            return Err(Error::new(ErrorKind::Backend).on_backend(NAME));
        };
        let schedule = Box::new(Self { stream, secrets, keeper });
        let session = RecordSession::new(NAME, role, version, sending, receiving, schedule);
        Ok(session.with_max_plaintext(record))
    }

    fn secrets(&mut self) -> Result<&mut Secrets, Error> {
        self.secrets.as_mut().ok_or_else(|| established(ErrorKind::Backend))
    }
}

impl Secrets {
    /// The ticket in records that OpenSSL has still to read.
    fn sealed_for_openssl(&mut self, body: &[u8]) -> Option<Buffer> {
        let keys = self.tickets.as_mut()?;
        let [_, length @ ..] = u32::try_from(body.len()).ok()?.to_be_bytes();
        let message = [&[NEW_SESSION_TICKET][..], &length, body].concat();
        let (mut rest, mut records) = (&message[..], Buffer::new());
        while !rest.is_empty() {
            let framing = RecordFraming::new(ProtocolVersion::Tls13);
            let count =
                keys.seal(framing, ContentType::Handshake, &[IoSlice::new(rest)], &mut records).ok()?;
            rest = &rest[count..];
        }
        Some(records)
    }
}

impl KeySchedule for Schedule {
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.secrets()?.sending.update().map_err(established_fault)
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.secrets()?.receiving.update().map_err(established_fault)
    }

    fn new_session_ticket(&mut self, body: &[u8]) -> Result<(), Error> {
        let Some(mut records) = self.secrets()?.sealed_for_openssl(body) else {
            return Err(established(ErrorKind::Backend));
        };
        forget_errors();
        let mut unsent = Buffer::new();
        self.stream.get_mut().swap(&mut records, &mut unsent);
        let read = self.stream.ssl_read(&mut [0]);
        self.stream.get_mut().swap(&mut records, &mut unsent);
        match read {
            Err(wants) if wants.code() == ErrorCode::WANT_READ => {}
            Err(failure) => return Err(error::connection(failure, Phase::Established)),
            // A ticket brings no data.
            Ok(_) => {
                return Err(Error::new(ErrorKind::Backend).in_phase(Phase::Established).on_backend(NAME));
            }
        }
        if let Some(keeper) = &self.keeper {
            keeper.keep_new(self.stream.ssl());
        }
        Ok(())
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        export_keying_material(self.stream.ssl(), output, label, context)
    }
}

fn established(kind: ErrorKind) -> Error {
    Error::new(kind).in_phase(Phase::Established).on_backend(NAME)
}

fn established_fault(error: ErrorStack) -> Error {
    error::library(error).in_phase(Phase::Established)
}

impl Drop for Schedule {
    fn drop(&mut self) {
        // Without this OpenSSL takes a connection that is dropped for a broken one, and its session with
        // it; whether data was cut short is the reader's to say, and no fault of the session's.
        self.stream.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedule").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
