//! The asymmetric operations of a handshake, of both sides together.
//!
//! Each side makes its share of the key exchange and agrees; unless a session is resumed, each side that presents a
//! certificate signs once, and the other verifies that signature and the one by the root. The root's key is parsed
//! beforehand, the peer's is not.

use std::time::Duration;

use aws_lc_rs::{
    agreement::{EphemeralPrivateKey, UnparsedPublicKey as PeerShare, X25519, agree_ephemeral},
    kem::{DecapsulationKey, EncapsulationKey, ML_KEM_768},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
        KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256,
        RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
    },
};

use super::{Sample, timed};
use crate::{CertificateKind, Group, Settings};

/// What CertificateVerify signs (RFC 8446 §4.4.3): 64 spaces, a label of 34, and a hash of 32 bytes.
const SIGNED: [u8; 130] = [0x20; 130];
/// About what a certificate of one name has its issuer sign.
const CERTIFICATE: [u8; 350] = [0x30; 350];

/// What one handshake takes.
pub(super) struct Work {
    group: Group,
    /// Sides that present a certificate.
    proofs: Vec<Proof>,
    random: SystemRandom,
}

impl Work {
    pub(super) fn of(settings: &Settings) -> Self {
        let sides = match (settings.resumption, settings.mutual) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        Self {
            group: settings.group,
            proofs: (0..sides).map(|_| Proof::new(settings.certificate)).collect(),
            random: SystemRandom::new(),
        }
    }

    fn once(&self) {
        self.agree();
        if self.group == Group::X25519MlKem768 {
            encapsulate();
        }
        for proof in &self.proofs {
            proof.sign_and_verify(&self.random);
        }
    }

    /// X25519 on both sides: two keys made, two secrets computed.
    fn agree(&self) {
        let share = || {
            let private = EphemeralPrivateKey::generate(&X25519, &self.random).expect("a key");
            let public = private.compute_public_key().expect("its share");
            (private, public)
        };
        let ((client, client_share), (server, server_share)) = (share(), share());
        let agree = |private, share: &[u8]| {
            let share = PeerShare::new(&X25519, share);
            agree_ephemeral(private, share, (), |secret| Ok(<[u8; 32]>::try_from(secret).expect("32 bytes")))
        };
        let server_secret = agree(server, client_share.as_ref());
        let client_secret = agree(client, server_share.as_ref());
        assert!(client_secret.is_ok() && client_secret == server_secret);
    }
}

/// ML-KEM-768: a key made and its secret recovered by the client, the secret made by the server.
fn encapsulate() {
    let client = DecapsulationKey::generate(&ML_KEM_768).expect("a key");
    let share = client.encapsulation_key().and_then(|key| Ok(key.key_bytes()?.as_ref().to_vec()));
    let server = EncapsulationKey::new(&ML_KEM_768, &share.expect("its share")).expect("a good share");
    let (ciphertext, server_secret) = server.encapsulate().expect("a secret");
    let client_secret = client.decapsulate(ciphertext.as_ref().into()).expect("the secret");
    assert!(client_secret.as_ref() == server_secret.as_ref());
}

/// One side's proof of who it is, made by it and checked by the other.
struct Proof {
    key: Key,
    public: Vec<u8>,
    verification: &'static dyn VerificationAlgorithm,
    root: ParsedPublicKey,
    root_signature: Vec<u8>,
}

enum Key {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Proof {
    fn new(kind: CertificateKind) -> Self {
        let (key, root) = (Key::new(kind), Key::new(kind));
        let verification = |of_rsa: &'static dyn VerificationAlgorithm| match kind {
            CertificateKind::P256 => &ECDSA_P256_SHA256_ASN1 as &'static dyn VerificationAlgorithm,
            CertificateKind::Rsa2048 => of_rsa,
            CertificateKind::Ed25519 => &ED25519,
        };
        let public = key.public();
        let root_signature = root.sign(&SystemRandom::new(), &CERTIFICATE, true);
        let root = ParsedPublicKey::new(verification(&RSA_PKCS1_2048_8192_SHA256), root.public());
        let root = root.expect("a good key");
        Self { key, public, verification: verification(&RSA_PSS_2048_8192_SHA256), root, root_signature }
    }

    fn sign_and_verify(&self, random: &SystemRandom) {
        let signature = self.key.sign(random, &SIGNED, false);
        self.root.verify_sig(&CERTIFICATE, &self.root_signature).expect("the root's signature");
        let public = UnparsedPublicKey::new(self.verification, &self.public);
        public.verify(&SIGNED, &signature).expect("the peer's signature");
    }
}

impl Key {
    fn new(kind: CertificateKind) -> Self {
        match kind {
            CertificateKind::P256 => {
                Self::Ecdsa(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key"))
            }
            CertificateKind::Rsa2048 => Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")),
            CertificateKind::Ed25519 => Self::Ed25519(Ed25519KeyPair::generate().expect("a key")),
        }
    }

    fn public(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa(key) => key.public_key().as_ref().to_vec(),
            Self::Rsa(key) => key.public_key().as_ref().to_vec(),
            Self::Ed25519(key) => key.public_key().as_ref().to_vec(),
        }
    }

    /// RSA signs certificates and handshakes with different paddings (RFC 8446 §4.2.3).
    fn sign(&self, random: &SystemRandom, message: &[u8], certificate: bool) -> Vec<u8> {
        match self {
            Self::Ecdsa(key) => key.sign(random, message).expect("signed").as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let padding: &'static dyn RsaEncoding =
                    if certificate { &RSA_PKCS1_SHA256 } else { &RSA_PSS_SHA256 };
                key.sign(padding, random, message, &mut signature).expect("signed");
                signature
            }
        }
    }
}

pub(super) fn rounds(work: Work) -> impl FnMut(Duration) -> Sample {
    move |at_least| {
        timed(at_least, || {
            work.once();
            1
        })
    }
}
