//! The key schedule of TLS 1.3 (RFC 8446 §7.1), read from top to bottom.
//!
//! ```text
//! EarlySecret -> HandshakeSecret -> MasterSecret
//! ```
//! Each is consumed by the next, but for the first, which a client may hold for more than one hello. What hangs off them: [`TrafficSecret`]s, which give keys and what verifies a Finished;
//! [`FinishedKey`]s; an [`ExporterSecret`]; a [`ResumptionSecret`]. Without a pre-shared key it begins with the second.

use polytls_api::record::{NONCE_LEN, TrafficKeys};

use super::{FinishedVerified, Suite, check_exported_len, invalid_export, kept::OfSchedule};
use crate::{
    crypto::{
        Digest, HashAlgorithm, Secret, SharedSecret,
        hkdf::{Expander, Prk},
        record_cipher,
    },
    error::Fault,
};

/// What a HkdfLabel's label begins with (RFC 8446 §7.1).
const PREFIX: &[u8; 6] = b"tls13 ";

/// A HkdfLabel's label has 255 bytes at most, its prefix included.
const MAX_LABEL: usize = 255 - PREFIX.len();

/// Derive-Secret(HKDF-Extract(0, 0), "derived", "").
const DERIVED_WITHOUT_PSK_SHA256: [u8; 32] = [
    0x6f, 0x26, 0x15, 0xa1, 0x08, 0xc7, 0x02, 0xc5, 0x67, 0x8f, 0x54, 0xfc, 0x9d, 0xba, 0xb6, 0x97, 0x16,
    0xc0, 0x76, 0x18, 0x9c, 0x48, 0x25, 0x0c, 0xeb, 0xea, 0xc3, 0x57, 0x6c, 0x36, 0x11, 0xba,
];

const DERIVED_WITHOUT_PSK_SHA384: [u8; 48] = [
    0x15, 0x91, 0xda, 0xc5, 0xcb, 0xbf, 0x03, 0x30, 0xa4, 0xa8, 0x4d, 0xe9, 0xc7, 0x53, 0x33, 0x0e, 0x92,
    0xd0, 0x1f, 0x0a, 0x88, 0x21, 0x4b, 0x44, 0x64, 0x97, 0x2f, 0xd6, 0x68, 0x04, 0x9e, 0x93, 0xe5, 0x2f,
    0x2b, 0x16, 0xfa, 0xd9, 0x22, 0xfd, 0xc0, 0x58, 0x44, 0x78, 0x42, 0x8f, 0x28, 0x2b,
];

/// Where a pre-shared key comes from: it has a binder key of its own for each (RFC 8446 §4.2.11.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PskKind {
    /// Made ready outside TLS.
    External,
    /// From a NewSessionTicket.
    Resumption,
}

/// What the pre-shared key gives.
#[derive(Clone, Debug)]
pub(crate) struct EarlySecret(Expander);

impl EarlySecret {
    pub(crate) fn new(hash: HashAlgorithm, psk: &Secret) -> Self {
        Self(Prk::extract(hash, &[], psk.as_bytes()).expander())
    }

    /// The key of the binder that shows that the client has the pre-shared key.
    pub(crate) fn binder_key(&self, kind: PskKind) -> FinishedKey {
        let label: &[u8] = match kind {
            PskKind::External => b"ext binder",
            PskKind::Resumption => b"res binder",
        };
        TrafficSecret::new(derive_secret(&self.0, label, self.0.hash().of_nothing())).finished_key()
    }

    /// client_early_traffic_secret, over the ClientHello.
    pub(crate) fn client_early_traffic(&self, transcript: &Digest) -> TrafficSecret {
        TrafficSecret::derive(&self.0, b"c e traffic", transcript)
    }

    /// The next stage, with what the key exchange gave.
    pub(crate) fn handshake(&self, shared: &SharedSecret) -> HandshakeSecret {
        HandshakeSecret(next_stage(&self.0, shared.as_bytes()))
    }
}

/// What the key exchange adds.
#[derive(Debug)]
pub(crate) struct HandshakeSecret(Expander);

