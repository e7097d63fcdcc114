//! HMAC (RFC 2104) for what key schedules make codes of.
//!
//! That is short, and most keys make no more than three of them. The library's own HMAC has a context of more than half
//! a kilobyte, which takes longer to set up, to copy and to clear than that takes to hash.

use aws_lc_rs::digest::{self, Algorithm, Context, Digest};
use zeroize::Zeroize;

/// RFC 2104 §2.
const IPAD: u8 = 0x36;
const OPAD: u8 = 0x5c;

/// Room for a block and for what a HkdfLabel with a digest for its context takes (RFC 8446 §7.1).
const ROOM: usize = 256;

/// Shows `take` the code of these parts, one after the other.
pub fn hmac<'a, T>(
    hash: &'static Algorithm,
    key: &[u8],
    parts: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
    take: impl FnOnce(&[u8]) -> T,
) -> T {
    let hashed = (key.len() > hash.block_len()).then(|| digest::digest(hash, key));
    let key = hashed.as_ref().map_or(key, Digest::as_ref);
    // What the library gives is looked at where it lies: nothing clears it, so nothing copies it either.
    let inner = hash_with_key(hash, key, IPAD, parts.into_iter());
    let outer = hash_with_key(hash, key, OPAD, [inner.as_ref()].into_iter());
    take(outer.as_ref())
}

/// H(K XOR pad, text) in the terms of RFC 2104 §2.
#[inline]
fn hash_with_key<'a>(
    hash: &'static Algorithm,
    key: &[u8],
    pad: u8,
    text: impl Iterator<Item = &'a [u8]> + Clone,
) -> Digest {
    let mut room = [0; ROOM];
    let (block, rest) = room.split_at_mut(hash.block_len());
    block.fill(pad);
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    let Some(len) = copy_all(text.clone(), rest) else {
        let mut context = Context::new(hash);
        context.update(block);
        text.for_each(|part| context.update(part));
        room.as_mut_slice().zeroize();
        return context.finish();
    };
    let filled = &mut room[..hash.block_len() + len];
    let digest = digest::digest(hash, filled);
    filled.zeroize();
    digest
}

/// Copies the parts one after the other, and says how long they are together; `None` where there is not the room.
fn copy_all<'a>(parts: impl Iterator<Item = &'a [u8]>, target: &mut [u8]) -> Option<usize> {
    let mut len = 0;
    for part in parts {
        let end = len + part.len();
        target.get_mut(len..end)?.copy_from_slice(part);
        len = end;
    }
    Some(len)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;

    use super::*;

    #[test]
    fn a_code_is_the_same_whatever_parts_its_text_comes_in_and_however_long_it_is() {
        let text: Vec<u8> = (0..=u8::MAX).cycle().take(1000).collect();
        for (hash, algorithm) in [
            (&digest::SHA256, hmac::HMAC_SHA256),
            (&digest::SHA384, hmac::HMAC_SHA384),
            (&digest::SHA512, hmac::HMAC_SHA512),
        ] {
            for key_len in [0, 1, 32, 48, 63, 64, 65, 127, 128, 129, 200] {
                let key = &text[100..100 + key_len];
                let expected = hmac::Key::new(algorithm, key);
                for text_len in (0..300).chain([999, 1000]) {
                    let text = &text[..text_len];
                    let (first, second) = text.split_at(text_len / 3);
                    let expected = hmac::sign(&expected, text);
                    super::hmac(hash, key, [first, &[], second], |code| {
                        assert_eq!(code, expected.as_ref(), "{hash:?} {key_len} {text_len}");
                    });
                }
            }
        }
    }
}
