//! Signatures of authorities, by libcrypto.
//!
//! Which algorithm goes with which key is a list, the same as webpki's, and identifiers are compared as they are
//! encoded: that keeps out everything that OpenSSL knows beside it.

use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{PKey, Public},
    rsa::Padding,
    sign::{RsaPssSaltlen, Verifier},
};
use polytls_api::{CertificateError, SignatureVerifier, SignedWith};
use rustls_pki_types::alg_id;

/// Curves and RSA's two schemes with SHA-2, and Ed25519.
#[derive(Debug)]
pub(crate) struct Signatures;

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
        let scheme = Scheme::of(with.signature_algorithm)
            .ok_or_else(|| unsupported("the algorithm of a signature is not supported, or too weak"))?;
        if !scheme.goes_with(with.key_algorithm) {
            return Err(unsupported("a signature's algorithm does not go with its key"));
        }
        // Nothing of the key is used where its length is not supported.
        let refusal = with.refusal();
        if refusal != CertificateError::BadSignature || !scheme.takes(with.key) {
            return Err(refusal);
        }
        let verified = PKey::public_key_from_der(subject_public_key_info)
            .and_then(|key| scheme.verify(&key, message, signature));
        // What OpenSSL says of a signature that it cannot parse is an error of its own; it stands for this one alone.
        if verified.unwrap_or(false) { Ok(()) } else { Err(CertificateError::BadSignature) }
    }
}

/// How a signature is made.
#[derive(Clone, Copy)]
enum Scheme {
    Ecdsa(MessageDigest),
    RsaPkcs1(MessageDigest),
    RsaPss(MessageDigest),
    Ed25519,
}

impl Scheme {
    /// The scheme of an AlgorithmIdentifier, given its content.
    fn of(identifier: &[u8]) -> Option<Self> {
        let hashes = [MessageDigest::sha256(), MessageDigest::sha384(), MessageDigest::sha512()];
        let among = |known: [alg_id::AlgorithmIdentifier; 3]| {
            known.iter().zip(hashes).find(|(known, _)| known.as_ref() == identifier).map(|(_, hash)| hash)
        };
        // RFC 4055 §5: the parameters must be NULL, and whoever verifies must take none for the same.
        let absent = |known: [alg_id::AlgorithmIdentifier; 3]| {
            let known = known.iter().zip(hashes);
            let mut same = known.filter(|(known, _)| known.strip_suffix(&[5, 0]) == Some(identifier));
            same.next().map(|(_, hash)| hash)
        };
        let pkcs1 = [alg_id::RSA_PKCS1_SHA256, alg_id::RSA_PKCS1_SHA384, alg_id::RSA_PKCS1_SHA512];
        let pss = [alg_id::RSA_PSS_SHA256, alg_id::RSA_PSS_SHA384, alg_id::RSA_PSS_SHA512];
        let ecdsa = [alg_id::ECDSA_SHA256, alg_id::ECDSA_SHA384, alg_id::ECDSA_SHA512];
        if alg_id::ED25519.as_ref() == identifier {
            return Some(Self::Ed25519);
        }
        let ecdsa = among(ecdsa).map(Self::Ecdsa);
        ecdsa
            .or_else(|| among(pkcs1).or_else(|| absent(pkcs1)).map(Self::RsaPkcs1))
            .or_else(|| among(pss).map(Self::RsaPss))
    }

    /// Whether a key of this algorithm signs so. The algorithm is an AlgorithmIdentifier's content.
    fn goes_with(self, key_algorithm: &[u8]) -> bool {
        let known: &[alg_id::AlgorithmIdentifier] = match self {
            Self::Ecdsa(_) => &[alg_id::ECDSA_P256, alg_id::ECDSA_P384, alg_id::ECDSA_P521],
            Self::RsaPkcs1(_) | Self::RsaPss(_) => &[alg_id::RSA_ENCRYPTION],
            Self::Ed25519 => &[alg_id::ED25519],
        };
        known.iter().any(|known| known.as_ref() == key_algorithm)
    }

    /// Whether the key's bits are encoded as they must be: RFC 5480 §2.2 knows compressed points and others, and
    /// OpenSSL a third form.
    fn takes(self, key: &[u8]) -> bool {
        !matches!(self, Self::Ecdsa(_)) || matches!(key.first(), Some(2..=4))
    }

    fn verify(self, key: &PKey<Public>, message: &[u8], signature: &[u8]) -> Result<bool, ErrorStack> {
        let mut verifier = match self {
            Self::Ed25519 => Verifier::new_without_digest(key)?,
            Self::Ecdsa(hash) | Self::RsaPkcs1(hash) | Self::RsaPss(hash) => Verifier::new(hash, key)?,
        };
        if let Self::RsaPss(hash) = self {
            verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
            verifier.set_rsa_mgf1_md(hash)?;
            verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
        verifier.verify_oneshot(signature, message)
    }
}

#[cfg(test)]
mod tests;
