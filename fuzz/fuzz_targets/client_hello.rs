//! Any bytes of a client: the parser and the observer never panic, and agree.

#![no_main]

use libfuzzer_sys::fuzz_target;
use polytls_api::{ClientHello, HelloObserver};

/// The header of a record and that of a message.
const HEADERS: usize = 5 + 4;

fuzz_target!(|flight: &[u8]| {
    let mut at_once = HelloObserver::default();
    at_once.received(flight);
    let mut byte_by_byte = HelloObserver::default();
    flight.chunks(1).for_each(|byte| byte_by_byte.received(byte));
    assert_eq!(at_once.client_hello_seen(), byte_by_byte.client_hello_seen());
    assert_eq!(at_once.server_name(), byte_by_byte.server_name());
    assert_eq!(at_once.client_alpn(), byte_by_byte.client_alpn());

    let Some(Ok(hello)) = flight.get(HEADERS..).map(ClientHello::parse) else { return };
    assert_eq!(hello.ja4().len(), 36);
    assert!(hello.alpn().all(|name| !name.is_empty()));
    assert!(hello.psk_identities().all(|psk| !psk.identity.is_empty()));
    assert!(hello.protocol_versions().all(|version| hello.offers_version(version)));
});
