//! Paths to a root, and their validation (RFC 5280 §6, RFC 9525).
//!
//! `build` looks for paths among what the peer sent, `validate` reads as RFC 5280 §6.1; `usage`, `constraints`, `policy`,
//! `algorithms` and `names` are its parts, and `strict` what authorities owe beyond. What a peer can make us compute is
//! in `budget`. Certificates are read by `polytls-x509` and signatures verified by `polytls-aws-lc`; revocation is looked
//! at above.

mod algorithms;
mod anchor;
mod budget;
mod build;
mod candidate;
mod common_name;
mod constraints;
mod names;
mod policy;
mod profile;
mod refusal;
mod strict;
mod subtree;
#[cfg(test)]
mod tests;
mod usage;
mod validate;

use std::{collections::BTreeSet, fmt, time::SystemTime};

use polytls_api::{
    CertificateDer, CertificateError, CertificateVerifier, ConfigError, ExpectedPeer, PresentedChain,
    TrustPolicy, VerifiedChain, async_trait,
    x509::{Certificate, KeyPurposeId},
};
use polytls_aws_lc::Signatures;

pub use self::profile::Profile;
use self::{
    anchor::Anchors,
    budget::{CERTIFICATES, Exhausted},
    build::Search,
    candidate::{Candidate, Names, Root},
    validate::Rules,
};

/// The most intermediates of a path that are not self-issued, unless another number is set.
const MAX_DEPTH: usize = 8;

/// polytls's own verifier: RFC 5280 path building and validation, RFC 9525 names.
///
/// It trusts the roots of a [`TrustPolicy`] and looks at no revocation: that is put over it. A root is trusted for no
/// more than its certificate says: its validity, usage, path length and name constraints count. A root may be any
/// certificate; the peer's own may be one, and is then trusted without a path.
///
/// A verification tries 20,000 issuers, verifies 100 signatures (10 under RSA keys of over 4096 bits), validates 50 paths
/// or 256 KiB of them beyond that, and compares 100,000 names with constraints at the most, over 256 certificates; what
/// asks for more is [`CertificateError::PathTooLong`].
pub struct PathVerifier {
    anchors: Anchors,
    profile: Profile,
    max_depth: usize,
    signatures: Signatures,
}

impl PathVerifier {
    /// A verifier that trusts these roots.
    ///
    /// # Errors
    /// [`ConfigError::NoRoots`] where there are none, [`ConfigError::Certificates`] for a root that was given and cannot be
    /// read. One of the operating system's that cannot is passed over.
    pub fn new(trust: &TrustPolicy, profile: Profile) -> Result<Self, ConfigError> {
        let anchors = Anchors::new(&trust.roots, profile)?;
        Ok(Self { anchors, profile, max_depth: MAX_DEPTH, signatures: Signatures::default() })
    }

    /// The same, with this many intermediates in a path at the most; the self-issued do not count (RFC 5280 §6.1).
    /// Default: 8. More is [`CertificateError::PathTooLong`].
    #[must_use]
    pub fn with_max_depth(mut self, intermediates: usize) -> Self {
        self.max_depth = intermediates;
        self
    }

    fn verify_path(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let end_entity = Certificate::parse(chain.end_entity)
            .map_err(|error| CertificateError::Malformed { detail: error.to_string() })?;
        let rules = Rules { now, purpose: purpose(peer), profile: self.profile, max_depth: self.max_depth };
        let path = match self.anchors.contains(chain.end_entity) {
            true => {
                rules.end_entity(&end_entity)?;
                is_for(&end_entity, peer)?;
                vec![chain.end_entity.clone().into_owned()]
            }
            false => self.path_to_anchor(end_entity, chain.intermediates, peer, &rules)?,
        };
        Ok(VerifiedChain::new(path))
    }

    /// The path to a root of this end entity, which is none itself.
    fn path_to_anchor(
        &self,
        end_entity: Certificate<'_>,
        intermediates: &[CertificateDer<'_>],
        peer: &ExpectedPeer<'_>,
        rules: &Rules,
    ) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
        if intermediates.len() > CERTIFICATES {
            let detail = format!("{} certificates were sent, more than {CERTIFICATES}", intermediates.len());
            return Err(Exhausted(detail).into());
        }
        let mut names = Names::default();
        let mut seen = BTreeSet::from([end_entity.der]);
        let mut presented = Vec::with_capacity(intermediates.len() + 1);
        presented.push(Candidate::new(end_entity, &mut names));
        for der in intermediates.iter().filter(|der| seen.insert(der)) {
            // One that is malformed helps no path.
            if let Ok(certificate) = Certificate::parse(der) {
                presented.push(Candidate::new(certificate, &mut names));
            }
        }
        let roots = names.all().flat_map(|(name, subject)| {
            self.anchors.of_subject(name).map(move |anchor| Root { anchor, subject })
        });
        let roots: Vec<_> = roots.collect();
        let (below, root) = Search::new(rules, &self.signatures, &presented, &roots).path()?;
        if let Some(end_entity) = below.first() {
            is_for(end_entity, peer)?;
        }
        let path = below.iter().map(|certificate| certificate.der).chain([root.der()]);
        Ok(path.map(|der| CertificateDer::from(der.to_vec())).collect())
    }
}

/// The names, where a server is expected.
fn is_for(end_entity: &Certificate<'_>, peer: &ExpectedPeer<'_>) -> Result<(), CertificateError> {
    match peer {
        ExpectedPeer::Server(name) => names::server(end_entity, name),
        ExpectedPeer::Client => Ok(()),
    }
}

fn purpose(peer: &ExpectedPeer<'_>) -> KeyPurposeId {
    match peer {
        ExpectedPeer::Server(_) => KeyPurposeId::SERVER_AUTH,
        ExpectedPeer::Client => KeyPurposeId::CLIENT_AUTH,
    }
}

#[async_trait]
impl CertificateVerifier for PathVerifier {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        self.verify_path(chain, peer, now)
    }

    fn revision(&self) -> Option<u64> {
        Some(0)
    }
}

impl fmt::Debug for PathVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PathVerifier")
            .field("anchors", &self.anchors.len())
            .field("profile", &self.profile)
            .field("max_depth", &self.max_depth)
            .finish_non_exhaustive()
    }
}
