//! What a client of TLS 1.3 sends after the server's flight, one broken rule at a time.

use polytls_api::SignatureScheme;

use super::{client13::Client13, *};
use crate::{
    compression,
    options::Limits,
    tests::{self, CHANGE_CIPHER_SPEC, flip_end_of, instead, record},
    wire::{
        codec::Put,
        extension::ExtensionType,
        handshake::{
            Certificate, CertificateVerify, CompressedCertificate, HandshakeType as Type, encode_handshake,
        },
    },
};

const CV: Type = Type::CERTIFICATE_VERIFY;

fn refused(case: &str, alert: Alert, client: Client13<'_>) {
    let mut client = client;
    assert_refused(&TestServer::new().run(|written| client.answer(written)), alert, case);
}

/// A client with a certificate, which the server asked for.
fn refused_when_asked(case: &str, alert: Alert, edit: impl Fn(Type, Vec<u8>) -> Vec<u8> + Sync) {
    let server = TestServer::asking(ClientAuthentication::Required);
    let mut client = Client13 { edit: &edit, identity: Some(tests::identity()), ..Client13::default() };
    let outcome = server.run(|written| client.answer(written));
    assert!(client.seen.request, "{case}");
    assert_refused(&outcome, alert, case);
}

#[test]
fn the_clients_finished_ends_the_handshake_and_its_record() {
    let edit = flip_end_of(Type::FINISHED);
    refused(
        "one that does not verify",
        Alert::DECRYPT_ERROR,
        Client13 { edit: &edit, ..Client13::default() },
    );
    let edit = instead(Type::FINISHED, vec![20, 0, 0, 0]);
    refused("one without content", Alert::DECRYPT_ERROR, Client13 { edit: &edit, ..Client13::default() });
    let edit = instead(Type::FINISHED, vec![24, 0, 0, 1, 0]);
    refused("a KeyUpdate", Alert::UNEXPECTED_MESSAGE, Client13 { edit: &edit, ..Client13::default() });
    let trailing = Client13 { trailing: &[24, 0, 0, 1], ..Client13::default() };
    refused("more in its record", Alert::UNEXPECTED_MESSAGE, trailing);
}

#[test]
fn a_client_that_was_not_asked_presents_nothing() {
    let uninvited = || Client13 { uninvited: true, ..Client13::default() };
    refused("no certificate", Alert::UNEXPECTED_MESSAGE, uninvited());
    let identity = Some(tests::identity());
    refused("a certificate", Alert::UNEXPECTED_MESSAGE, Client13 { identity, ..uninvited() });
}

#[test]
fn a_client_that_is_asked_may_have_none_where_none_is_required() {
    for (mode, alert) in [
        (ClientAuthentication::Optional, None),
        (ClientAuthentication::Required, Some(Alert::CERTIFICATE_REQUIRED)),
    ] {
        let mut client = Client13::default();
        let outcome = TestServer::asking(mode).run(|written| client.answer(written));
        match alert {
            Some(alert) => assert_refused(&outcome, alert, "no certificate"),
            None => assert!(outcome.unwrap().info.peer_chain.is_empty()),
        }
        let identity = tests::identity();
        let presented = identity.0.clone();
        let mut client = Client13 { identity: Some(identity), ..Client13::default() };
        let info = TestServer::asking(mode).run(|written| client.answer(written)).unwrap().info;
        assert_eq!(info.peer_chain, [presented]);
        assert_eq!(info.peer_signature_scheme, Some(SignatureScheme::ECDSA_SECP256R1_SHA256));
    }
}

