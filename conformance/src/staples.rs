//! OCSP responses (RFC 6066 §8, RFC 8446 §4.4.2.1): presented as they are, reported as they came, and judged (RFC 6960).

use polytls_api::{
    CertificateError, ConfigError, ConfigOption, RevocationMode, RevocationPolicy, ServerConfig, TlsAcceptor,
};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure_eq, failed},
    certificates::refuses_server,
    pair::Side,
    pki::Leaf,
    probe::Probe,
    responses::Response,
    scene::{Ends, Scene, Stream, exchange},
};

/// A response (RFC 6960 §4.2.1) that has the form of one, and nothing in it that counts.
pub(crate) const RESPONSE: &[u8] = &[
    0x30, 0x1d, // OCSPResponse
    0x0a, 0x01, 0x00, // responseStatus: successful
    0xa0, 0x18, 0x30, 0x16, // responseBytes
    0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01, // id-pkix-ocsp-basic
    0x04, 0x09, b's', b'o', b'm', b'e', b'b', b'y', b't', b'e', b's', // response
];

/// What a client that asks for a response reports; one that cannot ask reports none.
fn reports(pair: &Pair, client: &Stream, response: Option<&[u8]>) -> Result<(), Stop> {
    let asks = pair.declares(Side::Client, &ConfigOption::OcspStaple);
    let expected = response.filter(|_| asks);
    ensure_eq(client.info().ocsp_response.as_deref(), expected, "the response that the client reports")
}

fn stapled(scene: Scene) -> Scene {
    let identity = scene.identity.clone().with_ocsp_response(RESPONSE);
    scene.presenting(identity)
}

/// The server's configuration makes use of it, by its identity.
fn ends(scene: &Scene) -> Result<Ends, Stop> {
    let acceptor = scene.acceptor(&[ConfigOption::OcspStaple], |server| server)?;
    Ok(Ends::new(scene.connector(&[], |client| client)?, acceptor))
}

pub(crate) async fn a_response_is_presented_and_reported(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let ends = ends(&stapled(scene))?;
        let (mut client, mut server) = ends.connect().await?;
        reports(&pair, &client, Some(RESPONSE))?;
        ensure_eq(server.info().ocsp_response.as_deref(), None, "the response that the server reports")?;
        exchange(&mut client, &mut server).await?;
    }
    Ok(())
}

pub(crate) async fn without_a_response_none_is_reported(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let (client, _server) = scene.ends()?.connect().await?;
        reports(&pair, &client, None)?;
    }
    Ok(())
}

pub(crate) async fn a_response_goes_with_its_identity(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let identity = scene.root.issue(Leaf::server_for(&["stapled.example"])).with_ocsp_response(RESPONSE);
        let acceptor = scene
            .acceptor(&[ConfigOption::SniIdentities, ConfigOption::OcspStaple], |server| {
                server.sni_identity("stapled.example", identity)
            })?;
        let ends = Ends::new(scene.connector(&[], |client| client)?, acceptor);
        let (client, _server) = ends.connect().await?;
        reports(&pair, &client, None).at("the identity without one")?;
        let (client, _server) = ends.to("stapled.example")?.connect().await?;
        reports(&pair, &client, Some(RESPONSE)).at("the identity with one")?;
    }
    Ok(())
}

pub(crate) async fn a_verifier_sees_the_response(pair: Pair) -> Result<(), Stop> {
    for scene in Scene::in_each_version(&pair)? {
        let scene = stapled(scene);
        let acceptor = scene.acceptor(&[ConfigOption::OcspStaple], |server| server)?;
        let probe = Probe::new(Ok(()), true);
        let connector =
            scene.connector(&[ConfigOption::Verifier], |client| client.verifier(probe.clone()))?;
        let (client, _server) = Ends::new(connector, acceptor).connect().await?;
        let (seen, reported) = (probe.seen().ocsp_response, client.info().ocsp_response.clone());
        // In TLS 1.2 it comes in a message of its own, after the chain.
        ensure_eq(seen.as_deref(), reported.as_deref(), "the response that the verifier was shown")?;
        reports(&pair, &client, Some(RESPONSE))?;
    }
    Ok(())
}

pub(crate) async fn what_is_no_response_is_an_error_of_configuration(pair: Pair) -> Result<(), Stop> {
    let scene = Scene::new(&pair)?;
    for bytes in [b"".as_slice(), b"-----BEGIN OCSP RESPONSE-----", &RESPONSE[1..], &RESPONSE[..20]] {
        let identity = scene.identity.clone().with_ocsp_response(bytes);
        let server = ServerConfig::builder(pair.server.clone(), identity);
        let built = server.protocol_versions(scene.versions.clone()).build();
        match built.and_then(|config| TlsAcceptor::new(&config)) {
            Err(ConfigError::Certificates { .. }) => {}
            built => {
                pair.expect_supported_or_refused(Side::Server, &[ConfigOption::OcspStaple], built)?;
                return failed(format!("it is taken for a response: {bytes:02x?}"));
            }
        }
    }
    Ok(())
}

