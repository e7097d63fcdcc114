//! The records of a handshake (RFC 8446 §5, RFC 5246 §6.2): messages to records, and records to messages.
//!
//! [`Records`] stands between a role's handshake and the bytes of its [`Transport`]. It knows keys, never the secrets
//! behind them, and of a message no more than its type and length. Every bound on what a peer may send before the
//! handshake is complete is kept here; what an established connection allows is [`polytls_api::record`]'s matter.

mod counters;
mod defragmenter;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::num::NonZeroU16;

use polytls_api::{
    ProtocolVersion, Transport,
    record::{KeySchedule, RecordPadding, RecordSession, Role, TrafficKeys},
};

pub(crate) use self::read::EarlyDataOr;
use self::{counters::Counters, defragmenter::Defragmenter};
use crate::{
    error::Fault,
    options::{Limits, Padding},
};

/// The length of a record's header.
const HEADER_LEN: usize = 5;

/// The most plaintext that a record carries (RFC 8446 §5.1).
const MAX_PLAINTEXT: usize = 1 << 14;

/// The records of a handshake, both ways.
///
/// A role queues its messages and reads the peer's; what is queued shares records, up to a change of keys or of
/// direction. Nothing is in force until it is set: no keys, no version, no exception for a peer's middleboxes.
pub(crate) struct Records<'a, 't> {
    transport: &'a mut Transport<'t>,
    version: Option<ProtocolVersion>,
    /// With their version: early data has keys before one is agreed upon.
    sending: Option<(ProtocolVersion, TrafficKeys)>,
    receiving: Option<TrafficKeys>,
    /// Messages that are in no record yet.
    queued: Vec<u8>,
    /// Whether a message was queued since the peer's last was waited for.
    flight_begun: bool,
    padding: RecordPadding,
    /// The most plaintext in any record that is sent, as the application has it.
    max_plaintext: usize,
    record_size_limits: RecordSizeLimits,
    messages: Defragmenter,
    counters: Counters,
    /// RFC 8446 appendix D.4: whether change_cipher_spec may come in TLS 1.3, and means nothing.
    change_cipher_spec_allowed: bool,
    /// Early data that the server refused and the client sends nevertheless.
    skipping: Option<Skipping>,
    /// How much early data may still come, in bytes of plaintext.
    early_data_left: usize,
    /// Whether any record has come, and whether one was opened with keys.
    begun: bool,
    opened: bool,
}

/// By what early data that is passed over is known (RFC 8446 §4.2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skip {
    /// It does not open with the keys of the handshake.
    Undecryptable,
    /// After a HelloRetryRequest: it says application_data where only plaintext is due.
    Unencrypted,
}

/// The record_size_limit of each side, where it has one (RFC 8449 §4).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RecordSizeLimits {
    pub(crate) own: Option<u16>,
    pub(crate) peers: Option<u16>,
}

impl RecordSizeLimits {
    /// The most plaintext under a limit: in TLS 1.3 the limit counts the byte for the content type.
    fn max_plaintext(limit: Option<u16>, version: ProtocolVersion) -> usize {
        let type_len = usize::from(version == ProtocolVersion::Tls13);
        limit.map_or(MAX_PLAINTEXT, |limit| (usize::from(limit).max(64) - type_len).min(MAX_PLAINTEXT))
    }
}

#[derive(Clone, Copy, Debug)]
struct Skipping {
    skip: Skip,
    left: usize,
}

impl<'a, 't> Records<'a, 't> {
    /// Records without keys, of a version that is not known yet.
    pub(crate) fn new(transport: &'a mut Transport<'t>, limits: &Limits) -> Self {
        Self {
            transport,
            version: None,
            sending: None,
            receiving: None,
            queued: Vec::new(),
            flight_begun: false,
            padding: RecordPadding::None,
            max_plaintext: MAX_PLAINTEXT,
            record_size_limits: RecordSizeLimits::default(),
            messages: Defragmenter::new(limits),
            counters: Counters::new(limits),
            change_cipher_spec_allowed: false,
            skipping: None,
            early_data_left: 0,
            begun: false,
            opened: false,
        }
    }

    /// Both sides agreed on a version. Before, records say 0x0301 if they are a hello, and may say any 0x03xx.
    pub(crate) fn set_version(&mut self, version: ProtocolVersion) {
        self.version = Some(version);
    }

    /// How protected records of TLS 1.3 are padded from here on.
    pub(crate) fn set_padding(&mut self, padding: Padding) {
        self.padding = match padding {
            Padding::None => RecordPadding::None,
            Padding::Multiple(of) => {
                NonZeroU16::new(of).map_or(RecordPadding::None, RecordPadding::ToMultipleOf)
            }
        };
    }

