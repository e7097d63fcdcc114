//! A client of TLS 1.2 that does what it is told.

use std::io::IoSlice;

use polytls_api::{
    Buffer, CertificateDer, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme,
    record::{ContentType, RecordFraming, Role, TrafficKeys},
};

use super::{CLIENT_RANDOM, EditHello, SERVER_NAME, client13::messages};
use crate::{
    crypto::{KeyShare, Secret, SigningKey},
    key_schedule::{MasterSecret12, Suite, TranscriptBuffer},
    tests::{CHANGE_CIPHER_SPEC, Edit, HANDSHAKE, honest, last_message, record},
    wire::handshake::{
        CertificateList12, CertificateVerify, ClientExtensions, ClientHello, ClientKeyExchange, Finished,
        HandshakeType as Type, ServerHello, ServerKeyExchange,
    },
};

pub(super) struct Client12<'e> {
    pub(super) suite: CipherSuite,
    pub(super) group: NamedGroup,
    pub(super) edit_hello: EditHello<'e>,
    /// Changes any message, the hello too.
    pub(super) edit: Edit<'e>,
    /// The master secret of the session that the hello may resume.
    pub(super) session: Option<Secret>,
    pub(super) ticket: Vec<u8>,
    pub(super) sends_change_cipher_spec: bool,
    /// What it presents when it is asked, or always.
    pub(super) identity: Option<(CertificateDer<'static>, SigningKey)>,
    pub(super) uninvited: bool,
    /// What it saw of the server.
    pub(super) seen: Seen,
    pub(super) messages: TranscriptBuffer,
}

/// What the server's messages said.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) random: [u8; 32],
    pub(super) renegotiation_info: bool,
    pub(super) extended_master_secret: bool,
    pub(super) promises_ticket: bool,
    pub(super) kinds: Vec<Type>,
}

impl Default for Client12<'_> {
    fn default() -> Self {
        Self {
            suite: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            group: NamedGroup::X25519,
            edit_hello: &|_| (),
            edit: &honest,
            session: None,
            ticket: Vec::new(),
            sends_change_cipher_spec: true,
            identity: None,
            uninvited: false,
            seen: Seen::default(),
            messages: TranscriptBuffer::new(),
        }
    }
}

