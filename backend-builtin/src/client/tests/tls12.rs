//! TLS 1.2, one broken rule at a time.

use polytls_api::{AlertDescription as Alert, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

use super::{flip_end_of, instead, prepared, run, server12::Server12, *};
use crate::wire::handshake::{
    CertificateList12, HandshakeType as Type, NewSessionTicket12, ServerHello, ServerKeyExchange,
};

const SKE: Type = Type::SERVER_KEY_EXCHANGE;

/// A client that takes TLS 1.3 as well, unless it says otherwise.
fn client() -> PreparedClient {
    prepared(|config| config.alpn(["h2"]), Options::default())
}

fn refused_hello(case: &str, alert: Alert, edit: impl for<'a> Fn(&mut ServerHello<'a>) + Sync) {
    let mut server = Server12 { edit_hello: &edit, ..Server12::default() };
    assert_refused(&run(&client(), |written| server.answer(written)), alert, case);
}

fn refused(case: &str, alert: Alert, edit: impl Fn(Type, Vec<u8>) -> Vec<u8> + Sync) {
    let mut server = Server12 { edit: &edit, ..Server12::default() };
    assert_refused(&run(&client(), |written| server.answer(written)), alert, case);
}

#[test]
fn a_server_that_keeps_the_rules_is_connected_to() {
    for (extended, ticket) in [(true, &b"ticket"[..]), (false, b"")] {
        for group in [NamedGroup::X25519, NamedGroup::SECP256R1, NamedGroup::SECP384R1] {
            let edit = move |hello: &mut ServerHello<'_>| hello.extensions.extended_master_secret = extended;
            let mut server = Server12 { edit_hello: &edit, group, ticket, ..Server12::default() };
            let info = run(&client(), |written| server.answer(written)).unwrap().info;
            assert_eq!(info.version, Some(ProtocolVersion::Tls12));
            assert_eq!((info.cipher_suite, info.named_group), (Some(server.suite), Some(group)));
            assert_eq!((info.resumed, info.peer_chain.len()), (Some(false), 1));
            assert!(info.verified_chain.is_some() && info.timings.verification().is_some());
        }
    }
}

#[test]
fn a_server_hello_is_held_against_the_offer() {
    for sentinel in [0, 1] {
        refused_hello("a downgrade", Alert::ILLEGAL_PARAMETER, |hello| {
            hello.random[24..31].copy_from_slice(b"DOWNGRD");
            hello.random[31] = sentinel;
        });
    }
    refused_hello("TLS 1.1", Alert::PROTOCOL_VERSION, |hello| hello.legacy_version = 0x0302);
    refused_hello("TLS 1.3 in legacy_version", Alert::PROTOCOL_VERSION, |hello| {
        hello.legacy_version = 0x0304
    });
    refused_hello("a suite with CBC", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.cipher_suite = CipherSuite::from_code(0xc009);
    });
    refused_hello("a suite of TLS 1.3", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.cipher_suite = CipherSuite::TLS_AES_128_GCM_SHA256;
    });
    refused_hello("a suite for RSA", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.cipher_suite = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
    });
    refused_hello("compression", Alert::ILLEGAL_PARAMETER, |hello| hello.legacy_compression_method = 1);
    refused_hello("no renegotiation_info", Alert::HANDSHAKE_FAILURE, |hello| {
        hello.extensions.renegotiation_info = None;
    });
    refused_hello("a renegotiation", Alert::HANDSHAKE_FAILURE, |hello| {
        hello.extensions.renegotiation_info = Some(&[0; 24]);
    });
    refused_hello("compressed points only", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.extensions.ec_point_formats = Some(&[1]);
    });
    refused_hello("a protocol that was not offered", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.extensions.alpn = Some(b"h3");
    });
    refused_hello("a limit that was not offered", Alert::UNSUPPORTED_EXTENSION, |hello| {
        hello.extensions.record_size_limit = Some(512);
    });
}

