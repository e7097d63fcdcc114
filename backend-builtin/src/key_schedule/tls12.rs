//! The key schedule of TLS 1.2: the PRF (RFC 5246 §5), the master secret (§8.1, RFC 7627), and what hangs off it.

use polytls_api::record::{NONCE_LEN, Role, TrafficKeys};
use polytls_aws_lc::HmacKey;
use zeroize::Zeroizing;

use super::{FinishedVerified, Suite, check_exported_len, invalid_export, kept::OfSchedule};
use crate::{
    crypto::{Digest, HashAlgorithm, Secret, SharedSecret, record_cipher},
    error::Fault,
};

pub(crate) const MASTER_SECRET_LEN: usize = 48;
const VERIFY_DATA_LEN: usize = 12;

/// RFC 5246's own labels and RFC 7627's, which RFC 5705 §4 keeps from being used to export.
const RESERVED: [&[u8]; 5] =
    [b"client finished", b"server finished", b"master secret", b"extended master secret", b"key expansion"];

/// The keys of both directions, of which no record has been used.
#[derive(Debug)]
pub(crate) struct Tls12Keys {
    pub(crate) client: TrafficKeys,
    pub(crate) server: TrafficKeys,
}

/// The master secret of a session.
#[derive(Clone, Debug)]
pub(crate) struct MasterSecret12 {
    hash: HashAlgorithm,
    secret: Secret,
}

impl MasterSecret12 {
    /// RFC 7627 §4: bound to the handshake, up to the ClientKeyExchange.
    pub(crate) fn extended(hash: HashAlgorithm, shared: &SharedSecret, session_hash: &Digest) -> Self {
        Self::new(hash, shared, b"extended master secret", &[session_hash.as_ref()])
    }

    /// RFC 5246 §8.1, for a peer without the extension.
    pub(crate) fn plain(
        hash: HashAlgorithm,
        shared: &SharedSecret,
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Self {
        Self::new(hash, shared, b"master secret", &[client_random, server_random])
    }

    /// That of a session which is resumed.
    pub(crate) fn resumed(hash: HashAlgorithm, secret: Secret) -> Self {
        Self { hash, secret }
    }

    fn new(hash: HashAlgorithm, shared: &SharedSecret, label: &[u8], seed: &[&[u8]]) -> Self {
        let mut secret = Zeroizing::new([0; MASTER_SECRET_LEN]);
        prf(hash, shared.as_bytes(), label, seed, secret.as_mut_slice());
        Self::resumed(hash, Secret::of(&secret))
    }

    /// The keys of both directions (RFC 5246 §6.3).
    ///
    /// # Errors
    /// [`Fault::Internal`] when the library refuses a key.
    pub(crate) fn keys(
        &self,
        suite: &Suite,
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Result<Tls12Keys, Fault> {
        const MOST: usize = 2 * (32 + NONCE_LEN);
        let mut key_block = Zeroizing::new([0; MOST]);
        let used = 2 * (suite.key_len + suite.fixed_iv_len);
        let used =
            key_block.get_mut(..used).ok_or(Fault::Internal("a suite of longer keys than there are"))?;
        self.prf(b"key expansion", &[server_random, client_random], used);
        let (keys, ivs) = used.split_at(2 * suite.key_len);
        let (client_key, server_key) = keys.split_at(suite.key_len);
        let (client_iv, server_iv) = ivs.split_at(suite.fixed_iv_len);
        Ok(Tls12Keys {
            client: traffic_keys(suite, client_key, client_iv)?,
            server: traffic_keys(suite, server_key, server_iv)?,
        })
    }

    /// The content of this side's Finished (RFC 5246 §7.4.9).
    pub(crate) fn verify_data(&self, sender: Role, transcript: &Digest) -> [u8; VERIFY_DATA_LEN] {
        let label: &[u8] = match sender {
            Role::Client => b"client finished",
            Role::Server => b"server finished",
        };
        let mut verify_data = [0; VERIFY_DATA_LEN];
        self.prf(label, &[transcript.as_ref()], &mut verify_data);
        verify_data
    }

    /// Whether the peer's Finished is right.
    ///
    /// # Errors
    /// [`Fault::Decrypt`] where it is not.
    pub(crate) fn verify(
        &self,
        sender: Role,
        transcript: &Digest,
        received: &[u8],
    ) -> Result<FinishedVerified, Fault> {
        FinishedVerified::check(&self.verify_data(sender, transcript), received)
    }

    /// Fills `out` with key material for the application (RFC 5705 §4). No context is another than an empty one.
    ///
    /// # Errors
    /// [`Fault::Config`] for a label of TLS's own, a context of more than 2^16 - 1 bytes, or more or less material
    /// than can be had.
    pub(crate) fn export(
        &self,
        client_random: &[u8; 32],
        server_random: &[u8; 32],
        label: &[u8],
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), Fault> {
        check_exported_len(self.hash, out.len())?;
        if RESERVED.contains(&label) {
            return Err(invalid_export("the label is one of TLS's own; choose another"));
        }
        let too_long = |_| invalid_export("a context has 65,535 bytes at most (RFC 5705 §4)");
        let context_len =
            context.map(|context| u16::try_from(context.len())).transpose().map_err(too_long)?;
        let context_len = context_len.map(u16::to_be_bytes);
        let context_len = context_len.as_ref().map_or(&[][..], |len| len);
        let seed: [&[u8]; 4] = [client_random, server_random, context_len, context.unwrap_or_default()];
        self.prf(label, &seed, out);
        Ok(())
    }

    fn prf(&self, label: &[u8], seed: &[&[u8]], out: &mut [u8]) {
        prf(self.hash, self.secret.as_bytes(), label, seed, out);
    }

    pub(crate) fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    /// The master secret itself, for a ticket or a key log.
    pub(crate) fn as_secret(&self) -> &Secret {
        &self.secret
    }
}

impl OfSchedule for MasterSecret12 {
    fn restored(hash: HashAlgorithm, secret: Secret) -> Self {
        Self { hash, secret }
    }

    fn secret(&self) -> &Secret {
        &self.secret
    }
}

/// RFC 5288 §3: where the IV is shorter than the nonce, the record carries the rest, which begins at zero and counts.
fn traffic_keys(suite: &Suite, key: &[u8], fixed_iv: &[u8]) -> Result<TrafficKeys, Fault> {
    let mut iv = [0; NONCE_LEN];
    iv[..fixed_iv.len()].copy_from_slice(fixed_iv);
    Ok(TrafficKeys::new(suite.id, record_cipher(suite.id, key)?, iv, 0))
}

/// The PRF (RFC 5246 §5): P_hash over the label and the seed.
pub(super) fn prf(hash: HashAlgorithm, secret: &[u8], label: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    let key = HmacKey::new(hash.of_hmac(), secret);
    let seed = || [label].into_iter().chain(seed.iter().copied());
    let mut a = key.code(seed(), Secret::of_hash);
    for chunk in out.chunks_mut(hash.output_len()) {
        let block = key.code([a.as_bytes()].into_iter().chain(seed()), Secret::of_hash);
        chunk.copy_from_slice(&block.as_bytes()[..chunk.len()]);
        a = key.code([a.as_bytes()], Secret::of_hash);
    }
}
