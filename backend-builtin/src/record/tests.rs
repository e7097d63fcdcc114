//! The record layer of a handshake over bytes in memory: each bound from both sides, each refusal with its alert.

use std::{
    io::{self, IoSlice},
    pin::pin,
    task::{Context, Poll, Waker},
};

use polytls_api::{
    AlertDescription as Alert, Buffer, ByteStream, CipherSuite, ErrorKind, Opened, ProtocolVersion, Session,
    Transport,
    record::{ContentType, KeySchedule, RecordFraming, Role, TrafficKeys},
};
use proptest::prelude::*;

use super::*;
use crate::{crypto::record_cipher, wire::handshake::HandshakeMessage};

const TLS13: CipherSuite = CipherSuite::TLS_AES_128_GCM_SHA256;
const TLS12: CipherSuite = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;

/// What a peer sends, so many bytes a read, and then no more.
struct Wire {
    incoming: Vec<u8>,
    read: usize,
    step: usize,
    outgoing: Vec<u8>,
}

impl ByteStream for Wire {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let rest = &self.incoming[self.read..];
        let count = rest.len().min(self.step).min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.outgoing.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs `test` against a peer that sends `incoming`; yields also what was sent to it.
fn run_in_steps<T>(
    incoming: &[u8],
    step: usize,
    test: impl AsyncFnOnce(&mut Records<'_, '_>) -> T,
) -> (T, Vec<u8>) {
    let mut wire = Wire { incoming: incoming.to_vec(), read: 0, step, outgoing: Vec::new() };
    let mut transport = Transport::new(&mut wire);
    let mut records = Records::new(&mut transport, &Limits::default());
    let output = now(test(&mut records));
    let _ = now(transport.flush());
    (output, wire.outgoing)
}

fn run<T>(incoming: &[u8], test: impl AsyncFnOnce(&mut Records<'_, '_>) -> T) -> T {
    run_in_steps(incoming, usize::MAX, test).0
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the stream is always ready"),
    }
}

fn keys(suite: CipherSuite, key: u8) -> TrafficKeys {
    TrafficKeys::new(suite, record_cipher(suite, &[key; 16]).unwrap(), [key; 12], 0)
}

/// A record that nothing protects.
fn plain(content_type: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = (content.len() as u16).to_be_bytes();
    [&[content_type, 3, 3, high, low], content].concat()
}

fn handshake(content: &[u8]) -> Vec<u8> {
    plain(22, content)
}

fn message(kind: u8, body_len: usize) -> Vec<u8> {
    let [_, high, middle, low] = (body_len as u32).to_be_bytes();
    [&[kind, high, middle, low][..], &vec![7; body_len]].concat()
}

/// Records under keys that count on.
struct Peer {
    keys: TrafficKeys,
    framing: RecordFraming,
    sent: Buffer,
}

impl Peer {
    fn new(suite: CipherSuite) -> Self {
        let framing = RecordFraming::new(suite.version().unwrap());
        Self { keys: keys(suite, 9), framing, sent: Buffer::new() }
    }

    fn send(mut self, content_type: ContentType, content: &[u8]) -> Self {
        self.keys.seal(self.framing, content_type, &[IoSlice::new(content)], &mut self.sent).unwrap();
        self
    }

    fn bytes(&self) -> Vec<u8> {
        self.sent.filled().to_vec()
    }
}

/// As after a ServerHello: a version, and keys for what comes.
fn protect(records: &mut Records<'_, '_>, suite: CipherSuite) {
    records.set_version(suite.version().unwrap());
    records.set_receiving_keys(keys(suite, 9)).unwrap();
}

/// All messages up to the first fault.
async fn read_all(records: &mut Records<'_, '_>) -> (Vec<Vec<u8>>, Fault) {
    let mut messages = Vec::new();
    loop {
        match records.read_message().await {
            Ok(message) => messages.push(message.raw().to_vec()),
            Err(fault) => return (messages, fault),
        }
    }
}

fn is_end(fault: &Fault) -> bool {
    matches!(fault, Fault::Transport(error) if *error.kind() == ErrorKind::UnexpectedEof)
}

/// The fault of a peer that sends these bytes, without keys and before a version is known.
fn fault_of(incoming: &[u8]) -> Fault {
    run(incoming, async |records| read_all(records).await.1)
}

/// The same of records under keys.
fn protected_fault(suite: CipherSuite, incoming: &[u8]) -> Fault {
    run(incoming, async |records| {
        protect(records, suite);
        read_all(records).await.1
    })
}

