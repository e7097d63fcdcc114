//! Where sessions are kept between connections: the application's store, or one in memory.

use std::{
    any::Any,
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Backend, ServerName};

/// How many sessions [`MemorySessionStore`] keeps under one key: what a client got from one server.
const SESSIONS_PER_KEY: usize = 8;

/// Keeps sessions for resumption (RFC 8446 §2.2, RFC 5246 §7.4.1.2).
///
/// On a client a session is stored under its server's name and taken for the next connection to it. On a server it is
/// stored under its id, which is then the ticket. A store sees opaque sessions under opaque keys: it cannot hand one
/// to another backend, or to a configuration that trusts otherwise, for their keys differ.
#[async_trait]
pub trait SessionStore: fmt::Debug + Send + Sync {
    /// Keeps a session at most until it expires. A key may have several; the newest is wanted first. A store may
    /// forget any at any time: that costs a full handshake, and no more.
    async fn store(&self, key: SessionKey, session: StoredSession);

    /// Takes a session out: what is taken once is not there again (RFC 8446 appendix C.4 and §8.1).
    ///
    /// A TLS 1.2 session that proved good is stored again by the backend.
    async fn take(&self, key: &SessionKey) -> Option<StoredSession>;
}

/// Under what a session is stored: a digest of backend and version, role, security-relevant configuration, and peer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionKey([u8; 32]);

impl SessionKey {
    /// The key as bytes, for a store that needs them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What all sessions of one configuration have in common: no other configuration's keys are the same.
///
/// Two configurations with equal options have equal scopes, in other processes too. With a verifier of the
/// application's, whose policy nobody else can know, only clones of one configuration have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionScope([u8; 32]);

impl SessionScope {
    /// A client's key for the sessions of this server.
    pub fn of_server(&self, name: &ServerName) -> SessionKey {
        self.key("server", name.to_string().as_bytes())
    }

    /// A server's key for the session of this id.
    pub fn of_id(&self, id: &[u8]) -> SessionKey {
        self.key("id", id)
    }

    fn key(&self, label: &str, of: &[u8]) -> SessionKey {
        SessionKey(ScopeDigest(Sha256::new()).with("scope", self.0).with(label, of).finish())
    }
}

/// Collects what makes a scope. Every part is told apart by its label and length.
pub(crate) struct ScopeDigest(Sha256);

impl ScopeDigest {
    pub(crate) fn new(backend: &dyn Backend, role: &str) -> Self {
        let info = backend.info();
        Self(Sha256::new())
            .with("backend", info.name)
            .with("library", info.library)
            .with("crypto", info.crypto)
            .with("role", role)
    }

    pub(crate) fn with(mut self, label: &str, part: impl AsRef<[u8]>) -> Self {
        for bytes in [label.as_bytes(), part.as_ref()] {
            self.0.update((bytes.len() as u64).to_be_bytes());
            self.0.update(bytes);
        }
        self
    }

    pub(crate) fn scope(self) -> SessionScope {
        SessionScope(self.finish())
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// A session as a backend left it. It holds the secrets that resume it, and never shows them.
#[derive(Clone)]
pub struct StoredSession {
    content: Content,
    expires: SystemTime,
}

#[derive(Clone)]
enum Content {
    Bytes(Arc<Zeroizing<Vec<u8>>>),
    InProcess(Arc<dyn Any + Send + Sync>),
}

impl StoredSession {
    /// A session in its backend's encoding, or as [`to_bytes`](Self::to_bytes) gave it in whatever process.
    pub fn from_bytes(bytes: Vec<u8>, expires: SystemTime) -> Self {
        Self { content: Content::Bytes(Arc::new(Zeroizing::new(bytes))), expires }
    }

    /// A session that its backend's library cannot encode: it lives as long as this process.
    pub fn in_process(session: Arc<dyn Any + Send + Sync>, expires: SystemTime) -> Self {
        Self { content: Content::InProcess(session), expires }
    }

    /// The secret bytes, for a store outside this process; `None` where the library cannot encode the session.
    pub fn to_bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Bytes(bytes) => Some(bytes),
            Content::InProcess(_) => None,
        }
    }

