//! Sessions on a server: tickets that hold them (RFC 8446 §4.6.1, RFC 5077), or ids of sessions that are kept.
//!
//! A session is good until it ends, whatever a client makes of the lifetime that came with its ticket, and under the
//! identity under which it began, or another of its lineage: it speaks for no other identity of the server.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use polytls_api::{
    CertificateChain, CipherSuite, ClientAuthentication, ConfigError, ProtocolVersion, ServerConfig,
    SessionKey, SessionScope, SessionStore, StoredSession,
};
use zeroize::Zeroizing;

use super::{encoding, ids::Ids, key_ring::KeyRing, replay::ReplayStore};
use crate::{
    crypto::{Secret, random},
    error::Fault,
    identity::PreparedIdentity,
};

/// The longest ticket. RFC 8446 §4.6.1 has room for 2^16 - 1 bytes, but clients, this engine's among them, read no
/// message of more than 2^14, and one that is longer would end their connection.
const LONGEST_TICKET: usize = (1 << 14) - 64;

/// The length of an id: RFC 5246 §7.4.1.2 has no longer one.
pub(crate) const ID_LEN: usize = 32;

/// How far the age that a client claims may be from the one that is seen here (RFC 8446 §8.3): hellos and tickets take
/// time on their way, and clocks run at different rates.
const AGE_TOLERANCE: Duration = Duration::from_secs(60);

/// What a server needs to resume.
#[derive(Clone, Debug)]
pub(crate) struct ServerSession {
    pub(crate) version: ProtocolVersion,
    pub(crate) suite: CipherSuite,
    /// TLS 1.3: the PSK of the ticket. TLS 1.2: the master secret.
    pub(crate) secret: Secret,
    /// Kept to the millisecond.
    pub(crate) created: SystemTime,
    /// Kept to the second: [`ServerSessions::lifetime`] has it.
    pub(crate) lifetime: Duration,
    /// TLS 1.3 only.
    pub(crate) age_add: u32,
    /// What its ticket allows; 0 for none.
    pub(crate) max_early_data: u32,
    pub(crate) alpn: Option<Arc<[u8]>>,
    /// What the client asked for when the session began (RFC 6066 §3).
    pub(crate) server_name: Option<Arc<str>>,
    /// What the client presented when the session began, its own certificate first.
    pub(crate) peer_chain: CertificateChain,
    /// TLS 1.2 (RFC 7627).
    pub(crate) extended_master_secret: bool,
}

impl ServerSession {
    fn expires(&self) -> Option<SystemTime> {
        self.created.checked_add(self.lifetime)
    }

    /// Whether its ticket is as old as the client says (RFC 8446 §4.2.11.1, §8.3), so that its hello was made now.
    pub(crate) fn is_as_old_as(&self, obfuscated_ticket_age: u32, now: SystemTime) -> bool {
        let Ok(age) = now.duration_since(self.created) else { return false };
        let claimed = Duration::from_millis(obfuscated_ticket_age.wrapping_sub(self.age_add).into());
        age.abs_diff(claimed) <= AGE_TOLERANCE
    }
}

/// The sessions of one server configuration.
pub(crate) struct ServerSessions {
    place: Place,
    lifetime: Duration,
    /// A session's lifetime counts from the handshake in which the client was verified, and not anew from each that
    /// resumes: a client whose certificate has ended or was revoked must not go on for ever.
    from_verification: bool,
    replays: ReplayStore,
}

enum Place {
    /// With the clients, sealed; in TLS 1.2 here, under ids, for those who take no tickets.
    Tickets(KeyRing, Ids),
    Store(Arc<dyn SessionStore>, SessionScope),
}

impl ServerSessions {
    pub(crate) fn new(config: &ServerConfig) -> Result<Self, ConfigError> {
        let settings = config.protocol();
        let lifetime = config.session_lifetime();
        let place = match (settings.session_store(), settings.session_scope()) {
            (Some(store), Some(scope)) => Place::Store(store.clone(), scope),
            _ => Place::Tickets(KeyRing::new(lifetime, SystemTime::now())?, Ids::default()),
        };
        let from_verification = config.client_authentication() != ClientAuthentication::None;
        Ok(Self { place, lifetime, from_verification, replays: ReplayStore::new(AGE_TOLERANCE) })
    }

    /// For how long a session that begins now is good, in whole seconds; `None` where it would be over at once.
    ///
    /// `resumed` is the session that this connection resumes, if it resumes one.
    pub(crate) fn lifetime(&self, resumed: Option<&ServerSession>, now: SystemTime) -> Option<Duration> {
        let left = match resumed.filter(|_| self.from_verification) {
            None => self.lifetime,
            Some(resumed) => resumed.expires()?.duration_since(now).unwrap_or_default().min(self.lifetime),
        };
        Some(Duration::from_secs(left.as_secs())).filter(|left| !left.is_zero())
    }

