//! Sessions on a client (RFC 8446 §4.6.1, RFC 5246 §7.4.1.2): the latest of each server, each used once.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use polytls_api::{
    Background, CertificateChain, CipherSuite, ClientConfig, ProtocolVersion, ServerName, SessionScope,
    SessionStore, StoredSession,
};

use super::encoding;
use crate::crypto::Secret;

/// How many servers' sessions are kept, unless the configuration says otherwise.
const SERVERS: usize = 256;

/// How many sessions of one server are kept; of more, the oldest go.
const SESSIONS_PER_SERVER: usize = 8;

/// RFC 8446 §4.6.1: no ticket is used for longer than seven days.
const LONGEST_TLS13: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// RFC 8446 §4.6.1: tickets that come with resumed connections must not put off for ever that the server is verified
/// anew. Whatever it was given in between, nobody resumes for longer than this.
const LONGEST_UNVERIFIED: Duration = LONGEST_TLS13;

/// RFC 5246 §F.1.4: no session of TLS 1.2 is used for longer.
const LONGEST_TLS12: Duration = Duration::from_secs(24 * 60 * 60);

/// What a client needs to resume.
#[derive(Clone, Debug)]
pub(crate) struct ClientSession {
    pub(crate) version: ProtocolVersion,
    pub(crate) suite: CipherSuite,
    /// TLS 1.3: the PSK of the ticket. TLS 1.2: the master secret.
    pub(crate) secret: Secret,
    /// Empty in TLS 1.2 where the server gave an id alone.
    pub(crate) ticket: Vec<u8>,
    /// TLS 1.2 only.
    pub(crate) session_id: Vec<u8>,
    pub(crate) obtained: SystemTime,
    /// When the server's certificate was verified: in this handshake, or in that which all between then and now resume.
    pub(crate) verified: SystemTime,
    /// As the server says; how long a session is used at most is seen to when it is kept.
    pub(crate) lifetime: Duration,
    /// TLS 1.3 only.
    pub(crate) age_add: u32,
    /// 0 for none.
    pub(crate) max_early_data: u32,
    pub(crate) alpn: Option<Arc<[u8]>>,
    /// What the server presented when the session began, its own certificate first.
    pub(crate) peer_chain: CertificateChain,
    /// TLS 1.2 (RFC 7627).
    pub(crate) extended_master_secret: bool,
}

impl ClientSession {
    /// When it is used no more; `None` where it is not to be kept at all.
    fn expires(&self) -> Option<SystemTime> {
        let lifetime = match self.version {
            // RFC 8446 §4.6.1: zero says that the ticket is to be discarded.
            ProtocolVersion::Tls13 if self.lifetime.is_zero() => return None,
            ProtocolVersion::Tls13 => self.lifetime.min(LONGEST_TLS13),
            // RFC 5077 §3.3: zero says nothing.
            _ if self.lifetime.is_zero() => LONGEST_TLS12,
            _ => self.lifetime.min(LONGEST_TLS12),
        };
        let end = self.obtained.checked_add(lifetime)?;
        Some(end.min(self.verified.checked_add(LONGEST_UNVERIFIED)?))
    }

    /// The age to offer it with (RFC 8446 §4.2.11.1): milliseconds since it came, and what hides them.
    pub(crate) fn obfuscated_ticket_age(&self, now: SystemTime) -> u32 {
        let age = now.duration_since(self.obtained).unwrap_or_default();
        // Modulo 2^32 is what the RFC says.
        (age.as_millis() as u32).wrapping_add(self.age_add)
    }
}

/// The sessions of one client configuration. Clones share them.
#[derive(Clone)]
pub(crate) struct ClientSessions(Arc<Place>);

enum Place {
    Memory(Mutex<Memory>),
    Store(Arc<dyn SessionStore>, SessionScope),
}

impl ClientSessions {
    pub(crate) fn new(config: &ClientConfig) -> Self {
        let settings = config.protocol();
        Self(Arc::new(match (settings.session_store(), settings.session_scope()) {
            (Some(store), Some(scope)) => Place::Store(store.clone(), scope),
            _ => {
                let most = config.session_cache_size().unwrap_or(SERVERS);
                Place::Memory(Mutex::new(Memory::new(most)))
            }
        }))
    }

    /// Takes the newest session with this server that may still be used: it is not there again.
    ///
    /// A session of TLS 1.2 that proved good goes back with [`keep_in`](Self::keep_in) or [`keep`](Self::keep).
    pub(crate) async fn take(&self, name: &ServerName) -> Option<ClientSession> {
        let now = SystemTime::now();
        match &*self.0 {
            Place::Memory(memory) => lock(memory).take(name, now),
            Place::Store(store, scope) => {
                let stored = store.take(&scope.of_server(name)).await?;
                let session = encoding::decode_client(stored.to_bytes()?)?;
                session.expires().is_some_and(|end| end > now).then_some(session)
            }
        }
    }

    /// Keeps a session with this server.
    pub(crate) async fn keep(&self, name: &ServerName, session: ClientSession) {
        let Some(expires) = session.expires() else { return };
        match &*self.0 {
            Place::Memory(memory) => lock(memory).keep(name, session),
            Place::Store(store, scope) => {
                let bytes = encoding::encode_client(&session);
                store.store(scope.of_server(name), StoredSession::from_bytes(bytes, expires)).await;
            }
        }
    }

    /// Where a connection is to leave what [`keep_in`](Self::keep_in) cannot do at once: a store may have to be awaited.
    pub(crate) fn background(&self) -> Background {
        match &*self.0 {
            Place::Memory(_) => Background::none(),
            Place::Store(..) => Background::default(),
        }
    }

