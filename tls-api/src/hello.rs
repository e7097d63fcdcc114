//! Reads along: what the plaintext part of a handshake says, for libraries that do not tell.

use crate::{CipherSuite, NamedGroup, ProtocolVersion};

/// Watches the bytes of a handshake in both directions.
#[derive(Debug, Default)]
pub struct HelloObserver {}

impl HelloObserver {
    /// Bytes that came from the peer.
    pub fn received(&mut self, _bytes: &[u8]) {}
    /// Bytes that go to the peer.
    pub fn sent(&mut self, _bytes: &[u8]) {}
    /// The version that the ServerHello chose.
    pub fn version(&self) -> Option<ProtocolVersion> {
        None
    }
    /// The suite that the ServerHello chose.
    pub fn cipher_suite(&self) -> Option<CipherSuite> {
        None
    }
    /// The group of the key exchange.
    pub fn named_group(&self) -> Option<NamedGroup> {
        None
    }
    /// The name in the ClientHello's SNI.
    pub fn server_name(&self) -> Option<&str> {
        None
    }
    /// The protocols that the ClientHello offers.
    pub fn client_alpn(&self) -> &[Vec<u8>] {
        &[]
    }
    /// Whether the ServerHello resumed an earlier session.
    pub fn resumed(&self) -> Option<bool> {
        None
    }
    /// Whether a whole ClientHello has passed.
    pub fn client_hello_seen(&self) -> bool {
        false
    }
}
