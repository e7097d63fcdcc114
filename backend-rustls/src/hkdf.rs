//! HKDF (RFC 5869) for rustls's key schedule.
//!
//! rustls's own, over aws-lc-rs, extracts a secret anew for each that is expanded from it. Here it is extracted once, and
//! what is expanded costs two short hashes.

use std::sync::LazyLock;

use polytls_aws_lc::{HmacHash, HmacKey};
use rustls::{
    CipherSuiteCommon, SupportedCipherSuite, Tls13CipherSuite,
    crypto::{
        CryptoProvider,
        aws_lc_rs::{ALL_CIPHER_SUITES, default_provider},
        hash::HashAlgorithm,
        hmac::Tag,
        tls13::{self, HkdfExpander, OkmBlock, OutputLengthError},
    },
};

/// rustls's suites of TLS 1.3, with this HKDF.
static SUITES: LazyLock<Vec<Tls13CipherSuite>> = LazyLock::new(|| {
    ALL_CIPHER_SUITES
        .iter()
        .filter_map(SupportedCipherSuite::tls13)
        .filter_map(|suite| {
            let common = CipherSuiteCommon { ..suite.common };
            let hkdf_provider = of_hash(common.hash_provider.algorithm())?;
            Some(Tls13CipherSuite { common, hkdf_provider, aead_alg: suite.aead_alg, quic: suite.quic })
        })
        .collect()
});

/// rustls's provider for aws-lc-rs, with this HKDF.
pub(crate) fn provider() -> CryptoProvider {
    let mut provider = default_provider();
    for suite in &mut provider.cipher_suites {
        if let Some(own) = SUITES.iter().find(|own| own.common.suite == suite.suite()) {
            *suite = own.into();
        }
    }
    provider
}

fn of_hash(hash: HashAlgorithm) -> Option<&'static dyn tls13::Hkdf> {
    match hash {
        HashAlgorithm::SHA256 => Some(&Hkdf { hash: HmacHash::Sha256, of_zeros: &SHA256_OF_ZEROS }),
        HashAlgorithm::SHA384 => Some(&Hkdf { hash: HmacHash::Sha384, of_zeros: &SHA384_OF_ZEROS }),
        _ => None,
    }
}

/// What is extracted from zeros without a salt: the Early Secret of a handshake without a PSK (RFC 8446 §7.1).
const SHA256_OF_ZEROS: [u8; 32] = [
    0x33, 0xad, 0x0a, 0x1c, 0x60, 0x7e, 0xc0, 0x3b, 0x09, 0xe6, 0xcd, 0x98, 0x93, 0x68, 0x0c, 0xe2, 0x10,
    0xad, 0xf3, 0x00, 0xaa, 0x1f, 0x26, 0x60, 0xe1, 0xb2, 0x2e, 0x10, 0xf1, 0x70, 0xf9, 0x2a,
];

const SHA384_OF_ZEROS: [u8; 48] = [
    0x7e, 0xe8, 0x20, 0x6f, 0x55, 0x70, 0x02, 0x3e, 0x6d, 0xc7, 0x51, 0x9e, 0xb1, 0x07, 0x3b, 0xc4, 0xe7,
    0x91, 0xad, 0x37, 0xb5, 0xc3, 0x82, 0xaa, 0x10, 0xba, 0x18, 0xe2, 0x35, 0x7e, 0x71, 0x69, 0x71, 0xf9,
    0x36, 0x2f, 0x2c, 0x2f, 0xe2, 0xa7, 0x6b, 0xfd, 0x78, 0xdf, 0xec, 0x4e, 0xa9, 0xb5,
];

/// HKDF with a hash.
struct Hkdf {
    hash: HmacHash,
    of_zeros: &'static [u8],
}

impl Hkdf {
    fn hash_len(&self) -> usize {
        self.of_zeros.len()
    }

    /// HKDF-Extract (RFC 5869 §2.2). No salt is one of zeros, and those HMAC puts behind any key.
    fn extract(&self, salt: Option<&[u8]>, input: &[u8]) -> Box<dyn HkdfExpander> {
        HmacKey::new(self.hash, salt.unwrap_or_default()).code([input], |key| self.expander(key))
    }

    fn expander(&self, key: &[u8]) -> Box<dyn HkdfExpander> {
        Box::new(Expander { key: HmacKey::new(self.hash, key), hash_len: self.hash_len() })
    }
}

