//! rustls-webpki as a [`CertificateVerifier`].

use std::{fmt, sync::Arc, time::SystemTime};

use der::{AnyRef, Encode, Tag};
use polytls_api::{
    CertificateDer, CertificateError, CertificateVerifier, ConfigError, ExpectedPeer, PresentedChain, Roots,
    ServerName, SignedWith, TrustPolicy, VerifiedChain, async_trait, inspected, with_revocation,
    x509::Certificate,
};
use rustls_pki_types::{SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, aws_lc_rs as algorithms};

use crate::{Signatures, error, walks};

/// The algorithms with which an authority may sign: ECDSA on the three NIST curves, Ed25519, and RSA with PSS or
/// PKCS#1, with SHA-2.
pub static SIGNATURE_ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P256_SHA512,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ECDSA_P384_SHA512,
    algorithms::ECDSA_P521_SHA256,
    algorithms::ECDSA_P521_SHA384,
    algorithms::ECDSA_P521_SHA512,
    algorithms::ED25519,
    algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
    algorithms::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
    algorithms::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
    algorithms::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
];

/// An empty SEQUENCE, where the key alone is asked about.
const NO_ALGORITHM: &[u8] = &[0x30, 0];

/// What a policy trusts, by rustls-webpki with these algorithms of signatures: its roots, and what it asks about
/// revocation.
///
/// # Errors
/// As [`WebPkiVerifier::new`], and [`ConfigError::Certificates`] for a revocation list that cannot be used.
pub fn webpki_verifier(
    trust: &TrustPolicy,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
    let verifier = Arc::new(WebPkiVerifier::new(&trust.roots, algorithms)?);
    with_revocation(verifier, &trust.revocation_policy(), Arc::new(Signatures::new(algorithms)))
}

/// rustls-webpki: RFC 5280 path validation with RFC 9525 names. It asks nothing about revocation.
pub struct WebPkiVerifier {
    anchors: Vec<TrustAnchor<'static>>,
    /// The certificates of the anchors, in the same order.
    roots: Vec<CertificateDer<'static>>,
    algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
}

impl WebPkiVerifier {
    /// A verifier for these roots, which knows these algorithms of signatures.
    ///
    /// # Errors
    /// [`ConfigError::NoRoots`] where there are none, [`ConfigError::Certificates`] for a root that cannot be read.
    pub fn new(
        roots: &Roots,
        algorithms: &'static [&'static dyn SignatureVerificationAlgorithm],
    ) -> Result<Self, ConfigError> {
        let (mut anchors, mut certificates) = (Vec::new(), Vec::new());
        for certificate in roots.certificates()?.iter() {
            match (webpki::anchor_from_trusted_cert(certificate), roots) {
                (Ok(anchor), _) => {
                    anchors.push(anchor.to_owned());
                    certificates.push(certificate.clone());
                }
                (Err(error), Roots::Explicit(_) | Roots::Directory(_)) => {
                    let reason = format!("a root is malformed: {error}");
                    return Err(ConfigError::Certificates { reason });
                }
                // A root in the system's store that webpki cannot read takes nothing from the others.
                (Err(_), _) => {}
            }
        }
        if anchors.is_empty() && *roots != Roots::None {
            return Err(ConfigError::NoRoots { reason: "webpki can read none of them".into() });
        }
        Ok(Self { anchors, roots: certificates, algorithms })
    }

    fn verify_chain(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let (usage, name) = match *peer {
            ExpectedPeer::Server(name) => (KeyUsage::server_auth(), Some(name)),
            ExpectedPeer::Client => (KeyUsage::client_auth(), None),
        };
        let end_entity = EndEntityCert::try_from(chain.end_entity)
            .map_err(|error| error::certificate(error, name, false))?;
        // One that is a root as well is refused for being an authority's, not for being a stranger.
        let self_issued = end_entity.issuer() == end_entity.subject() && !self.trusts(&end_entity);
        let intermediates = walks::bounded(&end_entity, chain.intermediates, &self.anchors)?;
        let path = end_entity
            .verify_for_usage(
                self.algorithms,
                &self.anchors,
                &intermediates,
                unix_time(now),
                usage,
                None,
                None,
            )
            .map_err(|error| error::certificate(error, name, self_issued))?;
        if let Some(name) = name {
            end_entity
                .verify_is_valid_for_subject_name(&pki_name(name)?)
                .map_err(|error| error::certificate(error, Some(name), false))?;
        }
        let mut found = vec![chain.end_entity.clone().into_owned()];
        found.extend(path.intermediate_certificates().map(|issuer| issuer.der().into_owned()));
        let anchor = self.anchors.iter().position(|anchor| anchor == path.anchor());
        Ok(match anchor.and_then(|place| self.roots.get(place)) {
            // The peer's own certificate may be the root.
            Some(root) if found.last() == Some(root) => VerifiedChain::new(found),
            Some(root) => {
                found.push(root.clone());
                VerifiedChain::new(found)
            }
            None => VerifiedChain::partial(found),
        })
    }
}

impl WebPkiVerifier {
    /// webpki says of a root whose key is too weak no more than that it has not made the signature.
    fn explain(&self, fault: CertificateError, chain: &PresentedChain<'_>) -> CertificateError {
        if fault != CertificateError::BadSignature {
            return fault;
        }
        let presented = std::iter::once(chain.end_entity).chain(chain.intermediates);
        let issued: Vec<_> = presented.filter_map(|der| Certificate::parse(der).ok()).collect();
        let issuers = self
            .anchors
            .iter()
            .filter(|anchor| issued.iter().any(|below| below.issuer.der().ends_with(&anchor.subject)));
        let reasons = issuers.filter_map(|anchor| {
            let key = AnyRef::new(Tag::Sequence, &anchor.subject_public_key_info).ok()?.to_der().ok()?;
            SignedWith::parse(&key, NO_ALGORITHM).ok().map(|with| with.refusal())
        });
        reasons.into_iter().find(|reason| *reason != CertificateError::BadSignature).unwrap_or(fault)
    }

    /// Whether the certificate is one of the roots.
    fn trusts(&self, certificate: &EndEntityCert<'_>) -> bool {
        let key = certificate.subject_public_key_info();
        self.anchors.iter().any(|anchor| {
            *anchor.subject == *certificate.subject() && key.ends_with(&anchor.subject_public_key_info)
        })
    }
}

#[async_trait]
impl CertificateVerifier for WebPkiVerifier {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        inspected(chain, peer, |chain| {
            self.verify_chain(chain, peer, now).map_err(|fault| self.explain(fault, chain))
        })
    }

    /// Its roots never change.
    fn revision(&self) -> Option<u64> {
        Some(0)
    }
}

impl fmt::Debug for WebPkiVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPkiVerifier").field("anchors", &self.anchors.len()).finish_non_exhaustive()
    }
}

/// The name in the type of webpki and rustls.
///
/// # Errors
/// [`CertificateError::Other`] for what is no DNS name, which a parsed [`ServerName`] always is.
pub fn pki_name(name: &ServerName) -> Result<rustls_pki_types::ServerName<'static>, CertificateError> {
    match name {
        ServerName::Ip(ip) => Ok((*ip).into()),
        ServerName::Dns(name) => rustls_pki_types::ServerName::try_from(name.to_string())
            .map_err(|_| CertificateError::Other { detail: format!("`{name}` is not a DNS name") }),
    }
}

fn unix_time(time: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
