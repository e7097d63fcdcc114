//! Two ends that go on under OpenSSL's secrets, and against OpenSSL's own record layer.

use polytls_api::{
    AlertDescription, ClientAuthentication, ClientConfigBuilder, ConfigError, Identity, Opened, Roots,
    ServerConfigBuilder, Session,
};

use super::*;
use crate::{
    config::RECORD,
    ends::{Ends, records},
    ffi,
};

type Changed = (ClientConfigBuilder, ServerConfigBuilder);

fn suite(stream: &SslStream<Wire>) -> CipherSuite {
    CipherSuite::from_code(u16::from_be_bytes(stream.ssl().current_cipher().unwrap().protocol_id()))
}

/// A session over one end.
fn session(stream: SslStream<Wire>, record: usize) -> RecordSession {
    let suite = suite(&stream);
    super::session(stream, suite.version().unwrap(), suite, record, None).unwrap()
}

/// Clients that present a certificate, which the server's tickets then hold.
fn mutual(client: ClientConfigBuilder, server: ServerConfigBuilder, identity: Identity) -> Changed {
    let roots = Roots::from_der(identity.chain().to_vec());
    let server = server.client_authentication(ClientAuthentication::Required).client_roots(roots);
    (client.identity(identity), server)
}

fn seal(session: &mut RecordSession, data: &[u8], wire: &mut Buffer) {
    assert_eq!(session.seal(&[IoSlice::new(data)], wire).unwrap(), data.len());
}

#[track_caller]
fn assert_opens(session: &mut RecordSession, wire: &mut Buffer, data: &[u8]) {
    let mut plaintext = vec![0; data.len() + 64];
    let opened = session.open(wire, &mut Buffer::new(), &mut plaintext).unwrap();
    assert_eq!(opened, Opened::Data(data.len()));
    assert_eq!(&plaintext[..data.len()], data);
}

#[test]
fn the_count_of_records_goes_on_from_the_tickets() {
    for suite in [
        CipherSuite::TLS_AES_128_GCM_SHA256,
        CipherSuite::TLS_AES_256_GCM_SHA384,
        CipherSuite::TLS_CHACHA20_POLY1305_SHA256,
    ] {
        for (tickets, fragment) in [(0, RECORD), (1, RECORD), (4, RECORD), (3, 512)] {
            let ends = Ends::new(ProtocolVersion::Tls13, |client, server, identity| {
                let (client, server) = mutual(client, server, identity);
                let server = match tickets {
                    0 => server.resumption(false),
                    _ => server.tickets_per_connection(tickets),
                };
                (client.cipher_suites([suite]), server.max_record_plaintext(fragment))
            });
            let Ends { client, server, record, mut to_client, .. } = ends;
            assert!(records(&to_client).len() >= tickets.into());
            let (mut client, mut server) = (session(client, RECORD), session(server, record));
            let mut to_server = Buffer::new();
            seal(&mut server, b"down", &mut to_client);
            seal(&mut client, b"up", &mut to_server);
            assert_opens(&mut client, &mut to_client, b"down");
            assert_opens(&mut server, &mut to_server, b"up");
        }
    }
}

/// Lets OpenSSL's own record layer read what has come, and then do as it is told.
fn with_openssl(
    stream: &mut SslStream<Wire>,
    incoming: &mut Buffer,
    outgoing: &mut Buffer,
    act: impl FnOnce(&mut SslStream<Wire>),
) -> Vec<u8> {
    stream.get_mut().swap(incoming, outgoing);
    let (mut read, mut piece) = (Vec::new(), [0; 64]);
    while let Ok(count @ 1..) = stream.ssl_read(&mut piece) {
        read.extend_from_slice(&piece[..count]);
    }
    act(stream);
    stream.get_mut().swap(incoming, outgoing);
    read
}

#[test]
fn openssl_understands_it_with_new_keys_too() {
    let Ends { client, mut server, mut to_client, .. } =
        Ends::new(ProtocolVersion::Tls13, |client, server, _| (client, server));
    let mut client = session(client, RECORD);
    let mut to_server = Buffer::new();
    for round in 0..3 {
        seal(&mut client, b"to OpenSSL", &mut to_server);
        client.update_keys(true, &mut to_server).unwrap();
        seal(&mut client, b", under the next keys", &mut to_server);
        let answer = b"from OpenSSL, which was asked for new keys";
        let read = with_openssl(&mut server, &mut to_server, &mut to_client, |server| {
            assert_eq!(server.ssl_write(answer).unwrap(), answer.len());
        });
        assert_eq!(read, b"to OpenSSL, under the next keys", "{round}");
        assert_opens(&mut client, &mut to_client, answer);
    }
}

