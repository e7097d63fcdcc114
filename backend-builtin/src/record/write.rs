//! What is sent: messages of a flight share records, and a record is made only when it is known what shares it.

use std::io::IoSlice;

use polytls_api::{
    AlertDescription,
    record::{ContentType, RecordFraming},
};

use super::{RecordSizeLimits, Records};
use crate::error::Fault;

/// RFC 8446 §6: the level of an alert that ends the connection.
const FATAL: u8 = 2;

impl Records<'_, '_> {
    /// Queues a whole handshake message, header included.
    pub(crate) fn send_message(&mut self, message: &[u8]) {
        self.queued.extend_from_slice(message);
        self.flight_begun = true;
    }

    /// Sends change_cipher_spec after what is queued, never protected: the first keys come after it.
    pub(crate) fn send_change_cipher_spec(&mut self) -> Result<(), Fault> {
        self.cut()?;
        self.append_plaintext(ContentType::ChangeCipherSpec, &[1]);
        Ok(())
    }

    /// Sends early data, after what is queued.
    pub(crate) fn send_application_data(&mut self, data: &[u8]) -> Result<(), Fault> {
        self.cut()?;
        if self.sending.is_none() {
            return Err(Fault::Internal("application data without keys"));
        }
        self.append(ContentType::ApplicationData, data)
    }

    /// Ends the connection with an alert under the keys in force, in place of messages that are still queued.
    ///
    /// It is left in the transport, for whoever has that to send.
    pub(crate) fn send_alert(&mut self, alert: AlertDescription) {
        self.queued.clear();
        // The connection is lost anyhow if the alert cannot be sealed.
        let _ = self.append(ContentType::Alert, &[FATAL, alert.code()]);
    }

    /// Makes records of what is queued, before the peer's answer is waited for.
    ///
    /// # Errors
    /// [`Fault::UnexpectedMessage`] if the peer has begun its next flight, which is the answer to ours, already.
    pub(super) fn end_flight(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.flight_begun) {
            self.nothing_left_over()?;
        }
        self.cut()
    }

    /// Makes records of the messages that are queued.
    pub(super) fn cut(&mut self) -> Result<(), Fault> {
        if self.queued.is_empty() {
            return Ok(());
        }
        let mut queued = std::mem::take(&mut self.queued);
        self.append(ContentType::Handshake, &queued)?;
        queued.clear();
        self.queued = queued;
        Ok(())
    }

    /// Appends records with this content, under the keys in force.
    fn append(&mut self, content_type: ContentType, mut content: &[u8]) -> Result<(), Fault> {
        let Some((version, keys)) = &mut self.sending else {
            content.chunks(self.max_plaintext).for_each(|chunk| self.append_plaintext(content_type, chunk));
            return Ok(());
        };
        let most = RecordSizeLimits::max_plaintext(self.record_size_limits.peers, *version);
        let framing = RecordFraming::new(*version)
            .with_max_plaintext(most.min(self.max_plaintext))
            .with_padding(self.padding);
        while !content.is_empty() {
            let taken = keys
                .seal(framing, content_type, &[IoSlice::new(content)], self.transport.outgoing())
                .map_err(|_| Fault::Internal("a record cannot be sealed"))?;
            content = content.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Appends one record that nothing protects.
    fn append_plaintext(&mut self, content_type: ContentType, content: &[u8]) {
        // RFC 8446 §5.1: the record of a first ClientHello may say TLS 1.0, for the sake of old servers.
        let is_first_hello = content_type == ContentType::Handshake && self.version.is_none() && !self.begun;
        let minor = if is_first_hello { 1 } else { 3 };
        let [high, low] = (content.len() as u16).to_be_bytes();
        let outgoing = self.transport.outgoing();
        outgoing.extend(&[content_type.code(), 3, minor, high, low]);
        outgoing.extend(content);
    }
}
