//! The driver between a [`Session`] and a [`ByteStream`]: the same for every backend and every I/O trait.
//!
//! Reading and writing may be polled by two tasks. The reader writes too, now and then (a key update, what
//! a writer left behind), so a byte stream's one slot for a write waker is shared by both: see [`WriteWaker`].

use std::{
    io::{self, IoSlice},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker, ready},
};

use bytes::{Bytes, BytesMut};

use crate::{Background, Buffer, ByteStream, Error, ErrorKind, Opened, Phase, Session};

/// How much a read asks the byte stream for: little at first, more while reads come back full.
const READ_MIN: usize = 4 * 1024;
const READ_MAX: usize = 4 * (16 * 1024 + 512);

/// How much may wait to be sent before a writer has to wait as well.
const HIGH_WATER: usize = 64 * 1024;

/// An established connection without its byte stream.
#[derive(Debug)]
pub(crate) struct Core {
    session: Box<dyn Session>,
    incoming: Buffer,
    outgoing: Buffer,
    background: Background,
    backend: &'static str,
    read_size: usize,
    /// What the next [`Core::poll_read_bytes`] decrypts into: the unused end of an earlier one's storage.
    chunk: BytesMut,
    end: ReadEnd,
    close_sent: bool,
    send_waker: SendWaker,
}

/// Whether more can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadEnd {
    Open,
    /// The byte stream has ended; what came before may still hold close_notify.
    StreamEnded,
    /// The peer sent close_notify.
    Closed,
}

/// Who polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Reader,
    Writer,
}

impl Core {
    pub(crate) fn new(
        session: Box<dyn Session>,
        incoming: Buffer,
        outgoing: Buffer,
        background: Background,
        backend: &'static str,
    ) -> Self {
        Self {
            session,
            incoming,
            outgoing,
            background,
            backend,
            read_size: READ_MIN,
            chunk: BytesMut::new(),
            end: ReadEnd::Open,
            close_sent: false,
            send_waker: SendWaker::default(),
        }
    }

    /// Reads plaintext; zero bytes into a buffer that is not empty means close_notify came.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteStream,
        plaintext: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if plaintext.is_empty() || self.end == ReadEnd::Closed {
            return Poll::Ready(Ok(0));
        }
        loop {
            let opened = self.session.open(&mut self.incoming, &mut self.outgoing, plaintext);
            self.background.poll(cx);
            // A failure to send is the writer's to report; what can be read, can be read.
            let _ = self.poll_send(cx, io, Side::Reader);
            match opened? {
                Opened::Data(count) => return Poll::Ready(Ok(count)),
                Opened::Closed => {
                    self.end = ReadEnd::Closed;
                    self.incoming = Buffer::new();
                    return Poll::Ready(Ok(0));
                }
                Opened::NeedMore if self.end == ReadEnd::StreamEnded => {
                    let error = Error::new(ErrorKind::UnexpectedEof).in_phase(Phase::Established);
                    return Poll::Ready(Err(error.on_backend(self.backend).into()));
                }
                Opened::NeedMore => ready!(self.poll_fill(cx, io))?,
            }
        }
    }

    /// Reads plaintext into storage that is the caller's from then on; `None` means close_notify came.
    pub(crate) fn poll_read_bytes(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteStream,
    ) -> Poll<io::Result<Option<Bytes>>> {
        // Plaintext is never longer than what it came in.
        let size = self.incoming.len().clamp(self.read_size, READ_MAX);
        let mut chunk = std::mem::take(&mut self.chunk);
        if chunk.len() < size / 2 {
            chunk = BytesMut::zeroed(size);
        }
        // A wait gives the storage back: a connection that waits costs its keys, not its buffers.
        let count = ready!(self.poll_read(cx, io, &mut chunk))?;
        let bytes = chunk.split_to(count).freeze();
        self.chunk = chunk;
        Poll::Ready(Ok(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, io: &mut impl ByteStream) -> Poll<io::Result<()>> {
        let size = self.read_size;
        let Poll::Ready(count) = io.poll_read(cx, &mut self.incoming.spare(size)[..size]) else {
            self.release_idle_buffers();
            return Poll::Pending;
        };
        let count = count?;
        self.incoming.commit(count);
        match count {
            0 => self.end = ReadEnd::StreamEnded,
            _ if count == size => self.read_size = (size * 2).min(READ_MAX),
            _ if count < READ_MIN => self.read_size = READ_MIN,
            _ => {}
        }
        Poll::Ready(Ok(()))
    }

    /// A connection that waits costs its keys, not its buffers.
    fn release_idle_buffers(&mut self) {
        self.incoming.release_if_empty();
        self.outgoing.release_if_empty();
    }

    /// Seals some of the plaintext. Its bytes are on their way; [`Core::poll_flush`] awaits that they are gone.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteStream,
        plaintext: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.close_sent {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "close_notify was sent: nothing can be written any more",
            )));
        }
        if plaintext.iter().all(|slice| slice.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        if self.poll_send(cx, io, Side::Writer)?.is_pending() && self.outgoing.len() >= HIGH_WATER {
            return Poll::Pending;
        }
        let sealed = self.session.seal(plaintext, &mut self.outgoing);
        // Pending is no matter here: the bytes are taken, and go out with what is polled next.
        let sent = self.poll_send(cx, io, Side::Writer)?;
        debug_assert!(sent.is_ready() || !self.outgoing.is_empty());
        Poll::Ready(Ok(sealed?))
    }

    /// Awaits that everything sealed has gone to the byte stream, and on from there.
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteStream,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx, io, Side::Writer))?;
        io.poll_flush(cx)
    }

    /// Sends close_notify, and ends the byte stream's direction of writing. Reading goes on.
    pub(crate) fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteStream,
    ) -> Poll<io::Result<()>> {
        if !self.close_sent {
            self.session.close(&mut self.outgoing)?;
            self.close_sent = true;
        }
        ready!(self.poll_flush(cx, io))?;
        io.poll_close(cx)
    }

    /// New keys for what is sent; the message that says so goes out with what is written or flushed next.
    pub(crate) fn update_keys(&mut self, ask_peer: bool) -> Result<(), Error> {
        self.session.update_keys(ask_peer, &mut self.outgoing)
    }

    pub(crate) fn session(&self) -> &dyn Session {
        &*self.session
    }

    /// How many bytes of storage the buffers hold.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.incoming.capacity() + self.outgoing.capacity() + self.chunk.capacity()
    }

    /// Moves outgoing bytes to the byte stream until none is left.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteStream,
        side: Side,
    ) -> Poll<io::Result<()>> {
        if self.outgoing.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while !self.outgoing.is_empty() {
            let bytes = self.outgoing.filled();
            let count = ready!(self.send_waker.poll(cx, side, |cx| io.poll_write(cx, bytes)))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.consume(count);
        }
        self.send_waker.drained(side);
        match side {
            // What the reader sends, nobody else would flush.
            Side::Reader => self.send_waker.poll(cx, side, |cx| io.poll_flush(cx)),
            Side::Writer => Poll::Ready(Ok(())),
        }
    }
}

