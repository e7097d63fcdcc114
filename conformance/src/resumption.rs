//! Resumption (RFC 8446 §2.2, RFC 5077): faster, and never more than the configuration would allow anew.

use std::sync::Arc;

use polytls_api::{CertificateError, ConfigOption, DangerAcceptAnyCertificate, TlsConnector};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure_eq, failed},
    certificates::refuses_server,
    pki::{Authority, Leaf},
    scene::{Ends, Scene, Stream, exchange},
};

/// Connects, passes some bytes so that tickets arrive, and closes.
pub(crate) async fn visit(ends: &Ends) -> Result<(Stream, Stream), Stop> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut client, mut server) = ends.connect().await?;
    exchange(&mut client, &mut server).await?;
    server.shutdown().await?;
    client.shutdown().await?;
    ensure_eq(client.read(&mut [0; 1]).await?, 0, "what comes after close_notify")?;
    ensure_eq(server.read(&mut [0; 1]).await?, 0, "what comes after close_notify")?;
    Ok((client, server))
}

/// Two visits, and whether the second resumed the first.
async fn resumes(ends: &Ends, expected: bool) -> Result<(), Stop> {
    visit(ends).await.at("first connection")?;
    let (client, server) = visit(ends).await.at("second connection")?;
    ensure_eq(client.info().resumed, Some(expected), "whether the client resumed")?;
    ensure_eq(server.info().resumed, Some(expected), "whether the server resumed")
}

/// Both sides insist on resumption.
pub(crate) fn insisting(scene: &Scene) -> Result<Ends, Stop> {
    let needs = [ConfigOption::ResumptionOn];
    let connector = scene.connector(&needs, |client| client.resumption(true))?;
    Ok(Ends::new(connector, scene.acceptor(&needs, |server| server.resumption(true))?))
}

pub(crate) async fn a_second_connection_resumes_the_first(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        resumes(&insisting(&scene)?, true).await.at(scene.versions[0])?;
    }
    Ok(())
}

pub(crate) async fn a_third_connection_resumes_too(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = insisting(&scene)?;
        resumes(&ends, true).await?;
        let (client, _server) = visit(&ends).await?;
        ensure_eq(client.info().resumed, Some(true), "whether the third connection resumed")?;
    }
    Ok(())
}

pub(crate) async fn a_client_that_forbids_it_never_resumes(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let connector = scene.connector(&[ConfigOption::ResumptionOff], |client| client.resumption(false))?;
        resumes(&Ends::new(connector, scene.acceptor(&[], |server| server)?), false).await?;
    }
    Ok(())
}

pub(crate) async fn a_server_that_forbids_it_never_resumes(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let acceptor = scene.acceptor(&[ConfigOption::ResumptionOff], |server| server.resumption(false))?;
        resumes(&Ends::new(scene.connector(&[], |client| client)?, acceptor), false).await?;
    }
    Ok(())
}

pub(crate) async fn a_resumed_connection_has_its_application_protocol(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let needs = [ConfigOption::ResumptionOn, ConfigOption::Alpn];
        let connector = scene.connector(&needs, |client| client.resumption(true).alpn(["h2", "http/1.1"]))?;
        let acceptor = scene.acceptor(&needs, |server| server.resumption(true).alpn(["http/1.1", "h2"]))?;
        let ends = Ends::new(connector, acceptor);
        visit(&ends).await?;
        let (client, server) = visit(&ends).await?;
        ensure_eq(client.info().resumed, Some(true), "whether the client resumed")?;
        ensure_eq(client.info().alpn_str(), Some("http/1.1"), "the client's protocol")?;
        ensure_eq(server.info().alpn_str(), Some("http/1.1"), "the server's protocol")?;
    }
    Ok(())
}

pub(crate) async fn another_name_is_another_session(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identity = scene.root.issue(Leaf::server_for(&["server.example", "other.example"]));
        let ends = insisting(&scene.presenting(identity))?;
        visit(&ends).await?;
        let (client, _server) = visit(&ends.to("other.example")?).await?;
        ensure_eq(client.info().resumed, Some(false), "whether a session was used under another name")?;
    }
    Ok(())
}

pub(crate) async fn a_stricter_configuration_never_resumes_a_looser_ones_session(
    pair: Pair,
) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let stranger = Authority::root().issue(Leaf::server());
        let scene = scene.presenting(stranger);
        let needs = [ConfigOption::ResumptionOn];
        let acceptor = scene.acceptor(&needs, |server| server.resumption(true))?;
        let needs = [ConfigOption::ResumptionOn, ConfigOption::Verifier];
        let loose = scene.connector(&needs, |client| {
            client.resumption(true).verifier(Arc::new(DangerAcceptAnyCertificate))
        })?;
        resumes(&Ends::new(loose, acceptor.clone()), true).await?;
        let strict = scene.connector(&needs[..1], |client| client.resumption(true))?;
        refuses_server(&pair, &Ends::new(strict, acceptor), &CertificateError::UnknownIssuer)?;
    }
    Ok(())
}

pub(crate) async fn sessions_belong_to_one_configuration(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = insisting(&scene)?;
        visit(&ends).await?;
        let other = Ends { acceptor: insisting(&scene)?.acceptor, ..ends.clone() };
        let (client, _server) =
            visit(&other).await.at("at another server, with a ticket that is not its own")?;
        ensure_eq(client.info().resumed, Some(false), "whether another server resumed")?;
        let other = Ends { connector: insisting(&scene)?.connector, ..ends };
        let (client, _server) = visit(&other).await.at("by another client")?;
        ensure_eq(client.info().resumed, Some(false), "whether another client resumed")?;
    }
    Ok(())
}

pub(crate) async fn a_session_is_resumed_without_insisting_where_both_can(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = scene.ends()?;
        let both = [crate::pair::Side::Client, crate::pair::Side::Server]
            .into_iter()
            .all(|side| pair.declares(side, &ConfigOption::ResumptionOn));
        visit(&ends).await?;
        let (client, _server) = visit(&ends).await?;
        match client.info().resumed {
            Some(true) => {}
            Some(false) | None if !both => {}
            other => {
                return failed(format!("both declare resumption, and the second connection has {other:?}"));
            }
        }
    }
    Ok(())
}

pub(crate) async fn clones_of_a_connector_share_its_sessions(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = insisting(&scene)?;
        let clone: TlsConnector = ends.connector.clone();
        visit(&ends).await?;
        let (client, _server) = visit(&Ends { connector: clone, ..ends }).await?;
        ensure_eq(client.info().resumed, Some(true), "whether the clone resumed")?;
    }
    Ok(())
}
