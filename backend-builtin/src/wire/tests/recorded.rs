//! ClientHellos of real clients, as they came from the wire: the ones that polytls-api's own parser is tested with.

use polytls_api::{ClientHello as Observed, NamedGroup};

use super::{alert, body};
use crate::{error::Fault, wire::handshake::ClientHello};

macro_rules! recorded {
    ($($client:literal)*) => {
        [$(($client, &include_bytes!(concat!("../../../../tls-api/src/hello/recorded/", $client, ".bin"))[..])),*]
    };
}

/// The bodies of the hellos: each came in one record, behind the headers of the record and of the message.
fn bodies() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let flights = recorded!("chromium" "curl" "gnutls" "go" "java" "node" "openssl" "openssl_tls12" "rustls");
    flights.into_iter().map(|(client, bytes)| (client, &bytes[9..]))
}

#[test]
fn they_are_read_as_polytls_api_reads_them() {
    for (client, bytes) in bodies() {
        let hello = ClientHello::parse(bytes).map_err(alert).unwrap();
        let observed = Observed::parse(bytes).unwrap();
        let extensions = &hello.extensions;
        assert_eq!(extensions.server_name, Some("server.example"), "{client}");
        assert_eq!(hello.cipher_suites, observed.cipher_suites(), "{client}");
        let groups: &[NamedGroup] = extensions.supported_groups.as_deref().unwrap_or_default();
        assert_eq!(groups, observed.named_groups(), "{client}");
        let schemes = extensions.signature_algorithms.as_deref().unwrap_or_default();
        assert_eq!(schemes, observed.signature_schemes(), "{client}");
        let names = extensions.alpn.as_deref().unwrap_or_default();
        assert!(names.iter().copied().eq(observed.alpn()), "{client}");
        assert_eq!(extensions.key_share.is_some(), client != "openssl_tls12", "{client}");
    }
}

#[test]
fn they_say_the_same_when_written_again() {
    for (client, bytes) in bodies() {
        let hello = ClientHello::parse(bytes).map_err(alert).unwrap();
        let again = hello.encode();
        assert_eq!(ClientHello::parse(body(&again)).map_err(alert).unwrap(), hello, "{client}");
    }
}

#[test]
fn cut_anywhere_they_are_refused() {
    for (client, bytes) in bodies() {
        // A hello may end where its extensions begin.
        let head = 34 + 1 + usize::from(bytes[34]);
        let suites = usize::from(u16::from_be_bytes([bytes[head], bytes[head + 1]]));
        let head = head + 2 + suites + 1 + usize::from(bytes[head + 2 + suites]);
        for cut in (0..bytes.len()).filter(|cut| *cut != head) {
            let outcome = ClientHello::parse(&bytes[..cut]);
            assert!(matches!(outcome, Err(Fault::Decode(_))), "{client} cut to {cut} bytes");
        }
    }
}
