//! Sessions on a server: tickets that hold them (RFC 5077), or ids of sessions that are kept.
//!
//! A ticket is good for the configuration's lifetime and no longer, whatever a client makes of the hint that came
//! with it. Sessions are kept where early data is taken, for each may be used once (RFC 8446 §8.1), and where the
//! application has a store: then what rustls asks for was taken from there before, and what it keeps is stored after.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand,
};
use rustls::{
    crypto::GetRandomFailed,
    server::{ProducesTickets, ServerSessionMemoryCache, StoresServerSessions},
    ticketer::TicketRotator,
};
use zeroize::{Zeroize, Zeroizing};

use crate::call::at_desk;

/// How many sessions are kept in memory; of more, the oldest go.
const KEPT_SESSIONS: usize = 8192;

/// AES-GCM with random nonces: SP 800-38D §8.3 allows 2^32 under one key.
const MOST_PER_KEY: u64 = 1 << 32;

/// RFC 8446 §4.6.1, RFC 5077 §3.3.
const LONGEST_TICKET: usize = u16::MAX as usize;

/// Seconds since 1970 stand before a session, in eight bytes.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn whole_seconds(lifetime: Duration) -> u32 {
    u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX)
}

/// Tickets that hold the session, sealed under keys that nobody else has.
pub(crate) struct SealedTickets {
    /// Each key seals for one lifetime, and opens for one more.
    keys: TicketRotator,
    lifetime: u32,
}

impl SealedTickets {
    pub(crate) fn new(lifetime: Duration) -> Result<Self, rustls::Error> {
        let lifetime = whole_seconds(lifetime);
        Ok(Self { keys: TicketRotator::new(lifetime, || Ok(Box::new(TicketKey::new()?)))?, lifetime })
    }

    fn seal(&self, session: &[u8], now: u64) -> Option<Vec<u8>> {
        let dated = Zeroizing::new([&now.to_be_bytes(), session].concat());
        self.keys.encrypt(&dated)
    }

    fn open(&self, ticket: &[u8], now: u64) -> Option<Vec<u8>> {
        let mut dated = self.keys.decrypt(ticket)?;
        let issued = u64::from_be_bytes(*dated.first_chunk()?);
        if now.saturating_sub(issued) > u64::from(self.lifetime) {
            dated.zeroize();
            return None;
        }
        dated.drain(..8);
        Some(dated)
    }
}

impl ProducesTickets for SealedTickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.lifetime
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(plain, seconds(SystemTime::now()))
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.open(cipher, seconds(SystemTime::now()))
    }
}

/// One key for tickets.
struct TicketKey {
    key: RandomizedNonceKey,
    sealed: AtomicU64,
}

impl TicketKey {
    fn new() -> Result<Self, GetRandomFailed> {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::fill(&mut *bytes).map_err(|_| GetRandomFailed)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*bytes).map_err(|_| GetRandomFailed)?;
        Ok(Self { key, sealed: AtomicU64::new(0) })
    }
}

impl ProducesTickets for TicketKey {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        // The rotator never asks: it has a lifetime of its own.
        0
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        if self.sealed.fetch_add(1, Ordering::Relaxed) >= MOST_PER_KEY {
            return None;
        }
        let mut sealed = plain.to_vec();
        let nonce = self.key.seal_in_place_append_tag(Aad::empty(), &mut sealed).ok()?;
        let ticket = [nonce.as_ref().as_slice(), &sealed].concat();
        Some(ticket).filter(|ticket| ticket.len() <= LONGEST_TICKET)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = cipher.split_first_chunk::<NONCE_LEN>()?;
        let mut opened = sealed.to_vec();
        let nonce = Nonce::from(nonce);
        let length = self.key.open_in_place(nonce, Aad::empty(), &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }
}

/// Sessions kept in memory.
pub(crate) struct MemorySessions {
    cache: std::sync::Arc<ServerSessionMemoryCache>,
    lifetime: u64,
}

impl MemorySessions {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { cache: ServerSessionMemoryCache::new(KEPT_SESSIONS), lifetime: lifetime.as_secs() }
    }

    fn in_time(&self, dated: Option<Vec<u8>>, now: u64) -> Option<Vec<u8>> {
        let mut dated = dated?;
        let kept = u64::from_be_bytes(*dated.first_chunk()?);
        if now.saturating_sub(kept) > self.lifetime {
            dated.zeroize();
            return None;
        }
        dated.drain(..8);
        Some(dated)
    }
}