    /// A ticket for the session, good where `identity` is presented; `None` where it would be too long to be read.
    ///
    /// With a store it is an id, under which the session is stored before this returns.
    pub(crate) async fn seal(
        &self,
        session: &ServerSession,
        identity: &PreparedIdentity,
    ) -> Result<Option<Vec<u8>>, Fault> {
        match &self.place {
            Place::Tickets(keys, _) => {
                let plaintext = Zeroizing::new(encoding::encode_server(session, identity.session_binding()));
                let ticket = keys.seal(&plaintext, SystemTime::now())?;
                Ok(Some(ticket).filter(|ticket| ticket.len() <= LONGEST_TICKET))
            }
            Place::Store(..) => {
                let mut id = vec![0; ID_LEN];
                random(&mut id)?;
                self.keep_under(&id, session, identity).await;
                Ok(Some(id))
            }
        }
    }

    /// The session of a ticket, or in TLS 1.2 of a session id, if it is still good where `identity` is presented.
    ///
    /// With a store it is taken out: what is opened once is not there again, unless it is
    /// [kept](Self::keep_under), as a session of TLS 1.2 that was resumed may be.
    pub(crate) async fn open(&self, ticket: &[u8], identity: &PreparedIdentity) -> Option<ServerSession> {
        let now = SystemTime::now();
        let session = match &self.place {
            // A ticket is longer than any id.
            Place::Tickets(_, ids) if ticket.len() <= ID_LEN => {
                encoding::decode_server(&ids.find(ticket)?, identity.session_binding())?
            }
            Place::Tickets(keys, _) => {
                encoding::decode_server(&keys.open(ticket)?, identity.session_binding())?
            }
            Place::Store(store, scope) => {
                let stored = store.take(&self.key(scope, identity, ticket)).await?;
                encoding::decode_server(stored.to_bytes()?, identity.session_binding())?
            }
        };
        session.expires().is_some_and(|end| end > now).then_some(session)
    }

    /// Keeps a session under this id (RFC 5246 §7.4.1.3), in the store if there is one.
    pub(crate) async fn keep_under(&self, id: &[u8], session: &ServerSession, identity: &PreparedIdentity) {
        let Some(expires) = session.expires() else { return };
        let bytes = encoding::encode_server(session, identity.session_binding());
        match &self.place {
            Place::Tickets(_, ids) => ids.keep(id, Zeroizing::new(bytes)),
            Place::Store(store, scope) => {
                let stored = StoredSession::from_bytes(bytes, expires);
                store.store(self.key(scope, identity, id), stored).await;
            }
        }
    }

    /// Under what a session is stored: its id, the certificate that is presented, and the lifetime that it was given, so
    /// that it does not outlive what another server with the same store allows.
    fn key(&self, scope: &SessionScope, identity: &PreparedIdentity, id: &[u8]) -> SessionKey {
        let lifetime = self.lifetime.as_millis().to_be_bytes();
        scope.of_id(&[id, identity.session_binding(), &lifetime].concat())
    }

    /// Whether no hello with this ticket brought early data before (RFC 8446 §8.1): asked once for a hello, when its
    /// binder was verified and its session [is as old](ServerSession::is_as_old_as) as it says.
    ///
    /// It is no where there is no room to remember it: to refuse is always safe.
    pub(crate) fn is_new(&self, ticket: &[u8], now: SystemTime) -> bool {
        self.replays.is_new(ticket, now)
    }
}

impl fmt::Debug for ServerSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = match &self.place {
            Place::Tickets(..) => None,
            Place::Store(store, _) => Some(store),
        };
        f.debug_struct("ServerSessions").field("lifetime", &self.lifetime).field("store", &store).finish()
    }
}

#[cfg(test)]
mod tests {
    use polytls_api::{MemorySessionStore, ServerConfigBuilder};

    use super::*;
    use crate::{
        Builtin,
        identity::tests::identity,
        options::Limits,
        sessions::encoding::tests::server_session,
        wire::handshake::{HEADER_LEN, NewSessionTicket},
    };

    /// How a server keeps sessions: with its clients, or in a store.
    fn sessions(store: bool, change: impl Fn(ServerConfigBuilder) -> ServerConfigBuilder) -> ServerSessions {
        let mut builder = ServerConfig::builder(Arc::new(Builtin::new()), identity());
        if store {
            builder = builder.session_store(Arc::new(MemorySessionStore::new(8)));
        }
        ServerSessions::new(&change(builder).build().unwrap()).unwrap()
    }

    fn prepared() -> PreparedIdentity {
        PreparedIdentity::new(&identity()).unwrap()
    }

    fn begun(ago: u64) -> ServerSession {
        ServerSession { created: SystemTime::now() - Duration::from_secs(ago), ..server_session() }
    }

