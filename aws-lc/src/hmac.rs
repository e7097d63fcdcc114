//! HMAC (RFC 2104) and HKDF-Expand (RFC 5869) for key schedules, over the compression functions of sha2.
//!
//! Most keys of a key schedule make two codes to four, each of less than a block: what the key alone decides is hashed
//! once, by [`HmacKey::new`], and kept as two states of the hash. What else a hash has is a buffer for half a block, and
//! to copy, to fill and to clear one takes as long as to hash what is in it. aws-lc-rs's own HMAC has a context of more than
//! half a kilobyte, and cannot be kept in the middle.

use std::fmt;

use sha2::block_api::{compress256, compress512};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// RFC 2104 §2.
const IPAD: u8 = 0x36;
const OPAD: u8 = 0x5c;

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
#[derive(Clone, ZeroizeOnDrop)]
pub struct HmacKey(Padded);

#[derive(Clone, Zeroize)]
enum Padded {
    Sha256(Pads<Sha256, 64>),
    Sha384(Pads<Sha384, 128>),
}

/// What the key alone decides, in the terms of RFC 2104 §2.
#[derive(Clone, Zeroize)]
struct Pads<H, const BLOCK: usize> {
    /// After K XOR ipad.
    inner: H,
    /// After K XOR opad.
    outer: H,
}

impl HmacKey {
    /// A key of any length.
    pub fn new(hash: HmacHash, key: &[u8]) -> Self {
        Self(match hash {
            HmacHash::Sha256 => Padded::Sha256(Pads::new(key)),
            HmacHash::Sha384 => Padded::Sha384(Pads::new(key)),
        })
    }

    /// Shows `take` the code of these parts, one after the other, and clears it.
    pub fn code<'a, T>(&self, parts: impl IntoIterator<Item = &'a [u8]>, take: impl FnOnce(&[u8]) -> T) -> T {
        match &self.0 {
            Padded::Sha256(pads) => pads.code(parts, take),
            Padded::Sha384(pads) => pads.code(parts, take),
        }
    }

    /// HKDF-Expand (RFC 5869 §2.3), with this pseudorandom key: as much as `output` takes. `None` for more than 255 times
    /// the hash, which there is not.
    #[must_use]
    pub fn expand(&self, info: &[&[u8]], output: &mut [u8]) -> Option<()> {
        let hash_len = match self.0 {
            Padded::Sha256(_) => 32,
            Padded::Sha384(_) => 48,
        };
        if output.len() <= hash_len {
            self.expand_block(info, |block| output.copy_from_slice(&block[..output.len()]));
            return Some(());
        }
        if output.len() > 255 * hash_len {
            return None;
        }
        let mut done = 0;
        for counter in 1..=u8::MAX {
            let (before, rest) = output.split_at_mut(done);
            if rest.is_empty() {
                break;
            }
            let previous = &before[done.saturating_sub(hash_len)..];
            done += self.expanded_block(previous, info, counter, |block| {
                let count = block.len().min(rest.len());
                rest[..count].copy_from_slice(&block[..count]);
                count
            });
        }
        Some(())
    }

    /// T(1) of HKDF-Expand, of which `take` is shown all.
    pub fn expand_block<T>(&self, info: &[&[u8]], take: impl FnOnce(&[u8]) -> T) -> T {
        self.expanded_block(&[], info, 1, take)
    }

    fn expanded_block<T>(
        &self,
        previous: &[u8],
        info: &[&[u8]],
        counter: u8,
        take: impl FnOnce(&[u8]) -> T,
    ) -> T {
        let counter = [counter];
        self.code([previous].into_iter().chain(info.iter().copied()).chain([counter.as_slice()]), take)
    }
}

