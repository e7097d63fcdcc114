//! TLS 1.3, one broken rule at a time.

use polytls_api::{AlertDescription as Alert, CipherSuite, NamedGroup, SignatureScheme};

use super::{flip_end_of, instead, last_message, prepared, run, server13::Server13, *};
use crate::{
    compression,
    wire::{
        codec::Put,
        extension::ExtensionType,
        handshake::{
            Certificate, CertificateVerify, ClientHello, CompressedCertificate, HandshakeType as Type,
            KeyShareEntry, ServerHello, encode_handshake,
        },
    },
};

const EE: Type = Type::ENCRYPTED_EXTENSIONS;

/// A client with the default groups, so that X25519MLKEM768 and X25519 have shares in its hello.
fn client() -> PreparedClient {
    prepared(|config| config.alpn(["h2"]), Options::default())
}

fn refused_hello(case: &str, alert: Alert, edit: impl for<'a> Fn(&mut ServerHello<'a>) + Sync) {
    let mut server = Server13 { edit_hello: &edit, ..Server13::default() };
    assert_refused(&run(&client(), |written| server.flight(written)), alert, case);
}

fn refused(case: &str, alert: Alert, edit: impl Fn(Type, Vec<u8>) -> Vec<u8> + Sync) {
    let mut server = Server13 { edit: &edit, ..Server13::default() };
    assert_refused(&run(&client(), |written| server.flight(written)), alert, case);
}

/// EncryptedExtensions with one extension.
fn extensions(kind: ExtensionType, data: &[u8]) -> Vec<u8> {
    encode_handshake(EE, |out| {
        out.vec16(|out| {
            out.put_u16(kind.code());
            out.vec16(|out| out.put_slice(data));
        });
    })
}

#[test]
fn a_server_that_keeps_the_rules_is_connected_to() {
    for suite in [CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite::TLS_AES_256_GCM_SHA384] {
        let mut server = Server13 { suite, ..Server13::default() };
        let established = run(&client(), |written| server.flight(written)).unwrap();
        let info = established.info;
        assert_eq!(info.version, Some(polytls_api::ProtocolVersion::Tls13));
        assert_eq!((info.cipher_suite, info.named_group), (Some(suite), Some(NamedGroup::X25519MLKEM768)));
        assert_eq!((info.resumed, info.peer_chain.len()), (Some(false), 1));
        assert_eq!(info.server_name.as_deref(), Some("localhost"));
        assert!(info.verified_chain.is_some() && info.timings.verification().is_some());
    }
}

#[test]
fn a_server_hello_is_held_against_the_offer() {
    refused_hello("another session id", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.legacy_session_id_echo = &[1];
    });
    refused_hello("an unknown suite", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.cipher_suite = CipherSuite::from_code(0x1304);
    });
    refused_hello("a suite of TLS 1.2", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.cipher_suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
    });
    refused_hello("TLS 1.2 in supported_versions", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.extensions.selected_version = Some(0x0303);
    });
    refused_hello("TLS 1.4", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.extensions.selected_version = Some(0x0305);
    });
    refused_hello("no key share", Alert::MISSING_EXTENSION, |hello| hello.extensions.key_share = None);
    refused_hello("a share of another group", Alert::ILLEGAL_PARAMETER, |hello| {
        let point = &[4; 65];
        hello.extensions.key_share =
            Some(KeyShareEntry { group: NamedGroup::SECP256R1, key_exchange: point });
    });
    refused_hello("a share that is too short", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.extensions.key_share =
            Some(KeyShareEntry { group: NamedGroup::X25519, key_exchange: &[9; 31] });
    });
    refused_hello("a share of small order", Alert::ILLEGAL_PARAMETER, |hello| {
        hello.extensions.key_share =
            Some(KeyShareEntry { group: NamedGroup::X25519, key_exchange: &[0; 32] });
    });
    refused_hello("a pre-shared key without an offer", Alert::UNSUPPORTED_EXTENSION, |hello| {
        hello.extensions.selected_identity = Some(0);
    });
}

#[test]
fn the_classical_half_of_a_hybrid_share_is_taken() {
    let group = NamedGroup::X25519;
    let mut server = Server13::default();
    let outcome = run(&client(), |written| server.flight_with(written, |offered| offered == group));
    assert_eq!(outcome.unwrap().info.named_group, Some(group));
}

fn retried(
    edit: impl for<'a> Fn(&mut ServerHello<'a>) + Sync + Send,
    suite_after: CipherSuite,
) -> Result<Established, Error> {
    let mut server = Server13::default();
    let mut first = true;
    run(&client(), move |written| {
        if std::mem::take(&mut first) {
            return server.hello_retry_request(written, &edit);
        }
        let message = last_message(written);
        if message.raw().is_empty() {
            return Vec::new();
        }
        let hello = ClientHello::parse(message.body()).unwrap();
        assert_eq!(hello.extensions.cookie, Some(&b"cookie"[..]));
        server.suite = suite_after;
        server.flight(written)
    })
}

