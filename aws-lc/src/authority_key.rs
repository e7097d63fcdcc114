//! The key of an authority that is asked about again and again, such as a root's.

use std::{fmt, sync::OnceLock};

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use polytls_api::{CertificateError, SignatureVerifier, SignedWith};
use rustls_pki_types::{AlgorithmIdentifier, alg_id};

use crate::Signatures;

/// aws-lc-rs's algorithms by those of the signature and of the key: for [`SIGNATURE_ALGORITHMS`](crate::SIGNATURE_ALGORITHMS),
/// which do not tell theirs.
static ALGORITHMS: [(AlgorithmIdentifier, AlgorithmIdentifier, &dyn VerificationAlgorithm); 16] = [
    (alg_id::ECDSA_SHA256, alg_id::ECDSA_P256, &signature::ECDSA_P256_SHA256_ASN1),
    (alg_id::ECDSA_SHA384, alg_id::ECDSA_P256, &signature::ECDSA_P256_SHA384_ASN1),
    (alg_id::ECDSA_SHA512, alg_id::ECDSA_P256, &signature::ECDSA_P256_SHA512_ASN1),
    (alg_id::ECDSA_SHA256, alg_id::ECDSA_P384, &signature::ECDSA_P384_SHA256_ASN1),
    (alg_id::ECDSA_SHA384, alg_id::ECDSA_P384, &signature::ECDSA_P384_SHA384_ASN1),
    (alg_id::ECDSA_SHA512, alg_id::ECDSA_P384, &signature::ECDSA_P384_SHA512_ASN1),
    (alg_id::ECDSA_SHA256, alg_id::ECDSA_P521, &signature::ECDSA_P521_SHA256_ASN1),
    (alg_id::ECDSA_SHA384, alg_id::ECDSA_P521, &signature::ECDSA_P521_SHA384_ASN1),
    (alg_id::ECDSA_SHA512, alg_id::ECDSA_P521, &signature::ECDSA_P521_SHA512_ASN1),
    (alg_id::ED25519, alg_id::ED25519, &signature::ED25519),
    (alg_id::RSA_PSS_SHA256, alg_id::RSA_ENCRYPTION, &signature::RSA_PSS_2048_8192_SHA256),
    (alg_id::RSA_PSS_SHA384, alg_id::RSA_ENCRYPTION, &signature::RSA_PSS_2048_8192_SHA384),
    (alg_id::RSA_PSS_SHA512, alg_id::RSA_ENCRYPTION, &signature::RSA_PSS_2048_8192_SHA512),
    (alg_id::RSA_PKCS1_SHA256, alg_id::RSA_ENCRYPTION, &signature::RSA_PKCS1_2048_8192_SHA256),
    (alg_id::RSA_PKCS1_SHA384, alg_id::RSA_ENCRYPTION, &signature::RSA_PKCS1_2048_8192_SHA384),
    (alg_id::RSA_PKCS1_SHA512, alg_id::RSA_ENCRYPTION, &signature::RSA_PKCS1_2048_8192_SHA512),
];

/// A public key that is read once, however often it is asked about: of an authority that is trusted, not of one that a peer
/// names.
///
/// Its verdicts are those of [`Signatures::default`]. What that has accepted once, an algorithm with which the key has made
/// a good signature, is kept with the key as the library reads it; nothing else is.
pub struct AuthorityKey {
    subject_public_key_info: Box<[u8]>,
    known: OnceLock<Known>,
}

/// What a good signature was made with.
struct Known {
    /// The AlgorithmIdentifier in DER.
    algorithm: Box<[u8]>,
    key: ParsedPublicKey,
}

impl AuthorityKey {
    /// The key in a SubjectPublicKeyInfo, in DER.
    pub fn new(subject_public_key_info: &[u8]) -> Self {
        Self { subject_public_key_info: subject_public_key_info.into(), known: OnceLock::new() }
    }

