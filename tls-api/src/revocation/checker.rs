//! What is known of a path's certificates, held against what the policy asks.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use polytls_x509::{Certificate, RevocationReason};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

use super::{RevocationMode, RevocationPolicy, crl::RevocationLists, must_staple, ocsp};
use crate::{CertificateError, ConfigError, ExpectedPeer, SignatureVerifier, VerifiedChain};

/// Asks about revocation as a [`RevocationPolicy`] says, with lists that can be replaced at run time.
///
/// A list's signature is verified when it is first needed, and once for each key of its issuer. Lists are indexed, so that
/// a question costs the same whatever they name.
pub struct RevocationChecker {
    mode: RevocationMode,
    lists: RwLock<Arc<RevocationLists>>,
    signatures: Arc<dyn SignatureVerifier>,
}

/// A certificate of a path, and its issuer's.
pub(super) struct Link<'a> {
    pub(super) subject: Certificate<'a>,
    pub(super) issuer: Certificate<'a>,
}

/// What a source says of a certificate.
#[derive(Debug)]
pub(super) enum Status {
    Good,
    Revoked {
        at: SystemTime,
        reason: Option<RevocationReason>,
    },
    /// Nothing that counts, and why.
    Unknown(String),
}

impl RevocationChecker {
    /// A checker of this policy, which verifies what authorities sign with `signatures`.
    ///
    /// # Errors
    /// [`ConfigError::Certificates`] for a list that cannot be used: malformed, without nextUpdate, a delta.
    pub fn new(
        policy: &RevocationPolicy,
        signatures: Arc<dyn SignatureVerifier>,
    ) -> Result<Self, ConfigError> {
        let lists = RwLock::new(Arc::new(RevocationLists::new(&policy.crls)?));
        Ok(Self { mode: policy.mode, lists, signatures })
    }

    /// Puts these lists in place of those that it has. Checks that are under way go on with the old ones. Sessions of before
    /// are resumed all the same: where that is too long, forbid resumption or make the lifetime of sessions short.
    ///
    /// # Errors
    /// [`ConfigError::Certificates`] for a list that cannot be used; the old ones then stay.
    pub fn replace_crls(
        &self,
        crls: impl IntoIterator<Item = CertificateRevocationListDer<'static>>,
    ) -> Result<(), ConfigError> {
        let lists = Arc::new(RevocationLists::new(&crls.into_iter().collect())?);
        *self.lists.write().unwrap_or_else(PoisonError::into_inner) = lists;
        Ok(())
    }

    /// What becomes of a certificate of which nothing is known.
    pub fn mode(&self) -> RevocationMode {
        self.mode
    }

    /// Whether the policy allows this path to be used at the time `now`: asked after a verifier has found it valid.
    ///
    /// `ocsp_response` is what the peer stapled for its own certificate, in DER. A path of one certificate that is itself
    /// trusted has nobody who could revoke it.
    ///
    /// # Errors
    /// [`CertificateError::Revoked`] for any certificate below the root, [`CertificateError::RevocationUnknown`] where the
    /// policy, or a certificate that says must-staple, asks for more than is known.
    pub fn check(
        &self,
        path: &VerifiedChain,
        peer: &ExpectedPeer<'_>,
        ocsp_response: Option<&[u8]>,
        now: SystemTime,
    ) -> Result<(), CertificateError> {
        if self.mode == RevocationMode::Off {
            return Ok(());
        }
        let must_staple = matches!(peer, ExpectedPeer::Server(_)) && must_staple::is_asked_by(path)?;
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner).clone();
        let soft = self.mode == RevocationMode::SoftFail;
        if soft && lists.is_empty() && ocsp_response.is_none() && !must_staple {
            return Ok(());
        }
        let question = Question { lists: &lists, signatures: &*self.signatures, now };
        let mut unknown = question.about_end_entity(path, ocsp_response, must_staple)?;
        for pair in path.path().windows(2).skip(1) {
            let status = Link::parse(pair).map_or_else(Status::Unknown, |link| question.of_lists(&link));
            unknown = unknown.or(status.known()?);
        }
        if !path.reaches_root() || path.path().is_empty() {
            unknown.get_or_insert("the verifier does not tell the path up to its root".into());
        }
        match unknown {
            Some(detail) if !soft => Err(CertificateError::RevocationUnknown { detail }),
            Some(reason) => {
                tracing::debug!(reason, "whether a certificate was revoked is not known");
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// What is asked of every certificate of a path.
struct Question<'a> {
    lists: &'a RevocationLists,
    signatures: &'a dyn SignatureVerifier,
    now: SystemTime,
}

impl Question<'_> {
    /// What is not known of the end entity's certificate; `None` where it is known to be good, or nobody could revoke it.
    fn about_end_entity(
        &self,
        path: &VerifiedChain,
        ocsp_response: Option<&[u8]>,
        must_staple: bool,
    ) -> Result<Option<String>, CertificateError> {
        let link = match path.path().windows(2).next().map(Link::parse) {
            Some(Ok(link)) => link,
            Some(Err(detail)) if must_staple => return Err(CertificateError::RevocationUnknown { detail }),
            Some(Err(detail)) => return Ok(Some(detail)),
            None if must_staple && !path.reaches_root() => {
                let detail =
                    "the certificate says must-staple (RFC 7633), and the verifier does not tell its issuer";
                return Err(CertificateError::RevocationUnknown { detail: detail.into() });
            }
            None => return Ok(None),
        };
        let stapled = match ocsp_response {
            None => Status::Unknown("no OCSP response was stapled".into()),
            Some(response) => ocsp::status(response, &link, self.signatures, self.now),
        };
        let not_stapled = stapled.known()?;
        let not_listed = self.of_lists(&link).known()?;
        match (not_stapled, not_listed) {
            (Some(why), _) if must_staple => {
                let detail = format!("the certificate says must-staple (RFC 7633), and {why}");
                Err(CertificateError::RevocationUnknown { detail })
            }
            (Some(stapled), Some(listed)) => {
                Ok(Some(format!("of {}: {stapled}, and {listed}", link.subject.subject)))
            }
            (None, _) | (_, None) => Ok(None),
        }
    }

    fn of_lists(&self, link: &Link<'_>) -> Status {
        self.lists.status(link, self.signatures, self.now)
    }
}

impl Status {
    /// Why nothing is known; `None` where it is known to be good.
    fn known(self) -> Result<Option<String>, CertificateError> {
        match self {
            Self::Good => Ok(None),
            Self::Unknown(reason) => Ok(Some(reason)),
            Self::Revoked { at, reason } => Err(CertificateError::Revoked { at: Some(at), reason }),
        }
    }
}

impl<'a> Link<'a> {
    /// Of a certificate and the next in the path.
    fn parse(pair: &'a [CertificateDer<'static>]) -> Result<Self, String> {
        let parse = |certificate: Option<&'a CertificateDer<'static>>| {
            let der = certificate.map(|der| der.as_ref()).unwrap_or_default();
            Certificate::parse(der)
                .map_err(|error| format!("a certificate of the path cannot be read: {error}"))
        };
        Ok(Self { subject: parse(pair.first())?, issuer: parse(pair.get(1))? })
    }
}

impl fmt::Debug for RevocationChecker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner).len();
        let Self { mode, signatures, .. } = self;
        f.debug_struct("RevocationChecker")
            .field("mode", mode)
            .field("lists", &lists)
            .field("signatures", signatures)
            .finish()
    }
}
