//! Plaintext into records, straight from the caller's slices into the outgoing buffer.

use std::io::IoSlice;

use super::{CipherError, ContentType, HEADER_LEN, RecordFraming, TAG_LEN, TrafficKeys};
use crate::{Buffer, ProtocolVersion, buffer::copy};

/// Bytes of several slices, taken from the front.
pub(super) struct Plaintext<'a> {
    slices: &'a [IoSlice<'a>],
    /// How much of the first slice is gone.
    offset: usize,
}

impl<'a> Plaintext<'a> {
    pub(super) fn new(slices: &'a [IoSlice<'a>]) -> Self {
        Self { slices, offset: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.slices.iter().map(|slice| slice.len()).sum::<usize>() - self.offset
    }

    /// The next `count` bytes, if they lie in one slice.
    fn contiguous(&mut self, count: usize) -> Option<&'a [u8]> {
        self.skip_empty();
        let bytes = self.slices.first()?.get(self.offset..self.offset + count)?;
        self.offset += count;
        Some(bytes)
    }

    /// Copies the next bytes until `target` is full.
    fn gather(&mut self, mut target: &mut [u8]) {
        while !target.is_empty() {
            self.skip_empty();
            let Some(first) = self.slices.first() else { return };
            let rest = &first[self.offset..];
            let count = rest.len().min(target.len());
            let (head, tail) = target.split_at_mut(count);
            copy(head, &rest[..count]);
            self.offset += count;
            target = tail;
        }
    }

    fn skip_empty(&mut self) {
        while let [first, rest @ ..] = self.slices
            && self.offset == first.len()
        {
            self.slices = rest;
            self.offset = 0;
        }
    }
}

impl TrafficKeys {
    /// Appends one record with as much of `plaintext` as the framing lets it hold, and says how much that is.
    ///
    /// No plaintext makes an empty record. A caller that could seal more than 2^24 records under one key asks
    /// [`TrafficKeys::is_exhausted`] before.
    ///
    /// # Errors
    /// [`CipherError`] when the cipher fails; nothing is appended then.
    pub fn seal(
        &mut self,
        framing: RecordFraming,
        content_type: ContentType,
        plaintext: &[IoSlice<'_>],
        outgoing: &mut Buffer,
    ) -> Result<usize, CipherError> {
        self.seal_record(framing, content_type, &mut Plaintext::new(plaintext), outgoing)
    }

    /// As [`TrafficKeys::seal`], from the front of what is left of `plaintext`.
    pub(super) fn seal_record(
        &mut self,
        framing: RecordFraming,
        content_type: ContentType,
        plaintext: &mut Plaintext<'_>,
        outgoing: &mut Buffer,
    ) -> Result<usize, CipherError> {
        let content_len = plaintext.len().min(framing.max_plaintext);
        match framing.version {
            ProtocolVersion::Tls13 => {
                let padding = framing.padding(content_len);
                self.seal_tls13(content_type, content_len, padding, plaintext, outgoing)?;
            }
            ProtocolVersion::Tls12 => self.seal_tls12(content_type, content_len, plaintext, outgoing)?,
        }
        self.sequence += 1;
        Ok(content_len)
    }

    /// RFC 8446 §5.2: the content, its type and zeros under the AEAD; the header is the additional data.
    fn seal_tls13(
        &mut self,
        content_type: ContentType,
        content_len: usize,
        padding: usize,
        plaintext: &mut Plaintext<'_>,
        outgoing: &mut Buffer,
    ) -> Result<(), CipherError> {
        let sealed_len = content_len + 1 + padding + TAG_LEN;
        let nonce = self.nonce();
        let record = &mut outgoing.spare(HEADER_LEN + sealed_len)[..HEADER_LEN + sealed_len];
        let (header, sealed) = record.split_at_mut(HEADER_LEN);
        header.copy_from_slice(&record_header(ContentType::ApplicationData, sealed_len));
        match plaintext.contiguous(content_len) {
            Some(bytes) if padding == 0 => {
                self.cipher.seal(nonce, header, bytes, &[content_type.code()], sealed)?;
            }
            contiguous => {
                let content = &mut sealed[..content_len];
                match contiguous {
                    Some(bytes) => copy(content, bytes),
                    None => plaintext.gather(content),
                }
                sealed[content_len] = content_type.code();
                sealed[content_len + 1..].fill(0);
                self.cipher.seal_in_place(nonce, header, sealed)?;
            }
        }
        outgoing.commit(HEADER_LEN + sealed_len);
        Ok(())
    }

    /// RFC 5246 §6.2.3.3: the content under the AEAD, after the explicit part of the nonce.
    fn seal_tls12(
        &mut self,
        content_type: ContentType,
        content_len: usize,
        plaintext: &mut Plaintext<'_>,
        outgoing: &mut Buffer,
    ) -> Result<(), CipherError> {
        let explicit_len = self.nonce.explicit_len();
        let fragment_len = explicit_len + content_len + TAG_LEN;
        let nonce = self.nonce();
        let aad = self.tls12_aad(content_type, content_len);
        let record = &mut outgoing.spare(HEADER_LEN + fragment_len)[..HEADER_LEN + fragment_len];
        let (header, fragment) = record.split_at_mut(HEADER_LEN);
        header.copy_from_slice(&record_header(content_type, fragment_len));
        let (explicit, sealed) = fragment.split_at_mut(explicit_len);
        explicit.copy_from_slice(&nonce[nonce.len() - explicit_len..]);
        match plaintext.contiguous(content_len) {
            Some(bytes) => self.cipher.seal(nonce, &aad, bytes, &[], sealed)?,
            None => {
                plaintext.gather(&mut sealed[..content_len]);
                self.cipher.seal_in_place(nonce, &aad, sealed)?;
            }
        }
        outgoing.commit(HEADER_LEN + fragment_len);
        Ok(())
    }

    /// Whether one more record would take the key over its limit (RFC 8446 §5.5).
    pub fn is_exhausted(&self) -> bool {
        self.sequence >= self.limit.records()
    }

    #[cfg(test)]
    pub(super) fn exhaust(&mut self) {
        self.limit = super::SealLimit::Reached;
    }

    #[cfg(test)]
    pub(super) fn cipher_for_test(&self) -> String {
        format!("{:?}", self.cipher)
    }

    #[cfg(test)]
    pub(super) fn seal_inner_for_test(&mut self, inner: &[u8], outgoing: &mut Buffer) {
        let mut sealed = [inner, &[0; TAG_LEN]].concat();
        let header = record_header(ContentType::ApplicationData, sealed.len());
        self.cipher.seal_in_place(self.nonce(), &header, &mut sealed).unwrap();
        outgoing.extend(&header);
        outgoing.extend(&sealed);
        self.sequence += 1;
    }
}

fn record_header(content_type: ContentType, length: usize) -> [u8; HEADER_LEN] {
    let [high, low] = (length as u16).to_be_bytes();
    [content_type.code(), 3, 3, high, low]
}
