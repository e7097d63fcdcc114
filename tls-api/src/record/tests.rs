//! The record layer against itself, over a cipher that is no cipher: what is tested is everything around it.

mod halves;

use std::io::IoSlice;

use super::*;
use crate::{AlertDescription, Buffer, ErrorKind, Opened, Session};

/// "Encrypts" by xor with a key byte, and "authenticates" by a sum: enough to notice any mix-up of keys,
/// nonces and additional data.
#[derive(Debug)]
struct XorCipher(u8);

impl XorCipher {
    fn tag(&self, nonce: [u8; NONCE_LEN], aad: &[u8], content: &[u8]) -> [u8; TAG_LEN] {
        let mut tag = [self.0; TAG_LEN];
        for (i, byte) in nonce.iter().chain(aad).chain(content).enumerate() {
            let slot = &mut tag[i % TAG_LEN];
            *slot = slot.rotate_left(3) ^ byte ^ i as u8;
        }
        tag
    }
}

impl RecordCipher for XorCipher {
    fn seal(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        trailer: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError> {
        sealed[..plaintext.len()].copy_from_slice(plaintext);
        sealed[plaintext.len()..plaintext.len() + trailer.len()].copy_from_slice(trailer);
        self.seal_in_place(nonce, aad, sealed)
    }

    fn seal_in_place(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError> {
        let (content, tag) = sealed.split_at_mut(sealed.len() - TAG_LEN);
        tag.copy_from_slice(&self.tag(nonce, aad, content));
        content.iter_mut().for_each(|byte| *byte ^= self.0);
        Ok(())
    }

    fn open(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), CipherError> {
        let mut copy = sealed.to_vec();
        self.open_in_place(nonce, aad, &mut copy)?;
        plaintext.copy_from_slice(&copy[..sealed.len() - TAG_LEN]);
        Ok(())
    }

    fn open_in_place(
        &mut self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), CipherError> {
        let (content, tag) = sealed.split_at_mut(sealed.len() - TAG_LEN);
        content.iter_mut().for_each(|byte| *byte ^= self.0);
        if self.tag(nonce, aad, content) == *tag { Ok(()) } else { Err(CipherError) }
    }
}

/// Keys that change by one with each update; counts tickets.
#[derive(Debug)]
struct Schedule {
    suite: CipherSuite,
    sending: u8,
    receiving: u8,
}

impl KeySchedule for Schedule {
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.sending = self.sending.wrapping_add(1);
        Ok(keys(self.suite, self.sending))
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error> {
        self.receiving = self.receiving.wrapping_add(1);
        Ok(keys(self.suite, self.receiving))
    }

    fn new_session_ticket(&mut self, body: &[u8]) -> Result<(), Error> {
        if body == b"ticket" { Ok(()) } else { Err(ErrorKind::InvalidMessage.into()) }
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        _context: Option<&[u8]>,
    ) -> Result<(), Error> {
        output.fill(label.len() as u8);
        Ok(())
    }
}

fn keys(suite: CipherSuite, key: u8) -> TrafficKeys {
    TrafficKeys::new(suite, Box::new(XorCipher(key)), [key ^ 0x55; NONCE_LEN], 0)
}

const SUITES: [CipherSuite; 3] = [
    CipherSuite::TLS_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];
const TLS13: CipherSuite = SUITES[0];

pub(crate) fn pair(suite: CipherSuite) -> (RecordSession, RecordSession) {
    let version = suite.version().unwrap();
    let session = |role, sending, receiving| {
        let schedule = Box::new(Schedule { suite, sending, receiving });
        RecordSession::new("test", role, version, keys(suite, sending), keys(suite, receiving), schedule)
    };
    (session(Role::Client, 10, 100), session(Role::Server, 100, 10))
}

fn seal(session: &mut RecordSession, slices: &[&[u8]], wire: &mut Buffer) -> usize {
    let slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
    session.seal(&slices, wire).unwrap()
}

/// Everything that `wire` holds for `session`, read with a buffer of `size`.
fn open_all(session: &mut RecordSession, wire: &mut Buffer, size: usize) -> Result<Vec<u8>, Error> {
    let mut all = Vec::new();
    let mut buffer = vec![0; size];
    loop {
        match session.open(wire, &mut Buffer::new(), &mut buffer)? {
            Opened::Data(count) => all.extend_from_slice(&buffer[..count]),
            Opened::NeedMore | Opened::Closed => return Ok(all),
        }
    }
}

/// Seals a message that is not application data, as a misbehaving peer would.
fn seal_raw(session: &mut RecordSession, content_type: ContentType, message: &[u8], wire: &mut Buffer) {
    session.seal_for_test(content_type, message, wire);
}

#[test]
fn what_is_sealed_is_opened_whatever_the_sizes() {
    let text: Vec<u8> = (0..100_000_u32).map(|i| (i % 253) as u8).collect();
    for suite in SUITES {
        for size in [1, 7, 16_384, 16_385, 70_000] {
            let (mut client, mut server) = pair(suite);
            let mut wire = Buffer::new();
            let mut sent = 0;
            while sent < text.len() {
                let rest = &text[sent..];
                let (head, tail) = rest.split_at(rest.len() / 3);
                sent += seal(&mut client, &[head, &[], tail], &mut wire);
            }
            assert_eq!(open_all(&mut server, &mut wire, size).unwrap(), text, "{suite} {size}");
            assert!(wire.is_empty());
        }
    }
}

#[test]
fn close_notify_is_the_end_and_data_before_it_is_not_lost() {
    for suite in SUITES {
        let (mut client, mut server) = pair(suite);
        let mut wire = Buffer::new();
        seal(&mut client, &[b"last words"], &mut wire);
        client.close(&mut wire).unwrap();
        let mut buffer = [0; 100];
        let mut open = || server.open(&mut wire, &mut Buffer::new(), &mut buffer).unwrap();
        assert_eq!(open(), Opened::Data(10));
        assert_eq!(open(), Opened::Closed);
        assert_eq!(open(), Opened::Closed);
    }
}

#[test]
fn any_changed_byte_ends_the_connection_and_yields_no_data() {
    for suite in SUITES {
        let (mut client, _) = pair(suite);
        let mut recorded = Buffer::new();
        seal(&mut client, &[b"attack at dawn"], &mut recorded);
        for offset in 0..recorded.len() {
            let (_, mut server) = pair(suite);
            let mut wire = Buffer::new();
            wire.extend(recorded.filled());
            wire.filled_mut()[offset] ^= 0x40;
            match open_all(&mut server, &mut wire, 100) {
                Ok(data) => {
                    // A longer length only makes it wait for the rest.
                    assert!((3..5).contains(&offset), "{suite}: offset {offset} was accepted");
                    assert!(data.is_empty());
                }
                Err(_) => {
                    assert!(open_all(&mut server, &mut wire, 100).is_err(), "a failed session lives on")
                }
            }
        }
    }
}

#[test]
fn a_fault_behind_good_data_is_reported_after_the_data() {
    let (mut client, mut server) = pair(TLS13);
    let mut wire = Buffer::new();
    seal(&mut client, &[b"good"], &mut wire);
    let fault = wire.len() + 7;
    seal(&mut client, &[b"bad"], &mut wire);
    wire.filled_mut()[fault] ^= 1;
    let (mut buffer, mut outgoing) = ([0; 100], Buffer::new());
    assert_eq!(server.open(&mut wire, &mut outgoing, &mut buffer).unwrap(), Opened::Data(4));
    let error = server.open(&mut wire, &mut outgoing, &mut buffer).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::BadRecord);
    assert_eq!(error.alert_sent(), Some(AlertDescription::BAD_RECORD_MAC));
    let error = open_all(&mut client, &mut outgoing, 100).unwrap_err();
    assert_eq!(error.alert_received(), Some(AlertDescription::BAD_RECORD_MAC));
}

#[test]
fn key_updates_are_followed_and_answered_before_the_next_data() {
    let (mut client, mut server) = pair(TLS13);
    let (mut up, mut down) = (Buffer::new(), Buffer::new());
    seal_raw(&mut client, ContentType::Handshake, &[24, 0, 0, 1, 1], &mut up);
    client.rekey_sending_for_test();
    seal(&mut client, &[b"under new keys"], &mut up);
    assert_eq!(open_all(&mut server, &mut up, 100).unwrap(), b"under new keys");
    seal(&mut server, &[b"answer"], &mut down);
    assert_eq!(open_all(&mut client, &mut down, 100).unwrap(), b"answer");
    assert_eq!(client.receiving_key_for_test(), "XorCipher(101)");
}

#[test]
fn keys_are_renewed_on_request_and_the_peer_is_asked_once_at_a_time() {
    let (mut client, mut server) = pair(TLS13);
    let (mut up, mut down) = (Buffer::new(), Buffer::new());
    for _ in 0..3 {
        client.update_keys(true, &mut up).unwrap();
        seal(&mut client, &[b"under new keys"], &mut up);
    }
    assert_eq!(open_all(&mut server, &mut up, 100).unwrap(), b"under new keys".repeat(3));
    assert_eq!(server.receiving_key_for_test(), "XorCipher(13)");
    // RFC 9846: three updates held one request, and one answer is enough.
    seal(&mut server, &[b"answer"], &mut down);
    seal(&mut server, &[b"and more"], &mut down);
    assert_eq!(open_all(&mut client, &mut down, 100).unwrap(), b"answerand more");
    assert_eq!(client.receiving_key_for_test(), "XorCipher(101)");
    // Once answered, it may ask again.
    client.update_keys(true, &mut up).unwrap();
    open_all(&mut server, &mut up, 100).unwrap();
    seal(&mut server, &[b"again"], &mut down);
    assert_eq!(open_all(&mut client, &mut down, 100).unwrap(), b"again");
    assert_eq!(client.receiving_key_for_test(), "XorCipher(102)");
}

#[test]
fn keys_are_renewed_without_a_request_and_never_in_tls12() {
    let (mut client, mut server) = pair(TLS13);
    let (mut up, mut down) = (Buffer::new(), Buffer::new());
    client.update_keys(false, &mut up).unwrap();
    open_all(&mut server, &mut up, 100).unwrap();
    seal(&mut server, &[b"as before"], &mut down);
    assert_eq!(open_all(&mut client, &mut down, 100).unwrap(), b"as before");
    assert_eq!(client.receiving_key_for_test(), "XorCipher(100)");

    let (mut client, mut server) = pair(SUITES[1]);
    let error = client.update_keys(true, &mut up).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Config(crate::ConfigError::no_key_update()));
    assert!(up.is_empty());
    seal(&mut client, &[b"goes on"], &mut up);
    assert_eq!(open_all(&mut server, &mut up, 100).unwrap(), b"goes on");
}

