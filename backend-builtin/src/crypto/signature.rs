//! Signatures of the peer's (RFC 8446 §4.4.3, RFC 5246 §7.4.3): which its key may make, and whether one is good.

use std::ops::RangeInclusive;

use aws_lc_rs::signature::{self, RsaParameters, UnparsedPublicKey, VerificationAlgorithm};
use der::asn1::ObjectIdentifier;
use polytls_api::{
    CertificateDer, ProtocolVersion, SignatureScheme,
    x509::{CertifiedKey, KeyUsage, SubjectPublicKeyInfo},
};

use crate::error::Fault;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The names of curves (RFC 5480 §2.1.1.1), in DER: 1.2.840.10045.3.1.7, 1.3.132.0.34 and 1.3.132.0.35.
const SECP256R1: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const SECP384R1: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x22];
const SECP521R1: &[u8] = &[6, 5, 0x2b, 0x81, 4, 0, 0x23];

/// Sizes of RSA moduli: less is broken within reach, more is work that a peer makes us do.
pub(super) const RSA_BITS: RangeInclusive<u32> = 2048..=8192;

/// What kind of key a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa { bits: u32 },
    EcdsaP256,
    EcdsaP384,
    EcdsaP521,
    Ed25519,
}

/// How a suite of TLS 1.2 authenticates the server (RFC 8422 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// ECDSA, and EdDSA as well (RFC 8422 §5.10).
    Ecdsa,
    Rsa,
}

impl KeyKind {
    /// What suites of TLS 1.2 a certificate of this kind goes with.
    pub(crate) fn authentication(self) -> Authentication {
        match self {
            Self::Rsa { .. } => Authentication::Rsa,
            Self::EcdsaP256 | Self::EcdsaP384 | Self::EcdsaP521 | Self::Ed25519 => Authentication::Ecdsa,
        }
    }

    /// Whether a key of this kind may sign a handshake of this version with this scheme.
    ///
    /// RFC 8446 §4.2.3 binds ECDSA's curve to its hash and keeps PKCS#1 to certificates. In RFC 5246 §7.4.1.4.1 a
    /// scheme is a hash and an algorithm: any curve goes with any of the hashes.
    pub(crate) fn may_sign(self, scheme: SignatureScheme, version: ProtocolVersion) -> bool {
        let own_curve = match self {
            Self::EcdsaP256 => SignatureScheme::ECDSA_SECP256R1_SHA256,
            Self::EcdsaP384 => SignatureScheme::ECDSA_SECP384R1_SHA384,
            Self::EcdsaP521 => SignatureScheme::ECDSA_SECP521R1_SHA512,
            Self::Ed25519 => SignatureScheme::ED25519,
            Self::Rsa { .. } if is_pkcs1(scheme) => return version == ProtocolVersion::Tls12,
            Self::Rsa { .. } => scheme,
        };
        let is_allowed = version == ProtocolVersion::Tls12 || scheme == own_curve;
        is_allowed && self.algorithm(scheme).is_some()
    }

    /// The library's algorithm for this scheme under a key of this kind.
    fn algorithm(self, scheme: SignatureScheme) -> Option<&'static dyn VerificationAlgorithm> {
        use SignatureScheme as S;
        Some(match (self, scheme) {
            (Self::EcdsaP256, S::ECDSA_SECP256R1_SHA256) => &signature::ECDSA_P256_SHA256_ASN1,
            (Self::EcdsaP256, S::ECDSA_SECP384R1_SHA384) => &signature::ECDSA_P256_SHA384_ASN1,
            (Self::EcdsaP256, S::ECDSA_SECP521R1_SHA512) => &signature::ECDSA_P256_SHA512_ASN1,
            (Self::EcdsaP384, S::ECDSA_SECP256R1_SHA256) => &signature::ECDSA_P384_SHA256_ASN1,
            (Self::EcdsaP384, S::ECDSA_SECP384R1_SHA384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Self::EcdsaP384, S::ECDSA_SECP521R1_SHA512) => &signature::ECDSA_P384_SHA512_ASN1,
            (Self::EcdsaP521, S::ECDSA_SECP256R1_SHA256) => &signature::ECDSA_P521_SHA256_ASN1,
            (Self::EcdsaP521, S::ECDSA_SECP384R1_SHA384) => &signature::ECDSA_P521_SHA384_ASN1,
            (Self::EcdsaP521, S::ECDSA_SECP521R1_SHA512) => &signature::ECDSA_P521_SHA512_ASN1,
            (Self::Ed25519, S::ED25519) => &signature::ED25519,
            (Self::Rsa { .. }, S::RSA_PSS_RSAE_SHA256) => &signature::RSA_PSS_2048_8192_SHA256,
            (Self::Rsa { .. }, S::RSA_PSS_RSAE_SHA384) => &signature::RSA_PSS_2048_8192_SHA384,
            (Self::Rsa { .. }, S::RSA_PSS_RSAE_SHA512) => &signature::RSA_PSS_2048_8192_SHA512,
            (Self::Rsa { .. }, S::RSA_PKCS1_SHA256) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Self::Rsa { .. }, S::RSA_PKCS1_SHA384) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Self::Rsa { .. }, S::RSA_PKCS1_SHA512) => &signature::RSA_PKCS1_2048_8192_SHA512,
            _ => return None,
        })
    }
}