/// In each version, what a client under this policy makes of a server directly below its root: such a leaf, with this
/// response. `None` where it is accepted.
async fn judged(
    pair: &Pair,
    leaf: fn() -> Leaf,
    response: Option<Response>,
    policy: Option<RevocationPolicy>,
    verdict: Option<CertificateError>,
) -> Result<(), Stop> {
    for scene in Scene::in_each_version(pair)? {
        let mut identity = scene.root.issue(leaf());
        let mut of_server = Vec::new();
        if let Some(response) = response {
            of_server.push(ConfigOption::OcspStaple);
            identity = identity.clone().with_ocsp_response(response.of(&scene.root, &identity)?);
        }
        let scene = scene.presenting(identity);
        let acceptor = scene.acceptor(&of_server, |server| server)?;
        let asks = policy.as_ref().is_some_and(|policy| policy.mode != RevocationMode::Off);
        let of_client = if asks { vec![ConfigOption::Revocation] } else { Vec::new() };
        let connector = scene.connector(&of_client, |client| match &policy {
            Some(policy) => client.revocation(policy.clone()),
            None => client,
        })?;
        let ends = Ends::new(connector, acceptor);
        match &verdict {
            None => {
                let (mut client, mut server) = ends.connect().await?;
                exchange(&mut client, &mut server).await?;
            }
            Some(fault) => refuses_server(pair, &ends, fault).map(drop)?,
        }
    }
    Ok(())
}

fn unknown() -> Option<CertificateError> {
    Some(CertificateError::RevocationUnknown { detail: String::new() })
}

fn hard_fail() -> Option<RevocationPolicy> {
    Some(RevocationPolicy::hard_fail())
}

pub(crate) async fn a_good_response_is_all_that_a_leaf_needs(pair: Pair) -> Result<(), Stop> {
    judged(&pair, Leaf::server, Some(Response::Good), hard_fail(), None).await?;
    judged(&pair, Leaf::server, Some(Response::ByResponder), hard_fail(), None).await
}

pub(crate) async fn by_default_a_revoked_server_is_refused_by_its_response(pair: Pair) -> Result<(), Stop> {
    let checks = pair.declares(Side::Client, &ConfigOption::Revocation);
    let verdict = checks.then_some(CertificateError::REVOKED);
    judged(&pair, Leaf::server, Some(Response::Revoked), None, verdict).await?;
    let off = Some(RevocationPolicy::off());
    judged(&pair, Leaf::server, Some(Response::Revoked), off, None).await
}

pub(crate) async fn a_revoked_server_is_refused_in_both_modes(pair: Pair) -> Result<(), Stop> {
    for policy in [RevocationPolicy::soft_fail(), RevocationPolicy::hard_fail()] {
        let revoked = Some(CertificateError::REVOKED);
        judged(&pair, Leaf::server, Some(Response::Revoked), Some(policy), revoked).await?;
    }
    Ok(())
}

pub(crate) async fn a_response_that_does_not_count_says_nothing(pair: Pair) -> Result<(), Stop> {
    for response in [Response::Outdated, Response::OfAnother, Response::BadlySigned, Response::ByNoResponder]
    {
        let place = format!("{response:?}");
        judged(&pair, Leaf::server, Some(response), None, None).await.at(&place)?;
        judged(&pair, Leaf::server, Some(response), hard_fail(), unknown()).await.at(&place)?;
    }
    Ok(())
}

fn must_staple() -> Leaf {
    Leaf::server().must_staple()
}

pub(crate) async fn must_staple_needs_a_good_response(pair: Pair) -> Result<(), Stop> {
    for policy in [RevocationPolicy::soft_fail(), RevocationPolicy::hard_fail()] {
        judged(&pair, must_staple, Some(Response::Good), Some(policy.clone()), None).await?;
        judged(&pair, must_staple, None, Some(policy.clone()), unknown()).await?;
        judged(&pair, must_staple, Some(Response::Outdated), Some(policy), unknown()).await?;
    }
    Ok(())
}

pub(crate) async fn by_default_must_staple_is_honoured(pair: Pair) -> Result<(), Stop> {
    let checks = pair.declares(Side::Client, &ConfigOption::Revocation);
    judged(&pair, must_staple, None, None, unknown().filter(|_| checks)).await?;
    judged(&pair, must_staple, None, Some(RevocationPolicy::off()), None).await
}