    /// As [`SignatureVerifier::verify_signature`], by this key.
    ///
    /// # Errors
    /// The same.
    pub fn verify_signature(
        &self,
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CertificateError> {
        let info = &self.subject_public_key_info;
        if let Some(known) = self.known.get().filter(|known| *known.algorithm == *algorithm) {
            let verdict = known.key.verify_sig(message, signature);
            return verdict.map_err(|_| CertificateError::BadSignature);
        }
        Signatures::default().verify_signature(info, algorithm, message, signature)?;
        if self.known.get().is_none()
            && let Some(known) = Known::parse(info, algorithm)
        {
            // Another may have come first: one algorithm is kept, and an authority has hardly ever two.
            let _ = self.known.set(known);
        }
        Ok(())
    }
}

impl Known {
    /// Of a key and an algorithm that go together. `None` for those few that the library is not asked about here.
    fn parse(subject_public_key_info: &[u8], algorithm: &[u8]) -> Option<Self> {
        let with = SignedWith::parse(subject_public_key_info, algorithm).ok()?;
        let (.., verification) = ALGORITHMS.iter().find(|(of_signature, of_key, _)| {
            **of_signature == *with.signature_algorithm && **of_key == *with.key_algorithm
        })?;
        let key = ParsedPublicKey::new(*verification, with.key).ok()?;
        Some(Self { algorithm: algorithm.into(), key })
    }
}

impl fmt::Debug for AuthorityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorityKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use der::{AnyRef, Decode, Encode, SliceReader, asn1::BitStringRef};
    use rcgen::{
        CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512,
        PKCS_ED25519, PKCS_RSA_SHA256, PKCS_RSA_SHA384, PKCS_RSA_SHA512, PublicKeyData, SignatureAlgorithm,
    };

    use super::*;
    use crate::SIGNATURE_ALGORITHMS;

    /// What a certificate is signed with: the key, the algorithm, the message and the signature.
    fn signed(with: &'static SignatureAlgorithm) -> (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>) {
        let key = KeyPair::generate_for(with).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let mut fields = SliceReader::new(AnyRef::from_der(certificate.der()).unwrap().value()).unwrap();
        let [message, algorithm] = [(); 2].map(|()| AnyRef::decode(&mut fields).unwrap().to_der().unwrap());
        let signature = BitStringRef::decode(&mut fields).unwrap().raw_bytes().to_vec();
        (key.subject_public_key_info(), algorithm, message, signature)
    }

    #[test]
    fn the_verdict_is_the_same_the_second_time() {
        let algorithms = [
            &PKCS_ECDSA_P256_SHA256,
            &PKCS_ECDSA_P384_SHA384,
            &PKCS_ECDSA_P521_SHA512,
            &PKCS_ED25519,
            &PKCS_RSA_SHA256,
            &PKCS_RSA_SHA384,
            &PKCS_RSA_SHA512,
        ];
        for with in algorithms {
            let (info, algorithm, message, signature) = signed(with);
            let (mut other, mut wrong) = (message.clone(), signature.clone());
            *other.last_mut().unwrap() ^= 1;
            *wrong.last_mut().unwrap() ^= 1;
            let key = AuthorityKey::new(&info);
            let bad = |verdict: Result<(), CertificateError>| {
                assert_eq!(verdict, Err(CertificateError::BadSignature), "{with:?}");
            };
            bad(key.verify_signature(&algorithm, &other, &signature));
            assert!(key.known.get().is_none(), "{with:?}");
            key.verify_signature(&algorithm, &message, &signature).unwrap();
            assert!(key.known.get().is_some(), "{with:?}");
            key.verify_signature(&algorithm, &message, &signature).unwrap();
            bad(key.verify_signature(&algorithm, &other, &signature));
            bad(key.verify_signature(&algorithm, &message, &wrong));
            bad(key.verify_signature(&algorithm, &message, &[]));
        }
    }

    #[test]
    fn an_algorithm_that_has_made_no_good_signature_is_asked_about_anew() {
        let (info, algorithm, message, signature) = signed(&PKCS_ECDSA_P256_SHA256);
        let (_, of_rsa, _, _) = signed(&PKCS_RSA_SHA256);
        let key = AuthorityKey::new(&info);
        key.verify_signature(&algorithm, &message, &signature).unwrap();
        let refused = key.verify_signature(&of_rsa, &message, &signature).unwrap_err();
        assert!(matches!(refused, CertificateError::UnsupportedAlgorithm { .. }), "{refused}");
    }

    #[test]
    fn every_algorithm_here_is_one_that_is_verified_with() {
        for (of_signature, of_key, _) in &ALGORITHMS {
            let is_it = |known: &&dyn rustls_pki_types::SignatureVerificationAlgorithm| {
                known.signature_alg_id() == *of_signature && known.public_key_alg_id() == *of_key
            };
            assert_eq!(SIGNATURE_ALGORITHMS.iter().filter(|known| is_it(known)).count(), 1);
        }
    }
}
