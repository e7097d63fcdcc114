//! An established connection whose keys are known: application data, alerts, and what follows a handshake.

use std::{fmt, io::IoSlice};

use super::{
    ContentType, KeySchedule, MAX_PLAINTEXT, TrafficKeys,
    open::{OpenedRecord, Place, Refusal, next_record},
    seal::Plaintext,
};
use crate::{
    AlertDescription, Buffer, ConfigError, Error, ErrorKind, Opened, Phase, ProtocolVersion, Session,
};

/// How much plaintext one call of `seal` takes: four full records.
const SEAL_MEASURE: usize = 64 * 1024;

/// Bounds on what a peer may send to no purpose, each counted until application data comes.
const MAX_EMPTY_RECORDS: u8 = 32;
const MAX_WARNING_ALERTS: u8 = 4;
const MAX_KEY_UPDATES: u8 = 32;
const MAX_RENEGOTIATION_REQUESTS: u8 = 1;
const MAX_SESSION_TICKETS: u8 = 32;

/// The longest message that may follow a handshake; a session ticket is the only long one.
const MAX_HANDSHAKE_MESSAGE: usize = 16 * 1024;

/// Types of handshake messages that may follow a handshake (RFC 8446 §4).
const NEW_SESSION_TICKET: u8 = 4;
const KEY_UPDATE: u8 = 24;

/// Which side of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "TLS has two roles")]
pub enum Role {
    /// The side that connected.
    Client,
    /// The side that accepted.
    Server,
}

/// The record layer of an established connection.
pub struct RecordSession {
    backend: &'static str,
    role: Role,
    version: ProtocolVersion,
    sending: TrafficKeys,
    receiving: TrafficKeys,
    schedule: Box<dyn KeySchedule>,
    /// The most plaintext in one record that is sent.
    max_plaintext: usize,
    /// Plaintext at the front of the incoming buffer that did not fit the caller's, and what follows it there.
    pending: usize,
    pending_trailer: usize,
    /// A handshake message of which the rest is still to come.
    handshake: Vec<u8>,
    key_update_owed: bool,
    /// RFC 9846: one request to the peer at a time.
    key_update_asked: bool,
    close_received: bool,
    failure: Option<Error>,
    idle: Idle,
}

/// Records that brought nothing, since the last that brought data.
#[derive(Debug, Default)]
struct Idle {
    empty_records: u8,
    warning_alerts: u8,
    key_updates: u8,
    renegotiation_requests: u8,
    session_tickets: u8,
}

impl RecordSession {
    /// A connection whose handshake is complete.
    pub fn new(
        backend: &'static str,
        role: Role,
        version: ProtocolVersion,
        sending: TrafficKeys,
        receiving: TrafficKeys,
        schedule: Box<dyn KeySchedule>,
    ) -> Self {
        Self {
            backend,
            role,
            version,
            sending,
            receiving,
            schedule,
            max_plaintext: MAX_PLAINTEXT,
            pending: 0,
            pending_trailer: 0,
            handshake: Vec::new(),
            key_update_owed: false,
            key_update_asked: false,
            close_received: false,
            failure: None,
            idle: Idle::default(),
        }
    }

