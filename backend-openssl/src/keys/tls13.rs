//! The traffic secrets of TLS 1.3 (RFC 8446 §7.1), as OpenSSL tells them: its key log the secrets, when it changes to
//! them, and its message callback the header of each record that it writes.

use std::{
    fmt, mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use openssl::{
    error::ErrorStack,
    kdf::{HkdfMode, hkdf},
    md::{Md, MdRef},
    ssl::SslRef,
};
use polytls_api::{CipherSuite, record::TrafficKeys};
use zeroize::Zeroizing;

use super::RecordKey;
use crate::connection::Connection;

/// The labels under which OpenSSL logs them.
const CLIENT_TRAFFIC_SECRET: &str = "CLIENT_TRAFFIC_SECRET_0";
const SERVER_TRAFFIC_SECRET: &str = "SERVER_TRAFFIC_SECRET_0";

/// The length of SHA-384's output, which is the longest secret.
const MAX_SECRET: usize = 48;

/// What protects one direction: the secret that its keys are expanded from, and the next one is.
pub(crate) struct TrafficSecret {
    suite: CipherSuite,
    secret: Zeroizing<[u8; MAX_SECRET]>,
}

impl TrafficSecret {
    /// RFC 8446 §7.3: what its records are protected with.
    pub(crate) fn expand(&self) -> Result<RecordKey, ErrorStack> {
        let mut record_key =
            RecordKey { suite: self.suite, key: Zeroizing::default(), iv: Zeroizing::default() };
        self.expand_label(b"key", record_key.key_mut())?;
        self.expand_label(b"iv", &mut *record_key.iv)?;
        Ok(record_key)
    }

    /// RFC 8446 §7.2: changes to the next secret, and says its keys.
    pub(crate) fn update(&mut self) -> Result<TrafficKeys, ErrorStack> {
        let mut next = Zeroizing::new([0; MAX_SECRET]);
        self.expand_label(b"traffic upd", &mut next[..self.digest().size()])?;
        self.secret = next;
        self.expand()?.keys(0)
    }

    fn digest(&self) -> &'static MdRef {
        match self.suite {
            CipherSuite::TLS_AES_256_GCM_SHA384 => Md::sha384(),
            _ => Md::sha256(),
        }
    }

    /// HKDF-Expand-Label (RFC 8446 §7.1), with no context.
    fn expand_label(&self, label: &[u8], output: &mut [u8]) -> Result<(), ErrorStack> {
        let digest = self.digest();
        let label = [b"tls13 ", label].concat();
        let info = [&(output.len() as u16).to_be_bytes(), &[label.len() as u8][..], &label, &[0]].concat();
        let secret = &self.secret[..digest.size()];
        hkdf(digest, secret, None, Some(&info), HkdfMode::ExpandOnly, None, output)
    }
}

impl fmt::Debug for TrafficSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrafficSecret").field("suite", &self.suite).finish_non_exhaustive()
    }
}

/// What a connection's callbacks have seen of its traffic secrets.
#[derive(Default)]
pub(crate) struct SeenSecrets(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    client: Option<Zeroizing<[u8; MAX_SECRET]>>,
    server: Option<Zeroizing<[u8; MAX_SECRET]>>,
    /// How many records this end has written since it has logged its own: all of those are under it.
    written: u64,
}

/// Where a connection's record layer goes on.
pub(crate) struct TrafficSecrets {
    pub(crate) sending: TrafficSecret,
    pub(crate) receiving: TrafficSecret,
    /// How many records were sent under the first of them. None was received.
    pub(crate) sent: u64,
}

impl SeenSecrets {
    /// Whether the secret of this label is one of them.
    pub(crate) fn have(label: &str) -> bool {
        label == CLIENT_TRAFFIC_SECRET || label == SERVER_TRAFFIC_SECRET
    }

    /// One of them was logged.
    pub(crate) fn logged(ssl: &SslRef, label: &str, secret: &[u8]) {
        let Some(connection) = Connection::of(ssl) else { return };
        let mut seen = connection.secrets.lock();
        let mut kept = Zeroizing::new([0; MAX_SECRET]);
        let Some(place) = kept.get_mut(..secret.len()) else { return };
        place.copy_from_slice(secret);
        match label {
            CLIENT_TRAFFIC_SECRET => seen.client = Some(kept),
            _ => seen.server = Some(kept),
        }
        if ssl.is_server() == (label == SERVER_TRAFFIC_SECRET) {
            seen.written = 0;
        }
    }

    /// A record was written.
    pub(crate) fn wrote(&self) {
        self.lock().written += 1;
    }

    /// The secrets of a connection whose handshake is complete; `None` if they were not both logged.
    pub(crate) fn take(&self, suite: CipherSuite, is_server: bool) -> Option<TrafficSecrets> {
        let Seen { client, server, written } = mem::take(&mut *self.lock());
        let (sending, receiving) = if is_server { (server?, client?) } else { (client?, server?) };
        let of = |secret| TrafficSecret { suite, secret };
        Some(TrafficSecrets { sending: of(sending), receiving: of(receiving), sent: written })
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
