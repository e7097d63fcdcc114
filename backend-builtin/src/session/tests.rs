//! The secrets of a connection at both its ends, and what becomes of a ticket.

use std::{
    io::IoSlice,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use polytls_api::{
    AlertDescription, Buffer, CipherSuite, ClientConfig, ConfigError, ErrorKind,
    record::{ContentType, RecordFraming},
};

use super::*;
use crate::{
    Builtin,
    crypto::{Digest, HashAlgorithm, Secret, SharedSecret},
    key_schedule::{HandshakeSecret, MasterSecret},
};

const SUITE: CipherSuite = CipherSuite::TLS_AES_128_GCM_SHA256;

fn master() -> (MasterSecret, Digest) {
    let secret = HandshakeSecret::without_psk(HashAlgorithm::Sha256, &SharedSecret::from_vector(&[7; 32]));
    (secret.master(), HashAlgorithm::Sha256.hash(b"transcript"))
}

/// Both ends of a connection, the client's first.
fn both(tickets: Option<(Tickets, ResumptionSecret)>) -> [Box<dyn KeySchedule>; 2] {
    let (master, transcript) = master();
    let (client, server) = (master.client_traffic(&transcript), master.server_traffic(&transcript));
    let end = |sending: &TrafficSecret, receiving: &TrafficSecret, tickets| {
        let secrets = Secrets13 {
            suite: Suite::of(SUITE).unwrap(),
            sending: sending.clone(),
            receiving: receiving.clone(),
            exporter: master.exporter(&transcript),
            tickets,
        };
        secrets.into_schedule()
    };
    [end(&client, &server, tickets), end(&server, &client, None)]
}

fn sessions() -> ClientSessions {
    ClientSessions::new(&ClientConfig::builder(Arc::new(Builtin::new())).build().unwrap())
}

fn server() -> ServerName {
    "server.example".parse().unwrap()
}

fn tickets(sessions: &ClientSessions) -> (Tickets, ResumptionSecret) {
    let (master, transcript) = master();
    let tickets = Tickets {
        sessions: sessions.clone(),
        server: server(),
        background: Background::default(),
        alpn: Some(b"h2"[..].into()),
        verified: SystemTime::now(),
        peer_chain: vec![vec![1, 2, 3].into()].into(),
    };
    (tickets, master.resumption(&transcript))
}

fn take(sessions: &ClientSessions) -> Option<ClientSession> {
    match pin!(sessions.take(&server())).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(session) => session,
        Poll::Pending => panic!("sessions in memory are there at once"),
    }
}

fn ticket(lifetime: u32) -> NewSessionTicket<'static> {
    NewSessionTicket {
        lifetime,
        age_add: 5,
        nonce: &[1],
        ticket: b"ticket",
        max_early_data_size: Some(900),
        grease: None,
    }
}

/// The body of a message, which is what follows its header.
fn body(message: &NewSessionTicket<'_>) -> Vec<u8> {
    message.encode()[4..].to_vec()
}

#[test]
fn each_update_of_one_side_is_the_others_and_no_keys_come_twice() {
    let [mut client, mut server] = both(None);
    let framing = RecordFraming::new(ProtocolVersion::Tls13);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (mut sending, mut receiving) =
            (client.next_sending_keys().unwrap(), server.next_receiving_keys().unwrap());
        let mut wire = Buffer::new();
        sending.seal(framing, ContentType::Alert, &[IoSlice::new(b"same")], &mut wire).unwrap();
        assert!(!seen.contains(&wire.filled().to_vec()));
        seen.push(wire.filled().to_vec());
        let (_, place) = receiving.open_in_place(ProtocolVersion::Tls13, wire.filled_mut(), 100).unwrap();
        assert_eq!(&wire.filled()[place], b"same");
    }
}

#[test]
fn a_ticket_is_kept_with_all_that_resumption_needs() {
    let sessions = sessions();
    let [mut client, _] = both(Some(tickets(&sessions)));
    client.new_session_ticket(&body(&ticket(60))).unwrap();
    let session = take(&sessions).unwrap();
    let (master, transcript) = master();
    assert_eq!(session.secret.as_bytes(), master.resumption(&transcript).psk(&[1]).as_bytes());
    assert_eq!((session.version, session.suite), (ProtocolVersion::Tls13, SUITE));
    assert_eq!((session.ticket.as_slice(), session.age_add), (&b"ticket"[..], 5));
    assert_eq!(session.lifetime, Duration::from_secs(60));
    assert_eq!((session.max_early_data, session.alpn.as_deref()), (900, Some(&b"h2"[..])));
    assert_eq!(session.peer_chain.len(), 1);
    // RFC 8446 §4.6.1: a lifetime of zero says that it is to be discarded.
    client.new_session_ticket(&body(&ticket(0))).unwrap();
    assert!(take(&sessions).is_none());
}

#[test]
fn a_ticket_is_read_even_where_none_is_kept() {
    let [mut client, _] = both(None);
    client.new_session_ticket(&body(&ticket(60))).unwrap();
    let cut = &body(&ticket(60))[..9];
    let error = client.new_session_ticket(cut).unwrap_err();
    assert_eq!(error.alert_sent(), Some(AlertDescription::DECODE_ERROR));
}

#[test]
fn key_material_is_the_same_at_both_ends_and_other_for_another_label() {
    let export = |secrets: &dyn KeySchedule, label: &[u8]| {
        let mut output = [0; 40];
        secrets.export_keying_material(&mut output, label, Some(b"context")).unwrap();
        output
    };
    let [client, server] = both(None);
    assert_eq!(export(&*client, b"label"), export(&*server, b"label"));
    assert_ne!(export(&*client, b"label"), export(&*server, b"other"));
    let error = client.export_keying_material(&mut [], b"label", None).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Config(ConfigError::Invalid { .. })));
}

#[test]
fn tls12_exports_and_has_neither_key_updates_nor_late_tickets() {
    let master = MasterSecret12::resumed(HashAlgorithm::Sha256, Secret::of(&[7; 48]));
    let mut secrets = Secrets12::new(&master, [1; 32], [2; 32]);
    let (mut without, mut with) = ([0; 40], [0; 40]);
    secrets.export_keying_material(&mut without, b"label", None).unwrap();
    secrets.export_keying_material(&mut with, b"label", Some(&[])).unwrap();
    assert_ne!(without, with);
    assert!(secrets.next_sending_keys().is_err() && secrets.next_receiving_keys().is_err());
    let error = secrets.new_session_ticket(&body(&ticket(60))).unwrap_err();
    assert_eq!(error.alert_sent(), Some(AlertDescription::UNEXPECTED_MESSAGE));
}
