//! A byte stream in memory, with everything that real ones do to a TLS engine: tiny pieces, full buffers,
//! wake-ups for nothing, cuts, and bytes that were changed on the way.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use polytls_api::Split;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};

use crate::random::Random;

/// What the pipe does to one direction's bytes.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    /// How many bytes wait in the pipe before a writer has to.
    pub(crate) capacity: usize,
    /// How many bytes one read or write moves.
    pub(crate) pieces: Pieces,
    /// Every operation is first pending and woken for nothing.
    pub(crate) spurious: bool,
    /// A change at one offset.
    pub(crate) mutation: Option<Mutation>,
    /// The stream ends after this many bytes, whatever is written.
    pub(crate) cut_at: Option<u64>,
    /// Writing fails after this many bytes.
    pub(crate) fails_at: Option<u64>,
    /// What is written is kept, to be looked at.
    pub(crate) recorded: bool,
}

/// How many bytes one read or write moves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pieces {
    /// As many as there are.
    Whole,
    /// At most this many.
    UpTo(usize),
    /// A random number of them, the same in every run.
    Random(u64),
}

/// A change of the bytes on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mutation {
    /// Where, counted from the first byte of the direction.
    pub(crate) offset: u64,
    pub(crate) change: Change,
}

/// What happens to one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Flip,
    Drop,
    Duplicate,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            capacity: 1 << 20,
            pieces: Pieces::Whole,
            spurious: false,
            mutation: None,
            cut_at: None,
            fails_at: None,
            recorded: false,
        }
    }
}

impl Wire {
    pub(crate) fn capacity(capacity: usize) -> Self {
        Self { capacity, ..Self::default() }
    }

    pub(crate) fn pieces(pieces: Pieces) -> Self {
        Self { pieces, ..Self::default() }
    }

    pub(crate) fn spurious() -> Self {
        Self { spurious: true, capacity: 1000, pieces: Pieces::UpTo(300), ..Self::default() }
    }

    pub(crate) fn mutated(mutation: Mutation) -> Self {
        Self { mutation: Some(mutation), ..Self::default() }
    }

    pub(crate) fn cut_at(offset: u64) -> Self {
        Self { cut_at: Some(offset), ..Self::default() }
    }

    pub(crate) fn fails_at(offset: u64) -> Self {
        Self { fails_at: Some(offset), ..Self::default() }
    }

    pub(crate) fn recorded() -> Self {
        Self { recorded: true, ..Self::default() }
    }
}

/// A pipe: what one end writes, the other reads. The first wire carries what the first end writes.
pub(crate) fn pipe(there: Wire, back: Wire) -> (PipeEnd, PipeEnd) {
    let (there, back) = (Direction::new(there), Direction::new(back));
    (PipeEnd::new(back.clone(), there.clone()), PipeEnd::new(there, back))
}

/// One end of a pipe. Dropping it ends both directions.
#[derive(Debug)]
pub(crate) struct PipeEnd {
    reading: Direction,
    writing: Direction,
    woken_to_read: bool,
    woken_to_write: bool,
}

/// One direction of a pipe, to watch and to cut from outside.
#[derive(Clone, Debug)]
pub(crate) struct Direction(Arc<Mutex<Channel>>);

