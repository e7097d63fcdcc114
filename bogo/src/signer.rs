//! Keys that sign through polytls's hook: with a pause where hooks are to suspend, and with the schemes of a test.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
        EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
        RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use polytls::{HookError, SignatureScheme, Signer, async_trait};

use crate::hooks::pause;

/// A key in memory behind the hook for keys that are elsewhere.
pub(crate) struct KeySigner {
    key: Key,
    schemes: Vec<SignatureScheme>,
    suspends: bool,
}

enum Key {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair, SignatureScheme),
    Ed25519(Ed25519KeyPair),
}

const RSA: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

impl KeySigner {
    /// A key in PKCS#8; `None` for one that aws-lc-rs does not take.
    pub(crate) fn new(pkcs8: &[u8], suspends: bool) -> Option<Self> {
        let key = Key::parse(pkcs8)?;
        let schemes = key.schemes();
        Some(Self { key, schemes, suspends })
    }

    /// The same key, which signs with these schemes alone, in this order, as far as it can.
    pub(crate) fn with_schemes(mut self, wanted: &[SignatureScheme]) -> Self {
        let own = self.key.schemes();
        self.schemes = wanted.iter().copied().filter(|scheme| own.contains(scheme)).collect();
        self
    }
}

impl Key {
    fn parse(pkcs8: &[u8]) -> Option<Self> {
        if let Ok(key) = RsaKeyPair::from_pkcs8(pkcs8) {
            return Some(Self::Rsa(key));
        }
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8) {
            return Some(Self::Ed25519(key));
        }
        let curves = [
            (&ECDSA_P256_SHA256_ASN1_SIGNING, SignatureScheme::ECDSA_SECP256R1_SHA256),
            (&ECDSA_P384_SHA384_ASN1_SIGNING, SignatureScheme::ECDSA_SECP384R1_SHA384),
            (&ECDSA_P521_SHA512_ASN1_SIGNING, SignatureScheme::ECDSA_SECP521R1_SHA512),
        ];
        curves.into_iter().find_map(|(algorithm, scheme)| {
            Some(Self::Ecdsa(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).ok()?, scheme))
        })
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        match self {
            Self::Rsa(_) => RSA.to_vec(),
            Self::Ecdsa(_, scheme) => vec![*scheme],
            Self::Ed25519(_) => vec![SignatureScheme::ED25519],
        }
    }
}

fn rsa_encoding(scheme: SignatureScheme) -> Option<&'static dyn RsaEncoding> {
    Some(match scheme {
        SignatureScheme::RSA_PSS_RSAE_SHA256 => &RSA_PSS_SHA256,
        SignatureScheme::RSA_PSS_RSAE_SHA384 => &RSA_PSS_SHA384,
        SignatureScheme::RSA_PSS_RSAE_SHA512 => &RSA_PSS_SHA512,
        SignatureScheme::RSA_PKCS1_SHA256 => &RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384 => &RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512 => &RSA_PKCS1_SHA512,
        _ => return None,
    })
}

#[async_trait]
impl Signer for KeySigner {
    fn schemes(&self) -> &[SignatureScheme] {
        &self.schemes
    }

    async fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, HookError> {
        pause(self.suspends).await;
        let random = SystemRandom::new();
        let refused = |_| HookError::new("the key does not sign");
        match &self.key {
            Key::Rsa(key) => {
                let encoding =
                    rsa_encoding(scheme).ok_or_else(|| HookError::new("no scheme of an RSA key"))?;
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &random, message, &mut signature).map_err(refused)?;
                Ok(signature)
            }
            Key::Ecdsa(key, own) if scheme == *own => {
                Ok(key.sign(&random, message).map_err(refused)?.as_ref().to_vec())
            }
            Key::Ecdsa(..) => Err(HookError::new("no scheme of this ECDSA key")),
            Key::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for KeySigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySigner").field("schemes", &self.schemes).finish_non_exhaustive()
    }
}
