//! aws-lc-rs's AEADs.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::{HEADER, Records, TAG, nonce};
use crate::Suite;

pub(super) struct Aead {
    key: LessSafeKey,
    sequence: u64,
    plaintext: Vec<u8>,
    sealed: Vec<u8>,
    tag: [u8; TAG],
    opened: Vec<u8>,
}

impl Aead {
    pub(super) fn new(suite: Suite, size: usize) -> Self {
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
            sealed: vec![0; size],
            tag: [0; TAG],
            opened: vec![0; size],
        }
    }
}

impl Records for Aead {
    fn seal_and_open(&mut self) {
        self.sequence += 1;
        let nonce = || Nonce::assume_unique_for_key(nonce(self.sequence));
        let Self { key, plaintext, sealed, tag, opened, .. } = self;
        key.seal_out_of_place_scatter(nonce(), Aad::from(HEADER), plaintext, sealed, &[], tag)
            .expect("sealed");
        key.open_separate_gather(nonce(), Aad::from(HEADER), sealed, tag, opened).expect("opened");
    }
}
