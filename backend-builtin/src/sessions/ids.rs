//! Sessions of TLS 1.2 under ids (RFC 5246 §7.4.1.3), for clients that take no tickets.
//!
//! They lie as they would in a ticket. Unlike a ticket's, their room is the server's, so it is bounded.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use zeroize::Zeroizing;

use super::server::ID_LEN;

/// How many sessions are kept; of more, the oldest go.
const MOST: usize = 1024;

/// A session takes some hundred bytes, and more with a client's chain; one with a longer chain is not kept.
const LONGEST: usize = 16 * 1024;

type Id = [u8; ID_LEN];

/// The sessions of a server that has no store.
#[derive(Default)]
pub(super) struct Ids(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    sessions: HashMap<Id, Zeroizing<Vec<u8>>>,
    /// The ids in the order in which they came.
    order: VecDeque<Id>,
}

impl Ids {
    /// Keeps a session. What is under something else than an id, a ticket, needs no room here.
    pub(super) fn keep(&self, id: &[u8], session: Zeroizing<Vec<u8>>) {
        let Ok(id) = Id::try_from(id) else { return };
        if session.len() > LONGEST {
            return;
        }
        let mut kept = self.kept();
        if kept.sessions.insert(id, session).is_some() {
            return;
        }
        kept.order.push_back(id);
        if kept.order.len() > MOST
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.sessions.remove(&oldest);
        }
    }

    /// The session of this id, which stays: in TLS 1.2 it may go on more than once.
    pub(super) fn find(&self, id: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.kept().sessions.get(&Id::try_from(id).ok()?).cloned()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> Id {
        let mut id = [0; ID_LEN];
        id[..8].copy_from_slice(&number.to_be_bytes());
        id
    }

    #[test]
    fn a_session_is_found_again_and_again() {
        let ids = Ids::default();
        ids.keep(&id(1), Zeroizing::new(vec![1]));
        assert_eq!(ids.find(&id(1)).as_deref(), Some(&vec![1]));
        assert_eq!(ids.find(&id(1)).as_deref(), Some(&vec![1]));
        assert!(ids.find(&id(2)).is_none() && ids.find(b"short").is_none());
        ids.keep(&id(2), Zeroizing::new(vec![0; LONGEST + 1]));
        assert!(ids.find(&id(2)).is_none(), "it is too long");
    }

    #[test]
    fn of_too_many_the_oldest_goes() {
        let ids = Ids::default();
        for number in 0..MOST {
            ids.keep(&id(number), Zeroizing::new(vec![1]));
        }
        ids.keep(&id(0), Zeroizing::new(vec![2]));
        assert_eq!(ids.find(&id(0)).as_deref(), Some(&vec![2]), "kept again is not one more");
        ids.keep(&id(MOST), Zeroizing::new(vec![1]));
        assert!(ids.find(&id(0)).is_none());
        assert!(ids.find(&id(1)).is_some() && ids.find(&id(MOST)).is_some());
        let kept = ids.kept();
        assert_eq!((kept.sessions.len(), kept.order.len()), (MOST, MOST));
    }
}
