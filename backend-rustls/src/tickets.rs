//! Sessions on a server: tickets that hold them (RFC 5077), or ids of sessions that are kept.
//!
//! A session is good for the configuration's lifetime and no longer, whatever a client makes of the hint that came
//! with its ticket, and under the identity under which it began, or another of its lineage. Sessions are kept where early
//! data is taken, for each may be used once (RFC 8446 §8.1), and where the application has a store: then what rustls asks
//! for was taken from there before, and what it keeps is stored after.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand,
};
use polytls_api::{ClientAuthentication, ServerConfig};
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

/// For how long sessions are good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    length: Duration,
    /// It counts from the handshake in which the client was verified, and not anew from each that resumes: a client
    /// whose certificate has ended or was revoked must not go on for ever.
    from_verification: bool,
}

impl Lifetime {
    pub(crate) fn of(config: &ServerConfig) -> Self {
        let from_verification = config.client_authentication() != ClientAuthentication::None;
        Self { length: config.session_lifetime(), from_verification }
    }

    /// When a session ends that begins now.
    fn end(&self, now: SystemTime) -> SystemTime {
        let anew = now + self.length;
        let resumed = at_desk(|desk| desk.session_end).flatten();
        resumed.filter(|_| self.from_verification).map_or(anew, |end| end.min(anew))
    }

    /// What a client is told of it, in seconds.
    fn hint(&self) -> u32 {
        let now = SystemTime::now();
        let left = self.end(now).duration_since(now).unwrap_or_default();
        // RFC 5077 §3.3: zero says nothing.
        u32::try_from(left.as_secs()).unwrap_or(u32::MAX).max(1)
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A session behind its end: seconds since 1970, in eight bytes.
fn dated(session: &[u8], end: SystemTime) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&seconds(end).to_be_bytes(), session].concat())
}

/// The session, unless it has ended. What comes of it in this handshake may have to end with it.
fn in_time(mut dated: Vec<u8>, now: SystemTime) -> Option<Vec<u8>> {
    let end = u64::from_be_bytes(*dated.first_chunk()?);
    if seconds(now) > end {
        dated.zeroize();
        return None;
    }
    let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end))?;
    at_desk(|desk| desk.session_end = Some(end));
    dated.drain(..8);
    Some(dated)
}

/// Tickets that hold the session, sealed under keys that nobody else has.
pub(crate) struct SealedTickets {
    /// Each key seals for one lifetime, and opens for one more.
    keys: TicketRotator,
    lifetime: Lifetime,
}

impl SealedTickets {
    pub(crate) fn new(lifetime: Lifetime) -> Result<Self, rustls::Error> {
        let seconds = u32::try_from(lifetime.length.as_secs()).unwrap_or(u32::MAX);
        Ok(Self { keys: TicketRotator::new(seconds, || Ok(Box::new(TicketKey::new()?)))?, lifetime })
    }

    fn seal(&self, session: &[u8], now: SystemTime) -> Option<Vec<u8>> {
        self.keys.encrypt(&dated(session, self.lifetime.end(now)))
    }

    fn open(&self, ticket: &[u8], now: SystemTime) -> Option<Vec<u8>> {
        in_time(self.keys.decrypt(ticket)?, now)
    }
}

impl ProducesTickets for SealedTickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.lifetime.hint()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(plain, SystemTime::now())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.open(cipher, SystemTime::now())
    }
}

/// One key for tickets. A ticket is good under the identity that was presented with it, or another of its
/// lineage, and under no other.
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
        let presented = Aad::from(at_desk(|desk| desk.session_binding())?);
        let mut sealed = plain.to_vec();
        let nonce = self.key.seal_in_place_append_tag(presented, &mut sealed).ok()?;
        let ticket = [nonce.as_ref().as_slice(), &sealed].concat();
        Some(ticket).filter(|ticket| ticket.len() <= LONGEST_TICKET)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = cipher.split_first_chunk::<NONCE_LEN>()?;
        let mut opened = sealed.to_vec();
        let nonce = Nonce::from(nonce);
        let presented = Aad::from(at_desk(|desk| desk.session_binding())?);
        let length = self.key.open_in_place(nonce, presented, &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }
}

/// Sessions kept in memory.
pub(crate) struct MemorySessions {
    cache: std::sync::Arc<ServerSessionMemoryCache>,
    lifetime: Lifetime,
}

