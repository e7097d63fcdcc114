//! The keys of TLS 1.3 between the hellos and the end of the handshake (RFC 8446 §7.3), for what rustls does not tell
//! and does not say: whether a server took early data, and that a signer of the application's has failed.

use std::fmt;

use polytls_api::{
    CipherSuite,
    record::{NONCE_LEN, RecordCipher, TAG_LEN},
};
use polytls_aws_lc::AeadCipher;
use zeroize::Zeroizing;

use crate::exporter::{LoggedSecret, expand_label, hkdf_of};

/// RFC 8446 §5.1: the length of a record's header, and what it says of every one that is sealed.
pub(crate) const HEADER_LEN: usize = 5;
pub(crate) const APPLICATION_DATA: u8 = 23;

/// The labels under which rustls logs the secrets.
const CLIENT_HANDSHAKE_TRAFFIC_SECRET: &str = "CLIENT_HANDSHAKE_TRAFFIC_SECRET";
const SERVER_HANDSHAKE_TRAFFIC_SECRET: &str = "SERVER_HANDSHAKE_TRAFFIC_SECRET";

/// The secrets of both sides, where a connection has use for them.
#[derive(Default)]
pub(crate) struct HandshakeSecrets {
    pub(crate) are_wanted: bool,
    pub(crate) client: Option<LoggedSecret>,
    pub(crate) server: Option<LoggedSecret>,
}

impl HandshakeSecrets {
    /// Whether the secret of this label is one of them.
    pub(crate) fn have(label: &str) -> bool {
        label == CLIENT_HANDSHAKE_TRAFFIC_SECRET || label == SERVER_HANDSHAKE_TRAFFIC_SECRET
    }

    /// Keeps the secret of this label.
    pub(crate) fn keep(&mut self, label: &str, secret: impl FnOnce() -> Option<LoggedSecret>) {
        match label {
            _ if !self.are_wanted => {}
            CLIENT_HANDSHAKE_TRAFFIC_SECRET => self.client = secret(),
            _ => self.server = secret(),
        }
    }
}

/// The keys of a side's first record after its hello, and after its early data.
pub(crate) struct HandshakeKeys {
    cipher: AeadCipher,
    iv: Zeroizing<[u8; NONCE_LEN]>,
}

impl HandshakeKeys {
    pub(crate) fn new(suite: CipherSuite, secret: &LoggedSecret) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        let key = match suite {
            CipherSuite::TLS_AES_128_GCM_SHA256 => &mut key[..16],
            _ => &mut key[..],
        };
        let mut iv = Zeroizing::new([0; NONCE_LEN]);
        expand_label(hkdf_of(suite), secret.bytes(), b"key", b"", key).ok()?;
        expand_label(hkdf_of(suite), secret.bytes(), b"iv", b"", &mut *iv).ok()?;
        Some(Self { cipher: AeadCipher::new(suite, key)?, iv })
    }

    /// What is in it, if the record is that one.
    pub(crate) fn open(&mut self, record: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (header, sealed) = record.split_at_checked(HEADER_LEN)?;
        let mut opened = Zeroizing::new(vec![0; sealed.len().checked_sub(TAG_LEN)?]);
        self.cipher.open(*self.iv, header, sealed, &mut opened).ok()?;
        Some(opened)
    }

    /// That record, with a fatal alert in it; nothing may be sealed under these keys after it.
    pub(crate) fn seal_alert(mut self, description: u8) -> Option<[u8; HEADER_LEN + 3 + TAG_LEN]> {
        const ALERT: u8 = 21;
        const FATAL: u8 = 2;
        let mut record = [0; HEADER_LEN + 3 + TAG_LEN];
        let (header, sealed) = record.split_at_mut(HEADER_LEN);
        header.copy_from_slice(&[APPLICATION_DATA, 3, 3, 0, 3 + TAG_LEN as u8]);
        self.cipher.seal(*self.iv, header, &[FATAL, description], &[ALERT], sealed).ok()?;
        Some(record)
    }
}

impl fmt::Debug for HandshakeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandshakeKeys")
    }
}
