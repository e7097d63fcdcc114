use super::HelloObserver;
use crate::{CipherSuite, NamedGroup, ProtocolVersion};

pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const APPLICATION_DATA: u8 = 23;

pub(crate) const CLIENT_HELLO: u8 = 1;
pub(crate) const SERVER_HELLO: u8 = 2;
const NEW_SESSION_TICKET: u8 = 4;
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;

const ECDHE_SUITE: u16 = 0xc02f;
/// Vectors grow by doubling: twice the longest body.
const MAX_HELD: usize = 128 * 1024;

/// A client's bytes and the server's answer.
struct Flow {
    client: Vec<u8>,
    server: Vec<u8>,
}

impl Flow {
    fn new(server: Vec<u8>) -> Self {
        Self { client: record(HANDSHAKE, &client_hello()), server }
    }

    fn seen_by_client(&self, piece: usize) -> HelloObserver {
        let mut observer = HelloObserver::default();
        self.client.chunks(piece).for_each(|bytes| observer.sent(bytes));
        self.server.chunks(piece).for_each(|bytes| observer.received(bytes));
        observer
    }

    fn seen_by_server(&self, piece: usize) -> HelloObserver {
        let mut observer = HelloObserver::default();
        self.client.chunks(piece).for_each(|bytes| observer.received(bytes));
        self.server.chunks(piece).for_each(|bytes| observer.sent(bytes));
        observer
    }

    /// Runs `check` for both sides and for pieces of several sizes.
    fn check(&self, check: impl Fn(&HelloObserver)) {
        for piece in [1, 2, 3, 7, 100, usize::MAX] {
            for observer in [self.seen_by_client(piece), self.seen_by_server(piece)] {
                assert!(observer.client_hello_seen());
                assert_eq!(observer.server_name(), Some("example.com"));
                assert_eq!(observer.client_alpn(), [b"h2".to_vec(), b"http/1.1".to_vec()]);
                check(&observer);
                assert!(observer.received.is_finished() && observer.sent.is_finished());
                assert_eq!(observer.received.held() + observer.sent.held(), 0);
            }
        }
    }
}

pub(crate) fn vector8(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

pub(crate) fn vector16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

pub(crate) fn record(content_type: u8, fragment: &[u8]) -> Vec<u8> {
    [&[content_type, 3, 3][..], &vector16(fragment)].concat()
}

/// `messages` in records of `size` bytes.
pub(crate) fn records(messages: &[u8], size: usize) -> Vec<u8> {
    messages.chunks(size).flat_map(|fragment| record(HANDSHAKE, fragment)).collect()
}

pub(crate) fn message(msg_type: u8, body: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[msg_type][..], &length, body].concat()
}

pub(crate) fn extension(extension_type: u16, data: &[u8]) -> Vec<u8> {
    [&extension_type.to_be_bytes()[..], &vector16(data)].concat()
}

pub(crate) fn server_name(name: &[u8]) -> Vec<u8> {
    // A NameType of the future comes first.
    let names = [&[9][..], &vector16(b"?"), &[0], &vector16(name)].concat();
    extension(0, &vector16(&names))
}

pub(crate) fn alpn(names: &[&[u8]]) -> Vec<u8> {
    extension(16, &vector16(&names.iter().flat_map(|name| vector8(name)).collect::<Vec<u8>>()))
}

pub(crate) fn client_hello_with(extensions: &[Vec<u8>]) -> Vec<u8> {
    let body = [
        &[3, 3][..],
        &[0x11; 32],
        &vector8(&[0x22; 32]),
        &vector16(&[0x13, 0x01, 0xc0, 0x2f]),
        &vector8(&[0]),
        &vector16(&extensions.concat()),
    ];
    message(CLIENT_HELLO, &body.concat())
}

pub(crate) fn client_hello() -> Vec<u8> {
    let supported_versions = extension(43, &[4, 3, 4, 3, 3]);
    client_hello_with(&[supported_versions, server_name(b"example.com"), alpn(&[b"h2", b"http/1.1"])])
}