#[test]
fn a_session_id_that_stands_for_no_session_is_not_resumed() {
    let mut server = Server12::default();
    let outcome = run(&client(), |written| {
        let message = last_message(written);
        let hello = crate::wire::handshake::ClientHello::parse(message.body()).unwrap();
        let id = hello.legacy_session_id.to_vec();
        let mut answer = server.answer(written);
        // Behind the headers, the version and the random: the empty id gives way to the client's.
        let at = 5 + 4 + 2 + 32;
        answer.splice(at..=at, [&[32][..], &id].concat());
        for (position, added) in [(3, 32), (7, 32)] {
            let length = u16::from_be_bytes([answer[position], answer[position + 1]]) + added;
            answer[position..position + 2].copy_from_slice(&length.to_be_bytes());
        }
        answer
    });
    assert_refused(&outcome, Alert::ILLEGAL_PARAMETER, "the echo of TLS 1.3's session id");
}

#[test]
fn what_the_server_sends_is_held_against_the_offer() {
    refused("no Certificate", Alert::UNEXPECTED_MESSAGE, instead(Type::CERTIFICATE, Vec::new()));
    let empty = CertificateList12 { certificates: Vec::new() }.encode();
    refused("an empty chain", Alert::DECODE_ERROR, instead(Type::CERTIFICATE, empty));
    refused("no ServerKeyExchange", Alert::UNEXPECTED_MESSAGE, instead(SKE, Vec::new()));
    refused("a signature that does not verify", Alert::DECRYPT_ERROR, flip_end_of(SKE));
    for (case, group, algorithm) in [
        ("P-521", NamedGroup::SECP521R1, SignatureScheme::ECDSA_SECP256R1_SHA256),
        ("a hybrid group", NamedGroup::X25519MLKEM768, SignatureScheme::ECDSA_SECP256R1_SHA256),
        ("RSA's scheme", NamedGroup::X25519, SignatureScheme::RSA_PSS_RSAE_SHA256),
        ("SHA-1", NamedGroup::X25519, SignatureScheme::from_code(0x0203)),
    ] {
        let exchange = ServerKeyExchange { group, public_key: &[9; 32], algorithm, signature: &[1; 70] };
        refused(case, Alert::ILLEGAL_PARAMETER, instead(SKE, exchange.encode()));
    }
    refused("no ServerHelloDone", Alert::UNEXPECTED_MESSAGE, |kind, message| match kind {
        Type::SERVER_HELLO_DONE => NewSessionTicket12 { lifetime_hint: 0, ticket: &[1] }.encode(),
        _ => message,
    });
    refused("more than ServerHelloDone", Alert::UNEXPECTED_MESSAGE, |kind, message| match kind {
        Type::SERVER_HELLO_DONE => [&message[..], &[20, 0, 0]].concat(),
        _ => message,
    });
    refused("a Finished that does not verify", Alert::DECRYPT_ERROR, flip_end_of(Type::FINISHED));
    refused("more than Finished", Alert::UNEXPECTED_MESSAGE, |kind, message| match kind {
        Type::FINISHED => [&message[..], &[0, 0, 0, 0]].concat(),
        _ => message,
    });
}

#[test]
fn a_ticket_and_change_cipher_spec_come_where_they_are_due() {
    let ticket = NewSessionTicket12 { lifetime_hint: 60, ticket: b"ticket" }.encode();
    refused(
        "a ticket without a promise",
        Alert::UNEXPECTED_MESSAGE,
        instead(Type::NEW_SESSION_TICKET, ticket),
    );
    let edit = instead(Type::NEW_SESSION_TICKET, Vec::new());
    let mut server = Server12 { edit: &edit, ticket: b"ticket", ..Server12::default() };
    let outcome = run(&client(), |written| server.answer(written));
    assert_refused(&outcome, Alert::UNEXPECTED_MESSAGE, "a promise without a ticket");
    let mut server = Server12 { sends_change_cipher_spec: false, ..Server12::default() };
    let outcome = run(&client(), |written| server.answer(written));
    assert_refused(&outcome, Alert::UNEXPECTED_MESSAGE, "no ChangeCipherSpec");
}
