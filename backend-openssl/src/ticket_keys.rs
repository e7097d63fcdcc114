//! The keys of a server's tickets: renewed as often as sessions expire, and the last ones kept as long.
//!
//! Whoever takes a key that never changes can read every connection that its tickets ever resumed
//! (RFC 8446 appendix C.4).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use openssl::{error::ErrorStack, memcmp, rand::rand_bytes};
use zeroize::Zeroizing;

/// The length of a key's name, which stands in front of its tickets.
pub(crate) const NAME_LEN: usize = 16;

/// What seals a ticket: AES-256-CBC and then HMAC with SHA-256.
pub(crate) struct TicketKey {
    pub(crate) name: [u8; NAME_LEN],
    pub(crate) cipher_key: Zeroizing<[u8; 32]>,
    pub(crate) mac_key: Zeroizing<[u8; 32]>,
}

impl TicketKey {
    fn generate() -> Result<Arc<Self>, ErrorStack> {
        let mut key = Self {
            name: [0; NAME_LEN],
            cipher_key: Zeroizing::new([0; 32]),
            mac_key: Zeroizing::new([0; 32]),
        };
        rand_bytes(&mut key.name)?;
        rand_bytes(&mut *key.cipher_key)?;
        rand_bytes(&mut *key.mac_key)?;
        Ok(Arc::new(key))
    }
}

/// What opens a ticket.
pub(crate) enum Opening {
    /// Nothing: it is another server's, or from long ago.
    Unknown,
    Current(Arc<TicketKey>),
    /// The session may be resumed, and wants a new ticket.
    Previous(Arc<TicketKey>),
}

/// The ticket keys of one configuration.
pub(crate) struct TicketKeys {
    lifetime: Duration,
    keys: Mutex<Keys>,
}

struct Keys {
    current: Arc<TicketKey>,
    since: Instant,
    previous: Option<Arc<TicketKey>>,
}

impl TicketKeys {
    /// Keys for sessions that may be resumed for this long.
    pub(crate) fn new(lifetime: Duration) -> Result<Self, ErrorStack> {
        let keys = Keys { current: TicketKey::generate()?, since: Instant::now(), previous: None };
        Ok(Self { lifetime, keys: Mutex::new(keys) })
    }

    /// The key for a new ticket.
    pub(crate) fn sealing(&self) -> Result<Arc<TicketKey>, ErrorStack> {
        self.sealing_at(Instant::now())
    }

    /// The key of a ticket, by the name in front of it.
    pub(crate) fn opening(&self, name: &[u8]) -> Opening {
        self.opening_at(name, Instant::now())
    }

    fn sealing_at(&self, now: Instant) -> Result<Arc<TicketKey>, ErrorStack> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.saturating_duration_since(keys.since);
        if age >= self.lifetime {
            let replaced = std::mem::replace(&mut keys.current, TicketKey::generate()?);
            // A key that was last used longer ago than sessions live has no ticket left to open.
            keys.previous = Some(replaced).filter(|_| age < self.lifetime * 2);
            keys.since = now;
        }
        Ok(keys.current.clone())
    }

    fn opening_at(&self, name: &[u8], now: Instant) -> Opening {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.saturating_duration_since(keys.since);
        let is = |key: &TicketKey| name.len() == NAME_LEN && memcmp::eq(&key.name, name);
        match &keys.previous {
            _ if is(&keys.current) && age < self.lifetime => Opening::Current(keys.current.clone()),
            _ if is(&keys.current) => Opening::Previous(keys.current.clone()),
            Some(previous) if is(previous) && age < self.lifetime => Opening::Previous(previous.clone()),
            _ => Opening::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_renewed_and_the_last_ones_still_open() {
        const LIFETIME: Duration = Duration::from_secs(10);
        let keys = TicketKeys::new(LIFETIME).unwrap();
        let start = Instant::now();
        let first = keys.sealing_at(start).unwrap();
        assert!(matches!(keys.opening_at(&first.name, start), Opening::Current(_)));
        let second = keys.sealing_at(start + LIFETIME * 3 / 2).unwrap();
        assert_ne!(first.name, second.name);
        assert_ne!(first.cipher_key, second.cipher_key);
        let soon = start + LIFETIME * 2;
        assert!(matches!(keys.opening_at(&first.name, soon), Opening::Previous(_)));
        assert!(matches!(keys.opening_at(&second.name, soon), Opening::Current(_)));
        let third = keys.sealing_at(start + LIFETIME * 3).unwrap();
        assert!(matches!(keys.opening_at(&first.name, start + LIFETIME * 3), Opening::Unknown));
        assert!(matches!(keys.opening_at(&second.name, start + LIFETIME * 3), Opening::Previous(_)));
        assert_ne!(second.name, third.name);
        assert!(matches!(keys.opening_at(&[], start), Opening::Unknown));
    }

    #[test]
    fn a_key_that_nobody_used_for_long_opens_nothing() {
        const LIFETIME: Duration = Duration::from_secs(10);
        let keys = TicketKeys::new(LIFETIME).unwrap();
        let start = Instant::now();
        let first = keys.sealing_at(start).unwrap();
        keys.sealing_at(start + LIFETIME * 3).unwrap();
        assert!(matches!(keys.opening_at(&first.name, start + LIFETIME * 3), Opening::Unknown));
    }
}
