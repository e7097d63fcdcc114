//! Where sessions are kept, how many, and for how long: stores of the application's, tickets, lifetimes.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use polytls_api::{
    ClientAuthentication, ClientConfigBuilder, ConfigOption, MemorySessionStore, ProtocolVersion, Roots,
    ServerConfigBuilder, SessionKey, SessionStore, StoredSession, async_trait,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq},
    gate::{Gate, Outcomes, at_the_gate, dropped_at_the_gate},
    pair::Side,
    pki::{Authority, Leaf},
    resumption::visit,
    scene::{Ends, Scene, exchange},
};

/// A store that counts, waits while its gate is shut, and hands out what it was told to.
#[derive(Debug)]
struct Shelf {
    sessions: MemorySessionStore,
    /// What it does with what it holds.
    manner: Manner,
    gate: Gate,
    slow: AtomicBool,
    counts: Mutex<Counts>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Every session once.
    Careful,
    /// The first session again and again, and no other.
    Stuck,
    /// None.
    Forgetful,
    /// Keeps sessions as bytes, where their library can encode them.
    Elsewhere,
}

#[derive(Debug, Default)]
struct Counts {
    stored: usize,
    found: usize,
    expiries: Vec<SystemTime>,
}

impl Shelf {
    fn new(manner: Manner) -> Arc<Self> {
        Arc::new(Self {
            sessions: MemorySessionStore::new(100),
            manner,
            gate: Gate::new(true),
            slow: AtomicBool::new(false),
            counts: Mutex::default(),
        })
    }

    fn careful() -> Arc<Self> {
        Self::new(Manner::Careful)
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on, whoever takes waits.
    fn shut(&self) {
        self.gate.shut();
        self.slow.store(true, Ordering::Release);
    }
}

#[async_trait]
impl SessionStore for Shelf {
    async fn store(&self, key: SessionKey, session: StoredSession) {
        let first = {
            let mut counts = self.counts();
            counts.stored += 1;
            counts.expiries.push(session.expires());
            counts.stored == 1
        };
        if self.manner == Manner::Stuck && !first {
            return;
        }
        let session = match session.to_bytes() {
            Some(bytes) if self.manner == Manner::Elsewhere => {
                StoredSession::from_bytes(bytes.to_vec(), session.expires())
            }
            _ => session,
        };
        self.sessions.store(key, session).await;
    }

    async fn take(&self, key: &SessionKey) -> Option<StoredSession> {
        if self.slow.load(Ordering::Acquire) {
            self.gate.pass().await;
        }
        let session = self.sessions.take(key).await?;
        match self.manner {
            Manner::Forgetful => return None,
            Manner::Stuck => self.sessions.store(*key, session.clone()).await,
            Manner::Careful | Manner::Elsewhere => {}
        }
        self.counts().found += 1;
        Some(session)
    }
}

/// A client with a store, changed.
fn client_with(
    scene: &Scene,
    store: &Arc<Shelf>,
    needs: &[ConfigOption],
    change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
) -> Result<polytls_api::TlsConnector, Stop> {
    let needs: Vec<_> = needs.iter().cloned().chain([ConfigOption::SessionStore]).collect();
    let store = store.clone();
    scene.connector(&needs, |client| change(client.session_store(store)))
}

/// A client with a store, and a server that resumes.
fn client_stores(scene: &Scene, store: &Arc<Shelf>) -> Result<Ends, Stop> {
    let connector = client_with(scene, store, &[], |client| client)?;
    let acceptor = scene.acceptor(&[ConfigOption::ResumptionOn], |server| server.resumption(true))?;
    Ok(Ends::new(connector, acceptor))
}

/// A server with a store, and a client that resumes.
fn server_stores(scene: &Scene, store: &Arc<Shelf>) -> Result<Ends, Stop> {
    server_stores_with(scene, store, &[], |server| server)
}

fn server_stores_with(
    scene: &Scene,
    store: &Arc<Shelf>,
    needs: &[ConfigOption],
    change: impl FnOnce(ServerConfigBuilder) -> ServerConfigBuilder,
) -> Result<Ends, Stop> {
    let needs: Vec<_> = needs.iter().cloned().chain([ConfigOption::SessionStore]).collect();
    let store = store.clone();
    let acceptor = scene.acceptor(&needs, |server| change(server.session_store(store)))?;
    let connector = scene.connector(&[ConfigOption::ResumptionOn], |client| client.resumption(true))?;
    Ok(Ends::new(connector, acceptor))
}

/// A visit, and whether it resumed an earlier one's session.
async fn resumes(ends: &Ends, expected: bool, place: &str) -> Result<(), Stop> {
    let (client, server) = visit(ends).await.at(place)?;
    ensure_eq(client.info().resumed, Some(expected), "whether the client resumed").at(place)?;
    ensure_eq(server.info().resumed, Some(expected), "whether the server resumed").at(place)
}

pub(crate) async fn a_clients_sessions_are_in_its_store(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let store = Shelf::careful();
        let ends = client_stores(&scene, &store)?;
        resumes(&ends, false, "first").await?;
        ensure(store.counts().stored > 0, || "nothing was stored".into())?;
        for place in ["second", "third", "fourth"] {
            resumes(&ends, true, place).await?;
        }
        ensure_eq(store.counts().found, 3, "sessions that were found")?;
    }
    Ok(())
}

