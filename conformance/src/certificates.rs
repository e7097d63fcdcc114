//! A server's certificates: each fault is the same [`CertificateError`] on every backend, and the peer is told.

use std::time::SystemTime;

use polytls_api::{
    AlertDescription, CertificateDer, CertificateError, ClientConfig, ConfigError, ConfigOption, Error,
    Identity, Phase, Roots, ServerConfig, TlsAcceptor, TlsConnector,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    pair::Side,
    pki::{self, Authority, Leaf, Validity},
    scene::{Ends, Scene, exchange},
};

/// Goes on if the client refuses the server for this fault, and tells it so.
pub(crate) fn refuses_server(pair: &Pair, ends: &Ends, fault: &CertificateError) -> Result<Error, Stop> {
    let failures = ends.failure()?;
    ensure_fault(pair, Side::Client, &failures.client, fault)?;
    let told = failures.server.alert_received();
    ensure_told(pair, Side::Client, told, fault.alert())?;
    let sent = failures.client.alert_sent();
    ensure(sent.is_none() || sent == told, || {
        format!("the client says it sent {sent:?}, and {told:?} came")
    })?;
    Ok(failures.client)
}

/// Goes on if this side found this fault in its peer's certificate.
pub(crate) fn ensure_fault(
    pair: &Pair,
    side: Side,
    error: &Error,
    fault: &CertificateError,
) -> Result<(), Stop> {
    match error.certificate_error() {
        Some(found) if found.same_fault(fault) => {}
        _ => return failed(format!("the {side:?} must find {fault:?}, and found {error:?}")),
    }
    ensure_eq(error.phase(), Phase::Handshake, "the phase of the error")?;
    ensure_eq(error.backend(), Some(pair.backend(side).info().name), "the backend that the error names")
}

/// Goes on if the peer of `side` was told by the alert that the reason names.
pub(crate) fn ensure_told(
    pair: &Pair,
    side: Side,
    told: Option<AlertDescription>,
    expected: AlertDescription,
) -> Result<(), Stop> {
    if pair.role(side).exact_alerts {
        return ensure_eq(told, Some(expected), &format!("the alert of the {side:?}, as its peer sees it"));
    }
    ensure(told.is_some(), || format!("the {side:?} must send an alert"))
}

/// Whether this is the chain of an identity.
///
/// A library may show the peer's own certificate only, and a peer's library may add the root to what it sends.
pub(crate) fn same_chain(seen: &[CertificateDer<'_>], identitys: &[CertificateDer<'_>]) -> bool {
    !seen.is_empty() && seen.iter().zip(identitys).all(|(seen, own)| seen == own)
}

/// In each version, the client refuses what the server presents.
async fn refused(
    pair: &Pair,
    make: impl Fn(&Authority) -> Identity,
    fault: CertificateError,
) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let version = scene.versions[0];
        let identity = make(&scene.root);
        refuses_server(pair, &scene.presenting(identity).ends()?, &fault).at(version)?;
    }
    Ok(())
}

/// In each version, the client accepts what the server presents.
async fn accepted(pair: &Pair, make: impl Fn(&Authority) -> Identity) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let version = scene.versions[0];
        let identity = make(&scene.root);
        let (mut client, mut server) = scene.presenting(identity).ends()?.connect().await.at(version)?;
        exchange(&mut client, &mut server).await.at(version)?;
    }
    Ok(())
}

pub(crate) fn expired() -> CertificateError {
    CertificateError::Expired { now: SystemTime::now(), not_after: None }
}

pub(crate) fn not_yet_valid() -> CertificateError {
    CertificateError::NotYetValid { now: SystemTime::now(), not_before: None }
}

pub(crate) async fn expired_is_refused(pair: Pair) -> Result<(), Stop> {
    refused(&pair, |root| root.issue(Leaf::server().valid(Validity::Past)), expired()).await
}

pub(crate) async fn not_yet_valid_is_refused(pair: Pair) -> Result<(), Stop> {
    refused(&pair, |root| root.issue(Leaf::server().valid(Validity::Future)), not_yet_valid()).await
}

pub(crate) async fn an_authoritys_own_is_refused(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identity = scene.root.issue(Leaf::server().of_an_authority());
        // Some libraries do not ask, so that a backend may come to its refusal too late for an alert.
        let failures = scene.presenting(identity).ends()?.failure()?;
        ensure_fault(&pair, Side::Client, &failures.client, &CertificateError::CaUsedAsEndEntity)?;
    }
    Ok(())
}

