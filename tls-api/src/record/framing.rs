//! What kinds of records there are, and how what is sent is cut into them.

use std::num::NonZeroU16;

use super::MAX_PLAINTEXT;
use crate::ProtocolVersion;

/// The content of a record (RFC 8446 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(clippy::exhaustive_enums, reason = "TLS 1.3 is the last version to have had a say in it")]
pub enum ContentType {
    /// The next record is under new keys (TLS 1.2), or nothing at all (RFC 8446 appendix D.4).
    ChangeCipherSpec = 20,
    /// A warning, or the end.
    Alert = 21,
    /// Handshake messages, or a part of one.
    Handshake = 22,
    /// Data of the application; in TLS 1.3 the outside of every protected record.
    ApplicationData = 23,
}

impl ContentType {
    /// The content type with this code, if there is one.
    pub fn from_code(code: u8) -> Option<Self> {
        [Self::ChangeCipherSpec, Self::Alert, Self::Handshake, Self::ApplicationData]
            .into_iter()
            .find(|&known| known.code() == code)
    }

    /// The code on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// How much a record's length tells about what is in it (RFC 8446 §5.4). TLS 1.2 has no padding with an AEAD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordPadding {
    /// Nothing is added: the length of a record tells that of its content. The default.
    #[default]
    None,
    /// The content is filled up to a multiple of this many bytes, as far as a record can hold it.
    ToMultipleOf(NonZeroU16),
}

impl RecordPadding {
    /// How many bytes follow a content of this length, in a record that holds `most`.
    fn length(self, content_len: usize, most: usize) -> usize {
        match self {
            Self::None => 0,
            Self::ToMultipleOf(block) => {
                let padded = content_len.next_multiple_of(usize::from(block.get()));
                padded.min(most).saturating_sub(content_len)
            }
        }
    }
}

/// How records are made of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordFraming {
    pub(super) version: ProtocolVersion,
    pub(super) max_plaintext: usize,
    padding: RecordPadding,
}

impl RecordFraming {
    /// Records of this version, of up to 2^14 bytes of plaintext, without padding.
    pub const fn new(version: ProtocolVersion) -> Self {
        Self { version, max_plaintext: MAX_PLAINTEXT, padding: RecordPadding::None }
    }

    /// At most this much plaintext in one record, padding included: 1 to 2^14 bytes; what is beyond becomes the
    /// nearest of these. In TLS 1.3 the byte for the content type is not counted.
    #[must_use]
    pub fn with_max_plaintext(self, bytes: usize) -> Self {
        Self { max_plaintext: bytes.clamp(1, MAX_PLAINTEXT), ..self }
    }

    /// Padding for every record; it says nothing in TLS 1.2.
    #[must_use]
    pub const fn with_padding(self, padding: RecordPadding) -> Self {
        Self { padding, ..self }
    }

    /// How many zeros follow a content of this length and its type.
    pub(super) fn padding(&self, content_len: usize) -> usize {
        self.padding.length(content_len, self.max_plaintext)
    }
}
