//! The reading half.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};

use super::{Facts, OwnedWriteHalf, Sender, Shared, Split};
use crate::{
    Buffer, ConnectionInfo, Error, Opened, ReceivingHalf, SessionHalves, TlsStream,
    stream::{
        core::{Core, Reading, Side, Source},
        tokio::READ_AT_ONCE,
    },
};

/// The reading half of a [`TlsStream`].
///
/// Where the peer breaks a rule, this half tells it so by an alert, whatever the other one does meanwhile, unless that was
/// shut down. What the byte stream does not take at once goes out with what either half does next.
pub struct OwnedReadHalf<IO: Split> {
    inward: Inward<IO>,
    reading: Reading,
}

/// What the reading part reads from.
struct Inward<IO: Split> {
    half: Box<dyn ReceivingHalf>,
    io: IO::Reader,
    /// Something that this half had to send has not gone to the byte stream.
    unsent: bool,
    shared: Arc<Shared<IO>>,
}

impl<IO: Split> OwnedReadHalf<IO> {
    pub(super) fn new(
        half: Box<dyn ReceivingHalf>,
        reading: Reading,
        io: IO::Reader,
        shared: Arc<Shared<IO>>,
    ) -> Self {
        Self { inward: Inward { half, io, unsent: false, shared }, reading }
    }

    /// The stream again, as if it had never been split; `Err` gives the halves back when they are of two streams.
    #[allow(clippy::result_large_err, reason = "the halves are what the caller wants back")]
    pub fn unsplit(self, write: OwnedWriteHalf<IO>) -> Result<TlsStream<IO>, (Self, OwnedWriteHalf<IO>)> {
        if !Arc::ptr_eq(&self.inward.shared, &write.shared) {
            return Err((self, write));
        }
        drop(write);
        let Self { inward: Inward { half, io, unsent, shared }, reading } = self;
        match Arc::try_unwrap(shared) {
            Ok(shared) => Shared::rejoin(shared, half, reading, io),
            // Only two halves are ever made, and one was dropped above.
            Err(shared) => {
                let write = OwnedWriteHalf { shared: shared.clone() };
                Err((Self { inward: Inward { half, io, unsent, shared }, reading }, write))
            }
        }
    }

    /// What the handshake negotiated.
    pub fn info(&self) -> &ConnectionInfo {
        &self.inward.shared.facts.info
    }

    /// As [`TlsStream::read_bytes`].
    ///
    /// # Errors
    /// As there.
    pub async fn read_bytes(&mut self) -> io::Result<Option<Bytes>> {
        poll_fn(|cx| self.reading.poll_read_bytes(cx, &mut self.inward)).await
    }

    /// How many bytes of storage this half's buffers hold.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.reading.held()
    }
}

impl<IO: Split> Shared<IO> {
    /// The stream again, of all that the halves held.
    #[allow(clippy::result_large_err, reason = "as OwnedReadHalf::unsplit")]
    fn rejoin(
        self,
        receiving: Box<dyn ReceivingHalf>,
        reading: Reading,
        reader: IO::Reader,
    ) -> Result<TlsStream<IO>, (OwnedReadHalf<IO>, OwnedWriteHalf<IO>)> {
        let Self { sender, facts, .. } = self;
        let Sender { half: sending, writing, io: writer } = sender.into_inner();
        match IO::unsplit(reader, writer) {
            Ok(io) => {
                let session = Box::new(SessionHalves { sending, receiving });
                let Facts { info, role, early_data } = facts;
                Ok(TlsStream { io, core: Core::of_parts(session, reading, writing), info, early_data, role })
            }
            Err((reader, writer)) => {
                let shared = Arc::new(Shared::new(Sender { half: sending, writing, io: writer }, facts));
                let read = OwnedReadHalf::new(receiving, reading, reader, shared.clone());
                Err((read, OwnedWriteHalf { shared }))
            }
        }
    }
}

impl<IO: Split> Inward<IO> {
    /// Sends what this half has to, or leaves it to the writer that is sending just now.
    fn send(&mut self, cx: &mut Context<'_>) {
        let shared = &*self.shared;
        let sent = shared.sender.ask(|sender| shared.send(sender, cx, Side::Reader));
        self.unsent = sent == Some(false);
    }
}

impl<IO: Split> Source for Inward<IO> {
    fn open(&mut self, incoming: &mut Buffer, plaintext: &mut [u8]) -> Result<Opened, Error> {
        let opened = self.half.open(incoming, plaintext);
        if opened.is_err() {
            // An alert may be owed that a writer has taken over and not sent: this half does nothing after it but send.
            self.unsent = true;
        }
        opened
    }

    fn send_answers(&mut self, cx: &mut Context<'_>) {
        if self.unsent || self.half.has_answer() {
            self.send(cx);
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn idle(&mut self, cx: &mut Context<'_>) {
        // First the waker, then the look: a writer first notes what it leaves behind, then wakes.
        self.shared.waiting_reader.set(cx.waker());
        if self.shared.left_behind.load(Ordering::Relaxed) {
            self.send(cx);
        }
        if self.unsent {
            // The byte stream wakes the reader.
            self.shared.waiting_reader.take();
        }
    }
}

impl<IO: Split> AsyncRead for OwnedReadHalf<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { inward, reading } = self.get_mut();
        let room = buffer.remaining().min(READ_AT_ONCE);
        let count = ready!(reading.poll_read(cx, inward, buffer.initialize_unfilled_to(room)))?;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<IO: Split> fmt::Debug for OwnedReadHalf<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnedReadHalf")
    }
}

#[cfg(test)]
mod tests {
    use std::{io::IoSlice, task::Waker};

    use tokio::io::duplex;

    use super::*;
    use crate::{
        AlertDescription, CipherSuite, ErrorKind, Session, record::tests::pair, stream::tests::stream_of,
    };

    #[test]
    fn an_alert_that_a_writer_took_over_without_sending_goes_with_what_the_reader_does() {
        let (mut client, server) = pair(CipherSuite::TLS_AES_128_GCM_SHA256);
        let (near, mut far) = duplex(1 << 10);
        let (mut read, mut write) = stream_of(Box::new(server), near).into_split_by(tokio::io::split);
        let mut record = Buffer::new();
        client.seal(&[IoSlice::new(b"data")], &mut record).unwrap();
        record.filled_mut()[10] ^= 1;
        let cx = &mut Context::from_waker(Waker::noop());

        assert_eq!(read.inward.open(&mut record, &mut [0; 10]).unwrap_err().kind(), &ErrorKind::BadRecord);
        assert!(write.update_keys(false).is_err());
        read.inward.send_answers(cx);

        let (mut bytes, mut alert) = ([0; 100], Buffer::new());
        let mut sent = ReadBuf::new(&mut bytes);
        assert!(Pin::new(&mut far).poll_read(cx, &mut sent).is_ready(), "nothing has gone");
        alert.extend(sent.filled());
        let error = client.open(&mut alert, &mut Buffer::new(), &mut [0; 10]).unwrap_err();
        assert_eq!(error.alert_received(), Some(AlertDescription::BAD_RECORD_MAC));
    }
}
