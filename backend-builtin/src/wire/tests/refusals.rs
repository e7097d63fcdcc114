//! One fault at a time, and the alert it is owed.

use polytls_api::{AlertDescription, CipherSuite, NamedGroup, SignatureScheme};

use super::{alert, body, written};
use crate::wire::{
    codec::Put,
    extension::{ExtensionType as Ext, put_extension},
    handshake::*,
};

/// The head of a ClientHello, up to its extensions.
fn client_head(compression_methods: &[u8]) -> Vec<u8> {
    written(|out| {
        out.put_u16(0x0303);
        out.put_slice(&[7; 32]);
        out.vec8(|_| ());
        out.vec16(|out| out.put_u16(0x1301));
        out.vec8(|out| out.put_slice(compression_methods));
    })
}

/// A ClientHello with these extensions.
fn client_hello(extensions: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut hello = client_head(&[0]);
    hello.vec16(extensions);
    hello
}

fn server_hello(
    legacy_version: u16,
    random: [u8; 32],
    method: u8,
    block: impl FnOnce(&mut Vec<u8>),
) -> Vec<u8> {
    written(|out| {
        out.put_u16(legacy_version);
        out.put_slice(&random);
        out.vec8(|_| ());
        out.put_u16(0x1301);
        out.put_u8(method);
        out.vec16(block);
    })
}

fn tls13(out: &mut Vec<u8>) {
    put_extension(out, Ext::SUPPORTED_VERSIONS, |out| out.put_u16(0x0304));
}

fn client_alert(hello: &[u8]) -> AlertDescription {
    alert(ClientHello::parse(hello).unwrap_err())
}

fn server_alert(hello: &[u8]) -> AlertDescription {
    alert(ServerHello::parse(hello).unwrap_err())
}

#[test]
fn a_client_hello_without_extensions_is_whole() {
    let head = client_head(&[1, 0]);
    let hello = ClientHello::parse(&head).unwrap();
    assert_eq!(hello.extensions, ClientExtensions::default());
    assert_eq!(body(&hello.encode()), head);
}

#[test]
fn the_null_compression_method_must_be_there() {
    assert_eq!(client_alert(&client_head(&[])), AlertDescription::DECODE_ERROR);
    assert_eq!(client_alert(&client_head(&[1])), AlertDescription::ILLEGAL_PARAMETER);
}

#[test]
fn tls13_and_compression_exclude_each_other() {
    let mut hello = client_head(&[1, 0]);
    hello.vec16(|out| put_extension(out, Ext::SUPPORTED_VERSIONS, |out| out.put_slice(&[2, 3, 4])));
    assert_eq!(client_alert(&hello), AlertDescription::ILLEGAL_PARAMETER);
}

#[test]
fn ssl3_is_refused_whatever_else_is_offered() {
    let mut hello = client_hello(|out| {
        put_extension(out, Ext::SUPPORTED_VERSIONS, |out| out.put_slice(&[2, 3, 4]));
    });
    assert!(ClientHello::parse(&hello).is_ok());
    hello[..2].copy_from_slice(&[3, 0]);
    assert_eq!(client_alert(&hello), AlertDescription::PROTOCOL_VERSION);
    assert_eq!(server_alert(&server_hello(0x0300, [7; 32], 0, tls13)), AlertDescription::PROTOCOL_VERSION);
}

#[test]
fn a_long_session_id_is_refused() {
    let mut hello = client_hello(|_| ());
    hello.splice(34..35, [33].into_iter().chain([0; 33]));
    assert_eq!(client_alert(&hello), AlertDescription::DECODE_ERROR);
}

#[test]
fn a_client_offers_nothing_twice() {
    for kind in [Ext::SESSION_TICKET, Ext::from_code(0xabcd)] {
        let hello = client_hello(|out| (0..2).for_each(|_| put_extension(out, kind, |_| ())));
        assert_eq!(client_alert(&hello), AlertDescription::DECODE_ERROR);
    }
}

