//! What only the inside of a session shows: keys that run out, bounds, and pieces.

use polytls_api::ProtocolVersion;

use super::*;
use crate::ends::{Ends, records};

/// AES-GCM's; what the count is of does not matter here.
const SUITE: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;

/// Two ends of one connection, of which the server sends at most this much in a record.
fn ends_with(record: usize) -> (OpenSslSession, OpenSslSession) {
    let change = |client, server: polytls_api::ServerConfigBuilder, _| {
        (client, if record == RECORD { server } else { server.max_record_plaintext(record) })
    };
    let Ends { client, server, record, .. } = Ends::new(ProtocolVersion::Tls12, change);
    (OpenSslSession::new(client, SUITE, RECORD), OpenSslSession::new(server, SUITE, record))
}

fn ends() -> (OpenSslSession, OpenSslSession) {
    ends_with(RECORD)
}

#[test]
fn keys_are_given_up_when_they_have_sealed_as_much_as_they_may() {
    let (mut near, mut far) = ends();
    near.records_left = 2;
    let (mut wire, mut answers) = (Buffer::new(), Buffer::new());
    near.seal(&[IoSlice::new(b"a")], &mut wire).unwrap();
    near.seal(&[IoSlice::new(b"b")], &mut wire).unwrap();
    let error = near.seal(&[IoSlice::new(b"c")], &mut wire).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::KeysExhausted);
    let mut plaintext = [0; 16];
    assert_eq!(far.open(&mut wire, &mut answers, &mut plaintext).unwrap(), Opened::Data(2));
    assert_eq!(&plaintext[..2], b"ab");
}

#[test]
fn there_are_no_other_keys_to_be_had() {
    let (mut near, _far) = ends();
    let mut wire = Buffer::new();
    let error = near.update_keys(true, &mut wire).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config(ConfigError::Invalid { .. })), "{error:?}");
    near.seal(&[IoSlice::new(b"goes on")], &mut wire).unwrap();
}

#[test]
fn answers_that_nobody_fetches_are_bounded() {
    let (mut near, _far) = ends();
    let mut waiting = Buffer::new();
    waiting.extend(&vec![0; ANSWERS_LIMIT + 1]);
    let error = near.open(&mut Buffer::new(), &mut waiting, &mut [0]).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (&ErrorKind::LimitExceeded, Phase::Established));
    assert!(near.seal(&[IoSlice::new(b"x")], &mut waiting).is_err());
}

#[test]
fn small_slices_go_together_and_large_ones_are_not_copied() {
    let large = vec![1; SEALED_PER_CALL + 1];
    let piece = |slices: &[&[u8]]| {
        let slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
        let piece = first_piece(&slices);
        (piece.len(), matches!(piece, Cow::Borrowed(_)))
    };
    assert_eq!(piece(&[]), (0, true));
    assert_eq!(piece(&[b"", b"ab", b""]), (2, true));
    assert_eq!(piece(&[b"ab", b"", b"c"]), (3, false));
    assert_eq!(piece(&[b"ab", &large]), (RECORD, false));
    assert_eq!(piece(&[&large, b"ab"]), (SEALED_PER_CALL, true));
}

#[test]
fn records_are_as_small_as_was_asked_for_and_counted_one_by_one() {
    let (_near, mut far) = ends_with(512);
    far.records_left = 1000;
    let mut wire = Buffer::new();
    assert_eq!(far.seal(&[IoSlice::new(&[7; 5000])], &mut wire).unwrap(), 5000);
    let lengths = records(&wire);
    assert_eq!(lengths.len(), 10);
    assert!(lengths.iter().all(|&length| length <= 512 + 32), "{lengths:?}");
    assert_eq!(far.records_left, 990);
}

#[test]
fn both_ends_export_the_same_and_no_context_is_not_an_empty_one() {
    let (near, far) = ends();
    let export = |end: &OpenSslSession, context: Option<&[u8]>| {
        let mut output = [0; 40];
        end.export_keying_material(&mut output, b"EXPORTER-\xff test", context).unwrap();
        output
    };
    for context in [None, Some(&b""[..]), Some(b"context")] {
        assert_eq!(export(&near, context), export(&far, context));
    }
    assert_ne!(export(&near, None), export(&near, Some(b"context")));
    assert_ne!(export(&near, None), export(&near, Some(b"")));
    for length in [0, 1 << 16] {
        let error = near.export_keying_material(&mut vec![0; length], b"label", None).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Config(ConfigError::Invalid { .. })), "{error:?}");
    }
    assert_ne!(export(&near, None), [0; 40], "the session works still");
}

#[test]
fn a_record_waits_in_the_buffer_until_it_is_whole_and_its_plaintext_until_it_is_asked_for() {
    let (mut near, mut far) = ends();
    let (mut wire, mut incoming, mut answers) = (Buffer::new(), Buffer::new(), Buffer::new());
    near.seal(&[IoSlice::new(b"first")], &mut wire).unwrap();
    near.seal(&[IoSlice::new(b"second")], &mut wire).unwrap();
    near.close(&mut wire).unwrap();
    let (mut lengths, mut arrived, mut in_part) = (records(&wire).into_iter(), Vec::new(), 0);
    let mut missing = 5 + lengths.next().unwrap();
    let mut end = Opened::NeedMore;
    for byte in wire.filled() {
        assert_eq!(end, Opened::NeedMore);
        assert_eq!(incoming.len(), in_part);
        incoming.extend(&[*byte]);
        (in_part, missing) = (in_part + 1, missing - 1);
        if missing == 0 {
            (in_part, missing) = (0, lengths.next().map_or(0, |length| 5 + length));
        }
        let mut one = [0];
        end = loop {
            match far.open(&mut incoming, &mut answers, &mut one).unwrap() {
                Opened::Data(count) => arrived.extend(&one[..count]),
                end => break end,
            }
        };
    }
    assert_eq!((&*arrived, end), (&b"firstsecond"[..], Opened::Closed));
    assert_eq!(far.open(&mut incoming, &mut answers, &mut [0]).unwrap(), Opened::Closed);
}