pub(crate) async fn dates_in_errors_are_those_of_the_certificate(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let identity = scene.root.issue(Leaf::server().valid(Validity::Past));
    let started = SystemTime::now();
    let error = refuses_server(&pair, &scene.presenting(identity).ends()?, &expired())?;
    let Some(CertificateError::Expired { now, not_after }) = error.certificate_error() else {
        return failed(format!("{error:?}"));
    };
    let off = now.duration_since(started).or_else(|_| started.duration_since(*now)).unwrap_or_default();
    ensure(off.as_secs() <= 60, || format!("validation took {off:?} from now for now"))?;
    let ago = |time: SystemTime| now.duration_since(time).map(|ago| ago.as_secs() / 86_400).ok();
    ensure(not_after.is_none_or(|time| ago(time) == Some(10)), || {
        format!("it expired ten days ago, and the error says {not_after:?}")
    })
}

pub(crate) async fn an_unknown_issuer_is_refused(pair: Pair) -> Result<(), Stop> {
    refused(&pair, |_| Authority::root().issue(Leaf::server()), CertificateError::UnknownIssuer).await
}

pub(crate) async fn a_missing_intermediate_is_refused(pair: Pair) -> Result<(), Stop> {
    let issue = |root: &Authority| root.intermediate().issue_without_chain(Leaf::server());
    refused(&pair, issue, CertificateError::UnknownIssuer).await
}

pub(crate) async fn a_self_signed_one_is_refused(pair: Pair) -> Result<(), Stop> {
    refused(&pair, |_| Leaf::server().self_signed(), CertificateError::SelfSigned).await
}

pub(crate) async fn one_for_clients_is_refused_from_a_server(pair: Pair) -> Result<(), Stop> {
    refused(&pair, |root| root.issue(Leaf::server().for_clients()), CertificateError::WrongUsage).await
}

pub(crate) async fn a_bad_signature_is_refused(pair: Pair) -> Result<(), Stop> {
    let issue = |root: &Authority| root.issue(Leaf::server().badly_signed());
    refused(&pair, issue, CertificateError::BadSignature).await
}

pub(crate) async fn an_expired_intermediate_is_refused(pair: Pair) -> Result<(), Stop> {
    let issue = |root: &Authority| root.intermediate_valid(Validity::Past).issue(Leaf::server());
    refused(&pair, issue, expired()).await
}

pub(crate) async fn an_issuer_that_is_no_authority_is_refused(pair: Pair) -> Result<(), Stop> {
    let issue = |root: &Authority| root.end_entity_that_issues().issue(Leaf::server());
    refused(&pair, issue, CertificateError::EndEntityUsedAsCa).await
}

pub(crate) async fn a_name_outside_an_issuers_constraints_is_refused(pair: Pair) -> Result<(), Stop> {
    let issue = |root: &Authority| root.intermediate_for_names_under("other.example").issue(Leaf::server());
    refused(&pair, issue, CertificateError::NameConstraintViolated { detail: String::new() }).await
}

pub(crate) async fn a_path_longer_than_an_issuer_allows_is_refused(pair: Pair) -> Result<(), Stop> {
    let issue =
        |root: &Authority| root.intermediate_without_others_below().intermediate().issue(Leaf::server());
    refused(&pair, issue, CertificateError::PathLengthExceeded).await
}

pub(crate) async fn intermediates_lead_to_the_root(pair: Pair) -> Result<(), Stop> {
    accepted(&pair, |root| root.intermediate().intermediate().issue(Leaf::server())).await
}

pub(crate) async fn a_name_within_an_issuers_constraints_is_accepted(pair: Pair) -> Result<(), Stop> {
    accepted(&pair, |root| root.intermediate_for_names_under("example").issue(Leaf::server())).await
}

pub(crate) async fn a_stranger_in_the_chain_does_no_harm(pair: Pair) -> Result<(), Stop> {
    accepted(&pair, |root| pki::with_stranger(&root.issue(Leaf::server()), &Authority::root())).await
}

pub(crate) async fn a_chain_longer_than_a_record_is_accepted(pair: Pair) -> Result<(), Stop> {
    let strangers: Vec<_> = (0..60).map(|_| Authority::root()).collect();
    let issue = |root: &Authority| {
        strangers
            .iter()
            .fold(root.issue(Leaf::server()), |identity, stranger| pki::with_stranger(&identity, stranger))
    };
    let length: usize = issue(&Authority::root()).chain().iter().map(|certificate| certificate.len()).sum();
    ensure(length > 16 * 1024, || format!("the chain has {length} bytes only"))?;
    accepted(&pair, issue).await
}

