//! The key schedule of TLS 1.3 (RFC 8446 §7.1), read from top to bottom.
//!
//! ```text
//! EarlySecret -> HandshakeSecret -> MasterSecret
//! ```
//! Each is consumed by the next, and holds its HMAC key ready; what a connection keeps for long holds a secret alone and
//! is small. What hangs off them: [`TrafficSecret`]s, which give keys and what verifies a
//! Finished; [`FinishedKey`]s; an [`ExporterSecret`]; a [`ResumptionSecret`].

use polytls_api::record::{NONCE_LEN, TrafficKeys};

use super::{FinishedVerified, Suite, check_exported_len, invalid_export, kept::OfSchedule};
use crate::{
    crypto::{
        Digest, HashAlgorithm, HmacKey, Secret, SharedSecret,
        hkdf::{self, Prk},
        record_cipher,
    },
    error::Fault,
};

/// What a HkdfLabel's label begins with (RFC 8446 §7.1).
const PREFIX: &[u8] = b"tls13 ";

/// A HkdfLabel's label has 255 bytes at most, its prefix included.
const MAX_LABEL: usize = 255 - PREFIX.len();

/// Where a pre-shared key comes from: it has a binder key of its own for each (RFC 8446 §4.2.11.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PskKind {
    /// Made ready outside TLS.
    External,
    /// From a NewSessionTicket.
    Resumption,
}

/// What the pre-shared key gives, if there is one.
#[derive(Clone, Debug)]
pub(crate) struct EarlySecret(Prk);

impl EarlySecret {
    pub(crate) fn new(hash: HashAlgorithm, psk: Option<&Secret>) -> Self {
        let zeros = Secret::zeros(hash.output_len());
        Self(Prk::new(hash, &hkdf::extract(hash, &[], psk.unwrap_or(&zeros).as_bytes())))
    }

    /// The key of the binder that shows that the client has the pre-shared key.
    pub(crate) fn binder_key(&self, kind: PskKind) -> FinishedKey {
        let label: &[u8] = match kind {
            PskKind::External => b"ext binder",
            PskKind::Resumption => b"res binder",
        };
        let binder_key = derive_secret(&self.0, label, &nothing(&self.0));
        TrafficSecret { hash: self.0.hash(), secret: binder_key }.finished_key()
    }

    /// client_early_traffic_secret, over the ClientHello.
    pub(crate) fn client_early_traffic(&self, transcript: &Digest) -> TrafficSecret {
        TrafficSecret::derive(&self.0, b"c e traffic", transcript)
    }

    /// The next stage, with what the key exchange gave, if there was one.
    pub(crate) fn handshake(self, shared: Option<&SharedSecret>) -> HandshakeSecret {
        HandshakeSecret(next_stage(&self.0, shared.map(SharedSecret::as_bytes)))
    }
}

/// What the key exchange adds.
#[derive(Debug)]
pub(crate) struct HandshakeSecret(Prk);

impl HandshakeSecret {
    /// client_handshake_traffic_secret, up to the ServerHello.
    pub(crate) fn client_traffic(&self, transcript: &Digest) -> TrafficSecret {
        TrafficSecret::derive(&self.0, b"c hs traffic", transcript)
    }

    /// server_handshake_traffic_secret, up to the ServerHello.
    pub(crate) fn server_traffic(&self, transcript: &Digest) -> TrafficSecret {
        TrafficSecret::derive(&self.0, b"s hs traffic", transcript)
    }

    /// The last stage.
    pub(crate) fn master(self) -> MasterSecret {
        MasterSecret(next_stage(&self.0, None))
    }
}

/// What the connection lives on.
#[derive(Debug)]
pub(crate) struct MasterSecret(Prk);

impl MasterSecret {
    /// client_application_traffic_secret_0, up to the server's Finished.
    pub(crate) fn client_traffic(&self, transcript: &Digest) -> TrafficSecret {
        TrafficSecret::derive(&self.0, b"c ap traffic", transcript)
    }

