//! What the tests of both roles have in common: a peer that does what it is told.

use std::{
    io,
    pin::pin,
    task::{Context, Poll, Waker},
};

use polytls_api::{
    AlertDescription, ByteStream, CertificateDer, Error, Established, PrivateKeyDer, Transport,
};

use crate::{
    crypto::SigningKey,
    wire::handshake::{HandshakeMessage, HandshakeType},
};

/// Changes a message of the peer's before it is hashed and sent; what is empty is left out.
pub(crate) type Edit<'e> = &'e (dyn Fn(HandshakeType, Vec<u8>) -> Vec<u8> + Sync);

/// Leaves all as it is.
pub(crate) fn honest(_: HandshakeType, message: Vec<u8>) -> Vec<u8> {
    message
}

/// Puts another message in the place of the one of this kind.
pub(crate) fn instead(kind: HandshakeType, other: Vec<u8>) -> impl Fn(HandshakeType, Vec<u8>) -> Vec<u8> {
    move |of, message| if of == kind { other.clone() } else { message }
}

/// Flips a bit in the last byte of the message of this kind.
pub(crate) fn flip_end_of(kind: HandshakeType) -> impl Fn(HandshakeType, Vec<u8>) -> Vec<u8> {
    move |of, mut message| {
        if of == kind
            && let Some(last) = message.last_mut()
        {
            *last ^= 1;
        }
        message
    }
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

/// Runs a handshake with a peer that answers each flight so; a peer that begins is asked with an empty one.
pub(crate) fn run_against(
    answer: impl FnMut(&[u8]) -> Vec<u8> + Send,
    handshake: impl AsyncFnOnce(&mut Transport<'_>) -> Result<Established, Error>,
) -> Result<Established, Error> {
    let mut stream = Scripted { written: Vec::new(), answer, incoming: Vec::new() };
    let mut transport = Transport::new(&mut stream);
    now(handshake(&mut transport))
}

/// The handshake failed, and the peer was told so.
pub(crate) fn assert_refused(outcome: &Result<Established, Error>, alert: AlertDescription, case: &str) {
    let sent = outcome.as_ref().err().and_then(Error::alert_sent);
    assert_eq!(sent, Some(alert), "{case}: {:?}", outcome.as_ref().err());
}

/// The last message in records that are not protected.
pub(crate) fn last_message(bytes: &[u8]) -> HandshakeMessage {
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

pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const CHANGE_CIPHER_SPEC: u8 = 20;

/// A record that nothing protects.
pub(crate) fn record(content_type: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = (content.len() as u16).to_be_bytes();
    [&[content_type, 3, 3, high, low], content].concat()
}

/// A key on P-256, and a certificate for it.
pub(crate) fn identity() -> (CertificateDer<'static>, SigningKey) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    (made.cert.der().clone(), SigningKey::from_der(&key).unwrap())
}

/// What a future has come to that waits for nothing.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("there is nothing to wait for"),
    }
}
