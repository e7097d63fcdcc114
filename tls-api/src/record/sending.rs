//! The sending part of a session: application data, alerts, and new keys for both.

use std::io::IoSlice;

use super::{
    ContentType, LEAST_RECORD_SIZE_LIMIT, RecordFraming, TrafficKeys,
    messages::{FATAL, KEY_UPDATE, WARNING},
    seal::Plaintext,
    signals::{Common, Signals},
};
use crate::{AlertDescription, Buffer, ConfigError, Error, ErrorKind, ProtocolVersion};

/// How much plaintext one call of `seal` takes: four full records.
const SEAL_MEASURE: usize = 64 * 1024;

/// RFC 9846: how many times keys for sending may be replaced. The peer's are not counted, by the same rule.
const MAX_EPOCHS: u64 = (1 << 48) - 1;

/// How much may wait to be sent before a warning has to wait as well: one says as much as many.
const WARNINGS_WAIT: usize = 1024;

/// What only sending uses.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) keys: TrafficKeys,
    /// How records are made of what is sent.
    pub(super) framing: RecordFraming,
    /// How many times the keys were replaced.
    epochs: u64,
    /// close_notify was sent: nothing follows it (RFC 8446 §6.1, RFC 5246 §7.2.1).
    closed: bool,
}

impl Sending {
    pub(super) fn new(keys: TrafficKeys, version: ProtocolVersion) -> Self {
        Self { keys, framing: RecordFraming::new(version), epochs: 0, closed: false }
    }

    /// As [`Session::seal`](crate::Session::seal).
    pub(super) fn seal(
        &mut self,
        plaintext: &[IoSlice<'_>],
        outgoing: &mut Buffer,
        common: &mut Common<'_>,
    ) -> Result<usize, Error> {
        self.check(outgoing, common.signals)?;
        let mut plaintext = Plaintext::new(plaintext);
        let mut taken = 0;
        while plaintext.len() > 0 && taken < SEAL_MEASURE {
            let sealed = self.refresh_keys(outgoing, common).and_then(|()| {
                self.keys
                    .seal_record(self.framing, ContentType::ApplicationData, &mut plaintext, outgoing)
                    .map_err(|_| common.signals.error(ErrorKind::Backend))
            });
            match sealed {
                Ok(count) => taken += count,
                Err(error) => {
                    let error = failed(error, common.signals);
                    // What is sealed is on its way; the next call says why no more is.
                    return if taken > 0 { Ok(taken) } else { Err(error) };
                }
            }
        }
        Ok(taken)
    }

    /// Appends what the receiving part has asked for: an alert.
    pub(super) fn answer(&mut self, outgoing: &mut Buffer, signals: &Signals) {
        if !signals.have_answer() {
            return;
        }
        if self.closed {
            signals.take_alert();
            signals.take_warning();
            return;
        }
        if signals.take_alert() {
            let alert = signals.failure().and_then(Error::alert_sent);
            let alert = alert.unwrap_or(AlertDescription::INTERNAL_ERROR);
            // The connection is lost anyhow if the alert cannot be sealed.
            let _ = self.seal_message(ContentType::Alert, &[FATAL, alert.code()], outgoing, signals);
        }
        if outgoing.len() < WARNINGS_WAIT && signals.take_warning() && signals.failure().is_none() {
            let warning = [WARNING, AlertDescription::NO_RENEGOTIATION.code()];
            if let Err(error) = self.seal_message(ContentType::Alert, &warning, outgoing, signals) {
                signals.fail(error);
            }
        }
    }

    /// As [`Session::close`](crate::Session::close).
    pub(super) fn close(&mut self, outgoing: &mut Buffer, signals: &Signals) -> Result<(), Error> {
        if self.check(outgoing, signals).is_err() {
            return Ok(());
        }
        self.closed = true;
        let close_notify = [WARNING, AlertDescription::CLOSE_NOTIFY.code()];
        self.seal_message(ContentType::Alert, &close_notify, outgoing, signals)
    }

    /// As [`Session::update_keys`](crate::Session::update_keys).
    pub(super) fn update_keys(
        &mut self,
        ask_peer: bool,
        outgoing: &mut Buffer,
        common: &mut Common<'_>,
    ) -> Result<(), Error> {
        self.check(outgoing, common.signals)?;
        if self.framing.version == ProtocolVersion::Tls12 {
            return Err(common.signals.error(ErrorKind::Config(ConfigError::no_key_update())));
        }
        self.send_key_update(ask_peer, outgoing, common).map_err(|error| failed(error, common.signals))
    }

    /// The answers that are due, and the failure if there is one.
    fn check(&mut self, outgoing: &mut Buffer, signals: &Signals) -> Result<(), Error> {
        self.answer(outgoing, signals);
        signals.failure().map_or(Ok(()), |failure| Err(failure.clone()))
    }

    pub(super) fn seal_message(
        &mut self,
        content_type: ContentType,
        message: &[u8],
        outgoing: &mut Buffer,
        signals: &Signals,
    ) -> Result<(), Error> {
        let framing =
            self.framing.with_max_plaintext(self.framing.max_plaintext.max(LEAST_RECORD_SIZE_LIMIT - 1));
        self.keys
            .seal(framing, content_type, &[IoSlice::new(message)], outgoing)
            .map(drop)
            .map_err(|_| signals.error(ErrorKind::Backend))
    }

    /// RFC 8446 §4.6.3: from the next record on, new keys protect what is sent.
    fn send_key_update(
        &mut self,
        ask_peer: bool,
        outgoing: &mut Buffer,
        common: &mut Common<'_>,
    ) -> Result<(), Error> {
        let Common { signals, schedule } = common;
        if self.epochs >= MAX_EPOCHS {
            return Err(signals.error(ErrorKind::KeysExhausted));
        }
        let request_update = u8::from(ask_peer && signals.ask_for_key_update());
        signals.key_update_is_sent();
        let message = [KEY_UPDATE, 0, 0, 1, request_update];
        self.seal_message(ContentType::Handshake, &message, outgoing, signals)?;
        self.keys = schedule.next_sending_keys()?;
        self.epochs += 1;
        Ok(())
    }

    /// Keys fit for one more record.
    fn refresh_keys(&mut self, outgoing: &mut Buffer, common: &mut Common<'_>) -> Result<(), Error> {
        let owed = common.signals.owes_key_update();
        match self.framing.version {
            // RFC 9846: at the last epoch a request goes unanswered, and the keys last as long as they may.
            ProtocolVersion::Tls13 if self.keys.is_exhausted() || (owed && self.epochs < MAX_EPOCHS) => {
                self.send_key_update(false, outgoing, common)
            }
            ProtocolVersion::Tls12 if self.keys.is_exhausted() => {
                Err(common.signals.error(ErrorKind::KeysExhausted))
            }
            ProtocolVersion::Tls12 | ProtocolVersion::Tls13 => Ok(()),
        }
    }

    #[cfg(test)]
    pub(super) fn last_epoch(&mut self) {
        self.epochs = MAX_EPOCHS;
    }
}

/// What becomes of the connection. Keys that are used up protect no more data, and what the peer sends is none of theirs:
/// reading goes on, and close_notify still goes.
fn failed(error: Error, signals: &Signals) -> Error {
    if matches!(error.kind(), ErrorKind::KeysExhausted) { error } else { signals.fail(error) }
}
