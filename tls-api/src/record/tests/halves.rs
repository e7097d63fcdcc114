//! What passes between the halves of a session.

use std::thread;

use super::*;
use crate::{ReceivingHalf, SendingHalf, SessionHalves};

fn halves(suite: CipherSuite) -> (SessionHalves, SessionHalves) {
    let (client, server) = pair(suite);
    (Session::split(Box::new(client)), Session::split(Box::new(server)))
}

fn seal(half: &mut dyn SendingHalf, bytes: &[u8], wire: &mut Buffer) {
    let taken = half.seal(&[IoSlice::new(bytes)], wire).unwrap();
    assert_eq!(taken, bytes.len());
}

fn open(half: &mut dyn ReceivingHalf, wire: &mut Buffer) -> Result<Vec<u8>, Error> {
    let (mut all, mut buffer) = (Vec::new(), [0; 100]);
    loop {
        match half.open(wire, &mut buffer)? {
            Opened::Data(count) => all.extend_from_slice(&buffer[..count]),
            Opened::NeedMore | Opened::Closed => return Ok(all),
        }
    }
}

#[test]
fn a_request_for_new_keys_waits_for_data_and_is_answered_once_before_it() {
    let (mut client, mut server) = halves(TLS13);
    let (mut up, mut down) = (Buffer::new(), Buffer::new());
    client.sending.update_keys(true, &mut up).unwrap();
    seal(&mut *client.sending, b"data", &mut up);
    assert_eq!(open(&mut *server.receiving, &mut up).unwrap(), b"data");
    assert!(!server.receiving.has_answer(), "RFC 8446 §4.6.3 has it answered before data");
    server.sending.answer(&mut down);
    assert!(down.is_empty());
    seal(&mut *server.sending, b"answer", &mut down);
    seal(&mut *server.sending, b" and more", &mut down);
    let records = record_lengths(&down);
    assert_eq!(records, [5 + 1 + TAG_LEN, 6 + 1 + TAG_LEN, 9 + 1 + TAG_LEN]);
    assert_eq!(open(&mut *client.receiving, &mut down).unwrap(), b"answer and more");
}

#[test]
fn the_peer_is_asked_again_when_the_other_half_has_its_answer() {
    let (mut client, mut server) = halves(TLS13);
    let (mut up, mut down) = (Buffer::new(), Buffer::new());
    let mut answers = |client: &mut SessionHalves, wire: &mut Buffer| {
        assert_eq!(open(&mut *server.receiving, wire).unwrap(), b"");
        seal(&mut *server.sending, b"x", &mut down);
        let answers = record_lengths(&down).len() - 1;
        assert_eq!(open(&mut *client.receiving, &mut down).unwrap(), b"x");
        answers
    };
    client.sending.update_keys(true, &mut up).unwrap();
    client.sending.update_keys(true, &mut up).unwrap();
    assert_eq!(answers(&mut client, &mut up), 1);
    client.sending.update_keys(false, &mut up).unwrap();
    assert_eq!(answers(&mut client, &mut up), 0);
    client.sending.update_keys(true, &mut up).unwrap();
    assert_eq!(answers(&mut client, &mut up), 1);
}

#[test]
fn a_failure_of_one_half_is_the_others_and_the_peer_is_told_once() {
    for answered_by_sealing in [true, false] {
        for suite in SUITES {
            let (mut client, mut server) = halves(suite);
            let (mut up, mut down) = (Buffer::new(), Buffer::new());
            seal(&mut *client.sending, b"data", &mut up);
            *up.filled_mut().last_mut().unwrap() ^= 1;
            let error = open(&mut *server.receiving, &mut up).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::BadRecord);
            assert!(server.receiving.has_answer());
            if !answered_by_sealing {
                server.sending.answer(&mut down);
            }
            let error = server.sending.seal(&[IoSlice::new(b"too late")], &mut down).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::BadRecord);
            assert!(!server.receiving.has_answer());
            server.sending.close(&mut down).unwrap();
            assert!(server.sending.update_keys(false, &mut down).is_err());
            assert_eq!(record_lengths(&down).len(), 1, "an alert, and nothing else");
            let error = open(&mut *client.receiving, &mut down).unwrap_err();
            assert_eq!(error.alert_received(), Some(AlertDescription::BAD_RECORD_MAC));
        }
    }
}

