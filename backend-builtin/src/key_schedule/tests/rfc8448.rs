//! RFC 8448's handshakes, byte for byte: every secret, key, Finished and protected record of §3 to §7.
//!
//! Only the private keys and the messages are taken from a trace. What follows from them is derived here in the order
//! of the handshake and compared; in the end no value of the trace may be left that was not.

use std::{cell::RefCell, collections::BTreeMap, io::IoSlice};

use polytls_api::{
    Buffer, CertificateDer, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme,
    record::{ContentType, RecordFraming, TrafficKeys},
};

use super::{
    super::{
        EarlySecret, HandshakeSecret, MasterSecret, PskKind, Suite, TrafficSecret, Transcript,
        TranscriptBuffer,
        tls13::{FinishedKey, derive_secret, expand_label},
    },
    hex,
};
use crate::crypto::{HashAlgorithm, KeyShare, PeerKey, Secret, SharedSecret, hkdf::Prk};

const HASH: HashAlgorithm = HashAlgorithm::Sha256;

#[test]
fn simple_1_rtt_handshake() {
    let trace = Trace::parse(include_str!("rfc8448/simple_1_rtt.txt"));
    follow(&trace, NamedGroup::X25519);
    trace.assert_all_seen();
}

#[test]
fn resumed_0_rtt_handshake() {
    let trace = Trace::parse(include_str!("rfc8448/resumed_0_rtt.txt"));
    follow(&trace, NamedGroup::X25519);
    trace.assert_all_seen();
}

#[test]
fn hello_retry_request() {
    let trace = Trace::parse(include_str!("rfc8448/hello_retry_request.txt"));
    assert_eq!(trace.key_share("client_x25519_private_key", NamedGroup::X25519).public_key().len(), 32);
    follow(&trace, NamedGroup::SECP256R1);
    trace.assert_all_seen();
}

#[test]
fn client_authentication() {
    let trace = Trace::parse(include_str!("rfc8448/client_authentication.txt"));
    follow(&trace, NamedGroup::X25519);
    trace.assert_all_seen();
}

#[test]
fn compatibility_mode() {
    let trace = Trace::parse(include_str!("rfc8448/compatibility_mode.txt"));
    follow(&trace, NamedGroup::X25519);
    trace.assert_all_seen();
}

#[test]
fn a_ticket_of_the_first_handshake_is_what_the_second_resumes() {
    let first = Trace::parse(include_str!("rfc8448/simple_1_rtt.txt"));
    let second = Trace::parse(include_str!("rfc8448/resumed_0_rtt.txt"));
    assert_eq!(first.take("resumption_psk"), second.take("psk"));
}

/// Beyond the RFC: what its first handshake's secrets give here, worked out with another HKDF.
#[test]
fn key_updates_and_exports_of_the_first_handshake() {
    let trace = Trace::parse(include_str!("rfc8448/simple_1_rtt.txt"));
    let mut transcript = follow_hellos(&trace);
    let shared = shared_secret(&trace, NamedGroup::X25519);
    for message in [
        "server_hello",
        "encrypted_extensions",
        "server_certificate",
        "server_certificate_verify",
        "server_finished",
    ] {
        transcript.add(trace.take(message));
    }
    let master = HandshakeSecret::without_psk(HASH, &shared).master();
    let next = master.client_traffic(&transcript.hash()).next();
    let expected = "fcdfcc72725aaee48bf64e4fd8b749cdbdbab39d90da0b26e2245ca6ea167207";
    assert_eq!(next.as_bytes(), hex(expected));

    let exporter = master.exporter(&transcript.hash());
    let export = |label: &[u8], context: Option<&[u8]>, len: usize| {
        let mut out = vec![0; len];
        exporter.export(label, context, &mut out).map(|()| out)
    };
    let label = b"export_test_label";
    let exported = export(label, Some(b"rfc8448_rtt1"), 16).unwrap();
    assert_eq!(exported, hex("f20058a65ce0430a197944c812431c2d"));
    assert_eq!(export(label, None, 40).unwrap(), export(label, Some(&[]), 40).unwrap());
    assert_eq!(
        export(label, None, 40).unwrap(),
        hex("cbf3769cb963b49d021c9955b011d6e96f97ca38f168126aee1cd5d0952a08faaf84b03f944118a8")
    );
    assert!(export(&[b'x'; 249], None, 32).is_ok());
    assert!(export(&[b'x'; 250], None, 32).is_err());
    assert!(export(label, None, 0).is_err());
    assert!(export(label, None, 255 * 32 + 1).is_err());
}

