//! What goes with a change of keys: what may cross it, what is under them, and early data before them.

use polytls_api::{
    Opened, Session,
    record::{KeySchedule, Role},
};

use super::*;

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

/// What is not known to be protected would be read as if it were not.
#[test]
fn there_are_no_keys_without_a_version() {
    run(&handshake(&message(8, 1)), async |records| {
        assert!(matches!(records.set_receiving_keys(keys(TLS13, 9)), Err(Fault::Internal(_))));
        assert!(matches!(records.set_sending_keys(keys(TLS13, 9)), Err(Fault::Internal(_))));
    });
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
        records.end_flight()
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
                    EarlyDataOr::Data(data) => all.extend(data.as_bytes()),
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
