//! Many handshakes at once on one thread, each held up by a hook: no hook ever holds up another's handshake.
//!
//! Every hook waits until all the others are waiting, and then as long as a database takes. Had one of them blocked
//! the thread, the others would never come to wait: so it is not the clock that proves it. No session is resumed on the
//! way, for all handshakes begin before the first has ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use polytls_api::{
    CertificateError, CertificateResolver, CertificateVerifier, ClientAuthentication, ClientHello,
    ConfigOption, DangerAcceptAnyCertificate, ExpectedPeer, HookError, Identity, MemorySessionStore,
    PresentedChain, SessionKey, SessionStore, SignatureScheme, Signer, StoredSession, VerifiedChain,
    async_trait,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
    task::JoinSet,
    time::sleep,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, failed},
    pki::{self, Key, Leaf},
    probe::{with_client_verifier, with_verifier},
    resumption::visit,
    scene::{Ends, Scene, exchange},
    signers::KeyHolder,
};

/// How many handshakes there are at once.
const HANDSHAKES: usize = 200;

/// How long each hook takes once all of them wait.
const HOOK_TIME: Duration = Duration::from_millis(50);

/// One after the other, the hooks alone would take ten seconds.
const FAR_LESS: Duration = Duration::from_secs(5);

/// After this time, what waits would wait for ever.
const PATIENCE: Duration = Duration::from_secs(40);

/// What a slow hook waits for.
#[derive(Debug, Default)]
struct Crowd {
    waiting: AtomicUsize,
    finished: AtomicUsize,
    together: AtomicBool,
    changed: Notify,
    ticks: AtomicUsize,
}

impl Crowd {
    /// Waits for all the others, and then its own time.
    async fn wait(&self) {
        if self.waiting.fetch_add(1, Ordering::AcqRel) + 1 == HANDSHAKES {
            self.together.store(true, Ordering::Release);
            self.changed.notify_waiters();
        }
        self.until(|| self.together.load(Ordering::Acquire)).await;
        sleep(HOOK_TIME).await;
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        self.finished.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// Until as many hooks have answered as there are handshakes.
    async fn dispersed(&self) {
        self.until(|| self.finished.load(Ordering::Acquire) >= HANDSHAKES).await;
    }

    async fn until(&self, holds: impl Fn() -> bool) {
        loop {
            let changed = self.changed.notified();
            if holds() {
                return;
            }
            changed.await;
        }
    }

    /// Ticks every millisecond, and counts the ticks that come while many wait.
    async fn tick(&self) -> Result<(), Stop> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            sleep(Duration::from_millis(1)).await;
            if self.waiting.load(Ordering::Acquire) >= HANDSHAKES / 2 {
                self.ticks.fetch_add(1, Ordering::AcqRel);
            }
        }
        let waiting = self.waiting.load(Ordering::Acquire);
        failed(format!("a hook holds up the others: {waiting} of {HANDSHAKES} came to wait"))
    }
}

/// Runs a handshake of each, and goes on if none held up another.
async fn none_waits_for_another(ends: Vec<Ends>, crowd: &Arc<Crowd>) -> Result<(), Stop> {
    let started = Instant::now();
    let mut handshakes = JoinSet::new();
    for ends in ends {
        handshakes.spawn(one_of_many(ends, crowd.clone()));
    }
    let all = async {
        while let Some(done) = handshakes.join_next().await {
            done??;
        }
        Ok::<_, Stop>(())
    };
    tokio::select! {
        done = all => done?,
        held_up = crowd.tick() => return held_up,
    }
    let (took, ticks) = (started.elapsed(), crowd.ticks.load(Ordering::Acquire));
    ensure(crowd.together.load(Ordering::Acquire), || "the hook was not asked in every handshake".into())?;
    ensure(ticks > 0, || "the thread never ticked while the hooks waited".into())?;
    ensure(took < FAR_LESS, || format!("{HANDSHAKES} hooks of {HOOK_TIME:?} took {took:?}"))
}