    /// The same connection, with at most this much plaintext in one record that is sent: 1 to 2^14 bytes.
    ///
    /// [`ProtocolSettings::max_record_plaintext`](crate::ProtocolSettings::max_record_plaintext) has it.
    #[must_use]
    pub fn with_max_plaintext(mut self, bytes: usize) -> Self {
        self.max_plaintext = bytes.clamp(1, MAX_PLAINTEXT);
        self
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind).in_phase(Phase::Established).on_backend(self.backend)
    }

    /// Tells the peer, and remembers: nothing works on this connection any more.
    fn fail(&mut self, refusal: Refusal, outgoing: &mut Buffer) -> Error {
        let error = self.error(refusal.kind).with_alert_sent(refusal.alert);
        self.failure = Some(error.clone());
        // The connection is lost anyhow if the alert cannot be sealed.
        let _ = self.seal_message(ContentType::Alert, &[2, refusal.alert.code()], outgoing);
        error
    }

    fn seal_message(
        &mut self,
        content_type: ContentType,
        message: &[u8],
        outgoing: &mut Buffer,
    ) -> Result<(), Error> {
        let slices = [IoSlice::new(message)];
        self.sending
            .seal_record(self.version, content_type, &mut Plaintext::new(&slices), MAX_PLAINTEXT, outgoing)
            .map(drop)
            .map_err(|_| self.error(ErrorKind::Backend))
    }

    /// RFC 8446 §4.6.3: from the next record on, new keys protect what is sent.
    fn send_key_update(&mut self, ask_peer: bool, outgoing: &mut Buffer) -> Result<(), Error> {
        let request_update = u8::from(ask_peer && !self.key_update_asked);
        self.seal_message(ContentType::Handshake, &[KEY_UPDATE, 0, 0, 1, request_update], outgoing)?;
        self.key_update_asked |= ask_peer;
        self.sending = self.schedule.next_sending_keys()?;
        self.key_update_owed = false;
        Ok(())
    }

    /// Keys fit for one more record.
    fn refresh_sending_keys(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        match self.version {
            ProtocolVersion::Tls13 if self.key_update_owed || self.sending.is_exhausted() => {
                self.send_key_update(false, outgoing)
            }
            ProtocolVersion::Tls12 if self.sending.is_exhausted() => {
                Err(self.error(ErrorKind::KeysExhausted))
            }
            ProtocolVersion::Tls12 | ProtocolVersion::Tls13 => Ok(()),
        }
    }

    /// Moves plaintext that waits in the incoming buffer to the caller.
    fn drain_pending(&mut self, incoming: &mut Buffer, plaintext: &mut [u8]) -> usize {
        let count = self.pending.min(plaintext.len());
        plaintext[..count].copy_from_slice(&incoming.filled()[..count]);
        incoming.consume(count);
        self.pending -= count;
        if self.pending == 0 {
            incoming.consume(self.pending_trailer);
            self.pending_trailer = 0;
        }
        count
    }

    /// Opens one record; says how many bytes of application data are now in the caller's buffer.
    fn open_one(
        &mut self,
        incoming: &mut Buffer,
        outgoing: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<Option<usize>, Refusal> {
        let Some(record) = next_record(self.version, incoming)? else { return Ok(None) };
        let opened = self.receiving.open_record(self.version, record, incoming, plaintext)?;
        if opened.content_type == ContentType::ApplicationData {
            return self.application_data(&opened).map(Some);
        }
        let content = take_content(&opened, incoming, plaintext);
        match opened.content_type {
            ContentType::Alert => self.alert(&content)?,
            _ if self.version == ProtocolVersion::Tls12 => self.renegotiation(outgoing)?,
            _ => self.handshake_messages(&content)?,
        }
        Ok(Some(0))
    }

    fn application_data(&mut self, opened: &OpenedRecord) -> Result<usize, Refusal> {
        // RFC 8446 §5.1: no other record may stand between the fragments of a handshake message.
        if !self.handshake.is_empty() {
            return Err(Refusal::misbehaved(AlertDescription::UNEXPECTED_MESSAGE));
        }
        if opened.content_len == 0 {
            count(&mut self.idle.empty_records, MAX_EMPTY_RECORDS)?;
        } else {
            self.idle = Idle::default();
        }
        match opened.place {
            Place::Caller => Ok(opened.content_len),
            Place::Incoming { trailer } => {
                self.pending = opened.content_len;
                self.pending_trailer = trailer;
                Ok(0)
            }
        }
    }

    /// RFC 8446 §6, RFC 5246 §7.2.
    fn alert(&mut self, content: &[u8]) -> Result<(), Refusal> {
        let &[level, code] = content else {
            return Err(Refusal::misbehaved(AlertDescription::DECODE_ERROR));
        };
        let alert = AlertDescription::from_code(code);
        let harmless = match self.version {
            ProtocolVersion::Tls12 => level == 1,
            ProtocolVersion::Tls13 => alert == AlertDescription::USER_CANCELED,
        };
        if alert == AlertDescription::CLOSE_NOTIFY {
            self.close_received = true;
            Ok(())
        } else if harmless {
            count(&mut self.idle.warning_alerts, MAX_WARNING_ALERTS)
        } else {
            // Nobody reads an answer to a fatal alert; close_notify is the politest of them.
            Err(Refusal { kind: ErrorKind::AlertReceived(alert), alert: AlertDescription::CLOSE_NOTIFY })
        }
    }

    /// RFC 5746 §4.2: a peer that asks for renegotiation is told that there is none.
    fn renegotiation(&mut self, outgoing: &mut Buffer) -> Result<(), Refusal> {
        count(&mut self.idle.renegotiation_requests, MAX_RENEGOTIATION_REQUESTS)?;
        let warning = [1, AlertDescription::NO_RENEGOTIATION.code()];
        self.seal_message(ContentType::Alert, &warning, outgoing).map_err(internal)
    }

    /// RFC 8446 §4.6: messages after the handshake, whole or in fragments.
    fn handshake_messages(&mut self, content: &[u8]) -> Result<(), Refusal> {
        if content.is_empty() {
            return Err(Refusal::misbehaved(AlertDescription::UNEXPECTED_MESSAGE));
        }
        self.handshake.extend_from_slice(content);
        while let Some((&[kind, high, middle, low], rest)) = self.handshake.split_first_chunk() {
            let length = u32::from_be_bytes([0, high, middle, low]) as usize;
            if length > MAX_HANDSHAKE_MESSAGE {
                return Err(Refusal {
                    kind: ErrorKind::LimitExceeded,
                    alert: AlertDescription::UNEXPECTED_MESSAGE,
                });
            }
            let Some(body) = rest.get(..length) else { break };
            let body = body.to_vec();
            self.handshake.drain(..4 + length);
            match (kind, self.role) {
                (NEW_SESSION_TICKET, Role::Client) => {
                    count(&mut self.idle.session_tickets, MAX_SESSION_TICKETS)?;
                    self.schedule.new_session_ticket(&body).map_err(|_| Refusal {
                        kind: ErrorKind::InvalidMessage,
                        alert: AlertDescription::DECODE_ERROR,
                    })?;
                }
                (KEY_UPDATE, _) => self.key_update(&body)?,
                _ => return Err(Refusal::misbehaved(AlertDescription::UNEXPECTED_MESSAGE)),
            }
        }
        if self.handshake.is_empty() {
            self.handshake = Vec::new();
        }
        Ok(())
    }

    /// RFC 8446 §4.6.3. The answer goes out before the next application data; one answers any number of requests.
    fn key_update(&mut self, body: &[u8]) -> Result<(), Refusal> {
        // RFC 8446 §5.1: a message before a key change must end its record.
        if !self.handshake.is_empty() {
            return Err(Refusal::misbehaved(AlertDescription::UNEXPECTED_MESSAGE));
        }
        match body {
            [0] => {}
            [1] => self.key_update_owed = true,
            [_] => return Err(Refusal::misbehaved(AlertDescription::ILLEGAL_PARAMETER)),
            _ => return Err(Refusal::misbehaved(AlertDescription::DECODE_ERROR)),
        }
        count(&mut self.idle.key_updates, MAX_KEY_UPDATES)?;
        self.receiving = self.schedule.next_receiving_keys().map_err(internal)?;
        self.key_update_asked = false;
        Ok(())
    }
}

