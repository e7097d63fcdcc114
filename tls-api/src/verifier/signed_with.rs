//! What a signature is verified with, taken apart for whoever has the algorithms.

use der::{
    AnyRef, Decode, Reader, SliceReader, Tag, Tagged,
    asn1::{BitStringRef, UintRef},
};
use rustls_pki_types::alg_id;

use crate::CertificateError;

/// The lengths of RSA keys that sign, in bits: less is too weak, more costs too much.
pub(super) const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The algorithm of a signature and the key under it, taken apart for a
/// [`SignatureVerifier`](crate::SignatureVerifier).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SignedWith<'a> {
    /// The content of the signature's AlgorithmIdentifier: its OBJECT IDENTIFIER, and its parameters if there are any.
    pub signature_algorithm: &'a [u8],
    /// The content of the key's AlgorithmIdentifier, in the same way.
    pub key_algorithm: &'a [u8],
    /// The key's bits.
    pub key: &'a [u8],
}

impl<'a> SignedWith<'a> {
    /// Takes apart what a [`SignatureVerifier`](crate::SignatureVerifier) is asked about, both in DER.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] where it cannot be parsed.
    pub fn parse(subject_public_key_info: &'a [u8], algorithm: &'a [u8]) -> Result<Self, CertificateError> {
        let malformed = |field: &str, error: der::Error| CertificateError::Malformed {
            detail: format!("{field}: {error}"),
        };
        let (key_algorithm, key) =
            key(subject_public_key_info).map_err(|error| malformed("subjectPublicKeyInfo", error))?;
        let signature_algorithm =
            content(algorithm).map_err(|error| malformed("signatureAlgorithm", error))?;
        Ok(Self { signature_algorithm, key_algorithm, key })
    }

    /// The verdict on a signature with which the key and the algorithm, both known, do not agree.
    ///
    /// Libraries say of an RSA key that is too short, or too long, no more than of a signature that is wrong.
    pub fn refusal(&self) -> CertificateError {
        match rsa_bits(self.key_algorithm, self.key) {
            Some(bits) if !RSA_BITS.contains(&bits) => CertificateError::UnsupportedAlgorithm {
                detail: format!("an RSA key of {bits} bits; it must have 2048 to 8192"),
            },
            _ => CertificateError::BadSignature,
        }
    }
}

/// The length of an RSA key's modulus; `None` where the key is another, or malformed.
fn rsa_bits(algorithm: &[u8], key: &[u8]) -> Option<usize> {
    if algorithm == alg_id::RSA_ENCRYPTION.as_ref() { modulus_bits(key) } else { None }
}

/// The length of the modulus of an RSAPublicKey (RFC 8017 §A.1.1), which is its first field.
pub(super) fn modulus_bits(key: &[u8]) -> Option<usize> {
    let modulus = UintRef::decode(&mut SliceReader::new(content(key).ok()?).ok()?).ok()?;
    let (first, rest) = modulus.as_bytes().split_first()?;
    Some(8 * rest.len() + (8 - first.leading_zeros() as usize))
}

/// What a SEQUENCE holds.
fn content(sequence: &[u8]) -> der::Result<&[u8]> {
    let sequence = AnyRef::from_der(sequence)?;
    sequence.tag().assert_eq(Tag::Sequence)?;
    Ok(sequence.value())
}

/// The content of the AlgorithmIdentifier in a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), and the key.
fn key(subject_public_key_info: &[u8]) -> der::Result<(&[u8], &[u8])> {
    let mut fields = SliceReader::new(content(subject_public_key_info)?)?;
    let algorithm = AnyRef::decode(&mut fields)?;
    algorithm.tag().assert_eq(Tag::Sequence)?;
    let key = BitStringRef::decode(&mut fields)?;
    fields.finish()?;
    Ok((algorithm.value(), key.as_bytes().ok_or_else(|| der::ErrorKind::Failed.to_error())?))
}