/// A connection that ends once all hooks have answered: what was left to be done after the handshake, too.
async fn one_of_many(ends: Ends, crowd: Arc<Crowd>) -> Result<(), Stop> {
    let (mut client, mut server) = ends.connect().await?;
    exchange(&mut client, &mut server).await?;
    let served = async {
        crowd.dispersed().await;
        server.shutdown().await
    };
    let mut end = [0];
    let (served, read) = tokio::join!(served, client.read(&mut end));
    served.at("closing")?;
    ensure(read.at("reading to the end")? == 0, || "there is data that nobody wrote".into())
}

/// As many clones as there are handshakes.
fn many(ends: &Ends) -> Vec<Ends> {
    vec![ends.clone(); HANDSHAKES]
}

/// A resolver, a verifier, a signer and a store that wait in the crowd.
#[derive(Debug)]
struct Slow<T>(Arc<Crowd>, T);

#[async_trait]
impl CertificateResolver for Slow<Identity> {
    async fn resolve(&self, _hello: &ClientHello) -> Result<Option<Identity>, HookError> {
        self.0.wait().await;
        Ok(Some(self.1.clone()))
    }
}

#[async_trait]
impl CertificateVerifier for Slow<DangerAcceptAnyCertificate> {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        self.0.wait().await;
        self.1.verify(chain, peer, now).await
    }
}

#[async_trait]
impl Signer for Slow<Arc<KeyHolder>> {
    fn schemes(&self) -> &[SignatureScheme] {
        self.1.schemes()
    }

    async fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, HookError> {
        self.0.wait().await;
        self.1.sign(scheme, message).await
    }
}

/// A store of which one of the two operations is slow, once it is armed.
#[derive(Debug)]
struct SlowStore {
    crowd: Arc<Crowd>,
    sessions: MemorySessionStore,
    slow: Operation,
    armed: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Take,
    Store,
}

impl SlowStore {
    fn new(crowd: &Arc<Crowd>, slow: Operation, armed: bool) -> Arc<Self> {
        let sessions = MemorySessionStore::new(10 * HANDSHAKES);
        Arc::new(Self { crowd: crowd.clone(), sessions, slow, armed: AtomicBool::new(armed) })
    }

    async fn wait(&self, operation: Operation) {
        if self.slow == operation && self.armed.load(Ordering::Acquire) {
            self.crowd.wait().await;
        }
    }
}

#[async_trait]
impl SessionStore for SlowStore {
    async fn store(&self, key: SessionKey, session: StoredSession) {
        self.wait(Operation::Store).await;
        self.sessions.store(key, session).await;
    }

    async fn take(&self, key: &SessionKey) -> Option<StoredSession> {
        self.wait(Operation::Take).await;
        self.sessions.take(key).await
    }
}

pub(crate) async fn a_slow_resolver_holds_up_nobody_else(pair: Pair) -> Result<(), Stop> {
    let (scene, crowd) = (Scene::new(&pair)?, Arc::default());
    let resolver = Arc::new(Slow(Arc::clone(&crowd), scene.identity.clone()));
    let acceptor = scene.acceptor(&[ConfigOption::Resolver], |server| server.resolver(resolver))?;
    let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor);
    none_waits_for_another(many(&ends), &crowd).await
}

pub(crate) async fn a_slow_verifier_of_servers_holds_up_nobody_else(pair: Pair) -> Result<(), Stop> {
    let (scene, crowd) = (Scene::new(&pair)?, Arc::default());
    let verifier = Arc::new(Slow(Arc::clone(&crowd), DangerAcceptAnyCertificate));
    none_waits_for_another(many(&with_verifier(&scene, verifier)?), &crowd).await
}

pub(crate) async fn a_slow_verifier_of_clients_holds_up_nobody_else(pair: Pair) -> Result<(), Stop> {
    let (scene, crowd) = (Scene::new(&pair)?, Arc::default());
    let verifier = Arc::new(Slow(Arc::clone(&crowd), DangerAcceptAnyCertificate));
    none_waits_for_another(many(&with_client_verifier(&scene, verifier)?), &crowd).await
}

