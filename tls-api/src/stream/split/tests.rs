//! What passes between the halves of a stream.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, atomic::Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    io::{
        AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, Join, ReadBuf, ReadHalf, WriteHalf,
        duplex,
    },
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    AlertDescription, Buffer, CipherSuite, Error, ErrorKind, Opened, Session,
    record::{RecordSession, tests::pair},
    stream::tests::{Gate, stream, stream_of, task},
};

const TLS13: CipherSuite = CipherSuite::TLS_AES_128_GCM_SHA256;
const TLS12: CipherSuite = CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;

type Halves<R, W> = (OwnedReadHalf<Join<R, W>>, OwnedWriteHalf<Join<R, W>>);

/// A gate that both halves hold, and the test.
#[derive(Clone, Default)]
struct SharedGate(Arc<Mutex<Gate>>);

impl SharedGate {
    fn opened() -> Self {
        Self(Arc::new(Mutex::new(Gate { open: true, ..Gate::default() })))
    }

    fn with<T>(&self, call: impl FnOnce(&mut Gate) -> T) -> T {
        call(&mut self.0.lock().unwrap())
    }

    fn halves(&self) -> Halves<Self, Self> {
        stream(self.clone()).into_split_by(|io| (io.clone(), io))
    }
}

impl AsyncRead for SharedGate {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|gate| Pin::new(gate).poll_read(cx, buffer))
    }
}

impl AsyncWrite for SharedGate {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|gate| Pin::new(gate).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|gate| Pin::new(gate).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|gate| Pin::new(gate).poll_shutdown(cx))
    }
}

fn poll_read(read: &mut (impl AsyncRead + Unpin), waker: &Waker) -> Poll<Vec<u8>> {
    let mut bytes = [0; 200];
    let mut buffer = ReadBuf::new(&mut bytes);
    Pin::new(read)
        .poll_read(&mut Context::from_waker(waker), &mut buffer)
        .map(|result| result.map(|()| buffer.filled().to_vec()).unwrap())
}

fn poll_write(write: &mut (impl AsyncWrite + Unpin), bytes: &[u8], waker: &Waker) -> Poll<usize> {
    Pin::new(write).poll_write(&mut Context::from_waker(waker), bytes).map(Result::unwrap)
}

#[test]
fn a_reader_sends_what_it_has_to_while_the_writer_does_nothing() {
    let gate = SharedGate::opened();
    let (mut read, _write) = gate.halves();
    gate.with(|gate| gate.to_read = vec![0xff]);
    assert!(poll_read(&mut read, Waker::noop()).is_pending());
    assert_eq!(gate.with(|gate| gate.written.clone()), b"\x01!");
}

#[test]
fn a_reader_that_meets_the_writer_leaves_to_it_what_is_to_be_sent() {
    let gate = SharedGate::opened();
    let (mut read, write) = gate.halves();
    gate.with(|gate| gate.to_read = vec![0xff]);
    let turn = |_: &mut Context<'_>, _: &mut _| {
        assert!(poll_read(&mut read, Waker::noop()).is_pending());
        assert!(gate.with(|gate| gate.written.is_empty()));
        Poll::Ready(())
    };
    assert!(write.poll(&mut Context::from_waker(Waker::noop()), turn).is_ready());
    assert_eq!(gate.with(|gate| gate.written.clone()), b"\x01!");
}

#[test]
fn a_reader_that_waits_sends_what_the_writer_left_behind() {
    let gate = SharedGate::default();
    let (mut read, mut write) = gate.halves();
    let (reader, waker) = task();
    assert!(poll_write(&mut write, b"data", Waker::noop()).is_ready());
    assert!(poll_read(&mut read, &waker).is_pending());
    gate.with(Gate::open);
    assert_eq!(reader.0.load(Ordering::SeqCst), 1, "the reader sleeps for ever");
    assert!(poll_read(&mut read, &waker).is_pending());
    assert_eq!(gate.with(|gate| gate.written.clone()), b"\x04data");
}

#[test]
fn a_reader_that_waits_sends_what_was_left_behind_before_the_stream_was_split() {
    let gate = SharedGate::default();
    let mut whole = stream(gate.clone());
    assert!(poll_write(&mut whole, b"data", Waker::noop()).is_ready());
    let (mut read, _write) = whole.into_split_by(|io| (io.clone(), io));
    let (reader, waker) = task();
    assert!(poll_read(&mut read, &waker).is_pending());
    gate.with(Gate::open);
    assert_eq!(reader.0.load(Ordering::SeqCst), 1, "the reader sleeps for ever");
    assert!(poll_read(&mut read, &waker).is_pending());
    assert_eq!(gate.with(|gate| gate.written.clone()), b"\x04data");
}