#[test]
fn messages_come_out_whole_however_they_are_cut() {
    let messages = [message(2, 0), message(8, 90), message(11, 30_000), message(20, 32)];
    let bytes = messages.concat();
    for part in [1, 3, 100, 16_384] {
        let incoming: Vec<u8> = bytes.chunks(part).flat_map(handshake).collect();
        for step in [1, 6, usize::MAX] {
            let ((read, fault), _) = run_in_steps(&incoming, step, read_all);
            assert!(is_end(&fault), "{part} {step}: {fault:?}");
            assert_eq!(read, messages, "{part} {step}");
        }
    }
}

#[test]
fn messages_come_out_of_protected_records_too() {
    for suite in [TLS13, TLS12] {
        let messages = [message(8, 10), message(11, 3000)];
        let peer = messages
            .concat()
            .chunks(500)
            .fold(Peer::new(suite), |peer, part| peer.send(ContentType::Handshake, part));
        let ((read, fault), _) = run_in_steps(&peer.bytes(), 7, async |records| {
            protect(records, suite);
            read_all(records).await
        });
        assert!(is_end(&fault), "{fault:?}");
        assert_eq!(read, messages);
    }
}

#[test]
fn a_message_may_be_as_long_as_its_kind_may_be_and_no_longer() {
    // ClientHello, Certificate, compressed Certificate, and others.
    for (kind, most) in [(1, 65_536), (11, 65_536), (25, 65_536), (2, 16_384), (4, 16_384), (99, 16_384)] {
        let incoming: Vec<u8> = message(kind, most).chunks(16_000).flat_map(handshake).collect();
        let (read, fault) = run(&incoming, read_all);
        assert!(is_end(&fault));
        assert_eq!(read.len(), 1);
        // Its header is enough to refuse the longer.
        let fault = fault_of(&handshake(&message(kind, most + 1)[..4]));
        assert!(matches!(fault, Fault::Limit(Alert::ILLEGAL_PARAMETER, _)), "{kind}: {fault:?}");
    }
}

#[test]
fn a_peer_may_not_send_more_than_a_handshake_may_have() {
    let incoming: Vec<u8> = (0..300).flat_map(|_| handshake(&message(2, 1000))).collect();
    let fault = fault_of(&incoming);
    assert!(matches!(fault, Fault::Limit(Alert::ILLEGAL_PARAMETER, _)), "{fault:?}");
}

#[test]
fn empty_records_are_counted_until_content_comes_and_alerts_are_none() {
    let empty = handshake(&[]);
    let warning = plain(21, &[1, 90]);
    let good = handshake(&message(2, 1));
    let refused = |parts: &[Vec<u8>]| match fault_of(&parts.concat()) {
        Fault::Limit(Alert::UNEXPECTED_MESSAGE, reason) => Some(reason),
        fault => {
            assert!(is_end(&fault), "{fault:?}");
            None
        }
    };
    let times = |record: &[u8], count| record.repeat(count);
    assert_eq!(refused(&[times(&empty, 32), good.clone(), times(&empty, 32)]), None);
    assert_eq!(refused(&[times(&empty, 33)]), Some("too many empty records in a row"));
    let alternating = [&empty[..], &warning].concat();
    assert_eq!(refused(&[times(&alternating, 4), times(&empty, 28)]), None);
    assert_eq!(
        refused(&[times(&alternating, 4), times(&empty, 29)]),
        Some("too many empty records in a row")
    );
    assert_eq!(refused(&[times(&warning, 4), good, times(&warning, 4)]), None);
    assert_eq!(refused(&[times(&warning, 5)]), Some("too many warning alerts in a row"));
    assert_eq!(refused(&[times(&alternating, 4), warning]), Some("too many warning alerts in a row"));
}

#[test]
fn an_empty_handshake_record_under_the_keys_of_tls13_is_refused_and_under_those_of_tls12_counted() {
    let send = |suite, count| {
        (0..count).fold(Peer::new(suite), |peer, _| peer.send(ContentType::Handshake, &[])).bytes()
    };
    let fault = protected_fault(TLS13, &send(TLS13, 1));
    assert!(matches!(fault, Fault::UnexpectedMessage(_)), "{fault:?}");
    assert!(is_end(&protected_fault(TLS12, &send(TLS12, 32))));
    let fault = protected_fault(TLS12, &send(TLS12, 33));
    assert!(matches!(fault, Fault::Limit(Alert::UNEXPECTED_MESSAGE, _)), "{fault:?}");
}

