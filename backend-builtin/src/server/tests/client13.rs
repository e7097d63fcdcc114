//! A client of TLS 1.3 that does what it is told.

use std::io::IoSlice;

use polytls_api::{
    Buffer, CertificateDer, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme,
    record::{ContentType, RecordFraming, Role, TrafficKeys},
};

use super::{CLIENT_RANDOM, EditHello, SERVER_NAME};
use crate::{
    crypto::{KeyShare, Secret, SharedSecret, SigningKey},
    key_schedule::{EarlySecret, HandshakeSecret, PskKind, Suite, TrafficSecret, Transcript},
    tests::{CHANGE_CIPHER_SPEC, Edit, HANDSHAKE, honest, record},
    wire::handshake::{
        Certificate, CertificateEntry, CertificateVerify, ClientExtensions, ClientHello, EncryptedExtensions,
        EndOfEarlyData, Finished, HandshakeMessage, HandshakeType as Type, KeyShareEntry, OfferedPsks,
        PskIdentity, ServerHello,
    },
};

pub(super) struct Client13<'e> {
    pub(super) suite: CipherSuite,
    /// Offered, and what a share is sent for.
    pub(super) group: NamedGroup,
    pub(super) edit_hello: EditHello<'e>,
    /// Changes the hello that follows a HelloRetryRequest, beside the above.
    pub(super) edit_second: EditHello<'e>,
    pub(super) psks: Vec<Psk>,
    /// The content of records of early data; none for no early data.
    pub(super) early_data: Vec<Vec<u8>>,
    /// Changes any message, the hello too.
    pub(super) edit: Edit<'e>,
    /// Sent as it is before what follows the server's flight.
    pub(super) before_flight: Vec<u8>,
    /// Sent in the record of the Finished, behind it.
    pub(super) trailing: &'e [u8],
    /// What it presents when it is asked, or always.
    pub(super) identity: Option<(CertificateDer<'static>, SigningKey)>,
    pub(super) uninvited: bool,
    /// What it saw of the server.
    pub(super) seen: Seen,
    pub(super) state: Option<Offered>,
}

/// A key that the hello offers.
#[derive(Clone)]
pub(super) struct Psk {
    pub(super) identity: Vec<u8>,
    pub(super) obfuscated_ticket_age: u32,
    pub(super) secret: Secret,
    pub(super) kind: PskKind,
}

/// What the server's messages said.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) retried: bool,
    pub(super) selected_identity: Option<u16>,
    pub(super) early_data_accepted: bool,
    pub(super) request: bool,
    pub(super) kinds: Vec<Type>,
}

/// What a hello leaves for the server's answer.
pub(super) struct Offered {
    hello: Vec<u8>,
    /// Up to the HelloRetryRequest that asked for the hello.
    retried: Option<Transcript>,
    share: KeyShare,
}

const SESSION_ID: [u8; 32] = [6; 32];

impl Default for Client13<'_> {
    fn default() -> Self {
        Self {
            suite: CipherSuite::TLS_AES_128_GCM_SHA256,
            group: NamedGroup::X25519,
            edit_hello: &|_| (),
            edit_second: &|_| (),
            psks: Vec::new(),
            early_data: Vec::new(),
            edit: &honest,
            before_flight: record(CHANGE_CIPHER_SPEC, &[1]),
            trailing: &[],
            identity: None,
            uninvited: false,
            seen: Seen::default(),
            state: None,
        }
    }
}

