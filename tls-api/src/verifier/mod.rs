//! Certificate validation: may this chain speak for this peer, now? (RFC 5280 §6, RFC 9525)

mod about;
mod both;
mod cached;
mod inspection;
mod pinned;
mod report_only;
#[cfg(test)]
mod scripted;
mod signed_with;

use std::{fmt, time::SystemTime};

use async_trait::async_trait;
use rustls_pki_types::CertificateDer;

pub use self::{
    both::{Both, both},
    cached::{Cached, cached},
    inspection::{inspected, presented_names},
    pinned::{Pinned, Pins, SpkiPin, pinned},
    report_only::{DangerReportOnly, danger_report_only},
    signed_with::SignedWith,
};
use crate::{CertificateChain, CertificateError, ServerName, SharedChains};

/// Validates a chain. Any verifier works under any backend that offers the hook, and verifiers compose.
///
/// # Verifiers over verifiers
/// Each of these is a verifier over others, whichever those are:
/// - [`both`](both()): two must agree; where they differ, the log says so.
/// - [`pinned`](pinned()): the path must have a pinned key.
/// - [`cached`](cached()): what was accepted is not verified again for a while.
/// - [`with_revocation`](crate::with_revocation()): no certificate of the path may be revoked.
/// - [`danger_report_only`]: refusals are told, and not acted on.
///
/// The order matters. A cache goes over what costs signatures, and beneath what has to be asked anew each time, such as
/// revocation: `with_revocation(cached(both(a, b), ..)?, ..)`. A pin costs little, and may be over the cache or beneath
/// it. What only reports goes over the one rule that is on trial, never over what decides.
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

    /// Which roots and rules it holds at the moment: as long as two answers of this are the same, so are its verdicts on
    /// the same chain, peer and time, but for the certificates' own validity. `None`, the default, where it does not
    /// know: nobody may then keep its verdicts, and [`cached`](cached()) takes no such verifier.
    /// What has changed back is not the same: a revision is never used twice for different roots or rules.
    fn revision(&self) -> Option<u64> {
        None
    }
}

/// Verifies what an authority has signed: a certificate, a revocation list, an OCSP response.
///
/// Each backend that has a verifier of its own has one ([`Backend::signature_verifier`](crate::Backend::signature_verifier));
/// it refuses what is too weak: SHA-1 and MD5, RSA below 2048 bits, curves below 256 bits.
pub trait SignatureVerifier: fmt::Debug + Send + Sync {
    /// Whether `signature` over `message` was made with `algorithm` by the key in `subject_public_key_info`.
    ///
    /// The key and the algorithm are in DER, tag and length included (RFC 5280 §4.1.1.2, §4.1.2.7). The algorithm's
    /// parameters count: absent where they must be, NULL where they may.
    ///
    /// # Errors
    /// [`CertificateError::BadSignature`], [`CertificateError::UnsupportedAlgorithm`] for an algorithm, or a key under
    /// it, that is not known or too weak.
    fn verify_signature(
        &self,
        subject_public_key_info: &[u8],
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CertificateError>;
}

/// What the peer presented.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "verifiers are called with one by anybody")]
pub struct PresentedChain<'a> {
    /// The peer's own certificate.
    pub end_entity: &'a CertificateDer<'a>,
    /// The others, in the order in which they came.
    pub intermediates: &'a [CertificateDer<'a>],
    /// The OCSP response that a server presented with its certificate, in DER.
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
    path: CertificateChain,
    reaches_root: bool,
    generation: Option<u64>,
}

impl VerifiedChain {
    /// The certification path from the end entity to the root that is trusted, both included. One certificate alone
    /// says that the end entity's is itself trusted.
    pub fn new(path: impl Into<CertificateChain>) -> Self {
        Self { path: path.into(), reaches_root: true, generation: None }
    }

    /// As much of a path as a verifier tells, without the root.
    pub fn partial(path: impl Into<CertificateChain>) -> Self {
        Self { path: path.into(), reaches_root: false, generation: None }
    }

    /// The same verdict, by this generation of roots that are renewed
    /// ([`ConnectionInfo::roots_generation`](crate::ConnectionInfo::roots_generation) tells it).
    #[must_use]
    pub fn with_generation(self, generation: u64) -> Self {
        Self { generation: Some(generation), ..self }
    }

    /// The same verdict, whose path others may hold too.
    #[must_use]
    pub fn shared_by(self, chains: &SharedChains) -> Self {
        Self { path: chains.share(self.path), ..self }
    }

    /// What the peer presented, held with the path as far as that begins with it.
    #[must_use]
    pub fn held_with(&self, presented: CertificateChain) -> CertificateChain {
        presented.held_with(&self.path)
    }

    /// The certification path, the end entity first.
    pub fn path(&self) -> &[CertificateDer<'static>] {
        &self.path
    }

    /// Whether the path's last certificate is the root that is trusted.
    pub fn reaches_root(&self) -> bool {
        self.reaches_root
    }

    /// Which generation of the roots decided, where they are renewed.
    pub fn generation(&self) -> Option<u64> {
        self.generation
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
        Ok(VerifiedChain::partial(vec![chain.end_entity.clone().into_owned()]))
    }
}