/// Decides whom a byte stream wakes when it can be written to.
///
/// As long as only the writer writes, that is the writer, at no cost. From the moment that the reader has
/// to write while a writer may be waiting, both are woken, until everything is sent.
#[derive(Debug, Default)]
struct SendWaker {
    waiting_writer: Option<Waker>,
    both: Option<Arc<WriteWaker>>,
}

/// A waker that wakes the reader and the writer of one connection.
#[derive(Debug, Default)]
struct WriteWaker {
    reader: Mutex<Option<Waker>>,
    writer: Mutex<Option<Waker>>,
}

impl SendWaker {
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        side: Side,
        operation: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if side == Side::Writer && self.both.is_none() {
            let polled = operation(cx);
            if polled.is_pending() {
                self.waiting_writer = Some(cx.waker().clone());
            }
            return polled;
        }
        let waiting_writer = &mut self.waiting_writer;
        let both = self.both.get_or_insert_with(|| {
            Arc::new(WriteWaker { writer: Mutex::new(waiting_writer.take()), reader: Mutex::default() })
        });
        both.register(side, cx.waker());
        operation(&mut Context::from_waker(&Waker::from(both.clone())))
    }

    /// Everything is sent. A writer that the byte stream would have woken may go on.
    fn drained(&mut self, side: Side) {
        let waiting_writer = self.waiting_writer.take();
        let both = self.both.take();
        if side == Side::Reader {
            let from_both = both.and_then(|both| take(&both.writer));
            if let Some(writer) = waiting_writer.or(from_both) {
                writer.wake();
            }
        }
    }
}

impl WriteWaker {
    fn register(&self, side: Side, waker: &Waker) {
        let slot = match side {
            Side::Reader => &self.reader,
            Side::Writer => &self.writer,
        };
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }
}

impl Wake for WriteWaker {
    fn wake(self: Arc<Self>) {
        for slot in [&self.reader, &self.writer] {
            if let Some(waker) = take(slot) {
                waker.wake();
            }
        }
    }
}

fn take(slot: &Mutex<Option<Waker>>) -> Option<Waker> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}