#[test]
fn no_record_holds_more_plaintext_than_the_limit() {
    for suite in SUITES {
        let (client, mut server) = pair(suite);
        let mut client = client.with_max_plaintext(600);
        let (text, mut wire) = (vec![7; 2000], Buffer::new());
        seal(&mut client, &[&text[..100], &text[100..]], &mut wire);
        let lengths = record_lengths(&wire);
        let overhead = lengths[0] - 600;
        assert!((TAG_LEN..=TAG_LEN + 8).contains(&overhead), "{suite}: {lengths:?}");
        assert_eq!(lengths, [600, 600, 600, 200].map(|content| content + overhead), "{suite}");
        assert_eq!(open_all(&mut server, &mut wire, 5000).unwrap(), text);
    }
}

/// The lengths of the records in `wire`, headers left out.
fn record_lengths(wire: &Buffer) -> Vec<usize> {
    let (mut lengths, mut rest) = (Vec::new(), wire.filled());
    while let Some((&[_, _, _, high, low], content)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        lengths.push(length);
        rest = &content[length..];
    }
    lengths
}

#[test]
fn padding_hides_the_length_in_tls13_and_never_fills_more_than_a_record() {
    let padding = RecordPadding::ToMultipleOf(std::num::NonZeroU16::new(100).unwrap());
    let sealed = |suite, slices: &[&[u8]], most| {
        let (client, mut server) = pair(suite);
        let (mut client, mut wire) = (client.with_max_plaintext(most).with_padding(padding), Buffer::new());
        seal(&mut client, slices, &mut wire);
        let lengths = record_lengths(&wire);
        assert_eq!(open_all(&mut server, &mut wire, 300).unwrap(), slices.concat());
        lengths
    };
    for (slices, padded) in
        [([&[7; 1][..], &[]], 100), ([&[7; 40], &[8; 60]], 100), ([&[7; 40], &[8; 61]], 200)]
    {
        assert_eq!(sealed(TLS13, &slices, 16_384), [padded + 1 + TAG_LEN]);
    }
    assert_eq!(sealed(TLS13, &[&[7; 250]], 120), [120, 120, 100].map(|padded| padded + 1 + TAG_LEN));
    assert_eq!(sealed(SUITES[2], &[&[7; 5]], 16_384), [5 + TAG_LEN]);
}