#[test]
fn a_reader_sends_for_a_writer_that_gave_up_waiting() {
    let gate = SharedGate::default();
    let (mut read, mut write) = gate.halves();
    let ((reader, reader_waker), (writer, writer_waker)) = (task(), task());
    assert!(poll_write(&mut write, b"data", &writer_waker).is_ready());
    assert!(Pin::new(&mut write).poll_flush(&mut Context::from_waker(&writer_waker)).is_pending());
    assert!(poll_read(&mut read, &reader_waker).is_pending());
    gate.with(Gate::open);
    assert_eq!(reader.0.load(Ordering::SeqCst), 1, "the reader sleeps for ever");
    assert_eq!(writer.0.load(Ordering::SeqCst), 1, "the writer sleeps for ever");
    assert!(poll_read(&mut read, &reader_waker).is_pending());
    assert_eq!(gate.with(|gate| gate.written.clone()), b"\x04data");
}

#[test]
fn a_writer_whose_bytes_the_reader_sends_is_woken() {
    let gate = SharedGate::default();
    let (mut read, mut write) = gate.halves();
    let (writer, waker) = task();
    assert!(poll_write(&mut write, b"data", &waker).is_ready());
    assert!(Pin::new(&mut write).poll_flush(&mut Context::from_waker(&waker)).is_pending());
    // The byte stream opens without telling: only the reader's poll finds out.
    gate.with(|gate| gate.open = true);
    assert!(poll_read(&mut read, Waker::noop()).is_pending());
    assert_eq!(writer.0.load(Ordering::SeqCst), 1, "the writer sleeps for ever");
}

#[test]
fn a_reader_that_waits_is_woken_for_what_is_left_behind() {
    let left_by_a_write = |write: &mut OwnedWriteHalf<_>| {
        assert!(poll_write(write, b"data", Waker::noop()).is_ready());
    };
    let left_by_new_keys = |write: &mut OwnedWriteHalf<_>| write.update_keys(false).unwrap();
    for (leave, sent) in
        [(&left_by_a_write as &dyn Fn(&mut _), b"\x04data".as_slice()), (&left_by_new_keys, b"\x01k")]
    {
        let gate = SharedGate::default();
        let (mut read, mut write) = gate.halves();
        let (reader, waker) = task();
        assert!(poll_read(&mut read, &waker).is_pending());
        leave(&mut write);
        drop(write);
        assert_eq!(reader.0.load(Ordering::SeqCst), 1, "the reader sleeps for ever");
        assert!(poll_read(&mut read, &waker).is_pending());
        gate.with(Gate::open);
        assert_eq!(reader.0.load(Ordering::SeqCst), 2, "the reader sleeps for ever");
        assert!(poll_read(&mut read, &waker).is_pending());
        assert_eq!(gate.with(|gate| gate.written.clone()), sent);
    }
}

#[test]
fn a_reader_that_has_sent_what_was_left_is_woken_for_more() {
    let gate = SharedGate::default();
    let (mut read, mut write) = gate.halves();
    let (reader, waker) = task();
    assert!(poll_write(&mut write, b"one", Waker::noop()).is_ready());
    gate.with(Gate::open);
    assert!(poll_read(&mut read, &waker).is_pending());
    assert_eq!(gate.with(|gate| gate.written.clone()), b"\x03one");
    gate.with(|gate| gate.open = false);
    assert!(poll_write(&mut write, b"two", Waker::noop()).is_ready());
    assert_eq!(reader.0.load(Ordering::SeqCst), 1, "the reader sleeps for ever");
}

