//! Records into plaintext: straight into the caller's buffer where it fits, else in place.

use std::ops::Range;

use super::{
    CipherError, ContentType, HEADER_LEN, MAX_PLAINTEXT, NONCE_LEN, NonceForm, TAG_LEN, TrafficKeys,
};
use crate::{AlertDescription, Buffer, ErrorKind, ProtocolVersion};

/// Why a record was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It is not authentic, or too short to be.
    #[error("the record is not authentic")]
    NotAuthentic,
    /// It holds more plaintext than a record may.
    #[error("the record holds more plaintext than a record may")]
    TooLong,
    /// It is authentic, and says no content type or an unknown one.
    #[error("the record has no content type that there is")]
    NoContentType,
}

impl RecordError {
    /// The alert that tells the peer.
    pub fn alert(self) -> AlertDescription {
        match self {
            Self::NotAuthentic => AlertDescription::BAD_RECORD_MAC,
            Self::TooLong => AlertDescription::RECORD_OVERFLOW,
            Self::NoContentType => AlertDescription::UNEXPECTED_MESSAGE,
        }
    }
}

/// What a peer did wrong, the alert that tells it so, and the rule in words.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) kind: ErrorKind,
    pub(super) alert: AlertDescription,
    pub(super) reason: &'static str,
}

impl Refusal {
    pub(super) fn misbehaved(alert: AlertDescription, reason: &'static str) -> Self {
        Self { kind: ErrorKind::PeerMisbehaved, alert, reason }
    }

    pub(super) fn unexpected(reason: &'static str) -> Self {
        Self::misbehaved(AlertDescription::UNEXPECTED_MESSAGE, reason)
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        let (kind, reason) = match error {
            RecordError::NotAuthentic => (ErrorKind::BadRecord, "a record that is not authentic"),
            RecordError::TooLong => (ErrorKind::PeerMisbehaved, "more plaintext than a record may hold"),
            RecordError::NoContentType => {
                (ErrorKind::PeerMisbehaved, "a record without a content type that there is")
            }
        };
        Self { kind, alert: error.alert(), reason }
    }
}

/// A record whose bytes have all come.
#[derive(Clone, Copy, Debug)]
pub(super) struct WholeRecord {
    content_type: ContentType,
    length: usize,
}

/// What was in a record.
#[derive(Debug)]
pub(super) struct OpenedRecord {
    pub(super) content_type: ContentType,
    pub(super) content_len: usize,
    pub(super) place: Place,
}

/// Where the content of an opened record is.
#[derive(Debug)]
pub(super) enum Place {
    /// At the start of the caller's buffer; the record is gone from the incoming buffer.
    Caller,
    /// At the front of the incoming buffer, followed by this many bytes to pass over.
    Incoming {
        /// Type, padding and tag.
        trailer: usize,
    },
}