#[test]
fn each_side_keeps_to_the_limit_of_the_other_and_holds_it_to_its_own() {
    for (suite, most) in [(TLS13, 99), (SUITES[1], 100), (SUITES[2], 100)] {
        let limited = || {
            let (client, server) = pair(suite);
            (client, server.with_record_size_limits(None, Some(100)))
        };
        let (client, mut server) = limited();
        let mut client = client.with_record_size_limits(Some(100), None);
        let (text, mut wire) = (vec![7; 250], Buffer::new());
        seal(&mut client, &[&text], &mut wire);
        let overhead = record_lengths(&wire)[0] - most;
        assert_eq!(record_lengths(&wire), [most, most, 250 - 2 * most].map(|content| content + overhead));
        assert_eq!(open_all(&mut server, &mut wire, 1000).unwrap(), text, "{suite}");

        // One byte more than was said, into a buffer that it fits and one that it does not.
        for size in [1000, 10] {
            let (mut client, mut server) = limited();
            seal(&mut client, &[&vec![7; most + 1]], &mut wire);
            let error = open_all(&mut server, &mut wire, size).unwrap_err();
            assert_eq!(error.alert_sent(), Some(AlertDescription::RECORD_OVERFLOW), "{suite}");
            wire.clear();
        }
    }
}