impl Client12<'_> {
    /// Whatever is due: the hello at first.
    pub(super) fn answer(&mut self, written: &[u8]) -> Vec<u8> {
        if self.messages.bytes().is_empty() {
            return self.client_hello();
        }
        if written.first() != Some(&HANDSHAKE) {
            return Vec::new();
        }
        let flight = last_message(&written[..before_change_cipher_spec(written)]);
        let flight = messages(flight.raw());
        self.seen.kinds.extend(flight.iter().map(|message| message.kind()));
        self.see_server_hello(flight[0].body());
        for message in &flight {
            self.messages.add(message.raw());
        }
        let exchange = flight.iter().find(|message| message.kind() == Type::SERVER_KEY_EXCHANGE);
        match exchange {
            Some(message) => self.second_flight(message.body()),
            None => self.abbreviated_flight(&written[before_change_cipher_spec(written)..]),
        }
    }

    fn client_hello(&mut self) -> Vec<u8> {
        let mut hello = ClientHello {
            legacy_version: ProtocolVersion::Tls12.code(),
            random: CLIENT_RANDOM,
            legacy_session_id: &[],
            cipher_suites: vec![self.suite],
            legacy_compression_methods: &[0],
            extensions: ClientExtensions {
                server_name: Some(SERVER_NAME),
                supported_groups: Some(vec![self.group, NamedGroup::SECP256R1]),
                signature_algorithms: Some(vec![SignatureScheme::ECDSA_SECP256R1_SHA256]),
                ec_point_formats: Some(&[0]),
                extended_master_secret: true,
                renegotiation_info: Some(&[]),
                session_ticket: Some(&self.ticket),
                ..ClientExtensions::default()
            },
        };
        (self.edit_hello)(&mut hello);
        let message = (self.edit)(Type::CLIENT_HELLO, hello.encode());
        self.messages.add(&message);
        record(HANDSHAKE, &message)
    }

    fn see_server_hello(&mut self, body: &[u8]) {
        let hello = ServerHello::parse(body).unwrap();
        self.seen.random = hello.random;
        self.seen.renegotiation_info = hello.extensions.renegotiation_info.is_some();
        self.seen.extended_master_secret = hello.extensions.extended_master_secret;
        self.seen.promises_ticket = hello.extensions.session_ticket;
    }

    /// Certificate, ClientKeyExchange, CertificateVerify, ChangeCipherSpec, Finished.
    fn second_flight(&mut self, exchange: &[u8]) -> Vec<u8> {
        let exchange = ServerKeyExchange::parse(exchange).unwrap();
        let share = KeyShare::generate(exchange.group).unwrap();
        let public_key = share.public_key().to_vec();
        let shared = share.agree(exchange.public_key).unwrap();
        let (asked, mut sent) = (self.seen.kinds.contains(&Type::CERTIFICATE_REQUEST), Vec::new());
        let presents = asked || self.uninvited;
        if presents {
            let certificates = self.identity.iter().map(|(der, _)| der.as_ref()).collect();
            self.send(Type::CERTIFICATE, CertificateList12 { certificates }.encode(), &mut sent);
        }
        let message = ClientKeyExchange { public_key: &public_key }.encode();
        self.send(Type::CLIENT_KEY_EXCHANGE, message, &mut sent);
        let hash = self.parts().hash;
        let master = if self.seen.extended_master_secret {
            MasterSecret12::extended(hash, &shared, &hash.hash(self.messages.bytes()))
        } else {
            MasterSecret12::plain(hash, &shared, &CLIENT_RANDOM, &self.seen.random)
        };
        if let Some((_, key)) = self.identity.as_ref().filter(|_| presents) {
            let algorithm = SignatureScheme::ECDSA_SECP256R1_SHA256;
            let signature = key.sign(algorithm, self.messages.bytes()).unwrap();
            let verify = CertificateVerify { algorithm, signature: &signature }.encode();
            self.send(Type::CERTIFICATE_VERIFY, verify, &mut sent);
        }
        self.finish(&master, sent)
    }

    /// ChangeCipherSpec and Finished, once the server's Finished was read.
    fn abbreviated_flight(&mut self, written: &[u8]) -> Vec<u8> {
        let master = MasterSecret12::resumed(self.parts().hash, self.session.clone().unwrap());
        let mut keys = self.keys(&master, Role::Server);
        let mut record = written[6..].to_vec();
        let (_, place) = keys.open_in_place(ProtocolVersion::Tls12, &mut record, 1 << 14).unwrap();
        let finished = &record[place];
        let hash = self.parts().hash.hash(self.messages.bytes());
        let received = Finished::parse(&finished[4..]).unwrap();
        assert!(master.verify(Role::Server, &hash, received.verify_data).is_ok());
        self.messages.add(finished);
        self.finish(&master, Vec::new())
    }

    fn finish(&mut self, master: &MasterSecret12, mut sent: Vec<u8>) -> Vec<u8> {
        let hash = self.parts().hash.hash(self.messages.bytes());
        let finished = Finished { verify_data: &master.verify_data(Role::Client, &hash) }.encode();
        let finished = (self.edit)(Type::FINISHED, finished);
        if self.sends_change_cipher_spec {
            sent.extend(record(CHANGE_CIPHER_SPEC, &[1]));
        }
        let (framing, mut sealed) = (RecordFraming::new(ProtocolVersion::Tls12), Buffer::new());
        let mut keys = self.keys(master, Role::Client);
        keys.seal(framing, ContentType::Handshake, &[IoSlice::new(&finished)], &mut sealed).unwrap();
        [&sent, sealed.filled()].concat()
    }

    fn send(&mut self, kind: Type, message: Vec<u8>, sent: &mut Vec<u8>) {
        let message = (self.edit)(kind, message);
        self.messages.add(&message);
        if !message.is_empty() {
            sent.extend(record(HANDSHAKE, &message));
        }
    }

    fn keys(&self, master: &MasterSecret12, of: Role) -> TrafficKeys {
        let keys = master.keys(self.parts(), &CLIENT_RANDOM, &self.seen.random).unwrap();
        match of {
            Role::Client => keys.client,
            Role::Server => keys.server,
        }
    }

    fn parts(&self) -> &'static Suite {
        Suite::of(self.suite).unwrap()
    }
}

/// Where the server's messages that nothing protects end.
fn before_change_cipher_spec(written: &[u8]) -> usize {
    let found = written.windows(6).position(|bytes| bytes == [CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1]);
    found.unwrap_or(written.len())
}