impl Client13<'_> {
    /// Whatever is due: the hello at first.
    pub(super) fn answer(&mut self, written: &[u8]) -> Vec<u8> {
        match self.state.take() {
            None if self.seen.kinds.is_empty() && !self.seen.retried => self.first_hello(),
            Some(offered) if written.first() == Some(&HANDSHAKE) => self.read_server_hello(offered, written),
            _ => Vec::new(),
        }
    }

    fn first_hello(&mut self) -> Vec<u8> {
        let share = KeyShare::generate(self.group).unwrap();
        let hello = self.client_hello(&share, None);
        let mut sent = Buffer::new();
        sent.extend(&record(HANDSHAKE, &hello));
        if let Some(psk) = self.psks.first().filter(|_| !self.early_data.is_empty()) {
            let secret = early_secret(self.parts(), psk);
            let mut transcript = Transcript::new(self.parts().hash);
            transcript.add(&hello);
            let mut keys = secret.client_early_traffic(&transcript.hash()).keys(self.parts()).unwrap();
            for data in &self.early_data {
                seal(ContentType::ApplicationData, data, &mut keys, &mut sent);
            }
        }
        self.state = Some(Offered { hello, retried: None, share });
        sent.filled().to_vec()
    }

    fn client_hello(&self, share: &KeyShare, retried: Option<&Transcript>) -> Vec<u8> {
        let hash = self.parts().hash;
        let no_binder = vec![0; hash.output_len()];
        let mut hello = ClientHello {
            legacy_version: ProtocolVersion::Tls12.code(),
            random: CLIENT_RANDOM,
            legacy_session_id: &SESSION_ID,
            cipher_suites: vec![self.suite],
            legacy_compression_methods: &[0],
            extensions: self.extensions(share, &no_binder),
        };
        (self.edit_hello)(&mut hello);
        if retried.is_some() {
            hello.extensions.early_data = false;
            hello.extensions.key_share = Some(vec![entry(share)]);
            (self.edit_second)(&mut hello);
        }
        let mut message = hello.encode();
        if hello.extensions.pre_shared_key.is_some() {
            let covered = message.len() - hello.binders_len();
            let hash = match retried {
                Some(transcript) => transcript.clone().hash_part(&message[..covered]),
                None => hash.hash(&message[..covered]),
            };
            let mut at = covered + 2;
            for psk in &self.psks {
                let binder = early_secret(self.parts(), psk).binder_key(psk.kind).verify_data(&hash);
                at += 1;
                message[at..at + binder.len()].copy_from_slice(binder.as_bytes());
                at += binder.len();
            }
        }
        (self.edit)(Type::CLIENT_HELLO, message)
    }

    fn extensions<'a>(&'a self, share: &'a KeyShare, no_binder: &'a [u8]) -> ClientExtensions<'a> {
        let offered = self.psks.iter().map(|psk| PskIdentity {
            identity: &psk.identity,
            obfuscated_ticket_age: psk.obfuscated_ticket_age,
        });
        let offered =
            OfferedPsks { identities: offered.collect(), binders: vec![no_binder; self.psks.len()] };
        ClientExtensions {
            server_name: Some(SERVER_NAME),
            supported_groups: Some(vec![self.group]),
            signature_algorithms: Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]),
            supported_versions: Some(vec![ProtocolVersion::Tls13.code()]),
            key_share: Some(vec![entry(share)]),
            psk_key_exchange_modes: Some(vec![1]),
            early_data: !self.early_data.is_empty(),
            pre_shared_key: (!self.psks.is_empty()).then_some(offered),
            ..ClientExtensions::default()
        }
    }

    fn read_server_hello(&mut self, offered: Offered, written: &[u8]) -> Vec<u8> {
        let (message, rest) = first_record(written);
        let server_hello = ServerHello::parse(&message[4..]).unwrap();
        let mut transcript = offered.retried.unwrap_or_else(|| Transcript::new(self.parts().hash));
        transcript.add(&offered.hello);
        if server_hello.is_hello_retry_request() {
            self.seen.retried = true;
            let mut transcript = transcript.hello_retry();
            transcript.add(&message);
            return self.second_hello(&server_hello, transcript);
        }
        transcript.add(&message);
        let share = server_hello.extensions.key_share.as_ref().unwrap();
        let shared = offered.share.agree(share.key_exchange).unwrap();
        self.seen.selected_identity = server_hello.extensions.selected_identity;
        self.read_flight(transcript, &offered.hello, &shared, rest)
    }

    fn second_hello(&mut self, request: &ServerHello<'_>, transcript: Transcript) -> Vec<u8> {
        let share = KeyShare::generate(request.extensions.selected_group.unwrap()).unwrap();
        let hello = self.client_hello(&share, Some(&transcript));
        let sent = [record(CHANGE_CIPHER_SPEC, &[1]), record(HANDSHAKE, &hello)].concat();
        self.state = Some(Offered { hello, retried: Some(transcript), share });
        sent
    }

    /// EncryptedExtensions to Finished, and the answer.
    fn read_flight(
        &mut self,
        mut transcript: Transcript,
        hello: &[u8],
        shared: &SharedSecret,
        rest: &[u8],
    ) -> Vec<u8> {
        let psk = self.seen.selected_identity.map(|index| &self.psks[usize::from(index)]);
        let secret = match psk {
            Some(psk) => early_secret(self.parts(), psk).handshake(shared),
            None => HandshakeSecret::without_psk(self.parts().hash, shared),
        };
        let hash = transcript.hash();
        let (client, server) = (secret.client_traffic(&hash), secret.server_traffic(&hash));
        for message in messages(&open_all(server.keys(self.parts()).unwrap(), rest)) {
            self.see(&message, &server, &transcript);
            transcript.add(message.raw());
        }
        let mut sent = Buffer::new();
        sent.extend(&self.before_flight);
        if self.seen.early_data_accepted {
            let message = (self.edit)(Type::END_OF_EARLY_DATA, EndOfEarlyData.encode());
            let early = early_secret(self.parts(), self.psks.first().unwrap());
            let mut before = Transcript::new(self.parts().hash);
            before.add(hello);
            let mut keys = early.client_early_traffic(&before.hash()).keys(self.parts()).unwrap();
            // It goes on where the early data left off.
            let mut passed_over = Buffer::new();
            for data in &self.early_data {
                seal(ContentType::ApplicationData, data, &mut keys, &mut passed_over);
            }
            seal(ContentType::Handshake, &message, &mut keys, &mut sent);
            transcript.add(&message);
        }
        self.send_flight(transcript, &client, &mut sent);
        sent.filled().to_vec()
    }

    /// Notes what the server says; its Finished has to verify.
    fn see(&mut self, message: &HandshakeMessage, server: &TrafficSecret, transcript: &Transcript) {
        self.seen.kinds.push(message.kind());
        match message.kind() {
            Type::ENCRYPTED_EXTENSIONS => {
                let extensions = EncryptedExtensions::parse(message.body()).unwrap();
                self.seen.early_data_accepted = extensions.early_data;
            }
            Type::CERTIFICATE_REQUEST => self.seen.request = true,
            Type::FINISHED => {
                let finished = Finished::parse(message.body()).unwrap();
                let verified = server.finished_key().verify(&transcript.hash(), finished.verify_data);
                assert!(verified.is_ok());
            }
            _ => {}
        }
    }

    /// Certificate, CertificateVerify, Finished, a record each.
    fn send_flight(&self, mut transcript: Transcript, client: &TrafficSecret, sent: &mut Buffer) {
        let mut keys = client.keys(self.parts()).unwrap();
        let mut send = |kind, message, transcript: &mut Transcript| {
            let message = (self.edit)(kind, message);
            transcript.add(&message);
            seal(ContentType::Handshake, &message, &mut keys, sent);
        };
        if self.seen.request || self.uninvited {
            let entries = self.identity.iter();
            let entries = entries.map(|(der, _)| CertificateEntry { der, ..CertificateEntry::default() });
            let certificate = Certificate { context: &[], entries: entries.collect() }.encode();
            send(Type::CERTIFICATE, certificate, &mut transcript);
            if let Some((_, key)) = &self.identity {
                let algorithm = SignatureScheme::ECDSA_SECP256R1_SHA256;
                let content = CertificateVerify::signed_content(Role::Client, transcript.hash().as_ref());
                let signature = key.sign(algorithm, &content).unwrap();
                let verify = CertificateVerify { algorithm, signature: &signature }.encode();
                send(Type::CERTIFICATE_VERIFY, verify, &mut transcript);
            }
        }
        let verify_data = client.finished_key().verify_data(&transcript.hash());
        let finished = Finished { verify_data: verify_data.as_bytes() }.encode();
        let finished = [&(self.edit)(Type::FINISHED, finished), self.trailing].concat();
        seal(ContentType::Handshake, &finished, &mut keys, sent);
    }

    fn parts(&self) -> &'static Suite {
        Suite::of(self.suite).unwrap()
    }
}

