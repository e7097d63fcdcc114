//! Sessions in a store: offered from there, looked up there, and kept there.
//!
//! OpenSSL asks for a session, and brings one, in the middle of a call, where nobody can await. What it may ask for is
//! taken from the store before the call, and what it brought is stored after it.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use openssl::ssl::{SslRef, SslSession, SslVersion};
use polytls_api::{
    Background, ClientHello, MemorySessionStore, ProtocolSettings, ServerName, SessionKey, SessionScope,
    SessionStore, StoredSession,
};

use crate::{connection::Connection, ffi};

/// How many of the sessions that a client names are looked for.
const MOST_NAMED: usize = 2;

/// How many sessions one call may bring; of a peer that sends more tickets than these at once, the others are lost.
const MOST_NEW: usize = 16;

/// A store, with what the keys of one configuration have in common.
#[derive(Clone)]
pub(crate) struct Store {
    store: Arc<dyn SessionStore>,
    scope: SessionScope,
}

impl Store {
    /// The application's store, or else this one.
    pub(crate) fn of(settings: &ProtocolSettings, own: Option<MemorySessionStore>) -> Option<Self> {
        let own = || Some(Arc::new(own?) as Arc<dyn SessionStore>);
        let store = settings.session_store().cloned().or_else(own)?;
        Some(Self { store, scope: settings.session_scope()? })
    }

    /// A client's session with this server.
    pub(crate) async fn take_for_server(&self, name: &ServerName) -> Option<StoredSession> {
        self.take(&self.scope.of_server(name)).await
    }

    /// A server's sessions that this client names, under their ids; `by_session_id` where there may be one of TLS 1.2.
    pub(crate) async fn take_for_client(
        &self,
        hello: &ClientHello,
        by_session_id: bool,
    ) -> Vec<(Vec<u8>, SslSession)> {
        let mut named: Vec<Vec<u8>> =
            hello.psk_identities().take(MOST_NAMED).map(|psk| psk.identity.to_vec()).collect();
        if named.is_empty() && by_session_id && !hello.legacy_session_id().is_empty() {
            named.push(hello.legacy_session_id().to_vec());
        }
        let mut found = Vec::new();
        for id in named {
            let taken = self.take(&self.scope.of_id(&id)).await;
            let session = taken.and_then(|taken| SslSession::from_der(taken.to_bytes()?).ok());
            // What a store hands out under a wrong id is not the session that was asked for.
            found.extend(session.filter(|session| session.id() == id).map(|session| (id, session)));
        }
        found
    }

    /// Keeps a server's sessions for as long as they may be resumed.
    pub(crate) async fn keep(&self, sessions: Vec<SslSession>, lifetime: Duration) {
        for session in sessions {
            if let Ok(encoded) = session.to_der() {
                let stored = StoredSession::from_bytes(encoded, SystemTime::now() + lifetime);
                self.store.store(self.scope.of_id(session.id()), stored).await;
            }
        }
    }

    async fn take(&self, key: &SessionKey) -> Option<StoredSession> {
        let taken = self.store.take(key).await;
        taken.filter(|session| session.expires() > SystemTime::now())
    }
}

/// The sessions of one connection whose configuration has a store.
#[derive(Default)]
pub(crate) struct ConnectionSessions {
    /// On a server: what the client named, under its ids.
    found: Vec<(Vec<u8>, SslSession)>,
    new: Mutex<Vec<SslSession>>,
}

impl ConnectionSessions {
    pub(crate) fn new(found: Vec<(Vec<u8>, SslSession)>) -> Self {
        Self { found, new: Mutex::default() }
    }

    /// The session of this id, of those that the client named.
    pub(crate) fn find(&self, id: &[u8]) -> Option<SslSession> {
        self.found.iter().find(|(known, _)| known == id).map(|(_, session)| session.clone())
    }

    /// The connection has a new session.
    pub(crate) fn add(&self, session: SslSession) {
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        if new.len() < MOST_NEW {
            new.push(session);
        }
    }

    /// What is new since the last call.
    pub(crate) fn take_new(&self) -> Vec<SslSession> {
        mem::take(&mut *self.new.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The handshake is complete. A TLS 1.2 session may be resumed more than once (RFC 5246 §7.3): one that was taken
    /// from the store and has just proved good goes back.
    pub(crate) fn put_back(&self, ssl: &SslRef) {
        if ssl.session_reused() && ssl.version2() == Some(SslVersion::TLS1_2) {
            self.new
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(ssl.session().map(ToOwned::to_owned));
        }
    }
}

/// Where the sessions of a client's established connection go.
pub(crate) struct Keeper {
    store: Arc<dyn SessionStore>,
    key: SessionKey,
    pub(crate) background: Background,
}

impl Keeper {
    pub(crate) fn new(store: &Store, name: &ServerName) -> Self {
        let key = store.scope.of_server(name);
        Self { store: store.store.clone(), key, background: Background::default() }
    }

    /// Has the driver of the connection store what is new.
    pub(crate) fn keep_new(&self, ssl: &SslRef) {
        let sessions = Connection::of(ssl).and_then(|connection| connection.stored_sessions.as_ref());
        let new = sessions.map(ConnectionSessions::take_new).unwrap_or_default();
        for session in new.into_iter().filter(|session| ffi::is_live(session)) {
            let Ok(encoded) = session.to_der() else { continue };
            let stored = StoredSession::from_bytes(encoded, SystemTime::now() + ffi::lifetime(&session));
            let (store, key) = (self.store.clone(), self.key);
            self.background.add(async move { store.store(key, stored).await });
        }
    }
}
