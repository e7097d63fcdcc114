//! What a server presents to whom: identities for names (RFC 6066 §3), and a resolver of the application's.

use std::sync::{Arc, Mutex, PoisonError};

use polytls_api::{
    AlertDescription, CertificateResolver, ClientHello, ConfigOption, ErrorKind, HookError, Identity,
    ServerConfig, async_trait,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure_eq},
    gate::{Gate, Outcomes, at_the_gate, dropped_at_the_gate},
    pair::Side,
    pki::{Key, Leaf, SERVER_NAME},
    scene::{Ends, Scene, ensure_kind, exchange},
};

/// A resolver that notes the names it is asked for, waits while its gate is shut, and answers as it was told.
#[derive(Debug)]
pub(crate) struct Chooser {
    answer: Result<Option<Identity>, &'static str>,
    gate: Gate,
    names: Mutex<Vec<Option<String>>>,
}

impl Chooser {
    /// Answers at once.
    pub(crate) fn of(identity: Option<Identity>) -> Arc<Self> {
        Self::new(Ok(identity), true)
    }

    fn new(answer: Result<Option<Identity>, &'static str>, open: bool) -> Arc<Self> {
        Arc::new(Self { answer, gate: Gate::new(open), names: Mutex::default() })
    }
}

#[async_trait]
impl CertificateResolver for Chooser {
    async fn resolve(&self, hello: &ClientHello) -> Result<Option<Identity>, HookError> {
        let name = hello.server_name().map(str::to_owned);
        self.names.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        self.gate.pass().await;
        self.answer.clone().map_err(HookError::new)
    }
}

/// Names under which the default identity is valid, beside the one that it is for.
const OTHERS: [&str; 4] = [SERVER_NAME, "b.example", "x.y.b.example", "other.example"];

/// A server with an identity for `a.example`, one for what is one label below `b.example`, and another for the rest.
fn by_name(scene: &Scene) -> Result<(Ends, [Identity; 3]), Stop> {
    let exact = scene.root.issue(Leaf::server_for(&["a.example"]));
    let wildcard = scene.root.issue(Leaf::server_for(&["*.b.example"]));
    let rest = scene.root.issue(Leaf::server_for(&OTHERS));
    let builder = ServerConfig::builder(scene.pair.server.clone(), rest.clone())
        .sni_identity("A.example", exact.clone())
        .sni_identity("*.b.example", wildcard.clone());
    let acceptor = scene.acceptor_of(&[ConfigOption::SniIdentities], builder, |server| server)?;
    Ok((Ends::new(scene.connector(&[], |client| client)?, acceptor), [exact, wildcard, rest]))
}

/// Goes on if a client that asks for this name is shown this identity, and both sides say so.
async fn is_shown(ends: &Ends, name: &str, identity: &Identity) -> Result<(), Stop> {
    let (mut client, mut server) = ends.clone().to(name)?.connect().await.at(name)?;
    exchange(&mut client, &mut server).await.at(name)?;
    let own = identity.chain().first();
    ensure_eq(client.info().peer_chain.first() == own, true, "whether the client was shown the name's")
}

pub(crate) async fn an_exact_name_has_its_identity(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (ends, [exact, ..]) = by_name(&scene)?;
        is_shown(&ends, "a.example", &exact).await?;
        is_shown(&ends, "A.EXAMPLE", &exact).await?;
    }
    Ok(())
}

pub(crate) async fn a_wildcard_has_the_names_one_label_below(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (ends, [_, wildcard, rest]) = by_name(&scene)?;
        is_shown(&ends, "x.b.example", &wildcard).await?;
        is_shown(&ends, "b.example", &rest).await?;
        is_shown(&ends, "x.y.b.example", &rest).await?;
    }
    Ok(())
}

pub(crate) async fn an_exact_name_wins_over_a_wildcard(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let exact = scene.root.issue(Leaf::server_for(&["x.b.example"]));
        let wildcard = scene.root.issue(Leaf::server_for(&["*.b.example"]));
        let acceptor = scene.acceptor(&[ConfigOption::SniIdentities], |server| {
            server.sni_identity("*.b.example", wildcard.clone()).sni_identity("x.b.example", exact.clone())
        })?;
        let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor);
        is_shown(&ends, "x.b.example", &exact).await?;
        is_shown(&ends, "y.b.example", &wildcard).await?;
    }
    Ok(())
}

pub(crate) async fn other_names_and_no_name_have_the_default(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (ends, [.., rest]) = by_name(&scene)?;
        is_shown(&ends, "other.example", &rest).await?;
        let connector = scene.connector(&[ConfigOption::SniOff], |client| client.sni(false))?;
        is_shown(&Ends { connector, ..ends }, SERVER_NAME, &rest).await?;
    }
    Ok(())
}

pub(crate) async fn each_name_may_have_a_key_of_another_kind(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let keys = Key::ALL.into_iter().filter(|key| pair.both_sign(*key));
        let named: Vec<_> = keys
            .map(|key| {
                let name = format!("{key:?}.example").to_lowercase();
                let identity = scene.root.issue(Leaf::server_for(&[name.as_str()]).key(key));
                (name, identity)
            })
            .collect();
        let acceptor = scene.acceptor(&[ConfigOption::SniIdentities], |server| {
            named.iter().fold(server, |server, (name, identity)| server.sni_identity(name, identity.clone()))
        })?;
        let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor);
        for (name, identity) in &named {
            is_shown(&ends, name, identity).await?;
        }
    }
    Ok(())
}

