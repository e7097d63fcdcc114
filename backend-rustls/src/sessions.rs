//! Sessions on a client, and how both sides meet the application's store.
//!
//! rustls looks sessions up and keeps them in the middle of its calls. The store is awaited before the first of them,
//! and after the call that left something for it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use polytls_api::{
    Background, Error, ProtocolSettings, ProtocolVersion, ReplayableData, ServerConfig, ServerName,
    SessionKey, SessionScope, SessionStore, StoredSession, Transport,
};
use rustls::{
    ClientConfig, NamedGroup,
    client::{
        ClientSessionMemoryCache, ClientSessionStore, ResolvesClientCert, Tls12ClientSessionValue,
        Tls13ClientSessionValue, danger::ServerCertVerifier,
    },
    pki_types,
};
use zeroize::Zeroizing;

use crate::{call::at_desk, tickets::KeptSession};

/// How many sessions of one server are remembered in memory: rustls's own number.
const SESSIONS_PER_SERVER: usize = 8;

/// How many sessions that a client offers are looked up.
const MOST_LOOKUPS: usize = 2;

/// RFC 8446 §4.6.1: no ticket is used for longer than seven days.
const LONGEST_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// RFC 5246 §F.1.4: no session of TLS 1.2 is used for longer. rustls holds it against the ticket's own lifetime.
const TLS12_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A session as rustls has it on a client.
#[derive(Debug)]
pub(crate) enum ClientSession {
    Tls12(Tls12ClientSessionValue),
    Tls13(Tls13ClientSessionValue),
}

impl ClientSession {
    /// Whether the server takes this much early data with it.
    pub(crate) fn allows(&self, early_data: &ReplayableData) -> bool {
        match self {
            Self::Tls12(_) => false,
            Self::Tls13(session) => early_data.as_bytes().len() <= session.max_early_data_size() as usize,
        }
    }
}

/// The sessions of one client configuration.
#[derive(Debug)]
pub(crate) struct ClientSessions {
    cache: ClientSessionMemoryCache,
    /// The application's store keeps them, and not the cache.
    stored: bool,
}

impl ClientSessions {
    pub(crate) fn new(servers: usize, stored: bool) -> Self {
        // rustls counts sessions, and divides by the number for each server.
        let cache = ClientSessionMemoryCache::new(servers * SESSIONS_PER_SERVER);
        Self { cache, stored }
    }

    /// Takes a session of TLS 1.3 out of the cache, to see what it allows.
    pub(crate) fn take_tls13(&self, name: &pki_types::ServerName<'static>) -> Option<ClientSession> {
        self.cache.take_tls13_ticket(name).map(ClientSession::Tls13)
    }
}

impl ClientSessionStore for ClientSessions {
    fn set_kx_hint(&self, server_name: pki_types::ServerName<'static>, group: NamedGroup) {
        self.cache.set_kx_hint(server_name, group);
    }

    fn kx_hint(&self, server_name: &pki_types::ServerName<'_>) -> Option<NamedGroup> {
        self.cache.kx_hint(server_name)
    }

    fn set_tls12_session(&self, server_name: pki_types::ServerName<'static>, value: Tls12ClientSessionValue) {
        match self.stored {
            true => drop(at_desk(|desk| desk.received = Some(ClientSession::Tls12(value)))),
            false => self.cache.set_tls12_session(server_name, value),
        }
    }

    fn tls12_session(&self, server_name: &pki_types::ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        let offered =
            at_desk(|desk| desk.offered.take_if(|offered| matches!(offered, ClientSession::Tls12(_))));
        match offered.flatten() {
            Some(ClientSession::Tls12(session)) => Some(session),
            _ if self.stored => None,
            _ => self.cache.tls12_session(server_name),
        }
    }

    fn remove_tls12_session(&self, server_name: &pki_types::ServerName<'static>) {
        self.cache.remove_tls12_session(server_name);
    }

    fn insert_tls13_ticket(
        &self,
        server_name: pki_types::ServerName<'static>,
        value: Tls13ClientSessionValue,
    ) {
        match self.stored {
            true => drop(at_desk(|desk| desk.received = Some(ClientSession::Tls13(value)))),
            false => self.cache.insert_tls13_ticket(server_name, value),
        }
    }

    fn take_tls13_ticket(
        &self,
        server_name: &pki_types::ServerName<'static>,
    ) -> Option<Tls13ClientSessionValue> {
        let offered =
            at_desk(|desk| desk.offered.take_if(|offered| matches!(offered, ClientSession::Tls13(_))));
        match offered.flatten() {
            Some(ClientSession::Tls13(session)) => Some(session),
            _ if self.stored => None,
            _ => self.cache.take_tls13_ticket(server_name),
        }
    }
}

/// The application's store, under the scope of one configuration.
#[derive(Clone)]
pub(crate) struct Store {
    store: Arc<dyn SessionStore>,
    scope: SessionScope,
}

impl Store {
    /// The configuration's store, if it has one.
    pub(crate) fn new(settings: &ProtocolSettings) -> Option<Self> {
        Some(Self { store: settings.session_store()?.clone(), scope: settings.session_scope()? })
    }

    async fn take(&self, key: &SessionKey) -> Option<StoredSession> {
        self.store.take(key).await.filter(|session| session.expires() > SystemTime::now())
    }
}

