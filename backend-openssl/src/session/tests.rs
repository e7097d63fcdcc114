//! What only a session's inside shows: keys that run out, bounds, and pieces.

use std::sync::Arc;

use polytls_api::{
    Backend as _, ClientAuthentication, ClientConfig, ClientConfigBuilder, ConnectionInfo, Identity, Roots,
    ServerConfig, ServerConfigBuilder,
};

use super::*;
use crate::{
    OpenSsl, config,
    connection::{Client, Server},
    identity::ParsedIdentity,
};

/// A handshake that is complete on both ends, and what the server sent last on its way to the client.
struct Ends {
    near: OpenSslSession,
    far: OpenSslSession,
    to_near: Buffer,
}

impl Ends {
    fn new(
        version: ProtocolVersion,
        change: impl FnOnce(
            ClientConfigBuilder,
            ServerConfigBuilder,
            Identity,
        ) -> (ClientConfigBuilder, ServerConfigBuilder),
    ) -> Self {
        let backend = Arc::new(OpenSsl::new());
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let identity =
            Identity::from_der([made.cert.der().clone()], made.signing_key.serialize_der()).unwrap();
        let roots = Roots::from_der([made.cert.der().clone()]);
        let near = ClientConfig::builder(backend.clone()).roots(roots).protocol_versions([version]);
        let far = ServerConfig::builder(backend.clone(), identity.clone()).protocol_versions([version]);
        let (near, far) = change(near, far, identity.clone());
        let near = Client::new(config::client(backend.info().into(), &near.build().unwrap()).unwrap());
        let far = config::server(backend.info().into(), &far.build().unwrap()).unwrap();
        let record = far.shared.record;
        let far = Server::new(far);
        let mut info = ConnectionInfo::new(backend.info());
        let near = near.prepare(&"localhost".parse().unwrap(), &mut info).unwrap();
        let far = far.prepare(Arc::new(ParsedIdentity::new(&identity).unwrap()), None).unwrap();
        let session = |ssl, record| {
            let stream = SslStream::new(ssl, Wire::default()).unwrap();
            OpenSslSession::new(stream, version, None, record)
        };
        let (mut near, mut far) = (session(near, RECORD), session(far, record));
        let (mut to_near, mut to_far) = (Buffer::new(), Buffer::new());
        let mut done = (false, false);
        while done != (true, true) {
            let step = |session: &mut OpenSslSession| session.stream.do_handshake().is_ok();
            done.0 = done.0 || near.with_buffers(&mut to_near, &mut to_far, step);
            done.1 = done.1 || far.with_buffers(&mut to_far, &mut to_near, step);
        }
        Self { near, far, to_near }
    }

    /// Both ends, with nothing on its way.
    fn settled(mut self) -> (OpenSslSession, OpenSslSession) {
        let opened = self.near.open(&mut self.to_near, &mut Buffer::new(), &mut [0]);
        assert_eq!(opened.unwrap(), Opened::NeedMore);
        (self.near, self.far)
    }
}

/// Two ends of one connection, whose keys protect this many records.
fn ends(version: ProtocolVersion, records_per_key: u64) -> (OpenSslSession, OpenSslSession) {
    let (mut near, mut far) = Ends::new(version, |near, far, _| (near, far)).settled();
    for end in [&mut near, &mut far] {
        (end.records_per_key, end.records_left) = (records_per_key, records_per_key);
    }
    (near, far)
}

/// What arrives of these bytes.
fn opened(end: &mut OpenSslSession, wire: &mut Buffer, answers: &mut Buffer) -> Vec<u8> {
    let mut plaintext = vec![0; 1 << 16];
    match end.open(wire, answers, &mut plaintext).unwrap() {
        Opened::Data(count) => plaintext[..count].to_vec(),
        other => panic!("{other:?}"),
    }
}