impl tls13::Hkdf for Hkdf {
    fn extract_from_zero_ikm(&self, salt: Option<&[u8]>) -> Box<dyn HkdfExpander> {
        match salt {
            Some(_) => self.extract(salt, &[0; OkmBlock::MAX_LEN][..self.hash_len()]),
            None => self.expander(self.of_zeros),
        }
    }

    fn extract_from_secret(&self, salt: Option<&[u8]>, secret: &[u8]) -> Box<dyn HkdfExpander> {
        self.extract(salt, secret)
    }

    fn expander_for_okm(&self, okm: &OkmBlock) -> Box<dyn HkdfExpander> {
        self.expander(okm.as_ref())
    }

    fn hmac_sign(&self, key: &OkmBlock, message: &[u8]) -> Tag {
        HmacKey::new(self.hash, key.as_ref()).code([message], Tag::new)
    }
}

/// A pseudorandom key, whose own part of each block is hashed. Zeroized when it goes.
struct Expander {
    key: HmacKey,
    hash_len: usize,
}

impl HkdfExpander for Expander {
    fn expand_slice(&self, info: &[&[u8]], output: &mut [u8]) -> Result<(), OutputLengthError> {
        self.key.expand(info, output).ok_or(OutputLengthError)
    }

    fn expand_block(&self, info: &[&[u8]]) -> OkmBlock {
        self.key.expand_block(info, OkmBlock::new)
    }

    fn hash_len(&self) -> usize {
        self.hash_len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both of rustls's own and of ours, with each suite of TLS 1.3.
    fn pairs() -> impl Iterator<Item = [&'static dyn tls13::Hkdf; 2]> {
        ALL_CIPHER_SUITES.iter().filter_map(SupportedCipherSuite::tls13).map(|theirs| {
            let own = SUITES.iter().find(|own| own.common.suite == theirs.common.suite).unwrap();
            [theirs.hkdf_provider, own.hkdf_provider]
        })
    }

    fn assert_same(one: &dyn HkdfExpander, other: &dyn HkdfExpander) {
        let long = [3; 300];
        assert_eq!(one.hash_len(), other.hash_len());
        let infos: [&[&[u8]]; 3] = [&[], &[b"label", b"", b"context"], &[&long]];
        for info in infos {
            assert_eq!(one.expand_block(info).as_ref(), other.expand_block(info).as_ref());
            for len in (1..200).chain([255 * one.hash_len()]) {
                let (mut first, mut second) = (vec![1; len], vec![2; len]);
                one.expand_slice(info, &mut first).unwrap();
                other.expand_slice(info, &mut second).unwrap();
                assert_eq!(first, second, "{len}");
            }
            let mut too_long = vec![0; 255 * one.hash_len() + 1];
            assert!(one.expand_slice(info, &mut too_long).is_err());
            assert!(other.expand_slice(info, &mut too_long).is_err());
        }
    }

    #[test]
    fn what_is_extracted_and_expanded_is_what_rustls_would_have() {
        for [theirs, own] in pairs() {
            for salt in [None, Some(&[][..]), Some(&[7; 48]), Some(&[8; 200])] {
                let zero_ikm = [theirs, own].map(|hkdf| hkdf.extract_from_zero_ikm(salt));
                assert_same(&*zero_ikm[0], &*zero_ikm[1]);
                for secret in [&[][..], &[9; 32], &[10; 300]] {
                    let extracted = [theirs, own].map(|hkdf| hkdf.extract_from_secret(salt, secret));
                    assert_same(&*extracted[0], &*extracted[1]);
                }
            }
            let hash_len = own.extract_from_zero_ikm(None).hash_len();
            let key = OkmBlock::new(&[11; OkmBlock::MAX_LEN][..hash_len]);
            let expanders = [theirs, own].map(|hkdf| hkdf.expander_for_okm(&key));
            assert_same(&*expanders[0], &*expanders[1]);
            let codes = [theirs, own].map(|hkdf| hkdf.hmac_sign(&key, b"message"));
            assert_eq!(codes[0].as_ref(), codes[1].as_ref());
        }
    }

    #[test]
    fn every_suite_of_tls_1_3_is_used_with_it() {
        for suite in provider().cipher_suites.iter().filter_map(SupportedCipherSuite::tls13) {
            assert!(SUITES.iter().any(|own| std::ptr::eq(own, suite)), "{suite:?}");
        }
    }
}
