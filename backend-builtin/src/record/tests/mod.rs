//! The record layer of a handshake over bytes in memory: each bound from both sides, each refusal with its alert.

mod bounds;
mod keys;
mod sending;

use std::{
    io::{self, IoSlice},
    pin::pin,
    task::{Context, Poll, Waker},
};

use polytls_api::{
    AlertDescription as Alert, Buffer, ByteStream, CipherSuite, ErrorKind, ProtocolVersion, Transport,
    record::{ContentType, RecordFraming, TrafficKeys},
};

use super::*;
use crate::crypto::record_cipher;

const TLS13: CipherSuite = CipherSuite::TLS_AES_128_GCM_SHA256;
const TLS12: CipherSuite = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;

/// What a peer sends, so many bytes a read, and then no more.
struct Wire {
    incoming: Vec<u8>,
    read: usize,
    step: usize,
    outgoing: Vec<u8>,
}

impl ByteStream for Wire {
    fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let rest = &self.incoming[self.read..];
        let count = rest.len().min(self.step).min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read += count;
        Poll::Ready(Ok(count))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.outgoing.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs `test` against a peer that sends `incoming`; yields also what was sent to it.
fn run_in_steps<T>(
    incoming: &[u8],
    step: usize,
    test: impl AsyncFnOnce(&mut Records<'_, '_>) -> T,
) -> (T, Vec<u8>) {
    let mut wire = Wire { incoming: incoming.to_vec(), read: 0, step, outgoing: Vec::new() };
    let mut transport = Transport::new(&mut wire);
    let mut records = Records::new(&mut transport, &Limits::default());
    let output = now(test(&mut records));
    let _ = now(transport.flush());
    (output, wire.outgoing)
}

fn run<T>(incoming: &[u8], test: impl AsyncFnOnce(&mut Records<'_, '_>) -> T) -> T {
    run_in_steps(incoming, usize::MAX, test).0
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the stream is always ready"),
    }
}

fn keys(suite: CipherSuite, key: u8) -> TrafficKeys {
    TrafficKeys::new(suite, record_cipher(suite, &[key; 16]).unwrap(), [key; 12], 0)
}

/// A record that nothing protects.
fn plain(content_type: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = (content.len() as u16).to_be_bytes();
    [&[content_type, 3, 3, high, low], content].concat()
}

fn handshake(content: &[u8]) -> Vec<u8> {
    plain(22, content)
}

fn message(kind: u8, body_len: usize) -> Vec<u8> {
    let [_, high, middle, low] = (body_len as u32).to_be_bytes();
    [&[kind, high, middle, low][..], &vec![7; body_len]].concat()
}

/// Records under keys that count on.
struct Peer {
    keys: TrafficKeys,
    framing: RecordFraming,
    sent: Buffer,
}

impl Peer {
    fn new(suite: CipherSuite) -> Self {
        let framing = RecordFraming::new(suite.version().unwrap());
        Self { keys: keys(suite, 9), framing, sent: Buffer::new() }
    }

    fn send(mut self, content_type: ContentType, content: &[u8]) -> Self {
        self.keys.seal(self.framing, content_type, &[IoSlice::new(content)], &mut self.sent).unwrap();
        self
    }

    fn bytes(&self) -> Vec<u8> {
        self.sent.filled().to_vec()
    }
}

/// As after a ServerHello: a version, and keys for what comes.
fn protect(records: &mut Records<'_, '_>, suite: CipherSuite) {
    records.set_version(suite.version().unwrap());
    records.set_receiving_keys(keys(suite, 9)).unwrap();
}

/// All messages up to the first fault.
async fn read_all(records: &mut Records<'_, '_>) -> (Vec<Vec<u8>>, Fault) {
    let mut messages = Vec::new();
    loop {
        match records.read_message().await {
            Ok(message) => messages.push(message.raw().to_vec()),
            Err(fault) => return (messages, fault),
        }
    }
}

fn is_end(fault: &Fault) -> bool {
    matches!(fault, Fault::Transport(error) if *error.kind() == ErrorKind::UnexpectedEof)
}

/// The fault of a peer that sends these bytes, without keys and before a version is known.
fn fault_of(incoming: &[u8]) -> Fault {
    run(incoming, async |records| read_all(records).await.1)
}

/// The same of records under keys.
fn protected_fault(suite: CipherSuite, incoming: &[u8]) -> Fault {
    run(incoming, async |records| {
        protect(records, suite);
        read_all(records).await.1
    })
}

/// The records in `bytes`: type, version and length of each.
fn records_in(bytes: &[u8]) -> Vec<(u8, [u8; 2], usize)> {
    let (mut found, mut rest) = (Vec::new(), bytes);
    while let Some((&[code, major, minor, high, low], content)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        found.push((code, [major, minor], length));
        rest = &content[length..];
    }
    found
}
