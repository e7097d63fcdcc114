//! Verifiers over verifiers, under every handshake, whether the inner ones answer at once or later.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::SystemTime,
};

use polytls_api::{
    CertificateError, CertificateVerifier, ClientAuthentication, ConfigOption, DangerReportOnly, ErrorKind,
    ExpectedPeer, Identity, Pins, PresentedChain, SpkiPin, VerifiedChain, async_trait, both, cached, pinned,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    certificates::{ensure_fault, ensure_told, expired},
    pair::Side,
    pki::{Authority, Leaf, SERVER_NAME, Validity},
    probe::with_verifier,
    scene::{Ends, Failures, Scene, exchange},
    verifiers::verifier_of,
};

/// Another name of the server's.
const OTHER_NAME: &str = "other.example";

/// A backend's verifier that counts how often it is asked, and may take its time.
#[derive(Debug)]
struct Watched {
    inner: Arc<dyn CertificateVerifier>,
    late: bool,
    asked: AtomicUsize,
}

impl Watched {
    /// The verifier of this side's backend, trusting this root.
    fn new(pair: &Pair, side: Side, root: &Authority, late: bool) -> Result<Arc<Self>, Stop> {
        let inner = verifier_of(pair, side, root)?;
        Ok(Arc::new(Self { inner, late, asked: AtomicUsize::new(0) }))
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Acquire)
    }
}

