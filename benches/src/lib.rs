//! Stacks that connect and accept, polytls's and its peers', behind one trait: what is measured is the same.
//!
//! Every stack speaks TLS 1.3 with AES-128-GCM, X25519 and a P-256 certificate; [`Stack::negotiated`] lets a benchmark
//! assert it. `new` makes one without resumption and without tickets, `resuming` one that resumes whenever it can.

mod peers;
pub mod rounds;
pub mod verification;

use std::{future::Future, sync::Arc};

use polytls::{
    Backend, CipherSuite, ClientConfig, ConnectionInfo, Identity, NamedGroup, ProtocolVersion, Roots,
    ServerConfig, ServerName, TlsAcceptor, TlsConnector, TlsStream,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};

pub use self::peers::{TokioOpenSsl, TokioRustls};

/// What a byte stream must be.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// A client and a server that know each other.
pub trait Stack {
    /// The client's stream.
    type Client<IO: Io>: Io;
    /// The server's stream.
    type Server<IO: Io>: Io;

    /// The stack, for the benchmark's name.
    fn name(&self) -> String;
    /// The client's handshake.
    fn connect<IO: Io>(&self, io: IO) -> impl Future<Output = Self::Client<IO>>;
    /// The server's handshake.
    fn accept<IO: Io>(&self, io: IO) -> impl Future<Output = Self::Server<IO>>;
    /// The cipher suite's name and whether TLS 1.3 was negotiated.
    fn negotiated<IO: Io>(client: &Self::Client<IO>) -> (String, bool);
    /// Whether an earlier session was resumed.
    fn resumed<IO: Io>(client: &Self::Client<IO>) -> bool;
}

/// Room in the pipe between two ends in memory: one 64 KiB write with its records, and then some.
const PIPE: usize = 256 * 1024;

/// Both ends of a new connection in memory.
pub async fn connection<S: Stack>(stack: &S) -> (S::Client<DuplexStream>, S::Server<DuplexStream>) {
    let (near, far) = duplex(PIPE);
    tokio::join!(stack.connect(near), stack.accept(far))
}

/// The same, and a byte from the server: its tickets come before, and the next connection resumes.
pub async fn connection_with_tickets<S: Stack>(
    stack: &S,
) -> (S::Client<DuplexStream>, S::Server<DuplexStream>) {
    let (mut client, mut server) = connection(stack).await;
    server.write_all(&[1]).await.expect("written");
    server.flush().await.expect("flushed");
    client.read_u8().await.expect("read");
    (client, server)
}

/// The certificate that every stack uses: P-256, self-signed, for `localhost`.
#[derive(Debug)]
pub struct Certificate {
    /// In DER.
    pub certificate: Vec<u8>,
    /// In DER, PKCS#8.
    pub key: Vec<u8>,
}

impl Certificate {
    /// A new one.
    pub fn make() -> Self {
        let made =
            rcgen::generate_simple_self_signed([NAME.to_owned()]).expect("rcgen makes P-256 certificates");
        Self { certificate: made.cert.der().to_vec(), key: made.signing_key.serialize_der() }
    }
}

/// The server's name.
pub const NAME: &str = "localhost";

/// polytls over one of its backends.
#[derive(Debug)]
pub struct Polytls {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
    name: ServerName,
}

impl Polytls {
    /// Both sides over `backend`, every handshake a full one.
    pub fn new(backend: Arc<dyn Backend>, certificate: &Certificate) -> Self {
        Self::with_resumption(backend, certificate, false)
    }

    /// The same with tickets, resumed wherever there is one.
    pub fn resuming(backend: Arc<dyn Backend>, certificate: &Certificate) -> Self {
        Self::with_resumption(backend, certificate, true)
    }

    fn with_resumption(backend: Arc<dyn Backend>, certificate: &Certificate, resumption: bool) -> Self {
        let der = polytls::CertificateDer::from(certificate.certificate.clone());
        let identity = Identity::from_der([der.clone()], certificate.key.clone()).expect("a good identity");
        let client = ClientConfig::builder(backend.clone())
            .roots(Roots::from_der([der]))
            .protocol_versions([ProtocolVersion::Tls13])
            .cipher_suites([CipherSuite::TLS_AES_128_GCM_SHA256])
            .named_groups([NamedGroup::X25519])
            .resumption(resumption)
            .build()
            .expect("every backend measured here can do this");
        let server = ServerConfig::builder(backend, identity)
            .protocol_versions([ProtocolVersion::Tls13])
            .cipher_suites([CipherSuite::TLS_AES_128_GCM_SHA256])
            .named_groups([NamedGroup::X25519])
            .resumption(resumption)
            .build()
            .expect("every backend measured here can do this");
        Self {
            connector: TlsConnector::new(&client).expect("a good client configuration"),
            acceptor: TlsAcceptor::new(&server).expect("a good server configuration"),
            name: NAME.parse().expect("a DNS name"),
        }
    }
}

impl Polytls {
    /// Both sides over `backend` with what it negotiates by itself, for one that cannot be told.
    pub fn by_default(backend: Arc<dyn Backend>, certificate: &Certificate) -> Self {
        let der = polytls::CertificateDer::from(certificate.certificate.clone());
        let identity = Identity::from_der([der.clone()], certificate.key.clone()).expect("a good identity");
        let client = ClientConfig::builder(backend.clone()).roots(Roots::from_der([der])).build();
        let server = ServerConfig::builder(backend, identity).build();
        Self {
            connector: TlsConnector::new(&client.expect("defaults")).expect("a good client configuration"),
            acceptor: TlsAcceptor::new(&server.expect("defaults")).expect("a good server configuration"),
            name: NAME.parse().expect("a DNS name"),
        }
    }
}

impl Stack for Polytls {
    type Client<IO: Io> = TlsStream<IO>;
    type Server<IO: Io> = TlsStream<IO>;

    fn name(&self) -> String {
        format!("polytls-{}", self.connector.config().backend().info().name)
    }

    async fn connect<IO: Io>(&self, io: IO) -> TlsStream<IO> {
        self.connector.connect(&self.name, io).await.expect("the handshake succeeds")
    }

    async fn accept<IO: Io>(&self, io: IO) -> TlsStream<IO> {
        self.acceptor.accept(io).await.expect("the handshake succeeds")
    }

    fn negotiated<IO: Io>(client: &TlsStream<IO>) -> (String, bool) {
        let info: &ConnectionInfo = client.info();
        let suite = info.cipher_suite.map(|suite| suite.to_string()).unwrap_or_default();
        (suite, info.version == Some(ProtocolVersion::Tls13))
    }

    fn resumed<IO: Io>(client: &TlsStream<IO>) -> bool {
        client.info().resumed == Some(true)
    }
}

/// The guide's snippets, compiled here: this crate has every library that they move from.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../docs/guide/certificates.md")]
    mod certificates {}
    #[doc = include_str!("../../docs/guide/choose-a-backend.md")]
    mod choose_a_backend {}
    #[doc = include_str!("../../docs/guide/write-a-library.md")]
    mod write_a_library {}
    #[doc = include_str!("../../docs/guide/run-a-server.md")]
    mod run_a_server {}
    #[doc = include_str!("../../docs/guide/move-to-polytls.md")]
    mod move_to_polytls {}
}
