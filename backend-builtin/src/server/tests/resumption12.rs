//! Sessions of TLS 1.2: what goes on, what gets a full handshake, and what ends one (RFC 5077, RFC 7627).

use std::time::Duration;

use super::{client12::Client12, *};
use crate::{tests::flip_end_of, wire::handshake::HandshakeType as Type};

fn client<'e>(server: &TestServer, session: &ServerSession) -> Client12<'e> {
    Client12 { session: Some(session.secret.clone()), ticket: server.ticket(session), ..Client12::default() }
}

/// Whether a client with the ticket of this session resumes it.
fn resumes(server: &TestServer, session: &ServerSession) -> bool {
    let mut client = client(server, session);
    let resumed = server.run(|written| client.answer(written)).unwrap().info.resumed.unwrap();
    assert_eq!(client.seen.kinds.contains(&Type::CERTIFICATE), !resumed);
    resumed
}

#[test]
fn a_session_goes_on_in_its_time_and_as_it_was() {
    let server = TestServer::new();
    let good = session(ProtocolVersion::Tls12);
    assert!(resumes(&server, &good));
    let created = SystemTime::now() - Duration::from_secs(601);
    assert!(!resumes(&server, &ServerSession { created, ..good.clone() }), "its time is over");
    let suite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
    assert!(!resumes(&server, &ServerSession { suite, ..good.clone() }), "another suite");
    let server_name = Some("other.example".into());
    assert!(!resumes(&server, &ServerSession { server_name, ..good.clone() }), "another name");
    let tls13 = ServerSession { version: ProtocolVersion::Tls13, ..good.clone() };
    assert!(!resumes(&server, &tls13), "another version");
    let plain = ServerSession { extended_master_secret: false, ..good };
    assert!(!resumes(&server, &plain), "RFC 7627 §5.3: a session without extended_master_secret");
}

#[test]
fn a_session_with_extended_master_secret_is_not_resumed_without() {
    let server = TestServer::new();
    let without = |hello: &mut ClientHello<'_>| hello.extensions.extended_master_secret = false;
    let good = session(ProtocolVersion::Tls12);
    let mut stripped = Client12 { edit_hello: &without, ..client(&server, &good) };
    let outcome = server.run(|written| stripped.answer(written));
    assert_refused(&outcome, Alert::HANDSHAKE_FAILURE, "extended_master_secret is gone");
    let plain = ServerSession { extended_master_secret: false, ..good };
    let mut plain = Client12 { edit_hello: &without, ..client(&server, &plain) };
    assert_eq!(server.run(|written| plain.answer(written)).unwrap().info.resumed, Some(true));
}

#[test]
fn a_client_that_resumes_has_the_sessions_secret() {
    let server = TestServer::new();
    let edit = flip_end_of(Type::FINISHED);
    let mut client = Client12 { edit: &edit, ..client(&server, &session(ProtocolVersion::Tls12)) };
    let outcome = server.run(|written| client.answer(written));
    assert_refused(&outcome, Alert::DECRYPT_ERROR, "a Finished that does not verify");
}

#[test]
fn a_ticket_is_promised_to_who_takes_one() {
    let server = TestServer::new();
    for (takes, promised) in [(true, true), (false, false)] {
        let edit = move |hello: &mut ClientHello<'_>| {
            hello.extensions.session_ticket = hello.extensions.session_ticket.filter(|_| takes);
        };
        let mut client = Client12 { edit_hello: &edit, ..Client12::default() };
        server.run(|written| client.answer(written)).unwrap();
        assert_eq!(client.seen.promises_ticket, promised);
    }
}
