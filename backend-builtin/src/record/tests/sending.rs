//! What records are made of what is sent.

use super::*;

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
        records.end_flight().unwrap();
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
        records.end_flight().unwrap();
        records.set_version(ProtocolVersion::Tls13);
        records.send_message(&message(1, 1));
        records.end_flight().unwrap();
    });
    assert_eq!(records_in(&sent), [(22, [3, 1], 5), (22, [3, 3], 5)]);
    let ((), sent) = run_in_steps(&handshake(&message(2, 1)), 1, async |records| {
        records.read_message().await.unwrap();
        records.send_message(&message(1, 1));
        records.end_flight().unwrap();
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
            records.end_flight().unwrap();
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
        records.end_flight().unwrap();
    });
    assert_eq!(sent, [21, 3, 3, 0, 2, 2, 50]);
    for suite in [TLS13, TLS12] {
        let ((), sent) = run_in_steps(&[], 1, async |records| {
            records.set_version(suite.version().unwrap());
            records.send_message(&message(2, 1));
            records.set_sending_keys(keys(suite, 9)).unwrap();
            records.send_message(&message(8, 1));
            records.send_alert(Alert::DECODE_ERROR);
            records.end_flight().unwrap();
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
