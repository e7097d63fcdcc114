//! OpenSSL's AEADs through EVP, with contexts that keep their keys.

use openssl::{cipher::Cipher, cipher_ctx::CipherCtx, error::ErrorStack};

use super::{HEADER, Records, TAG, nonce};
use crate::{Refusal, Suite};

pub(super) struct Evp {
    seals: CipherCtx,
    opens: CipherCtx,
    sequence: u64,
    plaintext: Vec<u8>,
    sealed: Vec<u8>,
    tag: [u8; TAG],
    opened: Vec<u8>,
}

impl Evp {
    pub(super) fn new(suite: Suite, size: usize) -> Result<Self, Refusal> {
        Self::with_contexts(suite, size).map_err(|error| Refusal(error.to_string()))
    }

    fn with_contexts(suite: Suite, size: usize) -> Result<Self, ErrorStack> {
        let cipher = match suite {
            Suite::Aes128Gcm => Cipher::aes_128_gcm(),
            Suite::Aes256Gcm => Cipher::aes_256_gcm(),
            Suite::ChaCha20Poly1305 => Cipher::chacha20_poly1305(),
        };
        let key = vec![7; cipher.key_length()];
        let (mut seals, mut opens) = (CipherCtx::new()?, CipherCtx::new()?);
        seals.encrypt_init(Some(cipher), Some(&key), None)?;
        opens.decrypt_init(Some(cipher), Some(&key), None)?;
        Ok(Self {
            seals,
            opens,
            sequence: 0,
            plaintext: vec![0x5a; size],
            // The crate asks for room for a block more than there is.
            sealed: vec![0; size + TAG],
            tag: [0; TAG],
            opened: vec![0; size + TAG],
        })
    }

    fn there_and_back(&mut self) -> Result<(), ErrorStack> {
        let (size, nonce) = (self.plaintext.len(), nonce(self.sequence));
        self.seals.encrypt_init(None, None, Some(&nonce))?;
        self.seals.cipher_update(&HEADER, None)?;
        self.seals.cipher_update(&self.plaintext, Some(&mut self.sealed))?;
        self.seals.cipher_final(&mut self.sealed[size..])?;
        self.seals.tag(&mut self.tag)?;
        self.opens.decrypt_init(None, None, Some(&nonce))?;
        self.opens.cipher_update(&HEADER, None)?;
        self.opens.cipher_update(&self.sealed[..size], Some(&mut self.opened))?;
        self.opens.set_tag(&self.tag)?;
        self.opens.cipher_final(&mut self.opened[size..])?;
        Ok(())
    }
}

impl Records for Evp {
    fn seal_and_open(&mut self) {
        self.sequence += 1;
        self.there_and_back().expect("sealed and opened");
    }
}
