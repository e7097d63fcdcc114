//! Keys that both sides were given beforehand, one broken rule at a time.

use super::{
    client13::{Client13, Psk},
    *,
};
use crate::{key_schedule::PskKind, options::ExternalPsk, tests, wire::handshake::HandshakeType as Type};

const KEY: [u8; 32] = [8; 32];

fn options() -> Options {
    let given = ExternalPsk::new("device-7", KEY).unwrap();
    Options { external_psks: vec![given], ..Options::default() }
}

fn server() -> TestServer {
    TestServer::with(|config| config, options())
}

fn psk(identity: &str, key: [u8; 32], kind: PskKind) -> Psk {
    Psk { identity: identity.into(), obfuscated_ticket_age: 0, secret: Secret::of(&key), kind }
}

/// How a server with [`KEY`] takes a client with this one: whether by it, and with which messages.
fn taken(server: &TestServer, psk: Psk) -> (Option<u16>, bool) {
    let mut client = Client13 { psks: vec![psk], ..Client13::default() };
    let info = server.run(|written| client.answer(written)).unwrap().info;
    assert_eq!(info.resumed, Some(false), "it is no earlier session");
    (client.seen.selected_identity, client.seen.kinds.contains(&Type::CERTIFICATE))
}

#[test]
fn who_has_the_key_needs_no_certificate_and_who_names_another_does() {
    assert_eq!(taken(&server(), psk("device-7", KEY, PskKind::External)), (Some(0), false));
    assert_eq!(taken(&server(), psk("device-8", KEY, PskKind::External)), (None, true));
}

#[test]
fn who_does_not_have_the_key_is_refused() {
    for (case, key, kind) in [
        ("another key", [9; 32], PskKind::External),
        ("a binder as of a resumption", KEY, PskKind::Resumption),
    ] {
        let mut client = Client13 { psks: vec![psk("device-7", key, kind)], ..Client13::default() };
        assert_refused(&server().run(|written| client.answer(written)), Alert::DECRYPT_ERROR, case);
    }
}

#[test]
fn a_key_goes_with_suites_of_its_hash() {
    let suite = CipherSuite::TLS_AES_256_GCM_SHA384;
    let given = ExternalPsk::new("device-7", KEY).unwrap().with_sha384();
    let options = Options { external_psks: vec![given], ..Options::default() };
    let sha384 = TestServer::with(|config| config, options);
    for (server, by_key) in [(server(), false), (sha384, true)] {
        let psks = vec![psk("device-7", KEY, PskKind::External)];
        let mut client = Client13 { suite, psks, ..Client13::default() };
        server.run(|written| client.answer(written)).unwrap();
        assert_eq!(client.seen.selected_identity.is_some(), by_key);
    }
}

#[test]
fn a_server_that_asks_for_certificates_takes_no_key() {
    let verifier = Arc::new(DangerAcceptAnyCertificate);
    let mode = ClientAuthentication::Required;
    let server =
        TestServer::with(|config| config.client_authentication(mode).client_verifier(verifier), options());
    let psks = vec![psk("device-7", KEY, PskKind::External)];
    let mut client = Client13 { psks, identity: Some(tests::identity()), ..Client13::default() };
    let info = server.run(|written| client.answer(written)).unwrap().info;
    assert_eq!((client.seen.selected_identity, info.peer_chain.len()), (None, 1));
}

#[test]
fn a_key_allows_no_early_data() {
    let server = TestServer::with(|config| config.max_early_data(100), options());
    let psks = vec![psk("device-7", KEY, PskKind::External)];
    let mut client = Client13 { psks, early_data: vec![b"early".to_vec()], ..Client13::default() };
    let established = server.run(|written| client.answer(written)).unwrap();
    assert_eq!(client.seen.selected_identity, Some(0));
    assert!(established.early_data.is_none());
}
