//! The byte stream as a handshake sees it: two buffers, `fill` and `flush`.
//!
//! A handshake reads from `incoming`, appends to `outgoing`, and awaits. The transport counts bytes,
//! notes when the first of them passed, and bounds what a peer can make a handshake read.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use crate::{AlertDescription, Buffer, ByteStream, ClientHello, Error, ErrorKind, HelloObserver};

/// What one [`Transport::fill`] asks the byte stream for: most flights fit the first.
const FILL_FIRST: usize = 4 * 1024;
const FILL: usize = 16 * 1024 + 512;

/// How many bytes a peer may send before the handshake must be complete, unless it is said otherwise.
const HANDSHAKE_LIMIT: usize = 256 * 1024;

/// A byte stream with its buffers, for the length of a handshake.
pub struct Transport<'a> {
    io: &'a mut dyn ByteStream,
    incoming: Buffer,
    outgoing: Buffer,
    limit: u64,
    received: u64,
    sent: u64,
    started: Instant,
    first_sent: Option<Duration>,
    first_received: Option<Duration>,
}

impl<'a> Transport<'a> {
    /// A transport over `io` with empty buffers, on which a peer may send 256 KiB.
    pub fn new(io: &'a mut dyn ByteStream) -> Self {
        Self::with_limit(io, HANDSHAKE_LIMIT)
    }

    /// A transport over `io` with empty buffers, on which a peer may send this many bytes, and as many as one
    /// read brings beyond.
    pub fn with_limit(io: &'a mut dyn ByteStream, limit: usize) -> Self {
        Self {
            io,
            incoming: Buffer::new(),
            outgoing: Buffer::new(),
            limit: limit as u64,
            received: 0,
            sent: 0,
            started: Instant::now(),
            first_sent: None,
            first_received: None,
        }
    }

    /// Bytes that came and were not yet consumed.
    pub fn incoming(&mut self) -> &mut Buffer {
        &mut self.incoming
    }

    /// Bytes to be sent by the next [`Transport::flush`].
    pub fn outgoing(&mut self) -> &mut Buffer {
        &mut self.outgoing
    }

    /// Both buffers, incoming first.
    pub fn buffers(&mut self) -> (&mut Buffer, &mut Buffer) {
        (&mut self.incoming, &mut self.outgoing)
    }

    /// Awaits more bytes from the peer, and sends what is outgoing meanwhile.
    ///
    /// The two go together: over a byte stream that holds little, a peer may read only while it is read from.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedEof`] at the end of the stream, [`ErrorKind::LimitExceeded`] when the peer has
    /// sent as much as it may and the handshake is still not complete, [`ErrorKind::Io`] when the stream fails.
    pub async fn fill(&mut self) -> Result<(), Error> {
        if self.received >= self.limit {
            return Err(ErrorKind::LimitExceeded.into());
        }
        let size = if self.received < FILL_FIRST as u64 { FILL_FIRST } else { FILL };
        let count = poll_fn(|cx| {
            let sent = self.poll_send(cx);
            let read = self.io.poll_read(cx, &mut self.incoming.spare(size)[..size]);
            match (sent, read) {
                // A peer that is gone may have said why.
                (_, Poll::Ready(Ok(count @ 1..))) => Poll::Ready(Ok(count)),
                (Poll::Ready(Err(error)), _) => Poll::Ready(Err(error)),
                (_, read) => read,
            }
        })
        .await?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.incoming.commit(count);
        self.received += count as u64;
        self.first_received.get_or_insert_with(|| self.started.elapsed());
        Ok(())
    }

    /// Awaits the client's first message, which stays in the incoming buffer.
    ///
    /// # Errors
    /// As [`Transport::fill`].
    pub async fn client_hello(&mut self) -> Result<ClientHello, Error> {
        loop {
            let mut observer = HelloObserver::default();
            observer.received(self.incoming.filled());
            if observer.client_hello_seen() {
                return Ok(ClientHello::new(observer.server_name()));
            }
            self.fill().await?;
        }
    }

    /// Leaves a fatal alert to be sent, in place of what else is outgoing, while no keys protect the connection.
    pub fn send_plaintext_alert(&mut self, alert: AlertDescription) {
        self.outgoing.clear();
        // RFC 8446 §5.1 and §6: an alert's record, in the version that every peer reads; level fatal.
        self.outgoing.extend(&[21, 3, 3, 0, 2, 2, alert.code()]);
    }

    /// Sends every outgoing byte.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the stream fails.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_send(cx)).await?;
        Ok(())
    }

    /// Sends what the byte stream takes at once, and leaves the rest.
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) async fn flush_without_waiting(&mut self) -> Result<(), Error> {
        poll_fn(|cx| match self.poll_send(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => Poll::Ready(Ok(())),
        })
        .await?;
        Ok(())
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let count = ready!(self.io.poll_write(cx, self.outgoing.filled()))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.consume(count);
            self.sent += count as u64;
            self.first_sent.get_or_insert_with(|| self.started.elapsed());
        }
        self.io.poll_flush(cx)
    }

    /// How many bytes came from the peer.
    pub fn bytes_received(&self) -> u64 {
        self.received
    }

    /// How many bytes went to the peer.
    pub fn bytes_sent(&self) -> u64 {
        self.sent
    }

    /// When the handshake began.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// When the first byte went out and the first came in, counted from the start.
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn first_bytes(&self) -> (Option<Duration>, Option<Duration>) {
        (self.first_sent, self.first_received)
    }

    /// What is left in the buffers, for the stream that follows the handshake.
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn into_buffers(self) -> (Buffer, Buffer) {
        (self.incoming, self.outgoing)
    }
}

impl std::fmt::Debug for Transport<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport")
            .field("incoming", &self.incoming)
            .field("outgoing", &self.outgoing)
            .field("received", &self.received)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}
