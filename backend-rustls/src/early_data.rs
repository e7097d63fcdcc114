//! Early data (RFC 8446 §2.3 and §4.2.10) through rustls's unbuffered API.

use polytls_api::{Buffer, CipherSuite, EarlyDataStatus, Error, ErrorKind, ReplayableData, record::TAG_LEN};
use rustls::{
    client::ClientConnectionData,
    server::ServerConnectionData,
    unbuffered::{ReadEarlyData, TransmitTlsData},
};

use crate::{
    NAME, error,
    exporter::LoggedSecret,
    handshake_keys::{APPLICATION_DATA, HEADER_LEN, HandshakeKeys, HandshakeSecrets},
};

/// What a record adds to its plaintext: header, type and tag.
const RECORD_OVERHEAD: usize = HEADER_LEN + 1 + TAG_LEN;

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
        const END_OF_EARLY_DATA: [u8; HEADER_LEN] = [APPLICATION_DATA, 3, 3, 0, 4 + 1 + 16];
        if self.status == EarlyDataStatus::Rejected && record.starts_with(&END_OF_EARLY_DATA) {
            self.status = EarlyDataStatus::Accepted;
        }
    }
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

/// What becomes of the early data that a client has offered to a server.
///
/// rustls takes it or passes over it (RFC 8446 §4.2.10), and does not say which. Of what it passes over it allows only
/// as many bytes of ciphertext as it would have taken of plaintext, and counts a record again each time it sees it. So
/// here the EncryptedExtensions are read, and rustls does not see what it would pass over.
#[derive(Debug)]
pub(crate) enum Offer {
    /// It is not decided. After a HelloRetryRequest none is taken.
    Open,
    Accepted,
    /// What comes before a record under these keys is early data.
    Refused(HandshakeKeys),
    /// The early data is over.
    PassedOver,
}

impl Offer {
    /// Looks at a record that the server has encoded.
    pub(crate) fn encoded(&mut self, suite: CipherSuite, secrets: &mut HandshakeSecrets, record: &[u8]) {
        if !matches!(self, Self::Open) || record.first() != Some(&APPLICATION_DATA) {
            return;
        }
        let keys = |secret: Option<LoggedSecret>| HandshakeKeys::new(suite, &secret?);
        let (Some(mut server), Some(client)) = (keys(secrets.server.take()), keys(secrets.client.take()))
        else {
            return;
        };
        let extensions = server.open(record);
        let accepted = extensions.is_some_and(|content| accepts_early_data(&content).unwrap_or_default());
        *self = if accepted { Self::Accepted } else { Self::Refused(client) };
    }

    /// Whether a record of the client's is early data that is passed over.
    pub(crate) fn passes_over(&mut self, record: &[u8]) -> bool {
        if record.first() != Some(&APPLICATION_DATA) {
            return false;
        }
        match self {
            Self::Open => true,
            Self::Refused(keys) => {
                let over = keys.open(record).is_some();
                if over {
                    *self = Self::PassedOver;
                }
                !over
            }
            Self::Accepted | Self::PassedOver => false,
        }
    }

    /// The same for the application.
    pub(crate) fn status(&self) -> EarlyDataStatus {
        match self {
            Self::Accepted => EarlyDataStatus::Accepted,
            Self::Open | Self::Refused(_) | Self::PassedOver => EarlyDataStatus::Rejected,
        }
    }
}

/// Whether EncryptedExtensions, at the start of `content`, hold early_data (RFC 8446 §4.2.10 and §4.3.1).
fn accepts_early_data(content: &[u8]) -> Option<bool> {
    const ENCRYPTED_EXTENSIONS: u8 = 8;
    const EARLY_DATA: [u8; 2] = [0, 42];
    let (&[ENCRYPTED_EXTENSIONS, _, _, _, high, low], rest) = content.split_first_chunk()? else {
        return None;
    };
    let mut extensions = rest.get(..usize::from(u16::from_be_bytes([high, low])))?;
    while let Some((&[kind, of, high, low], rest)) = extensions.split_first_chunk() {
        if [kind, of] == EARLY_DATA {
            return Some(true);
        }
        extensions = rest.get(usize::from(u16::from_be_bytes([high, low]))..)?;
    }
    Some(false)
}
