//! aws-lc-rs's AEADs as [`RecordCipher`]s.

use std::fmt;

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};
use polytls_api::{
    CipherSuite,
    record::{CipherError, NONCE_LEN, RecordCipher, TAG_LEN},
};

/// One of the three AEADs, under one key.
pub struct AeadCipher(LessSafeKey);

impl AeadCipher {
    /// The suite's AEAD under `key`; `None` when the suite has none here or the key is not of its length.
    pub fn new(suite: CipherSuite, key: &[u8]) -> Option<Self> {
        Some(Self(LessSafeKey::new(UnboundKey::new(algorithm(suite)?, key).ok()?)))
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_seal_and_open_agrees_and_a_changed_byte_is_refused() {
        for &suite in CipherSuite::NAMED {
            let key = vec![7; algorithm(suite).unwrap().key_len()];
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
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert!(AeadCipher::new(CipherSuite::TLS_AES_256_GCM_SHA384, &[0; 16]).is_none());
    }
}
