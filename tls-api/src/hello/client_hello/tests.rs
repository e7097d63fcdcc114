use super::{ClientHello, ja4};
use crate::{
    AlertDescription, CipherSuite, ErrorKind, NamedGroup, ProtocolVersion, SignatureScheme,
    hello::tests::{alpn, client_hello_with, extension, message, server_name, vector8, vector16},
};

const DECODE_ERROR: AlertDescription = AlertDescription::DECODE_ERROR;
const ILLEGAL_PARAMETER: AlertDescription = AlertDescription::ILLEGAL_PARAMETER;

/// The body of a ClientHello in pieces, each of which a test can replace.
struct Hello {
    session_id: Vec<u8>,
    suites: Vec<u16>,
    compression_methods: Vec<u8>,
    extensions: Vec<Vec<u8>>,
}

impl Hello {
    fn with(extensions: &[Vec<u8>]) -> Self {
        Self {
            session_id: vec![0x22; 32],
            suites: vec![0x1301, 0xc02f],
            compression_methods: vec![0],
            extensions: extensions.to_vec(),
        }
    }

    fn body(&self) -> Vec<u8> {
        [
            &[3, 3][..],
            &[0x11; 32],
            &vector8(&self.session_id),
            &vector16(&codes(&self.suites)),
            &vector8(&self.compression_methods),
            &vector16(&self.extensions.concat()),
        ]
        .concat()
    }

    fn parse(&self) -> ClientHello {
        ClientHello::parse(&self.body()).unwrap()
    }

    fn refused_with(&self) -> Option<AlertDescription> {
        ClientHello::parse_or_alert(&self.body()).err().map(|malformed| malformed.alert)
    }
}

fn codes(codes: &[u16]) -> Vec<u8> {
    codes.iter().flat_map(|code| code.to_be_bytes()).collect()
}

fn groups(groups: &[u16]) -> Vec<u8> {
    extension(10, &vector16(&codes(groups)))
}

fn schemes(schemes: &[u16]) -> Vec<u8> {
    extension(13, &vector16(&codes(schemes)))
}

fn versions(versions: &[u16]) -> Vec<u8> {
    extension(43, &vector8(&codes(versions)))
}

fn key_shares(groups: &[u16]) -> Vec<u8> {
    let shares: Vec<u8> =
        groups.iter().flat_map(|group| [&group.to_be_bytes()[..], &vector16(&[0x44; 32])].concat()).collect();
    extension(51, &vector16(&shares))
}

fn psk_modes() -> Vec<u8> {
    extension(45, &[1, 1])
}

fn psks(identities: &[&[u8]], binders: usize) -> Vec<u8> {
    let identities: Vec<u8> =
        identities.iter().flat_map(|identity| [&vector16(identity)[..], &[0, 0, 1, 0]].concat()).collect();
    let binders: Vec<u8> = (0..binders).flat_map(|_| vector8(&[0x55; 32])).collect();
    extension(41, &[vector16(&identities), vector16(&binders)].concat())
}

fn full() -> Hello {
    Hello::with(&[
        extension(0x1a1a, &[]),
        server_name(b"Example.com"),
        groups(&[0x2a2a, 0x11ec, 0x001d, 0x0017]),
        schemes(&[0x0403, 0x0804]),
        alpn(&[b"h2", b"http/1.1"]),
        extension(35, b"ticket"),
        versions(&[0x3a3a, 0x0304, 0x0303, 0x0302]),
        psk_modes(),
        key_shares(&[0x2a2a, 0x11ec]),
        extension(42, &[]),
        psks(&[b"first", b"second"], 2),
    ])
}

