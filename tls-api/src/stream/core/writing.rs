//! The writing part of a connection: from the caller through the session to the byte stream.

use std::{
    io::{self, IoSlice},
    task::{Context, Poll, ready},
};

use super::waker::{SendWaker, Side};
use crate::{
    Buffer, ByteStream, Error, RecordSizing, SendingHalf, Session,
    stream::record_sizing::{RecordSizes, SLICES, gather, milliseconds, piece},
};

/// How much may wait to be sent before a writer has to wait as well.
const HIGH_WATER: usize = 64 * 1024;

/// What seals for the writing part.
pub(in crate::stream) trait Sealer {
    /// As [`Session::seal`].
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error>;

    /// As [`Session::close`].
    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error>;
}

impl Sealer for dyn Session {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        Session::seal(self, plaintext, outgoing)
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        Session::close(self, outgoing)
    }
}

impl Sealer for dyn SendingHalf {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        SendingHalf::seal(self, plaintext, outgoing)
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        SendingHalf::close(self, outgoing)
    }
}

/// A byte stream's direction of writing.
pub(in crate::stream) trait ByteSink {
    /// As [`ByteStream::poll_write`].
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// As [`ByteStream::poll_flush`].
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// As [`ByteStream::poll_close`].
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl<IO: ByteStream> ByteSink for IO {
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ByteStream::poll_write(self, cx, bytes)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ByteStream::poll_flush(self, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ByteStream::poll_close(self, cx)
    }
}

/// What only sending uses.
#[derive(Debug)]
pub(in crate::stream) struct Writing {
    pub(in crate::stream) outgoing: Buffer,
    sizes: RecordSizes,
    close_sent: bool,
    /// The byte stream may hold bytes that are still to be flushed for somebody.
    unflushed: bool,
    send_waker: SendWaker,
}

impl Writing {
    /// `unflushed`: the byte stream may hold more than is outgoing.
    pub(in crate::stream) fn new(outgoing: Buffer, unflushed: bool, sizing: RecordSizing) -> Self {
        let sizes = RecordSizes::new(sizing);
        Self { outgoing, sizes, close_sent: false, unflushed, send_waker: SendWaker::default() }
    }

    /// Seals some of the plaintext. Its bytes are on their way; [`Writing::poll_flush`] awaits that they are gone.
    pub(in crate::stream) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        sealer: &mut (impl Sealer + ?Sized),
        io: &mut impl ByteSink,
        plaintext: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_not_closed()?;
        if plaintext.iter().all(|slice| slice.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        if self.poll_send(cx, io, Side::Writer)?.is_pending() && self.outgoing.len() >= HIGH_WATER {
            return Poll::Pending;
        }
        let sealed = self.seal(sealer, plaintext);
        // What is taken is taken, and goes out with what is polled next, which also meets again what fails here: who were
        // told of it now would write the same bytes once more.
        let sent = self.poll_send(cx, io, Side::Writer);
        Poll::Ready(match (sealed, sent) {
            (Ok(count), _) => Ok(count),
            (Err(_), Poll::Ready(Err(error))) => Err(error),
            (Err(error), _) => Err(error.into()),
        })
    }

    /// RFC 8446 §6.1: nothing follows close_notify.
    pub(in crate::stream) fn check_not_closed(&self) -> io::Result<()> {
        if self.close_sent {
            return Err(io::Error::new(
                io::ErrorKind::BrokenPipe,
                "close_notify was sent: nothing can be written any more",
            ));
        }
        Ok(())
    }

    /// Seals some of the plaintext: what is to go in small records one by one, else as much as the session takes at once.
    fn seal(
        &mut self,
        sealer: &mut (impl Sealer + ?Sized),
        plaintext: &[IoSlice<'_>],
    ) -> Result<usize, Error> {
        let length: usize = plaintext.iter().map(|slice| slice.len()).sum();
        self.sizes.write_at(length, milliseconds);
        if self.sizes.most().is_none_or(|most| length <= most) {
            let count = sealer.seal(plaintext, &mut self.outgoing)?;
            self.sizes.taken(count);
            return Ok(count);
        }
        let mut taken = 0;
        while let Some(most) = self.sizes.most()
            && self.outgoing.len() < HIGH_WATER
        {
            match seal_piece(sealer, plaintext, taken, most, &mut self.outgoing) {
                Ok(0) => return Ok(taken),
                Ok(count) => {
                    self.sizes.taken(count);
                    taken += count;
                }
                // The next call says it again.
                Err(_) if taken > 0 => return Ok(taken),
                Err(error) => return Err(error),
            }
        }
        if taken > 0 { Ok(taken) } else { sealer.seal(plaintext, &mut self.outgoing) }
    }

    /// Awaits that everything sealed has gone to the byte stream, and on from there.
    pub(in crate::stream) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteSink,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx, io, Side::Writer))?;
        self.poll_flush_sent(cx, io, Side::Writer)
    }

    /// Whether nothing is left for [`Writing::poll_send`] to do.
    #[cfg(feature = "tokio")]
    pub(in crate::stream) fn is_sent(&self) -> bool {
        self.outgoing.is_empty() && !self.unflushed
    }

    /// Sends close_notify, and ends the byte stream's direction of writing. Reading goes on.
    pub(in crate::stream) fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        sealer: &mut (impl Sealer + ?Sized),
        io: &mut impl ByteSink,
    ) -> Poll<io::Result<()>> {
        if !self.close_sent {
            sealer.close(&mut self.outgoing)?;
            self.close_sent = true;
        }
        ready!(self.poll_flush(cx, io))?;
        self.send_waker.poll(cx, Side::Writer, |cx| io.poll_close(cx))
    }

    /// Moves outgoing bytes to the byte stream until none is left. What the reader sends is flushed as well.
    pub(in crate::stream) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteSink,
        side: Side,
    ) -> Poll<io::Result<()>> {
        if self.outgoing.is_empty() && (side == Side::Writer || !self.unflushed) {
            return Poll::Ready(Ok(()));
        }
        // What the reader sends, nobody else would flush.
        self.unflushed |= side == Side::Reader;
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
            Side::Reader => self.poll_flush_sent(cx, io, side),
            Side::Writer => Poll::Ready(Ok(())),
        }
    }

    fn poll_flush_sent(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut impl ByteSink,
        side: Side,
    ) -> Poll<io::Result<()>> {
        self.unflushed = true;
        let flushed = ready!(self.send_waker.poll(cx, side, |cx| io.poll_flush(cx)));
        self.unflushed = false;
        self.send_waker.drained(side);
        Poll::Ready(flushed)
    }
}

/// Seals up to `most` bytes of what comes after the first `skip` bytes; none if there are none.
fn seal_piece(
    sealer: &mut (impl Sealer + ?Sized),
    plaintext: &[IoSlice<'_>],
    skip: usize,
    most: usize,
    outgoing: &mut Buffer,
) -> Result<usize, Error> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    match piece(plaintext, skip, most, &mut slices) {
        Some([]) => Ok(0),
        Some(piece) => sealer.seal(piece, outgoing),
        None => gather(plaintext, skip, most, |gathered| sealer.seal(&[IoSlice::new(gathered)], outgoing)),
    }
}
