//! The entries of a list, found by their serial numbers.

use std::time::SystemTime;

use polytls_x509::{CertificateList, RevocationReason};

/// The entries in the order of their serial numbers; all numbers stand in one text, since a list may have millions.
pub(super) struct Entries {
    numbers: Vec<u8>,
    sorted: Vec<Entry>,
}

/// When a certificate was revoked, and why.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    start: usize,
    length: usize,
    pub(super) revocation_date: SystemTime,
    pub(super) reason: Option<RevocationReason>,
}

impl Entries {
    /// # Errors
    /// Why the list cannot be used: an entry that it does not know how to read (RFC 5280 §5.3).
    pub(super) fn new(list: &CertificateList<'_>) -> Result<Self, String> {
        let (mut numbers, mut sorted) = (Vec::new(), Vec::new());
        for entry in list.revoked_certificates() {
            if let Some(extension) = entry.unknown_critical.first() {
                return Err(format!("an entry has a critical extension that is not known, {extension}"));
            }
            if entry.certificate_issuer.is_some() {
                return Err("an entry is another issuer's, which is not supported (RFC 5280 §5.3.3)".into());
            }
            // RFC 5280 §5.3.1: it is said in deltas alone, and means that it is not revoked.
            if entry.reason == Some(RevocationReason::RemoveFromCrl) {
                continue;
            }
            let (start, length) = (numbers.len(), entry.serial_number.len());
            numbers.extend_from_slice(entry.serial_number);
            let (revocation_date, reason) = (entry.revocation_date, entry.reason);
            sorted.push(Entry { start, length, revocation_date, reason });
        }
        sorted.sort_by(|one, other| one.number(&numbers).cmp(other.number(&numbers)));
        Ok(Self { numbers, sorted })
    }

    /// The entry of a serial number, in its content octets.
    pub(super) fn of(&self, serial_number: &[u8]) -> Option<&Entry> {
        let place = self.sorted.binary_search_by(|entry| entry.number(&self.numbers).cmp(serial_number));
        self.sorted.get(place.ok()?)
    }
}

impl Entry {
    fn number<'n>(&self, numbers: &'n [u8]) -> &'n [u8] {
        numbers.get(self.start..self.start + self.length).unwrap_or_default()
    }
}