#[async_trait]
impl CertificateVerifier for Watched {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        self.asked.fetch_add(1, Ordering::AcqRel);
        let mut waits = self.late;
        poll_fn(|cx| {
            if !std::mem::take(&mut waits) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.inner.verify(chain, peer, now).await
    }

    fn revision(&self) -> Option<u64> {
        Some(0)
    }
}

/// A scene for each version, and whether the verifiers in it answer later.
fn scenes(pair: &Pair) -> Result<Vec<(Scene, bool)>, Stop> {
    let mut scenes = Vec::new();
    for late in [false, true] {
        scenes.extend(Scene::in_each_version(pair)?.into_iter().map(|scene| (scene, late)));
    }
    Ok(scenes)
}

/// A client with this identity, and a server that requires it and whose verifier is this one.
fn with_client(
    scene: &Scene,
    identity: &Identity,
    verifier: Arc<dyn CertificateVerifier>,
) -> Result<Ends, Stop> {
    let mode = ClientAuthentication::Required;
    let needs = [ConfigOption::ClientAuthentication(mode), ConfigOption::Verifier];
    let acceptor =
        scene.acceptor(&needs, |server| server.client_authentication(mode).client_verifier(verifier))?;
    let needs = [ConfigOption::ClientIdentity];
    Ok(Ends::new(scene.connector(&needs, |client| client.identity(identity.clone()))?, acceptor))
}

async fn connects(ends: &Ends) -> Result<(), Stop> {
    let (mut client, mut server) = ends.connect().await?;
    exchange(&mut client, &mut server).await
}

/// How this side refuses its peer: for this fault, of which the peer is told, or cut off if the verdict came late.
fn refuses(
    pair: &Pair,
    side: Side,
    ends: &Ends,
    fault: &CertificateError,
    late: bool,
) -> Result<CertificateError, Stop> {
    let Failures { client, server } = ends.failure()?;
    let (refusing, refused) = if side == Side::Client { (client, server) } else { (server, client) };
    ensure_fault(pair, side, &refusing, fault)?;
    match refused.kind() {
        ErrorKind::AlertReceived(told) => ensure_told(pair, side, Some(*told), fault.alert())?,
        ErrorKind::UnexpectedEof if late => {}
        _ => return failed(format!("the peer must be told, or cut off late, and has {refused:?}")),
    }
    Ok(refusing.certificate_error().cloned().unwrap_or(CertificateError::Missing))
}

pub(crate) async fn a_server_must_please_both_verifiers(pair: Pair) -> Result<(), Stop> {
    for (scene, late) in scenes(&pair)? {
        let ours = || Watched::new(&pair, Side::Client, &scene.root, late);
        let theirs = || Watched::new(&pair, Side::Server, &scene.root, !late);
        connects(&with_verifier(&scene, both(ours()?, theirs()?))?).await?;
        let stranger = Watched::new(&pair, Side::Server, &Authority::root(), late)?;
        for verifier in [both(ours()?, stranger.clone()), both(stranger.clone(), ours()?)] {
            let ends = with_verifier(&scene, verifier)?;
            refuses(&pair, Side::Client, &ends, &CertificateError::UnknownIssuer, late)?;
        }
        ensure_eq(stranger.asked(), 2, "how often the one that refuses was asked")?;
    }
    Ok(())
}

pub(crate) async fn a_client_must_please_both_verifiers(pair: Pair) -> Result<(), Stop> {
    for (scene, late) in scenes(&pair)? {
        let client = scene.root.issue(Leaf::client());
        let ours = || Watched::new(&pair, Side::Server, &scene.root, late);
        let theirs = || Watched::new(&pair, Side::Client, &scene.root, !late);
        connects(&with_client(&scene, &client, both(ours()?, theirs()?))?).await?;
        let stranger = Watched::new(&pair, Side::Client, &Authority::root(), late)?;
        for verifier in [both(ours()?, stranger.clone()), both(stranger.clone(), ours()?)] {
            let ends = with_client(&scene, &client, verifier)?;
            refuses(&pair, Side::Server, &ends, &CertificateError::UnknownIssuer, late)?;
        }
    }
    Ok(())
}

/// Pins of this identity's key and of its issuer's, and one that no key has.
fn pins_of(identity: &Identity) -> Result<([Pins; 2], Pins), Stop> {
    let (no_key, nobodys) = (SpkiPin::new([0; 32]), SpkiPin::new([1; 32]));
    let [leaf, intermediate] = identity.chain() else { return failed("the chain has two certificates") };
    let pin = |certificate| SpkiPin::of(certificate).map_err(|error| crate::Failure::new(error.to_string()));
    Ok((
        [Pins::new(pin(leaf)?, no_key)?, Pins::new(no_key, pin(intermediate)?)?],
        Pins::new(no_key, nobodys)?,
    ))
}

fn not_pinned() -> CertificateError {
    CertificateError::NotPinned { presented: Vec::new() }
}

/// The fault names the pins that would have done.
fn names_pins(identity: &Identity, fault: &CertificateError) -> Result<(), Stop> {
    let CertificateError::NotPinned { presented } = fault else { return failed(format!("{fault:?}")) };
    let pins = identity.chain().iter().flat_map(SpkiPin::of).map(|pin| pin.to_string());
    let own: Vec<_> = pins.collect();
    ensure(presented.starts_with(&own), || format!("expected {own:?} and its root's, found {presented:?}"))
}

pub(crate) async fn a_server_must_have_a_pinned_key(pair: Pair) -> Result<(), Stop> {
    for (scene, late) in scenes(&pair)? {
        let identity = scene.root.intermediate().issue(Leaf::server());
        let (right, wrong) = pins_of(&identity)?;
        let scene = scene.presenting(identity.clone());
        let inner = Watched::new(&pair, Side::Client, &scene.root, late)?;
        for pins in right {
            connects(&with_verifier(&scene, pinned(inner.clone(), pins))?).await?;
        }
        let ends = with_verifier(&scene, pinned(inner, wrong))?;
        names_pins(&identity, &refuses(&pair, Side::Client, &ends, &not_pinned(), late)?)?;
    }
    Ok(())
}

pub(crate) async fn a_client_must_have_a_pinned_key(pair: Pair) -> Result<(), Stop> {
    for (scene, late) in scenes(&pair)? {
        let client = scene.root.intermediate().issue(Leaf::client());
        let (right, wrong) = pins_of(&client)?;
        let inner = Watched::new(&pair, Side::Server, &scene.root, late)?;
        for pins in right {
            connects(&with_client(&scene, &client, pinned(inner.clone(), pins))?).await?;
        }
        let ends = with_client(&scene, &client, pinned(inner, wrong))?;
        names_pins(&client, &refuses(&pair, Side::Server, &ends, &not_pinned(), late)?)?;
    }
    Ok(())
}

pub(crate) async fn a_server_that_was_accepted_is_not_verified_again(pair: Pair) -> Result<(), Stop> {
    for (scene, late) in scenes(&pair)? {
        let identity = scene.root.intermediate().issue(Leaf::server_for(&[SERVER_NAME, OTHER_NAME]));
        let scene = scene.presenting(identity);
        let inner = Watched::new(&pair, Side::Client, &scene.root, late)?;
        let cache = cached(inner.clone(), 8)?;
        // Each client is a new one: it has no session to resume.
        for _ in 0..3 {
            connects(&with_verifier(&scene, cache.clone())?).await?;
            ensure_eq(inner.asked(), 1, "how often the inner verifier was asked")?;
        }
        for _ in 0..2 {
            connects(&with_verifier(&scene, cache.clone())?.to(OTHER_NAME)?).await?;
            ensure_eq(inner.asked(), 2, "how often it was asked, for two names")?;
        }
        // Of what is refused nothing is known the next time.
        let stranger = Scene { root: Authority::root(), ..scene }.presenting_another();
        for asked in 3..5 {
            let ends = with_verifier(&stranger, cache.clone())?;
            refuses(&pair, Side::Client, &ends, &CertificateError::UnknownIssuer, late)?;
            ensure_eq(inner.asked(), asked, "how often it was asked, with refusals")?;
        }
        ensure_eq((cache.hits(), cache.misses()), (3, 4), "the cache's own count")?;
    }
    Ok(())
}

pub(crate) async fn a_client_that_was_accepted_is_not_verified_again(pair: Pair) -> Result<(), Stop> {
    for (scene, late) in scenes(&pair)? {
        let client = scene.root.intermediate().issue(Leaf::client());
        let other = scene.root.issue(Leaf::client());
        let inner = Watched::new(&pair, Side::Server, &scene.root, late)?;
        let cache = cached(inner.clone(), 8)?;
        for (client, asked) in [(&client, 1), (&client, 1), (&other, 2), (&client, 2), (&other, 2)] {
            connects(&with_client(&scene, client, cache.clone())?).await?;
            ensure_eq(inner.asked(), asked, "how often the inner verifier was asked")?;
        }
        let stranger = Authority::root().issue(Leaf::client());
        for asked in 3..5 {
            let ends = with_client(&scene, &stranger, cache.clone())?;
            refuses(&pair, Side::Server, &ends, &CertificateError::UnknownIssuer, late)?;
            ensure_eq(inner.asked(), asked, "how often it was asked, with refusals")?;
        }
    }
    Ok(())
}

/// A verifier that only reports, and what it reported.
fn reporting(inner: Arc<Watched>) -> (Arc<DangerReportOnly>, Arc<Mutex<Vec<CertificateError>>>) {
    let told = Arc::<Mutex<Vec<_>>>::default();
    let verifier = DangerReportOnly::new(inner).on_refusal({
        let told = told.clone();
        move |reason, _, _| told.lock().unwrap_or_else(PoisonError::into_inner).push(reason.clone())
    });
    (Arc::new(verifier), told)
}

fn ensure_told_once(told: &Mutex<Vec<CertificateError>>, fault: &CertificateError) -> Result<(), Stop> {
    let told = told.lock().unwrap_or_else(PoisonError::into_inner);
    ensure(matches!(&told[..], [reason] if reason.same_fault(fault)), || {
        format!("{fault:?} must be told once, and was told: {told:?}")
    })
}

pub(crate) async fn what_only_reports_on_servers_connects_and_tells(pair: Pair) -> Result<(), Stop> {
    for (scene, late) in scenes(&pair)? {
        let identity = scene.root.issue(Leaf::server().valid(Validity::Past));
        let scene = scene.presenting(identity);
        let (verifier, told) = reporting(Watched::new(&pair, Side::Client, &scene.root, late)?);
        connects(&with_verifier(&scene, verifier)?).await?;
        ensure_told_once(&told, &expired())?;
    }
    Ok(())
}

pub(crate) async fn what_only_reports_on_clients_connects_and_tells(pair: Pair) -> Result<(), Stop> {
    for (scene, late) in scenes(&pair)? {
        let client = scene.root.issue(Leaf::client().valid(Validity::Past));
        let (verifier, told) = reporting(Watched::new(&pair, Side::Server, &scene.root, late)?);
        connects(&with_client(&scene, &client, verifier)?).await?;
        ensure_told_once(&told, &expired())?;
    }
    Ok(())
}

pub(crate) async fn composed_verifiers_compose(pair: Pair) -> Result<(), Stop> {
    for (scene, late) in scenes(&pair)? {
        let identity = scene.root.intermediate().issue(Leaf::server());
        let ([pins, _], wrong) = pins_of(&identity)?;
        let scene = scene.presenting(identity);
        let ours = Watched::new(&pair, Side::Client, &scene.root, late)?;
        let theirs = Watched::new(&pair, Side::Server, &scene.root, !late)?;
        let cache = cached(both(ours.clone(), theirs.clone()), 8)?;
        let verifier = pinned(cache.clone(), pins);
        for _ in 0..3 {
            connects(&with_verifier(&scene, verifier.clone())?).await?;
        }
        ensure_eq((ours.asked(), theirs.asked()), (1, 1), "how often the two beneath the cache were asked")?;
        // What is beneath accepts it, and knows so; what is above refuses all the same.
        let ends = with_verifier(&scene, pinned(cache, wrong))?;
        refuses(&pair, Side::Client, &ends, &not_pinned(), false).at("above the cache")?;
        ensure_eq((ours.asked(), theirs.asked()), (1, 1), "how often the two were asked in the end")?;
    }
    Ok(())
}
