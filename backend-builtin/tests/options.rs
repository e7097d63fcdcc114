//! What this engine has and no other: the options of its builder, seen from both ends and on the wire.
//! Everything that backends share is proved by `polytls-conformance`.

mod scene;

use polytls_api::{
    AlertDescription, ClientAuthentication, ClientHello, ErrorKind, HelloLimits, IncomingHandshake,
    ProtocolVersion, Roots,
};
use polytls_builtin::{Builtin, BuiltinBuilder, ExternalPsk, Limits, Padding};
use scene::{Scene, bytes_each_way, change_cipher_specs, connection, failures};
use tokio::io::duplex;

/// The length of a tag, and of the content type of TLS 1.3.
const TAG: usize = 16;
const CONTENT_TYPE: usize = 1;

fn psk(key: u8) -> ExternalPsk {
    ExternalPsk::new("a name", [key; 32]).unwrap()
}

fn with_psk(key: u8) -> BuiltinBuilder {
    Builtin::builder().external_psk(psk(key))
}

#[tokio::test]
async fn who_has_the_key_needs_no_certificate() {
    let scene = Scene::new(with_psk(7), with_psk(7)).trusting(Roots::None);
    let (client, server) = connection(&scene).await.unwrap();
    assert_eq!(client.info().version, Some(ProtocolVersion::Tls13));
    assert!(client.info().peer_chain.is_empty());
    assert!(client.info().named_group.is_some() && server.info().named_group.is_some());
}

#[tokio::test]
async fn a_server_finds_its_key_among_as_many_as_a_client_may_have() {
    let key = |name: u8| ExternalPsk::new([name], [name; 32]).unwrap();
    let client = (1..=16).fold(Builtin::builder(), |builder, name| builder.external_psk(key(name)));
    let server = Builtin::builder().external_psk(key(16));
    let (client, _) = connection(&Scene::new(client, server).trusting(Roots::None)).await.unwrap();
    assert!(client.info().peer_chain.is_empty());
}

#[tokio::test]
async fn a_server_without_the_key_presents_its_certificate() {
    let scene = Scene::new(with_psk(7), Builtin::builder());
    let (client, _) = connection(&scene).await.unwrap();
    assert_eq!(client.info().peer_chain.len(), 1);
    let (client, _) = failures(&scene.trusting(Roots::None)).await;
    assert!(client.certificate_error().is_some(), "{client}");
}

#[tokio::test]
async fn another_key_under_the_same_name_ends_the_handshake() {
    let (client, server) = failures(&Scene::new(with_psk(7), with_psk(8))).await;
    assert_eq!(server.alert_sent(), Some(AlertDescription::DECRYPT_ERROR));
    assert_eq!(client.alert_received(), Some(AlertDescription::DECRYPT_ERROR));
}

#[tokio::test]
async fn a_server_that_asks_clients_for_a_certificate_takes_no_key_instead() {
    let scene = Scene::new(with_psk(7), with_psk(7));
    let scene = scene.server(|server, root| {
        server.client_authentication(ClientAuthentication::Required).client_roots(root.clone())
    });
    let (_, server) = failures(&scene).await;
    assert_eq!(server.alert_sent(), Some(AlertDescription::CERTIFICATE_REQUIRED));
}

#[tokio::test]
async fn a_key_for_sha384_goes_with_the_suite_that_has_it() {
    let builder = || Builtin::builder().external_psk(psk(7).with_sha384());
    let scene = Scene::new(builder(), builder()).trusting(Roots::None);
    let (client, _) = connection(&scene).await.unwrap();
    let suite = client.info().cipher_suite.unwrap().to_string();
    assert!(suite.ends_with("SHA384"), "{suite}");
}

#[tokio::test]
async fn records_are_padded_to_a_multiple() {
    let padded = || Builtin::builder().padding(Padding::Multiple(256));
    for (client, server) in [(padded(), Builtin::builder()), (Builtin::builder(), padded())] {
        let client_pads = format!("{client:?}").contains("Multiple");
        let (up, down) = bytes_each_way(&Scene::new(client, server), &[1; 300]).await;
        let (padded, plain) = if client_pads { (up, down) } else { (down, up) };
        assert!(padded.iter().all(|length| (length - TAG - CONTENT_TYPE).is_multiple_of(256)), "{padded:?}");
        assert!(plain.contains(&(300 + CONTENT_TYPE + TAG)), "{plain:?}");
    }
}

