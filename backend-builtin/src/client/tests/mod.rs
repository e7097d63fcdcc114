//! The client against a server that breaks one rule at a time: each ends with the alert that the RFCs name.
//!
//! [`server13`] and [`server12`] are servers that keep all rules but those that a test has them break.

mod server12;
mod server13;
mod tls12;
mod tls13;

use std::{
    io,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use polytls_api::{
    AlertDescription, Backend, ByteStream, CertificateDer, ClientConfig, ClientConfigBuilder, ConnectOptions,
    DangerAcceptAnyCertificate, Error, Established, PrivateKeyDer, Transport,
};

use super::connect;
use crate::{
    Builtin,
    config::PreparedClient,
    crypto::SigningKey,
    options::Options,
    wire::handshake::{HandshakeMessage, HandshakeType},
};

/// Changes a message of the server's before it is hashed and sent; what is empty is left out.
type Edit<'e> = &'e (dyn Fn(HandshakeType, Vec<u8>) -> Vec<u8> + Sync);

/// Leaves all as it is.
fn honest(_: HandshakeType, message: Vec<u8>) -> Vec<u8> {
    message
}

/// Puts another message in the place of the one of this kind.
fn instead(kind: HandshakeType, other: Vec<u8>) -> impl Fn(HandshakeType, Vec<u8>) -> Vec<u8> {
    move |of, message| if of == kind { other.clone() } else { message }
}

/// Flips a bit in the last byte of the message of this kind.
fn flip_end_of(kind: HandshakeType) -> impl Fn(HandshakeType, Vec<u8>) -> Vec<u8> {
    move |of, mut message| {
        if of == kind
            && let Some(last) = message.last_mut()
        {
            *last ^= 1;
        }
        message
    }
}

/// A client that takes whatever certificate it is shown.
fn prepared(
    config: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
    options: Options,
) -> PreparedClient {
    let backend = Arc::new(Builtin::new());
    let builder = ClientConfig::builder(backend.clone()).verifier(Arc::new(DangerAcceptAnyCertificate));
    PreparedClient::new(backend.info(), &config(builder).build().unwrap(), Arc::new(options)).unwrap()
}

/// A stream whose other end answers what was written when it is read.
struct Scripted<F> {
    written: Vec<u8>,
    answer: F,
    incoming: Vec<u8>,
}

impl<F: FnMut(&[u8]) -> Vec<u8> + Send> ByteStream for Scripted<F> {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.incoming.is_empty() {
            self.incoming = (self.answer)(&std::mem::take(&mut self.written));
        }
        let count = self.incoming.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.incoming[..count]);
        self.incoming.drain(..count);
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Connects to a server that answers each flight so.
fn run(prepared: &PreparedClient, answer: impl FnMut(&[u8]) -> Vec<u8> + Send) -> Result<Established, Error> {
    let mut stream = Scripted { written: Vec::new(), answer, incoming: Vec::new() };
    let mut transport = Transport::new(&mut stream);
    let name = "localhost".parse().unwrap();
    let options = ConnectOptions::new();
    let mut connecting = pin!(connect(prepared, &name, &options, &mut transport));
    match connecting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the stream is always ready"),
    }
}

/// The handshake failed, and the server was told so.
fn assert_refused(outcome: &Result<Established, Error>, alert: AlertDescription, case: &str) {
    let sent = outcome.as_ref().err().and_then(Error::alert_sent);
    assert_eq!(sent, Some(alert), "{case}: {:?}", outcome.as_ref().err());
}

/// The last message in records that are not protected.
fn last_message(bytes: &[u8]) -> HandshakeMessage {
    let (mut rest, mut message) = (bytes, Vec::new());
    while let Some((&[content_type, _, _, high, low], behind)) = rest.split_first_chunk() {
        let (content, behind) = behind.split_at(usize::from(u16::from_be_bytes([high, low])));
        if content_type == HANDSHAKE {
            message.extend_from_slice(content);
        }
        rest = behind;
    }
    HandshakeMessage::new(message)
}

const HANDSHAKE: u8 = 22;
const CHANGE_CIPHER_SPEC: u8 = 20;

/// A record that nothing protects.
fn record(content_type: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = (content.len() as u16).to_be_bytes();
    [&[content_type, 3, 3, high, low], content].concat()
}

/// A key on P-256, and a certificate for it.
fn identity() -> (CertificateDer<'static>, SigningKey) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    (made.cert.der().clone(), SigningKey::from_der(&key).unwrap())
}