#[test]
fn every_field_is_read() {
    let hello = full().parse();
    assert_eq!((hello.legacy_version(), hello.random()), (0x0303, &[0x11; 32]));
    assert_eq!(hello.legacy_session_id(), [0x22; 32]);
    assert_eq!(
        hello.cipher_suites(),
        [CipherSuite::TLS_AES_128_GCM_SHA256, CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
    );
    assert_eq!(hello.extension_types(), [0x1a1a, 0, 10, 13, 16, 35, 43, 45, 51, 42, 41]);
    assert_eq!(hello.server_name(), Some("Example.com"));
    assert!(hello.alpn().eq([&b"h2"[..], b"http/1.1"]));
    assert!(hello.offers_protocol(b"http/1.1") && !hello.offers_protocol(b"http/1"));
    assert_eq!(hello.supported_versions(), [0x3a3a, 0x0304, 0x0303, 0x0302]);
    assert!(hello.protocol_versions().eq([ProtocolVersion::Tls13, ProtocolVersion::Tls12]));
    let grease = NamedGroup::from_code(0x2a2a);
    assert_eq!(
        hello.named_groups(),
        [grease, NamedGroup::X25519MLKEM768, NamedGroup::X25519, NamedGroup::SECP256R1]
    );
    assert_eq!(hello.key_share_groups(), [grease, NamedGroup::X25519MLKEM768]);
    assert_eq!(
        hello.signature_schemes(),
        [SignatureScheme::ECDSA_SECP256R1_SHA256, SignatureScheme::RSA_PSS_RSAE_SHA256]
    );
    assert_eq!(hello.session_ticket(), Some(&b"ticket"[..]));
    let identities: Vec<_> = hello.psk_identities().map(|psk| psk.identity.to_vec()).collect();
    assert_eq!(identities, [b"first".to_vec(), b"second".to_vec()]);
    assert!(hello.psk_identities().all(|psk| psk.obfuscated_ticket_age == 256));
    assert!(hello.offers_early_data() && hello.has_grease());
}

#[test]
fn what_is_absent_is_reported_as_absent() {
    let hello = Hello::with(&[]).parse();
    assert_eq!((hello.server_name(), hello.session_ticket()), (None, None));
    assert_eq!(hello.alpn().count() + hello.psk_identities().count(), 0);
    assert!(hello.named_groups().is_empty() && hello.key_share_groups().is_empty());
    assert!(hello.supported_versions().is_empty() && hello.signature_schemes().is_empty());
    assert!(!hello.offers_early_data() && !hello.has_grease());
    assert!(hello.protocol_versions().eq([ProtocolVersion::Tls12]));

    // RFC 5246 §7.4.1.2: the extensions may be absent altogether.
    let mut body = Hello::with(&[]).body();
    body.truncate(body.len() - 2);
    assert_eq!(ClientHello::parse(&body).unwrap(), hello);
}

#[test]
fn legacy_version_counts_only_without_supported_versions() {
    let mut old = Hello::with(&[]).body();
    old[1] = 1;
    assert!(!ClientHello::parse(&old).unwrap().offers_version(ProtocolVersion::Tls12));
    let only_tls13 = Hello::with(&[versions(&[0x0304])]).parse();
    assert!(only_tls13.protocol_versions().eq([ProtocolVersion::Tls13]));
}

#[test]
fn grease_is_found_wherever_it_hides() {
    assert!(!Hello::with(&[groups(&[0x001d, 0x0a1a, 0x1a0a])]).parse().has_grease());
    assert!(Hello::with(&[groups(&[0xfafa])]).parse().has_grease());
    assert!(Hello::with(&[versions(&[0x0304, 0x0a0a])]).parse().has_grease());
    assert!(Hello { suites: vec![0x5a5a, 0x1301], ..Hello::with(&[]) }.parse().has_grease());
}

#[test]
fn a_broken_rule_is_refused_with_its_alert() {
    let cases: [(&str, Hello, AlertDescription); 10] = [
        ("a session id of 33 bytes", Hello { session_id: vec![0; 33], ..full() }, DECODE_ERROR),
        ("no suite", Hello { suites: vec![], ..full() }, DECODE_ERROR),
        ("no compression method", Hello { compression_methods: vec![], ..full() }, DECODE_ERROR),
        ("compression", Hello { compression_methods: vec![1, 0], ..full() }, ILLEGAL_PARAMETER),
        ("without null", Hello { compression_methods: vec![1], ..Hello::with(&[]) }, ILLEGAL_PARAMETER),
        ("a type twice", Hello::with(&[psk_modes(), groups(&[29]), psk_modes()]), ILLEGAL_PARAMETER),
        ("a PSK before the end", Hello::with(&[psks(&[b"x"], 1), psk_modes()]), ILLEGAL_PARAMETER),
        ("a binder missing", Hello::with(&[psk_modes(), psks(&[b"x", b"y"], 1)]), ILLEGAL_PARAMETER),
        ("a share twice", Hello::with(&[groups(&[29]), key_shares(&[29, 29])]), ILLEGAL_PARAMETER),
        ("a share not on offer", Hello::with(&[groups(&[29]), key_shares(&[23])]), ILLEGAL_PARAMETER),
    ];
    for (what, hello, alert) in cases {
        assert_eq!(hello.refused_with(), Some(alert), "{what}");
    }
    let no_modes = Hello::with(&[psks(&[b"x"], 1)]);
    assert_eq!(no_modes.refused_with(), Some(AlertDescription::MISSING_EXTENSION));
    assert_eq!(full().refused_with(), None, "otherwise the cases above prove nothing");
    let tls12 = Hello { compression_methods: vec![1, 0], ..Hello::with(&[]) };
    assert_eq!(tls12.refused_with(), None, "TLS 1.2 has other compression methods");
}

#[test]
fn an_extension_with_wrong_contents_is_refused_with_its_alert() {
    let two_names = [[&[0][..], &vector16(b"a")].concat(), [&[0][..], &vector16(b"b")].concat()].concat();
    let cases: [(&str, Vec<u8>, AlertDescription); 16] = [
        ("no name in the list", extension(0, &vector16(&[])), DECODE_ERROR),
        ("an empty name", server_name(b""), DECODE_ERROR),
        ("two host names", extension(0, &vector16(&two_names)), ILLEGAL_PARAMETER),
        ("a name with a line break", server_name(b"a\nb"), ILLEGAL_PARAMETER),
        ("a name that is not ASCII", server_name(b"caf\xc3\xa9"), ILLEGAL_PARAMETER),
        ("a name too long", server_name(&[b'a'; 256]), ILLEGAL_PARAMETER),
        ("no protocol", alpn(&[]), DECODE_ERROR),
        ("an empty protocol", alpn(&[b"h2", b""]), DECODE_ERROR),
        ("no version", versions(&[]), DECODE_ERROR),
        ("half a version", extension(43, &[3, 3, 4, 3]), DECODE_ERROR),
        ("no group", groups(&[]), DECODE_ERROR),
        ("no scheme", schemes(&[]), DECODE_ERROR),
        ("early data with contents", extension(42, &[0]), DECODE_ERROR),
        ("an empty key share", extension(51, &[0, 4, 0, 29, 0, 0]), DECODE_ERROR),
        ("an empty PSK", psks(&[b""], 1), DECODE_ERROR),
        ("bytes behind a list", extension(16, &[0, 3, 2, b'h', b'2', 0]), DECODE_ERROR),
    ];
    for (what, extension, alert) in cases {
        assert_eq!(Hello::with(&[extension]).refused_with(), Some(alert), "{what}");
    }
    assert_eq!(Hello::with(&[server_name(&[b'a'; 255])]).refused_with(), None);
}

#[test]
fn a_name_with_a_dot_at_the_end_is_handed_over_as_written() {
    // Python's ssl sends the name as its caller wrote it.
    let hello = Hello::with(&[server_name(b"example.com.")]).parse();
    assert_eq!(hello.server_name(), Some("example.com."));
}

#[test]
fn an_error_says_which_rule_was_broken() {
    let error = ClientHello::parse(&Hello::with(&[psk_modes(), psk_modes()]).body()).unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidMessage);
    assert!(error.to_string().contains("two extensions have the same type (RFC 8446 §4.2)"), "{error}");
}