#[tokio::test]
async fn what_a_write_has_sealed_is_sent_though_the_write_is_given_up() {
    let (near, far) = duplex(1000);
    let (session, server) = pair(TLS13);
    let (mut read, mut write) = stream_of(Box::new(server), near).into_split_by(tokio::io::split);
    let mut peer = Peer { session, wire: far };
    let mut taken = 0;
    while let Poll::Ready(count) = poll_write(&mut write, &[7; 10_000], Waker::noop()) {
        taken += count;
    }
    assert!(taken > 64 * 1024, "otherwise nothing waits");
    // The peer answers only when it has everything, and the application does nothing but to wait for the answer.
    let peer = async {
        let mut received = 0;
        let (mut incoming, mut buffer) = (Buffer::new(), [0; 10_000]);
        while received < taken {
            match peer.session.open(&mut incoming, &mut Buffer::new(), &mut buffer).unwrap() {
                Opened::Data(count) => received += count,
                Opened::NeedMore => {
                    let count = peer.wire.read(&mut buffer).await.unwrap();
                    incoming.extend(&buffer[..count]);
                }
                Opened::Closed => unreachable!(),
            }
        }
        let answer = peer.seal(b"all");
        peer.wire.write_all(&answer).await.unwrap();
    };
    let mut answer = [0; 3];
    let both = async { tokio::join!(peer, read.read_exact(&mut answer)) };
    tokio::time::timeout(Duration::from_secs(60), both).await.expect("something is never sent").1.unwrap();
    assert_eq!(&answer, b"all");
}

#[test]
fn a_writer_and_a_reader_that_both_have_to_send_are_both_woken() {
    let gate = SharedGate::default();
    let (mut read, mut write) = gate.halves();
    let ((reader, reader_waker), (writer, writer_waker)) = (task(), task());
    assert!(poll_write(&mut write, b"data", &writer_waker).is_ready());
    assert!(Pin::new(&mut write).poll_flush(&mut Context::from_waker(&writer_waker)).is_pending());
    gate.with(|gate| gate.to_read = vec![0xff]);
    assert!(poll_read(&mut read, &reader_waker).is_pending());
    gate.with(Gate::open);
    assert_eq!(writer.0.load(Ordering::SeqCst), 1, "the writer sleeps for ever");
    assert_eq!(reader.0.load(Ordering::SeqCst), 1, "the reader sleeps for ever");
    assert!(Pin::new(&mut write).poll_flush(&mut Context::from_waker(&writer_waker)).is_ready());
    assert_eq!(gate.with(|gate| gate.written.clone()), b"\x04data\x01!");
}

#[test]
fn what_a_reader_has_sent_is_flushed_though_that_takes_more_than_one_attempt() {
    let gate = SharedGate::opened();
    let (mut read, _write) = gate.halves();
    let (reader, waker) = task();
    gate.with(|gate| (gate.holds, gate.to_read) = (true, vec![0xff]));
    assert!(poll_read(&mut read, &waker).is_pending());
    assert_eq!(gate.with(|gate| gate.flushed), 0);
    gate.with(Gate::open);
    assert_eq!(reader.0.load(Ordering::SeqCst), 1, "the reader sleeps for ever");
    assert!(poll_read(&mut read, &waker).is_pending());
    assert_eq!(gate.with(|gate| gate.flushed), 2, "what was sent is not flushed");
}

#[test]
fn a_fault_is_told_that_was_found_while_the_writer_renewed_its_keys() {
    let gate = SharedGate::opened();
    let (mut read, write) = gate.halves();
    gate.with(|gate| gate.to_read = vec![0xff]);
    let shared = &*write.shared;
    let turn = |_: &mut _| assert!(poll_read(&mut read, Waker::noop()).is_pending());
    shared.sender.wait(turn, |cx, sender| {
        shared.send(sender, cx, Side::Reader);
    });
    assert_eq!(gate.with(|gate| gate.written.clone()), b"\x01!");
}

#[test]
fn halves_of_two_streams_do_not_go_together() {
    let (read, _write) = SharedGate::default().halves();
    let (_read, write) = SharedGate::default().halves();
    assert!(read.unsplit(write).is_err());
    let (read, write) = SharedGate::default().halves();
    assert!(read.unsplit(write).is_ok());
}

/// A peer whose bytes the test sees: its session, and the far end of the byte stream.
struct Peer {
    session: RecordSession,
    wire: DuplexStream,
}

type Duplex = Join<ReadHalf<DuplexStream>, WriteHalf<DuplexStream>>;

/// A stream in halves, and its peer.
fn split_with_peer(suite: CipherSuite) -> (OwnedReadHalf<Duplex>, OwnedWriteHalf<Duplex>, Peer) {
    let (near, far) = duplex(1 << 20);
    let (session, server) = pair(suite);
    let (read, write) = stream_of(Box::new(server), near).into_split_by(tokio::io::split);
    (read, write, Peer { session, wire: far })
}

impl Peer {
    fn seal(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut outgoing = Buffer::new();
        assert_eq!(self.session.seal(&[io::IoSlice::new(bytes)], &mut outgoing).unwrap(), bytes.len());
        outgoing.filled().to_vec()
    }

