//! The driver against a session that is no encryption: a record is a length and that many bytes.

use std::{
    future::Future,
    io::{self, IoSlice},
    num::NonZeroU16,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf, duplex};

use super::{
    TlsStream,
    core::{Core, Writing},
};
use crate::{
    BackendInfo, Background, Buffer, CipherSuite, ConnectionInfo, Error, ErrorKind, Opened, ProtocolVersion,
    RecordSizing, Session, SessionHalves,
    record::{RecordPadding, Role, tests::pair},
};

/// Frames of a length byte and as many bytes; an empty one is close_notify, 0xff asks for an answer of one byte.
#[derive(Debug, Default)]
struct Frames;

impl Session for Frames {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        let bytes: Vec<u8> = plaintext.iter().flat_map(|slice| slice.iter().copied()).take(100).collect();
        outgoing.extend(&[bytes.len() as u8]);
        outgoing.extend(&bytes);
        Ok(bytes.len())
    }

    fn open(
        &mut self,
        incoming: &mut Buffer,
        outgoing: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<Opened, Error> {
        loop {
            let Some(&length) = incoming.filled().first() else { return Ok(Opened::NeedMore) };
            if length == 0xff {
                incoming.consume(1);
                outgoing.extend(&[1, b'!']);
                continue;
            }
            let Some(frame) = incoming.filled().get(1..1 + usize::from(length)) else {
                return Ok(Opened::NeedMore);
            };
            if frame.is_empty() {
                return Ok(Opened::Closed);
            }
            let count = frame.len();
            plaintext[..count].copy_from_slice(frame);
            incoming.consume(1 + count);
            return Ok(Opened::Data(count));
        }
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        outgoing.extend(&[0]);
        Ok(())
    }

    fn update_keys(&mut self, _ask_peer: bool, outgoing: &mut Buffer) -> Result<(), Error> {
        outgoing.extend(&[1, b'k']);
        Ok(())
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        _context: Option<&[u8]>,
    ) -> Result<(), Error> {
        output.fill(label.len() as u8);
        Ok(())
    }

    fn split(self: Box<Self>) -> SessionHalves {
        SessionHalves::behind_a_lock(self)
    }
}

/// A stream whose records are frames.
pub(in crate::stream) fn stream<IO>(io: IO) -> TlsStream<IO> {
    stream_of(Box::new(Frames), io)
}

pub(in crate::stream) fn stream_of<IO>(session: Box<dyn Session>, io: IO) -> TlsStream<IO> {
    sized_stream_of(session, io, RecordSizing::Full)
}

fn sized_stream_of<IO>(session: Box<dyn Session>, io: IO, sizing: RecordSizing) -> TlsStream<IO> {
    let info = BackendInfo { name: "test", library: String::new(), crypto: String::new() };
    let core = core_of(session, Writing::new(Buffer::new(), false, sizing));
    TlsStream { io, core, info: ConnectionInfo::new(info).into(), early_data: None, role: Role::Client }
}

fn core_of(session: Box<dyn Session>, writing: Writing) -> Core {
    Core::new(session, Buffer::new(), writing, Background::default(), "test")
}

