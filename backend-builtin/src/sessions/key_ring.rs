//! The keys under which a server seals its tickets: each seals for one lifetime, and opens for one more.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::{Duration, SystemTime},
};

use polytls_api::ConfigError;
use zeroize::Zeroizing;

use crate::{NAME, crypto::TicketKey, error::Fault};

/// The key that seals, and the one before it.
pub(super) struct KeyRing {
    lifetime: Duration,
    keys: RwLock<Keys>,
}

struct Keys {
    current: Arc<Key>,
    /// It has sealed what may still be good.
    previous: Option<Arc<Key>>,
}

struct Key {
    key: TicketKey,
    born: SystemTime,
}

impl Key {
    fn new(now: SystemTime) -> Result<Arc<Self>, Fault> {
        Ok(Arc::new(Self { key: TicketKey::generate()?, born: now }))
    }
}

impl KeyRing {
    pub(super) fn new(lifetime: Duration, now: SystemTime) -> Result<Self, ConfigError> {
        let current = Key::new(now).map_err(|_| ConfigError::Backend {
            backend: NAME,
            reason: "there are no random bytes for a ticket key".into(),
        })?;
        Ok(Self { lifetime, keys: RwLock::new(Keys { current, previous: None }) })
    }

    pub(super) fn seal(&self, session: &[u8], now: SystemTime) -> Result<Vec<u8>, Fault> {
        let current = self.keys().current.clone();
        let is_old = now.duration_since(current.born).is_ok_and(|age| age >= self.lifetime);
        let key = if is_old { self.replace(&current, now)? } else { current };
        // A key that has sealed as much as it may says so.
        key.key.seal(session).or_else(|_| self.replace(&key, now)?.key.seal(session))
    }

    pub(super) fn open(&self, ticket: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let keys = self.keys();
        let all = [Some(keys.current.clone()), keys.previous.clone()];
        drop(keys);
        all.iter().flatten().find_map(|key| key.key.open(ticket))
    }

    /// The key after `used`, which another call may have put in its place already.
    fn replace(&self, used: &Arc<Key>, now: SystemTime) -> Result<Arc<Key>, Fault> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(used, &keys.current) {
            let next = Key::new(now)?;
            keys.previous = Some(std::mem::replace(&mut keys.current, next));
        }
        Ok(keys.current.clone())
    }

    fn keys(&self) -> RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn ring() -> KeyRing {
        KeyRing::new(Duration::from_secs(60), at(1000)).unwrap()
    }

    #[test]
    fn a_key_seals_for_one_lifetime_and_opens_for_one_more() {
        let ring = ring();
        let first = ring.seal(b"first", at(1059)).unwrap();
        let second = ring.seal(b"second", at(1060)).unwrap();
        assert_eq!(**ring.open(&first).unwrap(), *b"first");
        assert_eq!(**ring.open(&second).unwrap(), *b"second");
        ring.seal(b"third", at(1120)).unwrap();
        assert!(ring.open(&first).is_none(), "its key is still there");
        assert_eq!(**ring.open(&second).unwrap(), *b"second");
    }

    #[test]
    fn a_key_is_replaced_once_by_however_many_find_it_old() {
        let ring = ring();
        let first = ring.seal(b"first", at(1000)).unwrap();
        let used = ring.keys().current.clone();
        let next = ring.replace(&used, at(1001)).unwrap();
        assert!(Arc::ptr_eq(&next, &ring.replace(&used, at(1001)).unwrap()));
        assert_eq!(**ring.open(&first).unwrap(), *b"first");
    }

    #[test]
    fn a_changed_ticket_and_one_of_another_ring_are_not_opened() {
        let ring = ring();
        let ticket = ring.seal(b"session", at(1000)).unwrap();
        for offset in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[offset] ^= 1;
            assert!(ring.open(&changed).is_none(), "offset {offset}");
            assert!(ring.open(&ticket[..offset]).is_none(), "the first {offset} bytes");
        }
        let other = KeyRing::new(Duration::from_secs(60), at(1000)).unwrap();
        assert!(other.open(&ticket).is_none());
    }
}