#[test]
fn openssl_understands_every_suite_of_tls_1_2_and_no_explicit_nonce_is_used_twice() {
    for &suite in CipherSuite::NAMED {
        if suite.version() != Some(ProtocolVersion::Tls12) {
            continue;
        }
        // What the ends have for a certificate is ECDSA.
        if !suite.name().unwrap().contains("ECDSA") {
            continue;
        }
        let Ends { client, mut server, mut to_client, .. } =
            Ends::new(ProtocolVersion::Tls12, |client, server, _| (client.cipher_suites([suite]), server));
        let finished = client.get_ref().explicit_nonce_of_finished();
        let mut client = session(client, RECORD);
        let (mut to_server, mut nonces) = (Buffer::new(), vec![finished]);
        for round in 0..3 {
            seal(&mut client, b"to OpenSSL", &mut to_server);
            nonces.push(to_server.filled()[5..].first_chunk().copied());
            let read = with_openssl(&mut server, &mut to_server, &mut to_client, |server| {
                assert_eq!(server.ssl_write(b"from OpenSSL").unwrap(), 12);
            });
            assert_eq!(read, b"to OpenSSL", "{suite} {round}");
            assert_opens(&mut client, &mut to_client, b"from OpenSSL");
        }
        let uses_explicit_nonces = suite.name().unwrap().contains("GCM");
        assert_eq!(finished.is_some(), uses_explicit_nonces, "{suite}");
        nonces.sort();
        nonces.dedup();
        assert!(!uses_explicit_nonces || nonces.len() == 4, "{suite}");
        assert!(client.update_keys(true, &mut to_server).is_err(), "there are no other keys to be had");
        seal(&mut client, b"goes on", &mut to_server);
    }
}

#[test]
fn a_server_of_tls_1_2_is_understood_too() {
    let Ends { mut client, server, record, .. } =
        Ends::new(ProtocolVersion::Tls12, |client, server, _| (client, server.max_record_plaintext(512)));
    let mut server = session(server, record);
    let (mut to_client, mut to_server) = (Buffer::new(), Buffer::new());
    seal(&mut server, &[7; 5000], &mut to_client);
    let lengths = records(&to_client);
    assert_eq!(lengths.len(), 10);
    assert!(lengths.iter().all(|&length| length <= 512 + 32), "{lengths:?}");
    let read = with_openssl(&mut client, &mut to_client, &mut to_server, |client| {
        assert_eq!(client.ssl_write(b"from OpenSSL").unwrap(), 12);
    });
    assert_eq!(read, [7; 5000]);
    assert_opens(&mut server, &mut to_server, b"from OpenSSL");
    server.close(&mut to_client).unwrap();
    with_openssl(&mut client, &mut to_client, &mut to_server, |client| {
        assert!(client.get_shutdown().contains(ShutdownState::RECEIVED));
    });
}

#[test]
fn openssl_reads_each_ticket_whatever_keys_it_came_under_and_in_how_many_parts() {
    let Ends { client, mut server, mut to_client, sessions, .. } =
        Ends::new(ProtocolVersion::Tls13, |client, server, identity| {
            let (client, server) = mutual(client, server, identity);
            (client, server.max_record_plaintext(512).tickets_per_connection(1))
        });
    assert!(records(&to_client).len() > 1, "the ticket takes more than one record");
    let mut client = session(client, RECORD);
    let name = "localhost".parse().unwrap();
    let (mut wire, mut answers) = (to_client.filled().to_vec(), Buffer::new());
    for round in 0..3 {
        // No byte of it comes with another.
        let mut incoming = Buffer::new();
        for byte in wire {
            assert!(sessions.take(&name).is_none());
            incoming.extend(&[byte]);
            let opened = client.open(&mut incoming, &mut answers, &mut [0]).unwrap();
            assert!(opened == Opened::NeedMore || (opened == Opened::Data(1) && round > 0));
        }
        assert!(sessions.take(&name).is_some(), "{round}");
        assert!(sessions.take(&name).is_none(), "{round}");

        to_client = Buffer::new();
        client.update_keys(true, &mut answers).unwrap();
        with_openssl(&mut server, &mut answers, &mut to_client, |server| {
            // Before the byte goes the answer to the request for new keys.
            server.ssl_write(&[round]).unwrap();
            ffi::add_ticket(server).unwrap();
            server.do_handshake().unwrap();
        });
        wire = to_client.filled().to_vec();
    }
}

