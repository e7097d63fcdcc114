//! Early data (RFC 8446 §2.3): what a client sends before the handshake is complete, in types of its own.

use std::fmt;

use zeroize::Zeroizing;

/// Data that an attacker can send to a server again: early data, on both sides (RFC 8446 §8).
///
/// It has no protection against replay beyond what the server remembers, and no forward secrecy beyond the ticket's.
/// Send and act upon only what may happen more than once: a request that changes nothing, never a payment.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ReplayableData(Zeroizing<Vec<u8>>);

impl ReplayableData {
    /// Data that may be replayed: that is the caller's promise.
    pub fn new(data: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(data.into()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Adds bytes to the end: for backends, as they come.
    pub fn extend(&mut self, bytes: &[u8]) {
        let length = self.0.len() + bytes.len();
        if length > self.0.capacity() {
            // A vector that makes room for itself leaves behind what it held; this one is zeroized.
            let mut larger = Vec::with_capacity(length.max(2 * self.0.capacity()));
            larger.extend_from_slice(&self.0);
            self.0 = Zeroizing::new(larger);
        }
        self.0.extend_from_slice(bytes);
    }
}

impl fmt::Debug for ReplayableData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayableData").field("len", &self.0.len()).finish_non_exhaustive()
    }
}

/// What became of early data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EarlyDataStatus {
    /// None was sent: not asked for, or no session to resume that allows it.
    #[default]
    NotOffered,
    /// It reached the server's application, before anything that follows.
    Accepted,
    /// The server passed over it: nothing of it reached the application, and it may be sent again.
    Rejected,
}