#[test]
fn a_hello_that_is_cut_or_goes_on_is_refused() {
    let body = full().body();
    for length in 0..body.len() {
        // Without any extension, before the two bytes of their length, it is whole.
        let is_whole = length == 2 + 32 + 33 + 6 + 2;
        assert_eq!(ClientHello::parse(&body[..length]).is_ok(), is_whole, "cut to {length} bytes");
    }
    assert!(ClientHello::parse(&[&body[..], &[0]].concat()).is_err());
}

#[test]
fn a_hello_holds_little_more_than_its_message() {
    let names = alpn(&[&b"x"[..]; 30_000]);
    let hello = ClientHello::parse(&client_hello_with(&[names])[4..]).unwrap();
    assert_eq!(hello.alpn().count(), 30_000);
    assert_eq!(hello.0.protocol_name_list.len(), 60_000);
}

/// Chrome's hello in FoxIO's description, with contents made up where the fingerprint does not look at them.
fn chrome() -> Hello {
    let suites: [u16; 16] = [
        0x5a5a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
        0x009c, 0x009d, 0x002f, 0x0035,
    ];
    Hello {
        suites: suites.to_vec(),
        ..Hello::with(&[
            extension(0xfafa, &[]),
            extension(0x001b, &[2, 0, 2]),
            server_name(b"example.com"),
            key_shares(&[0x3a3a, 0x001d]),
            alpn(&[b"h2", b"http/1.1"]),
            extension(0x4469, &[0, 3, 2, b'h', b'2']),
            extension(0x0017, &[]),
            psk_modes(),
            schemes(&[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]),
            extension(0x0005, &[1, 0, 0, 0, 0]),
            extension(0x0023, &[]),
            extension(0x0012, &[]),
            versions(&[0x0a0a, 0x0304, 0x0303]),
            extension(0xff01, &[0]),
            extension(0x000b, &[1, 0]),
            groups(&[0x3a3a, 0x001d, 0x0017, 0x0018]),
            extension(0x1a1a, &[0]),
            extension(0x0015, &[0; 10]),
        ])
    }
}

