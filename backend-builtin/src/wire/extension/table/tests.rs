//! The table walked: each extension in each message, as bytes that the message's own parser reads.

use polytls_api::AlertDescription;

use super::*;
use crate::wire::{
    codec::Put,
    extension::put_extension,
    handshake::{
        Certificate, CertificateRequest, ClientHello, EncryptedExtensions, NewSessionTicket, ServerHello,
    },
    tests::{alert, written},
};

const MESSAGES: [Message; 8] = [CH, SH, EE, CT, CR, NST, HRR, SH12];

/// RFC 8446 §4.2, by the names and abbreviations it uses.
const RFC_8446: &[(&str, &str)] = &[
    ("server_name", "CH EE"),
    ("max_fragment_length", "CH EE"),
    ("status_request", "CH CR CT"),
    ("supported_groups", "CH EE"),
    ("signature_algorithms", "CH CR"),
    ("use_srtp", "CH EE"),
    ("heartbeat", "CH EE"),
    ("application_layer_protocol_negotiation", "CH EE"),
    ("signed_certificate_timestamp", "CH CR CT"),
    ("client_certificate_type", "CH EE"),
    ("server_certificate_type", "CH EE"),
    ("padding", "CH"),
    ("key_share", "CH SH HRR"),
    ("pre_shared_key", "CH SH"),
    ("psk_key_exchange_modes", "CH"),
    ("early_data", "CH EE NST"),
    ("cookie", "CH HRR"),
    ("supported_versions", "CH SH HRR"),
    ("certificate_authorities", "CH CR"),
    ("oid_filters", "CR"),
    ("post_handshake_auth", "CH"),
    ("signature_algorithms_cert", "CH CR"),
];

fn abbreviation(message: Message) -> &'static str {
    match message {
        CH => "CH",
        SH => "SH",
        EE => "EE",
        CT => "CT",
        CR => "CR",
        NST => "NST",
        HRR => "HRR",
        SH12 => "SH12",
    }
}

#[test]
fn the_table_begins_with_that_of_rfc_8446() {
    for ((kind, messages), (name, expected)) in TABLE.iter().zip(RFC_8446) {
        assert_eq!(kind.name(), Some(*name));
        let mut expected: Vec<&str> = expected.split(' ').collect();
        let mut found: Vec<&str> = messages.iter().map(|message| abbreviation(*message)).collect();
        found.retain(|message| *message != "SH12");
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn no_row_is_there_twice_and_each_has_a_name() {
    let mut kinds: Vec<Ext> = TABLE.iter().map(|(kind, _)| *kind).collect();
    assert!(kinds.iter().all(|kind| kind.name().is_some()));
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), TABLE.len());
}

#[test]
fn each_extension_is_read_where_it_belongs_and_refused_elsewhere() {
    for (kind, messages) in TABLE {
        for message in MESSAGES {
            // With supported_versions, it would be the ServerHello of TLS 1.3.
            if (*kind, message) == (Ext::SUPPORTED_VERSIONS, SH12) {
                continue;
            }
            let outcome = read(message, *kind, &data(*kind, message));
            let expected = match messages.contains(&message) {
                true => Ok(()),
                false if message.is_answer() => Err(AlertDescription::UNSUPPORTED_EXTENSION),
                false => Err(AlertDescription::ILLEGAL_PARAMETER),
            };
            assert_eq!(outcome, expected, "{kind:?} in {message:?}");
        }
    }
}

#[test]
fn what_the_table_does_not_have_is_left_to_whoever_reads_the_message() {
    for message in MESSAGES {
        assert_eq!(read(message, Ext::from_code(0xabcd), b"anything"), Ok(()), "{message:?}");
    }
}

#[test]
fn no_answer_has_grease() {
    for message in MESSAGES {
        let expected =
            if message.is_answer() { Err(AlertDescription::UNSUPPORTED_EXTENSION) } else { Ok(()) };
        assert_eq!(read(message, Ext::from_code(0x4a4a), &[]), expected, "{message:?}");
    }
}

