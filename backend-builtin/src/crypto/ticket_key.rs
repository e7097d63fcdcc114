//! The key of session tickets (RFC 5077 §4): AES-256-GCM under a random key, with a name to find it by.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::random;
use crate::error::Fault;

const NAME_LEN: usize = 16;

/// NIST SP 800-38D §8.3: how often a key may be used with random nonces.
const MAX_SEALS: u64 = 1 << 32;

/// One key of a key ring.
pub(crate) struct TicketKey {
    /// What every ticket under this key begins with.
    name: [u8; NAME_LEN],
    key: LessSafeKey,
    seals: AtomicU64,
}

impl TicketKey {
    /// A new key under a new name, both random.
    ///
    /// # Errors
    /// [`Fault::Internal`] when no random bytes can be had.
    pub(crate) fn generate() -> Result<Self, Fault> {
        let mut name = [0; NAME_LEN];
        random(&mut name)?;
        let mut key = Zeroizing::new([0; 32]);
        random(key.as_mut_slice())?;
        let key = UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(|_| not_sealed())?;
        Ok(Self { name, key: LessSafeKey::new(key), seals: AtomicU64::new(0) })
    }

    /// A ticket: the key's name, a nonce, and the plaintext under both.
    ///
    /// # Errors
    /// [`Fault::Internal`] after 2^32 tickets: the key is to be replaced long before.
    pub(crate) fn seal(&self, plaintext: &[u8]) -> Result<Vec<u8>, Fault> {
        if self.seals.fetch_add(1, Ordering::Relaxed) >= MAX_SEALS {
            return Err(Fault::Internal("a ticket key that was used too often"));
        }
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut ticket = Vec::with_capacity(NAME_LEN + NONCE_LEN + plaintext.len() + AES_256_GCM.tag_len());
        ticket.extend_from_slice(&self.name);
        ticket.extend_from_slice(&nonce);
        ticket.extend_from_slice(plaintext);
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(self.name),
                &mut ticket[NAME_LEN + NONCE_LEN..],
            )
            .map_err(|_| not_sealed())?;
        ticket.extend_from_slice(tag.as_ref());
        Ok(ticket)
    }

    /// What was sealed; `None` for what is no ticket of this key.
    pub(crate) fn open(&self, ticket: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = ticket.strip_prefix(&self.name)?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let content_len = sealed.len().checked_sub(AES_256_GCM.tag_len())?;
        let mut content = Zeroizing::new(sealed.to_vec());
        self.key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(self.name), content.as_mut_slice())
            .ok()?;
        content.truncate(content_len);
        Some(content)
    }

    #[cfg(test)]
    fn wear_out(&self) {
        self.seals.store(MAX_SEALS, Ordering::Relaxed);
    }
}

fn not_sealed() -> Fault {
    Fault::Internal("a ticket cannot be sealed")
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_opens_under_its_own_key_and_whole_only() {
        let key = TicketKey::generate().unwrap();
        let ticket = key.seal(b"session").unwrap();
        assert_eq!(ticket[..16], key.name);
        assert_eq!(key.open(&ticket).unwrap().as_slice(), b"session");
        assert!(TicketKey::generate().unwrap().open(&ticket).is_none());
        for length in 0..ticket.len() {
            assert!(key.open(&ticket[..length]).is_none(), "cut at {length}");
        }
        for offset in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[offset] ^= 1;
            assert!(key.open(&changed).is_none(), "changed at {offset}");
        }
    }

    #[test]
    fn two_tickets_of_one_session_have_nothing_but_the_name_in_common() {
        let key = TicketKey::generate().unwrap();
        let (one, other) = (key.seal(b"session").unwrap(), key.seal(b"session").unwrap());
        assert_ne!(one[16..28], other[16..28]);
        assert_ne!(one[28..], other[28..]);
    }

    #[test]
    fn a_key_that_is_worn_out_seals_no_more_and_opens_still() {
        let key = TicketKey::generate().unwrap();
        let ticket = key.seal(b"session").unwrap();
        key.wear_out();
        assert!(key.seal(b"session").is_err());
        assert!(key.seal(b"session").is_err());
        assert!(key.open(&ticket).is_some());
    }
}