pub(crate) async fn given_roots_replace_every_other(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let acceptor = scene.acceptor(&[], |server| server)?;
    let other = Authority::root();
    let needs = [ConfigOption::ExplicitRoots];
    let connector = scene.connector(&needs, |client| client.roots(other.roots()))?;
    refuses_server(&pair, &Ends::new(connector, acceptor.clone()), &CertificateError::UnknownIssuer)?;
    let both = Roots::from_der([other.certificate(), scene.root.certificate()]);
    let connector = scene.connector(&needs, |client| client.roots(both))?;
    Ends::new(connector, acceptor).connect().await.map(drop)
}

pub(crate) async fn the_systems_roots_do_not_know_a_stranger(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    let acceptor = scene.acceptor(&[], |server| server)?;
    let builder = ClientConfig::builder(pair.client.clone()).protocol_versions(pair.versions()?);
    let config = builder.danger_no_handshake_time_limit().build()?;
    // Where the system has no roots at all, that is what must be said.
    match TlsConnector::new(&config) {
        Ok(connector) => {
            let failures = Ends::new(connector, acceptor).failure()?;
            ensure_fault(&pair, Side::Client, &failures.client, &CertificateError::UnknownIssuer)
        }
        Err(ConfigError::NoRoots { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn no_roots_at_all_is_an_error_of_configuration(pair: Pair) -> Result<(), Stop> {
    let config = ClientConfig::builder(pair.client.clone())
        .protocol_versions(pair.versions()?)
        .roots(Roots::from_der([]))
        .build()
        .and_then(|config| TlsConnector::new(&config));
    if !pair.declares(Side::Client, &ConfigOption::ExplicitRoots) {
        return pair
            .expect_supported_or_refused(Side::Client, &[ConfigOption::ExplicitRoots], config)
            .map(drop);
    }
    let error = config.err();
    ensure(matches!(error, Some(ConfigError::NoRoots { .. })), || {
        format!("it must be NoRoots, not {error:?}")
    })
}

pub(crate) async fn a_key_of_another_certificate_is_an_error_of_configuration(
    pair: Pair,
) -> Result<(), Stop> {
    let root = Authority::root();
    let versions = pair.versions()?;
    let mixed = pki::mismatched(&root.issue(Leaf::server()), &root.issue(Leaf::server()));
    let server = ServerConfig::builder(pair.server.clone(), mixed).protocol_versions(versions.clone());
    let error = server.build().and_then(|config| TlsAcceptor::new(&config)).err();
    ensure_eq(error, Some(ConfigError::KeyMismatch), "the server's error")?;
    let mixed = pki::mismatched(&root.issue(Leaf::client()), &root.issue(Leaf::client()));
    let client = ClientConfig::builder(pair.client.clone()).roots(root.roots()).protocol_versions(versions);
    let built = client.identity(mixed).build().and_then(|config| TlsConnector::new(&config));
    let needs = [ConfigOption::ExplicitRoots, ConfigOption::ClientIdentity];
    match built {
        Err(ConfigError::KeyMismatch) => Ok(()),
        built => match pair.expect_supported_or_refused(Side::Client, &needs, built) {
            Ok(_) => failed("the client takes a key that is not its certificate's"),
            Err(stop) => Err(stop),
        },
    }
}

pub(crate) async fn the_peers_chain_is_what_was_presented(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identity = scene.root.intermediate().issue(Leaf::server());
        let presented = identity.chain().to_vec();
        let (client, server) = scene.presenting(identity).ends()?.connect().await?;
        let seen = &client.info().peer_chain;
        ensure(same_chain(seen, &presented), || {
            format!("{} certificates were presented, and {} others seen", presented.len(), seen.len())
        })?;
        ensure(server.info().peer_chain.is_empty(), || "the client presented none".into())?;
    }
    Ok(())
}

pub(crate) async fn a_self_signed_one_among_the_roots_is_accepted(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identity = Leaf::server().self_signed();
        let root = Roots::from_der([identity.chain()[0].clone()]);
        let scene = scene.presenting(identity);
        let connector = scene.connector(&[], |client| client.roots(root))?;
        let ends = Ends::new(connector, scene.acceptor(&[], |server| server)?);
        ends.connect().await.at(scene.versions[0])?;
    }
    Ok(())
}