/// The header at the front of `incoming`, once the whole record is there.
///
/// A length or type that no record may have is refused before anything more is read for it.
pub(super) fn next_record(
    version: ProtocolVersion,
    incoming: &Buffer,
) -> Result<Option<WholeRecord>, Refusal> {
    let Some((&[code, major, minor, high, low], rest)) = incoming.filled().split_first_chunk() else {
        return Ok(None);
    };
    let content_type = match (version, ContentType::from_code(code)) {
        // RFC 8446 §5.2: after the handshake every record is protected, and says application_data.
        (ProtocolVersion::Tls13, Some(ContentType::ApplicationData)) => ContentType::ApplicationData,
        (ProtocolVersion::Tls12, Some(content_type)) if content_type != ContentType::ChangeCipherSpec => {
            content_type
        }
        _ => return Err(Refusal::unexpected("a record of a type that has no place here")),
    };
    // Every implementation sends 0x0303 here; in TLS 1.2 nothing else would notice another.
    if (major, minor) != (3, 3) {
        let alert = AlertDescription::PROTOCOL_VERSION;
        return Err(Refusal {
            kind: ErrorKind::InvalidMessage,
            alert,
            reason: "a record of another protocol or version",
        });
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    let most = match version {
        ProtocolVersion::Tls13 => MAX_PLAINTEXT + 256,
        ProtocolVersion::Tls12 => MAX_PLAINTEXT + 2048,
    };
    if length > most {
        return Err(Refusal::misbehaved(
            AlertDescription::RECORD_OVERFLOW,
            "a record longer than one may be",
        ));
    }
    Ok((rest.len() >= length).then_some(WholeRecord { content_type, length }))
}

impl TrafficKeys {
    /// Opens a whole record, header included, where it is: yields its content type, and where in `record` its
    /// content is. Neither the type nor the version of the header is looked at, only authenticated.
    ///
    /// `most` is how much plaintext the record may hold, padding included; in TLS 1.3 the byte for the content
    /// type is not counted. What is left in `record` after an error is undefined.
    ///
    /// # Errors
    /// [`RecordError`]; none of them leaves a connection that can go on, but for early data that is passed over
    /// (RFC 8446 §4.2.10).
    pub fn open_in_place(
        &mut self,
        version: ProtocolVersion,
        record: &mut [u8],
        most: usize,
    ) -> Result<(ContentType, Range<usize>), RecordError> {
        let opened = match version {
            ProtocolVersion::Tls13 => self.open_tls13(record, most),
            ProtocolVersion::Tls12 => self.open_tls12(record, most),
        }?;
        self.sequence += 1;
        Ok(opened)
    }

    fn open_tls13(
        &mut self,
        record: &mut [u8],
        most: usize,
    ) -> Result<(ContentType, Range<usize>), RecordError> {
        let nonce = self.nonce();
        let (header, sealed) = record.split_at_mut_checked(HEADER_LEN).ok_or(RecordError::NotAuthentic)?;
        let inner_len = sealed.len().checked_sub(TAG_LEN).ok_or(RecordError::NotAuthentic)?;
        self.cipher.open_in_place(nonce, header, sealed).map_err(not_authentic)?;
        let (content_type, content_len) = inner_plaintext(&sealed[..inner_len], most)?;
        Ok((content_type, HEADER_LEN..HEADER_LEN + content_len))
    }

    fn open_tls12(
        &mut self,
        record: &mut [u8],
        most: usize,
    ) -> Result<(ContentType, Range<usize>), RecordError> {
        let start = HEADER_LEN + self.nonce.explicit_len();
        let content_len = record.len().checked_sub(start + TAG_LEN).ok_or(RecordError::NotAuthentic)?;
        let content_type = ContentType::from_code(record[0]).ok_or(RecordError::NoContentType)?;
        let aad = self.tls12_aad(content_type, content_len);
        let (head, sealed) = record.split_at_mut(start);
        self.cipher.open_in_place(self.tls12_nonce(head), &aad, sealed).map_err(not_authentic)?;
        if content_len > most {
            return Err(RecordError::TooLong);
        }
        Ok((content_type, start..start + content_len))
    }

    /// The nonce of a record with this header, and what follows it up to the ciphertext.
    fn tls12_nonce(&self, head: &[u8]) -> [u8; NONCE_LEN] {
        let mut nonce = self.nonce();
        if self.nonce == NonceForm::Explicit {
            nonce[4..].copy_from_slice(&head[HEADER_LEN..]);
        }
        nonce
    }

    /// Opens the record at the front of `incoming`, into `plaintext` if it fits there.
    pub(super) fn open_record(
        &mut self,
        version: ProtocolVersion,
        record: WholeRecord,
        incoming: &mut Buffer,
        plaintext: &mut [u8],
        most: usize,
    ) -> Result<OpenedRecord, RecordError> {
        let whole = HEADER_LEN + record.length;
        let overhead = match version {
            ProtocolVersion::Tls13 => TAG_LEN,
            ProtocolVersion::Tls12 => TAG_LEN + self.nonce.explicit_len(),
        };
        let inner_len = record.length.checked_sub(overhead).ok_or(RecordError::NotAuthentic)?;
        let bytes = &mut incoming.filled_mut()[..whole];
        if let Some(target) = plaintext.get_mut(..inner_len) {
            let (content_type, content_len) = match version {
                ProtocolVersion::Tls13 => self.open_tls13_into(bytes, target, most),
                ProtocolVersion::Tls12 => self.open_tls12_into(record.content_type, bytes, target, most),
            }?;
            self.sequence += 1;
            incoming.consume(whole);
            return Ok(OpenedRecord { content_type, content_len, place: Place::Caller });
        }
        let (content_type, content) = self.open_in_place(version, bytes, most)?;
        incoming.consume(content.start);
        let place = Place::Incoming { trailer: whole - content.end };
        Ok(OpenedRecord { content_type, content_len: content.len(), place })
    }

    fn open_tls13_into(
        &mut self,
        record: &[u8],
        target: &mut [u8],
        most: usize,
    ) -> Result<(ContentType, usize), RecordError> {
        let (header, sealed) = record.split_at(HEADER_LEN);
        self.cipher.open(self.nonce(), header, sealed, target).map_err(not_authentic)?;
        inner_plaintext(target, most)
    }

    fn open_tls12_into(
        &mut self,
        content_type: ContentType,
        record: &[u8],
        target: &mut [u8],
        most: usize,
    ) -> Result<(ContentType, usize), RecordError> {
        let aad = self.tls12_aad(content_type, target.len());
        let (head, sealed) = record.split_at(HEADER_LEN + self.nonce.explicit_len());
        self.cipher.open(self.tls12_nonce(head), &aad, sealed, target).map_err(not_authentic)?;
        if target.len() > most {
            return Err(RecordError::TooLong);
        }
        Ok((content_type, target.len()))
    }
}

/// RFC 8446 §5.4: the type is the last byte that is not padding; padding counts as plaintext.
fn inner_plaintext(inner: &[u8], most: usize) -> Result<(ContentType, usize), RecordError> {
    if inner.len() > most + 1 {
        return Err(RecordError::TooLong);
    }
    let content_len = inner.iter().rposition(|&byte| byte != 0).ok_or(RecordError::NoContentType)?;
    let content_type = ContentType::from_code(inner[content_len]).ok_or(RecordError::NoContentType)?;
    Ok((content_type, content_len))
}

fn not_authentic(_: CipherError) -> RecordError {
    RecordError::NotAuthentic
}
