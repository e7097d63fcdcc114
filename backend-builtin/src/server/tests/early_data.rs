//! Early data: taken once and whole, passed over, or too much of it (RFC 8446 §4.2.10, §4.5, §8).

use std::time::Duration;

use polytls_api::EarlyDataStatus;

use super::{client13::Client13, *};
use crate::{
    tests::instead,
    wire::handshake::{Finished, HandshakeType as Type},
};

/// More than the default of the servers here.
const MOST: u32 = 100;

/// A session whose ticket allows early data.
fn early_session() -> ServerSession {
    ServerSession { max_early_data: MOST, ..session(ProtocolVersion::Tls13) }
}

/// A client that resumes with early data.
fn client<'e>(server: &TestServer, session: &ServerSession, data: &[&[u8]]) -> Client13<'e> {
    Client13 {
        psks: vec![resumption13::psk(server.ticket(session))],
        early_data: data.iter().map(|data| data.to_vec()).collect(),
        ..Client13::default()
    }
}

/// What became of a client's early data, and whether it resumed.
fn outcome(server: &TestServer, mut client: Client13<'_>) -> (EarlyDataStatus, bool) {
    let established = server.run(|written| client.answer(written)).unwrap();
    assert_eq!(client.seen.early_data_accepted, established.early_data.is_some());
    (established.info.early_data, established.info.resumed.unwrap())
}

#[test]
fn early_data_comes_whole_up_to_what_was_allowed() {
    let server = TestServer::taking_early_data(MOST);
    let half = [1; MOST as usize / 2];
    let mut honest = client(&server, &early_session(), &[&half, &half]);
    let established = server.run(|written| honest.answer(written)).unwrap();
    assert_eq!(established.early_data.unwrap().as_bytes(), [1; MOST as usize]);
    assert_eq!(established.info.early_data, EarlyDataStatus::Accepted);
    let mut greedy = client(&server, &early_session(), &[&half, &half, &[1]]);
    let refused = server.run(|written| greedy.answer(written));
    assert_refused(&refused, Alert::UNEXPECTED_MESSAGE, "a byte more than was allowed");
}

#[test]
fn early_data_is_off_unless_the_application_takes_it() {
    let server = TestServer::new();
    let honest = client(&server, &early_session(), &[b"early"]);
    assert_eq!(outcome(&server, honest), (EarlyDataStatus::Rejected, true));
}

#[test]
fn early_data_is_for_the_first_key_and_the_protocol_of_its_session() {
    let server = TestServer::taking_early_data(MOST);
    let honest = client(&server, &session(ProtocolVersion::Tls13), &[b"early"]);
    assert_eq!(outcome(&server, honest), (EarlyDataStatus::Rejected, true), "its ticket allows none");
    let alpn = |hello: &mut ClientHello<'_>| hello.extensions.alpn = Some(vec![b"h2"]);
    let honest = Client13 { edit_hello: &alpn, ..client(&server, &early_session(), &[b"early"]) };
    assert_eq!(outcome(&server, honest), (EarlyDataStatus::Rejected, true), "another protocol");
    let mut second = client(&server, &early_session(), &[b"early"]);
    second.psks.insert(0, resumption13::psk(vec![1; 60]));
    assert_eq!(outcome(&server, second), (EarlyDataStatus::Rejected, true), "the second key");
}

#[test]
fn early_data_of_a_hello_that_was_made_before_is_not_taken() {
    let server = TestServer::taking_early_data(MOST);
    let of_age = |seconds: u64| {
        let created = SystemTime::now() - Duration::from_secs(seconds);
        client(&server, &ServerSession { created, ..early_session() }, &[b"early"])
    };
    assert_eq!(outcome(&server, of_age(50)), (EarlyDataStatus::Accepted, true));
    assert_eq!(outcome(&server, of_age(70)), (EarlyDataStatus::Rejected, true));
    let ticket = server.ticket(&early_session());
    for (status, resumed) in [(EarlyDataStatus::Accepted, true), (EarlyDataStatus::Rejected, false)] {
        let again = Client13 {
            psks: vec![resumption13::psk(ticket.clone())],
            ..client(&server, &early_session(), &[b"early"])
        };
        assert_eq!(outcome(&server, again), (status, resumed));
    }
}

#[test]
fn early_data_that_is_refused_is_passed_over_up_to_a_bound() {
    let server = TestServer::new();
    let record = [1; 1000];
    // With 22 bytes around each, 16 of these are in the 16 KiB and the 17th is not.
    let honest = client(&server, &early_session(), &[&record[..]; 16]);
    assert_eq!(outcome(&server, honest), (EarlyDataStatus::Rejected, true));
    let mut greedy = client(&server, &early_session(), &[&record[..]; 17]);
    let refused = server.run(|written| greedy.answer(written));
    assert_refused(&refused, Alert::UNEXPECTED_MESSAGE, "more than is passed over");
}

#[test]
fn early_data_before_a_request_for_another_hello_is_passed_over() {
    let server = TestServer::taking_early_data(MOST);
    let without_share = |hello: &mut ClientHello<'_>| hello.extensions.key_share = Some(Vec::new());
    let honest = Client13 { edit_hello: &without_share, ..client(&server, &early_session(), &[b"early"]) };
    assert_eq!(outcome(&server, honest), (EarlyDataStatus::Rejected, true));
    let record = [1; 1000];
    let mut greedy =
        Client13 { edit_hello: &without_share, ..client(&server, &early_session(), &[&record[..]; 17]) };
    let refused = server.run(|written| greedy.answer(written));
    assert_refused(&refused, Alert::UNEXPECTED_MESSAGE, "more than is passed over");
}

#[test]
fn early_data_ends_as_it_must() {
    let server = TestServer::taking_early_data(MOST);
    let finished = Finished { verify_data: &[0; 32] }.encode();
    for (case, alert, message) in [
        ("a Finished instead", Alert::UNEXPECTED_MESSAGE, finished),
        ("an end with content", Alert::DECODE_ERROR, vec![5, 0, 0, 1, 0]),
        ("no end", Alert::BAD_RECORD_MAC, Vec::new()),
        ("more behind the end", Alert::UNEXPECTED_MESSAGE, vec![5, 0, 0, 0, 20, 0, 0]),
    ] {
        let edit = instead(Type::END_OF_EARLY_DATA, message);
        let mut client = Client13 { edit: &edit, ..client(&server, &early_session(), &[b"early"]) };
        assert_refused(&server.run(|written| client.answer(written)), alert, case);
    }
    // Refused, it has no end.
    let server = TestServer::new();
    let edit = instead(Type::FINISHED, vec![5, 0, 0, 0]);
    let mut client = Client13 { edit: &edit, ..client(&server, &early_session(), &[b"early"]) };
    let refused = server.run(|written| client.answer(written));
    assert_refused(&refused, Alert::UNEXPECTED_MESSAGE, "an end of what was refused");
}
