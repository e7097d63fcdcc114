//! Resumption: the application's store, early data, and how many sessions of how many servers are remembered.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use polytls_api::{
    ClientAuthentication, ClientConfig, ConnectOptions, EarlyDataStatus, HelloObserver, MemorySessionStore,
    NamedGroup, ProtocolVersion, ReplayableData, ServerConfig, SessionKey, SessionStore, StoredSession,
    TlsAcceptor, TlsConnector, async_trait,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::scene::{self, Stream, exchange};

/// A store that takes its time, and counts.
#[derive(Debug)]
struct Slow {
    sessions: MemorySessionStore,
    stored: AtomicUsize,
    taken: AtomicUsize,
    last: Mutex<Option<(SessionKey, StoredSession)>>,
}

impl Slow {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            sessions: MemorySessionStore::new(100),
            stored: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
            last: Mutex::new(None),
        })
    }

    fn counts(&self) -> (usize, usize) {
        (self.stored.load(Ordering::Relaxed), self.taken.load(Ordering::Relaxed))
    }
}

#[async_trait]
impl SessionStore for Slow {
    async fn store(&self, key: SessionKey, session: StoredSession) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.stored.fetch_add(1, Ordering::Relaxed);
        *self.last.lock().unwrap() = Some((key, session.clone()));
        self.sessions.store(key, session).await;
    }

    async fn take(&self, key: &SessionKey) -> Option<StoredSession> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let taken = self.sessions.take(key).await?;
        self.taken.fetch_add(1, Ordering::Relaxed);
        Some(taken)
    }
}

/// Lets both sides take what the other has sent, and do what the store still has to do.
async fn settle(client: &mut Stream, server: &mut Stream) {
    exchange(server, client).await;
    let mut byte = [0];
    // Nothing comes; meanwhile the reader polls what is left to be done.
    let waited = tokio::time::timeout(Duration::from_millis(500), client.read(&mut byte)).await;
    assert!(waited.is_err());
}

