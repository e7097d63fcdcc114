//! Tickets of TLS 1.3: what resumes, what gets a full handshake, and what ends one.

use std::time::Duration;

use super::{
    client13::{Client13, Psk},
    *,
};
use crate::{key_schedule::PskKind, tests::flip_end_of, wire::handshake::HandshakeType as Type};

/// The key of [`session`], by its ticket, as old as it is.
pub(super) fn psk(ticket: Vec<u8>) -> Psk {
    let session = session(ProtocolVersion::Tls13);
    Psk {
        identity: ticket,
        obfuscated_ticket_age: session.age_add,
        secret: session.secret,
        kind: PskKind::Resumption,
    }
}

/// Whether a client with the ticket of this session resumes it.
fn resumes(server: &TestServer, session: &ServerSession) -> bool {
    let mut client = Client13 { psks: vec![psk(server.ticket(session))], ..Client13::default() };
    let established = server.run(|written| client.answer(written)).unwrap();
    let resumed = established.info.resumed.unwrap();
    assert_eq!(client.seen.selected_identity, resumed.then_some(0));
    assert_eq!(client.seen.kinds.contains(&Type::CERTIFICATE), !resumed);
    resumed
}

#[test]
fn a_session_goes_on_in_its_time_and_as_it_was() {
    let server = TestServer::new();
    let good = session(ProtocolVersion::Tls13);
    assert!(resumes(&server, &good));
    let ago = |seconds| SystemTime::now() - Duration::from_secs(seconds);
    assert!(resumes(&server, &ServerSession { created: ago(590), ..good.clone() }));
    assert!(!resumes(&server, &ServerSession { created: ago(601), ..good.clone() }), "its time is over");
    let suite = CipherSuite::TLS_CHACHA20_POLY1305_SHA256;
    assert!(!resumes(&server, &ServerSession { suite, ..good.clone() }), "another suite");
    let server_name = Some("other.example".into());
    assert!(!resumes(&server, &ServerSession { server_name, ..good.clone() }), "another name");
    let tls12 = ServerSession { version: ProtocolVersion::Tls12, ..good.clone() };
    assert!(!resumes(&server, &tls12), "another version");
    let other = TestServer::new();
    let mut client = Client13 { psks: vec![psk(other.ticket(&good))], ..Client13::default() };
    let info = server.run(|written| client.answer(written)).unwrap().info;
    assert_eq!(info.resumed, Some(false), "another server's ticket");
}

#[test]
fn a_key_is_taken_with_a_proof_and_a_key_exchange_alone() {
    let server = TestServer::new();
    let offered = || vec![psk(server.ticket(&session(ProtocolVersion::Tls13)))];
    let edit = flip_end_of(Type::CLIENT_HELLO);
    let mut client = Client13 { psks: offered(), edit: &edit, ..Client13::default() };
    let outcome = server.run(|written| client.answer(written));
    assert_refused(&outcome, Alert::DECRYPT_ERROR, "a binder that does not verify");
    let without = |hello: &mut ClientHello<'_>| hello.extensions.psk_key_exchange_modes = None;
    let mut client = Client13 { psks: offered(), edit_hello: &without, ..Client13::default() };
    let outcome = server.run(|written| client.answer(written));
    assert_refused(&outcome, Alert::MISSING_EXTENSION, "no psk_key_exchange_modes");
    let psk_ke = |hello: &mut ClientHello<'_>| hello.extensions.psk_key_exchange_modes = Some(vec![0]);
    let mut client = Client13 { psks: offered(), edit_hello: &psk_ke, ..Client13::default() };
    let info = server.run(|written| client.answer(written)).unwrap().info;
    assert_eq!(info.resumed, Some(false), "a resumption without a key exchange");
}

#[test]
fn each_key_has_its_binder() {
    let server = TestServer::new();
    let offered = vec![psk(server.ticket(&session(ProtocolVersion::Tls13)))];
    let two = |hello: &mut ClientHello<'_>| {
        if let Some(offered) = &mut hello.extensions.pre_shared_key {
            offered.binders.push(&[0; 32]);
        }
    };
    let mut client = Client13 { psks: offered, edit_hello: &two, ..Client13::default() };
    let outcome = server.run(|written| client.answer(written));
    assert_refused(&outcome, Alert::ILLEGAL_PARAMETER, "two binders for one key");
}

#[test]
fn the_first_key_that_is_known_is_chosen_of_the_first_four() {
    let server = TestServer::new();
    let known = psk(server.ticket(&session(ProtocolVersion::Tls13)));
    let unknown = |of: u8| Psk { identity: vec![of; 50], ..known.clone() };
    for (before, chosen) in [(0_u8, Some(0)), (3, Some(3)), (4, None)] {
        let psks = (0..before).map(unknown).chain([known.clone()]).collect();
        let mut client = Client13 { psks, ..Client13::default() };
        let info = server.run(|written| client.answer(written)).unwrap().info;
        assert_eq!((client.seen.selected_identity, info.resumed), (chosen, Some(chosen.is_some())));
    }
}

#[test]
fn a_ticket_of_a_stranger_shows_no_more_than_that_there_is_none() {
    let server = TestServer::new();
    let mut changed = server.ticket(&session(ProtocolVersion::Tls13));
    if let Some(last) = changed.last_mut() {
        *last ^= 1;
    }
    let mut client = Client13 { psks: vec![psk(changed)], ..Client13::default() };
    assert_eq!(server.run(|written| client.answer(written)).unwrap().info.resumed, Some(false));
}
