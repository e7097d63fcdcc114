//! Certificate verifiers: the application's under any handshake, one backend's under another's, and alone.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use polytls_api::{
    CertificateError, CertificateVerifier, ConfigOption, DangerAcceptAnyCertificate, ExpectedPeer, Identity,
    PresentedChain, ServerName, TrustPolicy, VerifiedChain, both,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq},
    certificates::{ensure_fault, expired, not_yet_valid, refuses_server, same_chain},
    pair::Side,
    pki::{Authority, Leaf, SERVER_NAME, Validity},
    probe::{Probe, Seen, refusal, with_client_verifier, with_verifier},
    scene::{Scene, exchange},
};

pub(crate) async fn a_verifier_alone_decides(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        // Nothing about this certificate is right.
        let scene = scene.presenting(Leaf::server_for(&["x.example"]).valid(Validity::Past).self_signed());
        let ends = with_verifier(&scene, Arc::new(DangerAcceptAnyCertificate))?;
        let (mut client, mut server) = ends.connect().await?;
        exchange(&mut client, &mut server).await?;
    }
    Ok(())
}

pub(crate) async fn a_verifier_sees_the_chain_and_the_name(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identity = scene.root.intermediate().issue(Leaf::server());
        let presented = identity.chain().to_vec();
        let scene = scene.presenting(identity);
        let probe = Probe::new(Ok(()), true);
        with_verifier(&scene, probe.clone())?.connect().await?;
        let Seen { chain, name, .. } = probe.seen();
        ensure(chain.len() >= presented.len() && same_chain(&chain, &presented), || {
            "the verifier was shown another chain than was presented".into()
        })?;
        ensure_eq(name, Some(SERVER_NAME.parse()?), "the name that the verifier was asked about")?;
        ensure_eq(probe.asked(), 1, "how often the verifier was asked")?;
        let probe = Probe::new(Ok(()), true);
        let ends = with_verifier(&scene, probe.clone())?.to("192.0.2.9")?;
        ends.connect().await?;
        ensure_eq(
            probe.seen().name,
            Some("192.0.2.9".parse()?),
            "the address that the verifier was asked about",
        )?;
    }
    Ok(())
}

pub(crate) async fn a_verifiers_reason_is_the_error(pair: Pair) -> Result<(), Stop> {
    for reason in [refusal(), CertificateError::REVOKED, CertificateError::UnknownIssuer, expired()] {
        for scene in Scene::in_each_version(&pair)? {
            let ends = with_verifier(&scene, Probe::new(Err(reason.clone()), true))?;
            let error = refuses_server(&pair, &ends, &reason)?;
            ensure_eq(error.certificate_error(), Some(&reason), "the reason, with its values")?;
        }
    }
    Ok(())
}

pub(crate) async fn a_client_verifier_sees_the_chain_and_no_name(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let probe = Probe::new(Ok(()), true);
        let ends = with_client_verifier(&scene, probe.clone())?;
        let (mut client, mut server) = ends.connect().await?;
        exchange(&mut client, &mut server).await?;
        let Seen { chain, name, .. } = probe.seen();
        let own = ends.connector.config().identity().map(Identity::chain).unwrap_or_default();
        ensure(same_chain(&chain, own), || "the verifier was shown another chain than was presented".into())?;
        ensure_eq(name, None, "the name that the verifier was asked about")?;
        ensure_eq(probe.asked(), 1, "how often the verifier was asked")?;
    }
    Ok(())
}

pub(crate) async fn a_client_verifiers_reason_is_the_error(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let failures = with_client_verifier(&scene, Probe::new(Err(refusal()), true))?.failure()?;
        ensure_fault(&pair, Side::Server, &failures.server, &refusal())?;
        ensure(failures.client.alert_received().is_some(), || format!("{:?}", failures.client))?;
    }
    Ok(())
}

/// The verifier of one side's backend, trusting this root.
pub(crate) fn verifier_of(
    pair: &Pair,
    side: Side,
    root: &Authority,
) -> Result<Arc<dyn CertificateVerifier>, Stop> {
    let built = pair.backend(side).verifier(&TrustPolicy::new(root.roots()));
    pair.expect_supported_or_refused(side, &[ConfigOption::VerifierAlone], built)
}

