//! The AEADs of the suites (RFC 8446 §9.1, RFC 5288, RFC 7905) as record ciphers.

use std::fmt;

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};
use polytls_api::{
    CipherSuite,
    record::{CipherError, NONCE_LEN, RecordCipher, TAG_LEN},
};

use crate::error::Fault;

/// The suite's AEAD under this key.
///
/// # Errors
/// [`Fault::Internal`] for a suite that is not here, or a key of another length.
pub(crate) fn record_cipher(suite: CipherSuite, key: &[u8]) -> Result<Box<dyn RecordCipher>, Fault> {
    let refused = Fault::Internal("a record key that is none of the suite's");
    let Some(key) = algorithm(suite).and_then(|algorithm| UnboundKey::new(algorithm, key).ok()) else {
        return Err(refused);
    };
    Ok(Box::new(AeadCipher(LessSafeKey::new(key))))
}

struct AeadCipher(LessSafeKey);

fn algorithm(suite: CipherSuite) -> Option<&'static Algorithm> {
    Some(match suite {
        CipherSuite::TLS_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => &AES_128_GCM,
        CipherSuite::TLS_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => &AES_256_GCM,
        CipherSuite::TLS_CHACHA20_POLY1305_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => &CHACHA20_POLY1305,
        _ => return None,
    })
}

impl RecordCipher for AeadCipher {
    fn seal(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        trailer: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError> {
        let (ciphertext, end) = sealed.split_at_mut_checked(plaintext.len()).ok_or(CipherError)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_out_of_place_scatter(nonce, Aad::from(aad), plaintext, ciphertext, trailer, end)
            .map_err(|_| CipherError)
    }

    fn seal_in_place(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError> {
        let (content, tag) = split_tag(sealed)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let computed =
            self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), content).map_err(|_| CipherError)?;
        tag.copy_from_slice(computed.as_ref());
        Ok(())
    }

    fn open(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), CipherError> {
        let content_len = sealed.len().checked_sub(TAG_LEN).ok_or(CipherError)?;
        let (ciphertext, tag) = sealed.split_at(content_len);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.0.open_separate_gather(nonce, Aad::from(aad), ciphertext, tag, plaintext);
        opened.map_err(|_| {
            plaintext.fill(0);
            CipherError
        })
    }

    fn open_in_place(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place(nonce, Aad::from(aad), sealed).map(drop).map_err(|_| CipherError)
    }
}

fn split_tag(sealed: &mut [u8]) -> Result<(&mut [u8], &mut [u8]), CipherError> {
    let content_len = sealed.len().checked_sub(TAG_LEN).ok_or(CipherError)?;
    Ok(sealed.split_at_mut(content_len))
}

impl fmt::Debug for AeadCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AeadCipher").field(self.0.algorithm()).finish()
    }
}