/// RFC 8446 §4.2.3: RSASSA-PKCS1-v1_5 signs certificates only.
fn is_pkcs1(scheme: SignatureScheme) -> bool {
    matches!(
        scheme,
        SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PKCS1_SHA512
    )
}

/// The public key of a peer.
#[derive(Clone, Debug)]
pub(crate) struct PeerKey {
    kind: KeyKind,
    /// As the library reads it with the fewest checks twice: for ECDSA the whole SubjectPublicKeyInfo, else the key alone.
    encoded: Vec<u8>,
}

impl PeerKey {
    /// The key that the certificate is for.
    ///
    /// # Errors
    /// [`Fault::Decode`] for what is no certificate, [`Fault::UnsupportedCertificate`] for keys of other kinds and sizes,
    /// and for a key that may not sign (RFC 8446 §4.4.2.2, RFC 5246 §7.4.2): here a peer's key does nothing else.
    pub(crate) fn from_certificate(certificate: &CertificateDer<'_>) -> Result<Self, Fault> {
        // A verifier of the application's may accept what a strict parser would not (a version 1 certificate, a critical
        // extension that nobody knows): nothing else is looked at.
        let certified = CertifiedKey::of_certificate(certificate)
            .map_err(|_| Fault::Decode("a certificate that cannot be parsed"))?;
        // RFC 5280 §4.2.1.3: where usages are named, it has to be among them.
        if certified.key_usage.is_some_and(|usage| !usage.contains(KeyUsage::DIGITAL_SIGNATURE)) {
            return Err(Fault::UnsupportedCertificate(
                "a certificate whose key usage has no digitalSignature",
            ));
        }
        Self::from_info(&certified.subject_public_key_info)
    }

    pub(super) fn from_info(info: &SubjectPublicKeyInfo<'_>) -> Result<Self, Fault> {
        let kind = kind(info)?;
        let encoded = match kind {
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::EcdsaP521 => info.der,
            KeyKind::Rsa { .. } | KeyKind::Ed25519 => info.subject_public_key,
        };
        Ok(Self { kind, encoded: encoded.to_vec() })
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Whether the key may sign a handshake of this version with this scheme: [`KeyKind::may_sign`].
    pub(crate) fn may_sign(&self, scheme: SignatureScheme, version: ProtocolVersion) -> bool {
        self.kind.may_sign(scheme, version)
    }

    /// Whether the signature is this key's over the message.
    ///
    /// # Errors
    /// [`Fault::Decrypt`] where it is not, or the scheme is none of this key's.
    pub(crate) fn verify(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Fault> {
        let bad = || Fault::Decrypt("a signature that does not verify");
        let algorithm = self.kind.algorithm(scheme).ok_or_else(bad)?;
        UnparsedPublicKey::new(algorithm, &self.encoded).verify(message, signature).map_err(|_| bad())
    }
}

fn kind(info: &SubjectPublicKeyInfo<'_>) -> Result<KeyKind, Fault> {
    let key = info.subject_public_key;
    let (kind, len) = match (info.algorithm.algorithm, info.algorithm.parameters) {
        (RSA_ENCRYPTION, _) => return rsa(key),
        (EC_PUBLIC_KEY, Some(SECP256R1)) => (KeyKind::EcdsaP256, 1 + 2 * 32),
        (EC_PUBLIC_KEY, Some(SECP384R1)) => (KeyKind::EcdsaP384, 1 + 2 * 48),
        (EC_PUBLIC_KEY, Some(SECP521R1)) => (KeyKind::EcdsaP521, 1 + 2 * 66),
        (ED25519, None) => (KeyKind::Ed25519, 32),
        _ => return Err(Fault::UnsupportedCertificate("a certificate for a key of an unknown kind")),
    };
    // RFC 5480 §2.2: the uncompressed form is the one that everybody has; its length tells it.
    if key.len() != len {
        return Err(Fault::UnsupportedCertificate("a certificate for a key of another form"));
    }
    Ok(kind)
}

fn rsa(public_key: &[u8]) -> Result<KeyKind, Fault> {
    let bits = RsaParameters::public_modulus_len(public_key)
        .map_err(|_| Fault::UnsupportedCertificate("a certificate for an RSA key that cannot be read"))?;
    if !RSA_BITS.contains(&bits) {
        return Err(Fault::UnsupportedCertificate("an RSA key of less than 2048 or more than 8192 bits"));
    }
    Ok(KeyKind::Rsa { bits })
}
