//! HMAC (RFC 2104) with the hashes of the suites.
//!
//! Most keys of a key schedule make two codes to four, each of less than a block: what the key alone decides is hashed
//! once, by [`HmacKey::new`].

use sha2::{Sha256, Sha384};
use zeroize::Zeroize;

use super::{
    HashAlgorithm, Secret,
    hash::{Digest, MAX_BLOCK},
};

/// RFC 2104 §2.
const IPAD: u8 = 0x36;
const OPAD: u8 = 0x5c;

/// A key, ready to make codes. Zeroized when it goes.
#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for part of a handshake, and an allocation is dearer"
)]
pub(crate) enum HmacKey {
    Sha256(Padded<Sha256>),
    Sha384(Padded<Sha384>),
}

/// What the key alone decides, in the terms of RFC 2104 §2.
#[derive(Clone)]
pub(crate) struct Padded<H> {
    /// After K XOR ipad.
    inner: H,
    /// After K XOR opad.
    outer: H,
}

impl HmacKey {
    pub(crate) fn new(hash: HashAlgorithm, key: &[u8]) -> Self {
        let mut hashed = (key.len() > hash.block_len()).then(|| hash.hash(key));
        let key = hashed.as_ref().map_or(key, Digest::as_ref);
        let mut room = [0; MAX_BLOCK];
        let block = &mut room[..hash.block_len()];
        block[..key.len()].copy_from_slice(key);
        let padded = match hash {
            HashAlgorithm::Sha256 => Self::Sha256(Padded::new(block)),
            HashAlgorithm::Sha384 => Self::Sha384(Padded::new(block)),
        };
        room.as_mut_slice().zeroize();
        hashed.zeroize();
        padded
    }

    /// The code of these parts, one after the other.
    pub(crate) fn code<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Secret {
        match self {
            Self::Sha256(padded) => padded.code(parts),
            Self::Sha384(padded) => padded.code(parts),
        }
    }
}

impl<H: sha2::Digest + Clone> Padded<H> {
    /// Of a key that fills a block, which is another's afterwards.
    fn new(block: &mut [u8]) -> Self {
        let mut padded = |pad| {
            block.iter_mut().for_each(|byte| *byte ^= pad);
            H::new_with_prefix(&*block)
        };
        Self { inner: padded(IPAD), outer: padded(IPAD ^ OPAD) }
    }

    fn code<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Secret {
        let mut inner = self.inner.clone();
        parts.into_iter().for_each(|part| inner.update(part));
        let mut inner = inner.finalize();
        let mut code = self.outer.clone().chain_update(&inner).finalize();
        inner.as_mut_slice().zeroize();
        let secret = Secret::of_hash(&code);
        code.as_mut_slice().zeroize();
        secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_whatever_parts_its_text_comes_in_and_however_long_it_is() {
        let text: Vec<u8> = (0..=u8::MAX).cycle().take(1000).collect();
        for (hash, algorithm) in [
            (HashAlgorithm::Sha256, aws_lc_rs::hmac::HMAC_SHA256),
            (HashAlgorithm::Sha384, aws_lc_rs::hmac::HMAC_SHA384),
        ] {
            for key_len in [0, 1, 32, 48, 63, 64, 65, 127, 128, 129, 200] {
                let key = &text[100..100 + key_len];
                let expected = aws_lc_rs::hmac::Key::new(algorithm, key);
                for text_len in (0..300).chain([999, 1000]) {
                    let text = &text[..text_len];
                    let (first, second) = text.split_at(text_len / 3);
                    let code = HmacKey::new(hash, key).code([first, &[], second]);
                    let expected = aws_lc_rs::hmac::sign(&expected, text);
                    assert_eq!(code.as_bytes(), expected.as_ref(), "{hash:?} {key_len} {text_len}");
                }
            }
        }
    }
}
