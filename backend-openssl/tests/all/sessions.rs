//! Sessions: resumed, forbidden, counted, timed, kept in a store.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use polytls_api::{
    ClientAuthentication, ClientConfigBuilder, ConnectOptions, EarlyDataStatus, ProtocolVersion,
    ReplayableData, ServerConfigBuilder, ServerName, SessionKey, SessionStore, StoredSession, TlsAcceptor,
    TlsConnector, TlsStream, async_trait,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::support::{Scene, connected, pass_a_byte};

#[tokio::test]
async fn a_second_connection_resumes_the_first() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let (connector, acceptor) = (scene.connector(|c| c), scene.acceptor(|s| s));
        for resumed in [false, true, true, true] {
            let (mut client, mut server) = connected(&connector, &acceptor).await;
            assert_eq!(client.info().resumed, Some(resumed), "{version}");
            assert_eq!(server.info().resumed, Some(resumed), "{version}");
            assert_eq!(server.info().server_name.as_deref(), Some("localhost"));
            server.write_all(b"x").await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), b'x');
        }
        let other: ServerName = "127.0.0.1".parse().unwrap();
        let (near, far) = duplex(1 << 20);
        let (client, server) = tokio::join!(connector.connect(&other, near), acceptor.accept(far));
        assert_eq!(client.unwrap().info().resumed, Some(false), "a session of another name");
        assert_eq!(server.unwrap().info().server_name, None);
    }
}

#[tokio::test]
async fn resumption_can_be_forbidden_on_either_side() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        for (connector, acceptor) in [
            (scene.connector(|c| c.resumption(false)), scene.acceptor(|s| s)),
            (scene.connector(|c| c), scene.acceptor(|s| s.resumption(false))),
        ] {
            for _ in 0..2 {
                let (mut client, mut server) = connected(&connector, &acceptor).await;
                assert_eq!(client.info().resumed, Some(false), "{version}");
                server.write_all(b"x").await.unwrap();
                assert_eq!(client.read_u8().await.unwrap(), b'x');
            }
        }
    }
}

/// A store that takes its time, and lets be seen what is in it.
#[derive(Debug, Default)]
struct SlowStore {
    sessions: Mutex<HashMap<SessionKey, Vec<Vec<u8>>>>,
    /// When the last one that came expires.
    expires: Mutex<Option<SystemTime>>,
}

impl SlowStore {
    fn len(&self) -> usize {
        self.sessions.lock().unwrap().values().map(Vec::len).sum()
    }

