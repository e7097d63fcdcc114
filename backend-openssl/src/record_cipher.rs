//! libcrypto's AEADs as [`RecordCipher`]s.

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
pub(crate) struct AeadCipher {
    context: CipherCtx,
    suite: CipherSuite,
}

impl AeadCipher {
    /// The suite's AEAD under `key`; `None` when the suite has none here or the key is not of its length.
    pub(crate) fn new(suite: CipherSuite, key: &[u8]) -> Option<Self> {
        let algorithm = algorithm(suite)?;
        if key.len() != algorithm.key_length() || algorithm.iv_length() != NONCE_LEN {
            return None;
        }
        let mut context = CipherCtx::new().ok()?;
        context.encrypt_init(Some(algorithm), Some(key), None).ok()?;
        Some(Self { context, suite })
    }

    /// Whether this libcrypto has the suite's AEAD.
    pub(crate) fn is_built_in(suite: CipherSuite) -> bool {
        algorithm(suite).is_some_and(|algorithm| Self::new(suite, &vec![0; algorithm.key_length()]).is_some())
    }

    fn start_seal(&mut self, nonce: [u8; NONCE_LEN], aad: &[u8]) -> Result<(), ErrorStack> {
        self.context.encrypt_init(None, None, Some(&nonce))?;
        self.context.cipher_update(aad, None).map(drop)
    }

    fn finish_seal(&mut self, tag: &mut [u8]) -> Result<(), ErrorStack> {
        self.context.cipher_final(&mut [])?;
        self.context.tag(tag)
    }

    fn start_open(&mut self, nonce: [u8; NONCE_LEN], aad: &[u8]) -> Result<(), ErrorStack> {
        self.context.decrypt_init(None, None, Some(&nonce))?;
        self.context.cipher_update(aad, None).map(drop)
    }

    /// Fails if the tag is not the one of what was opened.
    fn finish_open(&mut self, tag: &[u8]) -> Result<(), ErrorStack> {
        self.context.set_tag(tag)?;
        self.context.cipher_final(&mut []).map(drop)
    }
}

fn algorithm(suite: CipherSuite) -> Option<&'static CipherRef> {
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

impl RecordCipher for AeadCipher {
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
        let (content, tag) = split_tag(sealed)?;
        let (head, end) = content.split_at_mut(plaintext.len());
        self.start_seal(nonce, aad)
            .and_then(|()| self.context.cipher_update(plaintext, Some(head)))
            .and_then(|_| self.context.cipher_update(trailer, Some(end)))
            .and_then(|_| self.finish_seal(tag))
            .map_err(|_| CipherError)
    }

    fn seal_in_place(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError> {
        let (content, tag) = split_tag(sealed)?;
        self.start_seal(nonce, aad)
            .and_then(|()| self.context.cipher_update_inplace(content, content.len()))
            .and_then(|_| self.finish_seal(tag))
            .map_err(|_| CipherError)
    }

    fn open(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), CipherError> {
        let content_len = sealed.len().checked_sub(TAG_LEN).ok_or(CipherError)?;
        let (content, tag) = sealed.split_at(content_len);
        if plaintext.len() != content.len() {
            plaintext.fill(0);
            return Err(CipherError);
        }
        let opened = self
            .start_open(nonce, aad)
            .and_then(|()| self.context.cipher_update(content, Some(&mut *plaintext)))
            .and_then(|_| self.finish_open(tag));
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
        let (content, tag) = split_tag(sealed)?;
        self.start_open(nonce, aad)
            .and_then(|()| self.context.cipher_update_inplace(content, content.len()))
            .and_then(|_| self.finish_open(tag))
            .map_err(|_| {
                content.fill(0);
                CipherError
            })
    }
}

fn split_tag(sealed: &mut [u8]) -> Result<(&mut [u8], &mut [u8]), CipherError> {
    let content_len = sealed.len().checked_sub(TAG_LEN).ok_or(CipherError)?;
    Ok(sealed.split_at_mut(content_len))
}

impl fmt::Debug for AeadCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AeadCipher").field(&self.suite).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_seal_and_open_agrees_and_a_changed_byte_is_refused() {
        for &suite in CipherSuite::NAMED {
            let key = vec![7; algorithm(suite).unwrap().key_length()];
            let mut cipher = AeadCipher::new(suite, &key).unwrap();
            let (nonce, aad) = ([3; NONCE_LEN], b"header");
            let mut sealed = [0; 5 + 1 + TAG_LEN];
            cipher.seal(nonce, aad, b"hello", &[23], &mut sealed).unwrap();
            let mut in_place = *b"hello\x17................";
            cipher.seal_in_place(nonce, aad, &mut in_place).unwrap();
            assert_eq!(sealed, in_place, "{suite}");

            let mut opened = [0; 6];
            cipher.open(nonce, aad, &sealed, &mut opened).unwrap();
            assert_eq!(&opened, b"hello\x17");
            cipher.open_in_place(nonce, aad, &mut in_place).unwrap();
            assert_eq!(&in_place[..6], b"hello\x17");

            for offset in 0..sealed.len() {
                let mut changed = sealed;
                changed[offset] ^= 1;
                opened.fill(9);
                assert_eq!(cipher.open(nonce, aad, &changed, &mut opened), Err(CipherError));
                assert_eq!(opened, [0; 6], "plaintext of a refused record is left behind");
                assert_eq!(cipher.open_in_place(nonce, aad, &mut changed), Err(CipherError));
            }
            assert_eq!(cipher.open(nonce, b"another", &sealed, &mut opened), Err(CipherError));
            assert_eq!(cipher.open([4; NONCE_LEN], aad, &sealed, &mut opened), Err(CipherError));
            cipher.open(nonce, aad, &sealed, &mut opened).unwrap();
        }
    }

    #[test]
    fn the_aead_is_the_one_that_others_mean() {
        // RFC 8439 §2.8.2.
        let key: Vec<u8> = (0x80..0xa0).collect();
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let aad = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let mut cipher = AeadCipher::new(CipherSuite::TLS_CHACHA20_POLY1305_SHA256, &key).unwrap();
        let mut sealed = vec![0; text.len() + TAG_LEN];
        cipher.seal(nonce, &aad, text, &[], &mut sealed).unwrap();
        assert_eq!(&sealed[..4], [0xd3, 0x1a, 0x8d, 0x34]);
        assert_eq!(
            &sealed[text.len()..],
            [0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a, 0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91]
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(AeadCipher::new(CipherSuite::TLS_AES_256_GCM_SHA384, &[0; 16]).is_none());
        assert!(AeadCipher::new(CipherSuite::from_code(0x002f), &[0; 16]).is_none());
        let mut cipher = AeadCipher::new(CipherSuite::TLS_AES_128_GCM_SHA256, &[0; 16]).unwrap();
        let nonce = [0; NONCE_LEN];
        assert_eq!(cipher.seal(nonce, b"", b"hello", b"", &mut [0; 5 + TAG_LEN - 1]), Err(CipherError));
        assert_eq!(cipher.seal_in_place(nonce, b"", &mut [0; TAG_LEN - 1]), Err(CipherError));
        assert_eq!(cipher.open(nonce, b"", &[0; TAG_LEN - 1], &mut []), Err(CipherError));
        assert_eq!(cipher.open_in_place(nonce, b"", &mut [0; TAG_LEN - 1]), Err(CipherError));
    }
}
