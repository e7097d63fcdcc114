//! What stays after a handshake: its secrets, and on a client what reads tickets.
//!
//! The records are polytls's own, as they are over every engine that says its secrets. Of OpenSSL nothing stays but on a
//! client of TLS 1.3 that resumes: OpenSSL alone can make a session of a ticket, and it reads tickets in records. They are
//! sealed anew for it, under the first secret and with a count of their own. What OpenSSL itself would write goes nowhere.
//! That secret and its keys live as long as the connection there, also when others have taken their place.

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
    export::Exporter,
    ffi,
    keys::{
        tls12::{KeyBlock, MasterSecret},
        tls13::{ApplicationSecrets, TrafficSecret},
    },
    session_store::Keeper,
    wire::Wire,
};

/// The type of a NewSessionTicket (RFC 8446 §4).
const NEW_SESSION_TICKET: u8 = 4;

/// The key schedule of an established connection.
struct Schedule {
    exporter: Exporter,
    /// In TLS 1.3, which has other keys after those of the handshake: what they come from.
    secrets: Option<Secrets>,
    /// On a client that resumes: who reads its tickets.
    tickets: Option<Box<Tickets>>,
}

/// The secrets of both directions.
struct Secrets {
    sending: TrafficSecret,
    receiving: TrafficSecret,
}

/// A connection of OpenSSL's that is shown nothing but tickets.
struct Tickets {
    stream: SslStream<Wire>,
    /// What seals them for it.
    keys: TrafficKeys,
    /// With a store: where its sessions go.
    keeper: Option<Keeper>,
}

/// What a record layer goes on with.
struct Start {
    sending: TrafficKeys,
    receiving: TrafficKeys,
    exporter: Exporter,
    secrets: Option<Secrets>,
    /// On a client: what seals tickets.
    tickets: Option<TrafficKeys>,
}

impl Start {
    /// RFC 8446 §7.3; `None` where not all of the secrets are known.
    fn tls13(ssl: &SslRef, suite: CipherSuite) -> Result<Option<Self>, ErrorStack> {
        let seen = Connection::of(ssl).and_then(|connection| connection.secrets.take(suite, ssl.is_server()));
        let Some(ApplicationSecrets { sending, receiving, sent, exporter }) = seen else { return Ok(None) };
        let received = receiving.expand()?;
        let reads_tickets =
            Connection::of(ssl).is_some_and(|connection| connection.resumes()) && !ssl.is_server();
        Ok(Some(Self {
            sending: sending.expand()?.keys(sent)?,
            receiving: received.keys(0)?,
            exporter: Exporter::Tls13(exporter),
            secrets: Some(Secrets { sending, receiving }),
            tickets: if reads_tickets { Some(received.keys(0)?) } else { None },
        }))
    }

    /// RFC 5246 §6.3; `None` where the keys are not known, or not where they stand. A Finished has gone each way, this
    /// end's in one record.
    fn tls12(stream: &SslStream<Wire>, suite: CipherSuite) -> Result<Option<Self>, ErrorStack> {
        let records = Connection::of(stream.ssl()).map(|connection| connection.secrets.records());
        let Some((1, received @ 1..)) = records else { return Ok(None) };
        let Some(secret) = MasterSecret::of(stream.ssl(), suite) else { return Ok(None) };
        let KeyBlock { client, server } = secret.key_block()?;
        let (sending, receiving) = if stream.ssl().is_server() { (server, client) } else { (client, server) };
        let nonce = stream.get_ref().explicit_nonce_of_finished();
        let Some(sending) = sending.after(nonce) else { return Ok(None) };
        let (sending, receiving) = (sending.keys(1)?, receiving.keys(received)?);
        Ok(Some(Self { sending, receiving, exporter: Exporter::Tls12(secret), secrets: None, tickets: None }))
    }
}