    /// A client stores its sessions as it reads and writes.
    async fn wait_for(
        &self,
        count: usize,
        client: &mut TlsStream<DuplexStream>,
        server: &mut TlsStream<DuplexStream>,
    ) {
        while self.len() < count {
            pass_a_byte(client, server).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[async_trait]
impl SessionStore for SlowStore {
    async fn store(&self, key: SessionKey, session: StoredSession) {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let bytes = session.to_bytes().unwrap().to_vec();
        *self.expires.lock().unwrap() = Some(session.expires());
        self.sessions.lock().unwrap().entry(key).or_default().push(bytes);
    }

    async fn take(&self, key: &SessionKey) -> Option<StoredSession> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let bytes = self.sessions.lock().unwrap().get_mut(key)?.pop()?;
        Some(StoredSession::from_bytes(bytes, SystemTime::now() + Duration::from_secs(60)))
    }
}

async fn with_early_data(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
    data: &[u8],
) -> (TlsStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (near, far) = duplex(1 << 20);
    let name = "localhost".parse().unwrap();
    let options = ConnectOptions::new().early_data(ReplayableData::new(data));
    let (client, server) = tokio::join!(connector.connect_with(&name, &options, near), acceptor.accept(far));
    (client.unwrap(), server.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_store_on_either_side_keeps_the_sessions() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let (near, far) = (Arc::new(SlowStore::default()), Arc::new(SlowStore::default()));
        let connector = || scene.connector(|c| c.session_store(near.clone()));
        let roots = scene.authority.roots();
        let acceptor = || scene.acceptor(|s| s.session_store(far.clone()));
        for resumed in [false, true, true] {
            // Other configurations with the same options find the same sessions.
            let (mut client, mut server) = connected(&connector(), &acceptor()).await;
            assert_eq!(client.info().resumed, Some(resumed), "{version}");
            assert_eq!(server.info().resumed, Some(resumed), "{version}");
            assert_eq!(client.info().peer_chain[0], scene.identity.chain()[0]);
            assert!(far.len() > 0, "a session is stored before the client can know of it");
            pass_a_byte(&mut client, &mut server).await;
            near.wait_for(1, &mut client, &mut server).await;
        }
        let asking = scene.acceptor(|s| {
            let s = s.session_store(far.clone()).client_authentication(ClientAuthentication::Optional);
            s.client_roots(roots)
        });
        let (client, _server) = connected(&connector(), &asking).await;
        assert_eq!(client.info().resumed, Some(false), "a session of a server that asks for no certificate");
    }
}

/// What a client knows of a resumed server is the certificate that it verified.
#[tokio::test(start_paused = true)]
async fn servers_of_different_identities_that_share_a_store_do_not_share_sessions() {
    for version in ProtocolVersion::ALL {
        let mut scene = Scene::new(version);
        let connector = scene.connector(|c| c);
        let store = Arc::new(SlowStore::default());
        let first = scene.acceptor(|s| s.session_store(store.clone()));
        scene.identity = scene.authority.issue(|_| {});
        let second = scene.acceptor(|s| s.session_store(store.clone()));
        for (acceptor, resumed) in [(&first, false), (&first, true), (&second, false), (&second, true)] {
            let (mut client, mut server) = connected(&connector, acceptor).await;
            assert_eq!(client.info().resumed, Some(resumed), "{version}");
            assert_eq!(client.info().peer_chain, server.info().local_chain);
            pass_a_byte(&mut client, &mut server).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_session_in_a_store_costs_a_full_handshake_and_no_more() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let (near, far) = (Arc::new(SlowStore::default()), Arc::new(SlowStore::default()));
        let connector = scene.connector(|c| c.session_store(near.clone()));
        let acceptor = scene.acceptor(|s| s.session_store(far.clone()));
        for spoilt in [&near, &far] {
            let (mut client, mut server) = connected(&connector, &acceptor).await;
            near.wait_for(1, &mut client, &mut server).await;
            for session in spoilt.sessions.lock().unwrap().values_mut().flatten() {
                session.truncate(20);
            }
            let (client, server) = connected(&connector, &acceptor).await;
            assert_eq!(client.info().resumed, Some(false), "{version}");
            drop((client, server));
            near.sessions.lock().unwrap().clear();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn tickets_come_in_the_number_asked_for() {
    for (count, expected) in [(1, 1), (4, 4)] {
        let scene = Scene::new(ProtocolVersion::Tls13);
        let near = Arc::new(SlowStore::default());
        let connector = scene.connector(|c| c.session_store(near.clone()));
        let acceptor = scene.acceptor(|s| s.tickets_per_connection(count));
        for resumed in [false, true] {
            let (mut client, mut server) = connected(&connector, &acceptor).await;
            assert_eq!(client.info().resumed, Some(resumed));
            let kept = near.len();
            for _ in 0..expected + 2 {
                pass_a_byte(&mut client, &mut server).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            assert_eq!(near.len() - kept, expected, "resumed: {resumed}");
        }
    }
}

/// Each session would bring the next, and a client that was verified once could come back for ever.
#[tokio::test(start_paused = true)]
async fn a_session_of_a_verified_client_brings_no_other() {
    let far = Arc::new(SlowStore::default());
    let with_store = |s: ServerConfigBuilder| s.session_store(far.clone());
    let variants: [(&str, &dyn Fn(ServerConfigBuilder) -> ServerConfigBuilder); 4] = [
        ("tickets", &|s| s.client_authentication(ClientAuthentication::Required)),
        ("where it is optional", &|s| s.client_authentication(ClientAuthentication::Optional)),
        ("a store", &|s| with_store(s.client_authentication(ClientAuthentication::Required))),
        ("early data", &|s| s.client_authentication(ClientAuthentication::Required).max_early_data(100)),
    ];
    for (place, change) in variants {
        let scene = Scene::new(ProtocolVersion::Tls13);
        let (near, identity) = (Arc::new(SlowStore::default()), scene.authority.issue(|_| {}));
        let client = |c: ClientConfigBuilder| c.session_store(near.clone()).identity(identity.clone());
        let connector = scene.connector(|c| client(c).early_data(true));
        let acceptor = scene.acceptor(|s| change(s.client_roots(scene.authority.roots())));
        // A full handshake brings two tickets.
        for (resumed, left) in [(false, 2), (true, 1), (true, 0), (false, 2), (true, 1)] {
            let (mut client, mut server) = with_early_data(&connector, &acceptor, b"early").await;
            assert_eq!(server.info().resumed, Some(resumed), "{place}");
            let early = resumed && place == "early data";
            assert_eq!(server.info().early_data == EarlyDataStatus::Accepted, early, "{place}");
            assert_eq!(server.info().peer_chain, identity.chain(), "{place}");
            for _ in 0..4 {
                pass_a_byte(&mut client, &mut server).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            assert_eq!(near.len(), left, "{place}");
            assert_eq!(far.len(), if place == "a store" { left } else { 0 });
        }
        far.sessions.lock().unwrap().clear();
    }
}

/// A session as it would be had it been made this much earlier: OpenSSL reads the clock of the system, which a test
/// cannot turn.
fn made_earlier(session: &mut [u8], earlier: Duration) {
    // The time is the INTEGER of four bytes under the context's tag 1 (`ssl/ssl_asn1.c`).
    const TIME: [u8; 4] = [0xa1, 6, 2, 4];
    let at = session.windows(4).position(|bytes| bytes == TIME).unwrap() + TIME.len();
    let time: &mut [u8; 4] = session[at..].first_chunk_mut().unwrap();
    *time = (u32::from_be_bytes(*time) - earlier.as_secs() as u32).to_be_bytes();
}

#[tokio::test(start_paused = true)]
async fn sessions_are_not_resumed_after_their_lifetime() {
    const LIFETIME: Duration = Duration::from_secs(1_000);
    for version in ProtocolVersion::ALL {
        for (age, resumed) in [(LIFETIME - Duration::from_secs(60), true), (LIFETIME * 2, false)] {
            let scene = Scene::new(version);
            let connector = scene.connector(|c| c);
            let store = Arc::new(SlowStore::default());
            let acceptor = scene.acceptor(|s| s.session_lifetime(LIFETIME).session_store(store.clone()));
            let (mut client, mut server) = connected(&connector, &acceptor).await;
            pass_a_byte(&mut client, &mut server).await;
            for session in store.sessions.lock().unwrap().values_mut().flatten() {
                made_earlier(session, age);
            }
            let (client, _server) = connected(&connector, &acceptor).await;
            assert_eq!(client.info().resumed, Some(resumed), "{version}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_client_is_told_for_how_long_a_ticket_is_good() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        for (set, expected) in [(None, 7_200), (Some(Duration::from_secs(500)), 500)] {
            let store = Arc::new(SlowStore::default());
            let connector = scene.connector(|c| c.session_store(store.clone()));
            let acceptor = scene.acceptor(|s| match set {
                Some(lifetime) => s.session_lifetime(lifetime),
                None => s,
            });
            let now = SystemTime::now();
            let (mut client, mut server) = connected(&connector, &acceptor).await;
            store.wait_for(1, &mut client, &mut server).await;
            let expires = store.expires.lock().unwrap().unwrap();
            let left = expires.duration_since(now).unwrap().as_secs();
            assert!((expected..expected + 60).contains(&left), "{version}: {left}");
        }
    }
}

#[tokio::test]
async fn the_cache_remembers_as_many_servers_as_it_may() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    let connector = scene.connector(|c| c.session_cache_size(1));
    let acceptor = scene.acceptor(|s| s);
    for (name, resumed) in
        [("localhost", false), ("localhost", true), ("127.0.0.1", false), ("localhost", false)]
    {
        let (near, far) = duplex(1 << 20);
        let name: ServerName = name.parse().unwrap();
        let (client, server) = tokio::join!(connector.connect(&name, near), acceptor.accept(far));
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        assert_eq!(client.info().resumed, Some(resumed), "{name}");
        pass_a_byte(&mut client, &mut server).await;
    }
}

#[tokio::test]
async fn early_data_arrives_once_apart_from_what_follows() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    let connector = scene.connector(|c| c.early_data(true));
    let acceptor = scene.acceptor(|s| s.max_early_data(20_000));
    let data: Vec<u8> = (0..20_000_u32).map(|i| (i % 251) as u8).collect();

    let (mut client, mut server) = with_early_data(&connector, &acceptor, &data).await;
    assert_eq!(client.info().early_data, EarlyDataStatus::NotOffered);
    assert_eq!(server.info().early_data, EarlyDataStatus::NotOffered);
    assert!(server.take_early_data().is_none());
    pass_a_byte(&mut client, &mut server).await;

    let (mut client, mut server) = with_early_data(&connector, &acceptor, &data).await;
    assert_eq!(client.info().resumed, Some(true));
    assert_eq!(client.info().early_data, EarlyDataStatus::Accepted);
    assert_eq!(server.info().early_data, EarlyDataStatus::Accepted);
    assert!(server.take_early_data().is_some_and(|early| early.as_bytes() == data));
    client.write_all(b"later").await.unwrap();
    let mut later = [0; 5];
    server.read_exact(&mut later).await.unwrap();
    assert_eq!(&later, b"later");
    pass_a_byte(&mut client, &mut server).await;

    // More than the session allows, and nothing.
    for none in [&[&data[..], b"!"].concat()[..], b""] {
        let (mut client, mut server) = with_early_data(&connector, &acceptor, none).await;
        assert_eq!(client.info().early_data, EarlyDataStatus::NotOffered, "{}", none.len());
        assert_eq!(client.info().resumed, Some(true));
        pass_a_byte(&mut client, &mut server).await;
    }

    for other in [
        scene.acceptor(|s| s.max_early_data(20_000)),
        scene.acceptor(|s| s),
        scene.acceptor(|s| s.resumption(false)),
    ] {
        let (mut client, mut server) = with_early_data(&connector, &acceptor, &data).await;
        assert_eq!(client.info().early_data, EarlyDataStatus::Accepted);
        pass_a_byte(&mut client, &mut server).await;
        let (client, mut server) = with_early_data(&connector, &other, &data).await;
        assert_eq!(client.info().early_data, EarlyDataStatus::Rejected, "another server's session");
        assert!(server.take_early_data().is_none());
        assert_eq!(client.info().resumed, Some(false));
    }
}

#[tokio::test]
async fn early_data_may_be_more_than_a_handshake() {
    const MOST: u32 = 1 << 20;
    let scene = Scene::new(ProtocolVersion::Tls13);
    let connector = scene.connector(|c| c.early_data(true));
    let acceptor = scene.acceptor(|s| s.max_early_data(MOST));
    let data = vec![7; MOST as usize];
    let (mut client, mut server) = with_early_data(&connector, &acceptor, &data).await;
    pass_a_byte(&mut client, &mut server).await;
    let (client, mut server) = with_early_data(&connector, &acceptor, &data).await;
    assert_eq!(client.info().early_data, EarlyDataStatus::Accepted);
    assert!(server.take_early_data().is_some_and(|early| early.as_bytes() == data));
}

#[tokio::test(start_paused = true)]
async fn early_data_is_not_accepted_twice() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    let store = Arc::new(SlowStore::default());
    let connector = scene.connector(|c| c.early_data(true).session_store(store.clone()));
    let acceptor = scene.acceptor(|s| s.max_early_data(100).tickets_per_connection(1));
    let (mut client, mut server) = with_early_data(&connector, &acceptor, b"once").await;
    store.wait_for(1, &mut client, &mut server).await;
    let remembered = store.sessions.lock().unwrap().clone();
    let (client, mut server) = with_early_data(&connector, &acceptor, b"once").await;
    assert_eq!(client.info().early_data, EarlyDataStatus::Accepted);
    assert!(server.take_early_data().is_some_and(|early| early.as_bytes() == b"once"));
    *store.sessions.lock().unwrap() = remembered;
    let (client, mut server) = with_early_data(&connector, &acceptor, b"once").await;
    assert_eq!(client.info().early_data, EarlyDataStatus::Rejected);
    assert!(server.take_early_data().is_none());
}

/// Puts the time of a session in OpenSSL's encoding back: `[1] time INTEGER`, which has four octets until 2038.
fn make_older(session: &mut [u8], age: Duration) {
    let field = [0xa1, 6, 2, 4];
    let at = field.len() + session.windows(4).position(|four| four == field).unwrap();
    let time = session[at..].first_chunk_mut::<4>().unwrap();
    *time = (u32::from_be_bytes(*time) - age.as_secs() as u32).to_be_bytes();
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_older_than_its_server_said_is_not_offered_and_no_early_data_with_it() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    let store = Arc::new(SlowStore::default());
    let connector = scene.connector(|c| c.early_data(true).session_store(store.clone()));
    let lifetime = Duration::from_secs(300);
    let acceptor =
        scene.acceptor(|s| s.max_early_data(100).tickets_per_connection(1).session_lifetime(lifetime));
    for (age, offered) in [(0, true), (250, true), (300, false), (5000, false)] {
        let (mut client, mut server) = with_early_data(&connector, &acceptor, b"early").await;
        store.wait_for(1, &mut client, &mut server).await;
        for session in store.sessions.lock().unwrap().values_mut().flatten() {
            make_older(session, Duration::from_secs(age));
        }
        let (client, server) = with_early_data(&connector, &acceptor, b"early").await;
        let status = client.info().early_data;
        assert_eq!(status != EarlyDataStatus::NotOffered, offered, "{age}");
        assert_eq!(server.info().early_data == EarlyDataStatus::NotOffered, !offered, "{age}");
        assert_eq!(client.info().resumed, Some(offered), "{age}");
        store.sessions.lock().unwrap().clear();
    }
}
