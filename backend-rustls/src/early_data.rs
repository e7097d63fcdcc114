//! Early data (RFC 8446 §2.3 and §4.2.10) through rustls's unbuffered API.

use polytls_api::{
    Buffer, CipherSuite, EarlyDataStatus, Error, ErrorKind, ReplayableData,
    record::{NONCE_LEN, RecordCipher, TAG_LEN},
};
use rustls::{
    client::ClientConnectionData,
    server::ServerConnectionData,
    unbuffered::{ReadEarlyData, TransmitTlsData},
};
use zeroize::Zeroizing;

use crate::{
    NAME, error,
    exporter::{LoggedSecret, expand_label, hkdf_of},
    record_cipher::AeadCipher,
};

/// What a record adds to its plaintext: header, type and tag.
const RECORD_OVERHEAD: usize = 5 + 1 + 16;

/// RFC 8446 §5.1.
const MAX_PLAINTEXT: usize = 1 << 14;

/// A client's early data, and what became of it.
#[derive(Debug)]
pub(crate) struct EarlyData {
    data: Option<ReplayableData>,
    most_plaintext: usize,
    pub(crate) status: EarlyDataStatus,
}

impl EarlyData {
    /// `None` sends none.
    pub(crate) fn new(data: Option<ReplayableData>, most_plaintext: Option<usize>) -> Self {
        let most_plaintext = most_plaintext.unwrap_or(MAX_PLAINTEXT);
        Self { data, most_plaintext, status: EarlyDataStatus::NotOffered }
    }

    /// Sends it once, behind the ClientHello, if rustls has offered it.
    pub(crate) fn send(
        &mut self,
        mut transmit: TransmitTlsData<'_, ClientConnectionData>,
        outgoing: &mut Buffer,
    ) -> Result<(), Error> {
        if let Some(data) = self.data.take()
            && let Some(mut offered) = transmit.may_encrypt_early_data()
        {
            let bytes = data.as_bytes();
            let records = bytes.len().div_ceil(self.most_plaintext);
            let count = offered
                .encrypt(bytes, outgoing.spare(bytes.len() + records * RECORD_OVERHEAD))
                .map_err(|error| Error::new(ErrorKind::Backend).on_backend(NAME).with_source(error))?;
            outgoing.commit(count);
            self.status = EarlyDataStatus::Rejected;
        }
        transmit.done();
        Ok(())
    }

    /// Looks at a record that rustls has encoded after the early data.
    ///
    /// rustls does not tell whether the server has accepted it, but ends it with EndOfEarlyData in just that case
    /// (RFC 8446 §4.5): the one message of a client's that is no more than its header.
    pub(crate) fn encoded(&mut self, record: &[u8]) {
        const END_OF_EARLY_DATA: [u8; 5] = [23, 3, 3, 0, 4 + 1 + 16];
        if self.status == EarlyDataStatus::Rejected && record.starts_with(&END_OF_EARLY_DATA) {
            self.status = EarlyDataStatus::Accepted;
        }
    }
}

/// How much early data rustls is told to take where the application says `most`.
///
/// rustls has one number for what it promises to take and for the ciphertext that it passes over when it takes none:
/// so it promises a little more, and a client that sends what the application said is passed over, not cut off.
pub(crate) fn with_slack(most: u32) -> u32 {
    most.saturating_add(64 + most / 256)
}

/// Moves the early data that rustls has decrypted to the others.
pub(crate) fn collect(
    mut reading: ReadEarlyData<'_, '_, ServerConnectionData>,
    collected: &mut Option<ReplayableData>,
) -> Result<(), Error> {
    let collected = collected.get_or_insert_default();
    while let Some(record) = reading.next_record() {
        collected.extend(record.map_err(error::connection)?.payload);
    }
    Ok(())
}

/// Tells a client's early data from what it sends after it, on a server that does not take it.
///
/// rustls passes over records that it cannot decrypt (RFC 8446 §4.2.10), but lets go of them only together with one
/// that it can. It is shown one at a time, and would count the same one again with each.
#[derive(Debug)]
pub(crate) struct HandshakeKeys {
    cipher: AeadCipher,
    iv: [u8; NONCE_LEN],
}

impl HandshakeKeys {
    /// The keys of the client's first record after its hello and its early data (RFC 8446 §7.3).
    pub(crate) fn new(suite: CipherSuite, secret: &LoggedSecret) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        let key = match suite {
            CipherSuite::TLS_AES_128_GCM_SHA256 => &mut key[..16],
            _ => &mut key[..],
        };
        let mut iv = [0; NONCE_LEN];
        expand_label(hkdf_of(suite), secret.bytes(), b"key", b"", key).ok()?;
        expand_label(hkdf_of(suite), secret.bytes(), b"iv", b"", &mut iv).ok()?;
        Some(Self { cipher: AeadCipher::new(suite, key)?, iv })
    }

    /// Whether it is that record.
    pub(crate) fn open(&mut self, record: &[u8]) -> bool {
        let Some((header, sealed)) = record.split_at_checked(5) else { return false };
        let Some(length) = sealed.len().checked_sub(TAG_LEN) else { return false };
        let mut opened = Zeroizing::new(vec![0; length]);
        self.cipher.open(self.iv, header, sealed, &mut opened).is_ok()
    }
}