    /// Keeps a session where nothing may be awaited: what a store does is left to the connection's driver.
    pub(crate) fn keep_in(&self, background: &Background, name: &ServerName, session: ClientSession) {
        if let Place::Memory(memory) = &*self.0 {
            if session.expires().is_some() {
                lock(memory).keep(name, session);
            }
            return;
        }
        let (sessions, name) = (self.clone(), name.clone());
        background.add(async move { sessions.keep(&name, session).await });
    }
}

impl fmt::Debug for ClientSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Place::Memory(_) => f.write_str("Memory"),
            Place::Store(store, _) => store.fmt(f),
        }
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sessions of as many servers as it is told; of more, those go whose sessions came first.
struct Memory {
    most: usize,
    /// The sessions of each server, the newest at the back, and when the newest came.
    servers: HashMap<ServerName, (u64, VecDeque<ClientSession>)>,
    /// The servers in the order in which their newest sessions came.
    order: BTreeMap<u64, ServerName>,
    came: u64,
}

impl Memory {
    fn new(most: usize) -> Self {
        Self { most, servers: HashMap::new(), order: BTreeMap::new(), came: 0 }
    }

    fn take(&mut self, name: &ServerName, now: SystemTime) -> Option<ClientSession> {
        let (came, sessions) = self.servers.get_mut(name)?;
        let mut taken = None;
        while taken.is_none()
            && let Some(newest) = sessions.pop_back()
        {
            taken = Some(newest).filter(|session| session.expires().is_some_and(|end| end > now));
        }
        if sessions.is_empty() {
            self.order.remove(came);
            self.servers.remove(name);
        }
        taken
    }

    fn keep(&mut self, name: &ServerName, session: ClientSession) {
        self.came += 1;
        if let Some((came, sessions)) = self.servers.get_mut(name) {
            self.order.remove(came);
            *came = self.came;
            if sessions.len() == SESSIONS_PER_SERVER {
                sessions.pop_front();
            }
            sessions.push_back(session);
        } else {
            if self.servers.len() >= self.most
                && let Some((_, oldest)) = self.order.pop_first()
            {
                self.servers.remove(&oldest);
            }
            self.servers.insert(name.clone(), (self.came, VecDeque::from([session])));
        }
        self.order.insert(self.came, name.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn session(ticket: u8) -> ClientSession {
        ClientSession {
            ticket: vec![ticket],
            obtained: at(1000),
            verified: at(1000),
            ..encoding::tests::client_session()
        }
    }

    fn name(text: &str) -> ServerName {
        text.parse().unwrap()
    }

    fn tickets(memory: &mut Memory, name: &ServerName) -> Vec<u8> {
        std::iter::from_fn(|| memory.take(name, at(1001))).map(|session| session.ticket[0]).collect()
    }

    #[test]
    fn the_newest_is_taken_first_and_once_and_eight_are_kept() {
        let mut memory = Memory::new(2);
        for ticket in 0..20 {
            memory.keep(&name("a.example"), session(ticket));
        }
        assert_eq!(tickets(&mut memory, &name("a.example")), [19, 18, 17, 16, 15, 14, 13, 12]);
        assert!(memory.servers.is_empty() && memory.order.is_empty());
    }

    #[test]
    fn of_too_many_servers_the_one_goes_that_gave_none_for_longest() {
        let mut memory = Memory::new(2);
        for server in ["a.example", "b.example", "a.example", "c.example"] {
            memory.keep(&name(server), session(1));
        }
        assert!(tickets(&mut memory, &name("b.example")).is_empty());
        assert_eq!(tickets(&mut memory, &name("a.example")), [1, 1]);
        assert_eq!(tickets(&mut memory, &name("c.example")), [1]);
    }

    #[test]
    fn a_session_ends_with_its_lifetime_and_with_the_longest_of_its_version() {
        let lasts = |version, lifetime| {
            let session = ClientSession { version, lifetime: Duration::from_secs(lifetime), ..session(1) };
            session.expires().map(|end| end.duration_since(at(1000)).unwrap().as_secs())
        };
        assert_eq!(lasts(ProtocolVersion::Tls13, 60), Some(60));
        assert_eq!(lasts(ProtocolVersion::Tls13, 1 << 31), Some(7 * 86400));
        assert_eq!(lasts(ProtocolVersion::Tls13, 0), None);
        assert_eq!(lasts(ProtocolVersion::Tls12, 60), Some(60));
        assert_eq!(lasts(ProtocolVersion::Tls12, 1 << 31), Some(86400));
        assert_eq!(lasts(ProtocolVersion::Tls12, 0), Some(86400));
        let mut memory = Memory::new(2);
        memory.keep(&name("a.example"), ClientSession { lifetime: Duration::from_secs(1), ..session(1) });
        assert!(memory.take(&name("a.example"), at(1001)).is_none());
    }

    #[test]
    fn a_session_ends_a_week_after_the_server_was_verified_whatever_was_resumed_in_between() {
        let week = LONGEST_TLS13.as_secs();
        let lifetime = Duration::from_secs(1 << 31);
        for (obtained, end) in [(1000, 1000 + week), (5000, 1000 + week), (1000 + week, 1000 + week)] {
            let session = ClientSession { obtained: at(obtained), lifetime, ..session(1) };
            assert_eq!(session.expires(), Some(at(end)));
        }
        let mut memory = Memory::new(2);
        memory.keep(&name("a.example"), ClientSession { obtained: at(1000 + week), ..session(1) });
        assert!(memory.take(&name("a.example"), at(1000 + week)).is_none());
    }

    #[test]
    fn the_age_counts_in_milliseconds_and_wraps() {
        let session = ClientSession { age_add: u32::MAX, ..session(1) };
        assert_eq!(session.obfuscated_ticket_age(at(1002)), 1999);
        assert_eq!(session.obfuscated_ticket_age(at(999)), u32::MAX);
    }
}
