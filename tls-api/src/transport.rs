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

use crate::{AlertDescription, Buffer, ByteStream, ClientHello, Error, ErrorKind, hello::IncomingHello};

/// What one [`Transport::fill`] asks the byte stream for: most flights fit the first.
const FILL_FIRST: usize = 4 * 1024;
const FILL: usize = 16 * 1024 + 512;

/// How many bytes a peer may send before the handshake must be complete, unless it is said otherwise.
const HANDSHAKE_LIMIT: usize = 256 * 1024;

/// A byte stream with its buffers, for the length of a handshake.
pub struct Transport<'a> {
    io: &'a mut dyn ByteStream,
    outgoing: Buffer,
    limit: u64,
    arrived: Arrived,
    sent: u64,
    first_sent: Option<Duration>,
}

/// What has come from the peer, and when: all that a server knows when it has read a hello and sent nothing.
#[derive(Debug)]
pub(crate) struct Arrived {
    incoming: Buffer,
    hello: IncomingHello,
    received: u64,
    started: Instant,
    first_received: Option<Duration>,
}

impl Arrived {
    /// Nothing, so far.
    pub(crate) fn nothing() -> Self {
        Self::awaiting(IncomingHello::default())
    }

    fn awaiting(hello: IncomingHello) -> Self {
        Self { incoming: Buffer::new(), hello, received: 0, started: Instant::now(), first_received: None }
    }

    /// What was read of the byte stream.
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.incoming.filled().to_vec()
    }
}

impl<'a> Transport<'a> {
    /// A transport over `io` with empty buffers, on which a peer may send 256 KiB.
    pub fn new(io: &'a mut dyn ByteStream) -> Self {
        Self::with_limit(io, HANDSHAKE_LIMIT)
    }

    /// A transport over `io` with empty buffers, on which a peer may send this many bytes, and as many as one
    /// read brings beyond.
    pub fn with_limit(io: &'a mut dyn ByteStream, limit: usize) -> Self {
        Self::going_on(io, limit, Arrived::nothing())
    }

    /// A transport on which this much has come already.
    pub(crate) fn going_on(io: &'a mut dyn ByteStream, limit: usize, arrived: Arrived) -> Self {
        Self { io, outgoing: Buffer::new(), limit: limit as u64, arrived, sent: 0, first_sent: None }
    }

    /// A transport for no more than a hello, of at most this many bytes.
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn for_hello(io: &'a mut dyn ByteStream, hello_limit: usize) -> Self {
        Self::going_on(io, HANDSHAKE_LIMIT, Arrived::awaiting(IncomingHello::with_limit(hello_limit)))
    }

    /// Bytes that came and were not yet consumed.
    pub fn incoming(&mut self) -> &mut Buffer {
        &mut self.arrived.incoming
    }

    /// Bytes to be sent by the next [`Transport::flush`].
    pub fn outgoing(&mut self) -> &mut Buffer {
        &mut self.outgoing
    }

    /// Both buffers, incoming first.
    pub fn buffers(&mut self) -> (&mut Buffer, &mut Buffer) {
        (&mut self.arrived.incoming, &mut self.outgoing)
    }

    /// Awaits more bytes from the peer, and sends what is outgoing meanwhile.
    ///
    /// The two go together: over a byte stream that holds little, a peer may read only while it is read from.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedEof`] at the end of the stream, [`ErrorKind::LimitExceeded`] when the peer has
    /// sent as much as it may and the handshake is still not complete, [`ErrorKind::Io`] when the stream fails.
    pub async fn fill(&mut self) -> Result<(), Error> {
        if self.arrived.received >= self.limit {
            return Err(ErrorKind::LimitExceeded.into());
        }
        let size = if self.arrived.received < FILL_FIRST as u64 { FILL_FIRST } else { FILL };
        let count = poll_fn(|cx| {
            let sent = self.poll_send(cx);
            let read = self.io.poll_read(cx, &mut self.arrived.incoming.spare(size)[..size]);
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
        // A byte stream that says it has read more than it was asked for has not.
        let count = count.min(size);
        self.arrived.incoming.commit(count);
        self.arrived.received += count as u64;
        self.arrived.first_received.get_or_insert_with(|| self.arrived.started.elapsed());
        Ok(())
    }

    /// On a server: awaits the client's first ClientHello, and leaves all of it in `incoming`.
    ///
    /// A server calls this before it consumes anything; the answer of a first call is kept for every later one.
    /// Where the hello is not fit to be one, the alert that says so is in `outgoing` when this returns.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidMessage`] for what is no ClientHello, or one that breaks a rule of its own,
    /// [`ErrorKind::LimitExceeded`] for one of more than 64 KiB, and the errors of [`Transport::fill`].
    pub async fn client_hello(&mut self) -> Result<ClientHello, Error> {
        loop {
            if let Some(outcome) = self.arrived.hello.read(self.arrived.incoming.filled(), &mut self.outgoing)
            {
                return outcome;
            }
            match self.fill().await {
                Err(error) if *error.kind() == ErrorKind::LimitExceeded => {
                    self.arrived.hello.give_up(&mut self.outgoing);
                }
                filled => filled?,
            }
        }
    }

    /// Leaves a fatal alert to be sent, in place of what else is outgoing, while no keys protect the connection.
    pub fn send_plaintext_alert(&mut self, alert: AlertDescription) {
        self.outgoing.clear();
        self.outgoing.extend(&alert.plaintext_record());
    }

    /// Sends every outgoing byte.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the stream fails.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.poll_send(cx)).await?;
        Ok(())
    }

    /// Sends what the byte stream takes at once, and leaves the rest; says whether all of it went on from there.
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) async fn flush_without_waiting(&mut self) -> Result<bool, Error> {
        let flushed = poll_fn(|cx| match self.poll_send(cx) {
            Poll::Ready(result) => Poll::Ready(result.map(|()| true)),
            Poll::Pending => Poll::Ready(Ok(false)),
        });
        Ok(flushed.await?)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let count = ready!(self.io.poll_write(cx, self.outgoing.filled()))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.consume(count);
            self.sent += count as u64;
            self.first_sent.get_or_insert_with(|| self.arrived.started.elapsed());
        }
        self.io.poll_flush(cx)
    }

    /// How many bytes came from the peer.
    pub fn bytes_received(&self) -> u64 {
        self.arrived.received
    }

    /// How many bytes went to the peer.
    pub fn bytes_sent(&self) -> u64 {
        self.sent
    }

    /// When the handshake began.
    pub fn started(&self) -> Instant {
        self.arrived.started
    }

    /// When the first byte went out and the first came in, counted from the start.
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn first_bytes(&self) -> (Option<Duration>, Option<Duration>) {
        (self.first_sent, self.arrived.first_received)
    }

    /// What has come, for a handshake that begins later.
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn into_arrived(self) -> Arrived {
        self.arrived
    }

    /// What is left in the buffers, for the stream that follows the handshake.
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn into_buffers(self) -> (Buffer, Buffer) {
        (self.arrived.incoming, self.outgoing)
    }
}