    /// server_application_traffic_secret_0, up to the server's Finished.
    pub(crate) fn server_traffic(&self, transcript: &Digest) -> TrafficSecret {
        TrafficSecret::derive(&self.0, b"s ap traffic", transcript)
    }

    /// exporter_master_secret, up to the server's Finished.
    pub(crate) fn exporter(&self, transcript: &Digest) -> ExporterSecret {
        ExporterSecret { hash: self.0.hash(), secret: derive_secret(&self.0, b"exp master", transcript) }
    }

    /// resumption_master_secret, up to the client's Finished.
    pub(crate) fn resumption(&self, transcript: &Digest) -> ResumptionSecret {
        ResumptionSecret { hash: self.0.hash(), secret: self.resumption_master_secret(transcript) }
    }

    pub(super) fn resumption_master_secret(&self, transcript: &Digest) -> Secret {
        derive_secret(&self.0, b"res master", transcript)
    }
}

/// The secret behind the keys of one direction.
#[derive(Clone, Debug)]
pub(crate) struct TrafficSecret {
    hash: HashAlgorithm,
    secret: Secret,
}

impl TrafficSecret {
    fn derive(stage: &Prk, label: &[u8], transcript: &Digest) -> Self {
        Self { hash: stage.hash(), secret: derive_secret(stage, label, transcript) }
    }

    /// The keys of this direction (RFC 8446 §7.3), of which no record has been used.
    ///
    /// # Errors
    /// [`Fault::Internal`] when the library refuses the key.
    pub(crate) fn keys(&self, suite: &Suite) -> Result<TrafficKeys, Fault> {
        let (key, static_iv) = self.key_and_iv(suite);
        let mut iv = [0; NONCE_LEN];
        iv.copy_from_slice(static_iv.as_bytes());
        Ok(TrafficKeys::new(suite.id, record_cipher(suite.id, key.as_bytes())?, iv, 0))
    }

    /// write_key and write_iv.
    pub(super) fn key_and_iv(&self, suite: &Suite) -> (Secret, Secret) {
        let prk = self.prk();
        (expand_label(&prk, b"key", &[], suite.key_len), expand_label(&prk, b"iv", &[], NONCE_LEN))
    }

    /// application_traffic_secret_N+1 (RFC 8446 §7.2).
    #[must_use]
    pub(crate) fn next(&self) -> Self {
        let secret = expand_label(&self.prk(), b"traffic upd", &[], self.hash.output_len());
        Self { hash: self.hash, secret }
    }

    /// What this direction's Finished is made with (RFC 8446 §4.4.4).
    pub(crate) fn finished_key(&self) -> FinishedKey {
        let key = expand_label(&self.prk(), b"finished", &[], self.hash.output_len());
        FinishedKey(HmacKey::new(self.hash, key.as_bytes()))
    }

    /// The secret itself, for a key log.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.secret.as_bytes()
    }

    fn prk(&self) -> Prk {
        Prk::new(self.hash, &self.secret)
    }
}

/// What a Finished or a binder is made with.
#[derive(Debug)]
pub(crate) struct FinishedKey(HmacKey);

impl FinishedKey {
    /// The content of a Finished, or a binder.
    pub(crate) fn verify_data(&self, transcript: &Digest) -> Secret {
        self.0.sign([transcript.as_ref()])
    }

    /// Whether the peer's is right.
    ///
    /// # Errors
    /// [`Fault::Decrypt`] where it is not.
    pub(crate) fn verify(&self, transcript: &Digest, received: &[u8]) -> Result<FinishedVerified, Fault> {
        FinishedVerified::check(self.verify_data(transcript).as_bytes(), received)
    }
}

/// What tickets' pre-shared keys are made from.
#[derive(Clone, Debug)]
pub(crate) struct ResumptionSecret {
    hash: HashAlgorithm,
    secret: Secret,
}

