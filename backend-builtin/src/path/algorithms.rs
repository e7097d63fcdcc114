//! Which keys and signatures are good enough: ECDSA on the three NIST curves, Ed25519, and RSA from 2048 to 8192 bits,
//! with SHA-2 (RFC 8446 §4.2.3, Baseline Requirements §6.1.5).

use der::{
    Decode, Reader, SliceReader,
    asn1::{ObjectIdentifier, UintRef},
};
use polytls_api::{
    CertificateError,
    x509::{Certificate, SubjectPublicKeyInfo},
};

use super::refusal::malformed;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The curves, with the length of an uncompressed point.
const CURVES: [(ObjectIdentifier, usize); 3] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), 65),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), 97),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), 133),
];

/// Larger keys cost more to verify with than a peer may ask for.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Algorithms that are known, and refused, by the name that an error tells.
const WEAK: [(ObjectIdentifier, &str); 13] = [
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.2"), "MD2"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4"), "MD5"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"), "SHA-1"),
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.29"), "SHA-1"),
    (ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.14"), "SHA-224"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"), "SHA-1"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.1"), "SHA-224"),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.1"), "DSA"),
    (ObjectIdentifier::new_unwrap("1.2.840.10040.4.3"), "DSA"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.1"), "DSA"),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.2"), "DSA"),
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.1"), "the curve P-192"),
    (ObjectIdentifier::new_unwrap("1.3.132.0.33"), "the curve P-224"),
];

/// Refuses a certificate whose key is too weak, or of a kind that nothing here signs with.
pub(super) fn key(certificate: &Certificate<'_>) -> Result<(), CertificateError> {
    let info = &certificate.subject_public_key_info;
    match info.algorithm.algorithm {
        RSA_ENCRYPTION => rsa(certificate, info),
        EC_PUBLIC_KEY => elliptic_curve(info),
        ED25519 => match (info.algorithm.parameters, info.subject_public_key.len()) {
            (None, 32) => Ok(()),
            _ => unsupported("an Ed25519 key of another form than RFC 8410's"),
        },
        other => unsupported(&format!("a key of {}", name(other))),
    }
}

/// Refuses a certificate that is signed with what is too weak; whether the signature is right is not looked at.
pub(super) fn signature(certificate: &Certificate<'_>) -> Result<(), CertificateError> {
    consistent(certificate)?;
    match WEAK.iter().find(|(weak, _)| *weak == certificate.signature_algorithm.algorithm) {
        Some((_, name)) => unsupported(name),
        None => Ok(()),
    }
}

/// RFC 5280 §4.1.1.2: the field outside MUST contain the same algorithm identifier as the one that is signed.
pub(super) fn consistent(certificate: &Certificate<'_>) -> Result<(), CertificateError> {
    match certificate.signature_algorithm == certificate.tbs_signature {
        true => Ok(()),
        false => unsupported("signatureAlgorithm is another than the one that is signed"),
    }
}

/// RFC 3279 §2.3.1, with what Baseline Requirements §6.1.5 and §6.1.6 ask of the numbers.
fn rsa(certificate: &Certificate<'_>, info: &SubjectPublicKeyInfo<'_>) -> Result<(), CertificateError> {
    if info.algorithm.parameters != Some(&[5, 0]) {
        return unsupported("an RSA key without the parameters NULL");
    }
    let Some((modulus, exponent)) = rsa_numbers(info.subject_public_key) else {
        return Err(malformed("subjectPublicKeyInfo", certificate, "it is no RSAPublicKey"));
    };
    let bits = bits(modulus);
    if !RSA_BITS.contains(&bits) {
        return unsupported(&format!("RSA of {bits} bits"));
    }
    let odd = exponent.last().is_some_and(|last| last & 1 == 1);
    match odd && (2..=64).contains(&self::bits(exponent)) {
        true => Ok(()),
        false => unsupported("RSA with an exponent that is even, 1, or above 64 bits"),
    }
}

/// How many bits the modulus has, if the key is one of RSA.
pub(super) fn rsa_bits(certificate: &Certificate<'_>) -> Option<usize> {
    let info = &certificate.subject_public_key_info;
    let (modulus, _) =
        (info.algorithm.algorithm == RSA_ENCRYPTION).then(|| rsa_numbers(info.subject_public_key))??;
    Some(bits(modulus))
}

/// What it costs to verify a signature with the key, in those that are usual: with the longest of RSA it is as much as
/// with ten of 4096 bits.
pub(super) fn weight(certificate: &Certificate<'_>) -> u32 {
    if rsa_bits(certificate).is_some_and(|bits| bits > 4096) { 10 } else { 1 }
}

/// Modulus and exponent.
fn rsa_numbers<'a>(key: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut reader = SliceReader::new(key).ok()?;
    let read = |fields: &mut SliceReader<'a>| -> der::Result<_> {
        Ok((UintRef::decode(fields)?.as_bytes(), UintRef::decode(fields)?.as_bytes()))
    };
    let numbers = reader.sequence(read).ok()?;
    reader.finish().ok()?;
    Some(numbers)
}

/// How many bits a number has that is written without leading zeros.
fn bits(number: &[u8]) -> usize {
    let Some(first) = number.first() else { return 0 };
    8 * number.len() - first.leading_zeros() as usize
}

/// RFC 5480 §2.1.1: a named curve; not all that a curve may be, spelled out.
fn elliptic_curve(info: &SubjectPublicKeyInfo<'_>) -> Result<(), CertificateError> {
    let parameters = info.algorithm.parameters.unwrap_or_default();
    let Ok(curve) = ObjectIdentifier::from_der(parameters) else {
        return unsupported("a key on a curve that it spells out instead of naming it");
    };
    let Some((_, length)) = CURVES.iter().find(|(known, _)| *known == curve) else {
        return unsupported(&name(curve));
    };
    match info.subject_public_key {
        [4, ..] if info.subject_public_key.len() == *length => Ok(()),
        _ => unsupported("a key on a curve that is no uncompressed point of it"),
    }
}

fn name(algorithm: ObjectIdentifier) -> String {
    let known = WEAK.iter().find(|(weak, _)| *weak == algorithm);
    known.map_or_else(|| algorithm.to_string(), |(_, name)| (*name).into())
}

fn unsupported(detail: &str) -> Result<(), CertificateError> {
    Err(CertificateError::UnsupportedAlgorithm { detail: detail.into() })
}