#[test]
fn without_a_psk_it_begins_as_with_one_of_zeros() {
    let shared = SharedSecret::from_vector(&[7; 32]);
    for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
        let zeros = EarlySecret::new(hash, &Secret::zeros(hash.output_len())).handshake(&shared);
        let transcript = hash.hash(b"transcript");
        let begun = HandshakeSecret::without_psk(hash, &shared).client_traffic(&transcript);
        assert_eq!(begun.as_bytes(), zeros.client_traffic(&transcript).as_bytes());
    }
}

/// Names and values of one trace, and which of them were asked for.
struct Trace {
    values: BTreeMap<String, Vec<u8>>,
    seen: RefCell<Vec<String>>,
}

impl Trace {
    fn parse(text: &str) -> Self {
        let mut values: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            match line.split_once(':') {
                Some((name, value)) => {
                    current = name.into();
                    assert!(values.insert(name.into(), hex(value)).is_none(), "{name} twice");
                }
                None => values.get_mut(&current).unwrap().extend(hex(line)),
            }
        }
        Self { values, seen: RefCell::default() }
    }

    fn find(&self, name: &str) -> Option<&[u8]> {
        let value = self.values.get(name)?;
        self.seen.borrow_mut().push(name.into());
        Some(value)
    }

    fn take(&self, name: &str) -> &[u8] {
        self.find(name).unwrap_or_else(|| panic!("no {name} in the trace"))
    }

    #[track_caller]
    fn assert(&self, name: &str, ours: &[u8]) {
        assert_eq!(ours, self.take(name), "{name}");
    }

    fn assert_all_seen(&self) {
        let seen = self.seen.borrow();
        let missed: Vec<_> = self.values.keys().filter(|name| !seen.contains(name)).collect();
        assert!(missed.is_empty(), "never compared: {missed:?}");
    }

    fn key_share(&self, name: &str, group: NamedGroup) -> KeyShare {
        let share = KeyShare::from_vector(group, self.take(name)).unwrap();
        let sent = ["client_hello", "client_hello_2", "server_hello"];
        let is_sent = |message| {
            let message: &[u8] = self.values.get(message).map_or(&[], Vec::as_slice);
            message.windows(share.public_key().len()).any(|bytes| bytes == share.public_key())
        };
        assert!(sent.into_iter().any(is_sent), "{name}: its public key is in no hello");
        share
    }

    /// The key and the IV of a direction, and the keys that records go under.
    fn keys(&self, name: &str, secret: &TrafficSecret) -> Direction {
        let suite = Suite::of(CipherSuite::TLS_AES_128_GCM_SHA256).unwrap();
        let (key, iv) = secret.key_and_iv(suite);
        self.assert(&format!("{name}_key"), key.as_bytes());
        self.assert(&format!("{name}_iv"), iv.as_bytes());
        Direction { sealing: secret.keys(suite).unwrap(), opening: secret.keys(suite).unwrap() }
    }

    /// A message whose Finished key and content are the trace's.
    fn assert_finished(&self, side: &str, key: &FinishedKey, secret: &TrafficSecret, before: &Transcript) {
        let prk = Prk::new(HASH, Secret::from_slice(secret.as_bytes()).unwrap()).expander();
        let own = expand_label(&prk, b"finished", &[], HASH.output_len());
        self.assert(&format!("{side}_finished_key"), own.as_bytes());
        let finished = self.take(&format!("{side}_finished"));
        assert_eq!(key.verify_data(&before.hash()).as_bytes(), &finished[4..], "{side}_finished");
        assert!(key.verify(&before.hash(), &finished[4..]).is_ok());
        assert!(key.verify(&before.hash(), &finished[5..]).is_err());
        assert!(key.verify(&before.clone().hash_part(&[0]), &finished[4..]).is_err());
    }
}

/// One direction under one key, from both ends.
struct Direction {
    sealing: TrafficKeys,
    opening: TrafficKeys,
}

impl Direction {
    /// The next record of the direction: sealed, it is the trace's; opened, it is the plaintext.
    #[track_caller]
    fn assert_record(&mut self, content_type: ContentType, plaintext: &[u8], record: &[u8]) {
        let mut sealed = Buffer::new();
        let framing = RecordFraming::new(ProtocolVersion::Tls13);
        self.sealing.seal(framing, content_type, &[IoSlice::new(plaintext)], &mut sealed).unwrap();
        assert_eq!(sealed.filled(), record);
        let mut opened = record.to_vec();
        let (found, content) =
            self.opening.open_in_place(ProtocolVersion::Tls13, &mut opened, 1 << 14).unwrap();
        assert_eq!((found, &opened[content]), (content_type, plaintext));
    }
}