#[test]
fn padding_counts_as_plaintext() {
    // RFC 8446 §5.4: 2^14 bytes, and one for the type.
    for (padding, whole) in [(8192, true), (8193, false)] {
        for size in [100_000, 10] {
            let (mut client, mut server) = pair(TLS13);
            let mut wire = Buffer::new();
            let inner = [&[7; 8192][..], &[23], &vec![0; padding]].concat();
            client.seal_inner_for_test(&inner, &mut wire);
            match open_all(&mut server, &mut wire, size) {
                Ok(data) => assert!(whole && data == [7; 8192]),
                Err(error) => {
                    assert_eq!(error.alert_sent(), Some(AlertDescription::RECORD_OVERFLOW));
                    assert!(!whole);
                }
            }
        }
    }
}

#[test]
fn single_records_of_any_content_are_sealed_and_opened_where_they_are() {
    for suite in SUITES {
        let version = suite.version().unwrap();
        let (mut sending, mut receiving) = (keys(suite, 9), keys(suite, 9));
        let framing = RecordFraming::new(version).with_max_plaintext(10);
        for (content_type, content) in [
            (ContentType::Handshake, &b"a message"[..]),
            (ContentType::Alert, &[]),
            (ContentType::ApplicationData, b"0123456789"),
        ] {
            let mut wire = Buffer::new();
            let taken = sending.seal(framing, content_type, &[IoSlice::new(content)], &mut wire).unwrap();
            assert_eq!(taken, content.len());
            let record = wire.filled_mut();
            let (opened, place) = receiving.open_in_place(version, record, 10).unwrap();
            assert_eq!((opened, &record[place]), (content_type, content));
        }
        let mut wire = Buffer::new();
        sending.seal(framing, ContentType::Handshake, &[IoSlice::new(b"0123456789")], &mut wire).unwrap();
        for cut in 0..wire.len() {
            let error = keys(suite, 9).open_in_place(version, &mut wire.filled().to_vec()[..cut], 10);
            assert_eq!(error.unwrap_err(), RecordError::NotAuthentic, "{suite} {cut}");
        }
        let error = receiving.open_in_place(version, wire.filled_mut(), 9).unwrap_err();
        assert_eq!(error, RecordError::TooLong);
    }
}

