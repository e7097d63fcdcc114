//! HelloRetryRequest: the second hello is the first, but for what RFC 8446 §4.1.2 lets it change.

use polytls_api::NamedGroup;

use super::{client13::Client13, *};
use crate::{
    tests::record,
    wire::handshake::{HandshakeType as Type, KeyShareEntry, OfferedPsks, PskIdentity},
};

/// Sends no share, so that it is asked for one.
fn without_share(hello: &mut ClientHello<'_>) {
    hello.extensions.key_share = Some(Vec::new());
}

fn refused_second(case: &str, alert: Alert, edit: impl for<'a> Fn(&mut ClientHello<'a>) + Sync) {
    let server = TestServer::with(|config| config.alpn(["h2"]), Options::default());
    let mut client = Client13 { edit_hello: &without_share, edit_second: &edit, ..Client13::default() };
    let outcome = server.run(|written| client.answer(written));
    assert!(client.seen.retried, "{case}");
    assert_refused(&outcome, alert, case);
}

/// The same of a client that resumes.
fn refused_second_with_psk(case: &str, alert: Alert, edit: impl for<'a> Fn(&mut ClientHello<'a>) + Sync) {
    let server = TestServer::new();
    let psk = resumption13::psk(server.ticket(&session(ProtocolVersion::Tls13)));
    let mut client =
        Client13 { psks: vec![psk], edit_hello: &without_share, edit_second: &edit, ..Client13::default() };
    assert_refused(&server.run(|written| client.answer(written)), alert, case);
}

#[test]
fn a_client_without_a_share_is_asked_for_one() {
    for group in [NamedGroup::X25519, NamedGroup::SECP256R1, NamedGroup::X25519MLKEM768] {
        let mut client = Client13 { group, edit_hello: &without_share, ..Client13::default() };
        let info = TestServer::new().run(|written| client.answer(written)).unwrap().info;
        assert!(client.seen.retried);
        assert_eq!((info.named_group, info.resumed), (Some(group), Some(false)));
    }
    let server = TestServer::new();
    let psk = resumption13::psk(server.ticket(&session(ProtocolVersion::Tls13)));
    let mut client = Client13 { psks: vec![psk], edit_hello: &without_share, ..Client13::default() };
    let info = server.run(|written| client.answer(written)).unwrap().info;
    assert_eq!((client.seen.retried, info.resumed), (true, Some(true)));
}

#[test]
fn a_second_hello_has_the_share_that_was_asked_for() {
    refused_second("no key_share", Alert::MISSING_EXTENSION, |hello| hello.extensions.key_share = None);
    refused_second("no share", Alert::ILLEGAL_PARAMETER, without_share);
    refused_second("a share of another group", Alert::ILLEGAL_PARAMETER, |hello| {
        let share = KeyShareEntry { group: NamedGroup::SECP384R1, key_exchange: &[4; 97] };
        hello.extensions.key_share = Some(vec![share]);
    });
}

#[test]
fn a_second_hello_changes_nothing_else() {
    let illegal = Alert::ILLEGAL_PARAMETER;
    refused_second("another random", illegal, |hello| hello.random = [1; 32]);
    refused_second("another session id", illegal, |hello| hello.legacy_session_id = &[]);
    refused_second("more suites", illegal, |hello| {
        hello.cipher_suites.push(CipherSuite::TLS_AES_256_GCM_SHA384);
    });
    refused_second("another name", illegal, |hello| hello.extensions.server_name = Some("other.example"));
    refused_second("a protocol", illegal, |hello| hello.extensions.alpn = Some(vec![b"h2"]));
    refused_second("no supported_versions", illegal, |hello| hello.extensions.supported_versions = None);
    refused_second("other groups", illegal, |hello| {
        hello.extensions.supported_groups = Some(vec![NamedGroup::X25519, NamedGroup::SECP256R1]);
    });
}

#[test]
fn a_second_hello_has_the_chosen_key_and_proves_it_anew() {
    refused_second_with_psk("no pre_shared_key", Alert::MISSING_EXTENSION, |hello| {
        hello.extensions.pre_shared_key = None;
    });
    refused_second_with_psk("another key", Alert::ILLEGAL_PARAMETER, |hello| {
        let other = PskIdentity { identity: b"other", obfuscated_ticket_age: 0 };
        hello.extensions.pre_shared_key =
            Some(OfferedPsks { identities: vec![other], binders: vec![&[0; 32]] });
    });
    let server = TestServer::new();
    let psk = resumption13::psk(server.ticket(&session(ProtocolVersion::Tls13)));
    let hellos = std::sync::atomic::AtomicUsize::new(0);
    let edit = |kind, mut message: Vec<u8>| {
        let is_second =
            kind == Type::CLIENT_HELLO && hellos.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1;
        if let Some(last) = message.last_mut().filter(|_| is_second) {
            *last ^= 1;
        }
        message
    };
    let mut client =
        Client13 { psks: vec![psk], edit_hello: &without_share, edit: &edit, ..Client13::default() };
    let outcome = server.run(|written| client.answer(written));
    assert!(client.seen.retried);
    assert_refused(&outcome, Alert::DECRYPT_ERROR, "a second binder that does not verify");
}

#[test]
fn nothing_but_a_hello_answers_a_request() {
    let mut client = Client13 { edit_hello: &without_share, ..Client13::default() };
    let mut first = true;
    let outcome = TestServer::new().run(|written| {
        if std::mem::take(&mut first) { client.answer(written) } else { record(22, &[20, 0, 0, 0]) }
    });
    assert_refused(&outcome, Alert::UNEXPECTED_MESSAGE, "a Finished");
}
