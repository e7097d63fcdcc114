//! The plaintext part of a handshake, read by polytls itself.
//!
//! [`ClientHello`] is a client's first message, for a server that chooses by it before any engine starts, and
//! `incoming` finds it at the front of what a connection received.
//!
//! [`HelloObserver`] reads along, for libraries that do not tell: it follows the message flow (RFC 8446 §2, RFC 5246 §7.3) up to the last message that it
//! needs; `deframe` turns bytes into messages, and the files named after messages read those. Nothing here
//! checks a handshake: the library that runs it does, and what it would refuse leaves answers missing here,
//! never a panic and never more than 128 KiB held per direction.

mod client_hello;
mod deframe;
mod incoming;
#[cfg(test)]
mod properties;
mod reader;
mod server_hello;
mod server_key_exchange;
#[cfg(test)]
pub(crate) mod tests;

use std::ops::ControlFlow;

pub use self::client_hello::{ClientHello, PskIdentity};
pub(crate) use self::incoming::IncomingHello;
use self::{
    client_hello::Fields,
    deframe::{Deframer, Event, HandshakeType},
    server_hello::ServerHello,
};
use crate::{CipherSuite, NamedGroup, ProtocolVersion};

/// A hello has room for 30,000 names of one byte, which take thirty times as much memory here.
const MAX_PROTOCOL_NAMES: usize = 256;

/// Watches the bytes of a handshake in both directions.
///
/// It may be fed in pieces of any size, and for the whole life of a connection: once a direction has said
/// all that is asked for, its bytes are not looked at any more. Which side is the client shows in who sends
/// the ClientHello. Bytes that are not TLS end the watch in their direction quietly.
#[derive(Debug, Default)]
pub struct HelloObserver {
    received: Deframer,
    sent: Deframer,
    awaited: Awaited,
    client_hello: Option<Asked>,
    version: Option<ProtocolVersion>,
    cipher_suite: Option<CipherSuite>,
    named_group: Option<NamedGroup>,
    resumed: Option<bool>,
}

impl HelloObserver {
    /// Bytes that came from the peer.
    pub fn received(&mut self, bytes: &[u8]) {
        self.observe(|observer| &mut observer.received, bytes);
    }

    /// Bytes that go to the peer.
    pub fn sent(&mut self, bytes: &[u8]) {
        self.observe(|observer| &mut observer.sent, bytes);
    }

    /// The version that the ServerHello chose; `None` until then, and for one that polytls does not speak.
    pub fn version(&self) -> Option<ProtocolVersion> {
        self.version
    }

    /// The suite that the ServerHello chose.
    pub fn cipher_suite(&self) -> Option<CipherSuite> {
        self.cipher_suite
    }

    /// The group of the key exchange: in TLS 1.3 that of the ServerHello's key share, in TLS 1.2 that of an
    /// ECDHE ServerKeyExchange. `None` without such an exchange, as when TLS 1.2 resumes.
    pub fn named_group(&self) -> Option<NamedGroup> {
        self.named_group
    }

    /// The name in the ClientHello's SNI, as the client wrote it. `None` also for one that is longer than
    /// 255 bytes or not printable ASCII.
    pub fn server_name(&self) -> Option<&str> {
        self.client_hello.as_ref()?.server_name.as_deref()
    }

    /// The protocols that the ClientHello offers, the preferred first; of a list that is longer, the first 256.
    pub fn client_alpn(&self) -> &[Vec<u8>] {
        self.client_hello.as_ref().map_or(&[], |hello| &hello.alpn)
    }

    /// Whether the ClientHello offers a PSK (RFC 8446 §4.2.11): the session that a client of TLS 1.3 would resume.
    pub fn client_offers_psk(&self) -> bool {
        self.client_hello.as_ref().is_some_and(|hello| hello.offers_psk)
    }

    /// Whether the server resumed an earlier session: in TLS 1.3 it accepted a PSK, in TLS 1.2 it sent no
    /// certificate. In TLS 1.2 this is known one message after the ServerHello.
    pub fn resumed(&self) -> Option<bool> {
        self.resumed
    }

