//! The server's entrance for one that chooses its configuration, or its engine, by what the client says first.

use std::{fmt, io, time::Duration};

use super::{HandshakeError, TlsAcceptor, TlsStream};
use crate::{AlertDescription, ByteStream, ClientHello, Error, Transport, transport::Arrived};

/// What one server waits for a hello, unless it says otherwise.
const TIME_LIMIT: Duration = Duration::from_secs(10);
const SIZE_LIMIT: usize = 64 * 1024;

/// Less holds no hello of TLS 1.3 with a name and a few key shares.
const LEAST_SIZE_LIMIT: usize = 1024;

/// A client that has said hello, and waits for the handshake to begin.
///
/// Nothing has been sent to it, no engine has looked at it, and nothing hurries but the client's patience: which
/// [`TlsAcceptor`] goes on, of whatever backend and configuration, may be looked up over the network first.
///
/// ```
/// use polytls_api::{AlertDescription, HelloLimits, IncomingHandshake, TlsAcceptor, TlsStream};
/// use tokio::io::{AsyncRead, AsyncWrite};
///
/// # struct Tenants; impl Tenants { async fn find(&self, _: &str) -> Option<TlsAcceptor> { None } }
/// async fn serve<IO>(io: IO, tenants: &Tenants, http1: &TlsAcceptor) -> std::io::Result<Option<TlsStream<IO>>>
/// where
///     IO: AsyncRead + AsyncWrite + Unpin + Send,
/// {
///     let incoming = IncomingHandshake::read(io, HelloLimits::default()).await?;
///     let hello = incoming.client_hello();
///     if hello.ja4() == "t13d190900_9dc949149365_97f8aa674fd9" {
///         incoming.reject(AlertDescription::ACCESS_DENIED).await?;
///         return Ok(None);
///     }
///     if !hello.offers_protocol(b"h2") {
///         return Ok(Some(incoming.accept(http1).await?));
///     }
///     match tenants.find(hello.server_name().unwrap_or_default()).await {
///         Some(acceptor) => Ok(Some(incoming.accept(&acceptor).await?)),
///         None => {
///             incoming.reject(AlertDescription::UNRECOGNIZED_NAME).await?;
///             Ok(None)
///         }
///     }
/// }
/// ```
pub struct IncomingHandshake<IO> {
    io: IO,
    hello: ClientHello,
    arrived: Arrived,
}

/// How long a client may take to say hello, and how much it may say.
///
/// What is held of a client meanwhile is the hello itself, of at most [`size`](Self::size), and beside it the bytes as
/// they came, for the engine that goes on: a client that splits its hello into records of a byte or two can make
/// them 256 KiB, as much as it may send in a handshake by default, and 16 KiB that the last read brings beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloLimits {
    time: Option<Duration>,
    size: usize,
}

impl Default for HelloLimits {
    /// 10 seconds, 64 KiB.
    fn default() -> Self {
        Self { time: Some(TIME_LIMIT), size: SIZE_LIMIT }
    }
}

impl HelloLimits {
    /// The whole hello must have come within this time. Default: 10 seconds.
    ///
    /// The time that the server takes to choose is its own; the limit of the acceptor's configuration begins with
    /// [`IncomingHandshake::accept`]. With zero only a hello that has come already is taken, and any other is
    /// [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut) at once.
    #[must_use]
    pub fn time(mut self, limit: Duration) -> Self {
        self.time = Some(limit);
        self
    }

    /// A client may keep its connection open for ever and say nothing.
    #[must_use]
    pub fn danger_no_time_limit(mut self) -> Self {
        self.time = None;
        self
    }

    /// A hello may have this many bytes, without the headers of its records. Default, and the most: 64 KiB; the least:
    /// 1 KiB. What is beyond either is taken for it.
    ///
    /// Clients with post-quantum key shares send about 2 KiB, and more where they resume.
    #[must_use]
    pub fn size(mut self, limit: usize) -> Self {
        self.size = limit.clamp(LEAST_SIZE_LIMIT, SIZE_LIMIT);
        self
    }
}