#[test]
fn used_up_keys_are_renewed_in_tls13_and_end_the_connection_in_tls12() {
    let (mut client, mut server) = pair(TLS13);
    let mut wire = Buffer::new();
    client.exhaust_for_test();
    seal(&mut client, &[b"still safe"], &mut wire);
    assert_eq!(open_all(&mut server, &mut wire, 100).unwrap(), b"still safe");

    let (mut client, _) = pair(SUITES[1]);
    client.exhaust_for_test();
    let error = client.seal(&[IoSlice::new(b"x")], &mut wire).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::KeysExhausted);
}

#[test]
fn at_the_last_epoch_a_request_goes_unanswered_and_the_keys_stay() {
    let (mut client, mut server) = pair(TLS13);
    let (mut up, mut down) = (Buffer::new(), Buffer::new());
    server.last_epoch_for_test();
    client.update_keys(true, &mut up).unwrap();
    open_all(&mut server, &mut up, 100).unwrap();
    seal(&mut server, &[b"as before"], &mut down);
    assert_eq!(open_all(&mut client, &mut down, 100).unwrap(), b"as before");
    assert_eq!(client.receiving_key_for_test(), "XorCipher(100)");
    let error = server.update_keys(false, &mut down).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::KeysExhausted);
}

/// How many of one record a peer may send before it is refused.
fn tolerated(suite: CipherSuite, content_type: ContentType, message: &[u8], rekey: bool) -> u32 {
    let (mut client, mut server) = pair(suite);
    for sent in 0..1000 {
        let mut wire = Buffer::new();
        seal_raw(&mut client, content_type, message, &mut wire);
        if rekey {
            client.rekey_sending_for_test();
        }
        if let Err(error) = open_all(&mut server, &mut wire, 100) {
            assert_eq!(error.kind(), &ErrorKind::LimitExceeded);
            return sent;
        }
    }
    panic!("a flood is tolerated for ever");
}

#[test]
fn floods_of_records_that_bring_nothing_are_bounded() {
    assert_eq!(tolerated(TLS13, ContentType::ApplicationData, &[], false), 32);
    assert_eq!(tolerated(TLS13, ContentType::Handshake, &[24, 0, 0, 1, 0], true), 32);
    assert_eq!(tolerated(TLS13, ContentType::Alert, &[1, 90], false), 4);
    assert_eq!(tolerated(SUITES[1], ContentType::ApplicationData, &[], false), 32);
    assert_eq!(tolerated(SUITES[1], ContentType::Alert, &[1, 100], false), 4);
    assert_eq!(tolerated(SUITES[1], ContentType::Handshake, &[0, 0, 0, 0], false), 1);
}

#[test]
fn messages_that_have_no_place_here_are_refused_with_the_alert_that_the_rfc_names() {
    use AlertDescription as A;
    let cases: [(ContentType, &[u8], A); 11] = [
        (ContentType::Handshake, &[], A::UNEXPECTED_MESSAGE),
        // A server sends no certificate requests after the handshake here, and a client no tickets.
        (ContentType::Handshake, &[13, 0, 0, 0], A::UNEXPECTED_MESSAGE),
        (ContentType::Handshake, b"\x04\0\0\x06ticket", A::UNEXPECTED_MESSAGE),
        (ContentType::Handshake, &[24, 0, 0, 1, 2], A::ILLEGAL_PARAMETER),
        (ContentType::Handshake, &[24, 0, 0, 0], A::DECODE_ERROR),
        (ContentType::Handshake, &[24, 0, 0, 1, 0, 24], A::UNEXPECTED_MESSAGE),
        (ContentType::Handshake, &[4, 0, 64, 1], A::UNEXPECTED_MESSAGE),
        (ContentType::Alert, &[1], A::DECODE_ERROR),
        (ContentType::Alert, &[2, 40, 2, 40], A::DECODE_ERROR),
        (ContentType::ChangeCipherSpec, &[1], A::UNEXPECTED_MESSAGE),
        // RFC 8446 §5.4.
        (ContentType::Alert, &[], A::UNEXPECTED_MESSAGE),
    ];
    for (content_type, message, alert) in cases {
        assert_eq!(answer_of(pair(TLS13), content_type, message), alert, "{message:?}");
    }
    assert_eq!(answer_of(pair(SUITES[1]), ContentType::ChangeCipherSpec, &[1]), A::UNEXPECTED_MESSAGE);
    assert_eq!(answer_of(pair(SUITES[1]), ContentType::Alert, &[]), A::DECODE_ERROR);
}

