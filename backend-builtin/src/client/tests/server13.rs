//! A server of TLS 1.3 that does what it is told.

use std::io::IoSlice;

use polytls_api::{
    Buffer, CertificateDer, CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme,
    record::{ContentType, RecordFraming, Role, TrafficKeys},
};

use super::{CHANGE_CIPHER_SPEC, Edit, HANDSHAKE, honest, identity, last_message, record};
use crate::{
    crypto::{SharedSecret, SigningKey, respond},
    key_schedule::{HandshakeSecret, Suite, Transcript},
    wire::{
        grease,
        handshake::{
            Certificate, CertificateEntry, CertificateVerify, ClientHello, EncryptedExtensions, Finished,
            HandshakeType, KeyShareEntry, ServerHello, ServerHelloExtensions,
        },
    },
};

/// Changes a ServerHello or a HelloRetryRequest.
pub(super) type EditHello<'e> = &'e (dyn for<'a> Fn(&mut ServerHello<'a>) + Sync);

pub(super) struct Server13<'e> {
    pub(super) suite: CipherSuite,
    pub(super) edit_hello: EditHello<'e>,
    pub(super) edit: Edit<'e>,
    /// Sent in the record of the Finished, behind it.
    pub(super) trailing: &'e [u8],
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: SigningKey,
    pub(super) transcript: Option<Transcript>,
}

impl Default for Server13<'_> {
    fn default() -> Self {
        let (certificate, key) = identity();
        Self {
            suite: CipherSuite::TLS_AES_128_GCM_SHA256,
            edit_hello: &|_| (),
            edit: &honest,
            trailing: &[],
            certificate,
            key,
            transcript: None,
        }
    }
}

impl Server13<'_> {
    /// A HelloRetryRequest that answers this hello, with a cookie.
    pub(super) fn hello_retry_request(&mut self, written: &[u8], edit: EditHello<'_>) -> Vec<u8> {
        let client_hello = last_message(written);
        let hello = ClientHello::parse(client_hello.body()).unwrap();
        let mut request = ServerHello {
            random: HELLO_RETRY_REQUEST,
            extensions: ServerHelloExtensions {
                selected_version: Some(ProtocolVersion::Tls13.code()),
                cookie: Some(b"cookie"),
                ..ServerHelloExtensions::default()
            },
            ..self.server_hello(&hello)
        };
        edit(&mut request);
        let message = request.encode();
        let mut transcript = Transcript::new(self.parts().hash);
        transcript.add(client_hello.raw());
        let mut transcript = transcript.hello_retry();
        transcript.add(&message);
        self.transcript = Some(transcript);
        record(HANDSHAKE, &message)
    }

    /// All that a server sends before the client's Finished.
    pub(super) fn flight(&mut self, written: &[u8]) -> Vec<u8> {
        self.flight_with(written, |group| !grease::is_grease(group.code()))
    }

    /// The same, with the key share that is taken.
    pub(super) fn flight_with(&mut self, written: &[u8], takes: impl Fn(NamedGroup) -> bool) -> Vec<u8> {
        let client_hello = last_message(written);
        let hello = ClientHello::parse(client_hello.body()).unwrap();
        let shares = hello.extensions.key_share.clone().unwrap();
        let share = shares.iter().find(|share| takes(share.group)).unwrap();
        let (own, shared) = respond(share.group, share.key_exchange).unwrap();
        let mut server_hello = self.server_hello(&hello);
        server_hello.extensions.key_share = Some(KeyShareEntry { group: share.group, key_exchange: &own });
        (self.edit_hello)(&mut server_hello);
        let message = server_hello.encode();
        let mut transcript = self.transcript.take().unwrap_or_else(|| Transcript::new(self.parts().hash));
        transcript.add(client_hello.raw());
        transcript.add(&message);
        let mut sent = Buffer::new();
        sent.extend(&record(HANDSHAKE, &message));
        sent.extend(&record(CHANGE_CIPHER_SPEC, &[1]));
        self.protected(transcript, &shared, &mut sent);
        sent.filled().to_vec()
    }

    fn server_hello<'a>(&self, hello: &ClientHello<'a>) -> ServerHello<'a> {
        ServerHello {
            legacy_version: ProtocolVersion::Tls12.code(),
            random: [7; 32],
            legacy_session_id_echo: hello.legacy_session_id,
            cipher_suite: self.suite,
            legacy_compression_method: 0,
            extensions: ServerHelloExtensions {
                selected_version: Some(ProtocolVersion::Tls13.code()),
                ..ServerHelloExtensions::default()
            },
        }
    }

    /// EncryptedExtensions to Finished, a record each.
    fn protected(&self, mut transcript: Transcript, shared: &SharedSecret, sent: &mut Buffer) {
        let secret = HandshakeSecret::without_psk(self.parts().hash, shared);
        let traffic = secret.server_traffic(&transcript.hash());
        let mut keys = traffic.keys(self.parts()).unwrap();
        let extensions = EncryptedExtensions::default().encode();
        self.send(HandshakeType::ENCRYPTED_EXTENSIONS, extensions, &mut transcript, &mut keys, sent);
        let entry = CertificateEntry { der: &self.certificate, ..CertificateEntry::default() };
        let certificate = Certificate { context: &[], entries: vec![entry] }.encode();
        self.send(HandshakeType::CERTIFICATE, certificate, &mut transcript, &mut keys, sent);
        let signed = CertificateVerify::signed_content(Role::Server, transcript.hash().as_ref());
        let algorithm = SignatureScheme::ECDSA_SECP256R1_SHA256;
        let signature = self.key.sign(algorithm, &signed).unwrap();
        let verify = CertificateVerify { algorithm, signature: &signature }.encode();
        self.send(HandshakeType::CERTIFICATE_VERIFY, verify, &mut transcript, &mut keys, sent);
        let verify_data = traffic.finished_key().verify_data(&transcript.hash());
        let finished = Finished { verify_data: verify_data.as_bytes() }.encode();
        let finished = [&(self.edit)(HandshakeType::FINISHED, finished), self.trailing].concat();
        seal(&finished, &mut keys, sent);
    }

    fn send(
        &self,
        kind: HandshakeType,
        message: Vec<u8>,
        transcript: &mut Transcript,
        keys: &mut TrafficKeys,
        sent: &mut Buffer,
    ) {
        let message = (self.edit)(kind, message);
        transcript.add(&message);
        seal(&message, keys, sent);
    }

    fn parts(&self) -> &'static Suite {
        Suite::of(self.suite).unwrap()
    }
}

fn seal(message: &[u8], keys: &mut TrafficKeys, sent: &mut Buffer) {
    if !message.is_empty() {
        let framing = RecordFraming::new(ProtocolVersion::Tls13);
        keys.seal(framing, ContentType::Handshake, &[IoSlice::new(message)], sent).unwrap();
    }
}

/// RFC 8446 §4.1.3.
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
