//! The reading part of a connection: from the byte stream through the session to the caller.

use std::{
    io,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};

use crate::{Background, Buffer, Error, ErrorKind, Opened, Phase};

/// How much a read asks the byte stream for: little at first, more while reads come back full.
const READ_MIN: usize = 4 * 1024;
const READ_MAX: usize = 4 * (16 * 1024 + 512);

/// What the reading part reads from: a byte stream, and the session that opens what comes from it.
pub(in crate::stream) trait Source {
    /// As [`Session::open`](crate::Session::open).
    fn open(&mut self, incoming: &mut Buffer, plaintext: &mut [u8]) -> Result<Opened, Error>;

    /// Sends what opening left to be sent, as far as the byte stream takes it.
    fn send_answers(&mut self, cx: &mut Context<'_>);

    /// As [`ByteStream::poll_read`](crate::ByteStream::poll_read).
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// The reading part waits: what was left to be sent may be sent, and empty buffers given back.
    fn idle(&mut self, cx: &mut Context<'_>);
}

/// What only reading uses.
#[derive(Debug)]
pub(in crate::stream) struct Reading {
    incoming: Buffer,
    background: Background,
    backend: &'static str,
    /// Less than 2^32 by far.
    read_size: u32,
    /// What the next [`Reading::poll_read_bytes`] decrypts into: the unused end of an earlier one's storage.
    chunk: Option<Box<BytesMut>>,
    end: ReadEnd,
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

impl Reading {
    pub(in crate::stream) fn new(incoming: Buffer, background: Background, backend: &'static str) -> Self {
        Self { incoming, background, backend, read_size: READ_MIN as u32, chunk: None, end: ReadEnd::Open }
    }

    /// Reads plaintext; zero bytes into a buffer that is not empty means close_notify came.
    pub(in crate::stream) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut impl Source,
        plaintext: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if plaintext.is_empty() || self.end == ReadEnd::Closed {
            return Poll::Ready(Ok(0));
        }
        loop {
            let opened = source.open(&mut self.incoming, plaintext);
            self.background.poll(cx);
            source.send_answers(cx);
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
                Opened::NeedMore => ready!(self.poll_fill(cx, source))?,
            }
        }
    }

    /// Reads plaintext into storage that is the caller's from then on; `None` means close_notify came.
    pub(in crate::stream) fn poll_read_bytes(
        &mut self,
        cx: &mut Context<'_>,
        source: &mut impl Source,
    ) -> Poll<io::Result<Option<Bytes>>> {
        // Plaintext is never longer than what it came in.
        let size = self.incoming.len().clamp(self.read_size as usize, READ_MAX);
        let mut chunk = self.chunk.take().unwrap_or_default();
        if chunk.len() < size / 2 {
            *chunk = BytesMut::zeroed(size);
        }
        // A wait gives the storage back: a connection that waits costs its keys, not its buffers.
        let count = ready!(self.poll_read(cx, source, &mut chunk))?;
        let bytes = chunk.split_to(count).freeze();
        self.chunk = Some(chunk);
        Poll::Ready(Ok(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, source: &mut impl Source) -> Poll<io::Result<()>> {
        let size = self.read_size as usize;
        let Poll::Ready(count) = source.poll_read(cx, &mut self.incoming.spare(size)[..size]) else {
            // A connection that waits costs its keys, not its buffers.
            self.incoming.release_if_empty();
            source.idle(cx);
            return Poll::Pending;
        };
        // A byte stream that says it has read more than it was asked for has not.
        let count = count?.min(size);
        self.incoming.commit(count);
        match count {
            0 => self.end = ReadEnd::StreamEnded,
            _ if count == size => self.read_size = (size * 2).min(READ_MAX) as u32,
            _ if count < READ_MIN => self.read_size = READ_MIN as u32,
            _ => {}
        }
        Poll::Ready(Ok(()))
    }

    /// How many bytes of storage the buffers hold.
    #[cfg(test)]
    pub(in crate::stream) fn held(&self) -> usize {
        self.incoming.capacity() + self.chunk.as_ref().map_or(0, |chunk| chunk.capacity())
    }
}
