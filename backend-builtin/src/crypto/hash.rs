//! The hashes of the cipher suites: SHA-256 and SHA-384 (FIPS 180-4).
//!
//! They are `sha2`'s: a context of its is a few words, copied in no time and kept where one likes, and a handshake asks
//! its transcript for a hash again and again. aws-lc's is an allocation.

use std::fmt;

use polytls_aws_lc::{HmacHash, HmacKey};
use sha2::{Digest as _, Sha256, Sha384};

use super::Secret;

/// SHA-384's output, the longest here.
const MAX_OUTPUT: usize = 48;

/// A hash that a cipher suite names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashAlgorithm {
    Sha256,
    Sha384,
}

impl HashAlgorithm {
    pub(crate) fn output_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// HMAC with this hash: the code of these parts, one after the other.
    pub(crate) fn hmac<'a>(self, key: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> Secret {
        HmacKey::new(self.of_hmac(), key).code(parts, Secret::of_hash)
    }

    pub(crate) fn of_hmac(self) -> HmacHash {
        match self {
            Self::Sha256 => HmacHash::Sha256,
            Self::Sha384 => HmacHash::Sha384,
        }
    }

    /// The hash of no bytes.
    pub(crate) fn of_nothing(self) -> &'static [u8] {
        match self {
            Self::Sha256 => &SHA256_OF_NOTHING,
            Self::Sha384 => &SHA384_OF_NOTHING,
        }
    }

    pub(crate) fn hash(self, bytes: &[u8]) -> Digest {
        match self {
            Self::Sha256 => Digest::new(&Sha256::digest(bytes)),
            Self::Sha384 => Digest::new(&Sha384::digest(bytes)),
        }
    }

    pub(crate) fn start(self) -> HashContext {
        match self {
            Self::Sha256 => HashContext::Sha256(Sha256::new()),
            Self::Sha384 => HashContext::Sha384(Sha384::new()),
        }
    }
}

const SHA256_OF_NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

const SHA384_OF_NOTHING: [u8; 48] = [
    0x38, 0xb0, 0x60, 0xa7, 0x51, 0xac, 0x96, 0x38, 0x4c, 0xd9, 0x32, 0x7e, 0xb1, 0xb1, 0xe3, 0x6a, 0x21,
    0xfd, 0xb7, 0x11, 0x14, 0xbe, 0x07, 0x43, 0x4c, 0x0c, 0xc7, 0xbf, 0x63, 0xf6, 0xe1, 0xda, 0x27, 0x4e,
    0xde, 0xbf, 0xe7, 0x6f, 0x65, 0xfb, 0xd5, 0x1a, 0xd2, 0xf1, 0x48, 0x98, 0xb9, 0x5b,
];

/// What a hash gives. It is no secret.
#[derive(Clone, Copy)]
pub(crate) struct Digest {
    bytes: [u8; MAX_OUTPUT],
    len: usize,
}

impl Digest {
    fn new(digest: &[u8]) -> Self {
        let mut bytes = [0; MAX_OUTPUT];
        bytes[..digest.len()].copy_from_slice(digest);
        Self { bytes, len: digest.len() }
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(")?;
        self.as_ref().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// A hash of which more may come.
#[derive(Clone)]
pub(crate) enum HashContext {
    Sha256(Sha256),
    Sha384(Sha384),
}

impl HashContext {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(context) => context.update(bytes),
            Self::Sha384(context) => context.update(bytes),
        }
    }

    /// The hash of what came so far; more may follow.
    pub(crate) fn finish(&self) -> Digest {
        match self {
            Self::Sha256(context) => Digest::new(&context.clone().finalize()),
            Self::Sha384(context) => Digest::new(&context.clone().finalize()),
        }
    }
}

impl fmt::Debug for HashContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashContext")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nothing_is_what_it_is_said_to_be() {
        for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
            assert_eq!(algorithm.of_nothing(), algorithm.hash(&[]).as_ref());
        }
    }

    #[test]
    fn hashes_are_those_of_another_library() {
        let text: Vec<u8> = (0..=u8::MAX).cycle().take(1000).collect();
        for (algorithm, other) in [
            (HashAlgorithm::Sha256, &aws_lc_rs::digest::SHA256),
            (HashAlgorithm::Sha384, &aws_lc_rs::digest::SHA384),
        ] {
            for len in (0..300).chain([999, 1000]) {
                let expected = aws_lc_rs::digest::digest(other, &text[..len]);
                assert_eq!(algorithm.hash(&text[..len]).as_ref(), expected.as_ref(), "{algorithm:?} {len}");
            }
        }
    }

    #[test]
    fn a_hash_that_is_asked_for_early_goes_on_as_if_it_had_not_been() {
        for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
            let mut context = algorithm.start();
            context.update(b"client ");
            assert_eq!(context.finish(), algorithm.hash(b"client "));
            context.update(b"hello");
            assert_eq!(context.finish(), algorithm.hash(b"client hello"));
            assert_eq!(context.finish().as_ref().len(), algorithm.output_len());
        }
    }
}
