//! Which keys and signatures are too weak: RSA below 2048 bits, curves but the three of NIST, DSA; SHA-1 and older, and
//! SHA-224 (Baseline Requirements §6.1.5, §7.1.3). What is not known here, a library may know.

use der::{Decode, asn1::ObjectIdentifier};

use crate::{
    CertificateError,
    verifier::signed_with::{RSA_BITS, modulus_bits},
    x509::{Certificate, SubjectPublicKeyInfo},
};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const RSA: [ObjectIdentifier; 2] = [oid("1.2.840.113549.1.1.1"), oid("1.2.840.113549.1.1.10")];
const EC_PUBLIC_KEY: ObjectIdentifier = oid("1.2.840.10045.2.1");
const DSA: ObjectIdentifier = oid("1.2.840.10040.4.1");

/// P-256, P-384 and P-521.
const CURVES: [ObjectIdentifier; 3] = [oid("1.2.840.10045.3.1.7"), oid("1.3.132.0.34"), oid("1.3.132.0.35")];

const WEAK_SIGNATURES: [(ObjectIdentifier, &str); 11] = [
    (oid("1.2.840.113549.1.1.2"), "MD2"),
    (oid("1.2.840.113549.1.1.4"), "MD5"),
    (oid("1.2.840.113549.1.1.5"), "SHA-1"),
    (oid("1.3.14.3.2.29"), "SHA-1"),
    (oid("1.2.840.113549.1.1.14"), "SHA-224"),
    (oid("1.2.840.10045.4.1"), "SHA-1"),
    (oid("1.2.840.10045.4.3.1"), "SHA-224"),
    (oid("1.2.840.10040.4.1"), "DSA"),
    (oid("1.2.840.10040.4.3"), "DSA"),
    (oid("2.16.840.1.101.3.4.3.1"), "DSA"),
    (oid("2.16.840.1.101.3.4.3.2"), "DSA"),
];

/// Why a key is not good enough, if it is not.
pub(super) fn weak_key(info: &SubjectPublicKeyInfo<'_>) -> Option<CertificateError> {
    match info.algorithm.algorithm {
        algorithm if RSA.contains(&algorithm) => {
            let bits = modulus_bits(info.subject_public_key)?;
            let weak = !RSA_BITS.contains(&bits);
            weak.then(|| unsupported(format!("an RSA key of {bits} bits; it must have 2048 to 8192")))
        }
        EC_PUBLIC_KEY => {
            // RFC 5480 §2.1.1: a named curve, never one that is spelled out.
            let curve = info.algorithm.parameters.map(ObjectIdentifier::from_der);
            match curve {
                Some(Ok(curve)) if CURVES.contains(&curve) => None,
                Some(Ok(curve)) => Some(unsupported(format!("a key on the curve {curve}"))),
                _ => Some(unsupported("a key on a curve without a name".into())),
            }
        }
        DSA => Some(unsupported("a DSA key".into())),
        _ => None,
    }
}

/// Why the algorithm that a certificate is signed with is not good enough, if it is not.
pub(super) fn weak_signature(certificate: &Certificate<'_>) -> Option<CertificateError> {
    let algorithm = certificate.signature_algorithm.algorithm;
    let (_, name) = WEAK_SIGNATURES.iter().find(|(weak, _)| *weak == algorithm)?;
    Some(unsupported(format!("a certificate is signed with {name}")))
}

fn unsupported(detail: String) -> CertificateError {
    CertificateError::UnsupportedAlgorithm { detail }
}
