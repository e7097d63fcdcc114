//! The driver between a [`Session`] and a [`ByteStream`]: the same for every backend and every I/O trait.
//!
//! Reading and writing may be polled by two tasks. The reader writes too, now and then (a key update, what
//! a writer left behind), so a byte stream's one slot for a write waker is shared by both (`waker.rs`).

mod reading;
mod waker;
mod writing;

use std::{
    io::{self, IoSlice},
    task::{Context, Poll},
};

use bytes::Bytes;

pub(super) use self::{
    reading::{Reading, Source},
    waker::Side,
    writing::Writing,
};
#[cfg(feature = "tokio")]
pub(super) use self::{waker::WakerSlot, writing::ByteSink};
use crate::{Background, Buffer, ByteStream, Error, Opened, Session};

/// An established connection without its byte stream.
#[derive(Debug)]
pub(crate) struct Core {
    session: Box<dyn Session>,
    reading: Reading,
    writing: Writing,
}

impl Core {
    pub(crate) fn new(
        session: Box<dyn Session>,
        incoming: Buffer,
        writing: Writing,
        background: Background,
        backend: &'static str,
    ) -> Self {
        Self::of_parts(session, Reading::new(incoming, background, backend), writing)
    }

    /// A connection of its parts.
    pub(super) fn of_parts(session: Box<dyn Session>, reading: Reading, writing: Writing) -> Self {
        Self { session, reading, writing }
    }

    /// The connection's parts.
    #[cfg(feature = "tokio")]
    pub(super) fn into_parts(self) -> (Box<dyn Session>, Reading, Writing) {
        (self.session, self.reading, self.writing)
    }

    /// Reads plaintext; zero bytes into a buffer that is not empty means close_notify came.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteStream,
        plaintext: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Self { session, reading, writing } = self;
        reading.poll_read(cx, &mut Whole { session: &mut **session, writing, io }, plaintext)
    }

    /// Reads plaintext into storage that is the caller's from then on; `None` means close_notify came.
    pub(crate) fn poll_read_bytes(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteStream,
    ) -> Poll<io::Result<Option<Bytes>>> {
        let Self { session, reading, writing } = self;
        reading.poll_read_bytes(cx, &mut Whole { session: &mut **session, writing, io })
    }

    /// Seals some of the plaintext. Its bytes are on their way; [`Core::poll_flush`] awaits that they are gone.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteStream,
        plaintext: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writing.poll_write(cx, &mut *self.session, io, plaintext)
    }

    /// Awaits that everything sealed has gone to the byte stream, and on from there.
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteStream,
    ) -> Poll<io::Result<()>> {
        self.writing.poll_flush(cx, io)
    }

    /// Sends close_notify, and ends the byte stream's direction of writing. Reading goes on.
    pub(crate) fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteStream,
    ) -> Poll<io::Result<()>> {
        self.writing.poll_close(cx, &mut *self.session, io)
    }

    /// New keys for what is sent; the message that says so goes out with what is written or flushed next.
    pub(crate) fn update_keys(&mut self, ask_peer: bool) -> Result<(), Error> {
        self.writing.check_not_closed()?;
        self.session.update_keys(ask_peer, &mut self.writing.outgoing)
    }

    /// How many bytes wait to be sent.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.writing.outgoing.len()
    }

    pub(crate) fn session(&self) -> &dyn Session {
        &*self.session
    }

    /// How many bytes of storage the buffers hold.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.reading.held() + self.writing.outgoing.capacity()
    }
}

/// What the reading part of a whole connection reads from.
struct Whole<'a, IO> {
    session: &'a mut dyn Session,
    writing: &'a mut Writing,
    io: &'a mut IO,
}

impl<IO: ByteStream> Source for Whole<'_, IO> {
    fn open(&mut self, incoming: &mut Buffer, plaintext: &mut [u8]) -> Result<Opened, Error> {
        self.session.open(incoming, &mut self.writing.outgoing, plaintext)
    }

    fn send_answers(&mut self, cx: &mut Context<'_>) {
        // A failure to send is the writer's to report; what can be read, can be read.
        let _ = self.writing.poll_send(cx, self.io, Side::Reader);
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.io.poll_read(cx, buffer)
    }

    fn idle(&mut self, _cx: &mut Context<'_>) {
        self.writing.outgoing.release_if_empty();
    }
}
