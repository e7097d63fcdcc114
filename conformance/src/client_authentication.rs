//! mTLS (RFC 8446 §4.3.2, §4.4.2): not asked, asked, required; and each fault of a client's certificate.

use polytls_api::{
    AlertDescription, CertificateError, ClientAuthentication, ConfigOption, DangerAcceptAnyCertificate,
    Error, Identity, ProtocolVersion, ServerConfigBuilder, SignatureScheme,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq},
    certificates::{ensure_fault, ensure_told, expired, not_yet_valid, same_chain},
    pair::Side,
    pki::{Authority, Leaf, Validity},
    scene::{Ends, Scene, exchange},
};

/// A client with or without an identity, and a server that asks in this way.
fn asking(scene: &Scene, mode: ClientAuthentication, identity: Option<Identity>) -> Result<Ends, Stop> {
    let roots = scene.root.roots();
    let acceptor = scene.acceptor(&[ConfigOption::ClientAuthentication(mode)], |server| {
        if mode == ClientAuthentication::None { server } else { ask(server, mode).client_roots(roots) }
    })?;
    let connector = match identity {
        None => scene.connector(&[], |client| client)?,
        Some(identity) => {
            scene.connector(&[ConfigOption::ClientIdentity], |client| client.identity(identity))?
        }
    };
    Ok(Ends::new(connector, acceptor))
}

fn ask(server: ServerConfigBuilder, mode: ClientAuthentication) -> ServerConfigBuilder {
    server.client_authentication(mode)
}

/// In each version, what the server sees of a client with this identity.
async fn sees(
    pair: &Pair,
    mode: ClientAuthentication,
    issue: impl Fn(&Authority) -> Option<Identity>,
    seen: bool,
) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let identity = issue(&scene.root);
        let presented = identity.as_ref().map(|identity| identity.chain().to_vec()).unwrap_or_default();
        let (mut client, mut server) = asking(&scene, mode, identity)?.connect().await?;
        exchange(&mut client, &mut server).await?;
        let chain = &server.info().peer_chain;
        ensure_eq(chain.is_empty(), !seen, "whether the server saw no certificate")?;
        ensure(!seen || same_chain(chain, &presented), || {
            "the server saw another chain than was presented".into()
        })?;
    }
    Ok(())
}

pub(crate) async fn a_client_that_is_not_asked_presents_nothing(pair: Pair) -> Result<(), Stop> {
    sees(&pair, ClientAuthentication::None, |root| Some(root.issue(Leaf::client())), false).await
}

pub(crate) async fn a_client_that_is_asked_may_present_nothing(pair: Pair) -> Result<(), Stop> {
    sees(&pair, ClientAuthentication::Optional, |_| None, false).await
}

pub(crate) async fn a_client_that_is_asked_may_present_its_certificate(pair: Pair) -> Result<(), Stop> {
    sees(&pair, ClientAuthentication::Optional, |root| Some(root.issue(Leaf::client())), true).await
}

pub(crate) async fn a_client_that_must_present_its_certificate_does(pair: Pair) -> Result<(), Stop> {
    sees(&pair, ClientAuthentication::Required, |root| Some(root.issue(Leaf::client())), true).await
}

pub(crate) async fn a_clients_intermediates_lead_to_the_root(pair: Pair) -> Result<(), Stop> {
    let issue = |root: &Authority| Some(root.intermediate().issue(Leaf::client()));
    sees(&pair, ClientAuthentication::Required, issue, true).await
}

pub(crate) async fn a_client_without_the_required_certificate_is_refused(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let failures = asking(&scene, ClientAuthentication::Required, None)?.failure()?;
        ensure_fault(&pair, Side::Server, &failures.server, &CertificateError::Missing)?;
        let told = failures.client.alert_received();
        if scene.versions == [ProtocolVersion::Tls13] {
            ensure_told(&pair, Side::Server, told, AlertDescription::CERTIFICATE_REQUIRED)?;
        }
        // RFC 5246 §7.4.6 has another alert for it: which one is sent there is the library's choice.
        ensure(told.is_some(), || format!("the client must be told, and has {:?}", failures.client))?;
    }
    Ok(())
}

/// A client whose key is on P-256, and a server that asks in this way and takes no signatures but RSA's.
fn taking_no_signature_of_the_client(scene: &Scene, mode: ClientAuthentication) -> Result<Ends, Stop> {
    let identity = scene.root.issue(Leaf::client());
    let connector = scene.connector(&[ConfigOption::ClientIdentity], |client| client.identity(identity))?;
    let (scheme, roots) = (SignatureScheme::RSA_PSS_RSAE_SHA256, scene.root.roots());
    let needs = [
        ConfigOption::ClientAuthentication(mode),
        ConfigOption::SignatureSchemes,
        ConfigOption::SignatureScheme(scheme),
    ];
    let acceptor =
        scene.acceptor(&needs, |server| ask(server, mode).client_roots(roots).signature_schemes([scheme]))?;
    Ok(Ends::new(connector, acceptor))
}