impl<IO> IncomingHandshake<IO> {
    /// Awaits the hello of a client over one of tokio's streams, and sends nothing.
    ///
    /// # Errors
    /// [`HandshakeError`], which gives `io` back: [`ErrorKind::InvalidMessage`](crate::ErrorKind::InvalidMessage)
    /// and [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded) once the client has been sent the alert
    /// that says so, [`ErrorKind::TimedOut`](crate::ErrorKind::TimedOut),
    /// [`ErrorKind::UnexpectedEof`](crate::ErrorKind::UnexpectedEof) or [`ErrorKind::Io`](crate::ErrorKind::Io).
    ///
    /// # Panics
    /// The time limit needs tokio's timer: as for `tokio::time::sleep`, a runtime without it is a panic.
    #[cfg(feature = "tokio")]
    pub async fn read(mut io: IO, limits: HelloLimits) -> Result<Self, HandshakeError<IO>>
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    {
        let mut stream = crate::byte_stream::TokioIo(&mut io);
        let outcome = read_hello(&mut stream, limits.size);
        let outcome = super::tokio::within(limits.time, outcome, None).await;
        Self::from_outcome(io, outcome)
    }

    /// Awaits the hello of a client over one of futures' streams, on any runtime, and sends nothing.
    ///
    /// # Errors
    /// As [`IncomingHandshake::read`].
    #[cfg(feature = "futures-io")]
    pub async fn read_futures(mut io: IO, limits: HelloLimits) -> Result<Self, HandshakeError<IO>>
    where
        IO: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send,
    {
        let mut stream = crate::byte_stream::FuturesIo(&mut io);
        let outcome = read_hello(&mut stream, limits.size);
        let outcome = super::futures_io::within(limits.time, outcome, None).await;
        Self::from_outcome(io, outcome)
    }

    fn from_outcome(
        io: IO,
        outcome: Result<(ClientHello, Arrived), Error>,
    ) -> Result<Self, HandshakeError<IO>> {
        match outcome {
            Ok((hello, arrived)) => Ok(Self { io, hello, arrived }),
            Err(error) => Err(HandshakeError::new(error, io)),
        }
    }

    /// What the client offers and asks for.
    pub fn client_hello(&self) -> &ClientHello {
        &self.hello
    }

    /// The byte stream underneath.
    pub fn io(&self) -> &IO {
        &self.io
    }

    /// The byte stream, and all that was read from it: for a proxy that passes the connection on as it is.
    pub fn into_parts(self) -> (IO, Vec<u8>) {
        (self.io, self.arrived.into_bytes())
    }

    /// Runs the handshake with this acceptor, over one of tokio's streams.
    ///
    /// [`ConnectionInfo`](crate::ConnectionInfo) counts its bytes and its time from the beginning of the hello.
    ///
    /// # Errors
    /// [`HandshakeError`], which gives the byte stream back.
    ///
    /// # Panics
    /// As [`TlsAcceptor::accept`].
    #[cfg(feature = "tokio")]
    pub async fn accept(self, acceptor: &TlsAcceptor) -> Result<TlsStream<IO>, HandshakeError<IO>>
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    {
        acceptor.accept_arrived(self.io, self.arrived).await
    }

    /// Runs the handshake with this acceptor, over one of futures' streams.
    ///
    /// # Errors
    /// [`HandshakeError`], which gives the byte stream back.
    #[cfg(feature = "futures-io")]
    pub async fn accept_futures(self, acceptor: &TlsAcceptor) -> Result<TlsStream<IO>, HandshakeError<IO>>
    where
        IO: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send,
    {
        acceptor.accept_arrived_futures(self.io, self.arrived).await
    }