impl Session for RecordSession {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let mut plaintext = Plaintext::new(plaintext);
        let mut taken = 0;
        while plaintext.len() > 0 && taken < SEAL_MEASURE {
            let sealed = self.refresh_sending_keys(outgoing).and_then(|()| {
                let (version, most) = (self.version, self.max_plaintext);
                self.sending
                    .seal_record(version, ContentType::ApplicationData, &mut plaintext, most, outgoing)
                    .map_err(|_| self.error(ErrorKind::Backend))
            });
            match sealed {
                Ok(count) => taken += count,
                Err(error) => {
                    self.failure = Some(error.clone());
                    return Err(error);
                }
            }
        }
        Ok(taken)
    }

    fn open(
        &mut self,
        incoming: &mut Buffer,
        outgoing: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<Opened, Error> {
        let mut opened = self.drain_pending(incoming, plaintext);
        while opened < plaintext.len() {
            if self.close_received && opened == 0 {
                return Ok(Opened::Closed);
            }
            if self.close_received || (self.failure.is_some() && opened > 0) {
                break;
            }
            if let Some(failure) = &self.failure {
                return Err(failure.clone());
            }
            match self.open_one(incoming, outgoing, &mut plaintext[opened..]) {
                Ok(None) => break,
                Ok(Some(count)) => opened += count,
                // What came before the fault is delivered; the fault is reported by the next call.
                Err(refusal) => drop(self.fail(refusal, outgoing)),
            }
            opened += self.drain_pending(incoming, &mut plaintext[opened..]);
        }
        Ok(if opened > 0 { Opened::Data(opened) } else { Opened::NeedMore })
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        if self.failure.is_some() {
            return Ok(());
        }
        self.seal_message(ContentType::Alert, &[1, AlertDescription::CLOSE_NOTIFY.code()], outgoing)
    }

    fn update_keys(&mut self, ask_peer: bool, outgoing: &mut Buffer) -> Result<(), Error> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.version == ProtocolVersion::Tls12 {
            return Err(self.error(ErrorKind::Config(ConfigError::no_key_update())));
        }
        self.send_key_update(ask_peer, outgoing).inspect_err(|error| self.failure = Some(error.clone()))
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.schedule.export_keying_material(output, label, context)
    }
}

