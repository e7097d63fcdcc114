//! What a connection says of itself: what this side presented, and on which path the peer was believed.

use polytls_api::{CertificateDer, ClientAuthentication, ConfigOption};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq},
    certificates::same_chain,
    pair::Side,
    pki::Leaf,
    probe::{Probe, with_client_verifier, with_verifier},
    resumption::visit,
    scene::{Ends, Scene, Stream},
};

/// The certificates that this side presented, and those that its peer saw.
fn presented<'a>(own: &'a Stream, peer: &'a Stream) -> [&'a [CertificateDer<'static>]; 2] {
    [&own.info().local_chain, &peer.info().peer_chain]
}

pub(crate) async fn a_server_knows_what_it_presented(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identity = scene.root.intermediate().issue(Leaf::server());
        let chain = identity.chain().to_vec();
        let ends = scene.presenting(identity).ends()?;
        for connection in ["first", "second"] {
            let (client, server) = visit(&ends).await.at(connection)?;
            let [own, seen] = presented(&server, &client);
            ensure(own == chain, || format!("{connection}: the server names {} certificates", own.len()))?;
            ensure(same_chain(seen, own), || format!("{connection}: the client saw another chain"))?;
            ensure(client.info().local_chain.is_empty(), || "the client presented none".into())?;
        }
    }
    Ok(())
}

/// A client with an identity, and a server that asks for one or does not.
fn with_identity(scene: &Scene, mode: ClientAuthentication) -> Result<Ends, Stop> {
    let identity = scene.root.intermediate().issue(Leaf::client());
    let connector = scene.connector(&[ConfigOption::ClientIdentity], |client| client.identity(identity))?;
    let roots = scene.root.roots();
    let acceptor = scene.acceptor(&[ConfigOption::ClientAuthentication(mode)], |server| {
        let server = server.client_authentication(mode);
        if mode == ClientAuthentication::None { server } else { server.client_roots(roots) }
    })?;
    Ok(Ends::new(connector, acceptor))
}

pub(crate) async fn a_client_knows_what_it_presented(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = with_identity(&scene, ClientAuthentication::Required)?;
        let (client, server) = visit(&ends).await?;
        let [own, seen] = presented(&client, &server);
        let chain = ends.connector.config().identity().map(polytls_api::Identity::chain);
        let silent = own.is_empty() && !tells(&pair, Side::Client);
        ensure(silent || Some(own) == chain, || format!("the client names {} certificates", own.len()))?;
        ensure(same_chain(seen, chain.unwrap_or_default()), || "the server saw another chain".into())?;
    }
    Ok(())
}

pub(crate) async fn a_client_that_is_not_asked_presented_nothing(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = with_identity(&scene, ClientAuthentication::None)?;
        let (client, _server) = visit(&ends).await?;
        ensure(client.info().local_chain.is_empty(), || "the client was not asked".into())?;
    }
    Ok(())
}

pub(crate) async fn the_scheme_of_the_peers_signature_is_its_keys(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = with_identity(&scene, ClientAuthentication::Required)?;
        for _ in 0..2 {
            let (client, server) = visit(&ends).await?;
            for stream in [&client, &server] {
                let Some(scheme) = stream.info().peer_signature_scheme else { continue };
                ensure_eq(stream.info().resumed, Some(false), "whether a session was resumed")?;
                // The suite's keys are on P-256, which signs with one hash in TLS 1.3 and with any in TLS 1.2.
                ensure(scheme.to_string().starts_with("ecdsa_"), || format!("{scheme} of an ECDSA key"))?;
            }
        }
    }
    Ok(())
}

/// Whether a backend lets an application see into the handshake; one that does not tells only what its library tells.
fn tells(pair: &Pair, side: Side) -> bool {
    pair.declares(side, &ConfigOption::Verifier)
}

/// Goes on if the path is one from this end entity towards this root.
fn leads_to_the_root(
    pair: &Pair,
    side: Side,
    stream: &Stream,
    chain: &[CertificateDer<'_>],
    root: &CertificateDer<'_>,
) -> Result<(), Stop> {
    let Some(path) = stream.info().verified_chain.as_ref().map(polytls_api::VerifiedChain::path) else {
        return ensure(!tells(pair, side), || {
            format!("the {side:?} does not tell the path that it verified")
        });
    };
    let expected: Vec<_> = chain.iter().chain([root]).collect();
    let is_path = path.len() >= chain.len() && path.iter().zip(&expected).all(|(found, own)| found == *own);
    ensure(is_path && path.len() <= expected.len(), || {
        format!("the {side:?} names a path of {} certificates that is another", path.len())
    })
}

pub(crate) async fn the_verified_path_of_a_server_leads_to_the_root(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let root = scene.root.certificate();
        // What is sent beside the path is not part of it.
        let identity = scene.root.intermediate().issue(Leaf::server());
        let chain = identity.chain().to_vec();
        let stranger = crate::pki::Authority::root();
        let scene = scene.presenting(crate::pki::with_stranger(&identity, &stranger));
        let (client, server) = scene.ends()?.connect().await?;
        leads_to_the_root(&pair, Side::Client, &client, &chain, &root)?;
        ensure(server.info().verified_chain.is_none(), || "the client presented nothing".into())?;
    }
    Ok(())
}

pub(crate) async fn the_verified_path_of_a_client_leads_to_the_root(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = with_identity(&scene, ClientAuthentication::Required)?;
        let (_client, server) = visit(&ends).await?;
        let chain = ends.connector.config().identity().map(polytls_api::Identity::chain);
        let root = scene.root.certificate();
        leads_to_the_root(&pair, Side::Server, &server, chain.unwrap_or_default(), &root)?;
    }
    Ok(())
}

pub(crate) async fn the_verified_path_is_what_the_verifier_says(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        // The probe names all that it was shown.
        let probe = Probe::new(Ok(()), true);
        let (client, _server) = visit(&with_verifier(&scene, probe.clone())?).await?;
        says(&client, &probe).at("client")?;
        let probe = Probe::new(Ok(()), true);
        let (_client, server) = visit(&with_client_verifier(&scene, probe.clone())?).await?;
        says(&server, &probe).at("server")?;
    }
    Ok(())
}

fn says(stream: &Stream, probe: &Probe) -> Result<(), Stop> {
    let path = stream.info().verified_chain.as_ref().map(|chain| chain.path().to_vec());
    ensure_eq(path == Some(probe.seen().chain), true, "whether the path is the verifier's")
}
