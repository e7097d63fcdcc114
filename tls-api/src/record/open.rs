//! Records into plaintext: straight into the caller's buffer where it fits, else in place.

use super::{ContentType, HEADER_LEN, MAX_PLAINTEXT, NonceForm, TAG_LEN, TrafficKeys};
use crate::{AlertDescription, Buffer, ErrorKind, ProtocolVersion};

/// What a peer did wrong, and the alert that tells it so.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) kind: ErrorKind,
    pub(super) alert: AlertDescription,
}

impl Refusal {
    pub(super) fn misbehaved(alert: AlertDescription) -> Self {
        Self { kind: ErrorKind::PeerMisbehaved, alert }
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
        (ProtocolVersion::Tls12, Some(content_type)) => content_type,
        _ => return Err(Refusal::misbehaved(AlertDescription::UNEXPECTED_MESSAGE)),
    };
    // Every implementation sends 0x0303 here; in TLS 1.2 nothing else would notice another.
    if (major, minor) != (3, 3) {
        let alert = AlertDescription::PROTOCOL_VERSION;
        return Err(Refusal { kind: ErrorKind::InvalidMessage, alert });
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    let most = match version {
        ProtocolVersion::Tls13 => MAX_PLAINTEXT + 256,
        ProtocolVersion::Tls12 => MAX_PLAINTEXT + 2048,
    };
    if length > most {
        return Err(Refusal::misbehaved(AlertDescription::RECORD_OVERFLOW));
    }
    Ok((rest.len() >= length).then_some(WholeRecord { content_type, length }))
}

impl TrafficKeys {
    /// Opens the record at the front of `incoming`.
    pub(super) fn open_record(
        &mut self,
        version: ProtocolVersion,
        record: WholeRecord,
        incoming: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<OpenedRecord, Refusal> {
        let opened = match version {
            ProtocolVersion::Tls13 => self.open_tls13(record, incoming, plaintext),
            ProtocolVersion::Tls12 => self.open_tls12(record, incoming, plaintext),
        }?;
        if opened.content_len > MAX_PLAINTEXT {
            return Err(Refusal::misbehaved(AlertDescription::RECORD_OVERFLOW));
        }
        self.sequence += 1;
        Ok(opened)
    }

    fn open_tls13(
        &mut self,
        record: WholeRecord,
        incoming: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<OpenedRecord, Refusal> {
        let nonce = self.nonce();
        let whole = HEADER_LEN + record.length;
        let inner_len = record.length.checked_sub(TAG_LEN).ok_or_else(bad_record)?;
        let (header, sealed) = incoming.filled_mut()[..whole].split_at_mut(HEADER_LEN);
        if let Some(target) = plaintext.get_mut(..inner_len) {
            self.cipher.open(nonce, header, sealed, target).map_err(|_| bad_record())?;
            let (content_type, content_len) = inner_plaintext(target)?;
            incoming.consume(whole);
            return Ok(OpenedRecord { content_type, content_len, place: Place::Caller });
        }
        self.cipher.open_in_place(nonce, header, sealed).map_err(|_| bad_record())?;
        let (content_type, content_len) = inner_plaintext(&sealed[..inner_len])?;
        incoming.consume(HEADER_LEN);
        let trailer = record.length - content_len;
        Ok(OpenedRecord { content_type, content_len, place: Place::Incoming { trailer } })
    }

    fn open_tls12(
        &mut self,
        record: WholeRecord,
        incoming: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<OpenedRecord, Refusal> {
        let content_type = record.content_type;
        let explicit_len = self.nonce.explicit_len();
        let whole = HEADER_LEN + record.length;
        let content_len = record.length.checked_sub(explicit_len + TAG_LEN).ok_or_else(bad_record)?;
        let aad = self.tls12_aad(content_type, content_len);
        let (head, sealed) = incoming.filled_mut()[..whole].split_at_mut(HEADER_LEN + explicit_len);
        let mut nonce = self.nonce();
        if self.nonce == NonceForm::Explicit {
            nonce[4..].copy_from_slice(&head[HEADER_LEN..]);
        }
        if let Some(target) = plaintext.get_mut(..content_len) {
            self.cipher.open(nonce, &aad, sealed, target).map_err(|_| bad_record())?;
            incoming.consume(whole);
            return Ok(OpenedRecord { content_type, content_len, place: Place::Caller });
        }
        self.cipher.open_in_place(nonce, &aad, sealed).map_err(|_| bad_record())?;
        incoming.consume(HEADER_LEN + explicit_len);
        Ok(OpenedRecord { content_type, content_len, place: Place::Incoming { trailer: TAG_LEN } })
    }
}

/// RFC 8446 §5.4: the type is the last byte that is not padding.
fn inner_plaintext(inner: &[u8]) -> Result<(ContentType, usize), Refusal> {
    let unexpected = || Refusal::misbehaved(AlertDescription::UNEXPECTED_MESSAGE);
    let content_len = inner.iter().rposition(|&byte| byte != 0).ok_or_else(unexpected)?;
    let content_type = ContentType::from_code(inner[content_len]).ok_or_else(unexpected)?;
    Ok((content_type, content_len))
}

fn bad_record() -> Refusal {
    Refusal { kind: ErrorKind::BadRecord, alert: AlertDescription::BAD_RECORD_MAC }
}