#[test]
fn as_many_extensions_as_fit_are_passed_over() {
    let types = (0..16_000).map(|n| Ext::from_code(0x8000 + n));
    let hello = client_hello(|out| types.clone().for_each(|kind| put_extension(out, kind, |_| ())));
    assert_eq!(ClientHello::parse(&hello).unwrap().extensions, ClientExtensions::default());
    let hello = client_hello(|out| {
        let again = types.clone().take(1);
        types.chain(again).for_each(|kind| put_extension(out, kind, |_| ()));
    });
    assert_eq!(client_alert(&hello), AlertDescription::DECODE_ERROR);
}

#[test]
fn pre_shared_key_comes_last() {
    let psks = OfferedPsks {
        identities: vec![PskIdentity { identity: b"ticket", obfuscated_ticket_age: 1 }],
        binders: vec![&[1; 32]],
    };
    let last = client_hello(|out| {
        put_extension(out, Ext::PADDING, |_| ());
        put_extension(out, Ext::PRE_SHARED_KEY, |out| psks.encode(out));
    });
    assert_eq!(ClientHello::parse(&last).unwrap().extensions.pre_shared_key, Some(psks.clone()));
    let first = client_hello(|out| {
        put_extension(out, Ext::PRE_SHARED_KEY, |out| psks.encode(out));
        put_extension(out, Ext::PADDING, |_| ());
    });
    assert_eq!(client_alert(&first), AlertDescription::ILLEGAL_PARAMETER);
}

#[test]
fn binders_are_the_end_of_the_message_whatever_else_is_there() {
    let hello = ClientHello {
        legacy_version: 0x0303,
        random: [7; 32],
        legacy_session_id: &[],
        cipher_suites: vec![CipherSuite::TLS_AES_128_GCM_SHA256],
        legacy_compression_methods: &[0],
        extensions: ClientExtensions {
            pre_shared_key: Some(OfferedPsks {
                identities: vec![PskIdentity { identity: b"ticket", obfuscated_ticket_age: 1 }],
                binders: vec![&[0xbb; 32]],
            }),
            early_data: true,
            grease: vec![0x1a1a, 0x2a2a],
            ..ClientExtensions::default()
        },
    };
    let message = hello.encode();
    assert_eq!(hello.binders_len(), 2 + 1 + 32);
    let binders = &message[message.len() - hello.binders_len()..];
    assert_eq!(binders, [&[0, 33, 32][..], &[0xbb; 32]].concat());
}

#[test]
fn grease_stands_at_both_ends_and_is_passed_over() {
    let extensions = ClientExtensions {
        server_name: Some("server.example"),
        grease: vec![0x1a1a, 0x2a2a],
        ..ClientExtensions::default()
    };
    let head = client_head(&[0]);
    let hello = ClientHello { extensions, ..ClientHello::parse(&head).unwrap() };
    let message = hello.encode();
    let block = &body(&message)[head.len() + 2..];
    assert!(block.starts_with(&[0x1a, 0x1a, 0, 0]));
    assert!(block.ends_with(&[0x2a, 0x2a, 0, 1, 0]));
    let read = ClientHello::parse(body(&message)).unwrap();
    assert_eq!(read.extensions, ClientExtensions { grease: vec![], ..hello.extensions });
}

#[test]
fn which_hello_of_a_server_it_is_depends_on_the_version_and_the_random() {
    let retry = ServerHello::HELLO_RETRY_REQUEST_RANDOM;
    let group = |out: &mut Vec<u8>| put_extension(out, Ext::KEY_SHARE, |out| out.put_u16(0x18));
    let hello = server_hello(0x0303, retry, 0, |out| {
        tls13(out);
        group(out);
    });
    let hello = ServerHello::parse(&hello).unwrap();
    assert!(hello.is_hello_retry_request());
    assert_eq!(hello.extensions.selected_group, Some(NamedGroup::SECP384R1));
    assert_eq!(hello.extensions.present, [Ext::SUPPORTED_VERSIONS, Ext::KEY_SHARE]);

    let hello = server_hello(0x0303, [7; 32], 0, |out| {
        tls13(out);
        group(out);
    });
    assert_eq!(server_alert(&hello), AlertDescription::DECODE_ERROR);

    let hello = server_hello(0x0303, retry, 0, |_| ());
    assert!(!ServerHello::parse(&hello).unwrap().is_hello_retry_request());
}