#[tokio::test]
async fn records_that_are_padded_are_not_small_ones_first() {
    let padded = || Builtin::builder().padding(Padding::Multiple(16_384));
    let (up, down) = bytes_each_way(&Scene::new(padded(), padded()), &[1; 30_000]).await;
    // Two of them hold the data; small ones would be 22. The handshake has some of its own.
    assert!(up.len() <= 6 && down.len() <= 6, "{up:?} {down:?}");
}

#[tokio::test]
async fn a_peer_keeps_to_the_size_of_records_that_it_was_told() {
    for (version, overhead) in [(ProtocolVersion::Tls13, TAG), (ProtocolVersion::Tls12, 8 + TAG)] {
        let told = || Builtin::builder().record_size_limit(512);
        // A client has to have a limit, too, for the server to tell its own.
        let free = Builtin::builder().record_size_limit(16_385);
        for (client, server) in [(told(), Builtin::builder()), (free, told())] {
            let client_told = format!("{client:?}").contains("Some(512)");
            let scene = Scene::new(client, server).version(version);
            let (up, down) = bytes_each_way(&scene, &[1; 5000]).await;
            let (bound, free) = if client_told { (down, up) } else { (up, down) };
            assert_eq!(bound.iter().max(), Some(&(512 + overhead)), "{version}");
            assert!(free.iter().any(|length| *length > 1000), "{version}: {free:?}");
        }
    }
}

#[tokio::test]
async fn certificates_are_compressed_where_both_sides_would() {
    let mut received = Vec::new();
    for (client_on, server_on) in [(true, true), (true, false), (false, true)] {
        let compressing = |on| Builtin::builder().certificate_compression(on);
        let scene = Scene::new(compressing(client_on), compressing(server_on)).with_many_names();
        let (client, _) = connection(&scene).await.unwrap();
        received.push(client.info().handshake_bytes_received);
    }
    assert!(received[0] + 1000 < received[1], "{received:?}");
    assert!(received[0] + 1000 < received[2], "{received:?}");
}

#[tokio::test]
async fn a_hello_or_a_chain_beyond_its_bound_is_refused_with_its_alert() {
    let mut limits = Limits::default();
    limits.client_hello = 1024;
    let (_, server) = failures(&Scene::new(Builtin::builder(), Builtin::builder().limits(limits))).await;
    assert_eq!(*server.kind(), ErrorKind::LimitExceeded);
    assert_eq!(server.alert_sent(), Some(AlertDescription::ILLEGAL_PARAMETER));
    let mut limits = Limits::default();
    limits.certificate = 1024;
    for (compression, alert) in
        [(false, AlertDescription::ILLEGAL_PARAMETER), (true, AlertDescription::BAD_CERTIFICATE)]
    {
        let client = Builtin::builder().limits(limits.clone()).certificate_compression(compression);
        let (client, _) = failures(&Scene::new(client, Builtin::builder()).with_many_names()).await;
        assert_eq!(client.alert_sent(), Some(alert), "compressed: {compression}");
    }
}

async fn hello_of(client: BuiltinBuilder) -> ClientHello {
    let scene = Scene::new(client, Builtin::builder());
    let (near, far) = duplex(1 << 20);
    let (connector, name) = (scene.connector(), scene.name());
    let connecting = tokio::spawn(async move { connector.connect(&name, near).await.map(drop) });
    let incoming = IncomingHandshake::read(far, HelloLimits::default()).await.unwrap();
    let hello = incoming.client_hello().clone();
    connecting.abort();
    hello
}

#[tokio::test]
async fn grease_and_the_look_of_tls12_can_be_turned_off() {
    let usual = hello_of(Builtin::builder()).await;
    assert!(usual.has_grease() && usual.legacy_session_id().len() == 32);
    let plain = hello_of(Builtin::builder().grease(false)).await;
    assert!(!plain.has_grease() && plain.legacy_session_id().len() == 32);
    let bare = hello_of(Builtin::builder().middlebox_compatibility(false)).await;
    // Without TLS 1.2 to resume there is no id to tell.
    assert!(bare.has_grease() && bare.legacy_session_id().is_empty());
}

#[tokio::test]
async fn a_client_that_asks_for_the_look_of_tls12_gets_it_of_any_server() {
    for (asked, servers) in [(true, true), (true, false), (false, true), (false, false)] {
        let option = |on| Builtin::builder().middlebox_compatibility(on);
        let (up, down) = change_cipher_specs(&Scene::new(option(asked), option(servers))).await;
        let expected = (usize::from(asked), usize::from(asked || servers));
        assert_eq!((up, down), expected, "client: {asked}, server: {servers}");
    }
}