#[tokio::test(start_paused = true)]
async fn sessions_of_a_client_go_through_its_store_and_leave_it_once() {
    for version in ProtocolVersion::ALL {
        let store = Slow::new();
        let (connector, acceptor) = scene::endpoints(
            |client| client.protocol_versions([version]).session_store(store.clone()),
            |server| server.tickets_per_connection(1),
        );
        for round in 0..3 {
            let (mut client, mut server) = scene::connected(&connector, &acceptor).await;
            assert_eq!(client.info().resumed, Some(round > 0), "{version}");
            settle(&mut client, &mut server).await;
            assert_eq!(store.counts(), (round + 1, round), "{version}");
        }
        // What the store gives out twice is offered once.
        let (key, session) = store.last.lock().unwrap().take().unwrap();
        assert!(session.to_bytes().is_none());
        store.sessions.store(key, session).await;
        for again in [true, false] {
            let (client, _server) = scene::connected(&connector, &acceptor).await;
            assert_eq!(client.info().resumed, Some(again), "{version}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_resumes_what_another_with_the_same_options_has_stored() {
    let (identity, roots) = scene::identity();
    let acceptor = ServerConfig::builder(scene::backend(), identity).build().unwrap();
    let acceptor = TlsAcceptor::new(&acceptor).unwrap();
    for version in ProtocolVersion::ALL {
        let store = Slow::new();
        for round in 0..3 {
            let client = ClientConfig::builder(scene::backend())
                .roots(roots.clone())
                .protocol_versions([version])
                .session_store(store.clone());
            let connector = TlsConnector::new(&client.build().unwrap()).unwrap();
            let (mut client, mut server) = scene::connected(&connector, &acceptor).await;
            assert_eq!(client.info().resumed, Some(round > 0), "{version}");
            settle(&mut client, &mut server).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_with_a_store_resumes_what_another_with_the_same_options_has_stored() {
    let (identity, roots) = scene::identity();
    for version in ProtocolVersion::ALL {
        let store = Slow::new();
        let acceptor = || {
            let server = ServerConfig::builder(scene::backend(), identity.clone())
                .protocol_versions([version])
                .tickets_per_connection(3)
                .session_store(store.clone());
            TlsAcceptor::new(&server.build().unwrap()).unwrap()
        };
        let client = ClientConfig::builder(scene::backend()).roots(roots.clone()).build().unwrap();
        let connector = TlsConnector::new(&client).unwrap();
        let each = if version == ProtocolVersion::Tls13 { 3 } else { 1 };
        for round in 0..3 {
            let (mut client, mut server) = scene::connected(&connector, &acceptor()).await;
            assert_eq!(server.info().resumed, Some(round > 0), "{version}");
            assert_eq!(store.counts(), ((round + 1) * each, round), "{version}");
            exchange(&mut server, &mut client).await;
        }
        let (_, session) = store.last.lock().unwrap().take().unwrap();
        assert!(session.to_bytes().is_some(), "a server's sessions can be kept elsewhere");
    }
}

#[tokio::test]
async fn a_client_remembers_as_many_servers_as_it_is_told() {
    let (identity, roots) = scene::identity_for("*.example.com");
    let server = ServerConfig::builder(scene::backend(), identity).build().unwrap();
    let acceptor = TlsAcceptor::new(&server).unwrap();
    let client = ClientConfig::builder(scene::backend()).roots(roots).session_cache_size(2).build().unwrap();
    let connector = TlsConnector::new(&client).unwrap();
    let mut resumed = Vec::new();
    for name in ["a", "b", "c", "a", "c"] {
        let (client, server) = scene::handshake(&connector, &acceptor, &format!("{name}.example.com")).await;
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        exchange(&mut server, &mut client).await;
        resumed.push(client.info().resumed.unwrap());
    }
    assert_eq!(resumed, [false, false, false, false, true]);
}

#[test]
fn a_cache_that_memory_cannot_hold_is_refused() {
    let client = ClientConfig::builder(scene::backend()).roots(scene::identity().1);
    let error = TlsConnector::new(&client.session_cache_size(usize::MAX).build().unwrap()).unwrap_err();
    assert!(error.to_string().contains("a million at most"), "{error}");
}

/// One connection that sends this early data, and what became of it on both sides.
async fn with_early_data(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
    data: &[u8],
) -> (EarlyDataStatus, EarlyDataStatus, Option<Vec<u8>>) {
    let (near, far) = duplex(1 << 20);
    let name = "localhost".parse().unwrap();
    let options = ConnectOptions::new().early_data(ReplayableData::new(data));
    let connecting = connector.connect_with(&name, &options, near);
    let (client, server) = tokio::join!(connecting, acceptor.accept(far));
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    let early = server.take_early_data().map(|data| data.as_bytes().to_vec());
    // What is read is only what came after it.
    client.write_all(b"after").await.unwrap();
    let mut after = [0; 5];
    server.read_exact(&mut after).await.unwrap();
    assert_eq!(&after, b"after");
    settle(&mut client, &mut server).await;
    (client.info().early_data, server.info().early_data, early)
}

#[tokio::test(start_paused = true)]
async fn early_data_arrives_before_all_else_and_only_with_a_session_that_allows_as_much() {
    use EarlyDataStatus::{Accepted, NotOffered};
    for stored in [false, true] {
        let (connector, acceptor) = scene::endpoints(
            |client| match stored {
                true => client.early_data(true).session_store(Slow::new()),
                false => client.early_data(true),
            },
            |server| match stored {
                true => server.max_early_data(20_000).session_store(Slow::new()),
                false => server.max_early_data(20_000),
            },
        );
        let first = with_early_data(&connector, &acceptor, b"hello").await;
        assert_eq!(first, (NotOffered, NotOffered, None));
        let second = with_early_data(&connector, &acceptor, b"hello").await;
        assert_eq!(second, (Accepted, Accepted, Some(b"hello".to_vec())));
        let much = vec![7; 20_000];
        let third = with_early_data(&connector, &acceptor, &much).await;
        assert_eq!(third, (Accepted, Accepted, Some(much)));
        let too_much = with_early_data(&connector, &acceptor, &[7; 20_001]).await;
        assert_eq!(too_much, (NotOffered, NotOffered, None));
    }
}

#[tokio::test(start_paused = true)]
async fn early_data_has_a_limit_of_its_own() {
    let (connector, acceptor) = scene::endpoints(
        |client| client.early_data(true).max_record_plaintext(512),
        |server| server.max_early_data(500_000).handshake_size_limit(8 * 1024),
    );
    let much = vec![7; 500_000];
    with_early_data(&connector, &acceptor, &much).await;
    let (client, _, taken) = with_early_data(&connector, &acceptor, &much).await;
    assert_eq!((client, taken), (EarlyDataStatus::Accepted, Some(much)));
}

#[tokio::test(start_paused = true)]
async fn early_data_that_a_server_does_not_take_is_passed_over() {
    use EarlyDataStatus::{NotOffered, Rejected};
    let (identity, roots) = scene::identity();
    let (client_identity, client_roots) = scene::identity_for("client");
    for (most, record) in [(1000, 16_384), (40_000, 16_384), (2000, 512)] {
        // In records of 512 bytes the client's certificate comes in fragments.
        let client = ClientConfig::builder(scene::backend())
            .roots(roots.clone())
            .identity(client_identity.clone())
            .max_record_plaintext(record)
            .early_data(true);
        let connector = TlsConnector::new(&client.build().unwrap()).unwrap();
        let acceptor = || {
            let server = ServerConfig::builder(scene::backend(), identity.clone())
                .client_authentication(ClientAuthentication::Required)
                .client_roots(client_roots.clone())
                .max_early_data(most);
            TlsAcceptor::new(&server.build().unwrap()).unwrap()
        };
        let data = vec![7; most as usize];
        let first = with_early_data(&connector, &acceptor(), &data).await;
        assert_eq!(first, (NotOffered, NotOffered, None));
        // Another server of that name does not know the session.
        let second = with_early_data(&connector, &acceptor(), &data).await;
        assert_eq!(second, (Rejected, Rejected, None), "{most} {record}");
    }
}

#[tokio::test(start_paused = true)]
async fn early_data_before_a_hello_retry_request_is_passed_over() {
    use EarlyDataStatus::{NotOffered, Rejected};
    let (identity, roots) = scene::identity();
    let client = ClientConfig::builder(scene::backend()).roots(roots).early_data(true).build().unwrap();
    let connector = TlsConnector::new(&client).unwrap();
    // The client takes the group that it knows from the first connection for the second's too.
    for (group, status) in [(NamedGroup::SECP384R1, NotOffered), (NamedGroup::X25519, Rejected)] {
        let server = ServerConfig::builder(scene::backend(), identity.clone())
            .named_groups([group])
            .max_early_data(1000);
        let acceptor = TlsAcceptor::new(&server.build().unwrap()).unwrap();
        let outcome = with_early_data(&connector, &acceptor, &[7; 1000]).await;
        assert_eq!(outcome, (status, status, None));
    }
}

#[tokio::test(start_paused = true)]
async fn early_data_is_taken_once() {
    let (connector, acceptor) =
        scene::endpoints(|client| client.early_data(true), |server| server.max_early_data(1000));
    with_early_data(&connector, &acceptor, b"pay").await;
    // The client's first flight, caught on its way to the server.
    let (near, mut wire) = duplex(1 << 16);
    let name = "localhost".parse().unwrap();
    let options = ConnectOptions::new().early_data(ReplayableData::new(b"pay"));
    let mut flight = vec![0; 1 << 16];
    let caught = tokio::select! {
        _ = connector.connect_with(&name, &options, near) => panic!("nobody has answered"),
        count = async { wire.read(&mut flight).await.unwrap() } => count,
    };
    flight.truncate(caught);
    // Whoever plays it again gets no early data taken a second time.
    for resumed in [true, false] {
        let (mut replay, far) = duplex(1 << 16);
        replay.write_all(&flight).await.unwrap();
        let mut answer = vec![0; 1 << 12];
        let count = tokio::select! {
            _ = acceptor.accept(far) => panic!("without the keys no handshake ends"),
            count = replay.read(&mut answer) => count.unwrap(),
        };
        let mut observer = HelloObserver::default();
        observer.received(&flight);
        observer.sent(&answer[..count]);
        assert_eq!(observer.resumed(), Some(resumed));
    }
}