impl HandshakeSecret {
    /// Without a pre-shared key: zeros stand for it, so what the stage before hands down is the same each time.
    pub(crate) fn without_psk(hash: HashAlgorithm, shared: &SharedSecret) -> Self {
        let derived: &[u8] = match hash {
            HashAlgorithm::Sha256 => &DERIVED_WITHOUT_PSK_SHA256,
            HashAlgorithm::Sha384 => &DERIVED_WITHOUT_PSK_SHA384,
        };
        Self(Prk::extract(hash, derived, shared.as_bytes()).expander())
    }

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
        MasterSecret(next_stage(&self.0, Secret::zeros(self.0.hash().output_len()).as_bytes()))
    }
}

/// What the connection lives on.
#[derive(Debug)]
pub(crate) struct MasterSecret(Expander);

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
        ExporterSecret(derive_secret(&self.0, b"exp master", transcript.as_ref()))
    }

    /// resumption_master_secret, up to the client's Finished.
    pub(crate) fn resumption(&self, transcript: &Digest) -> ResumptionSecret {
        ResumptionSecret(self.resumption_master_secret(transcript))
    }

    pub(super) fn resumption_master_secret(&self, transcript: &Digest) -> Prk {
        derive_secret(&self.0, b"res master", transcript.as_ref())
    }
}

/// The secret behind the keys of one direction.
#[derive(Clone, Debug)]
pub(crate) struct TrafficSecret {
    secret: Prk,
    /// The same, ready for all that is expanded from it.
    expander: Expander,
}

impl TrafficSecret {
    fn new(secret: Prk) -> Self {
        Self { expander: secret.expander(), secret }
    }

    fn derive(stage: &Expander, label: &[u8], transcript: &Digest) -> Self {
        Self::new(derive_secret(stage, label, transcript.as_ref()))
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
        let expand = |label, len| expand_label(&self.expander, label, &[], len);
        (expand(b"key", suite.key_len), expand(b"iv", NONCE_LEN))
    }

    /// application_traffic_secret_N+1 (RFC 8446 §7.2).
    #[must_use]
    pub(crate) fn next(&self) -> Self {
        let hash = self.secret.hash();
        Self::new(Prk::new(hash, expand_label(&self.expander, b"traffic upd", &[], hash.output_len())))
    }

    /// What this direction's Finished is made with (RFC 8446 §4.4.4).
    pub(crate) fn finished_key(&self) -> FinishedKey {
        let hash = self.secret.hash();
        FinishedKey { hash, key: expand_label(&self.expander, b"finished", &[], hash.output_len()) }
    }

    /// The secret itself, for a key log.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.secret.as_bytes()
    }
}

/// What a Finished or a binder is made with.
#[derive(Debug)]
pub(crate) struct FinishedKey {
    hash: HashAlgorithm,
    key: Secret,
}