#[test]
fn keys_that_are_used_up_end_what_is_written_and_nothing_else() {
    let (client, mut server) = pair(SUITES[1]);
    let (mut up, mut down) = (Buffer::new(), Buffer::new());
    super::seal(&mut server, &[&[7; 150]], &mut down);
    let mut client = client;
    client.exhaust_for_test();
    let mut client = Session::split(Box::new(client));
    let mut buffer = [0; 100];
    assert_eq!(client.receiving.open(&mut down, &mut buffer).unwrap(), Opened::Data(100));
    let error = client.sending.seal(&[IoSlice::new(b"x")], &mut up).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::KeysExhausted);
    assert_eq!(client.receiving.open(&mut down, &mut buffer).unwrap(), Opened::Data(50));
    super::seal(&mut server, &[b"an answer"], &mut down);
    assert_eq!(client.receiving.open(&mut down, &mut buffer).unwrap(), Opened::Data(9));
    client.sending.close(&mut up).unwrap();
    let mut server = Session::split(Box::new(server));
    assert_eq!(server.receiving.open(&mut up, &mut buffer).unwrap(), Opened::Closed);
}

#[test]
fn halves_are_a_session_again_in_the_middle_of_a_record() {
    for suite in SUITES {
        let (mut client, mut server) = halves(suite);
        let (mut up, mut down) = (Buffer::new(), Buffer::new());
        seal(&mut *client.sending, &[7; 150], &mut up);
        let mut buffer = [0; 100];
        assert_eq!(server.receiving.open(&mut up, &mut buffer).unwrap(), Opened::Data(100));
        seal(&mut *client.sending, b"more", &mut up);
        if suite == TLS13 {
            client.sending.update_keys(true, &mut up).unwrap();
        }
        let mut server: Box<dyn Session> = Box::new(server);
        assert_eq!(server.open(&mut up, &mut Buffer::new(), &mut buffer).unwrap(), Opened::Data(54));
        assert_eq!(server.open(&mut up, &mut Buffer::new(), &mut buffer).unwrap(), Opened::NeedMore);
        server.seal(&[IoSlice::new(b"whole")], &mut down).unwrap();
        let mut server = server.split();
        seal(&mut *server.sending, b", and split", &mut down);
        assert_eq!(open(&mut *client.receiving, &mut down).unwrap(), b"whole, and split");
    }
}

#[test]
fn a_session_of_halves_answers_while_it_opens() {
    let (mut client, mut server) = halves(TLS13);
    let (mut up, mut down) = (Buffer::new(), Buffer::new());
    seal(&mut *client.sending, b"data", &mut up);
    up.filled_mut()[10] ^= 1;
    assert!(server.open(&mut up, &mut down, &mut [0; 10]).is_err());
    let error = open(&mut *client.receiving, &mut down).unwrap_err();
    assert_eq!(error.alert_received(), Some(AlertDescription::BAD_RECORD_MAC));
}

#[test]
fn one_warning_says_as_much_as_many_and_waits_while_much_waits() {
    let (mut client, mut server) = pair(SUITES[1]);
    let (mut up, mut down) = (Buffer::new(), Buffer::new());
    let mut ask = |up: &mut Buffer| {
        seal_raw(&mut client, ContentType::Handshake, &[1, 0, 0, 0], up);
        super::seal(&mut client, &[b"data"], up);
    };
    for _ in 0..100 {
        ask(&mut up);
    }
    assert_eq!(open_all_into(&mut server, &mut up, &mut down).unwrap(), b"data".repeat(100));
    assert_eq!(record_lengths(&down).len(), 1);
    for _ in 0..1000 {
        ask(&mut up);
        open_all_into(&mut server, &mut up, &mut down).unwrap();
    }
    assert!(down.len() < 2000, "a peer that asks and does not read makes us hold {} bytes", down.len());
}

/// As [`open_all`], with what opening appends in `outgoing`.
fn open_all_into(
    session: &mut RecordSession,
    wire: &mut Buffer,
    outgoing: &mut Buffer,
) -> Result<Vec<u8>, Error> {
    let (mut all, mut buffer) = (Vec::new(), [0; 10_000]);
    loop {
        match session.open(wire, outgoing, &mut buffer)? {
            Opened::Data(count) => all.extend_from_slice(&buffer[..count]),
            Opened::NeedMore | Opened::Closed => return Ok(all),
        }
    }
}