pub(crate) async fn a_client_that_the_server_cannot_take_presents_nothing(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let optional = taking_no_signature_of_the_client(&scene, ClientAuthentication::Optional)?;
        let (mut client, mut server) = optional.connect().await.at(scene.versions[0])?;
        exchange(&mut client, &mut server).await?;
        ensure_eq(server.info().peer_chain.is_empty(), true, "whether the server saw no certificate")?;
        ensure_eq(client.info().local_chain.is_empty(), true, "whether the client says it presented none")?;
        let required = taking_no_signature_of_the_client(&scene, ClientAuthentication::Required)?;
        ensure_fault(&pair, Side::Server, &required.failure()?.server, &CertificateError::Missing)?;
    }
    Ok(())
}

/// In each version and for both ways of asking, the server refuses the client for this fault.
fn refuses_client(
    pair: &Pair,
    issue: impl Fn(&Authority) -> Identity,
    fault: CertificateError,
) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        for mode in [ClientAuthentication::Required, ClientAuthentication::Optional] {
            let ends = asking(&scene, mode, Some(issue(&scene.root)))?;
            refused(pair, &ends, &fault).at(format!("{:?}, {mode}", scene.versions))?;
        }
    }
    Ok(())
}

fn refused(pair: &Pair, ends: &Ends, fault: &CertificateError) -> Result<Error, Stop> {
    let failures = ends.failure()?;
    ensure_fault(pair, Side::Server, &failures.server, fault)?;
    ensure_told(pair, Side::Server, failures.client.alert_received(), fault.alert())?;
    Ok(failures.server)
}

pub(crate) async fn an_expired_client_is_refused(pair: Pair) -> Result<(), Stop> {
    refuses_client(&pair, |root| root.issue(Leaf::client().valid(Validity::Past)), expired())
}

pub(crate) async fn a_client_not_yet_valid_is_refused(pair: Pair) -> Result<(), Stop> {
    refuses_client(&pair, |root| root.issue(Leaf::client().valid(Validity::Future)), not_yet_valid())
}

pub(crate) async fn a_client_of_an_unknown_issuer_is_refused(pair: Pair) -> Result<(), Stop> {
    refuses_client(&pair, |_| Authority::root().issue(Leaf::client()), CertificateError::UnknownIssuer)
}

pub(crate) async fn a_self_signed_client_is_refused(pair: Pair) -> Result<(), Stop> {
    refuses_client(&pair, |_| Leaf::client().self_signed(), CertificateError::SelfSigned)
}

pub(crate) async fn a_servers_certificate_from_a_client_is_refused(pair: Pair) -> Result<(), Stop> {
    let issue = |root: &Authority| root.issue(Leaf::client().for_servers());
    refuses_client(&pair, issue, CertificateError::WrongUsage)
}

pub(crate) async fn a_client_with_a_bad_signature_is_refused(pair: Pair) -> Result<(), Stop> {
    let issue = |root: &Authority| root.issue(Leaf::client().badly_signed());
    refuses_client(&pair, issue, CertificateError::BadSignature)
}

pub(crate) async fn a_verifier_alone_decides_on_clients(pair: Pair) -> Result<(), Stop> {
    let mode = ClientAuthentication::Required;
    for scene in Scene::in_each_version(&pair)? {
        let stranger = Authority::root().issue(Leaf::client());
        let needs = [ConfigOption::ClientAuthentication(mode), ConfigOption::Verifier];
        let acceptor = scene.acceptor(&needs, |server| {
            ask(server, mode).client_verifier(std::sync::Arc::new(DangerAcceptAnyCertificate))
        })?;
        let needs = [ConfigOption::ClientIdentity];
        let connector = scene.connector(&needs, |client| client.identity(stranger))?;
        let (mut client, mut server) = Ends::new(connector, acceptor).connect().await?;
        exchange(&mut client, &mut server).await?;
        ensure_eq(server.info().peer_chain.is_empty(), false, "whether the server saw no certificate")?;
    }
    Ok(())
}

pub(crate) async fn who_the_client_is_survives_resumption(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identity = scene.root.issue(Leaf::client());
        let presented = identity.chain()[0].clone();
        let ends = asking(&scene, ClientAuthentication::Required, Some(identity))?;
        for connection in ["first", "second"] {
            let (mut client, mut server) = ends.connect().await.at(connection)?;
            exchange(&mut client, &mut server).await.at(connection)?;
            let seen = server.info().peer_chain.first() == Some(&presented);
            ensure(seen, || format!("the {connection} connection's server must know the client"))?;
        }
    }
    Ok(())
}
