//! What one connection may leave to the next: for how long, and under whose key.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use polytls_api::{
    CipherSuite, ClientConfig, ClientConfigBuilder, Error, ErrorKind, Identity, MemorySessionStore,
    ProtocolVersion, Roots, ServerConfig, ServerConfigBuilder, SessionKey, SessionStore, StoredSession,
    TlsAcceptor, TlsConnector, TlsStream, async_trait,
};
use polytls_builtin::{Builtin, ExternalPsk};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

type Stream = TlsStream<DuplexStream>;

/// A certificate for localhost, and who trusts it.
fn identity() -> (Identity, Roots) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let root = made.cert.der().clone();
    let identity = Identity::from_der([root.clone()], made.signing_key.serialize_der()).unwrap();
    (identity, Roots::from_der([root]))
}

/// The client saw a certificate, and did not trust it.
fn assert_distrusts(client: Result<Stream, Error>) {
    let error = client.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Certificate(_)), "{error:?}");
}

fn connector(
    backend: Builtin,
    roots: &Roots,
    change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
) -> TlsConnector {
    let builder = ClientConfig::builder(Arc::new(backend)).roots(roots.clone());
    TlsConnector::new(&change(builder).build().unwrap()).unwrap()
}

fn acceptor(
    backend: Builtin,
    identity: &Identity,
    change: impl FnOnce(ServerConfigBuilder) -> ServerConfigBuilder,
) -> TlsAcceptor {
    let builder = ServerConfig::builder(Arc::new(backend), identity.clone());
    TlsAcceptor::new(&change(builder).build().unwrap()).unwrap()
}

async fn handshake(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
) -> (Result<Stream, Error>, Result<Stream, Error>) {
    let (near, far) = duplex(1 << 16);
    let name = "localhost".parse().unwrap();
    let (client, server) = tokio::join!(connector.connect(&name, near), acceptor.accept(far));
    let (client, server) =
        (client.map_err(|error| error.error().clone()), server.map_err(|error| error.error().clone()));
    (client, server)
}

/// Connects, and passes a byte each way, so that tickets arrive.
async fn visit(connector: &TlsConnector, acceptor: &TlsAcceptor) -> (Stream, Stream) {
    let (client, server) = handshake(connector, acceptor).await;
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    client.write_all(b"?").await.unwrap();
    client.flush().await.unwrap();
    server.read_exact(&mut [0]).await.unwrap();
    server.write_all(b"!").await.unwrap();
    server.flush().await.unwrap();
    client.read_exact(&mut [0]).await.unwrap();
    (client, server)
}

/// A store that notes until when it is to keep what it is given.
#[derive(Debug)]
struct Noting {
    sessions: MemorySessionStore,
    expiries: Mutex<Vec<SystemTime>>,
}

impl Noting {
    fn new() -> Arc<Self> {
        Arc::new(Self { sessions: MemorySessionStore::new(8), expiries: Mutex::default() })
    }

    fn expiries(&self) -> MutexGuard<'_, Vec<SystemTime>> {
        self.expiries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SessionStore for Noting {
    async fn store(&self, key: SessionKey, session: StoredSession) {
        self.expiries().push(session.expires());
        self.sessions.store(key, session).await;
    }

    async fn take(&self, key: &SessionKey) -> Option<StoredSession> {
        self.sessions.take(key).await
    }
}

fn with_psk() -> Builtin {
    let psk = ExternalPsk::new("sensor 7", [7; 32]).unwrap();
    Builtin::builder().external_psk(psk).build().unwrap()
}

/// RFC 8446 §4.6.1: a server that gives out tickets for ever is verified anew all the same.
#[tokio::test]
async fn a_ticket_of_a_resumed_connection_lasts_no_longer_than_the_first() {
    let (identity, roots) = identity();
    let (week, store) = (Duration::from_secs(7 * 24 * 60 * 60), Noting::new());
    let acceptor = acceptor(Builtin::new(), &identity, |server| server.session_lifetime(week));
    let connector = connector(Builtin::new(), &roots, |client| client.session_store(store.clone()));
    visit(&connector, &acceptor).await;
    let first = store.expiries().drain(..).max().unwrap();
    for _ in 0..3 {
        let (client, _server) = visit(&connector, &acceptor).await;
        assert_eq!(client.info().resumed, Some(true));
        let later = store.expiries().drain(..).max().unwrap();
        assert!(later <= first, "{later:?} is after {first:?}");
    }
}

/// Whoever has the key could else be taken for the certified server by clients that share a store and lack the key.
#[tokio::test]
async fn what_a_key_began_is_no_session_for_those_who_want_a_certificate() {
    let (of_server, roots) = identity();
    let (impostor, _) = identity();
    // One that the key goes with.
    let suite = CipherSuite::TLS_AES_128_GCM_SHA256;
    let store = Noting::new();
    let client = |backend| {
        connector(backend, &roots, |client| {
            let client = client.protocol_versions([ProtocolVersion::Tls13]).cipher_suites([suite]);
            client.session_store(store.clone())
        })
    };
    let impostor = acceptor(with_psk(), &impostor, |server| server);
    visit(&client(with_psk()), &impostor).await;
    let (wants_certificate, _) = handshake(&client(Builtin::new()), &impostor).await;
    assert_distrusts(wants_certificate);
    let server = acceptor(Builtin::new(), &of_server, |server| server);
    visit(&client(Builtin::new()), &server).await;
}

/// Its lifetime says until when; what another server's says must not let a client go on for longer.
#[tokio::test]
async fn a_session_under_another_servers_lifetime_is_not_resumed() {
    let (identity, roots) = identity();
    let store = Arc::new(MemorySessionStore::new(8));
    let server = |seconds| {
        acceptor(Builtin::new(), &identity, |server| {
            server.session_store(store.clone()).session_lifetime(Duration::from_secs(seconds))
        })
    };
    let connector = connector(Builtin::new(), &roots, |client| client);
    for (lifetime, resumed) in [(7200, false), (60, false), (60, true), (7200, false)] {
        let (client, _server) = visit(&connector, &server(lifetime)).await;
        assert_eq!(client.info().resumed, Some(resumed), "{lifetime} seconds");
    }
}
