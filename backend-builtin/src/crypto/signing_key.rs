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
use polytls_api::{CertificateDer, ConfigError, PrivateKeyDer, SignatureScheme, x509::SubjectPublicKeyInfo};

use super::{KeyKind, is_same, signature::RSA_BITS};
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

    /// Whether the certificate is for this key.
    pub(crate) fn belongs_to(&self, certificate: &CertificateDer<'_>) -> bool {
        let own = match &self.key {
            Key::Rsa(key) => key.public_key().as_ref(),
            Key::Ecdsa(key) => key.public_key().as_ref(),
            Key::Ed25519(key) => key.public_key().as_ref(),
        };
        SubjectPublicKeyInfo::of_certificate(certificate)
            .is_ok_and(|info| is_same(info.subject_public_key, own))
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

#[cfg(test)]
mod tests {
    use der::{AnyRef, Decode, SliceReader};
    use polytls_api::ProtocolVersion;
    use rcgen::{
        CertificateParams, KeyPair as Generated, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
        PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256,
    };

    use super::*;
    use crate::crypto::PeerKey;

    /// A key of each kind, with a certificate for it.
    fn identities() -> Vec<(SigningKey, CertificateDer<'static>)> {
        let algorithms = [
            &PKCS_ECDSA_P256_SHA256,
            &PKCS_ECDSA_P384_SHA384,
            &PKCS_ECDSA_P521_SHA512,
            &PKCS_ED25519,
            &PKCS_RSA_SHA256,
        ];
        algorithms.map(|algorithm| identity(algorithm, vec![])).into()
    }

    fn identity(
        algorithm: &'static rcgen::SignatureAlgorithm,
        usages: Vec<KeyUsagePurpose>,
    ) -> (SigningKey, CertificateDer<'static>) {
        let generated = Generated::generate_for(algorithm).unwrap();
        let mut params = CertificateParams::new(["server.example".to_owned()]).unwrap();
        params.key_usages = usages;
        let certificate = params.self_signed(&generated).unwrap();
        let der = PrivateKeyDer::Pkcs8(generated.serialize_der().into());
        (SigningKey::from_der(&der).unwrap(), certificate.der().clone())
    }

    #[test]
    fn what_a_key_signs_its_certificate_verifies_and_no_other() {
        let identities = identities();
        for (index, (key, certificate)) in identities.iter().enumerate() {
            let peer = PeerKey::from_certificate(certificate).unwrap();
            assert_eq!(peer.kind(), key.kind);
            for &scheme in key.schemes() {
                let signature = key.sign(scheme, b"message").unwrap();
                peer.verify(scheme, b"message", &signature).unwrap();
                assert!(matches!(peer.verify(scheme, b"massage", &signature), Err(Fault::Decrypt(_))));
                assert!(peer.verify(scheme, b"message", &signature[1..]).is_err());
                assert!(peer.verify(scheme, b"message", &[]).is_err());
                for &other in SignatureScheme::NAMED.iter().filter(|&&other| other != scheme) {
                    assert!(peer.verify(other, b"message", &signature).is_err(), "{scheme} as {other}");
                }
            }
            for (other, (_, certificate)) in identities.iter().enumerate() {
                assert_eq!(key.belongs_to(certificate), index == other);
            }
        }
    }

    #[test]
    fn a_key_signs_in_no_scheme_but_its_own() {
        for (key, _) in identities() {
            for &scheme in SignatureScheme::NAMED {
                assert_eq!(key.sign(scheme, b"message").is_ok(), key.schemes().contains(&scheme), "{scheme}");
            }
        }
    }

    #[test]
    fn tls_1_3_binds_curve_to_hash_and_tls_1_2_does_not() {
        use SignatureScheme as S;
        let ecdsa = [S::ECDSA_SECP256R1_SHA256, S::ECDSA_SECP384R1_SHA384, S::ECDSA_SECP521R1_SHA512];
        let pss = [S::RSA_PSS_RSAE_SHA256, S::RSA_PSS_RSAE_SHA384, S::RSA_PSS_RSAE_SHA512];
        let pkcs1 = [S::RSA_PKCS1_SHA256, S::RSA_PKCS1_SHA384, S::RSA_PKCS1_SHA512];
        let rsa = [pss, pkcs1].concat();
        let expected: [(KeyKind, &[S], &[S]); 5] = [
            (KeyKind::EcdsaP256, &ecdsa[..1], &ecdsa),
            (KeyKind::EcdsaP384, &ecdsa[1..2], &ecdsa),
            (KeyKind::EcdsaP521, &ecdsa[2..], &ecdsa),
            (KeyKind::Ed25519, &[S::ED25519], &[S::ED25519]),
            (KeyKind::Rsa { bits: 2048 }, &pss, &rsa),
        ];
        for (kind, in_tls13, in_tls12) in expected {
            for &scheme in S::NAMED {
                let may = |version| kind.may_sign(scheme, version);
                assert_eq!(may(ProtocolVersion::Tls13), in_tls13.contains(&scheme), "{kind:?} {scheme}");
                assert_eq!(may(ProtocolVersion::Tls12), in_tls12.contains(&scheme), "{kind:?} {scheme}");
            }
            assert!(!kind.may_sign(S::from_code(0x0203), ProtocolVersion::Tls12));
        }
    }

    #[test]
    fn a_certificate_whose_key_may_not_sign_gives_no_key() {
        let of = |usages| identity(&PKCS_ECDSA_P256_SHA256, usages).1;
        let signs = of(vec![KeyUsagePurpose::KeyAgreement, KeyUsagePurpose::DigitalSignature]);
        assert!(PeerKey::from_certificate(&signs).is_ok());
        let agrees = of(vec![KeyUsagePurpose::KeyAgreement]);
        assert!(matches!(PeerKey::from_certificate(&agrees), Err(Fault::UnsupportedCertificate(_))));
    }

    #[test]
    fn a_certificate_that_is_cut_or_changed_gives_a_key_or_a_fault_and_no_panic() {
        for (_, certificate) in identities() {
            for length in 0..certificate.len() {
                let cut = CertificateDer::from(&certificate[..length]);
                assert!(PeerKey::from_certificate(&cut).is_err(), "{length}");
            }
            for offset in 0..certificate.len() {
                for change in [1, 0x7f, 0x80, 0xff] {
                    let mut changed = certificate.to_vec();
                    changed[offset] ^= change;
                    if let Ok(key) = PeerKey::from_certificate(&changed.into()) {
                        assert!(key.verify(SignatureScheme::ED25519, b"message", &[0; 64]).is_err());
                    }
                }
            }
        }
    }

    /// RFC 5958 §2: what PKCS#8 wraps is PKCS#1 for RSA and SEC1 for ECDSA.
    #[test]
    fn a_key_is_the_same_in_and_out_of_its_wrapping() {
        for (algorithm, is_rsa) in [(&PKCS_ECDSA_P384_SHA384, false), (&PKCS_RSA_SHA256, true)] {
            let generated = Generated::generate_for(algorithm).unwrap();
            let wrapped = generated.serialize_der();
            let mut fields = SliceReader::new(AnyRef::from_der(&wrapped).unwrap().value()).unwrap();
            let [_version, _algorithm, key] = [(); 3].map(|()| AnyRef::decode(&mut fields).unwrap());
            let key = key.value().to_vec();
            let bare =
                if is_rsa { PrivateKeyDer::Pkcs1(key.into()) } else { PrivateKeyDer::Sec1(key.into()) };
            let bare = SigningKey::from_der(&bare).unwrap();
            let params = CertificateParams::new(["server.example".to_owned()]).unwrap();
            assert!(bare.belongs_to(params.self_signed(&generated).unwrap().der()));
        }
    }

    #[test]
    fn what_is_no_key_or_one_that_cannot_sign_is_refused_with_advice() {
        let x25519 = [
            0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20, 7, 7, 7, 7, 7, 7, 7, 7,
            7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        ];
        for der in [&x25519[..], &[], &[0x30, 0]] {
            let refused = SigningKey::from_der(&PrivateKeyDer::Pkcs8(der.to_vec().into())).unwrap_err();
            assert!(refused.to_string().contains("use one of these"), "{refused}");
        }
    }
}
