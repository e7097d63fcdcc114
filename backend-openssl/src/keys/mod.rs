//! The keys that protect records where OpenSSL's handshake ends, for polytls's record layer to go on with.
//!
//! OpenSSL hands out no keys. What it does tell is all that they come from: in TLS 1.3 the traffic secrets and how many
//! records were written under them ([`tls13`]), in TLS 1.2 the master secret and both randoms ([`tls12`]).

pub(crate) mod tls12;
pub(crate) mod tls13;

use openssl::{error::ErrorStack, hash::MessageDigest};
use polytls_api::{
    CipherSuite,
    record::{NONCE_LEN, TrafficKeys},
};
use zeroize::Zeroizing;

use crate::record_cipher::AeadCipher;

/// The length of the longest key.
const MAX_KEY: usize = 32;

/// The hash of a suite.
fn digest(suite: CipherSuite) -> MessageDigest {
    match suite {
        CipherSuite::TLS_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => MessageDigest::sha384(),
        _ => MessageDigest::sha256(),
    }
}

/// The length of a suite's keys.
fn key_length(suite: CipherSuite) -> usize {
    match suite {
        CipherSuite::TLS_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 16,
        _ => MAX_KEY,
    }
}

/// The key and the IV of one direction.
pub(crate) struct RecordKey {
    suite: CipherSuite,
    key: Zeroizing<[u8; MAX_KEY]>,
    iv: Zeroizing<[u8; NONCE_LEN]>,
}

impl RecordKey {
    /// Zeros, for a key and an IV to be written over.
    fn unset(suite: CipherSuite) -> Self {
        Self { suite, key: Zeroizing::default(), iv: Zeroizing::default() }
    }

    fn key_mut(&mut self) -> &mut [u8] {
        &mut self.key[..key_length(self.suite)]
    }

    /// The same as the record layer has them, when `sequence` records have been protected.
    pub(crate) fn keys(&self, sequence: u64) -> Result<TrafficKeys, ErrorStack> {
        let cipher = AeadCipher::new(self.suite, &self.key[..key_length(self.suite)]);
        let cipher = Box::new(cipher.ok_or_else(ErrorStack::get)?);
        Ok(TrafficKeys::new(self.suite, cipher, *self.iv, sequence))
    }
}
