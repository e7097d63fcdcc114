//! Signatures of authorities, by aws-lc-rs through webpki's algorithms.

use std::fmt;

use der::{AnyRef, Decode, Error, Reader, SliceReader, Tag, Tagged, asn1::BitStringRef};
use polytls_api::{CertificateError, SignatureVerifier};
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
        let (key_algorithm, key) = key(subject_public_key_info).map_err(|error| {
            CertificateError::Malformed { detail: format!("subjectPublicKeyInfo: {error}") }
        })?;
        let algorithm = content(algorithm).map_err(|error| CertificateError::Malformed {
            detail: format!("signatureAlgorithm: {error}"),
        })?;
        let mut known = self.0.iter().filter(|known| *known.signature_alg_id() == *algorithm).peekable();
        if known.peek().is_none() {
            return Err(unsupported("the algorithm of a signature is not supported, or too weak"));
        }
        let known = known.find(|known| *known.public_key_alg_id() == *key_algorithm).ok_or_else(|| {
            unsupported("a signature's algorithm does not go with its key, or the key is too weak")
        })?;
        known.verify_signature(key, message, signature).map_err(|_| CertificateError::BadSignature)
    }
}

/// What a SEQUENCE holds.
fn content(sequence: &[u8]) -> Result<&[u8], Error> {
    let sequence = AnyRef::from_der(sequence)?;
    sequence.tag().assert_eq(Tag::Sequence)?;
    Ok(sequence.value())
}

/// The identifier of the key's algorithm, without tag and length as webpki has it, and the key.
fn key(subject_public_key_info: &[u8]) -> Result<(&[u8], &[u8]), Error> {
    let mut fields = SliceReader::new(content(subject_public_key_info)?)?;
    let algorithm = AnyRef::decode(&mut fields)?;
    algorithm.tag().assert_eq(Tag::Sequence)?;
    let key = BitStringRef::decode(&mut fields)?;
    fields.finish()?;
    Ok((algorithm.value(), key.as_bytes().ok_or_else(|| der::ErrorKind::Failed.to_error())?))
}

impl fmt::Debug for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signatures").field(&self.0).finish()
    }
}
