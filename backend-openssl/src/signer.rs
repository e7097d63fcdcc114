//! Private keys in the hands of a [`Signer`].
//!
//! OpenSSL is given a key made of the certificate's public key, by a provider (`ffi/provider.rs`) that has the signer
//! sign. Its handshake runs on a thread of its own then, which waits for the signature while the task awaits it.

use std::{cell::Cell, ffi::CStr, sync::Arc};

use openssl::{
    pkey::{Id, PKey, PKeyRef, Private, Public},
    x509::X509Ref,
};
use polytls_api::{
    AlertDescription, ConfigError, Error, ErrorKind, HookError, SignatureScheme, Signer, sign_on_thread,
};

use crate::{NAME, error::configuration, ffi::provider};

thread_local! {
    // That the signature that OpenSSL last asked for on this thread was made, or why it was not to be had.
    static OUTCOME: Cell<Option<Result<(), HookError>>> = const { Cell::new(None) };
}

/// A key that signs elsewhere.
pub(crate) struct RemoteKey {
    algorithm: &'static CStr,
    public: PKey<Public>,
    schemes: Vec<SignatureScheme>,
    signer: Arc<dyn Signer>,
}

/// How RSA pads a digest.
#[derive(Clone, Copy, Default)]
pub(crate) enum Padding {
    #[default]
    Pkcs1,
    Pss,
}

/// The key of a certificate whose private part `signer` has, and the schemes that it signs with.
pub(crate) fn key(
    certificate: &X509Ref,
    signer: &Arc<dyn Signer>,
) -> Result<(PKey<Private>, Vec<SignatureScheme>), ConfigError> {
    let public = certificate.public_key().map_err(configuration)?;
    let (algorithm, possible): (_, &[_]) = match public.id() {
        Id::RSA => (c"RSA", &RSA),
        Id::EC => (c"EC", &ECDSA),
        Id::ED25519 => (c"ED25519", &[SignatureScheme::ED25519]),
        _ => return Err(ConfigError::KeyMismatch),
    };
    let schemes: Vec<_> =
        signer.schemes().iter().copied().filter(|scheme| possible.contains(scheme)).collect();
    if schemes.is_empty() {
        return Err(ConfigError::KeyMismatch);
    }
    let key = RemoteKey { algorithm, public, schemes: schemes.clone(), signer: signer.clone() };
    Ok((provider::private_key(key).map_err(configuration)?, schemes))
}

/// What came of the signature that OpenSSL asked for on this thread, if it did; without one, the handshake's end.
pub(crate) fn take_outcome() -> Option<Result<(), Error>> {
    let outcome = OUTCOME.take()?;
    Some(outcome.map_err(|failure| {
        let error = Error::new(ErrorKind::Hook).on_backend(NAME).with_source(failure);
        // OpenSSL sends this when it cannot sign.
        error.with_alert_sent(AlertDescription::INTERNAL_ERROR)
    }))
}

const RSA: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
];

const ECDSA: [SignatureScheme; 3] = [
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::ECDSA_SECP521R1_SHA512,
];

impl RemoteKey {
    /// OpenSSL's name for the kind of key.
    pub(crate) fn algorithm(&self) -> &'static CStr {
        self.algorithm
    }

    pub(crate) fn public(&self) -> &PKeyRef<Public> {
        &self.public
    }

    /// Whether it signs with this digest at all.
    pub(crate) fn can_sign(&self, digest: Option<&str>) -> bool {
        [Padding::Pkcs1, Padding::Pss].iter().any(|padding| self.scheme(digest, *padding).is_some())
    }

    /// What TLS calls a signature over this digest, if it is one of the signer's. An ECDSA scheme says nothing of
    /// the curve in TLS 1.2 (RFC 8446 §4.2.3); in TLS 1.3 OpenSSL sees that both fit.
    pub(crate) fn scheme(&self, digest: Option<&str>, padding: Padding) -> Option<SignatureScheme> {
        let scheme = match (self.public.id(), padding, digest.map(size).unwrap_or_default()) {
            (Id::RSA, Padding::Pkcs1, 256) => SignatureScheme::RSA_PKCS1_SHA256,
            (Id::RSA, Padding::Pkcs1, 384) => SignatureScheme::RSA_PKCS1_SHA384,
            (Id::RSA, Padding::Pkcs1, 512) => SignatureScheme::RSA_PKCS1_SHA512,
            (Id::RSA, Padding::Pss, 256) => SignatureScheme::RSA_PSS_RSAE_SHA256,
            (Id::RSA, Padding::Pss, 384) => SignatureScheme::RSA_PSS_RSAE_SHA384,
            (Id::RSA, Padding::Pss, 512) => SignatureScheme::RSA_PSS_RSAE_SHA512,
            (Id::EC, _, 256) => SignatureScheme::ECDSA_SECP256R1_SHA256,
            (Id::EC, _, 384) => SignatureScheme::ECDSA_SECP384R1_SHA384,
            (Id::EC, _, 512) => SignatureScheme::ECDSA_SECP521R1_SHA512,
            (Id::ED25519, _, _) if digest.is_none() => SignatureScheme::ED25519,
            _ => return None,
        };
        Some(scheme).filter(|scheme| self.schemes.contains(scheme))
    }

    /// Has the signer sign. [`take_outcome`] says what came of it.
    pub(crate) fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Option<Vec<u8>> {
        let most = self.public.size();
        let signed = sign_on_thread(&self.signer, scheme, message).and_then(|signature| {
            let length = signature.len();
            let too_long =
                || HookError::new(format!("a signature of {length} bytes; the key's have {most} at most"));
            if length > most { Err(too_long()) } else { Ok(signature) }
        });
        let (signature, outcome) = match signed {
            Ok(signature) => (Some(signature), Ok(())),
            Err(failure) => (None, Err(failure)),
        };
        OUTCOME.set(Some(outcome));
        signature
    }
}

