//! OCSP responses (RFC 6066 §8, RFC 8446 §4.4.2.1): presented as they are, reported as they came.

use polytls_api::{ConfigError, ConfigOption, ServerConfig, TlsAcceptor};

use crate::{
    Pair,
    behaviour::{At, Stop, ensure_eq, failed},
    pair::Side,
    pki::Leaf,
    probe::Probe,
    scene::{Ends, Scene, Stream, exchange},
};

/// A response (RFC 6960 §4.2.1) that has the form of one: nothing looks further into it on the way.
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
        ensure_eq(seen, reported, "the response that the verifier was shown")?;
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