/// What only a misbehaving peer, or a very long connection, would do.
#[cfg(test)]
impl RecordSession {
    pub(super) fn seal_for_test(&mut self, content_type: ContentType, message: &[u8], outgoing: &mut Buffer) {
        self.seal_message(content_type, message, outgoing).unwrap();
    }

    /// One TLS 1.3 record with this inner plaintext, type and padding included.
    pub(super) fn seal_inner_for_test(&mut self, inner: &[u8], outgoing: &mut Buffer) {
        self.sending.seal_inner_for_test(inner, outgoing);
    }

    pub(super) fn rekey_sending_for_test(&mut self) {
        self.sending = self.schedule.next_sending_keys().unwrap();
    }

    pub(super) fn receiving_key_for_test(&self) -> String {
        self.receiving.cipher_for_test()
    }

    pub(super) fn exhaust_for_test(&mut self) {
        self.sending.exhaust();
    }
}

impl fmt::Debug for RecordSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordSession")
            .field("backend", &self.backend)
            .field("role", &self.role)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The content of a record that is not application data, out of whichever buffer it is in.
fn take_content(opened: &OpenedRecord, incoming: &mut Buffer, plaintext: &mut [u8]) -> Vec<u8> {
    match opened.place {
        Place::Caller => {
            let content = plaintext[..opened.content_len].to_vec();
            // The caller is told of no byte here, and should find none.
            plaintext[..opened.content_len].fill(0);
            content
        }
        Place::Incoming { trailer } => {
            let content = incoming.filled()[..opened.content_len].to_vec();
            incoming.consume(opened.content_len + trailer);
            content
        }
    }
}

fn count(counter: &mut u8, most: u8) -> Result<(), Refusal> {
    *counter += 1;
    if *counter > most {
        return Err(Refusal { kind: ErrorKind::LimitExceeded, alert: AlertDescription::UNEXPECTED_MESSAGE });
    }
    Ok(())
}

fn internal(_: Error) -> Refusal {
    Refusal { kind: ErrorKind::Backend, alert: AlertDescription::INTERNAL_ERROR }
}
