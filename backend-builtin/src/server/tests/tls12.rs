//! TLS 1.2, one broken rule at a time.

use polytls_api::{NamedGroup, SignatureScheme};

use super::{client12::Client12, *};
use crate::{
    tests::{self, flip_end_of, instead},
    wire::{
        handshake::{CertificateVerify, ClientKeyExchange, HandshakeType as Type},
        signaling::{TLS_EMPTY_RENEGOTIATION_INFO_SCSV, TLS_FALLBACK_SCSV},
    },
};

const CKE: Type = Type::CLIENT_KEY_EXCHANGE;
const CV: Type = Type::CERTIFICATE_VERIFY;

fn refused_hello(case: &str, alert: Alert, edit: impl for<'a> Fn(&mut ClientHello<'a>) + Sync) {
    let server = TestServer::with(|config| config.alpn(["h2"]), Options::default());
    let mut client = Client12 { edit_hello: &edit, ..Client12::default() };
    assert_refused(&server.run(|written| client.answer(written)), alert, case);
}

fn refused(case: &str, alert: Alert, edit: impl Fn(Type, Vec<u8>) -> Vec<u8> + Sync) {
    let mut client = Client12 { edit: &edit, ..Client12::default() };
    assert_refused(&TestServer::new().run(|written| client.answer(written)), alert, case);
}

/// A client with a certificate, which the server asked for.
fn refused_when_asked(case: &str, alert: Alert, edit: impl Fn(Type, Vec<u8>) -> Vec<u8> + Sync) {
    let server = TestServer::asking(ClientAuthentication::Required);
    let mut client = Client12 { edit: &edit, identity: Some(tests::identity()), ..Client12::default() };
    assert_refused(&server.run(|written| client.answer(written)), alert, case);
}

/// A server of TLS 1.2 alone.
fn old_server() -> TestServer {
    TestServer::with(|config| config.protocol_versions([ProtocolVersion::Tls12]), Options::default())
}

/// What a client with this hello saw.
fn seen_by(server: &TestServer, edit: impl for<'a> Fn(&mut ClientHello<'a>) + Sync) -> super::client12::Seen {
    let mut client = Client12 { edit_hello: &edit, ..Client12::default() };
    server.run(|written| client.answer(written)).unwrap();
    client.seen
}

#[test]
fn a_client_that_keeps_the_rules_is_connected_to() {
    for extended in [true, false] {
        for group in [NamedGroup::X25519, NamedGroup::SECP256R1, NamedGroup::SECP384R1] {
            let edit = move |hello: &mut ClientHello<'_>| hello.extensions.extended_master_secret = extended;
            let mut client = Client12 { edit_hello: &edit, group, ..Client12::default() };
            let info = TestServer::new().run(|written| client.answer(written)).unwrap().info;
            assert_eq!(info.version, Some(ProtocolVersion::Tls12));
            assert_eq!(info.cipher_suite, Some(client.suite));
            assert!([Some(group), Some(NamedGroup::SECP256R1)].contains(&info.named_group));
            assert_eq!((info.resumed, info.server_name.as_deref()), (Some(false), Some(SERVER_NAME)));
            assert_eq!(client.seen.extended_master_secret, extended);
        }
    }
}

#[test]
fn a_hello_without_anything_in_common_is_told_so() {
    refused_hello("TLS 1.1", Alert::PROTOCOL_VERSION, |hello| hello.legacy_version = 0x0302);
    refused_hello("a suite with CBC", Alert::HANDSHAKE_FAILURE, |hello| {
        hello.cipher_suites = vec![CipherSuite::from_code(0xc009)];
    });
    refused_hello("a suite for RSA", Alert::HANDSHAKE_FAILURE, |hello| {
        hello.cipher_suites = vec![CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];
    });
    refused_hello("a suite of TLS 1.3", Alert::HANDSHAKE_FAILURE, |hello| {
        hello.cipher_suites = vec![CipherSuite::TLS_AES_128_GCM_SHA256];
    });
    for groups in [vec![NamedGroup::X25519], vec![NamedGroup::X25519MLKEM768], Vec::new()] {
        refused_hello("no group for the certificate", Alert::HANDSHAKE_FAILURE, move |hello| {
            hello.extensions.supported_groups = Some(groups.clone()).filter(|groups| !groups.is_empty());
        });
    }
    refused_hello("no signature_algorithms", Alert::HANDSHAKE_FAILURE, |hello| {
        hello.extensions.signature_algorithms = None;
    });
    refused_hello("another scheme than the key's", Alert::HANDSHAKE_FAILURE, |hello| {
        hello.extensions.signature_algorithms = Some(vec![SignatureScheme::RSA_PSS_RSAE_SHA256]);
    });
    refused_hello("another protocol", Alert::NO_APPLICATION_PROTOCOL, |hello| {
        hello.extensions.alpn = Some(vec![b"h3"]);
    });
    refused_hello("no null compression", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.legacy_compression_methods = &[1];
    });
    refused_hello("compressed points only", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.extensions.ec_point_formats = Some(&[1]);
    });
}