#[test]
fn a_server_selects_no_older_version_by_extension() {
    let hello = server_hello(0x0303, [7; 32], 0, |out| {
        put_extension(out, Ext::SUPPORTED_VERSIONS, |out| out.put_u16(0x0303));
    });
    assert_eq!(server_alert(&hello), AlertDescription::ILLEGAL_PARAMETER);
}

#[test]
fn fixed_fields_of_tls13_are_fixed() {
    for random in [[7; 32], ServerHello::HELLO_RETRY_REQUEST_RANDOM] {
        assert_eq!(server_alert(&server_hello(0x0305, random, 0, tls13)), AlertDescription::DECODE_ERROR);
        assert_eq!(server_alert(&server_hello(0x0303, random, 1, tls13)), AlertDescription::DECODE_ERROR);
    }
    let tls12 = server_hello(0x0303, [7; 32], 1, |_| ());
    assert_eq!(server_alert(&tls12), AlertDescription::ILLEGAL_PARAMETER);
}

#[test]
fn a_server_says_nothing_twice() {
    let twice = |out: &mut Vec<u8>| (0..2).for_each(|_| put_extension(out, Ext::from_code(0xabcd), |_| ()));
    let cases = [
        (server_hello(0x0303, [7; 32], 0, twice), AlertDescription::DECODE_ERROR),
        (
            server_hello(0x0303, [7; 32], 0, |out| {
                tls13(out);
                twice(out);
            }),
            AlertDescription::ILLEGAL_PARAMETER,
        ),
    ];
    for (hello, expected) in cases {
        assert_eq!(server_alert(&hello), expected);
    }
    let encrypted = written(|out| out.vec16(twice));
    assert_eq!(alert(EncryptedExtensions::parse(&encrypted).unwrap_err()), AlertDescription::DECODE_ERROR);
}

#[test]
fn what_a_server_says_is_told_even_if_unknown() {
    let unknown = Ext::from_code(0xabcd);
    let hello = server_hello(0x0303, [7; 32], 0, |out| put_extension(out, unknown, |out| out.put_u8(1)));
    assert_eq!(ServerHello::parse(&hello).unwrap().extensions.present, [unknown]);
    let encrypted = written(|out| out.vec16(|out| put_extension(out, unknown, |_| ())));
    assert_eq!(EncryptedExtensions::parse(&encrypted).unwrap().present, [unknown]);
}

#[test]
fn acknowledgements_have_no_data() {
    for kind in [Ext::SERVER_NAME, Ext::STATUS_REQUEST, Ext::SESSION_TICKET, Ext::EXTENDED_MASTER_SECRET] {
        let hello = server_hello(0x0303, [7; 32], 0, |out| put_extension(out, kind, |out| out.put_u8(0)));
        assert_eq!(server_alert(&hello), AlertDescription::DECODE_ERROR, "{kind:?}");
    }
}

#[test]
fn a_certificate_request_needs_signature_algorithms() {
    let request = written(|out| {
        out.vec8(|_| ());
        out.vec16(|_| ());
    });
    assert_eq!(alert(CertificateRequest::parse(&request).unwrap_err()), AlertDescription::MISSING_EXTENSION);
    let request = written(|out| {
        out.vec8(|_| ());
        out.vec16(|out| put_extension(out, Ext::SIGNATURE_ALGORITHMS, |out| out.put_u16(0)));
    });
    assert_eq!(alert(CertificateRequest::parse(&request).unwrap_err()), AlertDescription::DECODE_ERROR);
}