    /// The session of this type, of those that cannot be encoded.
    pub fn downcast<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        match &self.content {
            Content::Bytes(_) => None,
            Content::InProcess(session) => session.clone().downcast().ok(),
        }
    }

    /// When it must have been forgotten.
    pub fn expires(&self) -> SystemTime {
        self.expires
    }
}

impl fmt::Debug for StoredSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredSession").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// Sessions in memory, up to a number of keys; of more, the oldest go.
#[derive(Debug)]
pub struct MemorySessionStore {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The sessions of each key, and when it came.
    sessions: HashMap<SessionKey, (u64, VecDeque<StoredSession>)>,
    /// The keys in the order in which they came.
    keys: BTreeMap<u64, SessionKey>,
    came: u64,
}

impl MemorySessionStore {
    /// A store for this many servers (of a client) or sessions (of a server).
    pub fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }
}

#[async_trait]
impl SessionStore for MemorySessionStore {
    async fn store(&self, key: SessionKey, session: StoredSession) {
        if self.most == 0 {
            return;
        }
        let kept = &mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.sessions.contains_key(&key) {
            if kept.keys.len() >= self.most
                && let Some((_, oldest)) = kept.keys.pop_first()
            {
                kept.sessions.remove(&oldest);
            }
            kept.came += 1;
            kept.keys.insert(kept.came, key);
        }
        let (_, sessions) = kept.sessions.entry(key).or_insert_with(|| (kept.came, VecDeque::new()));
        if sessions.len() == SESSIONS_PER_KEY {
            sessions.pop_front();
        }
        sessions.push_back(session);
    }

    async fn take(&self, key: &SessionKey) -> Option<StoredSession> {
        let kept = &mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (came, sessions) = kept.sessions.get_mut(key)?;
        let newest = sessions.pop_back();
        if sessions.is_empty() {
            kept.keys.remove(came);
            kept.sessions.remove(key);
        }
        newest.filter(|session| session.expires > SystemTime::now())
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use std::time::Duration;

    use super::*;

    fn session(byte: u8) -> StoredSession {
        StoredSession::from_bytes(vec![byte], SystemTime::now() + Duration::from_secs(60))
    }

    fn key(id: &[u8]) -> SessionKey {
        SessionScope([0; 32]).of_id(id)
    }

    #[tokio::test]
    async fn the_newest_is_taken_first_and_only_once() {
        let store = MemorySessionStore::new(2);
        store.store(key(b"a"), session(1)).await;
        store.store(key(b"a"), session(2)).await;
        for expected in [Some([2].as_slice()), Some([1].as_slice()), None] {
            let taken = store.take(&key(b"a")).await;
            assert_eq!(taken.as_ref().and_then(StoredSession::to_bytes), expected);
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_the_oldest_key_goes() {
        let store = MemorySessionStore::new(2);
        for id in 0..5 {
            for byte in 0..20 {
                store.store(key(&[id]), session(byte)).await;
            }
        }
        let kept = store.kept.lock().unwrap();
        assert_eq!((kept.sessions.len(), kept.keys.len()), (2, 2));
        assert!(kept.sessions.values().all(|(_, sessions)| sessions.len() == SESSIONS_PER_KEY));
        assert!(kept.sessions.contains_key(&key(&[4])) && kept.sessions.contains_key(&key(&[3])));
    }

    #[tokio::test]
    async fn an_expired_session_is_not_given_out() {
        let store = MemorySessionStore::new(2);
        store.store(key(b"a"), StoredSession::from_bytes(vec![1], SystemTime::UNIX_EPOCH)).await;
        assert!(store.take(&key(b"a")).await.is_none());
    }

    #[test]
    fn parts_of_a_scope_do_not_run_into_one_another() {
        let digest = |parts: &[&str]| {
            let start = ScopeDigest(Sha256::new());
            parts.iter().fold(start, |digest, part| digest.with("part", part)).finish()
        };
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["ab"]), digest(&["ab", ""]));
    }
}