#[test]
fn an_alert_is_two_bytes_of_a_known_level() {
    type Expected = fn(&Fault) -> bool;
    let cases: [(&[u8], Expected); 8] = [
        (&[2, 40], |fault| matches!(fault, Fault::AlertReceived(Alert::HANDSHAKE_FAILURE))),
        (&[1, 0], |fault| matches!(fault, Fault::AlertReceived(Alert::CLOSE_NOTIFY))),
        (&[2, 0], |fault| matches!(fault, Fault::AlertReceived(Alert::CLOSE_NOTIFY))),
        (&[2], |fault| matches!(fault, Fault::Decode(_))),
        (&[], |fault| matches!(fault, Fault::Decode(_))),
        (&[2, 40, 2, 40], |fault| matches!(fault, Fault::Decode(_))),
        (&[0, 40], |fault| matches!(fault, Fault::IllegalParameter(_))),
        (&[3, 0], |fault| matches!(fault, Fault::IllegalParameter(_))),
    ];
    for (alert, expected) in cases {
        let fault = fault_of(&plain(21, alert));
        assert!(expected(&fault), "{alert:?}: {fault:?}");
        for suite in [TLS13, TLS12] {
            let fault = protected_fault(suite, &Peer::new(suite).send(ContentType::Alert, alert).bytes());
            let empty_in_tls13 = alert.is_empty() && suite == TLS13;
            assert!(
                expected(&fault) || empty_in_tls13 && matches!(fault, Fault::UnexpectedMessage(_)),
                "{suite} {alert:?}: {fault:?}"
            );
        }
    }
}

#[test]
fn tls13_has_one_warning() {
    let send = |suite, code, count| {
        (0..count).fold(Peer::new(suite), |peer, _| peer.send(ContentType::Alert, &[1, code])).bytes()
    };
    assert!(matches!(protected_fault(TLS13, &send(TLS13, 41, 1)), Fault::Decode(_)));
    assert!(is_end(&protected_fault(TLS13, &send(TLS13, 90, 4))));
    let fault = protected_fault(TLS13, &send(TLS13, 90, 5));
    assert!(matches!(fault, Fault::Limit(Alert::UNEXPECTED_MESSAGE, _)), "{fault:?}");
    assert!(is_end(&protected_fault(TLS12, &send(TLS12, 41, 4))));
}

#[test]
fn an_alert_may_stand_between_the_parts_of_a_message_and_nothing_else_may() {
    let (head, tail) = ([2, 0, 0, 2, 7], [7]);
    let parts = |between: Vec<u8>| [handshake(&head), between, handshake(&tail)].concat();
    let (read, _) = run(&parts(plain(21, &[1, 90])), read_all);
    assert_eq!(read, [message(2, 2)]);
    for between in [plain(23, &[1]), plain(20, &[1])] {
        let fault = fault_of(&parts(between));
        assert!(
            matches!(&fault, Fault::UnexpectedMessage(rule) if rule.contains("between the parts")),
            "{fault:?}"
        );
    }
}

#[test]
fn records_that_are_not_of_the_handshake_are_refused() {
    for record in [plain(23, b"data"), plain(23, &[]), plain(20, &[1]), plain(24, &[1]), plain(99, &[])] {
        let fault = fault_of(&record);
        assert!(matches!(fault, Fault::UnexpectedMessage(_)), "{fault:?}");
    }
    for content_type in [ContentType::ApplicationData, ContentType::ChangeCipherSpec] {
        for suite in [TLS13, TLS12] {
            let fault = protected_fault(suite, &Peer::new(suite).send(content_type, &[1]).bytes());
            assert!(matches!(fault, Fault::UnexpectedMessage(_)), "{fault:?}");
        }
    }
}

