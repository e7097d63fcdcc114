//! What must hold for any bytes: hellos of real clients, as they came from the wire, are changed and cut at random.
//!
//! `recorded/` has the first flights of clients that connected to `server.example` on the loopback interface; they
//! are the seeds of the fuzz target too.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{
    ClientHello, HelloObserver, IncomingHello,
    deframe::{Deframer, MAX_CLIENT_HELLO},
    tests::{CLIENT_HELLO, HANDSHAKE, alpn, extension, message, records, server_name, vector8, vector16},
};
use crate::{AlertDescription, Buffer, Error};

macro_rules! recorded {
    ($($client:literal)*) => {
        &[$(($client, include_bytes!(concat!("recorded/", $client, ".bin")))),*]
    };
}

const RECORDED: &[(&str, &[u8])] =
    recorded!("chromium" "curl" "gnutls" "go" "java" "node" "openssl" "openssl_tls12" "rustls");

/// The bodies of recorded hellos; each came in one record.
fn recorded_bodies() -> Vec<Vec<u8>> {
    RECORDED.iter().map(|(_, bytes)| bytes[9..].to_vec()).collect()
}

#[test]
fn hellos_of_real_clients_are_read() {
    for (client, bytes) in RECORDED {
        let mut outgoing = Buffer::new();
        let outcome = IncomingHello::default().read(bytes, &mut outgoing);
        let hello = outcome.unwrap_or_else(|| panic!("{client}: it is whole")).unwrap();
        assert_eq!(hello.server_name(), Some("server.example"), "{client}");
        assert_eq!(hello, ClientHello::parse(&bytes[9..]).unwrap(), "{client}");
        assert_eq!(hello.has_grease(), *client == "chromium", "{client}");
    }
}

#[test]
fn real_clients_have_the_fingerprints_that_others_see() {
    // curl with OpenSSL 3.0 as a whole; Chromium and Go by their suites, since each release has other extensions.
    let expected = [
        ("curl", "t13d3112h2_e8f1e7e78f70_b26ce05bbdd6"),
        ("chromium", "8daaf6152771"),
        ("go", "f57a46bbacb6"),
    ];
    for (client, expected) in expected {
        let (_, bytes) = RECORDED.iter().find(|(name, _)| *name == client).unwrap();
        let fingerprint = ClientHello::parse(&bytes[9..]).unwrap().ja4();
        assert!(
            fingerprint.split('_').any(|part| part == expected) || fingerprint == expected,
            "{client}: {fingerprint}"
        );
    }
}

/// Any body: noise, one of a plausible form, or a real one with some bytes changed.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => vec(any::<u8>(), 0..2000),
        4 => plausible_body(),
        4 => changed_body(),
    ]
}

/// The right form, with known extensions that have any contents.
fn plausible_body() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![0_u16, 10, 13, 16, 35, 41, 42, 43, 45, 51, 0x1a1a]);
    let nested = vec(vec(any::<u8>(), 0..6), 0..4).prop_map(|items| {
        let items: Vec<u8> = items.iter().flat_map(|item| vector16(item)).collect();
        vector16(&items)
    });
    let data = prop_oneof![vec(any::<u8>(), 0..40), nested];
    let other = (known, data).prop_map(|(extension_type, data)| extension(extension_type, &data));
    let name = vec(any::<u8>(), 0..300).prop_map(|name| server_name(&name));
    let protocols = vec(vec(any::<u8>(), 0..5), 0..4)
        .prop_map(|names| alpn(&names.iter().map(Vec::as_slice).collect::<Vec<_>>()));
    let extensions = vec(prop_oneof![6 => other, 1 => name, 1 => protocols], 0..12);
    (vec(any::<u8>(), 0..34), vec(any::<u8>(), 0..9), extensions).prop_map(
        |(session_id, suites, extensions)| {
            let (session_id, suites) = (vector8(&session_id), vector16(&suites));
            [&[3, 3][..], &[7; 32], &session_id, &suites, &vector8(&[0]), &vector16(&extensions.concat())]
                .concat()
        },
    )
}

fn changed_body() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), 0..4_u8, any::<u8>());
    (prop::sample::select(recorded_bodies()), vec(change, 0..4)).prop_map(|(mut body, changes)| {
        for (at, change, value) in changes {
            let at = at.index(body.len());
            match change {
                0 => body.insert(at, value),
                1 => drop(body.remove(at)),
                2 => body[at] = value,
                _ => body[at] = body[at].wrapping_add(1),
            }
        }
        body
    })
}

