//! HMAC (RFC 2104) with the hashes of the suites.
//!
//! What TLS makes codes of is short, and most keys make no more than three of them. The library's own HMAC has a
//! context of more than a kilobyte, which takes longer to set up, to copy and to clear than that takes to hash.

use zeroize::Zeroize;

use super::{Digest, HashAlgorithm, Secret};

/// RFC 2104 §2.
const IPAD: u8 = 0x36;
const OPAD: u8 = 0x5c;

/// Room for a block and for what a HkdfLabel with a digest for its context takes (RFC 8446 §7.1).
const ROOM: usize = 256;

/// The code of these parts, one after the other.
pub(crate) fn hmac<'a>(
    hash: HashAlgorithm,
    key: &[u8],
    parts: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>,
) -> Secret {
    let mut hashed = (key.len() > hash.block_len()).then(|| hash.hash(key));
    let key = hashed.as_ref().map_or(key, Digest::as_ref);
    let mut inner = hash_with_key(hash, key, IPAD, parts.into_iter());
    let mut outer = hash_with_key(hash, key, OPAD, [inner.as_ref()].into_iter());
    let code = Secret::of_digest(&outer);
    hashed.zeroize();
    inner.zeroize();
    outer.zeroize();
    code
}

/// H(K XOR pad, text) in the terms of RFC 2104 §2.
fn hash_with_key<'a>(
    hash: HashAlgorithm,
    key: &[u8],
    pad: u8,
    text: impl Iterator<Item = &'a [u8]> + Clone,
) -> Digest {
    let mut room = [0; ROOM];
    let (block, rest) = room.split_at_mut(hash.block_len());
    block.fill(pad);
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    let digest = match copy_all(text.clone(), rest) {
        Some(len) => hash.hash(&room[..hash.block_len() + len]),
        None => {
            let mut context = hash.start();
            context.update(&room[..hash.block_len()]);
            text.for_each(|part| context.update(part));
            context.finish()
        }
    };
    room.as_mut_slice().zeroize();
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
                    let code = hmac(hash, key, [first, &[], second]);
                    let expected = aws_lc_rs::hmac::sign(&expected, text);
                    assert_eq!(code.as_bytes(), expected.as_ref(), "{hash:?} {key_len} {text_len}");
                }
            }
        }
    }
}