/// Parses `message` with the extension in it, next to those that it cannot be without.
fn read(message: Message, kind: Ext, data: &[u8]) -> Result<(), AlertDescription> {
    let block = written(|out| {
        for (needed, content) in needed(message).iter().filter(|(needed, _)| *needed != kind) {
            put_extension(out, *needed, |out| out.put_slice(content));
        }
        put_extension(out, kind, |out| out.put_slice(data));
    });
    let body = body(message, &block);
    match message {
        CH => ClientHello::parse(&body).map(|_| ()),
        SH | HRR | SH12 => ServerHello::parse(&body).map(|_| ()),
        EE => EncryptedExtensions::parse(&body).map(|_| ()),
        CT => Certificate::parse(&body).map(|_| ()),
        CR => CertificateRequest::parse(&body).map(|_| ()),
        NST => NewSessionTicket::parse(&body).map(|_| ()),
    }
    .map_err(alert)
}

fn needed(message: Message) -> &'static [(Ext, &'static [u8])] {
    match message {
        SH | HRR => &[(Ext::SUPPORTED_VERSIONS, &[3, 4])],
        CR => &[(Ext::SIGNATURE_ALGORITHMS, &[0, 2, 8, 7])],
        CH | EE | CT | NST | SH12 => &[],
    }
}

/// The body of the message around its extensions.
fn body(message: Message, block: &[u8]) -> Vec<u8> {
    let random = if message == HRR { ServerHello::HELLO_RETRY_REQUEST_RANDOM } else { [7; 32] };
    written(|out| {
        match message {
            CH => {
                out.put_u16(0x0303);
                out.put_slice(&random);
                out.put_slice(&[0, 0, 2, 0x13, 1, 1, 0]);
            }
            SH | HRR | SH12 => {
                out.put_u16(0x0303);
                out.put_slice(&random);
                out.put_slice(&[0, 0x13, 1, 0]);
            }
            EE => {}
            CR => out.put_u8(0),
            NST => {
                out.put_slice(&[0; 9]);
                out.vec16(|out| out.put_slice(b"ticket"));
            }
            CT => {
                out.put_u8(0);
                return out.vec24(|out| {
                    out.vec24(|out| out.put_slice(b"certificate"));
                    out.vec16(|out| out.put_slice(block));
                });
            }
        }
        out.vec16(|out| out.put_slice(block));
    })
}

/// Data that the extension may have in the message; any, where it may not be there at all.
fn data(kind: Ext, message: Message) -> Vec<u8> {
    match (kind, message) {
        (Ext::SERVER_NAME, CH) => b"\0\x04\0\0\x01a".to_vec(),
        (Ext::STATUS_REQUEST, CH | CR) => vec![1, 0, 0, 0, 0],
        (Ext::STATUS_REQUEST, CT) => vec![1, 0, 0, 1, 7],
        (Ext::SUPPORTED_GROUPS, _) => vec![0, 2, 0, 0x1d],
        (Ext::SIGNATURE_ALGORITHMS | Ext::SIGNATURE_ALGORITHMS_CERT, _) => vec![0, 2, 8, 7],
        (Ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION, _) => b"\0\x03\x02h2".to_vec(),
        (Ext::KEY_SHARE, CH) => vec![0, 5, 0, 0x1d, 0, 1, 7],
        (Ext::KEY_SHARE, SH) => vec![0, 0x1d, 0, 1, 7],
        (Ext::KEY_SHARE, HRR) => vec![0, 0x1d],
        (Ext::PRE_SHARED_KEY, CH) => vec![0, 7, 0, 1, 7, 0, 0, 0, 0, 0, 2, 1, 7],
        (Ext::PRE_SHARED_KEY, SH) => vec![0, 0],
        (Ext::PSK_KEY_EXCHANGE_MODES, _) => vec![1, 1],
        (Ext::EARLY_DATA, NST) => vec![0; 4],
        (Ext::COOKIE, _) => vec![0, 1, 7],
        (Ext::SUPPORTED_VERSIONS, CH) => vec![2, 3, 4],
        (Ext::SUPPORTED_VERSIONS, _) => vec![3, 4],
        (Ext::CERTIFICATE_AUTHORITIES, _) => vec![0, 3, 0, 1, 7],
        (Ext::COMPRESS_CERTIFICATE, _) => vec![2, 0, 1],
        (Ext::RECORD_SIZE_LIMIT, _) => vec![0x40, 1],
        (Ext::RENEGOTIATION_INFO, _) => vec![0],
        (Ext::EC_POINT_FORMATS, _) => vec![1, 0],
        _ => vec![],
    }
}