pub(crate) async fn a_session_goes_with_the_name_it_was_made_for(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (ends, [exact, wildcard, _]) = by_name(&scene)?;
        for _ in 0..2 {
            is_shown(&ends, "a.example", &exact).await?;
            is_shown(&ends, "x.b.example", &wildcard).await?;
        }
    }
    Ok(())
}

/// A server that leaves it to the resolver alone.
fn resolved_alone(scene: &Scene, resolver: Arc<Chooser>) -> Result<Ends, Stop> {
    let builder = ServerConfig::builder_with_resolver(scene.pair.server.clone(), resolver);
    let acceptor = scene.acceptor_of(&[ConfigOption::Resolver], builder, |server| server)?;
    Ok(Ends::new(scene.connector(&[], |client| client)?, acceptor))
}

pub(crate) async fn a_resolver_chooses_from_the_hello(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let chosen = scene.root.issue(Leaf::server());
        let resolver = Chooser::of(Some(chosen.clone()));
        let acceptor =
            scene.acceptor(&[ConfigOption::Resolver], |server| server.resolver(resolver.clone()))?;
        let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor);
        is_shown(&ends, SERVER_NAME, &chosen).await?;
        let names = resolver.names.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ensure_eq(names, vec![Some(SERVER_NAME.to_owned())], "the names that the resolver was asked for")?;
        is_shown(&resolved_alone(&scene, resolver)?, SERVER_NAME, &chosen).await?;
    }
    Ok(())
}

/// Issues an identity for every client anew.
#[derive(Debug)]
struct OnTheSpot(Mutex<Vec<Identity>>);

#[async_trait]
impl CertificateResolver for OnTheSpot {
    async fn resolve(&self, _hello: &ClientHello) -> Result<Option<Identity>, HookError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).pop())
    }
}

pub(crate) async fn a_resolver_may_have_another_identity_each_time(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identities: Vec<_> = (0..5).map(|_| scene.root.issue(Leaf::server())).collect();
        let resolver = Arc::new(OnTheSpot(Mutex::new(identities.clone())));
        let builder = ServerConfig::builder_with_resolver(pair.server.clone(), resolver);
        let acceptor = scene.acceptor_of(&[ConfigOption::Resolver], builder, |server| server)?;
        for identity in identities.iter().rev() {
            // A connector of its own, so that nothing is resumed.
            let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor.clone());
            is_shown(&ends, SERVER_NAME, identity).await?;
        }
    }
    Ok(())
}

pub(crate) async fn a_resolver_that_has_nothing_leaves_it_to_the_default(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let needs = [ConfigOption::Resolver];
        let acceptor = scene.acceptor(&needs, |server| server.resolver(Chooser::of(None)))?;
        let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor);
        is_shown(&ends, SERVER_NAME, &scene.identity).await?;
    }
    Ok(())
}

/// The handshake fails, by this reason of the server's and this alert.
fn refused(
    ends: &Ends,
    reason: impl FnOnce(&ErrorKind) -> bool,
    expected: &str,
    alert: AlertDescription,
) -> Result<(), Stop> {
    let failures = ends.failure()?;
    ensure_kind("server", &failures.server, reason, expected)?;
    ensure_eq(failures.server.alert_sent(), Some(alert), "the alert that the server says it sent")?;
    ensure_eq(failures.client.alert_received(), Some(alert), "the alert that the client sees")
}

pub(crate) async fn a_client_that_nobody_is_there_for_is_refused(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = resolved_alone(&scene, Chooser::of(None))?;
        let reason = |kind: &ErrorKind| *kind == ErrorKind::NoIdentity;
        refused(&ends, reason, "NoIdentity", AlertDescription::UNRECOGNIZED_NAME)?;
    }
    Ok(())
}

pub(crate) async fn a_resolver_that_fails_ends_the_handshake(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let resolver = Chooser::new(Err("the database is away"), true);
        let reason = |kind: &ErrorKind| *kind == ErrorKind::Hook;
        let ends = resolved_alone(&scene, resolver)?;
        refused(&ends, reason, "Hook", AlertDescription::INTERNAL_ERROR)?;
    }
    Ok(())
}

pub(crate) async fn a_server_sends_nothing_before_a_slow_resolver_answers(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let resolver = Chooser::new(Ok(Some(scene.identity.clone())), false);
        let ends = resolved_alone(&scene, resolver.clone())?;
        let Outcomes { client, server } = at_the_gate(&ends, &resolver.gate, |still| {
            ensure_eq(still.from_server.written(), 0, "bytes that the server sent")?;
            still.client_waits()?;
            still.server_waits()
        })?;
        exchange(&mut client?, &mut server?).await?;
    }
    Ok(())
}

pub(crate) async fn a_handshake_dropped_at_its_resolver_ends_the_clients(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let resolver = Chooser::new(Ok(None), false);
        let ends = resolved_alone(&scene, resolver.clone())?;
        dropped_at_the_gate(&ends, &resolver.gate, Side::Server).await?;
    }
    Ok(())
}