#[test]
fn a_ticket_that_openssl_cannot_read_ends_the_connection() {
    let Ends { client, server, to_client, sessions, .. } =
        Ends::new(ProtocolVersion::Tls13, |client, server, _| (client, server.resumption(false)));
    assert!(to_client.is_empty());
    let secrets = Connection::of(server.ssl()).unwrap().secrets.take(suite(&server), true).unwrap();
    let mut server = secrets.sending.expand().unwrap().keys(secrets.sent).unwrap();
    let mut client = session(client, RECORD);

    let ticket = [NEW_SESSION_TICKET, 0, 0, 3, 1, 2, 3];
    let framing = RecordFraming::new(ProtocolVersion::Tls13);
    let (mut wire, mut answers) = (Buffer::new(), Buffer::new());
    server.seal(framing, ContentType::Handshake, &[IoSlice::new(&ticket)], &mut wire).unwrap();
    let error = client.open(&mut wire, &mut answers, &mut [0]).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (&ErrorKind::InvalidMessage, Phase::Established), "{error:?}");
    assert_eq!(records(&answers).len(), 1, "an alert");
    assert!(client.seal(&[IoSlice::new(b"x")], &mut answers).is_err());
    assert!(sessions.take(&"localhost".parse().unwrap()).is_none());
}

#[test]
fn both_ends_export_the_same_and_no_context_is_not_an_empty_one_in_tls_1_2() {
    for version in ProtocolVersion::ALL {
        let Ends { client, server, record, .. } = Ends::new(version, |client, server, _| (client, server));
        let (client, server) = (session(client, RECORD), session(server, record));
        let export = |end: &RecordSession, context: Option<&[u8]>| {
            let mut output = [0; 40];
            end.export_keying_material(&mut output, b"EXPORTER-\xff test", context).unwrap();
            output
        };
        for context in [None, Some(&b""[..]), Some(b"context")] {
            assert_eq!(export(&client, context), export(&server, context), "{version}");
        }
        assert_ne!(export(&client, None), export(&client, Some(b"context")));
        let same = export(&client, None) == export(&client, Some(b""));
        assert_eq!(same, version == ProtocolVersion::Tls13);
        for length in [0, 1 << 16] {
            let error = client.export_keying_material(&mut vec![0; length], b"label", None).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Config(ConfigError::Invalid { .. })), "{error:?}");
        }
        assert_ne!(export(&client, None), [0; 40], "the session works still");
    }
}

#[test]
fn without_its_secrets_there_is_no_session() {
    let Ends { client, .. } = Ends::new(ProtocolVersion::Tls13, |client, server, _| (client, server));
    let suite = suite(&client);
    Connection::of(client.ssl()).unwrap().secrets.take(suite, false).unwrap();
    let error = super::session(client, ProtocolVersion::Tls13, suite, RECORD, None).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Backend);
}

#[test]
fn records_are_as_short_as_a_client_was_promised() {
    for version in ProtocolVersion::ALL {
        let Ends { client, server, record, mut to_client, .. } =
            Ends::asking(version, 2, |client, server, _| (client, server.resumption(false)));
        let (mut client, mut server) = (session(client, RECORD), session(server, record));
        seal(&mut server, &[7; 5000], &mut to_client);
        let lengths = records(&to_client);
        assert_eq!(lengths.len(), 5, "{version}: {lengths:?}");
        assert!(lengths.iter().all(|&length| length <= 1024 + 32), "{version}: {lengths:?}");

        let mut to_server = Buffer::new();
        seal(&mut client, &[7; 1024], &mut to_server);
        assert_opens(&mut server, &mut to_server, &[7; 1024]);
        // A client that goes beyond what it has asked for itself.
        let mut client = client.with_max_plaintext(1025);
        seal(&mut client, &[7; 1025], &mut to_server);
        let refused = server.open(&mut to_server, &mut Buffer::new(), &mut [0; 2048]).unwrap_err();
        assert_eq!(refused.alert_sent(), Some(AlertDescription::RECORD_OVERFLOW), "{version}");
    }
}