    /// Whether a whole ClientHello has passed.
    pub fn client_hello_seen(&self) -> bool {
        self.client_hello.is_some()
    }

    fn observe(&mut self, direction: fn(&mut Self) -> &mut Deframer, mut bytes: &[u8]) {
        while let Some(event) = direction(self).next(&mut bytes) {
            // The client's direction ends with its ClientHello, so whatever comes later is the server's.
            let flow = match self.awaited {
                Awaited::ClientHello => self.read_client_hello(event),
                Awaited::ServerHello => self.read_server_hello(event),
                Awaited::ServerFlight(cipher_suite) => self.read_server_flight(cipher_suite, event),
            };
            if flow.is_break() {
                direction(self).finish();
            }
        }
    }

    fn read_client_hello(&mut self, event: Event) -> ControlFlow<()> {
        match event {
            Event::Message(HandshakeType::ClientHello, body) => {
                self.client_hello = Some(Asked::read(&body));
            }
            Event::TooLong(HandshakeType::ClientHello) => {}
            _ => return ControlFlow::Continue(()),
        }
        self.awaited = Awaited::ServerHello;
        ControlFlow::Break(())
    }

    fn read_server_hello(&mut self, event: Event) -> ControlFlow<()> {
        let Event::Message(HandshakeType::ServerHello, body) = event else {
            return ControlFlow::Continue(());
        };
        let Some(hello) = ServerHello::parse(&body) else {
            return ControlFlow::Break(());
        };
        if hello.is_hello_retry_request {
            return ControlFlow::Continue(());
        }
        self.version = hello.version();
        self.cipher_suite = Some(hello.cipher_suite);
        if hello.is_tls13() {
            self.named_group = hello.key_share;
            // RFC 8446 §4.2.11: the server's pre_shared_key says which of the client's PSKs it took.
            self.resumed = Some(hello.pre_shared_key);
            return ControlFlow::Break(());
        }
        self.awaited = Awaited::ServerFlight(hello.cipher_suite);
        ControlFlow::Continue(())
    }

    /// RFC 5246 §7.3: a full handshake goes on with the certificate and the key exchange, an abbreviated one
    /// with ChangeCipherSpec, or with a NewSessionTicket before it (RFC 5077 §3.1).
    fn read_server_flight(&mut self, cipher_suite: CipherSuite, event: Event) -> ControlFlow<()> {
        match event {
            Event::Message(HandshakeType::Certificate, _) => {
                self.resumed = Some(false);
                return ControlFlow::Continue(());
            }
            Event::Message(HandshakeType::ServerKeyExchange, body) => {
                self.named_group = server_key_exchange::named_group(cipher_suite, &body);
                self.resumed = Some(false);
            }
            Event::Message(HandshakeType::ServerHelloDone, _) => self.resumed = Some(false),
            Event::Message(HandshakeType::NewSessionTicket, _) | Event::ChangeCipherSpec => {
                self.resumed.get_or_insert(true);
            }
            Event::Message(..) | Event::TooLong(_) | Event::Alert | Event::Unreadable(_) => {
                return ControlFlow::Continue(());
            }
        }
        ControlFlow::Break(())
    }
}

/// What a ClientHello asks for, as far as it can be read.
#[derive(Debug, Default)]
struct Asked {
    server_name: Option<String>,
    alpn: Vec<Vec<u8>>,
    offers_psk: bool,
}

impl Asked {
    /// What breaks a rule is refused by the library that reads along: here it only leaves an answer missing.
    fn read(body: &[u8]) -> Self {
        let (fields, _) = Fields::read(body);
        Self {
            server_name: fields.server_name().map(ToOwned::to_owned),
            alpn: fields.alpn().take(MAX_PROTOCOL_NAMES).map(<[u8]>::to_vec).collect(),
            offers_psk: fields.psk_identities().next().is_some(),
        }
    }
}

/// The message that comes next, of those that matter here.
#[derive(Clone, Copy, Debug, Default)]
enum Awaited {
    #[default]
    ClientHello,
    ServerHello,
    /// TLS 1.2 only: the rest of the server's first flight, which TLS 1.3 encrypts.
    ServerFlight(CipherSuite),
}
