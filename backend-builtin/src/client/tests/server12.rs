//! A server of TLS 1.2 that does what it is told.

use std::io::IoSlice;

use polytls_api::{
    Buffer, CertificateDer, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme,
    record::{ContentType, RecordFraming, Role},
};

use super::{
    CHANGE_CIPHER_SPEC, Edit, HANDSHAKE, honest, identity, last_message, record, server13::EditHello,
};
use crate::{
    crypto::{KeyShare, SigningKey},
    key_schedule::{MasterSecret12, Suite, Transcript},
    wire::handshake::{
        CertificateList12, ClientHello, ClientKeyExchange, Finished, HandshakeType, NewSessionTicket12,
        ServerHello, ServerHelloDone, ServerHelloExtensions, ServerKeyExchange,
    },
};

pub(super) struct Server12<'e> {
    pub(super) suite: CipherSuite,
    pub(super) group: NamedGroup,
    pub(super) edit_hello: EditHello<'e>,
    pub(super) edit: Edit<'e>,
    /// Sent before its Finished, if it is not empty.
    pub(super) ticket: &'static [u8],
    pub(super) sends_change_cipher_spec: bool,
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: SigningKey,
    pub(super) agreed: Option<Agreed>,
}

/// What the first flight leaves for the second.
pub(super) struct Agreed {
    transcript: Transcript,
    share: KeyShare,
    client_random: [u8; 32],
    extended_master_secret: bool,
}

const SERVER_RANDOM: [u8; 32] = [7; 32];

impl Default for Server12<'_> {
    fn default() -> Self {
        let (certificate, key) = identity();
        Self {
            suite: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            group: NamedGroup::X25519,
            edit_hello: &|_| (),
            edit: &honest,
            ticket: &[],
            sends_change_cipher_spec: true,
            certificate,
            key,
            agreed: None,
        }
    }
}

impl Server12<'_> {
    /// Whatever is due.
    pub(super) fn answer(&mut self, written: &[u8]) -> Vec<u8> {
        match self.agreed.take() {
            None => self.first_flight(written),
            Some(agreed) if !written.is_empty() => self.last_flight(agreed, written),
            Some(_) => Vec::new(),
        }
    }

    /// ServerHello to ServerHelloDone, in one record.
    fn first_flight(&mut self, written: &[u8]) -> Vec<u8> {
        let client_hello = last_message(written);
        let hello = ClientHello::parse(client_hello.body()).unwrap();
        let mut server_hello = ServerHello {
            legacy_version: ProtocolVersion::Tls12.code(),
            random: SERVER_RANDOM,
            legacy_session_id_echo: &[],
            cipher_suite: self.suite,
            legacy_compression_method: 0,
            extensions: ServerHelloExtensions {
                renegotiation_info: Some(&[]),
                extended_master_secret: true,
                session_ticket: !self.ticket.is_empty(),
                ..ServerHelloExtensions::default()
            },
        };
        (self.edit_hello)(&mut server_hello);
        let extended_master_secret = server_hello.extensions.extended_master_secret;
        let share = KeyShare::generate(self.group).unwrap();
        let list = CertificateList12 { certificates: vec![&self.certificate] };
        let messages = [
            server_hello.encode(),
            (self.edit)(HandshakeType::CERTIFICATE, list.encode()),
            (self.edit)(HandshakeType::SERVER_KEY_EXCHANGE, self.key_exchange(&hello.random, &share)),
            (self.edit)(HandshakeType::SERVER_HELLO_DONE, ServerHelloDone.encode()),
        ]
        .concat();
        let mut transcript = Transcript::new(Suite::of(self.suite).unwrap().hash);
        transcript.add(client_hello.raw());
        transcript.add(&messages);
        self.agreed = Some(Agreed { transcript, share, client_random: hello.random, extended_master_secret });
        record(HANDSHAKE, &messages)
    }

    fn key_exchange(&self, client_random: &[u8; 32], share: &KeyShare) -> Vec<u8> {
        let algorithm = SignatureScheme::ECDSA_SECP256R1_SHA256;
        let unsigned = ServerKeyExchange {
            group: self.group,
            public_key: share.public_key(),
            algorithm,
            signature: &[],
        };
        let signed = [&client_random[..], &SERVER_RANDOM, &unsigned.params()].concat();
        let signature = self.key.sign(algorithm, &signed).unwrap();
        ServerKeyExchange { signature: &signature, ..unsigned }.encode()
    }

    /// NewSessionTicket if there is one, ChangeCipherSpec, Finished.
    fn last_flight(&self, agreed: Agreed, written: &[u8]) -> Vec<u8> {
        let suite = Suite::of(self.suite).unwrap();
        let Agreed { mut transcript, share, client_random, extended_master_secret } = agreed;
        let exchange = before_change_cipher_spec(written);
        transcript.add(&exchange);
        let shared = share.agree(ClientKeyExchange::parse(&exchange[4..]).unwrap().public_key).unwrap();
        let master = if extended_master_secret {
            MasterSecret12::extended(suite.hash, &shared, &transcript.hash())
        } else {
            MasterSecret12::plain(suite.hash, &shared, &client_random, &SERVER_RANDOM)
        };
        let finished = |role, transcript: &Transcript| {
            Finished { verify_data: &master.verify_data(role, &transcript.hash()) }.encode()
        };
        let clients = finished(Role::Client, &transcript);
        transcript.add(&clients);
        let mut sent = Buffer::new();
        let ticket = match self.ticket {
            [] => Vec::new(),
            ticket => NewSessionTicket12 { lifetime_hint: 60, ticket }.encode(),
        };
        let ticket = (self.edit)(HandshakeType::NEW_SESSION_TICKET, ticket);
        if !ticket.is_empty() {
            transcript.add(&ticket);
            sent.extend(&record(HANDSHAKE, &ticket));
        }
        if self.sends_change_cipher_spec {
            sent.extend(&record(CHANGE_CIPHER_SPEC, &[1]));
        }
        let message = (self.edit)(HandshakeType::FINISHED, finished(Role::Server, &transcript));
        let mut keys = master.keys(suite, &client_random, &SERVER_RANDOM).unwrap().server;
        let framing = RecordFraming::new(ProtocolVersion::Tls12);
        keys.seal(framing, ContentType::Handshake, &[IoSlice::new(&message)], &mut sent).unwrap();
        sent.filled().to_vec()
    }
}

/// The client's messages that nothing protects.
fn before_change_cipher_spec(written: &[u8]) -> Vec<u8> {
    let end = written.windows(6).position(|bytes| bytes == [CHANGE_CIPHER_SPEC, 3, 3, 0, 1, 1]).unwrap();
    last_message(&written[..end]).raw().to_vec()
}