#[test]
fn two_change_cipher_spec_are_passed_over_in_tls13_and_only_where_they_may_be() {
    let ccs = plain(20, &[1]);
    let outcome = |allowed, before: &[u8]| {
        let incoming =
            [before, &Peer::new(TLS13).send(ContentType::Handshake, &message(8, 1)).bytes()].concat();
        run(&incoming, async |records| {
            protect(records, TLS13);
            records.allow_change_cipher_spec(allowed);
            records.read_message().await
        })
    };
    assert!(outcome(true, &[]).is_ok());
    assert!(outcome(true, &ccs.repeat(2)).is_ok());
    assert!(matches!(outcome(true, &ccs.repeat(3)), Err(Fault::Limit(Alert::UNEXPECTED_MESSAGE, _))));
    for bad in [plain(20, &[2]), plain(20, &[1, 1]), plain(20, &[])] {
        assert!(matches!(outcome(true, &bad), Err(Fault::UnexpectedMessage(_))));
    }
    assert!(matches!(outcome(false, &ccs), Err(Fault::UnexpectedMessage(_))));
}

#[test]
fn change_cipher_spec_of_tls12_stands_between_messages() {
    let outcome = |incoming: &[u8]| {
        run(incoming, async |records| {
            records.set_version(ProtocolVersion::Tls12);
            records.read_message().await?;
            records.read_change_cipher_spec().await?;
            records.read_message().await
        })
    };
    let (first, finished, ccs) = (handshake(&message(16, 3)), message(20, 12), plain(20, &[1]));
    assert!(outcome(&[&first[..], &ccs, &handshake(&finished)].concat()).is_ok());
    // None, another in its place, parts of the next message before it, and one that is not 1.
    let fused = handshake(&[message(16, 3), finished[..5].to_vec()].concat());
    for bad in [
        [&first[..], &handshake(&finished)].concat(),
        [&first[..], &plain(23, &[1])].concat(),
        [&fused[..], &ccs, &handshake(&finished[5..])].concat(),
    ] {
        assert!(matches!(outcome(&bad), Err(Fault::UnexpectedMessage(_))));
    }
    for bad in [plain(20, &[2]), plain(20, &[1, 1]), plain(20, &[])] {
        assert!(matches!(outcome(&[&first[..], &bad].concat()), Err(Fault::IllegalParameter(_))));
    }
}

#[test]
fn nothing_crosses_a_change_of_keys_the_end_of_a_flight_or_that_of_the_handshake() {
    type Step = for<'a, 'b, 'c> fn(&'a mut Records<'b, 'c>) -> Result<(), Fault>;
    let change_of_keys: Step = |records| records.set_receiving_keys(keys(TLS13, 9));
    let end_of_flight: Step = |records| {
        records.send_message(&message(2, 1));
        now(records.flush())
    };
    let waiting: Step = |records| {
        records.send_message(&message(2, 1));
        now(records.read_message()).map(drop)
    };
    for step in [change_of_keys, end_of_flight, waiting] {
        // A part of the next message, and all of it.
        for beyond in [&[8][..], &message(8, 2)] {
            let incoming = handshake(&[&message(1, 5), beyond].concat());
            let fault = run(&incoming, async |records| {
                records.read_message().await.unwrap();
                step(records).unwrap_err()
            });
            assert!(
                matches!(&fault, Fault::UnexpectedMessage(rule) if rule.contains("handshake data beyond")),
                "{fault:?}"
            );
        }
    }
    for beyond in [0, 1] {
        let incoming = handshake(&[message(20, 5), vec![4; beyond]].concat());
        let mut wire = Wire { incoming, read: 0, step: 100, outgoing: Vec::new() };
        let mut transport = Transport::new(&mut wire);
        let mut records = Records::new(&mut transport, &Limits::default());
        now(records.read_message()).unwrap();
        records.set_version(ProtocolVersion::Tls13);
        records.set_sending_keys(keys(TLS13, 8)).unwrap();
        records.receiving = Some(keys(TLS13, 9));
        let session = records.into_session("test", Role::Client, Box::new(NoSecrets));
        assert_eq!(session.is_ok(), beyond == 0);
    }
}

#[test]
fn a_record_holds_no_more_than_it_may() {
    let plain_record = |length| handshake(&message(11, 60_000)[..length]);
    assert!(is_end(&fault_of(&plain_record(1 << 14))));
    assert!(matches!(fault_of(&plain_record((1 << 14) + 1)), Fault::RecordOverflow(_)));
    for (suite, beyond) in [(TLS13, 256), (TLS12, 2048)] {
        let header = |length: usize| [&[23, 3, 3][..], &(length as u16).to_be_bytes()].concat();
        assert!(is_end(&protected_fault(suite, &header((1 << 14) + beyond))));
        // The header is enough.
        let fault = protected_fault(suite, &header((1 << 14) + beyond + 1));
        assert!(matches!(fault, Fault::RecordOverflow(_)), "{fault:?}");
        let full = Peer::new(suite).send(ContentType::Handshake, &message(11, 16_380)).bytes();
        assert!(is_end(&protected_fault(suite, &full)));
    }
}