fn server_hello(random: [u8; 32], cipher_suite: u16, extensions: &[Vec<u8>]) -> Vec<u8> {
    let body = [
        &[3, 3][..],
        &random,
        &vector8(&[0x22; 32]),
        &cipher_suite.to_be_bytes(),
        &[0],
        &vector16(&extensions.concat()),
    ];
    message(SERVER_HELLO, &body.concat())
}

fn tls13_server_hello(psk: bool) -> Vec<u8> {
    let key_share = extension(51, &[&[0, 0x1d][..], &vector16(&[0x44; 32])].concat());
    let mut extensions = vec![extension(43, &[3, 4]), key_share];
    if psk {
        extensions.push(extension(41, &[0, 0]));
    }
    server_hello([0x33; 32], 0x1301, &extensions)
}

fn tls12_server_hello(cipher_suite: u16) -> Vec<u8> {
    server_hello([0x33; 32], cipher_suite, &[extension(0xff01, &[0])])
}

fn ecdhe_server_key_exchange() -> Vec<u8> {
    let point = vector8(&[0x55; 65]);
    message(SERVER_KEY_EXCHANGE, &[&[3, 0, 0x17][..], &point, &[8, 4], &vector16(&[0x66; 256])].concat())
}

fn tls12_full_flight() -> Vec<u8> {
    [
        tls12_server_hello(ECDHE_SUITE),
        message(CERTIFICATE, &[0x77; 5 * 1024]),
        ecdhe_server_key_exchange(),
        message(SERVER_HELLO_DONE, &[]),
    ]
    .concat()
}

fn assert_tls12_full(observer: &HelloObserver) {
    assert_eq!(observer.version(), Some(ProtocolVersion::Tls12));
    assert_eq!(observer.cipher_suite(), Some(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256));
    assert_eq!(observer.named_group(), Some(NamedGroup::SECP256R1));
    assert_eq!(observer.resumed(), Some(false));
}

fn assert_tls12_resumed(observer: &HelloObserver) {
    assert_eq!(observer.version(), Some(ProtocolVersion::Tls12));
    assert_eq!(observer.named_group(), None);
    assert_eq!(observer.resumed(), Some(true));
}

#[test]
fn tls13() {
    for psk in [false, true] {
        let encrypted = record(APPLICATION_DATA, &[0x88; 600]);
        let compatibility = record(CHANGE_CIPHER_SPEC, &[1]);
        let hello = record(HANDSHAKE, &tls13_server_hello(psk));
        Flow::new([hello, compatibility, encrypted].concat()).check(|observer| {
            assert_eq!(observer.version(), Some(ProtocolVersion::Tls13));
            assert_eq!(observer.cipher_suite(), Some(CipherSuite::TLS_AES_128_GCM_SHA256));
            assert_eq!(observer.named_group(), Some(NamedGroup::X25519));
            assert_eq!(observer.resumed(), Some(psk));
        });
    }
}

#[test]
fn a_hello_retry_request_is_not_the_server_hello() {
    let group = extension(51, &[0, 0x17]);
    let random = super::server_hello::HELLO_RETRY_REQUEST;
    let retry = record(HANDSHAKE, &server_hello(random, 0x1302, &[extension(43, &[3, 4]), group]));
    let compatibility = record(CHANGE_CIPHER_SPEC, &[1]);
    let asked_again = Flow::new([retry.clone(), compatibility.clone()].concat());
    assert_eq!(asked_again.seen_by_client(1).cipher_suite(), None);

    let hello = record(HANDSHAKE, &tls13_server_hello(false));
    let mut flow = Flow::new([retry, compatibility, hello].concat());
    flow.client.extend(record(HANDSHAKE, &client_hello_with(&[server_name(b"other.example")])));
    flow.check(|observer| {
        assert_eq!(observer.cipher_suite(), Some(CipherSuite::TLS_AES_128_GCM_SHA256));
        assert_eq!(observer.named_group(), Some(NamedGroup::X25519));
    });
}

#[test]
fn tls12_in_one_record_per_message_or_less_or_more() {
    for size in [1, 5, 300, 16_384] {
        let mut flow = Flow::new(records(&tls12_full_flight(), size));
        flow.client = records(&client_hello(), size);
        flow.check(assert_tls12_full);
    }
}