pub(crate) async fn a_servers_sessions_are_in_its_store(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let store = Shelf::careful();
        let ends = server_stores(&scene, &store)?;
        resumes(&ends, false, "first").await?;
        ensure(store.counts().stored > 0, || "nothing was stored".into())?;
        for place in ["second", "third", "fourth"] {
            resumes(&ends, true, place).await?;
        }
        ensure_eq(store.counts().found, 3, "sessions that were found")?;
    }
    Ok(())
}

pub(crate) async fn both_sides_may_have_stores(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (clients, servers) = (Shelf::careful(), Shelf::careful());
        let connector = client_with(&scene, &clients, &[], |client| client)?;
        let ends = Ends { connector, ..server_stores(&scene, &servers)? };
        resumes(&ends, false, "first").await?;
        resumes(&ends, true, "second").await?;
    }
    Ok(())
}

pub(crate) async fn clients_of_equal_configuration_share_a_store(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let store = Shelf::careful();
        let ends = client_stores(&scene, &store)?;
        resumes(&ends, false, "the first client").await?;
        let connector = client_with(&scene, &store, &[], |client| client)?;
        resumes(&Ends { connector, ..ends }, true, "the second client").await?;
    }
    Ok(())
}

pub(crate) async fn servers_of_equal_configuration_share_a_store(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let store = Shelf::careful();
        let ends = server_stores(&scene, &store)?;
        resumes(&ends, false, "the first server").await?;
        let acceptor = server_stores(&scene, &store)?.acceptor;
        resumes(&Ends { acceptor, ..ends }, true, "the second server").await?;
    }
    Ok(())
}

/// What makes another configuration of a client's.
type Difference = fn(&Scene, ClientConfigBuilder) -> ClientConfigBuilder;

pub(crate) async fn a_client_that_differs_finds_no_session(pair: Pair) -> Result<(), Stop> {
    let differences: [(&str, &[ConfigOption], Difference); 5] = [
        ("other roots", &[], |scene, client| {
            let both = [scene.root.certificate(), Authority::root().certificate()];
            client.roots(Roots::from_der(both))
        }),
        ("other protocols", &[ConfigOption::Alpn], |_, client| client.alpn(["h2"])),
        ("an identity", &[ConfigOption::ClientIdentity], |scene, client| {
            client.identity(scene.root.issue(Leaf::client()))
        }),
        ("a verifier", &[ConfigOption::Verifier], |_, client| {
            client.verifier(Arc::new(polytls_api::DangerAcceptAnyCertificate))
        }),
        ("no name sent", &[ConfigOption::SniOff], |_, client| client.sni(false)),
    ];
    for scene in Scene::in_each_version(&pair)? {
        for (place, needs, change) in &differences {
            let store = Shelf::careful();
            let ends = client_stores(&scene, &store)?;
            resumes(&ends, false, "the first client").await?;
            let connector = client_with(&scene, &store, needs, |client| change(&scene, client))?;
            resumes(&Ends { connector, ..ends }, false, place).await?;
        }
    }
    Ok(())
}

pub(crate) async fn a_client_of_other_versions_finds_no_session(pair: Pair) -> Result<(), Stop> {
    let mut scene = Scene::new(&pair)?;
    let all = scene.versions.clone();
    let store = Shelf::careful();
    let ends = client_stores(&scene, &store)?;
    resumes(&ends, false, "every version").await?;
    for version in &all {
        scene.versions = vec![*version];
        let connector = client_with(&scene, &store, &[], |client| client)?;
        // Where there is but one version in common, the two are equal.
        resumes(&Ends { connector, ..ends.clone() }, all.len() == 1, "one version").await?;
    }
    Ok(())
}

pub(crate) async fn a_session_is_for_one_name(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identity = scene.root.issue(Leaf::server_for(&["server.example", "other.example"]));
        let ends = client_stores(&scene.presenting(identity), &Shelf::careful())?;
        resumes(&ends, false, "the first name").await?;
        resumes(&ends.clone().to("other.example")?, false, "the second name").await?;
        resumes(&ends, true, "the first name again").await?;
    }
    Ok(())
}