#[test]
fn a_peer_keeps_to_the_limit_that_it_was_told() {
    for (suite, most) in [(TLS13, 99), (TLS12, 100)] {
        let outcome = |length| {
            let peer = Peer::new(suite).send(ContentType::Handshake, &message(11, 1000)[..length]);
            run(&peer.bytes(), async |records| {
                protect(records, suite);
                records.set_record_size_limits(RecordSizeLimits { own: Some(100), peers: None });
                records.read_message().await.unwrap_err()
            })
        };
        assert!(is_end(&outcome(most)));
        assert!(matches!(outcome(most + 1), Fault::RecordOverflow(_)));
    }
}

#[test]
fn the_version_of_a_record_is_loose_before_keys_and_strict_under_them() {
    let record = |version: [u8; 2]| {
        let mut record = handshake(&message(1, 1));
        record[1..3].copy_from_slice(&version);
        record
    };
    for version in [[3, 0], [3, 1], [3, 3], [3, 255]] {
        assert!(is_end(&fault_of(&record(version))));
    }
    for version in [[2, 3], [4, 3], [255, 255]] {
        assert!(matches!(fault_of(&record(version)), Fault::NotTls(_)));
    }
    for suite in [TLS13, TLS12] {
        let mut bytes = Peer::new(suite).send(ContentType::Handshake, &message(8, 1)).bytes();
        assert!(is_end(&protected_fault(suite, &bytes)));
        bytes[2] = 1;
        assert!(matches!(protected_fault(suite, &bytes), Fault::NotTls(_)));
    }
}

#[test]
fn other_protocols_are_called_by_their_names() {
    for (bytes, name) in [
        (&b"GET / HTTP/1.1\r\n"[..], "an HTTP request"),
        (b"POST / HTTP/1.1\r\n", "an HTTP request"),
        (b"CONNECT example.com:443 HTTP/1.1\r\n", "an HTTP proxy"),
        (b"HTTP/1.1 400 Bad Request\r\n", "an HTTP answer"),
        (&[0x80, 46, 1, 3, 1, 0, 3], "SSL 2.0"),
        (b"SSH-2.0-OpenSSH", "another protocol"),
    ] {
        let fault = fault_of(bytes);
        assert!(matches!(&fault, Fault::NotTls(rule) if rule.contains(name)), "{fault:?}");
    }
    // After a record they are no such thing.
    let fault = fault_of(&[&handshake(&[])[..], b"GET / HTTP/1.1"].concat());
    assert!(matches!(&fault, Fault::NotTls(rule) if rule.contains("another protocol")), "{fault:?}");
}

#[test]
fn what_is_not_under_the_keys_is_not_authentic() {
    for bytes in [
        handshake(&message(8, 30)),
        plain(23, &[0; 40]),
        plain(23, &[]),
        plain(22, &[1]),
        plain(21, &[2]),
        plain(21, &[0; 40]),
    ] {
        for suite in [TLS13, TLS12] {
            let fault = protected_fault(suite, &bytes);
            assert!(matches!(fault, Fault::BadRecordMac), "{fault:?}");
        }
    }
}