    /// Refuses the client with a fatal alert, over one of tokio's streams, and gives the byte stream back.
    ///
    /// [`AlertDescription::UNRECOGNIZED_NAME`] says that no such name is served here (RFC 6066 §3),
    /// [`AlertDescription::NO_APPLICATION_PROTOCOL`] no such protocol (RFC 7301 §3.2),
    /// [`AlertDescription::PROTOCOL_VERSION`] no such version, and [`AlertDescription::ACCESS_DENIED`] that the
    /// client is not let in.
    ///
    /// # Errors
    /// That of the byte stream.
    #[cfg(feature = "tokio")]
    pub async fn reject(mut self, alert: AlertDescription) -> io::Result<IO>
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send,
    {
        send_alert(&mut crate::byte_stream::TokioIo(&mut self.io), alert).await?;
        Ok(self.io)
    }

    /// Refuses the client with a fatal alert, over one of futures' streams, as [`IncomingHandshake::reject`].
    ///
    /// # Errors
    /// That of the byte stream.
    #[cfg(feature = "futures-io")]
    pub async fn reject_futures(mut self, alert: AlertDescription) -> io::Result<IO>
    where
        IO: futures_io::AsyncRead + futures_io::AsyncWrite + Unpin + Send,
    {
        send_alert(&mut crate::byte_stream::FuturesIo(&mut self.io), alert).await?;
        Ok(self.io)
    }
}

async fn read_hello(io: &mut dyn ByteStream, size_limit: usize) -> Result<(ClientHello, Arrived), Error> {
    let mut transport = Transport::for_hello(io, size_limit);
    match transport.client_hello().await {
        Ok(hello) => Ok((hello, transport.into_arrived())),
        Err(error) => {
            // The client should learn why; if it can't be told, the error is the same.
            let _ = transport.flush().await;
            Err(error)
        }
    }
}

async fn send_alert(io: &mut dyn ByteStream, alert: AlertDescription) -> Result<(), Error> {
    let mut transport = Transport::new(io);
    transport.send_plaintext_alert(alert);
    transport.flush().await
}

impl<IO: fmt::Debug> fmt::Debug for IncomingHandshake<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingHandshake")
            .field("io", &self.io)
            .field("hello", &self.hello)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;
    use crate::{
        ErrorKind,
        hello::tests::{HANDSHAKE, client_hello, record},
    };

    /// What comes of a client that sends this and waits.
    async fn read(bytes: &[u8], limits: HelloLimits) -> Result<ClientHello, ErrorKind> {
        let (mut client, server) = duplex(1 << 20);
        client.write_all(bytes).await.unwrap();
        let incoming = IncomingHandshake::read(server, limits).await;
        incoming.map(|incoming| incoming.hello).map_err(|error| error.error().kind().clone())
    }

    #[tokio::test]
    async fn a_size_is_never_less_than_1_kib_or_more_than_64() {
        let hello = record(HANDSHAKE, &client_hello());
        assert!(read(&hello, HelloLimits::default().size(0)).await.is_ok());
        for (size, bound) in [(0, 1024), (1023, 1024), (1025, 1025), (usize::MAX, SIZE_LIMIT)] {
            let limits = HelloLimits::default().size(size).time(Duration::ZERO);
            let with_length =
                |length: usize| record(HANDSHAKE, &[&[1][..], &(length as u32).to_be_bytes()[1..]].concat());
            // The length alone tells; what is within the bound is waited for.
            assert_eq!(read(&with_length(bound), limits).await.unwrap_err(), ErrorKind::TimedOut, "{size}");
            assert_eq!(
                read(&with_length(bound + 1), limits).await.unwrap_err(),
                ErrorKind::LimitExceeded,
                "{size}"
            );
        }
    }

    #[tokio::test]
    async fn without_time_a_hello_must_have_come() {
        let hello = record(HANDSHAKE, &client_hello());
        let limits = HelloLimits::default().time(Duration::ZERO);
        assert!(read(&hello, limits).await.is_ok());
        assert_eq!(read(&hello[..hello.len() - 1], limits).await.unwrap_err(), ErrorKind::TimedOut);
        assert_eq!(read(&[], limits).await.unwrap_err(), ErrorKind::TimedOut);
    }
}