impl MemorySessions {
    pub(crate) fn new(lifetime: Lifetime) -> Self {
        Self { cache: ServerSessionMemoryCache::new(KEPT_SESSIONS), lifetime }
    }

    /// Under what a session is kept: its id, and the identity that is presented.
    fn key(id: &[u8]) -> Option<Vec<u8>> {
        at_desk(|desk| [id, &desk.session_binding()].concat())
    }
}

impl StoresServerSessions for MemorySessions {
    fn put(&self, key: Vec<u8>, mut value: Vec<u8>) -> bool {
        let mut dated = dated(&value, self.lifetime.end(SystemTime::now()));
        value.zeroize();
        Self::key(&key).is_some_and(|key| self.cache.put(key, std::mem::take(&mut *dated)))
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        in_time(self.cache.get(&Self::key(key)?)?, SystemTime::now())
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        in_time(self.cache.take(&Self::key(key)?)?, SystemTime::now())
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
    pub(crate) lifetime: Lifetime,
}

impl DeskSessions {
    /// Takes off the desk what the client would resume.
    fn taken(id: &[u8]) -> Option<KeptSession> {
        at_desk(|desk| {
            let found = desk.taken.iter().position(|kept| kept.id == id)?;
            let kept = desk.taken.swap_remove(found);
            desk.session_end = Some(kept.expires);
            Some(kept)
        })?
    }
}

impl StoresServerSessions for DeskSessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let expires = self.lifetime.end(SystemTime::now());
        let kept = KeptSession { id: key, session: Zeroizing::new(value), expires };
        at_desk(|desk| desk.kept.push(kept)).is_some()
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let kept = Self::taken(key)?;
        let session = kept.session.to_vec();
        // rustls keeps it on (RFC 5246 §F.1.4), so it goes back to the store if it was resumed and all went well.
        at_desk(|desk| desk.resumed = Some(kept));
        Some(session)
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        Self::taken(key).map(|kept| kept.session.to_vec())
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
        self.lifetime.hint()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut id = vec![0; 32];
        rand::fill(&mut id).ok()?;
        let expires = self.lifetime.end(SystemTime::now());
        at_desk(|desk| {
            // In TLS 1.2 rustls has just kept the session under its id, which does for a ticket too.
            if let Some(kept) = desk.kept.iter().find(|kept| kept.session.as_slice() == plain) {
                return kept.id.clone();
            }
            desk.kept.push(KeptSession { id: id.clone(), session: Zeroizing::new(plain.to_vec()), expires });
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
    pub(crate) expires: SystemTime,
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
    use polytls_api::Identity;

    use super::*;
    use crate::call::{Desk, with_desk};

    const MINUTE: Lifetime = Lifetime { length: Duration::from_secs(60), from_verification: false };
    const MINUTE_FROM_VERIFICATION: Lifetime = Lifetime { from_verification: true, ..MINUTE };

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// The desk of a connection that presents a certificate of its own.
    fn desk() -> Box<Desk> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let identity = Identity::from_der([made.cert.der().clone()], made.signing_key.serialize_der());
        Box::new(Desk { identity: Some(identity.unwrap()), ..Desk::default() })
    }

    /// The desk of another connection that presents the same.
    fn again(desk: &Desk) -> Box<Desk> {
        Box::new(Desk { identity: desk.identity.clone(), ..Desk::default() })
    }

    #[test]
    fn a_ticket_is_opened_within_its_lifetime_and_unchanged() {
        let tickets = SealedTickets::new(MINUTE).unwrap();
        assert_eq!(tickets.lifetime(), 60);
        with_desk(&mut desk(), || {
            let ticket = tickets.seal(b"session", at(1000)).unwrap();
            assert_eq!(tickets.open(&ticket, at(1060)).unwrap(), b"session");
            assert_eq!(tickets.open(&ticket, at(1061)), None);
            for offset in 0..ticket.len() {
                let mut changed = ticket.clone();
                changed[offset] ^= 1;
                assert_eq!(tickets.open(&changed, at(1000)), None, "offset {offset}");
            }
            for short in 0..ticket.len() {
                assert_eq!(tickets.open(&ticket[..short], at(1000)), None);
            }
            let others = SealedTickets::new(MINUTE).unwrap();
            assert_eq!(others.open(&ticket, at(1000)), None, "another configuration's ticket");
        });
    }

    #[test]
    fn where_clients_are_verified_what_comes_of_a_ticket_ends_with_it() {
        for (lifetime, at_1061) in [(MINUTE, true), (MINUTE_FROM_VERIFICATION, false)] {
            let tickets = SealedTickets::new(lifetime).unwrap();
            let mut first = desk();
            let (mut second, mut third) = (again(&first), again(&first));
            let ticket = with_desk(&mut first, || tickets.seal(b"first", at(1000)).unwrap());
            let renewed = with_desk(&mut second, || {
                tickets.open(&ticket, at(1050)).unwrap();
                tickets.seal(b"second", at(1050)).unwrap()
            });
            with_desk(&mut third, || {
                assert_eq!(tickets.open(&renewed, at(1060)).unwrap(), b"second");
                assert_eq!(tickets.open(&renewed, at(1061)).is_some(), at_1061);
            });
        }
    }

    #[test]
    fn where_clients_are_verified_what_comes_of_a_kept_session_ends_with_it() {
        let sessions = MemorySessions::new(MINUTE_FROM_VERIFICATION);
        let end = at(seconds(SystemTime::now()) + 10);
        let mut first = desk();
        first.session_end = Some(end);
        let mut second = again(&first);
        with_desk(&mut first, || assert!(sessions.put(b"id".to_vec(), b"session".to_vec())));
        with_desk(&mut second, || assert_eq!(sessions.take(b"id").unwrap(), b"session"));
        assert_eq!(second.session_end, Some(end));
    }

    #[test]
    fn a_session_is_good_under_the_certificate_under_which_it_began() {
        let (tickets, sessions) = (SealedTickets::new(MINUTE).unwrap(), MemorySessions::new(MINUTE));
        let mut one = desk();
        let ticket = with_desk(&mut one, || {
            assert!(sessions.put(b"id".to_vec(), b"session".to_vec()));
            tickets.encrypt(b"session").unwrap()
        });
        for (mut desk, is_good) in [(desk(), false), (again(&one), true)] {
            with_desk(&mut desk, || {
                assert_eq!(tickets.decrypt(&ticket).is_some(), is_good);
                assert_eq!(sessions.get(b"id").is_some(), is_good);
                assert_eq!(sessions.take(b"id").is_some(), is_good);
            });
        }
    }

    #[test]
    fn a_session_is_good_under_every_certificate_of_its_lineage() {
        let (tickets, sessions) = (SealedTickets::new(MINUTE).unwrap(), MemorySessions::new(MINUTE));
        let of = |lineage: &str| {
            let mut desk = desk();
            desk.identity = desk.identity.take().map(|identity| identity.with_lineage(lineage));
            desk
        };
        let ticket = with_desk(&mut of("one"), || {
            assert!(sessions.put(b"id".to_vec(), b"session".to_vec()));
            tickets.encrypt(b"session").unwrap()
        });
        for (lineage, is_good) in [("another", false), ("one", true)] {
            with_desk(&mut of(lineage), || {
                assert_eq!(tickets.decrypt(&ticket).is_some(), is_good);
                assert_eq!(sessions.take(b"id").is_some(), is_good);
            });
        }
    }

    #[test]
    fn a_used_up_key_seals_no_more() {
        let key = TicketKey::new().unwrap();
        key.sealed.store(MOST_PER_KEY - 1, Ordering::Relaxed);
        with_desk(&mut desk(), || {
            assert!(key.encrypt(b"the last").is_some());
            assert!(key.encrypt(b"one too many").is_none());
        });
    }

    #[test]
    fn a_kept_session_is_given_out_once_and_in_time() {
        let sessions = MemorySessions::new(MINUTE);
        with_desk(&mut desk(), || {
            assert!(sessions.put(b"id".to_vec(), b"session".to_vec()));
            assert_eq!(sessions.get(b"id").unwrap(), b"session");
            assert_eq!(sessions.take(b"id").unwrap(), b"session");
            assert_eq!(sessions.take(b"id"), None);
        });
        let dated = dated(b"session", at(1060)).to_vec();
        assert_eq!(in_time(dated.clone(), at(1060)).unwrap(), b"session");
        assert_eq!(in_time(dated, at(1061)), None);
    }
}
