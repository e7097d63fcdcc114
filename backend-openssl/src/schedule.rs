//! What of OpenSSL stays after a handshake of TLS 1.3: the secrets, key material for the application, and tickets.
//!
//! The records are polytls's own, as they are over every engine that says its secrets. OpenSSL alone can make a session
//! of a ticket, and it reads tickets in records: a client seals them anew for it, under the first secret and with a
//! count of its own. What OpenSSL itself would write goes nowhere.

use std::{fmt, io::IoSlice};

use openssl::{
    error::ErrorStack,
    ssl::{ErrorCode, ShutdownState, SslStream},
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
    session_store::Keeper,
    traffic::{TrafficSecret, TrafficSecrets},
    wire::Wire,
};

/// The type of a NewSessionTicket (RFC 8446 §4).
const NEW_SESSION_TICKET: u8 = 4;

/// The key schedule of an established connection.
pub(crate) struct Schedule {
    stream: SslStream<Wire>,
    sending: TrafficSecret,
    receiving: TrafficSecret,
    /// On a client: what seals tickets for OpenSSL to read.
    tickets: Option<TrafficKeys>,
    /// On a client with a store: where its sessions go.
    keeper: Option<Keeper>,
}

impl Schedule {
    /// A session that goes on where OpenSSL's handshake has ended, with at most `record` bytes in a record that is sent.
    pub(crate) fn session(
        stream: SslStream<Wire>,
        suite: CipherSuite,
        record: usize,
        keeper: Option<Keeper>,
    ) -> Result<RecordSession, Error> {
        let ssl = stream.ssl();
        let role = if ssl.is_server() { Role::Server } else { Role::Client };
        let secrets =
            Connection::of(ssl).and_then(|connection| connection.secrets.take(suite, ssl.is_server()));
        let Some(TrafficSecrets { sending, receiving, sent }) = secrets else {
            return Err(Error::new(ErrorKind::Backend).on_backend(NAME));
        };
        let sending_keys = sending.expand().and_then(|key| key.keys(sent)).map_err(error::library)?;
        let received = receiving.expand().map_err(error::library)?;
        let receiving_keys = received.keys(0).map_err(error::library)?;
        let tickets = (role == Role::Client).then(|| received.keys(0)).transpose().map_err(error::library)?;
        let schedule = Box::new(Self { stream, sending, receiving, tickets, keeper });
        let session =
            RecordSession::new(NAME, role, ProtocolVersion::Tls13, sending_keys, receiving_keys, schedule);
        Ok(session.with_max_plaintext(record))
    }

    /// The message in records that OpenSSL has still to read.
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
        self.sending.update().map_err(established_fault)
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.receiving.update().map_err(established_fault)
    }

    fn new_session_ticket(&mut self, body: &[u8]) -> Result<(), Error> {
        let Some(mut records) = self.sealed_for_openssl(body) else {
            return Err(Error::new(ErrorKind::Backend).in_phase(Phase::Established).on_backend(NAME));
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