/// The lengths of the records in a buffer.
fn records(wire: &Buffer) -> Vec<usize> {
    let (mut rest, mut lengths) = (wire.filled(), Vec::new());
    while let Some((&[_, _, _, high, low], after)) = rest.split_first_chunk() {
        lengths.push(usize::from(u16::from_be_bytes([high, low])));
        rest = &after[usize::from(u16::from_be_bytes([high, low]))..];
    }
    lengths
}

#[test]
fn keys_are_renewed_where_the_version_can_and_given_up_where_it_cannot() {
    for version in ProtocolVersion::ALL {
        let (mut near, mut far) = ends(version, 2);
        let (mut wire, mut answers) = (Buffer::new(), Buffer::new());
        let mut sealed = Vec::new();
        for round in 0..7_u8 {
            match near.seal(&[IoSlice::new(&[round])], &mut wire) {
                Ok(count) => assert_eq!(count, 1),
                Err(error) => {
                    assert_eq!((error.kind(), version), (&ErrorKind::KeysExhausted, ProtocolVersion::Tls12));
                    break;
                }
            }
            sealed.push(round);
        }
        assert_eq!(sealed.len(), if version == ProtocolVersion::Tls12 { 2 } else { 7 });
        let mut plaintext = [0; 16];
        let opened = far.open(&mut wire, &mut answers, &mut plaintext).unwrap();
        assert_eq!(opened, Opened::Data(sealed.len()));
        assert_eq!(plaintext[..sealed.len()], sealed);
        assert!(answers.is_empty(), "no update was asked of the peer");
    }
}

#[test]
fn answers_that_nobody_fetches_are_bounded() {
    let (mut near, _far) = ends(ProtocolVersion::Tls13, 2);
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
fn what_is_sealed_while_a_ticket_has_come_in_part_goes_out_when_it_is_whole() {
    // A ticket that holds the client's certificate takes more than one of the smallest records.
    let Ends { mut near, mut far, to_near } = Ends::new(ProtocolVersion::Tls13, |near, far, identity| {
        let roots = Roots::from_der(identity.chain().to_vec());
        let far = far.client_authentication(ClientAuthentication::Required).client_roots(roots);
        (near.identity(identity), far.max_record_plaintext(512).tickets_per_connection(1))
    });
    let lengths = records(&to_near);
    assert!(lengths.len() > 1, "{lengths:?}");
    let (first, rest) = to_near.filled().split_at(5 + lengths[0]);
    let (mut first_part, mut second_part) = (Buffer::new(), Buffer::new());
    first_part.extend(first);
    second_part.extend(rest);

    let (mut wire, mut answers) = (Buffer::new(), Buffer::new());
    assert_eq!(near.open(&mut first_part, &mut wire, &mut [0]).unwrap(), Opened::NeedMore);
    assert_eq!(near.seal(&[IoSlice::new(b"held")], &mut wire).unwrap(), 4);
    near.update_keys(true, &mut wire).unwrap();
    assert_eq!(near.seal(&[IoSlice::new(b" back")], &mut wire).unwrap(), 5);
    near.close(&mut wire).unwrap();
    assert!(wire.is_empty());
    assert_eq!(near.open(&mut second_part, &mut wire, &mut [0]).unwrap(), Opened::NeedMore);
    assert!(near.held.is_none());
    assert_eq!(opened(&mut far, &mut wire, &mut answers), b"held back");
    assert_eq!(far.open(&mut wire, &mut answers, &mut [0]).unwrap(), Opened::Closed);
}

#[test]
fn a_peer_that_leaves_its_message_incomplete_cannot_have_everything_held() {
    let Ends { mut near, to_near, .. } = Ends::new(ProtocolVersion::Tls13, |near, far, identity| {
        let roots = Roots::from_der(identity.chain().to_vec());
        let far = far.client_authentication(ClientAuthentication::Required).client_roots(roots);
        (near.identity(identity), far.max_record_plaintext(512))
    });
    let (mut part, mut wire) = (Buffer::new(), Buffer::new());
    part.extend(&to_near.filled()[..5 + records(&to_near)[0]]);
    assert_eq!(near.open(&mut part, &mut wire, &mut [0]).unwrap(), Opened::NeedMore);
    let piece = vec![0; SEALED_PER_CALL];
    let mut held = 0;
    let error = loop {
        match near.seal(&[IoSlice::new(&piece)], &mut wire) {
            Ok(count) => held += count,
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind(), held), (&ErrorKind::LimitExceeded, HELD_LIMIT));
}

#[test]
fn the_peer_is_asked_for_new_keys_once_until_it_has_answered() {
    let (mut near, mut far) = ends(ProtocolVersion::Tls13, 1 << 20);
    let (mut wire, mut answers) = (Buffer::new(), Buffer::new());
    let asked = |near: &OpenSslSession| {
        Connection::of(near.stream.ssl()).unwrap().key_update_asked.load(Ordering::Relaxed)
    };
    for round in 0..2 {
        near.update_keys(true, &mut wire).unwrap();
        near.update_keys(true, &mut wire).unwrap();
        assert_eq!(records(&wire).len(), 2);
        assert!(asked(&near));
        near.seal(&[IoSlice::new(&[round])], &mut wire).unwrap();
        assert_eq!(opened(&mut far, &mut wire, &mut answers), [round]);
        far.seal(&[IoSlice::new(&[round])], &mut answers).unwrap();
        // One KeyUpdate in answer to one request, and the data.
        assert_eq!(records(&answers).len(), 2);
        assert_eq!(opened(&mut near, &mut answers, &mut wire), [round]);
        assert!(!asked(&near));
    }
    let (mut near, _far) = ends(ProtocolVersion::Tls12, 1 << 20);
    let error = near.update_keys(true, &mut wire).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config(ConfigError::Invalid { .. })), "{error:?}");
    near.seal(&[IoSlice::new(b"goes on")], &mut wire).unwrap();
}