#[test]
fn a_hello_retry_request_changes_what_it_asks_for_and_nothing_else() {
    let same = CipherSuite::TLS_AES_128_GCM_SHA256;
    for group in [None, Some(NamedGroup::SECP384R1), Some(NamedGroup::SECP256R1)] {
        let established = retried(|request| request.extensions.selected_group = group, same).unwrap();
        let expected = group.unwrap_or(NamedGroup::X25519MLKEM768);
        assert_eq!(established.info.named_group, Some(expected));
    }
    let illegal = Alert::ILLEGAL_PARAMETER;
    let ask = |group| move |request: &mut ServerHello<'_>| request.extensions.selected_group = Some(group);
    assert_refused(&retried(|request| request.extensions.cookie = None, same), illegal, "no change");
    assert_refused(&retried(ask(NamedGroup::SECP521R1), same), illegal, "a group that was not offered");
    assert_refused(&retried(ask(NamedGroup::X25519), same), illegal, "a group whose share was sent");
    assert_refused(
        &retried(|request| request.cipher_suite = CipherSuite::from_code(0x1304), same),
        illegal,
        "an unknown suite",
    );
    assert_refused(
        &retried(|_| (), CipherSuite::TLS_AES_256_GCM_SHA384),
        illegal,
        "another suite afterwards",
    );
    let mut server = Server13::default();
    let outcome = run(&client(), |written| server.hello_retry_request(written, &|_| ()));
    assert_refused(&outcome, Alert::UNEXPECTED_MESSAGE, "a second request");
}

#[test]
fn what_the_server_sends_under_keys_is_held_against_the_offer() {
    use ExtensionType as Ext;
    let alpn = Ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION;
    refused(
        "an unknown extension",
        Alert::UNSUPPORTED_EXTENSION,
        instead(EE, extensions(Ext::from_code(1234), &[])),
    );
    refused(
        "early data without an offer",
        Alert::UNSUPPORTED_EXTENSION,
        instead(EE, extensions(Ext::EARLY_DATA, &[])),
    );
    refused(
        "key_share under keys",
        Alert::UNSUPPORTED_EXTENSION,
        instead(EE, extensions(Ext::KEY_SHARE, &[0; 4])),
    );
    refused(
        "a protocol that was not offered",
        Alert::ILLEGAL_PARAMETER,
        instead(EE, extensions(alpn, b"\0\x03\x02h3")),
    );
    refused("no EncryptedExtensions", Alert::UNEXPECTED_MESSAGE, instead(EE, Vec::new()));
    refused("no Certificate", Alert::UNEXPECTED_MESSAGE, instead(Type::CERTIFICATE, Vec::new()));
    refused(
        "an empty chain",
        Alert::DECODE_ERROR,
        instead(Type::CERTIFICATE, Certificate::default().encode()),
    );
    let context = Certificate { context: &[1], ..Certificate::default() };
    refused("a context", Alert::DECODE_ERROR, instead(Type::CERTIFICATE, context.encode()));
    refused("no CertificateVerify", Alert::UNEXPECTED_MESSAGE, instead(Type::CERTIFICATE_VERIFY, Vec::new()));
    refused("a signature that does not verify", Alert::DECRYPT_ERROR, flip_end_of(Type::CERTIFICATE_VERIFY));
    for algorithm in [
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::ECDSA_SECP384R1_SHA384,
        SignatureScheme::from_code(0x0203),
    ] {
        let verify = CertificateVerify { algorithm, signature: &[1; 70] }.encode();
        refused(
            "a scheme that is not the key's",
            Alert::ILLEGAL_PARAMETER,
            instead(Type::CERTIFICATE_VERIFY, verify),
        );
    }
    refused("a Finished that does not verify", Alert::DECRYPT_ERROR, flip_end_of(Type::FINISHED));
    refused(
        "no Finished",
        Alert::UNEXPECTED_MESSAGE,
        instead(Type::FINISHED, extensions(Ext::SERVER_NAME, &[])),
    );
}

#[test]
fn a_compressed_certificate_is_what_it_says_and_within_its_limit() {
    let body = Certificate { context: &[], entries: Vec::new() }.encode()[4..].to_vec();
    let certificate = |algorithm, uncompressed_length| {
        let compressed = &compression::compress(&body);
        instead(
            Type::CERTIFICATE,
            CompressedCertificate { algorithm, uncompressed_length, compressed }.encode(),
        )
    };
    let length = body.len() as u32;
    let beyond = Options::default().limits.certificate as u32 + 1;
    for (case, alert, edit) in [
        ("an empty chain", Alert::DECODE_ERROR, certificate(compression::ZLIB, length)),
        ("a shorter message", Alert::BAD_CERTIFICATE, certificate(compression::ZLIB, length + 1)),
        ("a longer message", Alert::BAD_CERTIFICATE, certificate(compression::ZLIB, length - 1)),
        ("more than the limit", Alert::BAD_CERTIFICATE, certificate(compression::ZLIB, beyond)),
        ("another algorithm", Alert::ILLEGAL_PARAMETER, certificate(compression::ZLIB + 1, length)),
    ] {
        refused(case, alert, edit);
    }
}

#[test]
fn nothing_may_follow_the_finished_in_its_record() {
    let mut server = Server13 { trailing: &[4, 0, 0], ..Server13::default() };
    let outcome = run(&client(), |written| server.flight(written));
    assert_refused(&outcome, Alert::UNEXPECTED_MESSAGE, "a message that begins before the keys change");
}