impl StoresServerSessions for MemorySessions {
    fn put(&self, key: Vec<u8>, mut value: Vec<u8>) -> bool {
        let dated = [&seconds(SystemTime::now()).to_be_bytes(), value.as_slice()].concat();
        value.zeroize();
        self.cache.put(key, dated)
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.in_time(self.cache.get(key), seconds(SystemTime::now()))
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.in_time(self.cache.take(key), seconds(SystemTime::now()))
    }

    fn can_cache(&self) -> bool {
        true
    }
}

/// Sessions of the application's store, as far as they lie on the connection's desk.
///
/// As a ticketer it gives out ids for tickets: so rustls sends the lifetime that the configuration has.
#[derive(Debug)]
pub(crate) struct DeskSessions {
    pub(crate) lifetime: Duration,
}

impl StoresServerSessions for DeskSessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        at_desk(|desk| desk.kept.push(KeptSession { id: key, session: Zeroizing::new(value) })).is_some()
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        at_desk(|desk| {
            let found = desk.taken.iter().position(|kept| kept.id == key)?;
            let kept = desk.taken.swap_remove(found);
            let session = kept.session.to_vec();
            // rustls keeps it on (RFC 5246 §F.1.4), so it goes back to the store when the handshake has gone well.
            desk.resumed = Some(kept);
            Some(session)
        })?
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        at_desk(|desk| {
            let found = desk.taken.iter().position(|kept| kept.id == key)?;
            Some(desk.taken.swap_remove(found).session.to_vec())
        })?
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl ProducesTickets for DeskSessions {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        whole_seconds(self.lifetime)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut id = vec![0; 32];
        rand::fill(&mut id).ok()?;
        at_desk(|desk| {
            // In TLS 1.2 rustls has just kept the session under its id, which does for a ticket too.
            if let Some(kept) = desk.kept.iter().find(|kept| kept.session.as_slice() == plain) {
                return kept.id.clone();
            }
            desk.kept.push(KeptSession { id: id.clone(), session: Zeroizing::new(plain.to_vec()) });
            id
        })
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        StoresServerSessions::take(self, cipher)
    }
}

/// A session under its id.
pub(crate) struct KeptSession {
    pub(crate) id: Vec<u8>,
    pub(crate) session: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for SealedTickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedTickets").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey")
    }
}

impl fmt::Debug for MemorySessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessions").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_opened_within_its_lifetime_and_unchanged() {
        let tickets = SealedTickets::new(Duration::from_secs(60)).unwrap();
        assert_eq!(tickets.lifetime(), 60);
        let ticket = tickets.seal(b"session", 1000).unwrap();
        assert_eq!(tickets.open(&ticket, 1060).unwrap(), b"session");
        assert_eq!(tickets.open(&ticket, 1061), None);
        for offset in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[offset] ^= 1;
            assert_eq!(tickets.open(&changed, 1000), None, "offset {offset}");
        }
        for short in 0..ticket.len() {
            assert_eq!(tickets.open(&ticket[..short], 1000), None);
        }
        let others = SealedTickets::new(Duration::from_secs(60)).unwrap();
        assert_eq!(others.open(&ticket, 1000), None, "another configuration's ticket");
    }

    #[test]
    fn a_used_up_key_seals_no_more() {
        let key = TicketKey::new().unwrap();
        key.sealed.store(MOST_PER_KEY - 1, Ordering::Relaxed);
        assert!(key.encrypt(b"the last").is_some());
        assert!(key.encrypt(b"one too many").is_none());
    }

    #[test]
    fn a_kept_session_is_given_out_once_and_in_time() {
        let sessions = MemorySessions::new(Duration::from_secs(60));
        assert!(sessions.put(b"id".to_vec(), b"session".to_vec()));
        assert_eq!(sessions.get(b"id").unwrap(), b"session");
        assert_eq!(sessions.take(b"id").unwrap(), b"session");
        assert_eq!(sessions.take(b"id"), None);
        let dated = [&1000_u64.to_be_bytes(), b"session".as_slice()].concat();
        assert_eq!(sessions.in_time(Some(dated.clone()), 1060).unwrap(), b"session");
        assert_eq!(sessions.in_time(Some(dated), 1061), None);
    }
}
