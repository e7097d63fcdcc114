//! What a session is good for: until when, in which handshake, and under whose certificate.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use polytls_api::{
    CertificateDer, CertificateResolver, ClientAuthentication, ClientConfig, ClientHello, HookError,
    Identity, MemorySessionStore, ProtocolVersion, Roots, ServerConfig, SessionKey, SessionStore,
    StoredSession, TlsAcceptor, TlsConnector, async_trait,
};

use crate::scene::{self, exchange};

/// Has one session, the last, and gives it out whatever the key. Of a server's it says that they end soon.
#[derive(Debug)]
struct LastOne {
    session: Mutex<Option<StoredSession>>,
    soon: SystemTime,
    /// When the sessions end that came.
    ends: Mutex<Vec<SystemTime>>,
}

impl LastOne {
    fn new() -> Arc<Self> {
        let soon = SystemTime::now() + Duration::from_secs(100);
        Arc::new(Self { session: Mutex::default(), soon, ends: Mutex::default() })
    }

    fn ends(&self) -> Vec<SystemTime> {
        self.ends.lock().unwrap().clone()
    }
}

#[async_trait]
impl SessionStore for LastOne {
    async fn store(&self, _key: SessionKey, session: StoredSession) {
        self.ends.lock().unwrap().push(session.expires());
        *self.session.lock().unwrap() = Some(session);
    }

    async fn take(&self, _key: &SessionKey) -> Option<StoredSession> {
        let session = self.session.lock().unwrap().take()?;
        let bytes = session.to_bytes().map(<[u8]>::to_vec);
        Some(bytes.map_or(session, |bytes| StoredSession::from_bytes(bytes, self.soon)))
    }
}

/// One connection after the other to a server with this store: when the sessions end that it stores in the second.
async fn ends_after_resumption(
    version: ProtocolVersion,
    authentication: ClientAuthentication,
    early_data: u32,
) -> (SystemTime, Vec<SystemTime>) {
    let store = LastOne::new();
    let (client_identity, client_roots) = scene::identity_for("client");
    let (connector, acceptor) = scene::endpoints(
        |client| client.protocol_versions([version]).identity(client_identity),
        |server| {
            let server = server
                .tickets_per_connection(1)
                .max_early_data(early_data)
                .session_store(store.clone())
                .client_authentication(authentication);
            match authentication {
                ClientAuthentication::None => server,
                _ => server.client_roots(client_roots),
            }
        },
    );
    for round in 0..2 {
        let (mut client, mut server) = scene::connected(&connector, &acceptor).await;
        assert_eq!(server.info().resumed, Some(round > 0), "{version}");
        exchange(&mut server, &mut client).await;
    }
    let ends = store.ends();
    assert!(ends[0] > store.soon, "the full handshake's has all its lifetime");
    (store.soon, ends[1..].to_vec())
}

#[tokio::test]
async fn a_session_that_is_stored_again_ends_when_it_was_to_end() {
    // With early data a session of TLS 1.2 goes by its id.
    for authentication in [ClientAuthentication::None, ClientAuthentication::Required] {
        let (soon, ends) = ends_after_resumption(ProtocolVersion::Tls12, authentication, 1000).await;
        assert_eq!(ends, [soon]);
    }
}

#[tokio::test]
async fn where_clients_are_verified_a_session_ends_with_the_one_that_it_came_of() {
    for version in ProtocolVersion::ALL {
        let (soon, ends) = ends_after_resumption(version, ClientAuthentication::Required, 0).await;
        assert_eq!(ends, [soon], "{version}");
        let (soon, ends) = ends_after_resumption(version, ClientAuthentication::None, 0).await;
        assert!(ends.iter().all(|end| *end > soon), "{version}");
    }
}

#[tokio::test]
async fn a_session_that_was_not_resumed_is_not_stored_again_and_ends_nothing() {
    let (identity, roots) = scene::identity_for("*.example.com");
    let (client_identity, client_roots) = scene::identity_for("client");
    let stored = LastOne::new();
    let server = ServerConfig::builder(scene::backend(), identity)
        .max_early_data(1000)
        .session_store(stored.clone())
        .client_authentication(ClientAuthentication::Required)
        .client_roots(client_roots)
        .build();
    let acceptor = TlsAcceptor::new(&server.unwrap()).unwrap();
    // The client offers to the one name what it has of the other.
    let client = ClientConfig::builder(scene::backend())
        .roots(roots)
        .identity(client_identity)
        .protocol_versions([ProtocolVersion::Tls12])
        .session_store(LastOne::new());
    let connector = TlsConnector::new(&client.build().unwrap()).unwrap();
    for (name, resumed, sessions) in [("a", false, 1), ("a", true, 2), ("b", false, 3)] {
        let (client, server) = scene::handshake(&connector, &acceptor, &format!("{name}.example.com")).await;
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        exchange(&mut server, &mut client).await;
        assert_eq!(server.info().resumed, Some(resumed));
        assert_eq!(stored.ends().len(), sessions, "{name}");
    }
    // The client was verified anew.
    assert!(stored.ends()[2] > stored.soon);
}

/// Presents what it holds at the time.
#[derive(Debug)]
struct Changing(Mutex<Identity>);

#[async_trait]
impl CertificateResolver for Changing {
    async fn resolve(&self, _hello: &ClientHello) -> Result<Option<Identity>, HookError> {
        Ok(Some(self.0.lock().unwrap().clone()))
    }
}

#[tokio::test]
async fn under_another_certificate_no_session_is_resumed() {
    let (one, other) = (scene::identity().0, scene::identity().0);
    let certificates: Vec<CertificateDer<'static>> = [&one, &other].map(|own| own.chain()[0].clone()).into();
    for version in ProtocolVersion::ALL {
        for (stored, early_data) in [(false, 0), (false, 1000), (true, 0), (true, 1000)] {
            let resolver = Arc::new(Changing(Mutex::new(one.clone())));
            let mut server = ServerConfig::builder_with_resolver(scene::backend(), resolver.clone())
                .max_early_data(early_data);
            if stored {
                server = server.session_store(Arc::new(MemorySessionStore::new(100)));
            }
            let acceptor = TlsAcceptor::new(&server.build().unwrap()).unwrap();
            let client = ClientConfig::builder(scene::backend())
                .roots(Roots::from_der(certificates.clone()))
                .protocol_versions([version]);
            let connector = TlsConnector::new(&client.build().unwrap()).unwrap();
            for (identity, resumed) in [(&one, false), (&one, true), (&other, false), (&other, true)] {
                *resolver.0.lock().unwrap() = identity.clone();
                let (mut client, mut server) = scene::connected(&connector, &acceptor).await;
                exchange(&mut server, &mut client).await;
                assert_eq!(client.info().resumed, Some(resumed), "{version} {stored} {early_data}");
            }
        }
    }
}