#[derive(Debug)]
struct Channel {
    wire: Wire,
    random: Random,
    queue: VecDeque<u8>,
    /// All that was written, where the wire is recorded.
    recorded: Vec<u8>,
    /// How many bytes the writer has handed in.
    written: u64,
    /// How many had been handed in when the mutation was set.
    mutable_from: u64,
    /// The first byte that the reader gets another in place of.
    differs_at: Option<u64>,
    last: u8,
    ended: bool,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Direction {
    fn new(wire: Wire) -> Self {
        let seed = match wire.pieces {
            Pieces::Random(seed) => seed,
            Pieces::Whole | Pieces::UpTo(_) => 0,
        };
        Self(Arc::new(Mutex::new(Channel {
            wire,
            random: Random::new(seed),
            queue: VecDeque::new(),
            recorded: Vec::new(),
            written: 0,
            mutable_from: 0,
            differs_at: None,
            last: 0,
            ended: false,
            reader_gone: false,
            reader: None,
            writer: None,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Channel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many bytes were written to it.
    pub(crate) fn written(&self) -> u64 {
        self.lock().written
    }

    /// What was written to it since the last call, where the wire is recorded.
    pub(crate) fn take_recorded(&self) -> Vec<u8> {
        std::mem::take(&mut self.lock().recorded)
    }

    /// Ends the direction: what is in it can still be read.
    pub(crate) fn end(&self) {
        let mut channel = self.lock();
        channel.ended = true;
        channel.wake_both();
    }

    /// Lets this many more bytes through, and then ends.
    pub(crate) fn cut_after(&self, bytes: u64) {
        let mut channel = self.lock();
        channel.wire.cut_at = Some(channel.written + bytes);
    }

    /// Changes one of the bytes to come; the offset counts from here.
    pub(crate) fn mutate(&self, mutation: Mutation) {
        let mut channel = self.lock();
        channel.mutable_from = channel.written;
        let offset = channel.written + mutation.offset;
        channel.wire.mutation = Some(Mutation { offset, ..mutation });
    }

    /// How many bytes since [`Direction::mutate`] came as they were written.
    ///
    /// That is the offset of the change, or more where the bytes around it happen to be the same.
    pub(crate) fn intact_until(&self) -> Option<u64> {
        let channel = self.lock();
        let mutation = channel.wire.mutation?;
        let intact = channel.differs_at.unwrap_or(match mutation.change {
            Change::Flip => mutation.offset,
            Change::Drop => channel.written - 1,
            Change::Duplicate => channel.written,
        });
        Some(intact - channel.mutable_from)
    }

    /// Takes what waits in it, as if it had never been written.
    pub(crate) fn take_waiting(&self) -> Vec<u8> {
        self.lock().queue.drain(..).collect()
    }

    /// Puts bytes into it that no end wrote.
    pub(crate) fn inject(&self, bytes: &[u8]) {
        let mut channel = self.lock();
        channel.queue.extend(bytes);
        channel.wake_both();
    }
}

impl Channel {
    fn wake_both(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    fn piece(&mut self, most: usize) -> usize {
        match self.wire.pieces {
            Pieces::Whole => most,
            Pieces::UpTo(size) => most.min(size),
            Pieces::Random(_) => most.min(1 + self.random.below(700)),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        if self.wire.recorded {
            self.recorded.extend_from_slice(bytes);
        }
        if self.wire.cut_at.is_none() && self.wire.mutation.is_none() {
            self.written += bytes.len() as u64;
            self.queue.extend(bytes);
            return;
        }
        for &byte in bytes {
            let offset = self.written;
            self.written += 1;
            if self.wire.cut_at.is_some_and(|cut| offset >= cut) {
                self.ended = true;
                continue;
            }
            self.note_difference(offset, byte);
            match self.wire.mutation {
                Some(mutation) if mutation.offset == offset => match mutation.change {
                    Change::Flip => self.queue.push_back(byte ^ (1 << (offset % 8))),
                    Change::Drop => {}
                    Change::Duplicate => self.queue.extend([byte, byte]),
                },
                _ => self.queue.push_back(byte),
            }
        }
    }
}

impl Channel {
    /// After a byte that was dropped or doubled, the rest is shifted by one: seen at the first two that differ.
    fn note_difference(&mut self, offset: u64, byte: u8) {
        let last = std::mem::replace(&mut self.last, byte);
        let Some(Mutation { offset: changed, change }) = self.wire.mutation else { return };
        if offset <= changed || byte == last || self.differs_at.is_some() {
            return;
        }
        match change {
            Change::Flip => {}
            Change::Drop => self.differs_at = Some(offset - 1),
            Change::Duplicate => self.differs_at = Some(offset),
        }
    }
}

impl PipeEnd {
    fn new(reading: Direction, writing: Direction) -> Self {
        Self { reading, writing, woken_to_read: false, woken_to_write: false }
    }

    /// What this end reads from.
    pub(crate) fn reading(&self) -> Direction {
        self.reading.clone()
    }

    /// What this end writes to.
    pub(crate) fn writing(&self) -> Direction {
        self.writing.clone()
    }

    fn poll_read_into(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut channel = self.reading.lock();
        if interrupted(channel.wire.spurious, &mut self.woken_to_read, cx) {
            return Poll::Pending;
        }
        if channel.queue.is_empty() && !channel.ended {
            channel.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let most = buffer.len().min(channel.queue.len());
        let count = channel.piece(most);
        // A queue of bytes reads as a byte stream does, and never fails.
        io::Read::read_exact(&mut channel.queue, &mut buffer[..count])?;
        if let Some(writer) = channel.writer.take() {
            writer.wake();
        }
        Poll::Ready(Ok(count))
    }

    fn poll_write_from(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut channel = self.writing.lock();
        if interrupted(channel.wire.spurious, &mut self.woken_to_write, cx) {
            return Poll::Pending;
        }
        if channel.reader_gone || channel.wire.fails_at.is_some_and(|offset| channel.written >= offset) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = channel.wire.capacity.saturating_sub(channel.queue.len());
        if room == 0 {
            channel.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let most = channel.wire.fails_at.map_or(u64::MAX, |offset| offset - channel.written);
        let most = bytes.len().min(room).min(usize::try_from(most).unwrap_or(usize::MAX));
        let count = channel.piece(most);
        channel.take(&bytes[..count]);
        if let Some(reader) = channel.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(count))
    }
}

/// With a wire that wakes for nothing, every second poll is such a waking.
fn interrupted(spurious: bool, woken: &mut bool, cx: &mut Context<'_>) -> bool {
    if !spurious {
        return false;
    }
    *woken = !*woken;
    if *woken {
        cx.waker().wake_by_ref();
    }
    *woken
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.writing.end();
        let mut channel = self.reading.lock();
        channel.reader_gone = true;
        channel.wake_both();
    }
}

impl AsyncRead for PipeEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buffer.initialize_unfilled();
        let count = std::task::ready!(self.get_mut().poll_read_into(cx, room))?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for PipeEnd {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_from(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing.end();
        Poll::Ready(Ok(()))
    }
}

impl Split for PipeEnd {
    type Reader = ReadHalf<Self>;
    type Writer = WriteHalf<Self>;

    fn split(self) -> (Self::Reader, Self::Writer) {
        tokio::io::split(self)
    }

    fn unsplit(reader: Self::Reader, writer: Self::Writer) -> Result<Self, (Self::Reader, Self::Writer)> {
        if reader.is_pair_of(&writer) { Ok(reader.unsplit(writer)) } else { Err((reader, writer)) }
    }
}

/// The same end with futures' I/O traits.
#[derive(Debug)]
pub(crate) struct FuturesEnd(pub(crate) PipeEnd);

impl futures_util::io::AsyncRead for FuturesEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read_into(cx, buffer)
    }
}

impl futures_util::io::AsyncWrite for FuturesEnd {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write_from(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.writing.end();
        Poll::Ready(Ok(()))
    }
}
