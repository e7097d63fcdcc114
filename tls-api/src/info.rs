//! What a handshake negotiated, and what it cost.

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use crate::{
    BackendInfo, CertificateChain, CipherSuite, EarlyDataStatus, Identity, NamedGroup, ProtocolVersion,
    SignatureScheme, VerifiedChain,
};

/// Facts of an established connection. `None` where the backend's library does not tell.
///
/// Cheap to clone: clones share what is long.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The engine that ran.
    pub backend: Arc<BackendInfo>,
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
    pub alpn: Option<Arc<[u8]>>,
    /// The DNS name in SNI, as sent or received.
    pub server_name: Option<Arc<str>>,
    /// The peer's certificates, its own first; only its own where the library shows no others.
    pub peer_chain: CertificateChain,
    /// The path on which the verifier found the peer's certificate valid, as far as it tells; `None` where the
    /// peer presented none, a session was resumed, or the library keeps its path to itself.
    pub verified_chain: Option<VerifiedChain>,
    /// What this side presented, its own certificate first; empty for nothing, and on a client whose library does not
    /// tell whether it was asked (native). With a resumed session: what it would have presented on a server, nothing on
    /// a client.
    pub local_chain: CertificateChain,
    /// Which generation of an identity that is renewed [`local_chain`](Self::local_chain) is
    /// ([`Identity::with_generation`]); `None` for one that has none, and where nothing was presented.
    pub identity_generation: Option<u64>,
    /// On a client: the OCSP response that the server presented with its certificate, in DER.
    pub ocsp_response: Option<Arc<[u8]>>,
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
    pub fn new(backend: impl Into<Arc<BackendInfo>>) -> Self {
        Self {
            backend: backend.into(),
            version: None,
            cipher_suite: None,
            named_group: None,
            peer_signature_scheme: None,
            alpn: None,
            server_name: None,
            peer_chain: CertificateChain::default(),
            verified_chain: None,
            local_chain: CertificateChain::default(),
            identity_generation: None,
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
        self.local_chain = identity.shared_chain().clone();
        self.identity_generation = identity.generation();
    }

    /// Which generation of roots that are renewed found the peer's chain valid ([`VerifiedChain::generation`]); `None`
    /// for roots that are not renewed, where the peer presented nothing, and where a session was resumed.
    pub fn roots_generation(&self) -> Option<u64> {
        self.verified_chain.as_ref()?.generation()
    }

    /// The application protocol as text, if it is text.
    pub fn alpn_str(&self) -> Option<&str> {
        std::str::from_utf8(self.alpn.as_deref()?).ok()
    }
}

/// Times within a handshake in whole microseconds, counted from its start on this side.
///
/// What took longer than 71 minutes is told as that.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    first_sent: Elapsed,
    first_received: Elapsed,
    verification: Elapsed,
    complete: Elapsed,
}

impl Timings {
    /// When the first byte went out: the client's hello, the server's first answer.
    pub fn first_sent(&self) -> Option<Duration> {
        self.first_sent.0.map(Elapsed::duration)
    }

    /// When the first byte came in.
    pub fn first_received(&self) -> Option<Duration> {
        self.first_received.0.map(Elapsed::duration)
    }

    /// How long the peer's chain took to be verified.
    pub fn verification(&self) -> Option<Duration> {
        self.verification.0.map(Elapsed::duration)
    }

    /// When the handshake was complete.
    pub fn complete(&self) -> Duration {
        self.complete.0.map(Elapsed::duration).unwrap_or_default()
    }

    /// For backends: how long the peer's chain took to be verified.
    pub fn set_verification(&mut self, took: Duration) {
        self.verification = took.into();
    }

    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn set_first_sent(&mut self, after: Duration) {
        self.first_sent = after.into();
    }

    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn set_first_received(&mut self, after: Duration) {
        self.first_received = after.into();
    }

    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn set_complete(&mut self, after: Duration) {
        self.complete = after.into();
    }
}

/// Microseconds and one: many connections hold four of these for as long as they last.
#[derive(Clone, Copy, Default)]
struct Elapsed(Option<NonZeroU32>);

impl Elapsed {
    fn duration(micros_and_one: NonZeroU32) -> Duration {
        Duration::from_micros(u64::from(micros_and_one.get()) - 1)
    }
}

impl From<Duration> for Elapsed {
    fn from(elapsed: Duration) -> Self {
        let micros = u32::try_from(elapsed.as_micros()).unwrap_or(u32::MAX);
        Self(NonZeroU32::new(micros.saturating_add(1)))
    }
}

impl fmt::Debug for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map(Self::duration).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_to_the_microsecond() {
        let mut timings = Timings::default();
        assert_eq!((timings.verification(), timings.complete()), (None, Duration::ZERO));
        for micros in [0, 1, u64::from(u32::MAX) - 1] {
            timings.set_verification(Duration::from_micros(micros) + Duration::from_nanos(999));
            assert_eq!(timings.verification(), Some(Duration::from_micros(micros)));
        }
        timings.set_verification(Duration::MAX);
        assert!(timings.verification() > Some(Duration::from_secs(71 * 60)));
    }
}