#[test]
fn unknown_extensions_of_requests_and_tickets_are_passed_over() {
    let unknown = |out: &mut Vec<u8>| put_extension(out, Ext::from_code(0x1212), |out| out.put_u8(1));
    let request = written(|out| {
        out.vec8(|_| ());
        out.vec16(|out| {
            unknown(out);
            put_extension(out, Ext::SIGNATURE_ALGORITHMS, |out| out.put_slice(&[0, 2, 8, 7]));
        });
    });
    let request = CertificateRequest::parse(&request).unwrap();
    assert_eq!(request.signature_algorithms, [SignatureScheme::ED25519]);

    let ticket = NewSessionTicket {
        lifetime: 1,
        age_add: 2,
        nonce: &[],
        ticket: b"ticket",
        max_early_data_size: Some(3),
        grease: Some(0x1a1a),
    };
    let message = ticket.encode();
    assert!(message.ends_with(&[0x1a, 0x1a, 0, 0]));
    assert_eq!(NewSessionTicket::parse(body(&message)).unwrap(), NewSessionTicket { grease: None, ..ticket });
}

#[test]
fn empty_tickets_are_for_tls12_alone() {
    let ticket = NewSessionTicket {
        lifetime: 1,
        age_add: 2,
        nonce: &[],
        ticket: &[],
        max_early_data_size: None,
        grease: None,
    };
    let fault = NewSessionTicket::parse(body(&ticket.encode())).unwrap_err();
    assert_eq!(alert(fault), AlertDescription::DECODE_ERROR);
    let ticket = NewSessionTicket12 { lifetime_hint: 1, ticket: &[] };
    assert_eq!(NewSessionTicket12::parse(body(&ticket.encode())).unwrap(), ticket);
}

#[test]
fn empty_certificates_keys_and_responses_are_refused() {
    let entry = CertificateEntry { der: &[], ..CertificateEntry::default() };
    let certificate = Certificate { context: &[], entries: vec![entry] }.encode();
    let list = CertificateList12 { certificates: vec![&[]] }.encode();
    let compressed = CompressedCertificate { algorithm: 1, uncompressed_length: 9, compressed: &[] }.encode();
    let status = CertificateStatus { ocsp_response: &[] }.encode();
    let key = ClientKeyExchange { public_key: &[] }.encode();
    let faults = [
        Certificate::parse(body(&certificate)).unwrap_err(),
        CertificateList12::parse(body(&list)).unwrap_err(),
        CompressedCertificate::parse(body(&compressed)).unwrap_err(),
        CertificateStatus::parse(body(&status)).unwrap_err(),
        ClientKeyExchange::parse(body(&key)).unwrap_err(),
    ];
    for fault in faults {
        assert_eq!(alert(fault), AlertDescription::DECODE_ERROR);
    }
}

#[test]
fn keys_are_exchanged_on_named_curves_alone() {
    let explicit_prime = [1, 0, 0x1d, 1, 7, 8, 7, 0, 0];
    assert_eq!(alert(ServerKeyExchange::parse(&explicit_prime).unwrap_err()), AlertDescription::DECODE_ERROR);
    let message = ServerKeyExchange::parse(&[3, 0, 0x1d, 1, 7, 8, 7, 0, 0]).unwrap();
    assert_eq!(message.params(), [3, 0, 0x1d, 1, 7]);
}

#[test]
fn a_message_is_its_header_and_its_body() {
    let raw = encode_handshake(HandshakeType::FINISHED, |out| out.put_slice(&[1, 2]));
    assert_eq!(raw, [20, 0, 0, 2, 1, 2]);
    let message = HandshakeMessage::new(raw);
    assert_eq!((message.kind(), message.body()), (HandshakeType::FINISHED, &[1, 2][..]));
    assert_eq!(format!("{message:?}"), "HandshakeMessage(finished, 6 bytes)");
    assert_eq!(HandshakeMessage::new(vec![]).body(), [0; 0]);
}