#[test]
fn records_are_as_small_as_was_asked_for_and_counted_one_by_one() {
    for version in ProtocolVersion::ALL {
        let (_near, mut far) =
            Ends::new(version, |near, far, _| (near, far.max_record_plaintext(512))).settled();
        far.records_left = 1000;
        let mut wire = Buffer::new();
        assert_eq!(far.seal(&[IoSlice::new(&[7; 5000])], &mut wire).unwrap(), 5000);
        let lengths = records(&wire);
        assert_eq!(lengths.len(), 10);
        assert!(lengths.iter().all(|&length| length <= 512 + 32), "{lengths:?}");
        assert_eq!(far.records_left, 990);
    }
}

#[test]
fn both_ends_export_the_same_and_no_context_is_not_an_empty_one_in_tls_1_2() {
    for version in ProtocolVersion::ALL {
        let (near, far) = ends(version, 1 << 20);
        let export = |end: &OpenSslSession, context: Option<&[u8]>| {
            let mut output = [0; 40];
            end.export_keying_material(&mut output, b"EXPORTER-\xff test", context).unwrap();
            output
        };
        for context in [None, Some(&b""[..]), Some(b"context")] {
            assert_eq!(export(&near, context), export(&far, context), "{version}");
        }
        assert_ne!(export(&near, None), export(&near, Some(b"context")));
        let same = export(&near, None) == export(&near, Some(b""));
        assert_eq!(same, version == ProtocolVersion::Tls13);
        for length in [0, 1 << 16] {
            let error = near.export_keying_material(&mut vec![0; length], b"label", None).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Config(ConfigError::Invalid { .. })), "{error:?}");
        }
        assert_ne!(export(&near, None), [0; 40], "the session works still");
    }
}

#[test]
fn a_record_waits_in_the_buffer_until_it_is_whole_and_its_plaintext_until_it_is_asked_for() {
    for version in ProtocolVersion::ALL {
        let (mut near, mut far) = ends(version, 1 << 20);
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
        assert_eq!((&*arrived, end), (&b"firstsecond"[..], Opened::Closed), "{version}");
        assert_eq!(far.open(&mut incoming, &mut answers, &mut [0]).unwrap(), Opened::Closed);
    }
}
