//! Session encryption: records under an AEAD (RFC 8446 §5, RFC 5246 §6.2.3.3, RFC 5288, RFC 7905).
//!
//! [`RecordCipher`] is the seam: a library's AEAD under one key, and nothing of TLS. [`RecordSession`] is the
//! record layer above it, for backends whose handshake hands out its keys: headers, nonces, sequence numbers,
//! alerts, key updates, and the bounds on what a peer may send. It never sees a certificate or a handshake
//! secret; what comes after the handshake goes to the backend's [`KeySchedule`]. [`TrafficKeys`] seal and open
//! single records, for a backend that runs its own handshake.

mod framing;
mod halves;
mod messages;
mod open;
mod receiving;
mod seal;
mod sending;
mod session;
mod signals;
#[cfg(test)]
pub(crate) mod tests;

use std::fmt;

use zeroize::Zeroizing;

pub use self::{
    framing::{ContentType, RecordFraming, RecordPadding},
    open::RecordError,
    session::{RecordSession, Role},
};
use crate::{CipherSuite, Error, ProtocolVersion};

/// The length of the authentication tag of every suite that polytls speaks.
pub const TAG_LEN: usize = 16;

/// The length of the nonce of every suite that polytls speaks.
pub const NONCE_LEN: usize = 12;

/// The length of a record's header.
const HEADER_LEN: usize = 5;

/// The least that RFC 8449 §4 allows as a limit; alerts and key updates are never cut into less.
const LEAST_RECORD_SIZE_LIMIT: usize = 64;

/// The most plaintext that a record carries (RFC 8446 §5.1).
const MAX_PLAINTEXT: usize = 1 << 14;

/// An AEAD under one key.
///
/// The record layer above it makes the nonces and never uses one twice.
pub trait RecordCipher: fmt::Debug + Send {
    /// Encrypts `plaintext` followed by `trailer` (at most 16 bytes) into `sealed`, which has room for both and the tag.
    ///
    /// # Errors
    /// [`CipherError`] when the lengths do not fit or the library fails.
    fn seal(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        trailer: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError>;

    /// Encrypts all but the last 16 bytes of `sealed` where they are, and puts the tag there.
    ///
    /// # Errors
    /// As [`RecordCipher::seal`].
    fn seal_in_place(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError>;

    /// Authenticates `sealed` and decrypts it into `plaintext`, which is 16 bytes shorter.
    ///
    /// # Errors
    /// [`CipherError`] when it is not authentic; then nothing of the plaintext is left in `plaintext`.
    fn open(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), CipherError>;

    /// Authenticates `sealed` and decrypts all but its last 16 bytes where they are.
    ///
    /// # Errors
    /// [`CipherError`] when it is not authentic; the bytes are then undefined.
    fn open_in_place(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError>;
}

/// The AEAD refused: not authentic, or lengths that do not fit. It says no more, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record is not authentic")]
#[allow(clippy::exhaustive_structs, reason = "an oracle has nothing to add")]
pub struct CipherError;

/// A record key as a backend's library derived it, borrowed for the time of a call.
#[derive(Clone, Copy)]
pub struct RecordKey<'a>(&'a [u8]);

impl<'a> RecordKey<'a> {
    /// The key's bytes; 16 or 32 by suite.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The key's bytes.
    pub fn secret_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for RecordKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordKey")
    }
}

/// What protects one direction: the cipher, the static part of its nonces, and where the count stands.
///
/// [`RecordSession`] takes them for an established connection. Where a backend's own handshake sends protected
/// records, it uses [`TrafficKeys::seal`] and [`TrafficKeys::open_in_place`] first.
#[derive(Debug)]
pub struct TrafficKeys {
    cipher: Box<dyn RecordCipher>,
    iv: Iv,
    sequence: u64,
    limit: SealLimit,
    nonce: NonceForm,
}

struct Iv(Zeroizing<[u8; NONCE_LEN]>);

impl fmt::Debug for Iv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iv")
    }
}

/// Records that may be sealed under one key (RFC 8446 §5.5), in as few bytes as many idle connections want it to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SealLimit {
    /// AES-GCM allows 2^24.5 full records: 2^24.
    AesGcm,
    /// ChaCha20-Poly1305 outlives its sequence numbers.
    ChaCha20Poly1305,
    #[cfg(test)]
    Reached,
}

impl SealLimit {
    fn records(self) -> u64 {
        match self {
            Self::AesGcm => 1 << 24,
            Self::ChaCha20Poly1305 => u64::MAX,
            #[cfg(test)]
            Self::Reached => 0,
        }
    }
}

/// How a record's nonce is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NonceForm {
    /// The IV and the sequence number (RFC 8446 §5.3, RFC 7905 §2).
    Implicit,
    /// Four bytes of the IV, and eight that the record carries (RFC 5288 §3).
    Explicit,
}

impl NonceForm {
    /// How many bytes of it the record carries.
    fn explicit_len(self) -> usize {
        match self {
            Self::Implicit => 0,
            Self::Explicit => 8,
        }
    }
}

impl TrafficKeys {
    /// Keys for a suite, of which `sequence` records have been used.
    ///
    /// For TLS 1.2 with AES-GCM the last eight bytes of `iv` are where the explicit nonces start.
    pub fn new(
        suite: CipherSuite,
        cipher: Box<dyn RecordCipher>,
        iv: [u8; NONCE_LEN],
        sequence: u64,
    ) -> Self {
        let chacha = matches!(
            suite,
            CipherSuite::TLS_CHACHA20_POLY1305_SHA256
                | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
                | CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        );
        let explicit = !chacha && suite.version() == Some(ProtocolVersion::Tls12);
        Self {
            cipher,
            iv: Iv(Zeroizing::new(iv)),
            sequence,
            limit: if chacha { SealLimit::ChaCha20Poly1305 } else { SealLimit::AesGcm },
            nonce: if explicit { NonceForm::Explicit } else { NonceForm::Implicit },
        }
    }

    fn nonce(&self) -> [u8; NONCE_LEN] {
        let mut nonce = *self.iv.0;
        for (byte, sequence) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= sequence;
        }
        nonce
    }

    /// RFC 5246 §6.2.3.3: what TLS 1.2 authenticates beside the content.
    fn tls12_aad(&self, content_type: ContentType, plaintext_len: usize) -> [u8; 13] {
        let mut aad = [0; 13];
        aad[..8].copy_from_slice(&self.sequence.to_be_bytes());
        aad[8..11].copy_from_slice(&[content_type.code(), 3, 3]);
        aad[11..].copy_from_slice(&(plaintext_len as u16).to_be_bytes());
        aad
    }
}

/// What a backend knows and the record layer does not: the secrets behind the keys, and its tickets.
pub trait KeySchedule: fmt::Debug + Send {
    /// The next keys for sending (RFC 8446 §7.2).
    ///
    /// # Errors
    /// Whatever the library says.
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, Error>;

    /// The next keys for receiving (RFC 8446 §7.2).
    ///
    /// # Errors
    /// Whatever the library says.
    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error>;

    /// Takes the body of a NewSessionTicket (RFC 8446 §4.6.1); called on a client only.
    ///
    /// # Errors
    /// When the library cannot read it.
    fn new_session_ticket(&mut self, body: &[u8]) -> Result<(), Error>;

    /// Key material for the application, as [`Session::export_keying_material`](crate::Session::export_keying_material)
    /// has it.
    ///
    /// # Errors
    /// As there.
    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error>;
}