/// Counts how often a task is woken.
#[derive(Default)]
pub(in crate::stream) struct Woken(pub(in crate::stream) AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(in crate::stream) fn task() -> (Arc<Woken>, Waker) {
    let woken = Arc::new(Woken::default());
    (woken.clone(), woken.into())
}

/// A byte stream that takes nothing until it is opened, and keeps only the last waker, as sockets do.
#[derive(Default)]
pub(in crate::stream) struct Gate {
    pub(in crate::stream) open: bool,
    pub(in crate::stream) to_read: Vec<u8>,
    pub(in crate::stream) written: Vec<u8>,
    pub(in crate::stream) write_waker: Option<Waker>,
    /// It takes bytes, and holds them until it is opened again: neither flushing nor closing comes to an end.
    pub(in crate::stream) holds: bool,
    /// How many bytes have been flushed.
    pub(in crate::stream) flushed: usize,
}

impl Gate {
    pub(in crate::stream) fn open(&mut self) {
        (self.open, self.holds) = (true, false);
        if let Some(waker) = self.write_waker.take() {
            waker.wake();
        }
    }
}

impl AsyncRead for Gate {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.to_read.is_empty() {
            return Poll::Pending;
        }
        buffer.put_slice(&std::mem::take(&mut self.to_read));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Gate {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if !self.open {
            self.write_waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.holds {
            self.write_waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.flushed = self.written.len();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

fn read(stream: &mut TlsStream<Gate>, waker: &Waker) -> Poll<Vec<u8>> {
    let mut bytes = [0; 200];
    let mut buffer = ReadBuf::new(&mut bytes);
    Pin::new(stream)
        .poll_read(&mut Context::from_waker(waker), &mut buffer)
        .map(|result| result.map(|()| buffer.filled().to_vec()).unwrap())
}

/// A byte stream that fails to write this many times.
#[derive(Default)]
struct Failing {
    times: usize,
    written: Vec<u8>,
}

impl AsyncRead for Failing {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Failing {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.times > 0 {
            self.times -= 1;
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.written.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn bytes_that_are_taken_go_once_though_the_byte_stream_fails() {
    let mut stream = stream(Failing { times: 2, ..Failing::default() });
    let write = |stream: &mut TlsStream<Failing>, byte: &[u8]| {
        let written = Pin::new(stream).poll_write(&mut Context::from_waker(Waker::noop()), byte);
        written.map_err(|error| error.kind())
    };
    assert_eq!(write(&mut stream, b"a"), Poll::Ready(Ok(1)));
    assert_eq!(
        write(&mut stream, b"b"),
        Poll::Ready(Err(io::ErrorKind::TimedOut)),
        "nothing of this is taken"
    );
    assert_eq!(write(&mut stream, b"b"), Poll::Ready(Ok(1)));
    assert_eq!(stream.io.written, b"\x01a\x01b");
}

#[test]
fn what_a_handshake_left_in_the_byte_stream_a_reader_flushes() {
    let gate = Gate { open: true, written: b"tickets".to_vec(), ..Gate::default() };
    let mut stream = stream(gate);
    stream.core = core_of(Box::new(Frames), Writing::new(Buffer::new(), true, RecordSizing::Full));
    assert!(read(&mut stream, Waker::noop()).is_pending());
    assert_eq!(stream.io.flushed, 7);
}

#[test]
fn a_reader_that_has_to_write_does_not_take_the_writers_wake_up_away() {
    let mut stream = stream(Gate::default());
    let (reader, reader_waker) = task();
    let (writer, writer_waker) = task();
    assert!(Pin::new(&mut stream).poll_write(&mut Context::from_waker(&writer_waker), b"data").is_ready());
    assert!(Pin::new(&mut stream).poll_flush(&mut Context::from_waker(&writer_waker)).is_pending());
    stream.io.to_read = vec![0xff];
    assert!(read(&mut stream, &reader_waker).is_pending());
    stream.io.open();
    assert_eq!(writer.0.load(Ordering::SeqCst), 1, "the writer sleeps for ever");
    assert_eq!(reader.0.load(Ordering::SeqCst), 1, "the reader sleeps for ever");
    assert!(Pin::new(&mut stream).poll_flush(&mut Context::from_waker(&writer_waker)).is_ready());
    assert_eq!(stream.io.written, b"\x04data\x01!");
}

#[test]
fn a_reader_that_sends_everything_wakes_the_writer_that_waits_for_it() {
    let mut stream = stream(Gate::default());
    let (_, reader_waker) = task();
    let (writer, writer_waker) = task();
    assert!(Pin::new(&mut stream).poll_write(&mut Context::from_waker(&writer_waker), b"data").is_ready());
    assert!(Pin::new(&mut stream).poll_flush(&mut Context::from_waker(&writer_waker)).is_pending());
    // The byte stream opens without telling: only the reader's poll finds out.
    stream.io.open = true;
    assert!(read(&mut stream, &reader_waker).is_pending());
    assert_eq!(stream.io.written, b"\x04data");
    assert_eq!(writer.0.load(Ordering::SeqCst), 1, "the writer sleeps for ever");
}

#[test]
fn a_reader_that_has_to_write_wakes_a_writer_that_flushes_or_closes_no_later() {
    type Operation = fn(Pin<&mut TlsStream<Gate>>, &mut Context<'_>) -> Poll<io::Result<()>>;
    let operations: [Operation; 2] = [AsyncWrite::poll_flush, AsyncWrite::poll_shutdown];
    for operation in operations {
        let mut stream = stream(Gate { open: true, holds: true, ..Gate::default() });
        let ((_, reader_waker), (writer, writer_waker)) = (task(), task());
        let poll = |stream: &mut _| operation(Pin::new(stream), &mut Context::from_waker(&writer_waker));
        assert!(
            Pin::new(&mut stream).poll_write(&mut Context::from_waker(&writer_waker), b"data").is_ready()
        );
        assert!(poll(&mut stream).is_pending());
        // The writer may be woken for this, and then waits again.
        stream.io.to_read = vec![0xff];
        assert!(read(&mut stream, &reader_waker).is_pending());
        if writer.0.swap(0, Ordering::SeqCst) > 0 {
            assert!(poll(&mut stream).is_pending());
        }
        stream.io.to_read = vec![0xff];
        stream.io.open = false;
        assert!(read(&mut stream, &reader_waker).is_pending());
        stream.io.open();
        assert_eq!(writer.0.load(Ordering::SeqCst), 1, "the writer sleeps for ever");
        assert!(poll(&mut stream).is_ready());
        assert!(stream.io.written.ends_with(b"\x01!\x01!"));
        assert_eq!(stream.io.flushed, stream.io.written.len());
    }
}

#[test]
fn a_writer_waits_when_too_much_is_on_its_way_and_loses_nothing() {
    let mut stream = stream(Gate::default());
    let (_, waker) = task();
    let mut taken = 0;
    while let Poll::Ready(count) =
        Pin::new(&mut stream).poll_write(&mut Context::from_waker(&waker), &[b'x'; 100])
    {
        taken += count.unwrap();
        assert!(taken < 100_000, "there is no back-pressure");
    }
    stream.io.open();
    assert!(Pin::new(&mut stream).poll_flush(&mut Context::from_waker(&waker)).is_ready());
    assert_eq!(stream.io.written.iter().filter(|&&byte| byte == b'x').count(), taken);
}

#[test]
fn small_records_that_are_padded_fill_no_more_than_may_wait() {
    let padding = RecordPadding::ToMultipleOf(NonZeroU16::new(16_384).unwrap());
    let session = pair(CipherSuite::TLS_AES_128_GCM_SHA256).0.with_padding(padding);
    let mut stream = sized_stream_of(Box::new(session), Gate::default(), RecordSizing::SmallFirst);
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut stream).poll_write(cx, &[7; 100_000]).is_ready());
    assert!(stream.core.waiting() < 5 * 16_500, "{}", stream.core.waiting());
    assert!(Pin::new(&mut stream).poll_write(cx, &[7; 100_000]).is_pending());
}

#[test]
fn many_small_slices_go_in_records_as_long_as_of_one() {
    let session = pair(CipherSuite::TLS_AES_128_GCM_SHA256).0;
    let gate = Gate { open: true, ..Gate::default() };
    let mut stream = sized_stream_of(Box::new(session), gate, RecordSizing::SmallFirst);
    let cx = &mut Context::from_waker(Waker::noop());
    let written = Pin::new(&mut stream).poll_write_vectored(cx, &[IoSlice::new(&[7; 8]); 1000]);
    assert!(matches!(written, Poll::Ready(Ok(8000))));
    let records = 8000_usize.div_ceil(1399);
    assert_eq!(stream.io.written.len(), 8000 + records * (5 + 1 + 16));
}

#[tokio::test]
async fn a_cut_is_an_error_and_close_notify_is_the_end() {
    for (bytes, cut) in [(b"\x02hi".as_slice(), true), (b"\x02hi\x05no", true), (b"\x02hi\x00", false)] {
        let (mut far, near) = duplex(100);
        far.write_all(bytes).await.unwrap();
        drop(far);
        let mut stream = stream(near);
        let mut text = String::new();
        let result = stream.read_to_string(&mut text).await;
        assert_eq!(text, if cut { "" } else { "hi" });
        match result {
            Ok(_) => assert!(!cut, "{bytes:?} was taken for a clean end"),
            Err(error) => {
                assert!(cut);
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
                assert!(Error::from_io(&error).is_some());
            }
        }
    }
}

#[tokio::test]
async fn data_before_a_cut_is_delivered() {
    let (mut far, near) = duplex(100);
    far.write_all(b"\x02hi").await.unwrap();
    drop(far);
    let mut stream = stream(near);
    let mut buffer = [0; 10];
    assert_eq!(stream.read(&mut buffer).await.unwrap(), 2);
    for _ in 0..2 {
        assert_eq!(stream.read(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

#[tokio::test]
async fn after_shutdown_reading_goes_on_and_writing_does_not() {
    let (mut far, near) = duplex(100);
    let mut stream = stream(near);
    stream.shutdown().await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(stream.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(stream.update_keys(true).unwrap_err().kind(), &ErrorKind::Io(io::ErrorKind::BrokenPipe));
    far.write_all(b"\x02hi\x00").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "hi");
    let mut sent = Vec::new();
    far.read_to_end(&mut sent).await.unwrap();
    assert_eq!(sent, [0], "close_notify is sent once");
}

#[tokio::test]
async fn an_idle_stream_holds_no_buffers() {
    let (mut far, near) = duplex(1 << 20);
    let mut stream = stream(near);
    far.write_all(&[[1, b'x'].as_slice(); 30_000].concat()).await.unwrap();
    let mut text = vec![0; 30_000];
    stream.read_exact(&mut text).await.unwrap();
    assert!(stream.core.held() > 0, "otherwise the next assertion proves nothing");
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(1), stream.read(&mut text)).await;
    assert!(waiting.is_err());
    assert_eq!(stream.core.held(), 0);
}

#[tokio::test]
async fn bytes_go_in_and_out_and_a_wait_keeps_no_storage() {
    let (near, far) = duplex(1 << 16);
    let (mut writer, mut reader) = (stream(near), stream(far));
    let mut chain = Bytes::from_static(b"one, ").chain(Bytes::from(vec![b'x'; 250])).chain(&b", two"[..]);
    writer.write_bytes(&mut chain).await.unwrap();
    writer.flush().await.unwrap();
    let mut read = Vec::new();
    while read.len() < 260 {
        read.extend_from_slice(&reader.read_bytes().await.unwrap().unwrap());
    }
    assert_eq!(read, [b"one, ".as_slice(), &[b'x'; 250], b", two"].concat());
    {
        let mut waiting = std::pin::pin!(reader.read_bytes());
        let polled = waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    assert_eq!(reader.core.held(), 0);
    writer.shutdown().await.unwrap();
    assert_eq!(reader.read_bytes().await.unwrap(), None);
}

#[tokio::test]
async fn a_cut_is_an_error_to_who_reads_bytes_too() {
    let (near, far) = duplex(64);
    drop(near);
    let error = stream(far).read_bytes().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_binding_is_asked_for_in_the_words_of_its_rfc() {
    let mut stream = stream(duplex(64).0);
    let error = stream.tls_exporter().unwrap_err();
    assert!(error.to_string().contains("tls-server-end-point"), "{error}");
    std::sync::Arc::make_mut(&mut stream.info).version = Some(ProtocolVersion::Tls13);
    assert_eq!(stream.tls_exporter().unwrap(), [b"EXPORTER-Channel-Binding".len() as u8; 32]);
    assert_eq!(stream.tls_server_end_point().unwrap_err().kind(), &ErrorKind::NoIdentity);
}