impl<H: State<BLOCK>, const BLOCK: usize> Pads<H, BLOCK> {
    fn new(key: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        if key.len() > BLOCK {
            H::INITIAL.finish([key], 0, |hashed| block[..hashed.len()].copy_from_slice(hashed));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let mut padded = |pad| {
            block.iter_mut().for_each(|byte| *byte ^= pad);
            let mut state = H::INITIAL;
            state.compress(&block);
            state
        };
        let pads = Self { inner: padded(IPAD), outer: padded(IPAD ^ OPAD) };
        block.zeroize();
        pads
    }

    fn code<'a, T>(&self, parts: impl IntoIterator<Item = &'a [u8]>, take: impl FnOnce(&[u8]) -> T) -> T {
        self.inner.finish(parts, BLOCK, |inner| self.outer.finish([inner], BLOCK, take))
    }
}

/// The state of a hash between two blocks (FIPS 180-4 §6.2.2, §6.4.2).
trait State<const BLOCK: usize>: Clone + Zeroize {
    /// The initial hash value (§5.3).
    const INITIAL: Self;
    /// How many bytes of a padded message say how long it is (§5.1).
    const LENGTH: usize;

    fn compress(&mut self, block: &[u8; BLOCK]);

    /// Writes the hash to the front of a block, and says how long it is.
    fn write(&self, block: &mut [u8; BLOCK]) -> usize;

    /// Shows `take` the hash of what came before, `before` bytes in whole blocks, and of these parts, and clears it.
    fn finish<'a, T>(
        &self,
        parts: impl IntoIterator<Item = &'a [u8]>,
        before: usize,
        take: impl FnOnce(&[u8]) -> T,
    ) -> T {
        let mut state = self.clone();
        let (mut block, mut filled, mut length) = ([0; BLOCK], 0, before);
        for mut part in parts {
            length += part.len();
            while filled + part.len() >= BLOCK {
                let (head, rest) = part.split_at(BLOCK - filled);
                block[filled..].copy_from_slice(head);
                state.compress(&block);
                (part, filled) = (rest, 0);
            }
            block[filled..filled + part.len()].copy_from_slice(part);
            filled += part.len();
        }
        block[filled] = 0x80;
        block[filled + 1..].fill(0);
        if filled + 1 + Self::LENGTH > BLOCK {
            state.compress(&block);
            block.fill(0);
        }
        // No message here has 2^61 bytes.
        block[BLOCK - 8..].copy_from_slice(&(8 * length as u64).to_be_bytes());
        state.compress(&block);
        let length = state.write(&mut block);
        state.zeroize();
        let taken = take(&block[..length]);
        block.zeroize();
        taken
    }
}

#[derive(Clone, Zeroize)]
struct Sha256([u32; 8]);

impl State<64> for Sha256 {
    const INITIAL: Self = Self([
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ]);
    const LENGTH: usize = 8;

    fn compress(&mut self, block: &[u8; 64]) {
        compress256(&mut self.0, std::slice::from_ref(block));
    }

    fn write(&self, block: &mut [u8; 64]) -> usize {
        for (bytes, word) in block.as_chunks_mut().0.iter_mut().zip(self.0) {
            *bytes = word.to_be_bytes();
        }
        32
    }
}

/// SHA-384 is SHA-512 with another beginning, cut short (§6.5).
#[derive(Clone, Zeroize)]
struct Sha384([u64; 8]);

impl State<128> for Sha384 {
    const INITIAL: Self = Self([
        0xcbbb_9d5d_c105_9ed8,
        0x629a_292a_367c_d507,
        0x9159_015a_3070_dd17,
        0x152f_ecd8_f70e_5939,
        0x6733_2667_ffc0_0b31,
        0x8eb4_4a87_6858_1511,
        0xdb0c_2e0d_64f9_8fa7,
        0x47b5_481d_befa_4fa4,
    ]);
    const LENGTH: usize = 16;

    fn compress(&mut self, block: &[u8; 128]) {
        compress512(&mut self.0, std::slice::from_ref(block));
    }

    fn write(&self, block: &mut [u8; 128]) -> usize {
        for (bytes, word) in block.as_chunks_mut().0.iter_mut().zip(self.0) {
            *bytes = word.to_be_bytes();
        }
        48
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