#[test]
fn every_protected_record_of_tls13_says_application_data() {
    // Its header is authenticated, so the peer must have meant it.
    let mut wire = [22, 3, 3, 0, 21, 8, 0, 0, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let (header, sealed) = wire.split_at_mut(5);
    record_cipher(TLS13, &[9; 16]).unwrap().seal_in_place([9; 12], header, sealed).unwrap();
    let fault = protected_fault(TLS13, &wire);
    assert!(
        matches!(&fault, Fault::UnexpectedMessage(rule) if rule.contains("application_data")),
        "{fault:?}"
    );
}

#[test]
fn an_unprotected_alert_counts_until_the_peer_has_shown_its_keys() {
    let alert = plain(21, &[2, 70]);
    let fault = protected_fault(TLS13, &alert);
    assert!(matches!(fault, Fault::AlertReceived(Alert::PROTOCOL_VERSION)), "{fault:?}");
    let protected = Peer::new(TLS13).send(ContentType::Handshake, &message(8, 1)).bytes();
    let fault = protected_fault(TLS13, &[protected, alert.clone()].concat());
    assert!(matches!(fault, Fault::BadRecordMac), "{fault:?}");
    assert!(matches!(protected_fault(TLS12, &alert), Fault::BadRecordMac));
}

#[test]
fn refused_early_data_is_passed_over_up_to_its_limit_and_the_first_good_record() {
    let early = plain(23, &[7; 95]);
    let finished = Peer::new(TLS13).send(ContentType::Handshake, &message(20, 1)).bytes();
    let outcome = |parts: &[&[u8]]| {
        run(&parts.concat(), async |records| {
            protect(records, TLS13);
            records.skip_early_data(Skip::Undecryptable, 250);
            records.read_message().await?;
            records.read_message().await
        })
        .unwrap_err()
    };
    assert!(is_end(&outcome(&[&finished])));
    assert!(is_end(&outcome(&[&early, &early, &finished])));
    let fault = outcome(&[&early, &early, &early, &finished]);
    assert!(matches!(fault, Fault::Limit(Alert::UNEXPECTED_MESSAGE, _)), "{fault:?}");
    assert!(matches!(outcome(&[&early, &finished, &early]), Fault::BadRecordMac));
    // What is no early data is not passed over.
    assert!(matches!(outcome(&[&handshake(&message(20, 40))]), Fault::BadRecordMac));
}

#[test]
fn after_a_hello_retry_request_refused_early_data_is_known_by_its_type() {
    let early = plain(23, &[7; 95]);
    let hello = handshake(&message(1, 1));
    let outcome = |parts: &[&[u8]]| {
        run(&parts.concat(), async |records| {
            records.set_version(ProtocolVersion::Tls13);
            records.allow_change_cipher_spec(true);
            records.skip_early_data(Skip::Unencrypted, 250);
            records.read_message().await?;
            records.read_message().await
        })
        .unwrap_err()
    };
    assert!(is_end(&outcome(&[&early, &plain(20, &[1]), &early, &hello])));
    let fault = outcome(&[&early, &early, &early, &hello]);
    assert!(matches!(fault, Fault::Limit(Alert::UNEXPECTED_MESSAGE, _)), "{fault:?}");
    assert!(matches!(outcome(&[&early, &hello, &early]), Fault::UnexpectedMessage(_)));
    assert!(matches!(outcome(&[&early, &plain(21, &[2, 40])]), Fault::AlertReceived(_)));
}

#[test]
fn accepted_early_data_comes_before_its_message_and_only_as_much_as_may() {
    let outcome = |most, parts: &[&[u8]]| {
        let peer =
            parts.iter().fold(Peer::new(TLS13), |peer, part| peer.send(ContentType::ApplicationData, part));
        let peer = peer.send(ContentType::Handshake, &message(5, 0));
        run(&peer.bytes(), async |records| {
            protect(records, TLS13);
            records.accept_early_data(most);
            let mut all = Vec::new();
            loop {
                match records.read_early_data_or_message().await? {
                    EarlyDataOr::Data(data) => all.extend(data),
                    EarlyDataOr::Message(message) => return Ok::<_, Fault>((all, message.raw().to_vec())),
                }
            }
        })
    };
    assert_eq!(outcome(7, &[b"abcd", b"", b"efg"]).unwrap(), (b"abcdefg".to_vec(), message(5, 0)));
    assert_eq!(outcome(0, &[]).unwrap(), (vec![], message(5, 0)));
    let fault = outcome(6, &[b"abcd", b"efg"]).unwrap_err();
    assert!(matches!(fault, Fault::Limit(Alert::UNEXPECTED_MESSAGE, _)), "{fault:?}");
    assert!(outcome(0, &[&[][..]; 32]).is_ok());
    assert!(matches!(outcome(0, &[&[][..]; 33]), Err(Fault::Limit(Alert::UNEXPECTED_MESSAGE, _))));
    // Never without keys.
    let fault = run(&plain(23, b"abcd"), async |records| {
        records.accept_early_data(100);
        records.read_early_data_or_message().await.unwrap_err()
    });
    assert!(matches!(fault, Fault::UnexpectedMessage(_)), "{fault:?}");
}

/// The records in `bytes`: type, version and length of each.
fn records_in(bytes: &[u8]) -> Vec<(u8, [u8; 2], usize)> {
    let (mut found, mut rest) = (Vec::new(), bytes);
    while let Some((&[code, major, minor, high, low], content)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        found.push((code, [major, minor], length));
        rest = &content[length..];
    }
    found
}

#[test]
fn messages_of_a_flight_share_records_up_to_a_change() {
    let ((), sent) = run_in_steps(&[], 1, async |records| {
        records.set_version(ProtocolVersion::Tls13);
        records.send_message(&message(2, 50));
        records.send_change_cipher_spec().unwrap();
        records.set_sending_keys(keys(TLS13, 9)).unwrap();
        records.send_message(&message(8, 10));
        records.send_message(&message(11, 20_000));
        records.send_message(&message(20, 32));
        records.set_sending_keys(keys(TLS13, 8)).unwrap();
        records.send_message(&message(4, 60));
        records.flush().await.unwrap();
    });
    let second = 14 + 20_004 + 36 - (1 << 14);
    assert_eq!(
        records_in(&sent),
        [
            (22, [3, 3], 54),
            (20, [3, 3], 1),
            (23, [3, 3], (1 << 14) + 17),
            (23, [3, 3], second + 17),
            (23, [3, 3], 64 + 17)
        ]
    );
    let messages = [message(8, 10), message(11, 20_000), message(20, 32)];
    let (read, _) = run(&sent[59 + 6..], async |records| {
        protect(records, TLS13);
        let mut read = Vec::new();
        for _ in 0..3 {
            read.push(records.read_message().await.unwrap().raw().to_vec());
        }
        (read, records.set_receiving_keys(keys(TLS13, 8)).unwrap())
    });
    assert_eq!(read, messages);
}

#[test]
fn the_first_hello_says_tls_1_0_and_nothing_else_does() {
    let ((), sent) = run_in_steps(&[], 1, async |records| {
        records.send_message(&message(1, 1));
        records.flush().await.unwrap();
        records.set_version(ProtocolVersion::Tls13);
        records.send_message(&message(1, 1));
        records.flush().await.unwrap();
    });
    assert_eq!(records_in(&sent), [(22, [3, 1], 5), (22, [3, 3], 5)]);
    let ((), sent) = run_in_steps(&handshake(&message(2, 1)), 1, async |records| {
        records.read_message().await.unwrap();
        records.send_message(&message(1, 1));
        records.flush().await.unwrap();
    });
    assert_eq!(records_in(&sent), [(22, [3, 3], 5)]);
}

#[test]
fn records_that_are_sent_keep_to_the_peers_limit_and_to_ours_and_are_padded() {
    let sent = |suite: CipherSuite, padding| {
        let ((), sent) = run_in_steps(&[], 1, async |records| {
            records.set_version(suite.version().unwrap());
            records.set_max_plaintext(Some(600));
            records.send_message(&message(2, 700));
            records.set_sending_keys(keys(suite, 9)).unwrap();
            records.set_record_size_limits(RecordSizeLimits { own: None, peers: Some(100) });
            records.set_padding(padding);
            records.send_message(&message(8, 116));
            records.flush().await.unwrap();
        });
        records_in(&sent).into_iter().map(|(_, _, length)| length).collect::<Vec<_>>()
    };
    assert_eq!(sent(TLS13, Padding::None), [600, 104, 100 + 16, 22 + 16]);
    assert_eq!(sent(TLS13, Padding::Multiple(64)), [600, 104, 100 + 16, 65 + 16]);
    assert_eq!(sent(TLS12, Padding::Multiple(64)), [600, 104, 100 + 24, 20 + 24]);
}

#[test]
fn an_alert_goes_out_under_the_keys_in_force_in_place_of_what_is_queued() {
    let ((), sent) = run_in_steps(&[], 1, async |records| {
        records.send_message(&message(2, 1));
        records.send_alert(Alert::DECODE_ERROR);
        records.flush().await.unwrap();
    });
    assert_eq!(sent, [21, 3, 3, 0, 2, 2, 50]);
    for suite in [TLS13, TLS12] {
        let ((), sent) = run_in_steps(&[], 1, async |records| {
            records.set_version(suite.version().unwrap());
            records.send_message(&message(2, 1));
            records.set_sending_keys(keys(suite, 9)).unwrap();
            records.send_message(&message(8, 1));
            records.send_alert(Alert::DECODE_ERROR);
            records.flush().await.unwrap();
        });
        let hello = handshake(&message(2, 1));
        assert_eq!(sent[..hello.len()], hello);
        let fault = protected_fault(suite, &sent[hello.len()..]);
        assert!(matches!(fault, Fault::AlertReceived(Alert::DECODE_ERROR)), "{fault:?}");
    }
}

#[test]
fn early_data_is_sent_after_the_hello_and_only_under_keys() {
    let (unprotected, sent) = run_in_steps(&[], 1, async |records| {
        records.send_message(&message(1, 1));
        let unprotected = records.send_application_data(b"early");
        records.set_early_data_keys(keys(TLS13, 9)).unwrap();
        records.send_application_data(&[7; 20_000]).unwrap();
        unprotected
    });
    assert!(matches!(unprotected, Err(Fault::Internal(_))));
    let lengths = [(22, [3, 1], 5), (23, [3, 3], 16_384 + 17), (23, [3, 3], 3_616 + 17)];
    assert_eq!(records_in(&sent), lengths);
}

#[test]
fn a_server_that_was_sent_early_data_may_still_warn_as_in_tls12() {
    let incoming = [plain(21, &[1, 112]), handshake(&message(2, 1))].concat();
    let outcome = run(&incoming, async |records| {
        records.set_early_data_keys(keys(TLS13, 9)).unwrap();
        records.read_message().await
    });
    assert!(outcome.is_ok());
}

#[derive(Debug)]
struct NoSecrets;

impl KeySchedule for NoSecrets {
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, polytls_api::Error> {
        Err(ErrorKind::Backend.into())
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, polytls_api::Error> {
        Err(ErrorKind::Backend.into())
    }

    fn new_session_ticket(&mut self, _: &[u8]) -> Result<(), polytls_api::Error> {
        Err(ErrorKind::Backend.into())
    }

    fn export_keying_material(
        &self,
        _: &mut [u8],
        _: &[u8],
        _: Option<&[u8]>,
    ) -> Result<(), polytls_api::Error> {
        Err(ErrorKind::Backend.into())
    }
}

#[test]
fn the_session_goes_on_where_the_handshake_ends() {
    let limits = RecordSizeLimits { own: Some(100), peers: Some(200) };
    let peer = Peer::new(TLS13)
        .send(ContentType::Handshake, &message(20, 1))
        .send(ContentType::ApplicationData, &[1; 99])
        .send(ContentType::ApplicationData, &[2; 100]);
    let mut wire = Wire { incoming: peer.bytes(), read: 0, step: 4096, outgoing: Vec::new() };
    let mut transport = Transport::new(&mut wire);
    let mut records = Records::new(&mut transport, &Limits::default());
    protect(&mut records, TLS13);
    records.set_sending_keys(keys(TLS13, 8)).unwrap();
    records.set_record_size_limits(limits);
    records.set_padding(Padding::Multiple(150));
    now(records.read_message()).unwrap();
    let mut session = records.into_session("test", Role::Client, Box::new(NoSecrets)).unwrap();

    let (incoming, outgoing) = transport.buffers();
    let mut plaintext = [0; 99];
    assert_eq!(session.open(incoming, outgoing, &mut plaintext).unwrap(), Opened::Data(99));
    session.seal(&[IoSlice::new(&[3; 250])], outgoing).unwrap();
    assert_eq!(records_in(outgoing.filled()), [(23, [3, 3], 200 + 16), (23, [3, 3], 151 + 16)]);
    let error = session.open(incoming, outgoing, &mut plaintext).unwrap_err();
    assert_eq!(error.alert_sent(), Some(Alert::RECORD_OVERFLOW));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        step in 1..50_usize,
        suite in proptest::option::of(prop_oneof![Just(TLS13), Just(TLS12)]),
    ) {
        let ((), _) = run_in_steps(&bytes, step, async |records| {
            if let Some(suite) = suite {
                protect(records, suite);
            }
            read_all(records).await;
        });
    }

    #[test]
    fn no_change_to_good_records_is_accepted_or_makes_it_panic(
        offset in 0..300_usize,
        mask in 1..=255_u8,
        suite in prop_oneof![Just(TLS13), Just(TLS12)],
    ) {
        let peer = Peer::new(suite)
            .send(ContentType::Handshake, &message(8, 60))
            .send(ContentType::Handshake, &message(20, 120));
        let mut bytes = peer.bytes();
        let offset = offset % bytes.len();
        let second = 5 + records_in(&bytes)[0].2;
        bytes[offset] ^= mask;
        let (read, _) = run(&bytes, async |records| {
            protect(records, suite);
            read_all(records).await
        });
        prop_assert!(read.len() <= usize::from(offset >= second));
    }
}
