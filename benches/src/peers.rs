//! tokio-rustls and tokio-openssl, set up like polytls's stacks.

use std::{fmt, pin::Pin, sync::Arc};

use openssl::{
    pkey::PKey,
    ssl::{
        SslAcceptor, SslConnector, SslContextBuilder, SslMethod, SslSessionCacheMode, SslVerifyMode,
        SslVersion,
    },
    x509::{X509, store::X509StoreBuilder},
};
use rustls::{
    ClientConfig, HandshakeKind, RootCertStore, ServerConfig,
    client::Resumption,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    server::NoServerSessionStorage,
    version::TLS13,
};
use tokio_openssl::SslStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::{Certificate, Io, NAME, Stack};

/// tokio-rustls over rustls with aws-lc-rs.
pub struct TokioRustls {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
}

impl TokioRustls {
    /// Both sides, every handshake a full one.
    pub fn new(certificate: &Certificate) -> Self {
        Self::with_resumption(certificate, false)
    }

    /// The same with tickets, resumed wherever there is one.
    pub fn resuming(certificate: &Certificate) -> Self {
        Self::with_resumption(certificate, true)
    }

    fn with_resumption(certificate: &Certificate, resumption: bool) -> Self {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: vec![aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256],
            kx_groups: vec![aws_lc_rs::kx_group::X25519],
            ..aws_lc_rs::default_provider()
        });
        let der = CertificateDer::from(certificate.certificate.clone());
        let mut roots = RootCertStore::empty();
        roots.add(der.clone()).expect("a good certificate");
        let mut client = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13])
            .expect("TLS 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        if !resumption {
            client.resumption = Resumption::disabled();
        }
        let key = PrivateKeyDer::try_from(certificate.key.clone()).expect("a good key");
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .expect("TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(vec![der], key)
            .expect("a good identity");
        server.session_storage = Arc::new(NoServerSessionStorage {});
        if resumption {
            server.ticketer = aws_lc_rs::Ticketer::new().expect("random bytes for its key");
        } else {
            server.send_tls13_tickets = 0;
        }
        Self { connector: Arc::new(client).into(), acceptor: Arc::new(server).into() }
    }
}

impl Stack for TokioRustls {
    type Client<IO: Io> = client::TlsStream<IO>;
    type Server<IO: Io> = server::TlsStream<IO>;

    fn name(&self) -> String {
        "tokio-rustls".into()
    }

    async fn connect<IO: Io>(&self, io: IO) -> Self::Client<IO> {
        let name = ServerName::try_from(NAME).expect("a DNS name");
        self.connector.connect(name, io).await.expect("the handshake succeeds")
    }

    async fn accept<IO: Io>(&self, io: IO) -> Self::Server<IO> {
        self.acceptor.accept(io).await.expect("the handshake succeeds")
    }

    fn negotiated<IO: Io>(client: &Self::Client<IO>) -> (String, bool) {
        let connection = client.get_ref().1;
        let suite =
            connection.negotiated_cipher_suite().map(|suite| suite.suite().as_str().unwrap_or_default());
        let version = connection.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        (suite.unwrap_or_default().replace("TLS13_", "TLS_"), version)
    }

    fn resumed<IO: Io>(client: &Self::Client<IO>) -> bool {
        client.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }
}

/// tokio-openssl over the same OpenSSL as polytls's backend.
pub struct TokioOpenSsl {
    connector: SslConnector,
    acceptor: SslAcceptor,
}

impl TokioOpenSsl {
    /// Both sides, every handshake a full one.
    pub fn new(certificate: &Certificate) -> Self {
        let x509 = X509::from_der(&certificate.certificate).expect("a good certificate");
        let key = PKey::private_key_from_der(&certificate.key).expect("a good key");
        let mut connector = SslConnector::builder(SslMethod::tls_client()).expect("OpenSSL has memory");
        let mut roots = X509StoreBuilder::new().expect("OpenSSL has memory");
        roots.add_cert(x509.clone()).expect("a good certificate");
        connector.set_cert_store(roots.build());
        connector.set_verify(SslVerifyMode::PEER);
        restrict(&mut connector);
        let mut acceptor =
            SslAcceptor::mozilla_modern_v5(SslMethod::tls_server()).expect("OpenSSL has memory");
        acceptor.set_certificate(&x509).expect("a good certificate");
        acceptor.set_private_key(&key).expect("a good key");
        acceptor.set_num_tickets(0).expect("no tickets is a number");
        restrict(&mut acceptor);
        Self { connector: connector.build(), acceptor: acceptor.build() }
    }
}

fn restrict(context: &mut SslContextBuilder) {
    context.set_min_proto_version(Some(SslVersion::TLS1_3)).expect("TLS 1.3");
    context.set_ciphersuites("TLS_AES_128_GCM_SHA256").expect("a suite that OpenSSL has");
    context.set_groups_list("X25519").expect("a group that OpenSSL has");
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
}

impl Stack for TokioOpenSsl {
    type Client<IO: Io> = SslStream<IO>;
    type Server<IO: Io> = SslStream<IO>;

    fn name(&self) -> String {
        "tokio-openssl".into()
    }

    async fn connect<IO: Io>(&self, io: IO) -> SslStream<IO> {
        let ssl =
            self.connector.configure().and_then(|config| config.into_ssl(NAME)).expect("OpenSSL has memory");
        let mut stream = SslStream::new(ssl, io).expect("OpenSSL has memory");
        Pin::new(&mut stream).connect().await.expect("the handshake succeeds");
        stream
    }

    async fn accept<IO: Io>(&self, io: IO) -> SslStream<IO> {
        let ssl = openssl::ssl::Ssl::new(self.acceptor.context()).expect("OpenSSL has memory");
        let mut stream = SslStream::new(ssl, io).expect("OpenSSL has memory");
        Pin::new(&mut stream).accept().await.expect("the handshake succeeds");
        stream
    }

    fn negotiated<IO: Io>(client: &SslStream<IO>) -> (String, bool) {
        let ssl = client.ssl();
        let suite = ssl.current_cipher().and_then(|cipher| cipher.standard_name()).unwrap_or_default();
        (suite.to_owned(), ssl.version2() == Some(SslVersion::TLS1_3))
    }

    fn resumed<IO: Io>(client: &SslStream<IO>) -> bool {
        client.ssl().session_reused()
    }
}

impl fmt::Debug for TokioRustls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokioRustls")
    }
}

impl fmt::Debug for TokioOpenSsl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokioOpenSsl")
    }
}
