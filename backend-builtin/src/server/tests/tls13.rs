//! The hello of TLS 1.3, one broken rule at a time.

use polytls_api::{NamedGroup, SignatureScheme};

use super::{client13::Client13, *};
use crate::{
    tests::{honest, instead, record},
    wire::{
        codec::Put,
        extension::ExtensionType,
        handshake::{HandshakeType as Type, KeyShareEntry},
    },
};

fn refused_hello(case: &str, alert: Alert, edit: impl for<'a> Fn(&mut ClientHello<'a>) + Sync) {
    let server = TestServer::with(|config| config.alpn(["h2"]), Options::default());
    let mut client = Client13 { edit_hello: &edit, ..Client13::default() };
    assert_refused(&server.run(|written| client.answer(written)), alert, case);
}

/// Puts an extension behind all others of a hello.
fn with_extension(message: &[u8], kind: ExtensionType, data: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    let before = message.len();
    message.put_u16(kind.code());
    message.vec16(|out| out.put_slice(data));
    let added = message.len() - before;
    // Behind header, version, random, session id, one suite and one compression method.
    let at = 4 + 2 + 32 + 1 + usize::from(message[38]) + 4 + 2;
    for (place, width) in [(1, 3), (at, 2)] {
        let mut length = [0; 8];
        length[8 - width..].copy_from_slice(&message[place..place + width]);
        let length = (u64::from_be_bytes(length) as usize + added).to_be_bytes();
        message[place..place + width].copy_from_slice(&length[8 - width..]);
    }
    message
}

fn refused_extension(case: &str, alert: Alert, kind: ExtensionType, data: &[u8]) {
    let edit = |of, message: Vec<u8>| match of {
        Type::CLIENT_HELLO => with_extension(&message, kind, data),
        _ => message,
    };
    let server = TestServer::new();
    let ticket = server.ticket(&session(ProtocolVersion::Tls13));
    let mut client = Client13 { edit: &edit, psks: vec![resumption13::psk(ticket)], ..Client13::default() };
    assert_refused(&server.run(|written| client.answer(written)), alert, case);
}

#[test]
fn a_client_that_keeps_the_rules_is_connected_to() {
    for suite in [CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite::TLS_AES_256_GCM_SHA384] {
        for group in [NamedGroup::X25519, NamedGroup::SECP384R1, NamedGroup::X25519MLKEM768] {
            let mut client = Client13 { suite, group, ..Client13::default() };
            let info = TestServer::new().run(|written| client.answer(written)).unwrap().info;
            assert_eq!(info.version, Some(ProtocolVersion::Tls13));
            assert_eq!((info.cipher_suite, info.named_group), (Some(suite), Some(group)));
            assert_eq!((info.resumed, info.peer_chain.len()), (Some(false), 0));
            assert_eq!(info.server_name.as_deref(), Some(SERVER_NAME));
            assert_eq!(
                client.seen.kinds,
                [Type::ENCRYPTED_EXTENSIONS, Type::CERTIFICATE, Type::CERTIFICATE_VERIFY, Type::FINISHED]
            );
        }
    }
}

#[test]
fn what_must_be_in_a_hello_is_missed() {
    refused_hello("no supported_groups", Alert::MISSING_EXTENSION, |hello| {
        hello.extensions.supported_groups = None;
    });
    refused_hello("no key_share", Alert::MISSING_EXTENSION, |hello| hello.extensions.key_share = None);
    refused_hello("no signature_algorithms", Alert::MISSING_EXTENSION, |hello| {
        hello.extensions.signature_algorithms = None;
    });
    refused_hello("no null compression", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.legacy_compression_methods = &[1];
    });
    refused_hello("compression", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.legacy_compression_methods = &[0, 1];
    });
    refused_hello("a long session id", Alert::DECODE_ERROR, |hello| hello.legacy_session_id = &[1; 33]);
}