/// Every fault that a chain can have, and none.
fn chains(root: &Authority) -> Vec<(Identity, Option<CertificateError>)> {
    let constrained = CertificateError::NameConstraintViolated { detail: String::new() };
    let mismatch = CertificateError::NameMismatch { expected: SERVER_NAME.into(), presented: vec![] };
    vec![
        (root.issue(Leaf::server()), None),
        (root.intermediate().issue(Leaf::server()), None),
        (root.issue(Leaf::server().valid(Validity::Past)), Some(expired())),
        (root.issue(Leaf::server().valid(Validity::Future)), Some(not_yet_valid())),
        (Authority::root().issue(Leaf::server()), Some(CertificateError::UnknownIssuer)),
        (root.intermediate().issue_without_chain(Leaf::server()), Some(CertificateError::UnknownIssuer)),
        (Leaf::server().self_signed(), Some(CertificateError::SelfSigned)),
        (root.issue(Leaf::server_for(&["other.example"])), Some(mismatch)),
        (root.issue(Leaf::server().for_clients()), Some(CertificateError::WrongUsage)),
        (root.issue(Leaf::server().badly_signed()), Some(CertificateError::BadSignature)),
        (root.end_entity_that_issues().issue(Leaf::server()), Some(CertificateError::EndEntityUsedAsCa)),
        (root.intermediate_for_names_under("x.example").issue(Leaf::server()), Some(constrained)),
    ]
}

pub(crate) async fn the_servers_backend_verifies_under_the_clients_handshake(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let verifier = verifier_of(&pair, Side::Server, &scene.root)?;
    for (identity, fault) in chains(&scene.root) {
        let other = Scene { root: Authority::root(), ..Scene::new(&pair)?.presenting(identity) };
        let ends = with_verifier(&other, verifier.clone())?;
        match fault {
            None => ends.connect().await.map(drop)?,
            Some(fault) => refuses_server(&pair, &ends, &fault).map(drop)?,
        }
    }
    Ok(())
}

/// Asks a verifier about a server, or a client where there is no name.
pub(crate) async fn ask(
    verifier: &dyn CertificateVerifier,
    identity: &Identity,
    name: Option<&ServerName>,
    now: SystemTime,
) -> Result<VerifiedChain, CertificateError> {
    let (end_entity, intermediates) = identity.chain().split_first().ok_or(CertificateError::Missing)?;
    let peer = name.map_or(ExpectedPeer::Client, ExpectedPeer::Server);
    verifier.verify(&PresentedChain::new(end_entity, intermediates), &peer, now).await
}

pub(crate) fn ensure_verdict(
    found: Result<VerifiedChain, CertificateError>,
    fault: Option<&CertificateError>,
) -> Result<(), Stop> {
    let agree = match (&found, fault) {
        (Ok(_), None) => true,
        (Err(found), Some(fault)) => found.same_fault(fault),
        _ => false,
    };
    ensure(agree, || format!("expected {fault:?}, found {found:?}"))
}

pub(crate) async fn a_verifier_on_its_own_finds_each_fault(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let verifier = verifier_of(&pair, Side::Client, &root)?;
    let name = SERVER_NAME.parse()?;
    for (identity, fault) in chains(&root) {
        let found = ask(&*verifier, &identity, Some(&name), SystemTime::now()).await;
        ensure_verdict(found, fault.as_ref())?;
    }
    let client = root.issue(Leaf::client());
    ensure_verdict(ask(&*verifier, &client, None, SystemTime::now()).await, None).at("a client")?;
    let server = root.issue(Leaf::server());
    let found = ask(&*verifier, &server, None, SystemTime::now()).await;
    ensure_verdict(found, Some(&CertificateError::WrongUsage)).at("a server as a client")
}

pub(crate) async fn a_verifier_on_its_own_goes_by_the_time_it_is_given(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let verifier = verifier_of(&pair, Side::Client, &root)?;
    let name = SERVER_NAME.parse()?;
    let identity = root.issue(Leaf::server());
    let (now, days) = (SystemTime::now(), |days: u64| Duration::from_secs(days * 86_400));
    for (time, fault) in [
        (now, None),
        (now + days(29), None),
        (now - days(29), None),
        (now + days(60), Some(expired())),
        (now - days(60), Some(not_yet_valid())),
    ] {
        ensure_verdict(ask(&*verifier, &identity, Some(&name), time).await, fault.as_ref())?;
    }
    Ok(())
}

pub(crate) async fn two_backends_verifiers_that_must_agree(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let verifiers = [Side::Client, Side::Server].map(|side| verifier_of(&pair, side, &scene.root));
    let [first, second] = verifiers;
    with_verifier(&scene, both(first?, second?))?.connect().await?;
    let trusting = verifier_of(&pair, Side::Client, &scene.root)?;
    let other = verifier_of(&pair, Side::Server, &Authority::root())?;
    let ends = with_verifier(&scene, both(trusting, other))?;
    refuses_server(&pair, &ends, &CertificateError::UnknownIssuer).map(drop)
}