pub(crate) async fn a_servers_slow_signer_holds_up_nobody_else(pair: Pair) -> Result<(), Stop> {
    let (scene, crowd) = (Scene::new(&pair)?, Arc::default());
    let (holder, _) = KeyHolder::take_key(&scene.identity, Key::P256, true);
    let identity = pki::signed_elsewhere(&scene.identity, Arc::new(Slow(Arc::clone(&crowd), holder)));
    let scene = scene.presenting(identity);
    let acceptor = scene.acceptor(&[ConfigOption::Signer], |server| server)?;
    let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor);
    none_waits_for_another(many(&ends), &crowd).await
}

pub(crate) async fn a_clients_slow_signer_holds_up_nobody_else(pair: Pair) -> Result<(), Stop> {
    let (scene, crowd) = (Scene::new(&pair)?, Arc::default());
    let own = scene.root.issue(Leaf::client());
    let (holder, _) = KeyHolder::take_key(&own, Key::P256, true);
    let identity = pki::signed_elsewhere(&own, Arc::new(Slow(Arc::clone(&crowd), holder)));
    let needs = [ConfigOption::ClientIdentity, ConfigOption::Signer];
    let connector = scene.connector(&needs, |client| client.identity(identity))?;
    let (mode, roots) = (ClientAuthentication::Required, scene.root.roots());
    let acceptor = scene.acceptor(&[ConfigOption::ClientAuthentication(mode)], |server| {
        server.client_authentication(mode).client_roots(roots)
    })?;
    none_waits_for_another(many(&Ends::new(connector, acceptor)), &crowd).await
}

/// Clients whose store is this one.
fn with_client_store(scene: &Scene, store: Arc<SlowStore>) -> Result<Ends, Stop> {
    let needs = [ConfigOption::ResumptionOn];
    let acceptor = scene.acceptor(&needs, |server| server.resumption(true))?;
    let needs = [ConfigOption::SessionStore];
    Ok(Ends::new(scene.connector(&needs, |client| client.session_store(store))?, acceptor))
}

pub(crate) async fn a_clients_slow_look_up_of_sessions_holds_up_nobody_else(pair: Pair) -> Result<(), Stop> {
    let (scene, crowd) = (Scene::new(&pair)?, Arc::default());
    let store = SlowStore::new(&crowd, Operation::Take, true);
    none_waits_for_another(many(&with_client_store(&scene, store)?), &crowd).await
}

pub(crate) async fn a_clients_slow_storing_of_sessions_holds_up_nobody_else(pair: Pair) -> Result<(), Stop> {
    let (scene, crowd) = (Scene::new(&pair)?, Arc::default());
    let store = SlowStore::new(&crowd, Operation::Store, true);
    none_waits_for_another(many(&with_client_store(&scene, store)?), &crowd).await
}

pub(crate) async fn a_servers_slow_look_up_of_sessions_holds_up_nobody_else(pair: Pair) -> Result<(), Stop> {
    let (scene, crowd) = (Scene::new(&pair)?, Arc::default());
    let store = SlowStore::new(&crowd, Operation::Take, false);
    let needs = [ConfigOption::SessionStore];
    let acceptor = scene.acceptor(&needs, |server| server.session_store(store.clone()))?;
    // Each client has a session to resume, so that each has the server look one up.
    let mut ends = Vec::new();
    for _ in 0..HANDSHAKES {
        let connector = scene.connector(&[ConfigOption::ResumptionOn], |client| client.resumption(true))?;
        ends.push(Ends::new(connector, acceptor.clone()));
    }
    for ends in &ends {
        visit(ends).await.at("the connection before")?;
    }
    store.armed.store(true, Ordering::Release);
    none_waits_for_another(ends, &crowd).await
}

pub(crate) async fn a_servers_slow_storing_of_sessions_holds_up_nobody_else(pair: Pair) -> Result<(), Stop> {
    let (scene, crowd) = (Scene::new(&pair)?, Arc::default());
    let store = SlowStore::new(&crowd, Operation::Store, true);
    let needs = [ConfigOption::SessionStore];
    let acceptor = scene.acceptor(&needs, |server| server.session_store(store))?;
    let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor);
    none_waits_for_another(many(&ends), &crowd).await
}
