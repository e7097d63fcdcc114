//! What TLS 1.2 makes of a master secret (RFC 5246 §6.3, RFC 5705), which a connection's session holds.

use openssl::{error::ErrorStack, pkey::PKey, sign::Signer, ssl::SslRef};
use polytls_api::{CipherSuite, record::NONCE_LEN};
use zeroize::Zeroizing;

use super::{MAX_KEY, RecordKey, digest, key_length};

/// The lengths of the master secret (RFC 5246 §8.1), of a random, and of an IV's fixed part with AES-GCM (RFC 5288 §3).
const MASTER_SECRET: usize = 48;
const RANDOM: usize = 32;
const FIXED_IV: usize = 4;

/// A record's explicit nonce with AES-GCM (RFC 5288 §3).
pub(crate) type ExplicitNonce = [u8; NONCE_LEN - FIXED_IV];

/// The master secret of a connection, with the randoms that go into all that is made of it.
pub(crate) struct MasterSecret {
    suite: CipherSuite,
    secret: Zeroizing<[u8; MASTER_SECRET]>,
    client_random: [u8; RANDOM],
    server_random: [u8; RANDOM],
}

/// What protects both directions of a connection.
pub(crate) struct KeyBlock {
    pub(crate) client: RecordKey,
    pub(crate) server: RecordKey,
}

impl MasterSecret {
    /// That of a connection whose handshake is complete; `None` where it has no session of TLS 1.2.
    pub(crate) fn of(ssl: &SslRef, suite: CipherSuite) -> Option<Self> {
        let session = ssl.session().filter(|session| session.master_key_len() == MASTER_SECRET)?;
        let mut secret = Zeroizing::new([0; MASTER_SECRET]);
        session.master_key(&mut *secret);
        let (mut client_random, mut server_random) = ([0; RANDOM], [0; RANDOM]);
        ssl.client_random(&mut client_random);
        ssl.server_random(&mut server_random);
        Some(Self { suite, secret, client_random, server_random })
    }

    /// RFC 5246 §6.3.
    pub(crate) fn key_block(&self) -> Result<KeyBlock, ErrorStack> {
        let (mut client, mut server) = (RecordKey::unset(self.suite), RecordKey::unset(self.suite));
        let (key_length, iv_length) = (key_length(self.suite), fixed_iv_length(self.suite));
        let mut block = Zeroizing::new([0; 2 * (MAX_KEY + NONCE_LEN)]);
        let block = &mut block[..2 * (key_length + iv_length)];
        self.prf(&[b"key expansion", &self.server_random, &self.client_random], block)?;
        let (keys, ivs) = block.split_at(2 * key_length);
        client.key_mut().copy_from_slice(&keys[..key_length]);
        server.key_mut().copy_from_slice(&keys[key_length..]);
        client.iv[..iv_length].copy_from_slice(&ivs[..iv_length]);
        server.iv[..iv_length].copy_from_slice(&ivs[iv_length..]);
        Ok(KeyBlock { client, server })
    }

    /// RFC 5705 §4. A context has 65535 bytes at most; none is not an empty one.
    pub(crate) fn export(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), ErrorStack> {
        let length = context.map(|context| (context.len() as u16).to_be_bytes());
        let length = length.as_ref().map_or(&[][..], |length| length);
        let seed = [label, &self.client_random, &self.server_random, length, context.unwrap_or_default()];
        self.prf(&seed, output)
    }

    /// P_hash (RFC 5246 §5).
    fn prf(&self, seed: &[&[u8]], output: &mut [u8]) -> Result<(), ErrorStack> {
        let (digest, secret, seed) = (digest(self.suite), PKey::hmac(&*self.secret)?, seed.concat());
        let hmac = |parts: &[&[u8]]| {
            let mut signer = Signer::new(digest, &secret)?;
            parts.iter().try_for_each(|part| signer.update(part))?;
            signer.sign_to_vec().map(Zeroizing::new)
        };
        let mut a = hmac(&[&seed])?;
        for chunk in output.chunks_mut(digest.size()) {
            chunk.copy_from_slice(&hmac(&[&a, &seed])?[..chunk.len()]);
            a = hmac(&[&a])?;
        }
        Ok(())
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
