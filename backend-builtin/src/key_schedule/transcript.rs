//! The transcript hash (RFC 8446 §4.4.1): every handshake message so far, headers included.

use crate::crypto::{Digest, HashAlgorithm, HashContext};

/// Messages that came before the hash was agreed, or that TLS 1.2 signs as they are (RFC 5246 §7.4.8).
#[derive(Clone, Debug, Default)]
pub(crate) struct TranscriptBuffer(Vec<u8>);

impl TranscriptBuffer {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn add(&mut self, message: &[u8]) {
        self.0.extend_from_slice(message);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The transcript of what is here, under the hash that was agreed.
    pub(crate) fn start(&self, hash: HashAlgorithm) -> Transcript {
        let mut transcript = Transcript::new(hash);
        transcript.add(&self.0);
        transcript
    }
}

/// The running hash of a handshake.
#[derive(Clone, Debug)]
pub(crate) struct Transcript {
    algorithm: HashAlgorithm,
    context: HashContext,
}

impl Transcript {
    /// Of no message yet.
    pub(crate) fn new(algorithm: HashAlgorithm) -> Self {
        Self { algorithm, context: algorithm.start() }
    }

    pub(crate) fn add(&mut self, message: &[u8]) {
        self.context.update(message);
    }

    /// The hash of the messages so far.
    pub(crate) fn hash(&self) -> Digest {
        self.context.finish()
    }

    /// The hash with a message, or the part of one that a binder covers, that is not to stay.
    pub(crate) fn hash_with(&self, more: &[u8]) -> Digest {
        let mut context = self.context.clone();
        context.update(more);
        context.finish()
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