    async fn send_corrupt(&mut self) {
        let mut record = self.seal(b"data");
        *record.last_mut().unwrap() ^= 1;
        self.wire.write_all(&record).await.unwrap();
    }

    /// Everything up to the end or to an alert.
    async fn receive(&mut self) -> Result<Vec<u8>, Error> {
        let (mut incoming, mut all, mut buffer) = (Buffer::new(), Vec::new(), [0; 10_000]);
        loop {
            match self.session.open(&mut incoming, &mut Buffer::new(), &mut buffer)? {
                Opened::Data(count) => all.extend_from_slice(&buffer[..count]),
                Opened::Closed => return Ok(all),
                Opened::NeedMore => {
                    let count = self.wire.read(&mut buffer).await.unwrap();
                    assert!(count > 0, "a cut");
                    incoming.extend(&buffer[..count]);
                }
            }
        }
    }
}

fn kind(result: io::Result<impl std::fmt::Debug>) -> ErrorKind {
    Error::from(result.unwrap_err()).kind().clone()
}

#[tokio::test]
async fn a_corrupt_record_ends_both_halves_and_is_told_to_the_peer_at_once() {
    for suite in [TLS13, TLS12] {
        let (mut read, mut write, mut peer) = split_with_peer(suite);
        write.write_all(b"before").await.unwrap();
        peer.send_corrupt().await;
        assert_eq!(kind(read.read(&mut [0; 10]).await), ErrorKind::BadRecord);
        let error = peer.receive().await.unwrap_err();
        assert_eq!(error.alert_received(), Some(AlertDescription::BAD_RECORD_MAC));
        assert_eq!(kind(write.write(b"too late").await), ErrorKind::BadRecord);
        assert_eq!(kind(read.read(&mut [0; 10]).await), ErrorKind::BadRecord);
    }
}

#[tokio::test]
async fn a_half_goes_on_without_the_other() {
    let (mut read, write, mut peer) = split_with_peer(TLS13);
    drop(write);
    let record = peer.seal(b"data");
    peer.wire.write_all(&record).await.unwrap();
    assert_eq!(read.read(&mut [0; 10]).await.unwrap(), 4);
    peer.send_corrupt().await;
    assert_eq!(kind(read.read(&mut [0; 10]).await), ErrorKind::BadRecord);
    let error = peer.receive().await.unwrap_err();
    assert_eq!(error.alert_received(), Some(AlertDescription::BAD_RECORD_MAC));

    let (read, mut write, mut peer) = split_with_peer(TLS13);
    drop(read);
    write.write_bytes(&mut &b"still here"[..]).await.unwrap();
    write.update_keys(true).unwrap();
    write.shutdown().await.unwrap();
    let refused = write.update_keys(true).unwrap_err();
    assert_eq!(refused.kind(), &ErrorKind::Io(io::ErrorKind::BrokenPipe));
    assert_eq!(peer.receive().await.unwrap(), b"still here");
}

#[tokio::test]
async fn nothing_is_sent_when_a_half_is_dropped() {
    let (read, write, mut peer) = split_with_peer(TLS13);
    drop(write);
    drop(read);
    let mut sent = Vec::new();
    peer.wire.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, b"");
}

#[tokio::test]
async fn the_stream_is_whole_again_in_the_middle_of_a_record() {
    let (mut read, mut write, mut peer) = split_with_peer(TLS13);
    let records = [peer.seal(&[7; 150]), peer.seal(b"next")].concat();
    let (most, rest) = records.split_at(records.len() - 10);
    peer.wire.write_all(most).await.unwrap();
    let mut buffer = [0; 160];
    read.read_exact(&mut buffer[..100]).await.unwrap();
    write.write_all(b"halves, ").await.unwrap();
    write.update_keys(true).unwrap();
    let mut stream = read.unsplit(write).unwrap();
    assert_eq!(stream.read(&mut buffer[100..]).await.unwrap(), 50);
    assert_eq!(buffer[..150], [7; 150]);
    peer.wire.write_all(rest).await.unwrap();
    assert_eq!(stream.read(&mut buffer).await.unwrap(), 4);
    stream.write_all(b"whole, ").await.unwrap();
    let (_read, mut write) = stream.into_split();
    write.write_all(b"halves").await.unwrap();
    write.shutdown().await.unwrap();
    assert_eq!(peer.receive().await.unwrap(), b"halves, whole, halves");
}