    /// The most plaintext in one record that is sent, if the application has a bound.
    pub(crate) fn set_max_plaintext(&mut self, most: Option<usize>) {
        self.max_plaintext = most.unwrap_or(MAX_PLAINTEXT).clamp(1, MAX_PLAINTEXT);
    }

    /// What each side said, once the extension is negotiated and the version is known. Protected records alone are
    /// bound by it; a peer that goes beyond ends with record_overflow.
    pub(crate) fn set_record_size_limits(&mut self, limits: RecordSizeLimits) {
        self.record_size_limits = limits;
    }

    /// Keys for what is sent from here on. What is queued goes out under those before.
    pub(crate) fn set_sending_keys(&mut self, keys: TrafficKeys) -> Result<(), Fault> {
        let version = self.version.ok_or(Fault::Internal("keys for sending without a version"))?;
        self.cut()?;
        self.sending = Some((version, keys));
        Ok(())
    }

    /// Keys for a client's early data, which it sends as TLS 1.3 before the server has chosen a version: until it has,
    /// what the server sends is read as if it could be any (RFC 8446 appendix D.3).
    pub(crate) fn set_early_data_keys(&mut self, keys: TrafficKeys) -> Result<(), Fault> {
        self.cut()?;
        self.sending = Some((ProtocolVersion::Tls13, keys));
        Ok(())
    }

    /// What is sent from here on is in the clear again: a HelloRetryRequest takes early data's keys out of force
    /// (RFC 8446 §4.2.10).
    pub(crate) fn clear_sending_keys(&mut self) -> Result<(), Fault> {
        self.cut()?;
        self.sending = None;
        Ok(())
    }

    /// Keys for what is received from here on.
    ///
    /// # Errors
    /// RFC 8446 §5.1: a message before a change of keys ends its record; [`Fault::UnexpectedMessage`] if one does not.
    pub(crate) fn set_receiving_keys(&mut self, keys: TrafficKeys) -> Result<(), Fault> {
        self.nothing_left_over()?;
        if self.version.is_none() {
            return Err(Fault::Internal("keys for receiving without a version"));
        }
        self.receiving = Some(keys);
        Ok(())
    }

    /// RFC 8446 appendix D.4: from the first ClientHello to the peer's Finished, a TLS 1.3 peer may send
    /// change_cipher_spec, which is passed over. It is not counted anew when this is said again.
    pub(crate) fn allow_change_cipher_spec(&mut self, allowed: bool) {
        self.change_cipher_spec_allowed = allowed;
    }

    /// Passes over early data that was refused, until the first record that is none: up to `most` bytes of records,
    /// headers included, which are a little more than their plaintext.
    pub(crate) fn skip_early_data(&mut self, skip: Skip, most: u32) {
        let left = match self.skipping {
            // What was passed over already stays counted.
            Some(skipping) => skipping.left,
            None => most as usize,
        };
        self.skipping = Some(Skipping { skip, left });
    }

    /// Lets [`Records::read_early_data_or_message`] yield early data, up to this many bytes of plaintext.
    pub(crate) fn accept_early_data(&mut self, most: u32) {
        self.early_data_left = most as usize;
    }

    /// Whether what is sent is padded from here on.
    pub(crate) fn pads(&self) -> bool {
        let tls13 = self.sending.as_ref().is_some_and(|(version, _)| *version == ProtocolVersion::Tls13);
        tls13 && self.padding != RecordPadding::None
    }

    /// The connection that follows, under the keys, the padding and the limits that are in force. Records that came and
    /// were not opened stay in the transport, and so does what is still to be sent.
    ///
    /// # Errors
    /// [`Fault::UnexpectedMessage`] if anything follows the last message in its record.
    pub(crate) fn into_session(
        mut self,
        backend: &'static str,
        role: Role,
        schedule: Box<dyn KeySchedule>,
    ) -> Result<RecordSession, Fault> {
        self.nothing_left_over()?;
        self.cut()?;
        let (Some((version, sending)), Some(receiving)) = (self.sending, self.receiving) else {
            return Err(Fault::Internal("a handshake that ends without keys"));
        };
        let limits = self.record_size_limits;
        Ok(RecordSession::new(backend, role, version, sending, receiving, schedule)
            .with_max_plaintext(self.max_plaintext)
            .with_record_size_limits(limits.peers, limits.own)
            .with_padding(self.padding)
            .with_renegotiation_fatal())
    }

    /// The peer's flight ends here, and so does its record.
    ///
    /// # Errors
    /// [`Fault::UnexpectedMessage`] if anything of another message follows.
    pub(crate) fn nothing_left_over(&self) -> Result<(), Fault> {
        if self.messages.is_empty() {
            return Ok(());
        }
        Err(Fault::UnexpectedMessage("handshake data beyond the end of a flight or a change of keys"))
    }
}