/// The bits of a digest of the SHA-2 family, by any of OpenSSL's names for it; 0 for all others.
fn size(digest: &str) -> u16 {
    match digest {
        "SHA2-256" | "SHA-256" | "SHA256" => 256,
        "SHA2-384" | "SHA-384" | "SHA384" => 384,
        "SHA2-512" | "SHA-512" | "SHA512" => 512,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use openssl::{
        asn1::Asn1Time,
        hash::MessageDigest,
        pkey::{HasPrivate, HasPublic},
        rsa::{Padding as RsaPadding, Rsa},
        sign::{self, RsaPssSaltlen, Verifier},
        x509::X509,
    };
    use polytls_api::{SigningThreads, async_trait};

    use super::*;

    /// Has the key, and notes what it is asked for.
    #[derive(Debug)]
    struct Elsewhere(PKey<Private>, Vec<SignatureScheme>);

    #[async_trait]
    impl Signer for Elsewhere {
        fn schemes(&self) -> &[SignatureScheme] {
            &self.1
        }

        async fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, HookError> {
            tokio::time::sleep(Duration::from_millis(1)).await;
            if message == b"too long" {
                return Ok(vec![1; self.0.size() + 1]);
            }
            let digest = match scheme {
                SignatureScheme::RSA_PKCS1_SHA384 => MessageDigest::sha384(),
                SignatureScheme::RSA_PSS_RSAE_SHA256 => MessageDigest::sha256(),
                _ => return Err(HookError::new("not mine")),
            };
            let mut signer = sign::Signer::new(digest, &self.0).unwrap();
            if scheme == SignatureScheme::RSA_PSS_RSAE_SHA256 {
                signer.set_rsa_padding(RsaPadding::PKCS1_PSS).unwrap();
                signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
            }
            Ok(signer.sign_oneshot_to_vec(message).unwrap())
        }
    }

    fn remote(schemes: &[SignatureScheme]) -> (PKey<Private>, PKey<Public>) {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut certificate = X509::builder().unwrap();
        certificate.set_pubkey(&key).unwrap();
        let now = Asn1Time::from_unix(0).unwrap();
        certificate.set_not_before(&now).unwrap();
        certificate.set_not_after(&now).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = X509::from_der(&certificate.build().to_der().unwrap()).unwrap();
        let signer: Arc<dyn Signer> = Arc::new(Elsewhere(key, schemes.to_vec()));
        (super::key(&certificate, &signer).unwrap().0, certificate.public_key().unwrap())
    }

    fn with<T: HasPrivate>(
        key: &PKeyRef<T>,
        digest: MessageDigest,
        pss: bool,
        message: &[u8],
    ) -> Result<Vec<u8>, openssl::error::ErrorStack> {
        let mut signer = sign::Signer::new(digest, key)?;
        if pss {
            signer.set_rsa_padding(RsaPadding::PKCS1_PSS)?;
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
        signer.sign_oneshot_to_vec(message)
    }

    fn verifies<T: HasPublic>(key: &PKeyRef<T>, digest: MessageDigest, pss: bool, signature: &[u8]) -> bool {
        let mut verifier = Verifier::new(digest, key).unwrap();
        if pss {
            verifier.set_rsa_padding(RsaPadding::PKCS1_PSS).unwrap();
            verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
        }
        verifier.verify_oneshot(signature, b"message").unwrap()
    }

    #[tokio::test]
    async fn openssl_signs_with_a_key_that_is_elsewhere() {
        let (key, public) =
            remote(&[SignatureScheme::RSA_PSS_RSAE_SHA256, SignatureScheme::RSA_PKCS1_SHA384]);
        assert!(public.public_eq(&key) && key.public_eq(&public));
        assert_eq!((key.id(), key.bits(), key.size()), (Id::RSA, 2048, 256));
        let run = SigningThreads::default();
        for (digest, pss) in [(MessageDigest::sha256(), true), (MessageDigest::sha384(), false)] {
            let key = key.clone();
            let call = move || (with(&key, digest, pss, b"message"), take_outcome());
            let (signature, outcome) = run.run(call).await.unwrap();
            assert!(verifies(&public, digest, pss, &signature.unwrap()));
            assert!(outcome.unwrap().is_ok());
        }
    }

    #[tokio::test]
    async fn what_the_signer_does_not_do_openssl_is_refused() {
        let (key, _) = remote(&[SignatureScheme::RSA_PSS_RSAE_SHA256]);
        let run = SigningThreads::default();
        for (digest, pss, message) in [
            (MessageDigest::sha384(), true, "message"),
            (MessageDigest::sha256(), false, "message"),
            (MessageDigest::sha256(), true, "too long"),
        ] {
            let key = key.clone();
            let call = move || (with(&key, digest, pss, message.as_bytes()), take_outcome());
            let (signed, outcome) = run.run(call).await.unwrap();
            assert!(signed.is_err());
            assert_eq!(outcome.is_some_and(|outcome| outcome.is_err()), message == "too long");
        }
        // Nobody awaits the answer of what is asked elsewhere.
        assert!(with(&key, MessageDigest::sha256(), true, b"message").is_err());
        assert_eq!(take_outcome().unwrap().unwrap_err().kind(), &ErrorKind::Hook);
    }

    #[test]
    fn the_private_part_is_nowhere() {
        let (key, public) = remote(&[SignatureScheme::RSA_PSS_RSAE_SHA256]);
        assert!(key.private_key_to_der().is_err());
        assert!(key.rsa().is_ok_and(|rsa| rsa.n() == public.rsa().unwrap().n()) || key.rsa().is_err());
    }
}
