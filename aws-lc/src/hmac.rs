//! HMAC (RFC 2104) for key schedules, with the hashes of sha2.
//!
//! Most keys of a key schedule make two codes to four, each of less than a block: what the key alone decides is hashed
//! once, by [`HmacKey::new`]. aws-lc-rs's own HMAC has a context of more than half a kilobyte, which takes longer to set up, to
//! copy and to clear than that takes to hash, and cannot be kept in the middle.

use std::fmt;

use sha2::{Digest, Sha256, Sha384};
use zeroize::Zeroize;

/// RFC 2104 §2.
const IPAD: u8 = 0x36;
const OPAD: u8 = 0x5c;

/// SHA-384's block, the longest here.
const MAX_BLOCK: usize = 128;

/// A hash that HMAC is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "the hashes of the suites of TLS 1.3 and 1.2")]
pub enum HmacHash {
    /// SHA-256: codes of 32 bytes.
    Sha256,
    /// SHA-384: codes of 48 bytes.
    Sha384,
}

/// A key, ready to make codes. Zeroized when it goes.
#[derive(Clone)]
pub struct HmacKey(Padded);

#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "it lives for part of a handshake, and an allocation is dearer"
)]
enum Padded {
    Sha256(Pads<Sha256>),
    Sha384(Pads<Sha384>),
}

/// What the key alone decides, in the terms of RFC 2104 §2.
#[derive(Clone)]
struct Pads<H> {
    /// After K XOR ipad.
    inner: H,
    /// After K XOR opad.
    outer: H,
}

impl HmacKey {
    /// A key of any length.
    pub fn new(hash: HmacHash, key: &[u8]) -> Self {
        Self(match hash {
            HmacHash::Sha256 => Padded::Sha256(Pads::new(key, 64)),
            HmacHash::Sha384 => Padded::Sha384(Pads::new(key, 128)),
        })
    }

    /// Shows `take` the code of these parts, one after the other, and clears it.
    pub fn code<'a, T>(&self, parts: impl IntoIterator<Item = &'a [u8]>, take: impl FnOnce(&[u8]) -> T) -> T {
        match &self.0 {
            Padded::Sha256(pads) => pads.code(parts, take),
            Padded::Sha384(pads) => pads.code(parts, take),
        }
    }
}

impl<H: Digest + Clone> Pads<H> {
    fn new(key: &[u8], block_len: usize) -> Self {
        let mut room = [0; MAX_BLOCK];
        let block = &mut room[..block_len];
        if key.len() > block_len {
            let mut hashed = H::digest(key);
            block[..hashed.len()].copy_from_slice(&hashed);
            hashed.as_mut_slice().zeroize();
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let mut padded = |pad| {
            block.iter_mut().for_each(|byte| *byte ^= pad);
            H::new_with_prefix(&*block)
        };
        let pads = Self { inner: padded(IPAD), outer: padded(IPAD ^ OPAD) };
        room.as_mut_slice().zeroize();
        pads
    }

    fn code<'a, T>(&self, parts: impl IntoIterator<Item = &'a [u8]>, take: impl FnOnce(&[u8]) -> T) -> T {
        let mut inner = self.inner.clone();
        parts.into_iter().for_each(|part| inner.update(part));
        let mut inner = inner.finalize();
        let mut code = self.outer.clone().chain_update(&inner).finalize();
        inner.as_mut_slice().zeroize();
        let taken = take(&code);
        code.as_mut_slice().zeroize();
        taken
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey")
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;

    use super::*;

    #[test]
    fn a_code_is_the_same_whatever_parts_its_text_comes_in_and_however_long_it_is() {
        let text: Vec<u8> = (0..=u8::MAX).cycle().take(1000).collect();
        for (hash, algorithm) in
            [(HmacHash::Sha256, hmac::HMAC_SHA256), (HmacHash::Sha384, hmac::HMAC_SHA384)]
        {
            for key_len in [0, 1, 32, 48, 63, 64, 65, 127, 128, 129, 200] {
                let key = &text[100..100 + key_len];
                let (own, other) = (HmacKey::new(hash, key), hmac::Key::new(algorithm, key));
                for text_len in (0..300).chain([999, 1000]) {
                    let text = &text[..text_len];
                    let (first, second) = text.split_at(text_len / 3);
                    let expected = hmac::sign(&other, text);
                    own.code([first, &[], second], |code| {
                        assert_eq!(code, expected.as_ref(), "{hash:?} {key_len} {text_len}");
                    });
                }
            }
        }
    }
}
