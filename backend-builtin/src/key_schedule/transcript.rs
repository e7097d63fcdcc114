//! The transcript hash (RFC 8446 §4.4.1): every handshake message so far, headers included.

use crate::crypto::{Digest, HashAlgorithm, HashContext};

/// Messages that came before the hash was agreed, or that TLS 1.2 signs as they are (RFC 5246 §7.4.8).
#[derive(Clone, Debug, Default)]
pub(crate) struct TranscriptBuffer {
    messages: Vec<u8>,
    /// The hash that a binder asked for, which may be the one that is agreed.
    begun: Option<Transcript>,
}

impl TranscriptBuffer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn add(&mut self, message: &[u8]) {
        self.messages.extend_from_slice(message);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.messages
    }

    /// As [`Transcript::hash_part`], of the first message, which is not here yet.
    pub(crate) fn hash_part(&mut self, hash: HashAlgorithm, part: &[u8]) -> Digest {
        let begun = self.begun.take().filter(|begun| begun.algorithm == hash);
        self.begun.insert(begun.unwrap_or_else(|| Transcript::new(hash))).hash_part(part)
    }

    /// The transcript of what is here, under the hash that was agreed.
    pub(crate) fn start(&self, hash: HashAlgorithm) -> Transcript {
        let begun = self.begun.as_ref().filter(|begun| begun.algorithm == hash);
        let mut transcript = begun.cloned().unwrap_or_else(|| Transcript::new(hash));
        transcript.add(&self.messages);
        transcript
    }
}

/// The running hash of a handshake.
#[derive(Clone, Debug)]
pub(crate) struct Transcript {
    algorithm: HashAlgorithm,
    context: HashContext,
    /// How much of the next message is in it already.
    ahead: usize,
}

impl Transcript {
    /// Of no message yet.
    pub(crate) fn new(algorithm: HashAlgorithm) -> Self {
        Self { algorithm, context: algorithm.start(), ahead: 0 }
    }

    pub(crate) fn add(&mut self, message: &[u8]) {
        self.context.update(message.get(self.ahead..).unwrap_or_default());
        self.ahead = 0;
    }

    /// The hash of the messages so far.
    pub(crate) fn hash(&self) -> Digest {
        debug_assert_eq!(self.ahead, 0);
        self.context.finish()
    }

    /// The hash with the part of the next message that a binder covers, or with all of it. What is hashed here is not
    /// hashed again when the message is added, which it must be.
    pub(crate) fn hash_part(&mut self, part: &[u8]) -> Digest {
        self.context.update(part.get(self.ahead..).unwrap_or_default());
        self.ahead = self.ahead.max(part.len());
        self.context.finish()
    }

    /// RFC 8446 §4.4.1: before a HelloRetryRequest is added, a message of its hash takes the first ClientHello's place.
    #[must_use]
    pub(crate) fn hello_retry(self) -> Self {
        const MESSAGE_HASH: u8 = 254;
        let client_hello_1 = self.hash();
        let mut transcript = Self::new(self.algorithm);
        transcript.add(&[MESSAGE_HASH, 0, 0, self.algorithm.output_len() as u8]);
        transcript.add(client_hello_1.as_ref());
        transcript
    }
}