#[tokio::test]
async fn idle_halves_hold_no_buffers() {
    let (mut read, mut write, mut peer) = split_with_peer(TLS13);
    let record = peer.seal(&[7; 10_000]);
    peer.wire.write_all(&record).await.unwrap();
    read.read_exact(&mut [0; 5_000]).await.unwrap();
    assert!(read.held() > 0, "otherwise the next assertion proves nothing");
    read.read_exact(&mut [0; 5_000]).await.unwrap();
    write.write_all(&[7; 100_000]).await.unwrap();
    assert!(poll_read(&mut read, Waker::noop()).is_pending());
    assert_eq!((read.held(), write.held()), (0, 0));
}

#[tokio::test]
async fn tokios_streams_come_apart_and_together() {
    async fn exchange<IO: Split>(near: IO, mut far: impl AsyncRead + AsyncWrite + Unpin) {
        let (session, server) = pair(TLS13);
        let (mut read, mut write) = stream_of(Box::new(server), near).into_split();
        let mut peer = Peer { session, wire: duplex(1).0 };
        let record = peer.seal(b"data");
        far.write_all(&record).await.unwrap();
        assert_eq!(read.read(&mut [0; 10]).await.unwrap(), 4);
        write.write_all(b"data").await.unwrap();
        far.read_exact(&mut vec![0; record.len()]).await.unwrap();
        assert!(read.unsplit(write).is_ok());
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    exchange(near, listener.accept().await.unwrap().0).await;
    #[cfg(unix)]
    {
        let (near, far) = tokio::net::UnixStream::pair().unwrap();
        exchange(near, far).await;
    }
}

/// How many pieces each direction carries; each has another length, and now and then another key.
const PIECES: usize = 600;

fn piece(number: usize) -> Vec<u8> {
    vec![number as u8; number * 37 % 9_000 + 1]
}

async fn write_pieces<IO: Split>(mut write: OwnedWriteHalf<IO>) -> OwnedWriteHalf<IO> {
    for number in 0..PIECES {
        if number % 7 == 0 {
            write.update_keys(number % 2 == 0).unwrap();
        }
        write.write_all(&piece(number)).await.unwrap();
    }
    write.flush().await.unwrap();
    write
}

async fn read_pieces<IO: Split>(mut read: OwnedReadHalf<IO>) -> OwnedReadHalf<IO> {
    for number in 0..PIECES {
        let mut bytes = piece(number);
        bytes.fill(!(number as u8));
        read.read_exact(&mut bytes).await.unwrap();
        assert!(bytes == piece(number), "piece {number} is another");
    }
    read
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_tasks_on_four_threads_lose_nothing_whatever_the_room_on_the_way() {
    for room in [1_000, 70_000] {
        let (near, far) = duplex(room);
        let (client, server) = pair(TLS13);
        let (client_read, client_write) = stream_of(Box::new(client), near).into_split_by(tokio::io::split);
        let (server_read, server_write) = stream_of(Box::new(server), far).into_split_by(tokio::io::split);
        let (client_write, server_write, client_read, server_read) = tokio::try_join!(
            tokio::spawn(write_pieces(client_write)),
            tokio::spawn(write_pieces(server_write)),
            tokio::spawn(read_pieces(client_read)),
            tokio::spawn(read_pieces(server_read)),
        )
        .unwrap();
        let mut client = client_read.unsplit(client_write).unwrap();
        let mut server = server_read.unsplit(server_write).unwrap();
        client.write_all(b"whole").await.unwrap();
        let mut whole = [0; 5];
        server.read_exact(&mut whole).await.unwrap();
        assert_eq!(&whole, b"whole");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_peer_is_told_of_a_fault_whatever_the_writer_does_just_then() {
    for round in 0..200 {
        let (mut read, mut write, mut peer) = split_with_peer(TLS13);
        let writing = tokio::spawn(async move {
            let error = loop {
                if let Err(error) = write.write_all(&vec![7; round * 11 % 3_000 + 1]).await {
                    break error;
                }
            };
            // What the byte stream did not take, the alert among it, goes out when there is room.
            write.flush().await.unwrap();
            (Error::from(error).kind().clone(), write)
        });
        let reading = tokio::spawn(async move { (kind(read.read(&mut [0; 10]).await), read) });
        peer.send_corrupt().await;
        let error = peer.receive().await.unwrap_err();
        assert_eq!(error.alert_received(), Some(AlertDescription::BAD_RECORD_MAC), "round {round}");
        assert_eq!(writing.await.unwrap().0, ErrorKind::BadRecord);
        assert_eq!(reading.await.unwrap().0, ErrorKind::BadRecord);
    }
}
