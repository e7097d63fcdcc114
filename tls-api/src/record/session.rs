//! An established connection whose keys are known: application data, alerts, and what follows a handshake.

use std::{fmt, io::IoSlice};

use super::{
    ContentType, KeySchedule, MAX_PLAINTEXT, RecordFraming, RecordPadding, TrafficKeys,
    messages::{Idle, KEY_UPDATE, Renegotiation},
    open::{OpenedRecord, Place, Refusal, next_record},
    seal::Plaintext,
};
use crate::{
    AlertDescription, Buffer, ConfigError, Error, ErrorKind, Opened, Phase, ProtocolVersion, Session,
};

/// How much plaintext one call of `seal` takes: four full records.
const SEAL_MEASURE: usize = 64 * 1024;

/// Which side of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "TLS has two roles")]
pub enum Role {
    /// The side that connected.
    Client,
    /// The side that accepted.
    Server,
}

/// The least that RFC 8449 §4 allows as a limit; alerts and key updates are never cut into less.
const LEAST_RECORD_SIZE_LIMIT: usize = 64;

/// RFC 9846: how many times keys for sending may be replaced. The peer's are not counted, by the same rule.
const MAX_EPOCHS: u64 = (1 << 48) - 1;

/// The record layer of an established connection.
pub struct RecordSession {
    backend: &'static str,
    pub(super) role: Role,
    pub(super) version: ProtocolVersion,
    sending: TrafficKeys,
    pub(super) receiving: TrafficKeys,
    pub(super) schedule: Box<dyn KeySchedule>,
    /// How records are made of what is sent.
    framing: RecordFraming,
    /// The most plaintext in one record that is received.
    max_received: usize,
    pub(super) renegotiation: Renegotiation,
    /// Plaintext at the front of the incoming buffer that did not fit the caller's, and what follows it there.
    pending: usize,
    pending_trailer: usize,
    /// A handshake message of which the rest is still to come.
    pub(super) handshake: Vec<u8>,
    pub(super) key_update_owed: bool,
    /// RFC 9846: one request to the peer at a time.
    pub(super) key_update_asked: bool,
    /// How many times the keys for sending were replaced.
    epochs: u64,
    pub(super) close_received: bool,
    failure: Option<Error>,
    pub(super) idle: Idle,
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
            framing: RecordFraming::new(version),
            max_received: MAX_PLAINTEXT,
            renegotiation: Renegotiation::Declined,
            pending: 0,
            pending_trailer: 0,
            handshake: Vec::new(),
            key_update_owed: false,
            key_update_asked: false,
            epochs: 0,
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
        self.framing = self.framing.with_max_plaintext(bytes);
        self
    }

    /// The same connection, with this padding in every record that is sent in TLS 1.3. TLS 1.2 has none.
    #[must_use]
    pub fn with_padding(mut self, padding: RecordPadding) -> Self {
        self.framing = self.framing.with_padding(padding);
        self
    }

    /// The same connection, with the limits that its sides told each other (RFC 8449 §4): `sending` is the peer's,
    /// `receiving` is our own, each as it stood in record_size_limit; at least 64.
    ///
    /// A peer that goes beyond is refused with record_overflow. `None` leaves the limit that the protocol has.
    #[must_use]
    pub fn with_record_size_limits(mut self, sending: Option<u16>, receiving: Option<u16>) -> Self {
        let plaintext = |limit| max_plaintext(self.version, limit);
        if let Some(limit) = sending {
            let most = plaintext(limit).min(self.framing.max_plaintext);
            self.framing = self.framing.with_max_plaintext(most);
        }
        self.max_received = receiving.map_or(self.max_received, plaintext);
        self
    }

    /// The same connection, which a peer that asks for renegotiation in TLS 1.2 ends: with a fatal no_renegotiation
    /// at the first request. Otherwise it is told so in a warning once, and ends the connection by asking again.
    #[must_use]
    pub fn with_renegotiation_fatal(mut self) -> Self {
        self.renegotiation = Renegotiation::Fatal;
        self
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind).in_phase(Phase::Established).on_backend(self.backend)
    }

    /// Tells the peer, and remembers: nothing works on this connection any more.
    fn fail(&mut self, refusal: Refusal, outgoing: &mut Buffer) -> Error {
        let error = self.error(refusal.kind).with_alert_sent(refusal.alert).with_source(refusal.reason);
        self.failure = Some(error.clone());
        // The connection is lost anyhow if the alert cannot be sealed.
        let _ = self.seal_message(ContentType::Alert, &[2, refusal.alert.code()], outgoing);
        error
    }

    pub(super) fn seal_message(
        &mut self,
        content_type: ContentType,
        message: &[u8],
        outgoing: &mut Buffer,
    ) -> Result<(), Error> {
        let framing =
            self.framing.with_max_plaintext(self.framing.max_plaintext.max(LEAST_RECORD_SIZE_LIMIT - 1));
        self.sending
            .seal(framing, content_type, &[IoSlice::new(message)], outgoing)
            .map(drop)
            .map_err(|_| self.error(ErrorKind::Backend))
    }

    /// RFC 8446 §4.6.3: from the next record on, new keys protect what is sent.
    fn send_key_update(&mut self, ask_peer: bool, outgoing: &mut Buffer) -> Result<(), Error> {
        if self.epochs >= MAX_EPOCHS {
            return Err(self.error(ErrorKind::KeysExhausted));
        }
        let request_update = u8::from(ask_peer && !self.key_update_asked);
        self.seal_message(ContentType::Handshake, &[KEY_UPDATE, 0, 0, 1, request_update], outgoing)?;
        self.key_update_asked |= ask_peer;
        self.sending = self.schedule.next_sending_keys()?;
        self.epochs += 1;
        self.key_update_owed = false;
        Ok(())
    }

    /// Keys fit for one more record.
    fn refresh_sending_keys(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        match self.version {
            // RFC 9846: at the last epoch a request goes unanswered, and the keys last as long as they may.
            ProtocolVersion::Tls13
                if self.sending.is_exhausted() || (self.key_update_owed && self.epochs < MAX_EPOCHS) =>
            {
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
        let most = self.max_received;
        let opened = self.receiving.open_record(self.version, record, incoming, plaintext, most)?;
        if opened.content_type == ContentType::ApplicationData {
            return self.application_data(&opened).map(Some);
        }
        let content = take_content(&opened, incoming, plaintext);
        match opened.content_type {
            ContentType::Alert => self.alert(&content)?,
            ContentType::Handshake if self.version == ProtocolVersion::Tls12 => {
                self.renegotiation(&content, outgoing)?;
            }
            ContentType::Handshake => self.handshake_messages(&content)?,
            // RFC 8446 §5, appendix D.4: neither protected nor after the handshake.
            ContentType::ChangeCipherSpec | ContentType::ApplicationData => {
                return Err(Refusal::unexpected("a change_cipher_spec that has no place here"));
            }
        }
        Ok(Some(0))
    }

    fn application_data(&mut self, opened: &OpenedRecord) -> Result<usize, Refusal> {
        // RFC 8446 §5.1: no other record may stand between the fragments of a handshake message.
        if !self.handshake.is_empty() {
            return Err(Refusal::unexpected("another record between the parts of a handshake message"));
        }
        if opened.content_len == 0 {
            self.idle.empty_record()?;
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
                self.sending
                    .seal_record(self.framing, ContentType::ApplicationData, &mut plaintext, outgoing)
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

    pub(super) fn last_epoch_for_test(&mut self) {
        self.epochs = MAX_EPOCHS;
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

/// RFC 8449 §4: in TLS 1.3 the limit counts the byte for the content type.
fn max_plaintext(version: ProtocolVersion, limit: u16) -> usize {
    let limit = usize::from(limit).max(LEAST_RECORD_SIZE_LIMIT);
    match version {
        ProtocolVersion::Tls13 => (limit - 1).min(MAX_PLAINTEXT),
        ProtocolVersion::Tls12 => limit.min(MAX_PLAINTEXT),
    }
}