impl std::fmt::Debug for Transport<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport")
            .field("incoming", &self.arrived.incoming)
            .field("outgoing", &self.outgoing)
            .field("received", &self.arrived.received)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, task::Waker};

    use super::*;
    use crate::hello::tests::{HANDSHAKE, client_hello, record, records};

    /// Gives one byte a call, takes everything.
    struct Drops {
        incoming: VecDeque<u8>,
        outgoing: Vec<u8>,
    }

    impl ByteStream for Drops {
        fn poll_read(&mut self, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
            let Some(byte) = self.incoming.pop_front() else { return Poll::Ready(Ok(0)) };
            buffer[0] = byte;
            Poll::Ready(Ok(1))
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

    fn now<T>(future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("the stream is always ready"),
        }
    }

    #[test]
    fn a_hello_is_read_and_left_where_it_is() {
        let bytes = records(&client_hello(), 11);
        let mut io = Drops { incoming: [&bytes[..], b"rest"].concat().into(), outgoing: vec![] };
        let mut transport = Transport::new(&mut io);
        let hello = now(transport.client_hello()).unwrap();
        assert_eq!(hello.server_name(), Some("example.com"));
        assert_eq!(transport.incoming().filled(), bytes);
        assert_eq!(transport.bytes_received(), bytes.len() as u64);
        // What a backend consumes does not matter any more.
        transport.incoming().consume(100);
        assert_eq!(now(transport.client_hello()).unwrap(), hello);
        assert_eq!(transport.bytes_received(), bytes.len() as u64);
    }

    #[test]
    fn a_refused_hello_leaves_its_alert_to_be_sent_once() {
        let incoming = record(HANDSHAKE, &[1, 0, 0, 0]);
        let mut io = Drops { incoming: incoming.into(), outgoing: vec![] };
        let mut transport = Transport::new(&mut io);
        for _ in 0..2 {
            let error = now(transport.client_hello()).unwrap_err();
            assert_eq!(error.alert_sent(), Some(crate::AlertDescription::DECODE_ERROR));
        }
        now(transport.flush()).unwrap();
        assert_eq!(io.outgoing, [21, 3, 3, 0, 2, 2, 50]);
    }

    #[test]
    fn a_hello_in_too_many_records_is_refused_at_the_limit_of_the_handshake() {
        let hello = [&[1, 0, 0xff, 0xff][..], &[0; 0xffff]].concat();
        let mut io = Drops { incoming: records(&hello, 1).into(), outgoing: vec![] };
        let mut transport = Transport::new(&mut io);
        let error = now(transport.client_hello()).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::LimitExceeded);
        assert_eq!(error.alert_sent(), Some(crate::AlertDescription::ILLEGAL_PARAMETER));
        assert_eq!(transport.bytes_received(), HANDSHAKE_LIMIT as u64);
        assert!(!transport.outgoing().is_empty());
    }

    #[test]
    fn an_end_before_the_hello_is_an_unexpected_end() {
        let mut incoming = record(HANDSHAKE, &client_hello());
        incoming.pop();
        let mut io = Drops { incoming: incoming.into(), outgoing: vec![] };
        let error = now(Transport::new(&mut io).client_hello()).unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::UnexpectedEof);
    }
}