impl ResumptionSecret {
    /// The pre-shared key of the ticket with this nonce (RFC 8446 §4.6.1).
    pub(crate) fn psk(&self, nonce: &[u8]) -> Secret {
        expand_label(&Prk::new(self.hash, &self.secret), b"resumption", nonce, self.hash.output_len())
    }
}

/// What key material for the application is made from.
#[derive(Clone, Debug)]
pub(crate) struct ExporterSecret {
    hash: HashAlgorithm,
    secret: Secret,
}

impl ExporterSecret {
    /// Fills `out` (RFC 8446 §7.5). No context is the same as an empty one.
    ///
    /// # Errors
    /// [`Fault::Config`] for a label of more than 249 bytes, or more or less material than can be had.
    pub(crate) fn export(&self, label: &[u8], context: Option<&[u8]>, out: &mut [u8]) -> Result<(), Fault> {
        let hash = self.hash;
        check_exported_len(hash, out.len())?;
        if label.len() > MAX_LABEL {
            return Err(invalid_export("a label has 249 bytes at most (RFC 8446 §7.1)"));
        }
        let secret = derive_secret(&Prk::new(hash, &self.secret), label, &hash.hash(&[]));
        let context = hash.hash(context.unwrap_or_default());
        let length = (out.len() as u16).to_be_bytes();
        let label = HkdfLabel { length, label: b"exporter", context: context.as_ref() };
        label.with_parts(|parts| Prk::new(hash, &secret).expand(parts, out))
    }

    /// The secret itself, for a key log.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

impl OfSchedule for TrafficSecret {
    fn restored(hash: HashAlgorithm, secret: Secret) -> Self {
        Self { hash, secret }
    }

    fn secret(&self) -> &Secret {
        &self.secret
    }
}

impl OfSchedule for ResumptionSecret {
    fn restored(hash: HashAlgorithm, secret: Secret) -> Self {
        Self { hash, secret }
    }

    fn secret(&self) -> &Secret {
        &self.secret
    }
}

impl OfSchedule for ExporterSecret {
    fn restored(hash: HashAlgorithm, secret: Secret) -> Self {
        Self { hash, secret }
    }

    fn secret(&self) -> &Secret {
        &self.secret
    }
}

/// HKDF-Extract with the secret that the stage before hands down.
fn next_stage(stage: &Prk, input: Option<&[u8]>) -> Prk {
    let hash = stage.hash();
    let zeros = Secret::zeros(hash.output_len());
    let derived = derive_secret(stage, b"derived", &nothing(stage));
    let extracted = hkdf::extract(hash, derived.as_bytes(), input.unwrap_or(zeros.as_bytes()));
    Prk::new(hash, &extracted)
}

/// The transcript of no message.
fn nothing(stage: &Prk) -> Digest {
    stage.hash().hash(&[])
}

/// Derive-Secret (RFC 8446 §7.1).
pub(super) fn derive_secret(stage: &Prk, label: &[u8], transcript: &Digest) -> Secret {
    expand_label(stage, label, transcript.as_ref(), stage.hash().output_len())
}

/// HKDF-Expand-Label (RFC 8446 §7.1), to no more than one block of the hash.
pub(super) fn expand_label(prk: &Prk, label: &[u8], context: &[u8], len: usize) -> Secret {
    let label = HkdfLabel { length: (len as u16).to_be_bytes(), label, context };
    label.with_parts(|parts| prk.expand_block(parts, len))
}

/// RFC 8446 §7.1. Labels are ours or checked, contexts are digests and nonces: neither is longer than its length can say.
struct HkdfLabel<'a> {
    length: [u8; 2],
    label: &'a [u8],
    context: &'a [u8],
}

impl HkdfLabel<'_> {
    /// The encoding, in the parts that it is hashed in.
    fn with_parts<T>(&self, use_parts: impl FnOnce(&[&[u8]]) -> T) -> T {
        let label_len = [(PREFIX.len() + self.label.len()) as u8];
        let context_len = [self.context.len() as u8];
        use_parts(&[&self.length, &label_len, PREFIX, self.label, &context_len, self.context])
    }
}
