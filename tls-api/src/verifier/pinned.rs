//! Pins: digests of public keys, one of which the path must have (RFC 7469 §2.4, §2.6).

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use base64ct::{Base64, Encoding};
use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256};

use super::{CertificateVerifier, ExpectedPeer, PresentedChain, VerifiedChain};
use crate::{CertificateError, ConfigError, x509::Certificate};

/// A verifier that accepts what this one accepts, if the path that it found has a pinned key.
///
/// Any certificate of the path may have it: the end entity's, an intermediate's or the root's. What the peer presented
/// beside its path counts for nothing, for anybody can present anybody's certificate. A verifier that tells a part of
/// its path ([`VerifiedChain::reaches_root`]) can satisfy the pins of that part alone.
///
/// ```
/// use polytls_api::{CertificateVerifier, Pins, SpkiPin, pinned};
/// # use std::sync::Arc;
/// # use polytls_api::DangerAcceptAnyCertificate;
/// # let inner = Arc::new(DangerAcceptAnyCertificate);
/// let now: SpkiPin = "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse()?;
/// let next: SpkiPin = "sha256/IhSMRhsKTAo9OMhnBDzbAPgbRQPrvlnHmQ46Q1d2DB4=".parse()?;
/// let verifier: Arc<dyn CertificateVerifier> = pinned(inner, Pins::new(now, next)?);
/// # drop(verifier);
/// # Ok::<(), polytls_api::ConfigError>(())
/// ```
///
/// It refuses with [`CertificateError::NotPinned`], which names the pins that the path would satisfy.
pub fn pinned(inner: Arc<dyn CertificateVerifier>, pins: Pins) -> Arc<Pinned> {
    Arc::new(Pinned { inner, pins })
}

/// A verifier that wants a pinned key in the path; made by [`pinned`].
#[derive(Debug)]
pub struct Pinned {
    inner: Arc<dyn CertificateVerifier>,
    pins: Pins,
}

#[async_trait]
impl CertificateVerifier for Pinned {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let verified = self.inner.verify(chain, peer, now).await?;
        // What we cannot parse has no key to go by.
        let pins: Vec<_> =
            verified.path().iter().filter_map(|certificate| SpkiPin::of(certificate).ok()).collect();
        if pins.iter().any(|pin| self.pins.0.contains(pin)) {
            return Ok(verified);
        }
        Err(CertificateError::NotPinned { presented: pins.iter().map(SpkiPin::to_string).collect() })
    }

    /// The inner verifier's: the pins never change.
    fn revision(&self) -> Option<u64> {
        self.inner.revision()
    }
}

/// The SHA-256 digest of a SubjectPublicKeyInfo, in DER (RFC 7469 §2.4).
///
/// As text it is `sha256/` and the digest in base64 with its padding. curl's `sha256//…` is read too; hexadecimal is not.
/// OpenSSL makes one of a public key:
/// `openssl pkey -pubin -outform der -in key.pem | openssl dgst -sha256 -binary | base64`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpkiPin([u8; 32]);

impl SpkiPin {
    /// The pin of this digest.
    pub fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The pin of this certificate's key.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] where the certificate cannot be parsed.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, CertificateError> {
        match Certificate::parse(certificate) {
            Ok(certificate) => Ok(Self(Sha256::digest(certificate.subject_public_key_info.der).into())),
            Err(malformed) => Err(CertificateError::Malformed { detail: malformed.to_string() }),
        }
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for SpkiPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256/{}", Base64::encode_string(&self.0))
    }
}

impl fmt::Debug for SpkiPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpkiPin({self})")
    }
}

impl FromStr for SpkiPin {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ConfigError::Invalid {
            option: "pin",
            reason: format!("`{text}` is not `sha256/` and 32 bytes in base64"),
        };
        let base64 = text.strip_prefix("sha256/").ok_or_else(wrong)?;
        // Base64 may itself begin with a slash: the length tells whether there is one of curl's before it.
        let base64 = match base64.len() {
            45 => base64.strip_prefix('/').ok_or_else(wrong)?,
            _ => base64,
        };
        let mut digest = [0; 32];
        match Base64::decode(base64, &mut digest) {
            Ok(decoded) if decoded.len() == 32 => Ok(Self(digest)),
            _ => Err(wrong()),
        }
    }
}

/// The keys that a path may have: one that is in use, and one or more to change to.
///
/// A key that is lost or stolen has to be replaced, and who pinned it alone is then locked out. So there is always a
/// backup pin, whose key is best not online yet (RFC 7469 §2.5, §4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pins(Vec<SpkiPin>);

impl Pins {
    /// A pin and its backup.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] where the two are one.
    pub fn new(pin: SpkiPin, backup: SpkiPin) -> Result<Self, ConfigError> {
        if pin == backup {
            let reason = "the backup pin is the pin itself; make another key, and pin that as well".into();
            return Err(ConfigError::Invalid { option: "pins", reason });
        }
        Ok(Self(vec![pin, backup]))
    }

    /// One pin alone. With its key every connection is lost, until every client has a new configuration.
    pub fn danger_without_backup(pin: SpkiPin) -> Self {
        Self(vec![pin])
    }

    /// The same pins, and one more.
    #[must_use]
    pub fn and(mut self, pin: SpkiPin) -> Self {
        self.0.push(pin);
        self
    }
}