fn follow(trace: &Trace, group: NamedGroup) {
    let psk = trace.find("psk").map(|psk| Secret::from_slice(psk).unwrap());
    let early = psk.map(|psk| EarlySecret::new(HASH, &psk));
    let transcript = follow_hellos(trace);
    let mut early_data = early.as_ref().map(|early| follow_early_data(trace, early));
    follow_stages(trace, group);
    let shared = shared_secret(trace, group);
    let handshake = match early {
        Some(early) => early.handshake(&shared),
        None => HandshakeSecret::without_psk(HASH, &shared),
    };
    follow_handshake(trace, transcript, handshake, early_data.as_mut());
}

/// The transcript up to the client's last hello.
fn follow_hellos(trace: &Trace) -> Transcript {
    let mut buffer = TranscriptBuffer::new();
    buffer.add(trace.take("client_hello"));
    assert_eq!(buffer.bytes(), trace.take("client_hello"));
    let mut transcript = buffer.start(HASH);
    if let Some(retry) = trace.find("hello_retry_request") {
        transcript = transcript.hello_retry();
        transcript.add(retry);
        transcript.add(trace.take("client_hello_2"));
    }
    transcript
}

/// §4: the binder, and what the client sends before it is answered.
fn follow_early_data(trace: &Trace, early: &EarlySecret) -> Direction {
    const BINDERS_LEN: usize = 2 + 1 + 32;
    let client_hello = trace.take("client_hello");
    let covered = HASH.hash(&client_hello[..client_hello.len() - BINDERS_LEN]);
    trace.assert("binder_hash", covered.as_ref());
    let binder_key = early.binder_key(PskKind::Resumption);
    trace.assert("binder", binder_key.verify_data(&covered).as_bytes());
    assert!(binder_key.verify(&covered, &client_hello[client_hello.len() - 32..]).is_ok());
    assert!(early.binder_key(PskKind::External).verify(&covered, trace.take("binder")).is_err());

    let hash = HASH.hash(client_hello);
    trace.assert("client_hello_hash", hash.as_ref());
    let secret = early.client_early_traffic(&hash);
    trace.assert("client_early_traffic_secret", secret.as_bytes());
    let mut keys = trace.keys("client_early", &secret);
    let (data, record) = (trace.take("client_early_data"), trace.take("client_early_data_record"));
    keys.assert_record(ContentType::ApplicationData, data, record);
    keys
}

/// The secrets between the stages, which nothing but the next stage sees.
fn follow_stages(trace: &Trace, group: NamedGroup) {
    let zeros = [0; 32];
    let nothing = HASH.of_nothing();
    let early = Prk::extract(HASH, &[], trace.find("psk").unwrap_or(&zeros));
    trace.assert("early_secret", early.as_bytes());
    if trace.find("psk").is_some() {
        let binder_key = derive_secret(&early.expander(), b"res binder", nothing);
        trace.assert("binder_key", binder_key.as_bytes());
        let finished = expand_label(&binder_key.expander(), b"finished", &[], 32);
        trace.assert("binder_finished_key", finished.as_bytes());
        let hash = HASH.hash(trace.take("client_hello"));
        let exporter = derive_secret(&early.expander(), b"e exp master", hash.as_ref());
        trace.assert("early_exporter_master_secret", exporter.as_bytes());
    }
    let derived = derive_secret(&early.expander(), b"derived", nothing);
    trace.assert("early_derived", derived.as_bytes());
    let shared = shared_secret(trace, group);
    trace.assert("shared_secret", shared.as_bytes());
    let handshake = Prk::extract(HASH, derived.as_bytes(), shared.as_bytes());
    trace.assert("handshake_secret", handshake.as_bytes());
    let derived = derive_secret(&handshake.expander(), b"derived", nothing);
    trace.assert("handshake_derived", derived.as_bytes());
    let master = Prk::extract(HASH, derived.as_bytes(), &zeros);
    trace.assert("master_secret", master.as_bytes());
}

/// The same from both sides.
fn shared_secret(trace: &Trace, group: NamedGroup) -> SharedSecret {
    let client = trace.key_share("client_private_key", group);
    let server = trace.key_share("server_private_key", group);
    let (to_client, to_server) = (server.public_key().to_vec(), client.public_key().to_vec());
    let shared = client.agree(&to_client).unwrap();
    assert_eq!(server.agree(&to_server).unwrap().as_bytes(), shared.as_bytes());
    shared
}

