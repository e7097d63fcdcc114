//! The key block of TLS 1.2 (RFC 5246 §6.3), from the master secret that a connection's session holds.

use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{PKey, Private},
    sign::Signer,
    ssl::SslRef,
};
use polytls_api::{CipherSuite, record::NONCE_LEN};
use zeroize::Zeroizing;

use super::RecordKey;

/// The lengths of the master secret (RFC 5246 §8.1), of a random, and of an IV's fixed part with AES-GCM (RFC 5288 §3).
const MASTER_SECRET: usize = 48;
const RANDOM: usize = 32;
const FIXED_IV: usize = 4;

/// A record's explicit nonce with AES-GCM (RFC 5288 §3).
pub(crate) type ExplicitNonce = [u8; NONCE_LEN - FIXED_IV];

/// What protects both directions of a connection.
pub(crate) struct KeyBlock {
    pub(crate) client: RecordKey,
    pub(crate) server: RecordKey,
}

impl KeyBlock {
    /// That of a connection whose handshake is complete; `None` where it has no session of TLS 1.2.
    pub(crate) fn of(ssl: &SslRef, suite: CipherSuite) -> Result<Option<Self>, ErrorStack> {
        let mut master_secret = Zeroizing::new([0; MASTER_SECRET]);
        match ssl.session() {
            Some(session) if session.master_key_len() == MASTER_SECRET => {
                session.master_key(&mut *master_secret);
            }
            _ => return Ok(None),
        }
        let (mut client_random, mut server_random) = ([0; RANDOM], [0; RANDOM]);
        ssl.client_random(&mut client_random);
        ssl.server_random(&mut server_random);
        let seed = [&b"key expansion"[..], &server_random, &client_random].concat();
        Self::expand(suite, &*master_secret, &seed).map(Some)
    }

    fn expand(suite: CipherSuite, master_secret: &[u8], seed: &[u8]) -> Result<Self, ErrorStack> {
        let (mut client, mut server) = (RecordKey::unset(suite), RecordKey::unset(suite));
        let (key_length, iv_length) = (client.key_length(), fixed_iv_length(suite));
        let block = p_hash(digest(suite), &PKey::hmac(master_secret)?, seed, 2 * (key_length + iv_length))?;
        let (keys, ivs) = block.split_at(2 * key_length);
        client.key_mut().copy_from_slice(&keys[..key_length]);
        server.key_mut().copy_from_slice(&keys[key_length..]);
        client.iv[..iv_length].copy_from_slice(&ivs[..iv_length]);
        server.iv[..iv_length].copy_from_slice(&ivs[iv_length..]);
        Ok(Self { client, server })
    }
}

impl RecordKey {
    /// The same for a sender whose Finished had this explicit nonce. Those that follow are it and their sequence number, so
    /// that none is used twice. `None` where AES-GCM's is not known.
    pub(crate) fn after(mut self, finished: Option<ExplicitNonce>) -> Option<Self> {
        if fixed_iv_length(self.suite) == FIXED_IV {
            self.iv[FIXED_IV..].copy_from_slice(&finished?);
        }
        Some(self)
    }
}

/// How much of an IV is in the key block: RFC 5288 §3, RFC 7905 §2.
fn fixed_iv_length(suite: CipherSuite) -> usize {
    match suite {
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => NONCE_LEN,
        _ => FIXED_IV,
    }
}

fn digest(suite: CipherSuite) -> MessageDigest {
    match suite {
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        | CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => MessageDigest::sha384(),
        _ => MessageDigest::sha256(),
    }
}

/// As much of P_hash (RFC 5246 §5) as is asked for.
fn p_hash(
    digest: MessageDigest,
    secret: &PKey<Private>,
    seed: &[u8],
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let hmac = |parts: &[&[u8]]| {
        let mut signer = Signer::new(digest, secret)?;
        parts.iter().try_for_each(|part| signer.update(part))?;
        signer.sign_to_vec().map(Zeroizing::new)
    };
    let mut output = Zeroizing::new(Vec::with_capacity(length + digest.size()));
    let mut a = hmac(&[seed])?;
    while output.len() < length {
        output.extend_from_slice(&hmac(&[&a, seed])?);
        a = hmac(&[&a])?;
    }
    output.truncate(length);
    Ok(output)
}
