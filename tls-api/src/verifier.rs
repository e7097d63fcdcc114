//! Certificate validation: may this chain speak for this peer, now? (RFC 5280 §6, RFC 9525)

use std::{fmt, time::SystemTime};

use async_trait::async_trait;
use rustls_pki_types::CertificateDer;

use crate::{CertificateError, ServerName};

/// Validates a chain. Any verifier works under any backend that offers the hook, and verifiers compose.
#[async_trait]
pub trait CertificateVerifier: fmt::Debug + Send + Sync {
    /// Whether `chain` may speak for `peer` at the time `now`.
    ///
    /// Must check everything that matters to it: path, validity, usage, and the name of a server. Proof of
    /// possession of the key is the handshake's business.
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError>;
}

/// What the peer presented.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "verifiers are called with one by anybody")]
pub struct PresentedChain<'a> {
    /// The peer's own certificate.
    pub end_entity: &'a CertificateDer<'a>,
    /// The others, in the order in which they came.
    pub intermediates: &'a [CertificateDer<'a>],
    /// The OCSP response that a server presented with its certificate, in DER; `None` also where the library
    /// learns of it only later (OpenSSL in TLS 1.2).
    pub ocsp_response: Option<&'a [u8]>,
}

impl<'a> PresentedChain<'a> {
    /// A chain without an OCSP response.
    pub fn new(end_entity: &'a CertificateDer<'a>, intermediates: &'a [CertificateDer<'a>]) -> Self {
        Self { end_entity, intermediates, ocsp_response: None }
    }
}

/// Whom the chain must speak for.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums, reason = "TLS has two roles")]
pub enum ExpectedPeer<'a> {
    /// A server of this name.
    Server(&'a ServerName),
    /// A client; who it is, the application reads from the chain.
    Client,
}

/// A chain that was found valid; only a verifier makes one.
#[derive(Clone, Debug)]
pub struct VerifiedChain {
    path: Vec<CertificateDer<'static>>,
}

impl VerifiedChain {
    /// The certification path from the end entity towards the root, as far as the verifier tells.
    pub fn new(path: Vec<CertificateDer<'static>>) -> Self {
        Self { path }
    }

    /// The certification path, the end entity first.
    pub fn path(&self) -> &[CertificateDer<'static>] {
        &self.path
    }
}

/// Accepts every certificate: the connection is encrypted, and anybody may be at its other end.
///
/// For tests and for looking at broken servers. Never for data that matters.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs, reason = "it has nothing to hold")]
pub struct DangerAcceptAnyCertificate;

#[async_trait]
impl CertificateVerifier for DangerAcceptAnyCertificate {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        _peer: &ExpectedPeer<'_>,
        _now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        Ok(VerifiedChain::new(vec![chain.end_entity.clone().into_owned()]))
    }
}