impl FinishedKey {
    /// The content of a Finished, or a binder.
    pub(crate) fn verify_data(&self, transcript: &Digest) -> Secret {
        self.hash.hmac(self.key.as_bytes(), [transcript.as_ref()])
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
pub(crate) struct ResumptionSecret(Prk);

impl ResumptionSecret {
    /// The pre-shared key of the ticket with this nonce (RFC 8446 §4.6.1).
    pub(crate) fn psk(&self, nonce: &[u8]) -> Secret {
        expand_label(&self.0.expander(), b"resumption", nonce, self.0.hash().output_len())
    }
}

/// What key material for the application is made from.
#[derive(Clone, Debug)]
pub(crate) struct ExporterSecret(Prk);

impl ExporterSecret {
    /// Fills `out` (RFC 8446 §7.5). No context is the same as an empty one.
    ///
    /// # Errors
    /// [`Fault::Config`] for a label of more than 249 bytes, or more or less material than can be had.
    pub(crate) fn export(&self, label: &[u8], context: Option<&[u8]>, out: &mut [u8]) -> Result<(), Fault> {
        let hash = self.0.hash();
        check_exported_len(hash, out.len())?;
        if label.len() > MAX_LABEL {
            return Err(invalid_export("a label has 249 bytes at most (RFC 8446 §7.1)"));
        }
        let secret = derive_secret(&self.0.expander(), label, hash.of_nothing()).expander();
        let context = hash.hash(context.unwrap_or_default());
        let length = (out.len() as u16).to_be_bytes();
        let label = HkdfLabel { length, label: b"exporter", context: context.as_ref() };
        label.with_parts(|parts| secret.fill(parts, out))
    }

    /// The secret itself, for a key log.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl OfSchedule for TrafficSecret {
    fn restored(hash: HashAlgorithm, secret: Secret) -> Self {
        Self::new(Prk::new(hash, secret))
    }

    fn secret(&self) -> &Secret {
        self.secret.secret()
    }
}

impl OfSchedule for ResumptionSecret {
    fn restored(hash: HashAlgorithm, secret: Secret) -> Self {
        Self(Prk::new(hash, secret))
    }

    fn secret(&self) -> &Secret {
        self.0.secret()
    }
}

impl OfSchedule for ExporterSecret {
    fn restored(hash: HashAlgorithm, secret: Secret) -> Self {
        Self(Prk::new(hash, secret))
    }

    fn secret(&self) -> &Secret {
        self.0.secret()
    }
}

/// HKDF-Extract with the secret that the stage before hands down.
fn next_stage(stage: &Expander, input: &[u8]) -> Expander {
    let hash = stage.hash();
    Prk::extract(hash, derive_secret(stage, b"derived", hash.of_nothing()).as_bytes(), input).expander()
}

/// Derive-Secret (RFC 8446 §7.1).
pub(super) fn derive_secret(stage: &Expander, label: &[u8], transcript: &[u8]) -> Prk {
    let hash = stage.hash();
    Prk::new(hash, expand_label(stage, label, transcript, hash.output_len()))
}

/// HKDF-Expand-Label (RFC 8446 §7.1), to no more than one block of the hash.
pub(super) fn expand_label(prk: &Expander, label: &[u8], context: &[u8], len: usize) -> Secret {
    let label = HkdfLabel { length: (len as u16).to_be_bytes(), label, context };
    let mut room = [0; SHORT_INFO];
    match label.counted(&mut room) {
        Some(info) => prk.block_of_counted(info, len),
        None => label.with_parts(|parts| prk.block(parts, len)),
    }
}

/// Room for every HkdfLabel of the schedule's own, the longest of which has a label of 12 bytes and a digest of 48, and a
/// counter behind it.
const SHORT_INFO: usize = 2 + 1 + PREFIX.len() + 12 + 1 + 48 + 1;

/// RFC 8446 §7.1. Labels are ours or checked, contexts are digests and nonces: neither is longer than its length can say.
struct HkdfLabel<'a> {
    length: [u8; 2],
    label: &'a [u8],
    context: &'a [u8],
}

impl HkdfLabel<'_> {
    /// The encoding with the counter of the first block behind it (RFC 5869 §2.3); `None` where there is no room.
    #[inline]
    fn counted<'r>(&self, room: &'r mut [u8; SHORT_INFO]) -> Option<&'r [u8]> {
        let Self { label, context, .. } = self;
        let head = self.head();
        let (label_end, context_at) = (head.len() + label.len(), head.len() + label.len() + 1);
        let counter_at = context_at + context.len();
        *room.get_mut(counter_at)? = 1;
        room[..head.len()].copy_from_slice(&head);
        room[head.len()..label_end].copy_from_slice(label);
        room[label_end] = context.len() as u8;
        room[context_at..counter_at].copy_from_slice(context);
        Some(&room[..=counter_at])
    }

    /// The encoding, in the parts that it is hashed in.
    fn with_parts<T>(&self, use_parts: impl FnOnce(&[&[u8]]) -> T) -> T {
        use_parts(&[&self.head(), self.label, &[self.context.len() as u8], self.context])
    }

    /// The length of what is derived and of the label, and what each label begins with.
    fn head(&self) -> [u8; 3 + PREFIX.len()] {
        let [t, l, s, one, three, space] = *PREFIX;
        let label_len = (PREFIX.len() + self.label.len()) as u8;
        [self.length[0], self.length[1], label_len, t, l, s, one, three, space]
    }
}