    #[tokio::test]
    async fn a_ticket_is_good_in_time_and_under_its_certificate() {
        for store in [false, true] {
            let sessions = sessions(store, |builder| builder);
            let (presented, other) = (prepared(), prepared());
            let ticket = sessions.seal(&begun(0), &presented).await.unwrap().unwrap();
            assert!(sessions.open(&ticket, &other).await.is_none(), "store: {store}");
            let opened = sessions.open(&ticket, &presented).await.unwrap();
            assert_eq!(opened.secret.as_bytes(), server_session().secret.as_bytes());
            // What a store gave out is gone.
            assert_eq!(sessions.open(&ticket, &presented).await.is_some(), !store);
            let old = sessions.seal(&begun(7201), &presented).await.unwrap().unwrap();
            assert!(sessions.open(&old, &presented).await.is_none(), "store: {store}");
        }
    }

    #[tokio::test]
    async fn a_session_is_good_under_every_certificate_of_its_lineage() {
        let of = |lineage: &str| PreparedIdentity::new(&identity().with_lineage(lineage)).unwrap();
        for store in [false, true] {
            let sessions = sessions(store, |builder| builder);
            let ticket = sessions.seal(&begun(0), &of("one")).await.unwrap().unwrap();
            assert!(sessions.open(&ticket, &of("another")).await.is_none(), "store: {store}");
            assert!(sessions.open(&ticket, &of("one")).await.is_some(), "store: {store}");
        }
    }

    #[tokio::test]
    async fn a_session_with_a_chain_that_fits_no_ticket_has_none() {
        let peer_chain = vec![vec![0; LONGEST_TICKET].into()].into();
        let sessions = sessions(false, |builder| builder);
        let sealed = sessions.seal(&ServerSession { peer_chain, ..begun(0) }, &prepared()).await;
        assert!(sealed.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_ticket_is_never_in_a_message_that_clients_refuse() {
        let most = Limits::default().handshake_message;
        let (sessions, presented) = (sessions(false, |builder| builder), prepared());
        let mut longest = 0;
        for length in 15_500..most + 100 {
            let peer_chain = vec![vec![0; length].into()].into();
            let sealed = sessions.seal(&ServerSession { peer_chain, ..begun(0) }, &presented).await;
            let Some(ticket) = sealed.unwrap() else { continue };
            let grease = Some(0x0a0a);
            let message = NewSessionTicket {
                lifetime: 1,
                age_add: 2,
                nonce: &[3],
                ticket: &ticket,
                max_early_data_size: Some(4),
                grease,
            };
            longest = longest.max(message.encode().len() - HEADER_LEN);
        }
        assert!((most - 64..=most).contains(&longest), "{longest}");
    }

    #[tokio::test]
    async fn ids_are_kept_in_the_store_or_here() {
        let (stored, here) = (sessions(true, |builder| builder), sessions(false, |builder| builder));
        let (presented, id) = (prepared(), [7; ID_LEN]);
        for (sessions, again) in [(stored, false), (here, true)] {
            sessions.keep_under(&id, &begun(0), &presented).await;
            assert!(sessions.open(&id, &presented).await.is_some());
            assert_eq!(sessions.open(&id, &presented).await.is_some(), again, "a store gives each once");
            assert!(sessions.open(&[8; ID_LEN], &presented).await.is_none());
        }
    }

    #[test]
    fn where_clients_are_verified_what_comes_of_a_session_ends_with_it() {
        let anew = sessions(false, |builder| builder);
        let asks = |builder: ServerConfigBuilder| {
            builder
                .client_authentication(ClientAuthentication::Optional)
                .client_roots(polytls_api::Roots::None)
        };
        let from_verification = sessions(false, asks);
        let (whole, left) = (Duration::from_secs(7200), Duration::from_secs(1200));
        let now = SystemTime::now();
        let resumed = ServerSession { created: now - Duration::from_secs(6000), ..server_session() };
        let over = ServerSession { created: now - Duration::from_millis(7_199_500), ..server_session() };
        assert_eq!(anew.lifetime(Some(&resumed), now), Some(whole));
        assert_eq!(from_verification.lifetime(None, now), Some(whole));
        assert_eq!(from_verification.lifetime(Some(&resumed), now), Some(left));
        assert_eq!(from_verification.lifetime(Some(&over), now), None);
    }

    #[test]
    fn a_ticket_is_as_old_as_is_said_within_a_minute() {
        let session = server_session();
        let now = session.created + Duration::from_secs(100);
        let is_as_old_as = |millis: u32| session.is_as_old_as(millis.wrapping_add(session.age_add), now);
        assert!(!is_as_old_as(39_999) && !is_as_old_as(160_001));
        assert!(is_as_old_as(40_000) && is_as_old_as(160_000));
        let earlier = session.created - Duration::from_secs(1);
        assert!(!session.is_as_old_as(session.age_add, earlier), "before it began");
    }

    #[test]
    fn a_ticket_brings_early_data_once() {
        let sessions = sessions(false, |builder| builder);
        let now = SystemTime::now();
        assert!(sessions.is_new(b"one", now) && sessions.is_new(b"another", now));
        assert!(!sessions.is_new(b"one", now), "a replay");
    }
}