/// Everything that a hello can be asked.
fn ask_everything(hello: &ClientHello) -> Result<(), TestCaseError> {
    prop_assert!(hello.server_name().is_none_or(|name| (1..=255).contains(&name.len())));
    prop_assert!(hello.alpn().all(|name| (1..=255).contains(&name.len())));
    prop_assert!(hello.protocol_versions().all(|version| hello.offers_version(version)));
    prop_assert!(hello.psk_identities().all(|psk| !psk.identity.is_empty()));
    prop_assert!(hello.extension_types().iter().all(|extension| hello.has_extension(*extension)));
    let parts: Vec<usize> = hello.ja4().split('_').map(str::len).collect();
    prop_assert_eq!(parts, [10, 12, 12]);
    let debug = format!("{hello:?}");
    prop_assert!(debug.starts_with("ClientHello"), "{}", debug);
    Ok(())
}

/// What comes of these bytes in pieces of these sizes, in turn: the outcome, and the alert for the client.
type Found = (Option<Result<ClientHello, Option<AlertDescription>>>, Vec<u8>);

fn read_in_pieces(bytes: &[u8], pieces: &[usize]) -> Result<Found, TestCaseError> {
    let (mut hello, mut outgoing) = (IncomingHello::default(), Buffer::new());
    let (mut came, mut outcome) = (0, None);
    for piece in pieces.iter().cycle() {
        came = (came + piece).min(bytes.len());
        outcome = hello.read(&bytes[..came], &mut outgoing);
        // Vectors grow by doubling.
        prop_assert!(hello.held() <= 2 * MAX_CLIENT_HELLO);
        if outcome.is_some() || came == bytes.len() {
            break;
        }
    }
    let outcome = outcome.map(|outcome| outcome.map_err(|error: Error| error.alert_sent()));
    Ok((outcome, outgoing.filled().to_vec()))
}

fn some_sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1..4_usize, 1..300_usize, Just(20_000)], 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_is_a_hello_or_refused(body in any_body()) {
        if let Ok(hello) = ClientHello::parse(&body) {
            ask_everything(&hello)?;
        }
    }

    #[test]
    fn the_answer_does_not_depend_on_how_the_bytes_come(
        body in any_body(),
        record_sizes in some_sizes(),
        pieces in some_sizes(),
    ) {
        let hello = message(CLIENT_HELLO, &body);
        let (mut rest, mut bytes) = (&hello[..], Vec::new());
        for size in record_sizes.iter().cycle().map(|size| size.min(&16_384)) {
            let (fragment, after) = rest.split_at(rest.len().min(*size));
            bytes.extend(records(fragment, 16_384));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let whole = ClientHello::parse_or_alert(&body).map_err(|malformed| Some(malformed.alert));
        let (found, alert) = read_in_pieces(&bytes, &pieces)?;
        prop_assert_eq!(alert, whole.as_ref().err().map_or(vec![], |alert| sent(*alert)));
        prop_assert_eq!(found, Some(whole));
    }

    #[test]
    fn any_bytes_of_a_connection_are_a_hello_or_refused_or_not_enough(
        noise in vec(any::<u8>(), 0..500),
        header in prop_oneof![Just(vec![]), Just(vec![HANDSHAKE]), Just(vec![HANDSHAKE, 3, 1, 1, 0, CLIENT_HELLO, 0])],
        pieces in some_sizes(),
    ) {
        let bytes = [header, noise].concat();
        let (found, alert) = read_in_pieces(&bytes, &pieces)?;
        let (at_once, same_alert) = read_in_pieces(&bytes, &[bytes.len().max(1)])?;
        prop_assert_eq!(found, at_once);
        prop_assert_eq!(alert, same_alert);
    }

    #[test]
    fn the_observer_sees_what_the_parser_sees(body in any_body(), pieces in some_sizes()) {
        let bytes = records(&message(CLIENT_HELLO, &body), 16_384);
        let (mut observer, mut rest) = (HelloObserver::default(), &bytes[..]);
        for piece in pieces.iter().cycle() {
            let (piece, after) = rest.split_at(rest.len().min(*piece));
            observer.received(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(observer.client_hello_seen());
        if let Ok(hello) = ClientHello::parse(&body) {
            prop_assert_eq!(observer.server_name(), hello.server_name());
            prop_assert!(observer.client_alpn().iter().map(Vec::as_slice).eq(hello.alpn()));
        }
    }
}

fn sent(alert: Option<AlertDescription>) -> Vec<u8> {
    alert.map(|alert| alert.plaintext_record().to_vec()).unwrap_or_default()
}

#[test]
fn enough_of_what_is_made_up_is_a_hello() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut count = |strategy: BoxedStrategy<Vec<u8>>| {
        (0..500)
            .filter(|_| ClientHello::parse(&strategy.new_tree(&mut runner).unwrap().current()).is_ok())
            .count()
    };
    let (plausible, changed) = (count(plausible_body().boxed()), count(changed_body().boxed()));
    assert!(plausible > 5 && changed > 150, "{plausible} and {changed} of 500: too few to prove anything");
    assert!(plausible < 400 && changed < 450, "{plausible} and {changed} of 500: too few are refused");
    assert_eq!(Deframer::default().held(), 0);
}
