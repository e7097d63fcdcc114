//! This side's own private key: parsed once, used for every handshake.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
        EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
        RsaParameters,
    },
};
use polytls_api::{CertificateDer, ConfigError, PrivateKeyDer, SignatureScheme};

use super::{KeyKind, is_same, signature::RSA_BITS, spki::SubjectPublicKeyInfo};
use crate::error::Fault;

/// A private key that signs handshakes.
pub(crate) struct SigningKey {
    kind: KeyKind,
    key: Key,
}

enum Key {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// The curves that keys are looked for in, and the one scheme that TLS 1.3 has for each.
const CURVES: [(&EcdsaSigningAlgorithm, KeyKind); 3] = [
    (&ECDSA_P256_SHA256_ASN1_SIGNING, KeyKind::EcdsaP256),
    (&ECDSA_P384_SHA384_ASN1_SIGNING, KeyKind::EcdsaP384),
    (&ECDSA_P521_SHA512_ASN1_SIGNING, KeyKind::EcdsaP521),
];

impl SigningKey {
    /// The key in PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    /// [`ConfigError::PrivateKey`] for a key of another kind or size, or one that contradicts itself.
    pub(crate) fn from_der(der: &PrivateKeyDer<'_>) -> Result<Self, ConfigError> {
        let found = match der {
            PrivateKeyDer::Pkcs8(key) => Self::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(key) => {
                RsaKeyPair::from_der(key.secret_pkcs1_der()).ok().and_then(Self::rsa)
            }
            PrivateKeyDer::Sec1(key) => Self::ecdsa(key.secret_sec1_der()),
            _ => None,
        };
        found.ok_or_else(|| ConfigError::PrivateKey {
            reason: "the builtin backend signs with ECDSA keys of P-256, P-384 and P-521, Ed25519 keys, and RSA keys \
                     of 2048 to 8192 bits; use one of these"
                .into(),
        })
    }

    fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let ed25519 = || Ed25519KeyPair::from_pkcs8(der).ok().map(Self::ed25519);
        let rsa = || RsaKeyPair::from_pkcs8(der).ok().and_then(Self::rsa);
        Self::ecdsa(der).or_else(ed25519).or_else(rsa)
    }

    fn ecdsa(der: &[u8]) -> Option<Self> {
        CURVES.into_iter().find_map(|(algorithm, kind)| {
            let key = EcdsaKeyPair::from_private_key_der(algorithm, der).ok()?;
            Some(Self { kind, key: Key::Ecdsa(key) })
        })
    }

    fn ed25519(key: Ed25519KeyPair) -> Self {
        Self { kind: KeyKind::Ed25519, key: Key::Ed25519(key) }
    }

    fn rsa(key: RsaKeyPair) -> Option<Self> {
        let bits = RsaParameters::public_modulus_len(key.public_key().as_ref()).ok()?;
        let kind = KeyKind::Rsa { bits };
        RSA_BITS.contains(&bits).then_some(Self { kind, key: Key::Rsa(key) })
    }

    pub(crate) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Whether the certificate is for this key.
    pub(crate) fn belongs_to(&self, certificate: &CertificateDer<'_>) -> bool {
        let own = match &self.key {
            Key::Rsa(key) => key.public_key().as_ref(),
            Key::Ecdsa(key) => key.public_key().as_ref(),
            Key::Ed25519(key) => key.public_key().as_ref(),
        };
        SubjectPublicKeyInfo::of_certificate(certificate).is_ok_and(|info| is_same(info.public_key, own))
    }

    /// What it can sign with, most wanted first.
    pub(crate) fn schemes(&self) -> &'static [SignatureScheme] {
        match self.kind {
            KeyKind::Rsa { .. } => &[
                SignatureScheme::RSA_PSS_RSAE_SHA256,
                SignatureScheme::RSA_PSS_RSAE_SHA384,
                SignatureScheme::RSA_PSS_RSAE_SHA512,
                SignatureScheme::RSA_PKCS1_SHA256,
                SignatureScheme::RSA_PKCS1_SHA384,
                SignatureScheme::RSA_PKCS1_SHA512,
            ],
            KeyKind::EcdsaP256 => &[SignatureScheme::ECDSA_SECP256R1_SHA256],
            KeyKind::EcdsaP384 => &[SignatureScheme::ECDSA_SECP384R1_SHA384],
            KeyKind::EcdsaP521 => &[SignatureScheme::ECDSA_SECP521R1_SHA512],
            KeyKind::Ed25519 => &[SignatureScheme::ED25519],
        }
    }

    /// A signature over the message.
    ///
    /// # Errors
    /// [`Fault::Internal`] for a scheme that is none of [`SigningKey::schemes`], or when the library fails.
    pub(crate) fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, Fault> {
        if !self.schemes().contains(&scheme) {
            return Err(Fault::Internal("a signature in a scheme that the key cannot sign with"));
        }
        let random = SystemRandom::new();
        let failed = |_| Fault::Internal("the private key cannot sign");
        match &self.key {
            Key::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
            Key::Ecdsa(key) => Ok(key.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding(scheme)?, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

fn encoding(scheme: SignatureScheme) -> Result<&'static dyn RsaEncoding, Fault> {
    Ok(match scheme {
        SignatureScheme::RSA_PSS_RSAE_SHA256 => &RSA_PSS_SHA256,
        SignatureScheme::RSA_PSS_RSAE_SHA384 => &RSA_PSS_SHA384,
        SignatureScheme::RSA_PSS_RSAE_SHA512 => &RSA_PSS_SHA512,
        SignatureScheme::RSA_PKCS1_SHA256 => &RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384 => &RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512 => &RSA_PKCS1_SHA512,
        _ => return Err(Fault::Internal("a scheme that is none of RSA's")),
    })
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.kind).finish()
    }
}