pub(crate) async fn a_server_that_differs_finds_no_session(pair: Pair) -> Result<(), Stop> {
    let mode = ClientAuthentication::Optional;
    for scene in Scene::in_each_version(&pair)? {
        let store = Shelf::careful();
        let ends = server_stores(&scene, &store)?;
        resumes(&ends, false, "a server that does not ask for a certificate").await?;
        let roots = scene.root.roots();
        let stricter =
            server_stores_with(&scene, &store, &[ConfigOption::ClientAuthentication(mode)], |server| {
                server.client_authentication(mode).client_roots(roots)
            })?;
        let other = Ends { acceptor: stricter.acceptor, ..ends };
        resumes(&other, false, "a server that asks").await?;
        // The client has verified the first server and not this one, so it must see for itself (RFC 8446 §4.6.1).
        let store = Shelf::careful();
        let ends = server_stores(&scene, &store)?;
        resumes(&ends, false, "a server of one identity").await?;
        let scene = scene.presenting_another();
        let other = Ends { acceptor: server_stores(&scene, &store)?.acceptor, ..ends };
        resumes(&other, false, "a server of another").await?;
    }
    Ok(())
}

pub(crate) async fn no_backend_finds_anothers_session(pair: Pair) -> Result<(), Stop> {
    let same = pair.client.info() == pair.server.info();
    let mirrored = Pair::from_arcs(pair.server.clone(), pair.server.clone());
    for scene in Scene::in_each_version(&pair)? {
        let store = Shelf::careful();
        let ends = client_stores(&scene, &store)?;
        resumes(&ends, false, "a client of the one backend").await?;
        let other = Scene { pair: mirrored.clone(), ..scene };
        let connector = client_with(&other, &store, &[], |client| client)?;
        resumes(&Ends { connector, ..ends }, same, "a client of the other").await?;
    }
    Ok(())
}

pub(crate) async fn what_a_store_forgets_costs_a_full_handshake(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let store = Shelf::new(Manner::Forgetful);
        for ends in [client_stores(&scene, &store)?, server_stores(&scene, &store)?] {
            resumes(&ends, false, "first").await?;
            resumes(&ends, false, "second").await?;
        }
    }
    Ok(())
}

pub(crate) async fn a_session_kept_as_bytes_is_the_same(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let store = Shelf::new(Manner::Elsewhere);
        for ends in [client_stores(&scene, &store)?, server_stores(&scene, &store)?] {
            resumes(&ends, false, "first").await?;
            resumes(&ends, true, "second").await?;
        }
    }
    Ok(())
}

pub(crate) async fn a_server_takes_a_session_of_tls13_once(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::in_version(&pair, ProtocolVersion::Tls13)?;
    let (clients, servers) = (Shelf::new(Manner::Stuck), Shelf::careful());
    let acceptor = server_stores(&scene, &servers)?.acceptor;
    let ends = Ends::new(client_with(&scene, &clients, &[], |client| client)?, acceptor);
    resumes(&ends, false, "first").await?;
    resumes(&ends, true, "the first use of its session").await?;
    resumes(&ends, false, "the second use of its session").await
}

pub(crate) async fn a_clients_hello_waits_for_its_store(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let store = Shelf::careful();
        let ends = client_stores(&scene, &store)?;
        resumes(&ends, false, "first").await?;
        store.shut();
        let Outcomes { client, server } = at_the_gate(&ends, &store.gate, |still| {
            ensure_eq(still.from_client.written(), 0, "bytes that the client sent")?;
            still.client_waits()
        })?;
        let (mut client, mut server) = (client?, server?);
        ensure_eq(client.info().resumed, Some(true), "whether the client resumed")?;
        exchange(&mut client, &mut server).await?;
        store.shut();
        dropped_at_the_gate(&ends, &store.gate, Side::Client).await?;
    }
    Ok(())
}

pub(crate) async fn a_servers_answer_waits_for_its_store(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let store = Shelf::careful();
        let ends = server_stores(&scene, &store)?;
        resumes(&ends, false, "first").await?;
        store.shut();
        let Outcomes { client, server } = at_the_gate(&ends, &store.gate, |still| {
            ensure_eq(still.from_server.written(), 0, "bytes that the server sent")?;
            still.client_waits()?;
            still.server_waits()
        })?;
        let (mut client, mut server) = (client?, server?);
        ensure_eq(server.info().resumed, Some(true), "whether the server resumed")?;
        exchange(&mut client, &mut server).await?;
        store.shut();
        dropped_at_the_gate(&ends, &store.gate, Side::Server).await?;
    }
    Ok(())
}

pub(crate) async fn two_tickets_come_unless_set(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::in_version(&pair, ProtocolVersion::Tls13)?;
    let store = Shelf::careful();
    visit(&client_stores(&scene, &store)?).await?;
    ensure_eq(store.counts().stored, 2, "sessions that one connection brought")
}

