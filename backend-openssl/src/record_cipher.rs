//! OpenSSL's AEADs as [`RecordCipher`]s.

use std::fmt;

use openssl::{
    cipher::{Cipher, CipherRef},
    cipher_ctx::CipherCtx,
    error::ErrorStack,
};
use polytls_api::{
    CipherSuite,
    record::{CipherError, NONCE_LEN, RecordCipher, TAG_LEN},
};

/// One of the three AEADs, under one key.
pub(crate) struct EvpCipher {
    suite: CipherSuite,
    sealing: CipherCtx,
    opening: CipherCtx,
}

impl EvpCipher {
    /// The suite's AEAD under `key`; `None` when the suite has none here or the key is not of its length.
    pub(crate) fn new(suite: CipherSuite, key: &[u8]) -> Option<Self> {
        let cipher = cipher(suite)?;
        if key.len() != cipher.key_length() {
            return None;
        }
        let mut sealing = CipherCtx::new().ok()?;
        sealing.encrypt_init(Some(cipher), Some(key), None).ok()?;
        let mut opening = CipherCtx::new().ok()?;
        opening.decrypt_init(Some(cipher), Some(key), None).ok()?;
        Some(Self { suite, sealing, opening })
    }
}

fn cipher(suite: CipherSuite) -> Option<&'static CipherRef> {
    Some(match suite {
        CipherSuite::TLS_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => Cipher::aes_128_gcm(),
        CipherSuite::TLS_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => Cipher::aes_256_gcm(),
        CipherSuite::TLS_CHACHA20_POLY1305_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => Cipher::chacha20_poly1305(),
        _ => return None,
    })
}

fn refused(_: ErrorStack) -> CipherError {
    CipherError
}

impl RecordCipher for EvpCipher {
    fn seal(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        trailer: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError> {
        if sealed.len() != plaintext.len() + trailer.len() + TAG_LEN {
            return Err(CipherError);
        }
        let (content, tag) = sealed.split_at_mut(plaintext.len() + trailer.len());
        let (ciphertext, end) = content.split_at_mut(plaintext.len());
        let context = &mut self.sealing;
        context.encrypt_init(None, None, Some(&nonce)).map_err(refused)?;
        context.cipher_update(aad, None).map_err(refused)?;
        context.cipher_update(plaintext, Some(ciphertext)).map_err(refused)?;
        context.cipher_update(trailer, Some(end)).map_err(refused)?;
        context.cipher_final(&mut []).map_err(refused)?;
        context.tag(tag).map_err(refused)
    }

    fn seal_in_place(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError> {
        let content_len = sealed.len().checked_sub(TAG_LEN).ok_or(CipherError)?;
        let (content, tag) = sealed.split_at_mut(content_len);
        let context = &mut self.sealing;
        context.encrypt_init(None, None, Some(&nonce)).map_err(refused)?;
        context.cipher_update(aad, None).map_err(refused)?;
        context.cipher_update_inplace(content, content_len).map_err(refused)?;
        context.cipher_final(&mut []).map_err(refused)?;
        context.tag(tag).map_err(refused)
    }

    fn open(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), CipherError> {
        let content_len = sealed.len().checked_sub(TAG_LEN).ok_or(CipherError)?;
        if plaintext.len() != content_len {
            return Err(CipherError);
        }
        let (ciphertext, tag) = sealed.split_at(content_len);
        let context = &mut self.opening;
        let mut open = || {
            context.decrypt_init(None, None, Some(&nonce))?;
            context.cipher_update(aad, None)?;
            context.cipher_update(ciphertext, Some(plaintext))?;
            context.set_tag(tag)?;
            context.cipher_final(&mut [])
        };
        let opened = open();
        opened.map(drop).map_err(|error| {
            plaintext.fill(0);
            refused(error)
        })
    }

    fn open_in_place(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError> {
        let content_len = sealed.len().checked_sub(TAG_LEN).ok_or(CipherError)?;
        let (content, tag) = sealed.split_at_mut(content_len);
        let context = &mut self.opening;
        context.decrypt_init(None, None, Some(&nonce)).map_err(refused)?;
        context.cipher_update(aad, None).map_err(refused)?;
        context.cipher_update_inplace(content, content_len).map_err(refused)?;
        context.set_tag(tag).map_err(refused)?;
        context.cipher_final(&mut []).map(drop).map_err(refused)
    }
}

impl fmt::Debug for EvpCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EvpCipher").field("suite", &self.suite).finish_non_exhaustive()
    }
}