#[test]
fn tls12_without_key_exchange_has_no_group() {
    let flight =
        [tls12_server_hello(0x009c), message(CERTIFICATE, &[0x77; 20_000]), message(SERVER_HELLO_DONE, &[])];
    Flow::new(records(&flight.concat(), 4096)).check(|observer| {
        assert_eq!(observer.cipher_suite(), Some(CipherSuite::from_code(0x009c)));
        assert_eq!(observer.named_group(), None);
        assert_eq!(observer.resumed(), Some(false));
    });
}

#[test]
fn the_prime_of_a_dhe_exchange_is_no_group() {
    let parameters = message(SERVER_KEY_EXCHANGE, &vector16(&[0; 0x300]));
    let flight = [tls12_server_hello(0x009e), message(CERTIFICATE, &[]), parameters].concat();
    Flow::new(record(HANDSHAKE, &flight)).check(|observer| assert_eq!(observer.named_group(), None));
}

#[test]
fn tls12_resumed() {
    let hello = record(HANDSHAKE, &tls12_server_hello(ECDHE_SUITE));
    let finish = [record(CHANGE_CIPHER_SPEC, &[1]), record(HANDSHAKE, &[0x99; 40])].concat();
    Flow::new([hello.clone(), finish.clone()].concat()).check(assert_tls12_resumed);

    let ticket = record(HANDSHAKE, &message(NEW_SESSION_TICKET, &[0xaa; 200]));
    Flow::new([hello, ticket, finish].concat()).check(assert_tls12_resumed);
}

#[test]
fn alerts_are_passed_over() {
    let warning = record(ALERT, &[1, 112]);
    Flow::new([warning, records(&tls12_full_flight(), 1000)].concat()).check(assert_tls12_full);
}

#[test]
fn encrypted_records_end_a_direction() {
    let hello = record(HANDSHAKE, &tls13_server_hello(false));
    let observer = Flow::new([record(APPLICATION_DATA, &[0; 10]), hello].concat()).seen_by_client(1);
    assert!(observer.received.is_finished());
    assert_eq!(observer.version(), None);
}

#[test]
fn a_hello_above_the_bound_ends_its_direction_only() {
    let hello = message(CLIENT_HELLO, &[0; 64 * 1024 + 1]);
    let flow = Flow { client: records(&hello, 16_384), server: records(&tls12_full_flight(), 16_384) };
    let observer = flow.seen_by_server(1000);
    assert!(!observer.client_hello_seen());
    assert_tls12_full(&observer);

    let flow = Flow::new(records(&message(SERVER_HELLO, &[0; 16 * 1024 + 1]), 16_384));
    let observer = flow.seen_by_client(1000);
    assert!(observer.client_hello_seen() && observer.received.is_finished());
    assert_eq!(observer.version(), None);
}

#[test]
fn names_that_are_no_names_are_left_out() {
    let long = [b'a'; 256];
    for name in [&b""[..], b"a\nb", b"caf\xc3\xa9", b"\xff", &long] {
        let hello = client_hello_with(&[server_name(name), alpn(&[b"h2"])]);
        let observer = Flow { client: record(HANDSHAKE, &hello), server: vec![] }.seen_by_server(1);
        assert!(observer.client_hello_seen());
        assert_eq!(observer.server_name(), None);
        assert_eq!(observer.client_alpn(), [b"h2".to_vec()]);
    }
}

#[test]
fn a_session_that_is_offered_is_seen() {
    let identities = vector16(&[&vector16(b"ticket")[..], &[0; 4]].concat());
    let psk = extension(41, &[identities, vector16(&vector8(&[0; 32]))].concat());
    for (extensions, offers) in [(vec![psk], true), (vec![], false)] {
        let client = record(HANDSHAKE, &client_hello_with(&extensions));
        let flow = Flow { client, server: vec![] };
        assert_eq!(flow.seen_by_server(1).client_offers_psk(), offers);
        assert_eq!(flow.seen_by_client(usize::MAX).client_offers_psk(), offers);
    }
    assert!(!HelloObserver::default().client_offers_psk());
}