#[test]
fn ja4_is_that_of_the_published_example() {
    assert_eq!(chrome().parse().ja4(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

#[test]
fn ja4_does_not_depend_on_order_or_destination() {
    let mut shuffled = chrome();
    shuffled.extensions.reverse();
    shuffled.suites.rotate_left(5);
    assert_eq!(shuffled.parse().ja4(), chrome().parse().ja4());
    // To an address, and without ALPN: only the first part changes.
    shuffled.extensions.retain(|extension| !matches!(extension[..2], [0, 0] | [0, 16]));
    assert_eq!(shuffled.parse().ja4(), "t13i151400_8daaf6152771_e5627efa2ab1");
}

#[test]
fn ja4_of_a_hello_without_signature_algorithms_is_that_of_the_published_example() {
    let mut hello = chrome();
    hello.extensions.retain(|extension| extension[..2] != [0, 13]);
    // The description's example keeps 000d in the list of extensions and leaves its contents out.
    hello.extensions.push(extension(13, &vector16(&codes(&[0x0a0a]))));
    assert_eq!(hello.parse().ja4(), "t13d1516h2_8daaf6152771_6d807ffa2a79");
}

#[test]
fn ja4_of_little_has_zeros() {
    let bare = Hello { suites: vec![0x0a0a], ..Hello::with(&[server_name(b"a"), alpn(&[b"\xab"])]) };
    assert_eq!(bare.parse().ja4(), "t12d0002ab_000000000000_000000000000");
}

#[test]
fn ja4_shows_the_ends_of_the_first_protocol() {
    let examples: [(&[u8], &str); 9] = [
        (b"", "00"),
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"x", "xx"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"\x30\xab", "3b"),
        (b"\x30\x31\xab\xcd", "3d"),
        (b"\x30\xab\xcd\x31", "01"),
    ];
    for (protocol, expected) in examples {
        assert_eq!(ja4::alpn(protocol), expected, "{protocol:x?}");
    }
}

#[test]
fn the_message_header_is_no_part_of_the_body() {
    assert!(ClientHello::parse(&message(1, &full().body())).is_err());
}