/// The alert with which the second of `pair` answers this record of the first.
fn answer_of(
    (mut sender, mut receiver): (RecordSession, RecordSession),
    content_type: ContentType,
    message: &[u8],
) -> AlertDescription {
    let mut wire = Buffer::new();
    // An empty message makes an empty record.
    seal_raw(&mut sender, content_type, message, &mut wire);
    open_all(&mut receiver, &mut wire, 100).unwrap_err().alert_sent().unwrap()
}

#[test]
fn an_alert_ends_the_connection_unless_its_version_has_it_as_a_warning() {
    use AlertDescription as A;
    let outcome = |suite, alert: [u8; 2]| {
        let (mut client, mut server) = pair(suite);
        let mut wire = Buffer::new();
        seal_raw(&mut client, ContentType::Alert, &alert, &mut wire);
        match open_all(&mut server, &mut wire, 100) {
            Ok(_) => None,
            Err(error) => Some((error.alert_received().unwrap(), error.alert_sent().unwrap())),
        }
    };
    for suite in SUITES {
        assert_eq!(outcome(suite, [2, 40]), Some((A::HANDSHAKE_FAILURE, A::CLOSE_NOTIFY)));
        assert_eq!(outcome(suite, [3, 40]), Some((A::HANDSHAKE_FAILURE, A::ILLEGAL_PARAMETER)));
        assert_eq!(outcome(suite, [1, 90]), None, "{suite}");
    }
    assert_eq!(outcome(TLS13, [1, 41]), Some((A::from_code(41), A::DECODE_ERROR)));
    assert_eq!(outcome(TLS13, [2, 90]), None);
    assert_eq!(outcome(SUITES[1], [1, 41]), None);
    assert_eq!(outcome(SUITES[1], [2, 90]), Some((A::USER_CANCELED, A::CLOSE_NOTIFY)));
}

#[test]
fn where_renegotiation_is_fatal_the_first_request_ends_the_connection() {
    use AlertDescription as A;
    let to_client = |message: &[u8]| {
        let (client, server) = pair(SUITES[1]);
        answer_of((server, client.with_renegotiation_fatal()), ContentType::Handshake, message)
    };
    let to_server = |message: &[u8]| {
        let (client, server) = pair(SUITES[1]);
        answer_of((client, server.with_renegotiation_fatal()), ContentType::Handshake, message)
    };
    assert_eq!(to_client(&[0, 0, 0, 0]), A::NO_RENEGOTIATION);
    assert_eq!(to_client(&[0, 0, 0, 1, 1]), A::DECODE_ERROR);
    assert_eq!(to_client(&[12, 0, 0, 0]), A::UNEXPECTED_MESSAGE);
    assert_eq!(to_server(&[1, 0, 0, 40]), A::NO_RENEGOTIATION);
    assert_eq!(to_server(&[0, 0, 0, 0]), A::UNEXPECTED_MESSAGE);

    // In parts it is one when it is whole, and nothing may stand between them.
    for (content_type, rest, alert) in [
        (ContentType::Handshake, &[0, 0][..], A::NO_RENEGOTIATION),
        (ContentType::ApplicationData, b"data", A::UNEXPECTED_MESSAGE),
    ] {
        let (client, mut server) = pair(SUITES[1]);
        let (mut client, mut wire) = (client.with_renegotiation_fatal(), Buffer::new());
        seal_raw(&mut server, ContentType::Handshake, &[0, 0], &mut wire);
        assert!(open_all(&mut client, &mut wire, 100).is_ok());
        assert_eq!(answer_of((server, client), content_type, rest), alert);
    }
}

