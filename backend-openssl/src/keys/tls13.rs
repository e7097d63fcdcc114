//! The secrets of TLS 1.3 (RFC 8446 §7.1), as OpenSSL tells them: its key log the secrets themselves, when it changes to
//! them, and its message callback the header of each record that it writes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use openssl::{error::ErrorStack, hash::hash, ssl::SslRef};
use polytls_api::{CipherSuite, record::TrafficKeys};
use zeroize::Zeroizing;

use super::{RecordKey, digest, key_length};
use crate::{connection::Connection, ffi};

/// The labels under which OpenSSL logs them.
const CLIENT_TRAFFIC_SECRET: &str = "CLIENT_TRAFFIC_SECRET_0";
const SERVER_TRAFFIC_SECRET: &str = "SERVER_TRAFFIC_SECRET_0";
const EXPORTER_SECRET: &str = "EXPORTER_SECRET";

/// The length of SHA-384's output, which is the longest secret.
const MAX_SECRET: usize = 48;

/// What every label begins with (RFC 8446 §7.1).
const PREFIX: &[u8] = b"tls13 ";

type SecretBytes = Zeroizing<[u8; MAX_SECRET]>;

/// A secret of the schedule, as long as the suite's hash.
struct Secret {
    suite: CipherSuite,
    bytes: SecretBytes,
}

impl Secret {
    fn size(&self) -> usize {
        digest(self.suite).size()
    }

    /// HKDF-Expand-Label (RFC 8446 §7.1), to an output for each label, in one context. Labels are ours or checked,
    /// contexts are digests: neither is longer than its length can say.
    fn expand_labels<const N: usize>(
        &self,
        context: &[u8],
        outputs: [(&[u8], &mut [u8]); N],
    ) -> Result<(), ErrorStack> {
        let info = |label: &[u8], length: usize| {
            let label_length = PREFIX.len() as u8 + label.len() as u8;
            let length = (length as u16).to_be_bytes();
            [&length, &[label_length][..], PREFIX, label, &[context.len() as u8], context].concat()
        };
        let infos = outputs.each_ref().map(|(label, output)| info(label, output.len()));
        let mut place = 0;
        let mut outputs = outputs.map(|(_, output)| {
            place += 1;
            (&*infos[place - 1], output)
        });
        let name = if self.suite == CipherSuite::TLS_AES_256_GCM_SHA384 { c"SHA384" } else { c"SHA256" };
        ffi::hkdf_expand(name, &self.bytes[..self.size()], &mut outputs)
    }

    /// The same, to another secret.
    fn derive(&self, label: &[u8], context: &[u8]) -> Result<Self, ErrorStack> {
        let mut derived = Self { suite: self.suite, bytes: Zeroizing::new([0; MAX_SECRET]) };
        self.expand_labels(context, [(label, &mut derived.bytes[..self.size()])])?;
        Ok(derived)
    }
}

/// What protects one direction: the secret that its keys are expanded from, and the next one is.
pub(crate) struct TrafficSecret(Secret);

impl TrafficSecret {
    /// RFC 8446 §7.3: what its records are protected with.
    pub(crate) fn expand(&self) -> Result<RecordKey, ErrorStack> {
        let mut record_key = RecordKey::unset(self.0.suite);
        let RecordKey { key, iv, .. } = &mut record_key;
        let key = &mut key[..key_length(self.0.suite)];
        self.0.expand_labels(b"", [(b"key", key), (b"iv", &mut **iv)])?;
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
    pub(crate) const MAX_LABEL: usize = 255 - PREFIX.len();

    pub(crate) fn max_output(&self) -> usize {
        255 * self.0.size()
    }

    /// RFC 8446 §7.5. No context is the same as an empty one.
    pub(crate) fn export(&self, output: &mut [u8], label: &[u8], context: &[u8]) -> Result<(), ErrorStack> {
        let digest = digest(self.0.suite);
        let secret = self.0.derive(label, &hash(digest, b"")?)?;
        secret.expand_labels(&hash(digest, context)?, [(b"exporter", output)])
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
    /// How many records this end has written since its keys changed: in TLS 1.3 when it logged its own traffic secret, in
    /// TLS 1.2 with its change_cipher_spec.
    written: u64,
    /// How many it has read since the peer's change_cipher_spec. A Finished may come in more than one.
    read: u64,
}

/// The content type of a change_cipher_spec (RFC 5246 §6.2.1).
const CHANGE_CIPHER_SPEC: u8 = 20;

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

    /// A record of this type was written, or read.
    pub(crate) fn record(&self, is_written: bool, record_type: u8) {
        let mut seen = self.lock();
        let count = if is_written { &mut seen.written } else { &mut seen.read };
        *count = if record_type == CHANGE_CIPHER_SPEC { 0 } else { *count + 1 };
    }

    /// How many records were written and read under the keys of TLS 1.2.
    pub(crate) fn records(&self) -> (u64, u64) {
        let seen = self.lock();
        (seen.written, seen.read)
    }

    /// The secrets of a connection whose handshake is complete; `None` if they were not all logged.
    pub(crate) fn take(&self, suite: CipherSuite, is_server: bool) -> Option<ApplicationSecrets> {
        let mut seen = self.lock();
        let (client, server) = (take(&mut seen.client), take(&mut seen.server));
        let (exporter, written) = (take(&mut seen.exporter), seen.written);
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

/// Takes a secret, and clears the place where it was: a value that is moved leaves its bytes behind.
fn take(place: &mut Option<SecretBytes>) -> Option<SecretBytes> {
    let taken = place.clone();
    *place = None;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_cipher_spec_begins_the_count_of_its_direction_anew() {
        let seen = SeenSecrets::default();
        // A handshake of TLS 1.2 whose peer sends its Finished in three records, after an empty one.
        for record_type in [22, 22, CHANGE_CIPHER_SPEC, 22] {
            seen.record(true, record_type);
        }
        for record_type in [22, CHANGE_CIPHER_SPEC, 22, 22, 22, 22] {
            seen.record(false, record_type);
        }
        assert_eq!(seen.records(), (1, 4));
    }
}