#[test]
fn a_hello_without_anything_in_common_is_told_so() {
    refused_hello("TLS 1.4", Alert::PROTOCOL_VERSION, |hello| {
        hello.extensions.supported_versions = Some(vec![0x0305]);
    });
    refused_hello("another suite", Alert::HANDSHAKE_FAILURE, |hello| {
        hello.cipher_suites = vec![CipherSuite::from_code(0x1304)];
    });
    refused_hello("suites of TLS 1.2", Alert::HANDSHAKE_FAILURE, |hello| {
        hello.cipher_suites = vec![CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256];
    });
    refused_hello("another group", Alert::HANDSHAKE_FAILURE, |hello| {
        hello.extensions.supported_groups = Some(vec![NamedGroup::SECP521R1]);
    });
    for scheme in [SignatureScheme::ED25519, SignatureScheme::ECDSA_SECP384R1_SHA384] {
        refused_hello("another scheme than the key's", Alert::HANDSHAKE_FAILURE, |hello| {
            hello.extensions.signature_algorithms = Some(vec![scheme]);
        });
    }
    refused_hello("another protocol", Alert::NO_APPLICATION_PROTOCOL, |hello| {
        hello.extensions.alpn = Some(vec![b"h3"]);
    });
}

#[test]
fn a_key_share_is_one_of_its_group() {
    let group = NamedGroup::X25519;
    let shares: [(&str, &'static [&'static [u8]]); 3] = [
        ("two of one group", &[&[9; 32], &[9; 32]]),
        ("one that is too short", &[&[9; 31]]),
        ("one of small order", &[&[0; 32]]),
    ];
    for (case, shares) in shares {
        refused_hello(case, Alert::ILLEGAL_PARAMETER, |hello| {
            let entries = shares.iter().map(|share| KeyShareEntry { group, key_exchange: share });
            hello.extensions.key_share = Some(entries.collect());
        });
    }
    let off_the_curve = &[4; 65];
    refused_hello("no point", Alert::ILLEGAL_PARAMETER, |hello| {
        let group = NamedGroup::SECP256R1;
        hello.extensions.supported_groups = Some(vec![group]);
        hello.extensions.key_share = Some(vec![KeyShareEntry { group, key_exchange: off_the_curve }]);
    });
}

#[test]
fn an_extension_stands_once_and_where_it_belongs() {
    refused_extension("two of one type", Alert::DECODE_ERROR, ExtensionType::SUPPORTED_VERSIONS, &[2, 3, 4]);
    let stranger = ExtensionType::from_code(48);
    refused_extension("oid_filters", Alert::ILLEGAL_PARAMETER, stranger, &[0, 0]);
    let unknown = ExtensionType::from_code(0x7777);
    refused_extension("one behind pre_shared_key", Alert::ILLEGAL_PARAMETER, unknown, &[]);
}

#[test]
fn a_handshake_begins_with_one_hello_and_nothing_behind_it() {
    let server = TestServer::new();
    let finished = [&[20, 0, 0, 32][..], &[0; 32]].concat();
    let edit = instead(Type::CLIENT_HELLO, finished);
    let mut client = Client13 { edit: &edit, ..Client13::default() };
    let outcome = server.run(|written| client.answer(written));
    assert_refused(&outcome, Alert::UNEXPECTED_MESSAGE, "a Finished");
    let edit = |of, message: Vec<u8>| match of {
        Type::CLIENT_HELLO => [&message[..], &[20, 0, 0]].concat(),
        _ => honest(of, message),
    };
    let mut client = Client13 { edit: &edit, ..Client13::default() };
    let outcome = server.run(|written| client.answer(written));
    assert_refused(&outcome, Alert::UNEXPECTED_MESSAGE, "the beginning of another message");
    for (content_type, case) in [(20, "change_cipher_spec"), (23, "application data")] {
        let outcome = server.run(|_| record(content_type, &[1]));
        assert_refused(&outcome, Alert::UNEXPECTED_MESSAGE, case);
    }
}