#[test]
fn a_long_list_of_protocols_is_cut() {
    let hello = client_hello_with(&[alpn(&[&b"x"[..]; 5000])]);
    let observer = Flow { client: record(HANDSHAKE, &hello), server: vec![] }.seen_by_server(usize::MAX);
    assert_eq!(observer.client_alpn().len(), 256);
}

#[test]
fn a_client_hello_may_have_no_extensions_or_be_malformed() {
    let body = [&[3, 3][..], &[0x11; 32], &[0], &vector16(&[0xc0, 0x2f]), &vector8(&[0])].concat();
    for length in [body.len(), body.len() - 1, 0] {
        let client = record(HANDSHAKE, &message(CLIENT_HELLO, &body[..length]));
        let observer = Flow { client, server: vec![] }.seen_by_server(1);
        assert!(observer.client_hello_seen());
        assert_eq!((observer.server_name(), observer.client_alpn().len()), (None, 0));
    }
}

/// xorshift64: the same rounds every time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }

    /// Overwrites, inserts, removes and repeats bytes.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..self.below(6) {
            // Headers are where a change does most.
            let near = if self.below(2) == 0 { 128 } else { bytes.len() };
            let at = self.below(near.min(bytes.len()));
            let value = [0, 1, 0xff, self.below(256) as u8][self.below(4)];
            match self.below(4) {
                0 => bytes.insert(at, value),
                1 => drop(bytes.drain(at..(at + self.below(40)).min(bytes.len()))),
                2 => bytes.extend_from_within(at..),
                _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = value),
            }
        }
    }

    /// Feeds both directions in pieces of any size; the server seldom speaks before the client is done.
    fn feed<'a>(&mut self, observer: &mut HelloObserver, mut client: &'a [u8], mut server: &'a [u8]) {
        while !client.is_empty() || !server.is_empty() {
            let from_client = !client.is_empty() && self.below(50) > 0;
            let bytes = if from_client { &mut client } else { &mut server };
            let most = [3, 50, 5000][self.below(3)];
            let (piece, rest) = bytes.split_at((1 + self.below(most)).min(bytes.len()));
            *bytes = rest;
            if from_client {
                observer.received(piece)
            } else {
                observer.sent(piece)
            }
            assert!(observer.received.held() <= MAX_HELD && observer.sent.held() <= MAX_HELD);
        }
    }
}

#[test]
fn mutated_hellos_never_panic_and_hold_little() {
    let mut random = Random(0x5eed_0f90_1715_0000);
    let mut understood = 0;
    for _ in 0..10_000 {
        let flight = match random.below(3) {
            0 => tls12_full_flight(),
            1 => [tls12_server_hello(ECDHE_SUITE), message(NEW_SESSION_TICKET, &[0; 90])].concat(),
            _ => tls13_server_hello(true),
        };
        let size = 1 + random.below(2000);
        let (mut client, mut server) = (records(&client_hello(), size), records(&flight, size));
        random.mutate(&mut client);
        random.mutate(&mut server);
        let mut observer = HelloObserver::default();
        random.feed(&mut observer, &client, &server);
        understood += usize::from(observer.server_name().is_some() && observer.resumed().is_some());
    }
    assert!(understood > 1000, "the mutations leave too little to parse: {understood}");
}

#[test]
fn noise_never_panics_and_holds_little() {
    let mut random = Random(0x5eed_0f90_1715_0001);
    for _ in 0..1000 {
        let noise: Vec<u8> = (0..2000).map(|_| random.below(256) as u8).collect();
        // Raw, as a record's fragment, and as a hello's body.
        let record_of_noise = record(HANDSHAKE, &noise);
        let hello_of_noise = record(HANDSHAKE, &message(CLIENT_HELLO, &noise));
        let server_hello_of_noise = record(HANDSHAKE, &message(SERVER_HELLO, &noise));
        let mut observer = HelloObserver::default();
        random.feed(&mut observer, &noise, &record_of_noise);
        let mut observer = HelloObserver::default();
        random.feed(&mut observer, &hello_of_noise, &server_hello_of_noise);
    }
}