#[test]
fn what_a_locked_session_answers_goes_out_before_what_it_seals_later() {
    let (client, mut server) = pair(TLS13);
    let (mut up, mut down) = (Buffer::new(), Buffer::new());
    let mut client = SessionHalves::behind_a_lock(Box::new(client));
    seal(&mut *client.sending, b"data", &mut up);
    super::seal(&mut server, &[b"data"], &mut down);
    *down.filled_mut().last_mut().unwrap() ^= 1;
    assert!(!client.receiving.has_answer());
    assert!(open(&mut *client.receiving, &mut down).is_err());
    assert!(client.receiving.has_answer());
    assert!(client.sending.seal(&[IoSlice::new(b"x")], &mut up).is_err());
    assert!(!client.receiving.has_answer());
    let mut buffer = [0; 100];
    assert_eq!(server.open(&mut up, &mut down, &mut buffer).unwrap(), Opened::Data(4));
    let error = server.open(&mut up, &mut down, &mut buffer).unwrap_err();
    assert_eq!(error.alert_received(), Some(AlertDescription::BAD_RECORD_MAC));
}

#[test]
fn what_a_locked_session_answers_waits_while_much_does_but_for_the_last_of_it() {
    let (client, mut server) = pair(SUITES[1]);
    let (mut down, mut much) = (Buffer::new(), Buffer::new());
    let mut client = SessionHalves::behind_a_lock(Box::new(client));
    seal_raw(&mut server, ContentType::Handshake, &[0, 0, 0, 0], &mut down);
    assert_eq!(open(&mut *client.receiving, &mut down).unwrap(), b"");
    much.extend(&[0; 70_000]);
    client.sending.answer(&mut much);
    assert!(
        client.receiving.has_answer() && much.len() == 70_000,
        "a peer that does not read makes us hold it"
    );
    super::seal(&mut server, &[b"data"], &mut down);
    *down.filled_mut().last_mut().unwrap() ^= 1;
    assert!(open(&mut *client.receiving, &mut down).is_err());
    client.sending.answer(&mut much);
    assert!(!client.receiving.has_answer(), "nobody comes back for the alert");
    much.consume(70_000);
    let error = server.open(&mut much, &mut down, &mut [0; 100]).unwrap_err();
    assert_eq!(error.alert_received(), Some(AlertDescription::BAD_RECORD_MAC));
}

/// How many messages each thread seals, with new keys after each.
const MESSAGES: u32 = 3000;

/// Seals messages of growing numbers; now and then with new keys, which the peer is now and then asked for as well.
fn seal_many(mut half: Box<dyn SendingHalf>, wire: &std::sync::mpsc::Sender<Vec<u8>>) {
    let mut outgoing = Buffer::new();
    for number in 0..MESSAGES {
        if number % 3 == 0 {
            half.update_keys(number % 2 == 0, &mut outgoing).unwrap();
        }
        seal(&mut *half, &number.to_be_bytes(), &mut outgoing);
        wire.send(outgoing.filled().to_vec()).unwrap();
        outgoing.clear();
    }
    half.close(&mut outgoing).unwrap();
    wire.send(outgoing.filled().to_vec()).unwrap();
}

fn open_many(mut half: Box<dyn ReceivingHalf>, wire: &std::sync::mpsc::Receiver<Vec<u8>>) {
    let (mut incoming, mut all, mut buffer) = (Buffer::new(), Vec::new(), [0; 100]);
    loop {
        match half.open(&mut incoming, &mut buffer).unwrap() {
            Opened::Data(count) => all.extend_from_slice(&buffer[..count]),
            Opened::NeedMore => incoming.extend(&wire.recv().unwrap()),
            Opened::Closed => break,
        }
    }
    let expected: Vec<u8> = (0..MESSAGES).flat_map(u32::to_be_bytes).collect();
    assert!(all == expected, "messages are lost, doubled or out of order");
}

#[test]
fn four_threads_renew_each_others_keys_and_lose_nothing() {
    let (client, server) = halves(TLS13);
    let (up, from_client) = std::sync::mpsc::channel();
    let (down, from_server) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || seal_many(client.sending, &up));
        scope.spawn(move || seal_many(server.sending, &down));
        scope.spawn(move || open_many(client.receiving, &from_server));
        scope.spawn(move || open_many(server.receiving, &from_client));
    });
}
