//! What a peer may send of messages, alerts and records, and how much.

use proptest::prelude::*;

use super::*;

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
