//! What a server remembers of early data that it took, so that it takes none twice (RFC 8446 §8.2).
//!
//! A hello is fresh for no longer than the age that it tells may be wrong in either direction; for that long its ticket
//! is remembered. The memory is bounded, and what does not fit is refused: a flood costs honest clients their early
//! data, and no more.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use crate::crypto::HashAlgorithm;

/// How many hellos are remembered in each of two spans of time: 1 MiB in each.
const MOST: usize = 32_768;

/// The first half of a ticket's digest: 2^64 tickets until two are likely to share it, which costs one early data.
type Fingerprint = [u8; 16];

/// Hellos that brought early data.
pub(super) struct ReplayStore {
    span: Duration,
    seen: Mutex<Seen>,
}

struct Seen {
    /// When the current span began; `None` before the first hello.
    began: Option<SystemTime>,
    current: HashSet<Fingerprint>,
    previous: HashSet<Fingerprint>,
}

impl ReplayStore {
    /// A store for hellos whose age may be wrong by `tolerance` in either direction.
    pub(super) fn new(tolerance: Duration) -> Self {
        let seen = Seen { began: None, current: HashSet::new(), previous: HashSet::new() };
        Self { span: 2 * tolerance, seen: Mutex::new(seen) }
    }

    /// Whether no hello with this ticket was there before, and this one is remembered now.
    pub(super) fn is_new(&self, ticket: &[u8], now: SystemTime) -> bool {
        let digest = HashAlgorithm::Sha256.hash(ticket);
        let Some(&fingerprint) = digest.as_ref().first_chunk() else { return false };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.turn(self.span, now);
        if seen.current.contains(&fingerprint) || seen.previous.contains(&fingerprint) {
            return false;
        }
        // RFC 8446 §8: what cannot be remembered is not accepted.
        seen.current.len() < MOST && seen.current.insert(fingerprint)
    }
}

impl Seen {
    /// Forgets what is older than one whole span. A clock that was set back keeps the span going.
    fn turn(&mut self, span: Duration, now: SystemTime) {
        let began = *self.began.get_or_insert(now);
        let age = now.duration_since(began).unwrap_or_default();
        if age < span {
            return;
        }
        self.previous = std::mem::take(&mut self.current);
        if age >= 2 * span {
            self.previous = HashSet::new();
        }
        self.began = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_hello_is_new_once_for_as_long_as_it_can_be_fresh() {
        for first in [1000, 1019, 1020, 1030] {
            let store = ReplayStore::new(Duration::from_secs(10));
            assert!(store.is_new(b"another", at(1000)));
            assert!(store.is_new(b"ticket", at(first)));
            for later in first..=first + 20 {
                assert!(!store.is_new(b"ticket", at(later)), "first {first}, then {later}");
            }
        }
    }

    #[test]
    fn what_is_old_is_forgotten() {
        let store = ReplayStore::new(Duration::from_secs(10));
        assert!(store.is_new(b"ticket", at(1000)));
        assert!(store.is_new(b"ticket", at(1040)));
        let seen = store.seen.lock().unwrap();
        assert_eq!((seen.current.len(), seen.previous.len()), (1, 0));
    }

    #[test]
    fn a_full_store_refuses_until_there_is_room() {
        let store = ReplayStore::new(Duration::from_secs(10));
        for number in 0..MOST {
            assert!(store.is_new(&number.to_be_bytes(), at(1000)));
        }
        assert!(!store.is_new(b"one too many", at(1000)));
        assert!(!store.is_new(b"one too many", at(1019)));
        assert!(store.is_new(b"one too many", at(1020)));
        assert!(!store.is_new(&7_usize.to_be_bytes(), at(1020)), "one of the full span was forgotten");
    }

    #[test]
    fn a_clock_that_is_set_back_forgets_nothing() {
        let store = ReplayStore::new(Duration::from_secs(10));
        assert!(store.is_new(b"ticket", at(1000)));
        assert!(!store.is_new(b"ticket", at(500)));
    }
}
