//! aws-lc-rs's AEADs.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::{BATCH, HEADER, Records, TAG, nonce};
use crate::{
    Suite,
    rounds::{compare, time},
};

/// How often both ways have a turn before the faster is chosen.
const TURNS: usize = 9;

pub(super) struct Aead {
    key: LessSafeKey,
    sequence: u64,
    plaintext: Vec<u8>,
    /// The ciphertext, and its tag behind it.
    sealed: Vec<u8>,
    tag: [u8; TAG],
    opened: Vec<u8>,
    way: Way,
}

/// Where records are sealed and opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// In the buffer that has them.
    InPlace,
    /// Out of one buffer into another, and into a third.
    OutOfPlace,
}

impl Aead {
    /// Whichever way is faster with records of this size: a limit is not passed by doing the same in another way.
    pub(super) fn faster(suite: Suite, size: usize) -> Self {
        let [mut within, mut between] =
            [Way::InPlace, Way::OutOfPlace].map(|way| Self::new(suite, size, way));
        let times = u32::try_from((BATCH / size).max(1)).unwrap_or(1);
        let comparison = compare(
            TURNS,
            || time(times, || within.seal_and_open()),
            || time(times, || between.seal_and_open()),
        );
        if comparison.first <= comparison.second { within } else { between }
    }

    fn new(suite: Suite, size: usize, way: Way) -> Self {
        let algorithm = match suite {
            Suite::Aes128Gcm => &AES_128_GCM,
            Suite::Aes256Gcm => &AES_256_GCM,
            Suite::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        };
        let key = UnboundKey::new(algorithm, &vec![7; algorithm.key_len()]).expect("a key of its length");
        Self {
            key: LessSafeKey::new(key),
            sequence: 0,
            plaintext: vec![0x5a; size],
            sealed: vec![0x5a; size + TAG],
            tag: [0; TAG],
            opened: vec![0; size],
            way,
        }
    }
}

impl Records for Aead {
    fn seal_and_open(&mut self) {
        self.sequence += 1;
        let nonce = || Nonce::assume_unique_for_key(nonce(self.sequence));
        let Self { key, plaintext, sealed, tag, opened, .. } = self;
        let (text, rest) = sealed.split_at_mut(plaintext.len());
        let aad = || Aad::from(HEADER);
        match self.way {
            Way::OutOfPlace => {
                key.seal_out_of_place_scatter(nonce(), aad(), plaintext, text, &[], tag).expect("sealed");
                key.open_separate_gather(nonce(), aad(), text, tag, opened).expect("opened");
            }
            Way::InPlace => {
                let tag = key.seal_in_place_separate_tag(nonce(), aad(), text).expect("sealed");
                rest.copy_from_slice(tag.as_ref());
                key.open_in_place(nonce(), aad(), sealed).expect("opened");
            }
        }
    }

    fn how(&self) -> Option<&'static str> {
        Some(match self.way {
            Way::InPlace => "in place",
            Way::OutOfPlace => "from buffer to buffer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_open_what_they_sealed_and_the_faster_is_one_of_them() {
        for way in [Way::InPlace, Way::OutOfPlace] {
            let mut aead = Aead::new(Suite::Aes128Gcm, 100, way);
            for _ in 0..3 {
                aead.seal_and_open();
            }
            let opened = if way == Way::InPlace { &aead.sealed[..100] } else { &aead.opened[..] };
            assert_eq!(opened, [0x5a; 100]);
        }
        assert!(Aead::faster(Suite::Aes128Gcm, 1 << 10).how().is_some());
    }
}
