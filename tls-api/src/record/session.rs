//! An established connection whose keys are known: a sending and a receiving part, and what joins them.

use std::{fmt, io::IoSlice};

#[cfg(test)]
use super::ContentType;
use super::{
    KeySchedule, LEAST_RECORD_SIZE_LIMIT, MAX_PLAINTEXT, RecordPadding, TrafficKeys, halves,
    messages::Renegotiation,
    receiving::Receiving,
    sending::Sending,
    signals::{Common, Signals},
};
use crate::{Buffer, Error, Opened, ProtocolVersion, Session, SessionHalves};

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
    sending: Sending,
    receiving: Receiving,
    signals: Signals,
    schedule: Box<dyn KeySchedule>,
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
            sending: Sending::new(sending, version),
            receiving: Receiving::new(receiving, role, version),
            signals: Signals::new(backend),
            schedule,
        }
    }

    /// The same connection, with at most this much plaintext in one record that is sent: 1 to 2^14 bytes.
    ///
    /// [`ProtocolSettings::max_record_plaintext`](crate::ProtocolSettings::max_record_plaintext) has it.
    #[must_use]
    pub fn with_max_plaintext(mut self, bytes: usize) -> Self {
        self.sending.framing = self.sending.framing.with_max_plaintext(bytes);
        self
    }

    /// The same connection, with this padding in every record that is sent in TLS 1.3. TLS 1.2 has none.
    #[must_use]
    pub fn with_padding(mut self, padding: RecordPadding) -> Self {
        self.sending.framing = self.sending.framing.with_padding(padding);
        self
    }

    /// The same connection, with the limits that its sides told each other (RFC 8449 §4): `sending` is the peer's,
    /// `receiving` is our own, each as it stood in record_size_limit; at least 64.
    ///
    /// A peer that goes beyond is refused with record_overflow. `None` leaves the limit that the protocol has.
    #[must_use]
    pub fn with_record_size_limits(mut self, sending: Option<u16>, receiving: Option<u16>) -> Self {
        let version = self.receiving.version;
        let plaintext = |limit| max_plaintext(version, limit);
        if let Some(limit) = sending {
            let most = plaintext(limit).min(self.sending.framing.max_plaintext);
            self.sending.framing = self.sending.framing.with_max_plaintext(most);
        }
        if let Some(limit) = receiving {
            self.receiving.max_received = plaintext(limit) as u16;
        }
        self
    }

    /// The same connection, which a peer that asks for renegotiation in TLS 1.2 ends: with a fatal no_renegotiation
    /// at the first request. Otherwise it is told so in a warning once, and ends the connection by asking again.
    #[must_use]
    pub fn with_renegotiation_fatal(mut self) -> Self {
        self.receiving.renegotiation = Renegotiation::Fatal;
        self
    }

    /// The parts, each with what it has in common with the other.
    fn parts(&mut self) -> (&mut Sending, &mut Receiving, Common<'_>) {
        let Self { sending, receiving, signals, schedule } = self;
        (sending, receiving, Common { signals, schedule: &mut **schedule })
    }
}

impl Session for RecordSession {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        let (sending, _, mut common) = self.parts();
        sending.seal(plaintext, outgoing, &mut common)
    }

    fn open(
        &mut self,
        incoming: &mut Buffer,
        outgoing: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<Opened, Error> {
        let (sending, receiving, mut common) = self.parts();
        let opened = receiving.open(incoming, plaintext, &mut common);
        sending.answer(outgoing, common.signals);
        opened
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        self.sending.close(outgoing, &self.signals)
    }

    fn update_keys(&mut self, ask_peer: bool, outgoing: &mut Buffer) -> Result<(), Error> {
        let (sending, _, mut common) = self.parts();
        sending.update_keys(ask_peer, outgoing, &mut common)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.schedule.export_keying_material(output, label, context)
    }

    fn split(self: Box<Self>) -> SessionHalves {
        let Self { sending, receiving, signals, schedule } = *self;
        halves::apart(sending, receiving, signals, schedule)
    }
}

/// What only a misbehaving peer, or a very long connection, would do.
#[cfg(test)]
impl RecordSession {
    pub(super) fn seal_for_test(&mut self, content_type: ContentType, message: &[u8], outgoing: &mut Buffer) {
        self.sending.seal_message(content_type, message, outgoing, &self.signals).unwrap();
    }

    /// One TLS 1.3 record with this inner plaintext, type and padding included.
    pub(super) fn seal_inner_for_test(&mut self, inner: &[u8], outgoing: &mut Buffer) {
        self.sending.keys.seal_inner_for_test(inner, outgoing);
    }

    pub(super) fn rekey_sending_for_test(&mut self) {
        self.sending.keys = self.schedule.next_sending_keys().unwrap();
    }

    pub(super) fn receiving_key_for_test(&self) -> String {
        self.receiving.keys.cipher_for_test()
    }

    pub(super) fn handshake_storage_for_test(&self) -> usize {
        self.receiving.handshake.capacity()
    }

    pub(super) fn exhaust_for_test(&mut self) {
        self.sending.keys.exhaust();
    }

    pub(super) fn last_epoch_for_test(&mut self) {
        self.sending.last_epoch();
    }
}

impl fmt::Debug for RecordSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordSession")
            .field("backend", &self.signals.backend)
            .field("role", &self.receiving.role)
            .field("version", &self.receiving.version)
            .finish_non_exhaustive()
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