pub(crate) async fn as_many_tickets_come_as_are_set(pair: Pair) -> Result<(), Stop> {
    for version in pair.versions()? {
        let scene = Scene::in_version(&pair, version)?;
        for count in [1, 5] {
            let store = Shelf::careful();
            let needs = [ConfigOption::TicketsPerConnection];
            let acceptor = scene.acceptor(&needs, |server| server.tickets_per_connection(count))?;
            let connector = client_with(&scene, &store, &[], |client| client)?;
            visit(&Ends::new(connector, acceptor)).await?;
            // TLS 1.2 has one.
            let expected = if version == ProtocolVersion::Tls13 { usize::from(count) } else { 1 };
            ensure_eq(store.counts().stored, expected, "sessions that one connection brought").at(version)?;
        }
    }
    Ok(())
}

/// Goes on if everything stored expires a lifetime from now, within what a test may take.
fn ensure_expires(store: &Shelf, lifetime: Duration) -> Result<(), Stop> {
    let expected = SystemTime::now() + lifetime;
    for expires in &store.counts().expiries {
        let off = expected.duration_since(*expires).or_else(|_| expires.duration_since(expected));
        let off = off.unwrap_or_default();
        ensure(off < Duration::from_secs(60), || {
            format!("it expires {off:?} off a lifetime of {lifetime:?}")
        })?;
    }
    Ok(())
}

pub(crate) async fn a_servers_session_is_stored_for_its_lifetime(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        for lifetime in [None, Some(Duration::from_secs(600))] {
            let store = Shelf::careful();
            let needs = lifetime.map(|_| ConfigOption::SessionLifetime);
            let ends = server_stores_with(&scene, &store, needs.as_slice(), |server| match lifetime {
                None => server,
                Some(lifetime) => server.session_lifetime(lifetime),
            })?;
            visit(&ends).await?;
            ensure_expires(&store, lifetime.unwrap_or(Duration::from_secs(2 * 60 * 60)))?;
        }
    }
    Ok(())
}

pub(crate) async fn a_client_stores_a_session_for_the_servers_lifetime(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::in_version(&pair, ProtocolVersion::Tls13)?;
    for lifetime in [None, Some(Duration::from_secs(600))] {
        let store = Shelf::careful();
        let needs = lifetime.map(|_| ConfigOption::SessionLifetime);
        let acceptor = scene.acceptor(needs.as_slice(), |server| match lifetime {
            None => server,
            Some(lifetime) => server.session_lifetime(lifetime),
        })?;
        visit(&Ends::new(client_with(&scene, &store, &[], |client| client)?, acceptor)).await?;
        ensure_expires(&store, lifetime.unwrap_or(Duration::from_secs(2 * 60 * 60)))?;
    }
    Ok(())
}

pub(crate) async fn a_session_is_not_resumed_after_its_lifetime(pair: Pair) -> Result<(), Stop> {
    let mut all = Vec::new();
    for scene in Scene::in_each_version(&pair)? {
        let needs = [ConfigOption::SessionLifetime];
        let short = scene.acceptor(&needs, |server| server.session_lifetime(Duration::from_secs(1)))?;
        let long = scene.acceptor(&needs, |server| server.session_lifetime(Duration::from_secs(600)))?;
        let connector = || scene.connector(&[ConfigOption::ResumptionOn], |client| client.resumption(true));
        all.push((Ends::new(connector()?, short), false));
        all.push((Ends::new(connector()?, long), true));
    }
    for (ends, _) in &all {
        resumes(ends, false, "first").await?;
    }
    // A ticket's age is in the peer's hands, and its clock the library's own: this is real time.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    for (ends, lives) in &all {
        resumes(ends, *lives, "after two seconds").await?;
    }
    Ok(())
}

pub(crate) async fn a_cache_for_one_server_forgets_the_first(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identity = scene.root.issue(Leaf::server_for(&["server.example", "other.example"]));
        let scene = scene.presenting(identity);
        let acceptor = scene.acceptor(&[ConfigOption::ResumptionOn], |server| server.resumption(true))?;
        for (servers, remembers) in [(1, false), (2, true)] {
            let needs = [ConfigOption::SessionCacheSize];
            let connector = scene.connector(&needs, |client| client.session_cache_size(servers))?;
            let ends = Ends::new(connector, acceptor.clone());
            resumes(&ends, false, "the first server").await?;
            resumes(&ends, true, "the first server again").await?;
            resumes(&ends.clone().to("other.example")?, false, "the second server").await?;
            resumes(&ends, remembers, "the first server after the second").await?;
        }
    }
    Ok(())
}
