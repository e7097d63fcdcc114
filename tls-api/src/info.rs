//! What a handshake negotiated, and what it cost.

use std::time::Duration;

use crate::{
    BackendInfo, CertificateDer, CipherSuite, EarlyDataStatus, Identity, NamedGroup, ProtocolVersion,
    SignatureScheme, VerifiedChain,
};

/// Facts of an established connection. `None` where the backend's library does not tell.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The engine that ran.
    pub backend: BackendInfo,
    /// The protocol version.
    pub version: Option<ProtocolVersion>,
    /// The cipher suite.
    pub cipher_suite: Option<CipherSuite>,
    /// The group of the key exchange; `None` too where a resumed session had none.
    pub named_group: Option<NamedGroup>,
    /// The scheme of the signature by which the peer proved to have its certificate's key (RFC 8446 §4.4.3, RFC 5246
    /// §7.4.3 and §7.4.8). `None` where it presented none, a session was resumed, or the library does not tell.
    pub peer_signature_scheme: Option<SignatureScheme>,
    /// The application protocol that ALPN chose.
    pub alpn: Option<Vec<u8>>,
    /// The DNS name in SNI, as sent or received.
    pub server_name: Option<String>,
    /// The peer's certificates, its own first; only its own where the library shows no others.
    pub peer_chain: Vec<CertificateDer<'static>>,
    /// The path on which the verifier found the peer's certificate valid, as far as it tells; `None` where the
    /// peer presented none, a session was resumed, or the library keeps its path to itself.
    pub verified_chain: Option<VerifiedChain>,
    /// What this side presented, its own certificate first; empty for nothing, and on a client whose library does not
    /// tell whether it was asked (native). With a resumed session: what it would have presented on a server, nothing on
    /// a client.
    pub local_chain: Vec<CertificateDer<'static>>,
    /// Which generation of an identity that is renewed [`local_chain`](Self::local_chain) is
    /// ([`Identity::with_generation`]); `None` for one that has none, and where nothing was presented.
    pub identity_generation: Option<u64>,
    /// Which generation of roots that are renewed found the peer's chain valid ([`VerifiedChain::generation`]); `None`
    /// for roots that are not renewed, where the peer presented nothing, and where a session was resumed.
    pub roots_generation: Option<u64>,
    /// On a client: the OCSP response that the server presented with its certificate, in DER.
    pub ocsp_response: Option<Vec<u8>>,
    /// What became of early data.
    pub early_data: EarlyDataStatus,
    /// Whether an earlier session was resumed, so that no certificate passed.
    pub resumed: Option<bool>,
    /// How long the parts of the handshake took.
    pub timings: Timings,
    /// Bytes that the handshake received.
    pub handshake_bytes_received: u64,
    /// Bytes that the handshake sent.
    pub handshake_bytes_sent: u64,
}

impl ConnectionInfo {
    /// Nothing known yet but the engine.
    pub fn new(backend: BackendInfo) -> Self {
        Self {
            backend,
            version: None,
            cipher_suite: None,
            named_group: None,
            peer_signature_scheme: None,
            alpn: None,
            server_name: None,
            peer_chain: Vec::new(),
            verified_chain: None,
            local_chain: Vec::new(),
            identity_generation: None,
            roots_generation: None,
            ocsp_response: None,
            early_data: EarlyDataStatus::NotOffered,
            resumed: None,
            timings: Timings::default(),
            handshake_bytes_received: 0,
            handshake_bytes_sent: 0,
        }
    }

    /// For backends: this side presented this identity, or with a resumed session would have.
    pub fn present(&mut self, identity: &Identity) {
        self.local_chain = identity.chain().to_vec();
        self.identity_generation = identity.generation();
    }

    /// The application protocol as text, if it is text.
    pub fn alpn_str(&self) -> Option<&str> {
        std::str::from_utf8(self.alpn.as_deref()?).ok()
    }
}

/// Times within a handshake, counted from its start on this side.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Timings {
    /// When the first byte went out: the client's hello, the server's first answer.
    pub first_sent: Option<Duration>,
    /// When the first byte came in.
    pub first_received: Option<Duration>,
    /// How long the peer's chain took to be verified.
    pub verification: Option<Duration>,
    /// When the handshake was complete.
    pub complete: Duration,
}
