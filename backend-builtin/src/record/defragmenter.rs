//! Handshake messages out of the records that carry them, whole or in parts (RFC 8446 §5.1).

use polytls_api::AlertDescription;

use crate::{
    error::Fault,
    options::Limits,
    wire::handshake::{HandshakeMessage, HandshakeType},
};

/// The length of a message's header: its type, and the length of its body.
const MESSAGE_HEADER_LEN: usize = 4;

/// Bytes of handshake messages that have come and were not taken.
#[derive(Debug)]
pub(super) struct Defragmenter {
    bytes: Vec<u8>,
    /// How many of them were taken.
    taken: usize,
    handshake_message: usize,
    client_hello: usize,
    certificate: usize,
}

impl Defragmenter {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            bytes: Vec::new(),
            taken: 0,
            handshake_message: limits.handshake_message,
            client_hello: limits.client_hello,
            certificate: limits.certificate,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Adds the content of a record.
    pub(super) fn add(&mut self, content: &[u8]) {
        self.bytes.extend_from_slice(content);
    }

    /// The next message, if all of it is here. One that is longer than it may be is refused as soon as its header
    /// says so, before more of it is read.
    pub(super) fn next_message(&mut self) -> Result<Option<HandshakeMessage>, Fault> {
        let rest = self.bytes.get(self.taken..).unwrap_or_default();
        let Some((&[kind, high, middle, low], body)) = rest.split_first_chunk::<MESSAGE_HEADER_LEN>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        if length > self.most(HandshakeType::from_code(kind)) {
            return Err(Fault::Limit(
                AlertDescription::ILLEGAL_PARAMETER,
                "a handshake message that is longer than one may be",
            ));
        }
        if body.len() < length {
            return Ok(None);
        }
        Ok(Some(HandshakeMessage::new(self.take(MESSAGE_HEADER_LEN + length))))
    }

    fn most(&self, kind: HandshakeType) -> usize {
        match kind {
            HandshakeType::CLIENT_HELLO => self.client_hello,
            HandshakeType::CERTIFICATE | HandshakeType::COMPRESSED_CERTIFICATE => self.certificate,
            _ => self.handshake_message,
        }
    }

    /// The next `length` bytes, which are here. A message that is alone is moved, not copied.
    fn take(&mut self, length: usize) -> Vec<u8> {
        let end = self.taken + length;
        if end < self.bytes.len() {
            let message = self.bytes.get(self.taken..end).unwrap_or_default().to_vec();
            self.taken = end;
            return message;
        }
        let mut message = std::mem::take(&mut self.bytes);
        message.drain(..self.taken);
        self.taken = 0;
        message
    }
}