/// A session that goes on where OpenSSL's handshake has ended, with at most `record` bytes in a record that is sent.
pub(crate) fn session(
    mut stream: SslStream<Wire>,
    version: ProtocolVersion,
    suite: CipherSuite,
    record: usize,
    keeper: Option<Keeper>,
) -> Result<RecordSession, Error> {
    let role = if stream.ssl().is_server() { Role::Server } else { Role::Client };
    // A server of OpenSSL's grants what a client asks for, and both sides keep to it (RFC 6066 §4).
    let granted = stream.ssl().session().and_then(ffi::max_fragment_length);
    let start = match version {
        ProtocolVersion::Tls13 => Start::tls13(stream.ssl(), suite),
        _ => Start::tls12(&stream, suite),
    };
    let Some(Start { sending, receiving, exporter, secrets, tickets }) = start.map_err(error::library)?
    else {
        return Err(Error::new(ErrorKind::Backend).on_backend(NAME));
    };
    let tickets = match tickets {
        Some(keys) => Some(Box::new(Tickets::new(stream, keys, keeper))),
        None => {
            leave_resumable(&mut stream);
            None
        }
    };
    let schedule = Box::new(Schedule { exporter, secrets, tickets });
    let session = RecordSession::new(NAME, role, version, sending, receiving, schedule);
    let session =
        session.with_max_plaintext(granted.map_or(record, |granted| usize::from(granted).min(record)));
    // This counts the content's type as well, where there is one (RFC 8449 §4).
    let received = granted.map(|granted| granted + u16::from(version == ProtocolVersion::Tls13));
    Ok(session.with_record_size_limits(None, received))
}

/// For a connection of OpenSSL's that goes. Without this it takes one that is dropped for a broken one, and its session with
/// it; whether data was cut short is the reader's to say, and no fault of the session's.
fn leave_resumable(stream: &mut SslStream<Wire>) {
    stream.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
}

impl Tickets {
    fn new(mut stream: SslStream<Wire>, keys: TrafficKeys, keeper: Option<Keeper>) -> Self {
        ffi::release_buffers(&mut stream);
        Self { stream, keys, keeper }
    }

    /// Has OpenSSL read the body of a ticket.
    fn read(&mut self, body: &[u8]) -> Result<(), Error> {
        let mut records = self.seal(body).ok_or_else(|| established(ErrorKind::Backend))?;
        forget_errors();
        let mut unsent = Buffer::new();
        self.stream.get_mut().swap(&mut records, &mut unsent);
        let read = self.stream.ssl_read(&mut [0]);
        self.stream.get_mut().swap(&mut records, &mut unsent);
        match read {
            Err(wants) if wants.code() == ErrorCode::WANT_READ => {}
            Err(failure) => return Err(error::connection(failure, Phase::Established)),
            // A ticket brings no data.
            Ok(_) => return Err(established(ErrorKind::Backend)),
        }
        if let Some(keeper) = &self.keeper {
            keeper.keep_new(self.stream.ssl());
        }
        Ok(())
    }

    /// The ticket in records that OpenSSL has still to read.
    fn seal(&mut self, body: &[u8]) -> Option<Buffer> {
        let [_, length @ ..] = u32::try_from(body.len()).ok()?.to_be_bytes();
        let message = [&[NEW_SESSION_TICKET][..], &length, body].concat();
        let (mut rest, mut records) = (&message[..], Buffer::new());
        while !rest.is_empty() {
            let framing = RecordFraming::new(ProtocolVersion::Tls13);
            let slices = [IoSlice::new(rest)];
            let count = self.keys.seal(framing, ContentType::Handshake, &slices, &mut records).ok()?;
            rest = &rest[count..];
        }
        Some(records)
    }
}

impl Drop for Tickets {
    fn drop(&mut self) {
        leave_resumable(&mut self.stream);
    }
}

impl Schedule {
    fn secrets(&mut self) -> Result<&mut Secrets, Error> {
        self.secrets.as_mut().ok_or_else(|| established(ErrorKind::Backend))
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
        match &mut self.tickets {
            Some(tickets) => tickets.read(body),
            // Who resumes nothing has no use for it.
            None => Ok(()),
        }
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.exporter.export(output, label, context)
    }
}

fn established(kind: ErrorKind) -> Error {
    Error::new(kind).in_phase(Phase::Established).on_backend(NAME)
}

fn established_fault(error: ErrorStack) -> Error {
    error::library(error).in_phase(Phase::Established)
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schedule").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
