//! The receiving part of a session: application data, and all that a peer may send beside it.

use super::{
    ContentType, MAX_PLAINTEXT, Role, TrafficKeys,
    messages::{Idle, Renegotiation},
    open::{OpenedRecord, Place, Refusal, next_record},
    signals::{Common, Signals},
};
use crate::{Buffer, Error, Opened, ProtocolVersion};

/// What only receiving uses.
#[derive(Debug)]
pub(super) struct Receiving {
    pub(super) keys: TrafficKeys,
    pub(super) role: Role,
    pub(super) version: ProtocolVersion,
    /// The most plaintext in one record.
    pub(super) max_received: u16,
    pub(super) renegotiation: Renegotiation,
    /// Plaintext at the front of the incoming buffer that did not fit the caller's, and what follows it there: parts of
    /// one record, whose length has two bytes.
    pending: u16,
    pending_trailer: u16,
    /// A handshake message of which the rest is still to come. It is no [`Buffer`], whose storage comes from a pool: a peer
    /// that sends one byte of a message would keep all of that here.
    pub(super) handshake: Vec<u8>,
    pub(super) close_received: bool,
    pub(super) idle: Idle,
}

impl Receiving {
    pub(super) fn new(keys: TrafficKeys, role: Role, version: ProtocolVersion) -> Self {
        Self {
            keys,
            role,
            version,
            max_received: MAX_PLAINTEXT as u16,
            renegotiation: Renegotiation::Declined,
            pending: 0,
            pending_trailer: 0,
            handshake: Vec::new(),
            close_received: false,
            idle: Idle::default(),
        }
    }

    /// As [`ReceivingHalf::open`](crate::ReceivingHalf::open).
    pub(super) fn open(
        &mut self,
        incoming: &mut Buffer,
        plaintext: &mut [u8],
        common: &mut Common<'_>,
    ) -> Result<Opened, Error> {
        let mut opened = self.drain_pending(incoming, plaintext);
        while opened < plaintext.len() {
            if self.close_received && opened == 0 {
                return Ok(Opened::Closed);
            }
            let failure = common.signals.failure();
            if self.close_received || (failure.is_some() && opened > 0) {
                break;
            }
            if let Some(failure) = failure {
                return Err(failure.clone());
            }
            match self.open_one(incoming, &mut plaintext[opened..], common) {
                Ok(None) => break,
                Ok(Some(count)) => opened += count,
                // What came before the fault is delivered; the fault is reported by the next call.
                Err(refusal) => fail(refusal, common.signals),
            }
            opened += self.drain_pending(incoming, &mut plaintext[opened..]);
        }
        Ok(if opened > 0 { Opened::Data(opened) } else { Opened::NeedMore })
    }

    /// Moves plaintext that waits in the incoming buffer to the caller.
    fn drain_pending(&mut self, incoming: &mut Buffer, plaintext: &mut [u8]) -> usize {
        let count = usize::from(self.pending).min(plaintext.len());
        plaintext[..count].copy_from_slice(&incoming.filled()[..count]);
        incoming.consume(count);
        self.pending -= count as u16;
        if self.pending == 0 {
            incoming.consume(self.pending_trailer.into());
            self.pending_trailer = 0;
        }
        count
    }

    /// Opens one record; says how many bytes of application data are now in the caller's buffer.
    fn open_one(
        &mut self,
        incoming: &mut Buffer,
        plaintext: &mut [u8],
        common: &mut Common<'_>,
    ) -> Result<Option<usize>, Refusal> {
        let Some(record) = next_record(self.version, incoming)? else { return Ok(None) };
        let most = self.max_received.into();
        let opened = self.keys.open_record(self.version, record, incoming, plaintext, most)?;
        if opened.content_type == ContentType::ApplicationData {
            return self.application_data(&opened).map(Some);
        }
        let content = take_content(&opened, incoming, plaintext);
        match opened.content_type {
            ContentType::Alert => self.alert(&content)?,
            ContentType::Handshake if self.version == ProtocolVersion::Tls12 => {
                self.renegotiation(&content, common.signals)?;
            }
            ContentType::Handshake => self.handshake_messages(&content, common)?,
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
                self.pending = opened.content_len as u16;
                self.pending_trailer = trailer as u16;
                Ok(0)
            }
        }
    }
}

/// The peer is to be told, and nothing works on this connection any more.
fn fail(refusal: Refusal, signals: &Signals) {
    let error = signals.error(refusal.kind).with_alert_sent(refusal.alert).with_source(refusal.reason);
    signals.fail_with_alert(error);
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
