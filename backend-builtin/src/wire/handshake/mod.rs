//! Handshake messages (RFC 8446 §4, RFC 5246 §7.4): one message per file.
//!
//! Each has `parse`, from the body of the message, and `encode`, which makes the whole message with its header.
//! Where TLS 1.2 has a message of the same name and another form, its name ends in `12`.

mod certificate;
mod certificate12;
mod certificate_request;
mod certificate_request12;
mod certificate_status;
mod certificate_verify;
mod client_extensions;
mod client_hello;
mod client_key_exchange;
mod compressed_certificate;
mod encrypted_extensions;
mod end_of_early_data;
mod finished;
mod new_session_ticket;
mod new_session_ticket12;
mod server_extensions;
mod server_hello;
mod server_hello_done;
mod server_key_exchange;

use std::fmt;

pub(crate) use self::{
    certificate::{Certificate, CertificateEntry},
    certificate_request::CertificateRequest,
    certificate_request12::CertificateRequest12,
    certificate_status::CertificateStatus,
    certificate_verify::CertificateVerify,
    certificate12::CertificateList12,
    client_extensions::ClientExtensions,
    client_hello::ClientHello,
    client_key_exchange::ClientKeyExchange,
    compressed_certificate::CompressedCertificate,
    encrypted_extensions::EncryptedExtensions,
    end_of_early_data::EndOfEarlyData,
    finished::Finished,
    new_session_ticket::NewSessionTicket,
    new_session_ticket12::NewSessionTicket12,
    server_extensions::ServerHelloExtensions,
    server_hello::ServerHello,
    server_hello_done::ServerHelloDone,
    server_key_exchange::ServerKeyExchange,
};
use super::codec::Put;
pub(crate) use super::extension::{
    key_share::KeyShareEntry,
    pre_shared_key::{OfferedPsks, PskIdentity},
};

/// The type of a handshake message, by its code in the IANA registry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct HandshakeType(u8);

impl HandshakeType {
    pub(crate) const HELLO_REQUEST: Self = Self(0);
    pub(crate) const CLIENT_HELLO: Self = Self(1);
    pub(crate) const SERVER_HELLO: Self = Self(2);
    pub(crate) const NEW_SESSION_TICKET: Self = Self(4);
    pub(crate) const END_OF_EARLY_DATA: Self = Self(5);
    pub(crate) const ENCRYPTED_EXTENSIONS: Self = Self(8);
    pub(crate) const CERTIFICATE: Self = Self(11);
    pub(crate) const SERVER_KEY_EXCHANGE: Self = Self(12);
    pub(crate) const CERTIFICATE_REQUEST: Self = Self(13);
    pub(crate) const SERVER_HELLO_DONE: Self = Self(14);
    pub(crate) const CERTIFICATE_VERIFY: Self = Self(15);
    pub(crate) const CLIENT_KEY_EXCHANGE: Self = Self(16);
    pub(crate) const FINISHED: Self = Self(20);
    pub(crate) const CERTIFICATE_STATUS: Self = Self(22);
    pub(crate) const KEY_UPDATE: Self = Self(24);
    pub(crate) const COMPRESSED_CERTIFICATE: Self = Self(25);
    /// RFC 8446 §4.4.1: never sent, and stands for the first ClientHello in a transcript.
    pub(crate) const MESSAGE_HASH: Self = Self(254);

    pub(crate) const fn from_code(code: u8) -> Self {
        Self(code)
    }

    pub(crate) const fn code(self) -> u8 {
        self.0
    }

    /// The name in the IANA registry, of those above.
    pub(crate) fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::HELLO_REQUEST => "hello_request",
            Self::CLIENT_HELLO => "client_hello",
            Self::SERVER_HELLO => "server_hello",
            Self::NEW_SESSION_TICKET => "new_session_ticket",
            Self::END_OF_EARLY_DATA => "end_of_early_data",
            Self::ENCRYPTED_EXTENSIONS => "encrypted_extensions",
            Self::CERTIFICATE => "certificate",
            Self::SERVER_KEY_EXCHANGE => "server_key_exchange",
            Self::CERTIFICATE_REQUEST => "certificate_request",
            Self::SERVER_HELLO_DONE => "server_hello_done",
            Self::CERTIFICATE_VERIFY => "certificate_verify",
            Self::CLIENT_KEY_EXCHANGE => "client_key_exchange",
            Self::FINISHED => "finished",
            Self::CERTIFICATE_STATUS => "certificate_status",
            Self::KEY_UPDATE => "key_update",
            Self::COMPRESSED_CERTIFICATE => "compressed_certificate",
            Self::MESSAGE_HASH => "message_hash",
            _ => return None,
        })
    }
}

impl fmt::Debug for HandshakeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "0x{:02x}", self.0),
        }
    }
}

/// The type and the three bytes of length in front of a body (RFC 8446 §4).
pub(crate) const HEADER_LEN: usize = 4;

/// A whole handshake message as it was received: what a transcript takes in.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HandshakeMessage {
    raw: Vec<u8>,
}

impl HandshakeMessage {
    /// `raw` begins with the header, and ends where its length says.
    pub(crate) fn new(raw: Vec<u8>) -> Self {
        Self { raw }
    }

    pub(crate) fn kind(&self) -> HandshakeType {
        HandshakeType(self.raw.first().copied().unwrap_or_default())
    }

    pub(crate) fn body(&self) -> &[u8] {
        self.raw.get(HEADER_LEN..).unwrap_or_default()
    }

    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }
}

impl fmt::Debug for HandshakeMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandshakeMessage({:?}, {} bytes)", self.kind(), self.raw.len())
    }
}

/// A whole message: header, and the body that `body` writes.
pub(crate) fn encode_handshake(kind: HandshakeType, body: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    /// Enough for most: they are then written without a buffer that grows.
    const ROOM: usize = 512;
    let mut message = Vec::with_capacity(ROOM);
    message.put_u8(kind.code());
    message.vec24(body);
    message
}