#[test]
fn a_message_that_has_begun_keeps_no_more_storage_than_it_needs() {
    let (mut client, mut server) = pair(TLS13);
    let (mut wire, mut earlier) = (Buffer::new(), Buffer::new());
    seal_raw(&mut server, ContentType::Handshake, b"\x04", &mut wire);
    // Storage that the next buffer of this thread would get.
    earlier.extend(&[0; 100_000]);
    drop(earlier);
    assert_eq!(open_all(&mut client, &mut wire, 100).unwrap(), b"");
    assert!(client.handshake_storage_for_test() < 100);
    seal_raw(&mut server, ContentType::Handshake, b"\0\0\x06ticket", &mut wire);
    assert_eq!(open_all(&mut client, &mut wire, 100).unwrap(), b"");
    assert_eq!(client.handshake_storage_for_test(), 0);
}

#[test]
fn nothing_follows_close_notify() {
    for suite in SUITES {
        let (mut client, mut server) = pair(suite);
        let (mut up, mut down) = (Buffer::new(), Buffer::new());
        server.close(&mut down).unwrap();
        if suite != TLS13 {
            seal_raw(&mut client, ContentType::Handshake, &[1, 0, 0, 0], &mut up);
            assert_eq!(server.open(&mut up, &mut down, &mut [0; 10]).unwrap(), Opened::NeedMore);
        }
        seal(&mut client, &[b"data"], &mut up);
        *up.filled_mut().last_mut().unwrap() ^= 1;
        assert_eq!(server.open(&mut up, &mut down, &mut [0; 10]).unwrap_err().kind(), &ErrorKind::BadRecord);
        assert_eq!(record_lengths(&down).len(), 1, "{suite}");
        assert_eq!(client.open(&mut down, &mut up, &mut [0; 10]).unwrap(), Opened::Closed);
    }
}

#[test]
fn a_ticket_reaches_the_backend_even_in_fragments() {
    let (mut client, mut server) = pair(TLS13);
    let mut wire = Buffer::new();
    for fragment in [b"\x04\0\0\x06ti".as_slice(), b"cket"] {
        seal_raw(&mut server, ContentType::Handshake, fragment, &mut wire);
    }
    seal(&mut server, &[b"data"], &mut wire);
    assert_eq!(open_all(&mut client, &mut wire, 100).unwrap(), b"data");

    // RFC 8446 §5.1: nothing may stand between fragments.
    seal_raw(&mut server, ContentType::Handshake, b"\x04\0\0\x06ti", &mut wire);
    seal(&mut server, &[b"data"], &mut wire);
    let error = open_all(&mut client, &mut wire, 100).unwrap_err();
    assert_eq!(error.alert_sent(), Some(AlertDescription::UNEXPECTED_MESSAGE));
}

#[test]
fn padding_is_removed_and_a_record_of_padding_alone_is_refused() {
    let (mut client, mut server) = pair(TLS13);
    let mut wire = Buffer::new();
    client.seal_inner_for_test(b"padded\x17\0\0\0\0", &mut wire);
    assert_eq!(open_all(&mut server, &mut wire, 100).unwrap(), b"padded");
    client.seal_inner_for_test(b"\0\0\0\0", &mut wire);
    let error = open_all(&mut server, &mut wire, 100).unwrap_err();
    assert_eq!(error.alert_sent(), Some(AlertDescription::UNEXPECTED_MESSAGE));
}

#[test]
fn a_header_that_no_record_may_have_is_refused_before_its_body_comes() {
    for (header, alert) in [
        ([23, 3, 3, 0x41, 0x01], AlertDescription::RECORD_OVERFLOW),
        ([22, 3, 3, 0, 5], AlertDescription::UNEXPECTED_MESSAGE),
        ([20, 3, 3, 0, 1], AlertDescription::UNEXPECTED_MESSAGE),
        ([23, 9, 3, 0, 20], AlertDescription::PROTOCOL_VERSION),
    ] {
        let (_, mut server) = pair(TLS13);
        let mut wire = Buffer::new();
        wire.extend(&header);
        let error = open_all(&mut server, &mut wire, 100).unwrap_err();
        assert_eq!(error.alert_sent(), Some(alert), "{header:?}");
    }
}