fn entry(share: &KeyShare) -> KeyShareEntry<'_> {
    KeyShareEntry { group: share.group(), key_exchange: share.public_key() }
}

fn early_secret(suite: &Suite, psk: &Psk) -> EarlySecret {
    EarlySecret::new(suite.hash, &psk.secret)
}

fn seal(content_type: ContentType, content: &[u8], keys: &mut TrafficKeys, sent: &mut Buffer) {
    if !content.is_empty() {
        let framing = RecordFraming::new(ProtocolVersion::Tls13);
        keys.seal(framing, content_type, &[IoSlice::new(content)], sent).unwrap();
    }
}

/// The content of the first record, and what follows it.
fn first_record(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let (header, rest) = bytes.split_first_chunk::<5>().unwrap();
    let (content, rest) = rest.split_at(usize::from(u16::from_be_bytes([header[3], header[4]])));
    (content.to_vec(), rest)
}

/// What the protected records among these hold.
fn open_all(mut keys: TrafficKeys, bytes: &[u8]) -> Vec<u8> {
    let (mut rest, mut opened) = (bytes, Vec::new());
    while !rest.is_empty() {
        let (content, behind) = first_record(rest);
        if rest[0] != CHANGE_CIPHER_SPEC {
            let mut record = [&rest[..5], &content].concat();
            let (_, place) = keys.open_in_place(ProtocolVersion::Tls13, &mut record, 1 << 14).unwrap();
            opened.extend_from_slice(&record[place]);
        }
        rest = behind;
    }
    opened
}

/// The messages in these bytes.
pub(super) fn messages(bytes: &[u8]) -> Vec<HandshakeMessage> {
    let (mut rest, mut found) = (bytes, Vec::new());
    while let Some(&[_, high, middle, low]) = rest.first_chunk() {
        let length = 4 + u32::from_be_bytes([0, high, middle, low]) as usize;
        let (message, behind) = rest.split_at(length);
        found.push(HandshakeMessage::new(message.to_vec()));
        rest = behind;
    }
    found
}
