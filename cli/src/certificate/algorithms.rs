//! Algorithms of keys and signatures, by the names that people know (RFC 3279, 4055, 5480, 8410, 9881).

use x509_parser::{
    public_key::PublicKey,
    x509::{AlgorithmIdentifier, SubjectPublicKeyInfo},
};

const SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.4", "RSA with MD5"),
    ("1.2.840.113549.1.1.5", "RSA with SHA-1"),
    ("1.2.840.113549.1.1.10", "RSA-PSS"),
    ("1.2.840.113549.1.1.11", "RSA with SHA-256"),
    ("1.2.840.113549.1.1.12", "RSA with SHA-384"),
    ("1.2.840.113549.1.1.13", "RSA with SHA-512"),
    ("1.2.840.10045.4.1", "ECDSA with SHA-1"),
    ("1.2.840.10045.4.3.2", "ECDSA with SHA-256"),
    ("1.2.840.10045.4.3.3", "ECDSA with SHA-384"),
    ("1.2.840.10045.4.3.4", "ECDSA with SHA-512"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
];

const CURVES: &[(&str, &str)] = &[
    ("1.2.840.10045.3.1.7", "P-256"),
    ("1.3.132.0.34", "P-384"),
    ("1.3.132.0.35", "P-521"),
    ("1.3.132.0.10", "secp256k1"),
];

const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";

/// The algorithm that signed a certificate.
pub(super) fn signature(algorithm: &AlgorithmIdentifier<'_>) -> String {
    named(SIGNATURES, &algorithm.algorithm.to_id_string())
}

/// The kind and size of a public key.
pub(super) fn key(key: &SubjectPublicKeyInfo<'_>) -> String {
    let identifier = key.algorithm.algorithm.to_id_string();
    if let Ok(PublicKey::RSA(rsa)) = key.parsed() {
        return format!("RSA, {} bits", rsa.key_size());
    }
    if identifier == EC_PUBLIC_KEY {
        let curve = key.algorithm.parameters().and_then(|parameters| parameters.clone().oid().ok());
        return curve.map_or("EC".into(), |curve| format!("EC, {}", named(CURVES, &curve.to_id_string())));
    }
    named(SIGNATURES, &identifier)
}

/// The name of what has one here, else the identifier itself.
fn named(names: &[(&str, &str)], identifier: &str) -> String {
    let known = names.iter().find(|(known, _)| *known == identifier);
    known.map_or(identifier, |(_, name)| name).to_owned()
}