/// What rustls binds a client's sessions to: it resumes only under the very same verifier and identity.
///
/// Configurations of one scope have equal ones. So these go into the store with a session, and whoever takes it out
/// offers it under them.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) verifier: Arc<dyn ServerCertVerifier>,
    pub(crate) identity: Arc<dyn ResolvesClientCert>,
    /// The identity's key is in the hands of a signer, which another configuration may have another of.
    pub(crate) remote_key: bool,
}

impl Binding {
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.verifier, &other.verifier) && Arc::ptr_eq(&self.identity, &other.identity)
    }
}

/// What a client of one server has to do with the store.
pub(crate) struct ClientStore {
    store: Store,
    key: SessionKey,
    background: Background,
    binding: Binding,
}

/// What lies in the store. A session leaves it once, even if the store gives it out twice.
struct Stored {
    session: Mutex<Option<ClientSession>>,
    binding: Binding,
}

impl ClientStore {
    pub(crate) fn new(store: &Store, name: &ServerName, background: Background, binding: &Binding) -> Self {
        let key = store.scope.of_server(name);
        Self { store: store.clone(), key, background, binding: binding.clone() }
    }

    /// A session to offer to the server.
    pub(crate) async fn take(&mut self) -> Option<ClientSession> {
        let stored = self.store.take(&self.key).await?.downcast::<Stored>()?;
        if !self.binding.remote_key && !stored.binding.remote_key {
            self.binding = stored.binding.clone();
        }
        stored.session.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The configuration under which the session was taken.
    pub(crate) fn bind(&self, own: &Binding, config: Arc<ClientConfig>) -> Arc<ClientConfig> {
        if self.binding.is_same(own) {
            return config;
        }
        let mut bound = ClientConfig::clone(&config);
        bound.dangerous().set_certificate_verifier(self.binding.verifier.clone());
        bound.client_auth_cert_resolver = self.binding.identity.clone();
        Arc::new(bound)
    }

    /// Has a session stored that came with the handshake.
    pub(crate) fn keep_tls12(&self, session: ClientSession) {
        self.keep(session, TLS12_LIFETIME);
    }

    /// Has a session stored that the server has given, good for `lifetime`.
    pub(crate) fn keep(&self, session: ClientSession, lifetime: Duration) {
        let lifetime = lifetime.min(LONGEST_LIFETIME);
        // RFC 8446 §4.6.1: zero says that the ticket is to be discarded.
        if lifetime.is_zero() {
            return;
        }
        let stored = Stored { session: Mutex::new(Some(session)), binding: self.binding.clone() };
        let session = StoredSession::in_process(Arc::new(stored), SystemTime::now() + lifetime);
        let (store, key) = (self.store.store.clone(), self.key);
        self.background.add(async move { store.store(key, session).await });
    }
}

/// What a server has to do with the store.
pub(crate) struct ServerStore {
    store: Store,
    tls13: bool,
}

impl ServerStore {
    /// The configuration's store, if it has one.
    pub(crate) fn new(config: &ServerConfig) -> Option<Self> {
        let store = Store::new(config.protocol())?;
        let tls13 = config.protocol().versions().contains(&ProtocolVersion::Tls13);
        Some(Self { store, tls13 })
    }

    /// Under what a session is stored: its id, and the identity that is presented.
    fn key(&self, presented: [u8; 32], id: &[u8]) -> SessionKey {
        self.store.scope.of_id(&[id, &presented].concat())
    }

    /// The sessions that the client would resume: the first two at most.
    pub(crate) async fn take(
        &self,
        presented: [u8; 32],
        transport: &mut Transport<'_>,
    ) -> Result<Vec<KeptSession>, Error> {
        let hello = transport.client_hello().await?;
        let mut ids: Vec<&[u8]> = Vec::new();
        if self.tls13 && hello.offers_version(ProtocolVersion::Tls13) {
            ids.extend(hello.psk_identities().map(|psk| psk.identity).take(MOST_LOOKUPS));
        } else {
            // RFC 5077 §3.4: with a ticket, the session's id is the client's own.
            let ticket = hello.session_ticket().filter(|ticket| !ticket.is_empty());
            ids.push(ticket.unwrap_or(hello.legacy_session_id()));
        }
        let mut taken = Vec::new();
        for id in ids.into_iter().filter(|id| !id.is_empty()) {
            let Some(stored) = self.store.take(&self.key(presented, id)).await else { continue };
            if let Some(bytes) = stored.to_bytes() {
                let session = Zeroizing::new(bytes.to_vec());
                taken.push(KeptSession { id: id.to_vec(), session, expires: stored.expires() });
            }
        }
        Ok(taken)
    }

    /// Stores what rustls has kept, or what was taken and is still good.
    pub(crate) async fn keep(&self, presented: [u8; 32], kept: impl IntoIterator<Item = KeptSession>) {
        for mut kept in kept {
            let session = std::mem::take(&mut *kept.session);
            let session = StoredSession::from_bytes(session, kept.expires);
            self.store.store.store(self.key(presented, &kept.id), session).await;
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

impl fmt::Debug for ServerStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding").field("remote_key", &self.remote_key).finish_non_exhaustive()
    }
}
