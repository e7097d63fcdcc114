//! The secrets of TLS 1.3 (RFC 8446 §7.1), as OpenSSL tells them: its key log the secrets themselves, when it changes to
//! them, and its message callback the header of each record that it writes.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use openssl::{
    error::ErrorStack,
    hash::hash,
    kdf::{HkdfMode, hkdf},
    md::{Md, MdRef},
    ssl::SslRef,
};
use polytls_api::{CipherSuite, record::TrafficKeys};
use zeroize::Zeroizing;

use super::{RecordKey, digest};
use crate::connection::Connection;

/// The labels under which OpenSSL logs them.
const CLIENT_TRAFFIC_SECRET: &str = "CLIENT_TRAFFIC_SECRET_0";
const SERVER_TRAFFIC_SECRET: &str = "SERVER_TRAFFIC_SECRET_0";
const EXPORTER_SECRET: &str = "EXPORTER_SECRET";

/// The length of SHA-384's output, which is the longest secret.
const MAX_SECRET: usize = 48;

type SecretBytes = Zeroizing<[u8; MAX_SECRET]>;

/// A secret of the schedule, as long as the suite's hash.
struct Secret {
    suite: CipherSuite,
    bytes: SecretBytes,
}

impl Secret {
    fn digest(&self) -> &'static MdRef {
        match self.suite {
            CipherSuite::TLS_AES_256_GCM_SHA384 => Md::sha384(),
            _ => Md::sha256(),
        }
    }

    /// HKDF-Expand-Label (RFC 8446 §7.1). Labels are ours or checked, contexts are digests: neither is longer than its
    /// length can say.
    fn expand_label(&self, label: &[u8], context: &[u8], output: &mut [u8]) -> Result<(), ErrorStack> {
        let digest = self.digest();
        let label = [b"tls13 ", label].concat();
        let length = (output.len() as u16).to_be_bytes();
        let info = [&length, &[label.len() as u8][..], &label, &[context.len() as u8], context].concat();
        let secret = &self.bytes[..digest.size()];
        hkdf(digest, secret, None, Some(&info), HkdfMode::ExpandOnly, None, output)
    }

    /// The same, to another secret.
    fn derive(&self, label: &[u8], context: &[u8]) -> Result<Self, ErrorStack> {
        let mut derived = Self { suite: self.suite, bytes: Zeroizing::new([0; MAX_SECRET]) };
        self.expand_label(label, context, &mut derived.bytes[..self.digest().size()])?;
        Ok(derived)
    }
}

/// What protects one direction: the secret that its keys are expanded from, and the next one is.
pub(crate) struct TrafficSecret(Secret);

impl TrafficSecret {
    /// RFC 8446 §7.3: what its records are protected with.
    pub(crate) fn expand(&self) -> Result<RecordKey, ErrorStack> {
        let mut record_key = RecordKey::unset(self.0.suite);
        self.0.expand_label(b"key", b"", record_key.key_mut())?;
        self.0.expand_label(b"iv", b"", &mut *record_key.iv)?;
        Ok(record_key)
    }

    /// RFC 8446 §7.2: changes to the next secret, and says its keys.
    pub(crate) fn update(&mut self) -> Result<TrafficKeys, ErrorStack> {
        self.0 = self.0.derive(b"traffic upd", b"")?;
        self.expand()?.keys(0)
    }
}

/// What key material for the application comes from.
pub(crate) struct ExporterSecret(Secret);

impl ExporterSecret {
    /// How long a label may be, and an output (RFC 8446 §7.1, RFC 5869 §2.3).
    pub(crate) const MAX_LABEL: usize = 255 - b"tls13 ".len();

    pub(crate) fn max_output(&self) -> usize {
        255 * self.0.digest().size()
    }

    /// RFC 8446 §7.5. No context is the same as an empty one.
    pub(crate) fn export(&self, output: &mut [u8], label: &[u8], context: &[u8]) -> Result<(), ErrorStack> {
        let digest = digest(self.0.suite);
        let secret = self.0.derive(label, &hash(digest, b"")?)?;
        secret.expand_label(b"exporter", &hash(digest, context)?, output)
    }
}

/// What a connection's callbacks have seen of its secrets.
#[derive(Default)]
pub(crate) struct SeenSecrets(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    client: Option<SecretBytes>,
    server: Option<SecretBytes>,
    exporter: Option<SecretBytes>,
    /// How many records this end has written since it has logged its own traffic secret: all of those are under it.
    written: u64,
}

/// What a connection goes on with.
pub(crate) struct ApplicationSecrets {
    pub(crate) sending: TrafficSecret,
    pub(crate) receiving: TrafficSecret,
    /// How many records were sent under the first of them. None was received.
    pub(crate) sent: u64,
    pub(crate) exporter: ExporterSecret,
}

impl SeenSecrets {
    /// Whether the secret of this label is one of them.
    pub(crate) fn have(label: &str) -> bool {
        matches!(label, CLIENT_TRAFFIC_SECRET | SERVER_TRAFFIC_SECRET | EXPORTER_SECRET)
    }

    /// One of them was logged.
    pub(crate) fn logged(ssl: &SslRef, label: &str, secret: &[u8]) {
        let Some(connection) = Connection::of(ssl) else { return };
        let mut seen = connection.secrets.lock();
        let mut kept = Zeroizing::new([0; MAX_SECRET]);
        let Some(place) = kept.get_mut(..secret.len()) else { return };
        place.copy_from_slice(secret);
        let (place, is_own) = match label {
            CLIENT_TRAFFIC_SECRET => (&mut seen.client, !ssl.is_server()),
            SERVER_TRAFFIC_SECRET => (&mut seen.server, ssl.is_server()),
            _ => (&mut seen.exporter, false),
        };
        *place = Some(kept);
        if is_own {
            seen.written = 0;
        }
    }

    /// A record was written.
    pub(crate) fn wrote(&self) {
        self.lock().written += 1;
    }

    /// The secrets of a connection whose handshake is complete; `None` if they were not all logged.
    pub(crate) fn take(&self, suite: CipherSuite, is_server: bool) -> Option<ApplicationSecrets> {
        let Seen { client, server, exporter, written } = mem::take(&mut *self.lock());
        let (sending, receiving) = if is_server { (server?, client?) } else { (client?, server?) };
        let of = |bytes| Secret { suite, bytes };
        Some(ApplicationSecrets {
            sending: TrafficSecret(of(sending)),
            receiving: TrafficSecret(of(receiving)),
            sent: written,
            exporter: ExporterSecret(of(exporter?)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