#[test]
fn secure_renegotiation_is_told_to_who_knows_it_and_nothing_is_renegotiated() {
    refused_hello("a renegotiation", Alert::HANDSHAKE_FAILURE, |hello| {
        hello.extensions.renegotiation_info = Some(&[0; 12]);
    });
    let server = TestServer::new();
    assert!(seen_by(&server, |_| ()).renegotiation_info);
    let by_suite = |hello: &mut ClientHello<'_>| {
        hello.extensions.renegotiation_info = None;
        hello.cipher_suites.push(TLS_EMPTY_RENEGOTIATION_INFO_SCSV);
    };
    assert!(seen_by(&server, by_suite).renegotiation_info);
    assert!(!seen_by(&server, |hello| hello.extensions.renegotiation_info = None).renegotiation_info);
}

#[test]
fn a_downgrade_is_told_by_a_server_that_could_do_better() {
    assert_eq!(seen_by(&TestServer::new(), |_| ()).random[24..], *b"DOWNGRD\x01");
    assert_ne!(seen_by(&old_server(), |_| ()).random[24..31], *b"DOWNGRD");
    let fell_back = |hello: &mut ClientHello<'_>| hello.cipher_suites.push(TLS_FALLBACK_SCSV);
    refused_hello("a fallback", Alert::INAPPROPRIATE_FALLBACK, fell_back);
    assert!(!seen_by(&old_server(), fell_back).kinds.is_empty());
}

#[test]
fn the_clients_messages_come_in_their_order() {
    refused("no ClientKeyExchange", Alert::UNEXPECTED_MESSAGE, instead(CKE, vec![20, 0, 0, 0]));
    refused("a Certificate", Alert::UNEXPECTED_MESSAGE, instead(CKE, vec![11, 0, 0, 3, 0, 0, 0]));
    for (case, alert, public_key) in [
        ("a share that is too short", Alert::ILLEGAL_PARAMETER, &[9; 31][..]),
        ("a share of small order", Alert::ILLEGAL_PARAMETER, &[0; 32]),
        ("an empty share", Alert::DECODE_ERROR, &[]),
    ] {
        let exchange = ClientKeyExchange { public_key }.encode();
        let edit = instead(CKE, exchange);
        let server = TestServer::with(|config| config.named_groups([NamedGroup::X25519]), Options::default());
        let mut client = Client12 { edit: &edit, ..Client12::default() };
        assert_refused(&server.run(|written| client.answer(written)), alert, case);
    }
    refused("a Finished that does not verify", Alert::DECRYPT_ERROR, flip_end_of(Type::FINISHED));
    refused("more than Finished", Alert::UNEXPECTED_MESSAGE, |kind, message| match kind {
        Type::FINISHED => [&message[..], &[0, 0, 0, 0]].concat(),
        _ => message,
    });
    refused("another message", Alert::UNEXPECTED_MESSAGE, instead(Type::FINISHED, vec![0, 0, 0, 0]));
    let mut client = Client12 { sends_change_cipher_spec: false, ..Client12::default() };
    let outcome = TestServer::new().run(|written| client.answer(written));
    assert_refused(&outcome, Alert::UNEXPECTED_MESSAGE, "no ChangeCipherSpec");
    let mut client = Client12 { uninvited: true, ..Client12::default() };
    let outcome = TestServer::new().run(|written| client.answer(written));
    assert_refused(&outcome, Alert::UNEXPECTED_MESSAGE, "a certificate that was not asked for");
}

#[test]
fn a_client_that_is_asked_may_have_no_certificate_where_none_is_required() {
    let mut client = Client12::default();
    let asking = TestServer::asking(ClientAuthentication::Optional);
    assert!(asking.run(|written| client.answer(written)).unwrap().info.peer_chain.is_empty());
    let mut client = Client12::default();
    let outcome = TestServer::asking(ClientAuthentication::Required).run(|written| client.answer(written));
    assert_refused(&outcome, Alert::HANDSHAKE_FAILURE, "no certificate");
    let identity = tests::identity();
    let presented = identity.0.clone();
    let mut client = Client12 { identity: Some(identity), ..Client12::default() };
    let server = TestServer::asking(ClientAuthentication::Required);
    assert_eq!(server.run(|written| client.answer(written)).unwrap().info.peer_chain, [presented]);
}

#[test]
fn a_client_proves_to_be_whom_it_presents() {
    let empty = || instead(Type::CERTIFICATE, Vec::new());
    refused_when_asked("no Certificate", Alert::UNEXPECTED_MESSAGE, empty());
    refused_when_asked("no CertificateVerify", Alert::UNEXPECTED_MESSAGE, instead(CV, Vec::new()));
    refused_when_asked("a signature that does not verify", Alert::DECRYPT_ERROR, flip_end_of(CV));
    for algorithm in [SignatureScheme::RSA_PSS_RSAE_SHA256, SignatureScheme::from_code(0x0203)] {
        let verify = CertificateVerify { algorithm, signature: &[1; 70] }.encode();
        let case = "a scheme that is not the key's";
        refused_when_asked(case, Alert::ILLEGAL_PARAMETER, instead(CV, verify));
    }
}
