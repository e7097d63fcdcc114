//! Signatures of authorities, by aws-lc-rs through webpki's algorithms.

use std::fmt;

use polytls_api::{CertificateError, SignatureVerifier, SignedWith};
use rustls_pki_types::SignatureVerificationAlgorithm;

use crate::SIGNATURE_ALGORITHMS;

/// Verifies what authorities sign, with a list of algorithms: [`SIGNATURE_ALGORITHMS`] unless another is given.
pub struct Signatures(&'static [&'static dyn SignatureVerificationAlgorithm]);

impl Signatures {
    /// With these algorithms.
    pub fn new(algorithms: &'static [&'static dyn SignatureVerificationAlgorithm]) -> Self {
        Self(algorithms)
    }
}

impl Default for Signatures {
    fn default() -> Self {
        Self(SIGNATURE_ALGORITHMS)
    }
}

impl SignatureVerifier for Signatures {
    fn verify_signature(
        &self,
        subject_public_key_info: &[u8],
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CertificateError> {
        let unsupported = |detail: &str| CertificateError::UnsupportedAlgorithm { detail: detail.into() };
        let with = SignedWith::parse(subject_public_key_info, algorithm)?;
        let mut known =
            self.0.iter().filter(|known| *known.signature_alg_id() == *with.signature_algorithm).peekable();
        if known.peek().is_none() {
            return Err(unsupported("the algorithm of a signature is not supported, or too weak"));
        }
        let known = known
            .find(|known| *known.public_key_alg_id() == *with.key_algorithm)
            .ok_or_else(|| unsupported("a signature's algorithm does not go with its key"))?;
        known.verify_signature(with.key, message, signature).map_err(|_| with.refusal())
    }
}

impl fmt::Debug for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signatures").field(&self.0).finish()
    }
}