fn follow_handshake(
    trace: &Trace,
    mut transcript: Transcript,
    handshake: HandshakeSecret,
    early_data: Option<&mut Direction>,
) {
    transcript.add(trace.take("server_hello"));
    trace.assert("server_hello_hash", transcript.hash().as_ref());
    let client = handshake.client_traffic(&transcript.hash());
    let server = handshake.server_traffic(&transcript.hash());
    trace.assert("client_handshake_traffic_secret", client.as_bytes());
    trace.assert("server_handshake_traffic_secret", server.as_bytes());

    let mut flight = Vec::new();
    for message in ["encrypted_extensions", "certificate_request", "server_certificate"] {
        flight.extend_from_slice(trace.find(message).unwrap_or_default());
    }
    transcript.add(&flight);
    if let Some(message) = trace.find("server_certificate_verify") {
        assert_signature(trace, &transcript, message);
        transcript.add(message);
        flight.extend_from_slice(message);
    }
    trace.assert_finished("server", &server.finished_key(), &server, &transcript);
    transcript.add(trace.take("server_finished"));
    flight.extend_from_slice(trace.take("server_finished"));
    let record = trace.take("server_flight_record");
    trace.keys("server_handshake", &server).assert_record(ContentType::Handshake, &flight, record);

    let master = handshake.master();
    let application = follow_application_secrets(trace, &transcript, &master);
    if let Some(early_data) = early_data {
        let (message, record) = (trace.take("end_of_early_data"), trace.take("end_of_early_data_record"));
        early_data.assert_record(ContentType::Handshake, message, record);
        transcript.add(message);
    }
    let mut flight = Vec::new();
    for message in ["client_certificate", "client_certificate_verify"] {
        flight.extend_from_slice(trace.find(message).unwrap_or_default());
    }
    transcript.add(&flight);
    trace.assert_finished("client", &client.finished_key(), &client, &transcript);
    transcript.add(trace.take("client_finished"));
    flight.extend_from_slice(trace.take("client_finished"));
    let record = trace.take("client_flight_record");
    trace.keys("client_handshake", &client).assert_record(ContentType::Handshake, &flight, record);
    follow_resumption(trace, &transcript, &master);
    follow_application_data(trace, application);
}

/// RFC 8446 §4.4.3, for §6's server. The others have RSA keys of 1024 bits, which are refused.
fn assert_signature(trace: &Trace, transcript: &Transcript, certificate_verify: &[u8]) {
    let certificate = &trace.take("server_certificate")[4 + 1 + 3 + 3..];
    let certificate = CertificateDer::from(&certificate[..certificate.len() - 2]);
    let Ok(key) = PeerKey::from_certificate(&certificate) else {
        assert!(trace.find("client_certificate").is_none(), "the one server with a key of today");
        return;
    };
    let context = b"TLS 1.3, server CertificateVerify\0";
    let hash = transcript.hash();
    let message = [&[b' '; 64][..], context, hash.as_ref()].concat();
    let signature = &certificate_verify[4 + 2 + 2..];
    key.verify(SignatureScheme::ECDSA_SECP256R1_SHA256, &message, signature).unwrap();
}

fn follow_application_secrets(
    trace: &Trace,
    transcript: &Transcript,
    master: &MasterSecret,
) -> [Direction; 2] {
    let hash = transcript.hash();
    trace.assert("server_finished_hash", hash.as_ref());
    let (client, server) = (master.client_traffic(&hash), master.server_traffic(&hash));
    trace.assert("client_application_traffic_secret_0", client.as_bytes());
    trace.assert("server_application_traffic_secret_0", server.as_bytes());
    trace.assert("exporter_master_secret", master.exporter(&hash).as_bytes());
    [trace.keys("client_application", &client), trace.keys("server_application", &server)]
}

fn follow_resumption(trace: &Trace, transcript: &Transcript, master: &MasterSecret) {
    let hash = transcript.hash();
    trace.assert("client_finished_hash", hash.as_ref());
    trace.assert("resumption_master_secret", master.resumption_master_secret(&hash).as_bytes());
    if let Some(nonce) = trace.find("ticket_nonce") {
        trace.assert("resumption_psk", master.resumption(&hash).psk(nonce).as_bytes());
    }
}

fn follow_application_data(trace: &Trace, [mut client, mut server]: [Direction; 2]) {
    const CLOSE_NOTIFY: [u8; 2] = [1, 0];
    if let Some(ticket) = trace.find("new_session_ticket") {
        server.assert_record(ContentType::Handshake, ticket, trace.take("new_session_ticket_record"));
    }
    for (name, keys) in [("client", &mut client), ("server", &mut server)] {
        if let Some(data) = trace.find(&format!("{name}_application_data")) {
            let record = trace.take(&format!("{name}_application_data_record"));
            keys.assert_record(ContentType::ApplicationData, data, record);
        }
        let record = trace.take(&format!("{name}_close_notify_record"));
        keys.assert_record(ContentType::Alert, &CLOSE_NOTIFY, record);
    }
}