#[test]
fn a_client_proves_to_be_whom_it_presents() {
    let empty = || instead(Type::CERTIFICATE, Vec::new());
    refused_when_asked("no Certificate", Alert::UNEXPECTED_MESSAGE, empty());
    refused_when_asked("no CertificateVerify", Alert::UNEXPECTED_MESSAGE, instead(CV, Vec::new()));
    refused_when_asked("a signature that does not verify", Alert::DECRYPT_ERROR, flip_end_of(CV));
    for algorithm in [
        SignatureScheme::RSA_PKCS1_SHA256,
        SignatureScheme::ECDSA_SECP384R1_SHA384,
        SignatureScheme::from_code(0x0203),
    ] {
        let verify = CertificateVerify { algorithm, signature: &[1; 70] }.encode();
        let case = "a scheme that is not the key's";
        refused_when_asked(case, Alert::ILLEGAL_PARAMETER, instead(CV, verify));
    }
    let context = Certificate { context: &[1], ..Certificate::default() }.encode();
    refused_when_asked("a context", Alert::DECODE_ERROR, instead(Type::CERTIFICATE, context));
    let extended = encode_handshake(Type::CERTIFICATE, |out| {
        out.vec8(|_| ());
        out.vec24(|out| {
            out.vec24(|out| out.put_slice(&[1]));
            out.vec16(|out| {
                out.put_u16(ExtensionType::from_code(0x7777).code());
                out.vec16(|_| ());
            });
        });
    });
    let case = "an extension that was not asked for";
    refused_when_asked(case, Alert::UNSUPPORTED_EXTENSION, instead(Type::CERTIFICATE, extended));
    let certificate = Certificate::default().encode();
    let twice = move |kind, message: Vec<u8>| match kind {
        CV => certificate.clone(),
        _ => message,
    };
    refused_when_asked("two Certificates", Alert::UNEXPECTED_MESSAGE, twice);
}

/// The Certificate, compressed and changed.
fn compressed(change: impl Fn(&mut CompressedCertificate<'_>) + Sync) -> impl Fn(Type, Vec<u8>) -> Vec<u8> {
    move |kind, message| {
        if kind != Type::CERTIFICATE {
            return message;
        }
        let body = &message[4..];
        let bytes = compression::compress(body);
        let uncompressed_length = body.len() as u32;
        let mut message =
            CompressedCertificate { algorithm: compression::ZLIB, uncompressed_length, compressed: &bytes };
        change(&mut message);
        message.encode()
    }
}

#[test]
fn a_compressed_certificate_is_as_long_as_it_says_and_no_longer_than_the_limit() {
    let identity = tests::identity();
    let edit = compressed(|_| ());
    let mut client = Client13 { edit: &edit, identity: Some(identity), ..Client13::default() };
    let server = TestServer::asking(ClientAuthentication::Required);
    assert_eq!(server.run(|written| client.answer(written)).unwrap().info.peer_chain.len(), 1);
    let brotli = compressed(|message| message.algorithm = 2);
    refused_when_asked("an algorithm that was not offered", Alert::ILLEGAL_PARAMETER, brotli);
    let shorter = compressed(|message| message.uncompressed_length -= 1);
    refused_when_asked("more than it says", Alert::BAD_CERTIFICATE, shorter);
    let limit = Limits::default().certificate as u32;
    let bomb = compressed(move |message| message.uncompressed_length = limit + 1);
    refused_when_asked("more than the limit", Alert::BAD_CERTIFICATE, bomb);
    let not_asked = |config: ServerConfigBuilder| {
        let verifier = Arc::new(DangerAcceptAnyCertificate);
        config.client_authentication(ClientAuthentication::Required).client_verifier(verifier)
    };
    let server =
        TestServer::with(not_asked, Options { certificate_compression: false, ..Options::default() });
    let edit = compressed(|_| ());
    let mut client = Client13 { edit: &edit, identity: Some(tests::identity()), ..Client13::default() };
    let outcome = server.run(|written| client.answer(written));
    assert_refused(&outcome, Alert::UNEXPECTED_MESSAGE, "compressed, and not asked to");
}

#[test]
fn two_change_cipher_specs_mean_nothing_and_a_third_is_too_many() {
    let before = |count: usize| record(CHANGE_CIPHER_SPEC, &[1]).repeat(count);
    for count in 0..=2 {
        let mut client = Client13 { before_flight: before(count), ..Client13::default() };
        assert!(TestServer::new().run(|written| client.answer(written)).is_ok(), "{count}");
    }
    let client = |before_flight| Client13 { before_flight, ..Client13::default() };
    refused("a third", Alert::UNEXPECTED_MESSAGE, client(before(3)));
    refused("another content", Alert::UNEXPECTED_MESSAGE, client(record(CHANGE_CIPHER_SPEC, &[2])));
    refused("more content", Alert::UNEXPECTED_MESSAGE, client(record(CHANGE_CIPHER_SPEC, &[1, 1])));
}

#[test]
fn what_is_not_protected_has_no_place_after_the_servers_hello() {
    let client = |before_flight| Client13 { before_flight, ..Client13::default() };
    refused("a Finished in the clear", Alert::BAD_RECORD_MAC, client(record(22, &[20, 0, 0, 0])));
    refused("data under no key", Alert::BAD_RECORD_MAC, client(record(23, &[7; 40])));
}
