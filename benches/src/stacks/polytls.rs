//! polytls over each of its backends.

use std::{fmt, marker::PhantomData, sync::Arc};

use ::polytls::{
    Backend, CertificateDer, CipherSuite, ClientAuthentication, ClientConfig, ClientConfigBuilder, Identity,
    NamedGroup, ProtocolVersion, Roots, ServerConfig, ServerConfigBuilder, ServerName, TlsAcceptor,
    TlsConnector, TlsStream,
    backends::{Builtin, Rustls},
    record::{RecordCipher, RecordKey},
};
use tokio::net::TcpStream;

use super::{Io, Negotiated, Reader, Refusal, Stack, Writer};
use crate::{
    CertificateKind, Certificates, Credentials, Group, NAME, Settings, Suite, Version, versions::locked,
};

/// A backend of polytls's.
pub trait Engine: Backend + Sized {
    /// `polytls-` and its name.
    const NAME: &'static str;

    /// With its defaults.
    fn backend() -> Self;

    /// What it cannot be told. Default: nothing.
    fn refuse(_settings: &Settings) -> Option<Refusal> {
        None
    }

    /// Whether its suites, its groups and its server's resumption can be chosen. Default: yes.
    const CHOSEN: bool = true;

    /// The libraries below it, with their versions.
    fn libraries() -> String;
}

impl Engine for Builtin {
    const NAME: &'static str = "polytls-builtin";

    fn backend() -> Self {
        Self::new()
    }

    fn libraries() -> String {
        format!("aws-lc-rs {}", locked("aws-lc-rs"))
    }
}

impl Engine for Rustls {
    const NAME: &'static str = "polytls-rustls";

    fn backend() -> Self {
        Self::new()
    }

    fn libraries() -> String {
        format!("rustls {}, aws-lc-rs {}", locked("rustls"), locked("aws-lc-rs"))
    }
}

#[cfg(feature = "openssl")]
impl Engine for ::polytls::backends::OpenSsl {
    const NAME: &'static str = "polytls-openssl";

    fn backend() -> Self {
        Self::new()
    }

    fn libraries() -> String {
        openssl::version::version().to_owned()
    }
}

#[cfg(feature = "openssl")]
impl Engine for ::polytls::backends::Native {
    const NAME: &'static str = "polytls-native";
    const CHOSEN: bool = false;

    fn backend() -> Self {
        Self::new()
    }

    fn refuse(settings: &Settings) -> Option<Refusal> {
        super::openssl_terms::refuse_native(settings)
    }

    fn libraries() -> String {
        format!("native-tls {}, {}", locked("native-tls"), openssl::version::version())
    }
}

/// polytls over one of its backends.
pub struct Polytls<B> {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
    name: ServerName,
    backend: PhantomData<B>,
}

impl<B: Engine> Polytls<B> {
    fn client(settings: &Settings, certificates: &Certificates) -> ClientConfigBuilder {
        let root = CertificateDer::from(certificates.root.clone());
        let mut client = ClientConfig::builder(Arc::new(B::backend()))
            .roots(Roots::from_der([root]))
            .protocol_versions([version(settings.version)])
            .resumption(settings.resumption);
        if settings.mutual {
            client = client.identity(identity(&certificates.client));
        }
        if B::CHOSEN {
            client = client.cipher_suites([suite(settings)]).named_groups([group(settings.group)]);
        }
        client
    }

    fn server(settings: &Settings, certificates: &Certificates) -> ServerConfigBuilder {
        let mut server = ServerConfig::builder(Arc::new(B::backend()), identity(&certificates.server))
            .protocol_versions([version(settings.version)]);
        if settings.mutual {
            let root = CertificateDer::from(certificates.root.clone());
            server = server
                .client_authentication(ClientAuthentication::Required)
                .client_roots(Roots::from_der([root]));
        }
        if B::CHOSEN {
            server = server
                .cipher_suites([suite(settings)])
                .named_groups([group(settings.group)])
                .resumption(settings.resumption);
            if settings.resumption && settings.version == Version::Tls13 {
                server = server.tickets_per_connection(1);
            }
        }
        server
    }
}

impl<B: Engine> Stack for Polytls<B> {
    const NAME: &'static str = B::NAME;
    type Client<IO: Io> = TlsStream<IO>;
    type Server<IO: Io> = TlsStream<IO>;

    fn new(settings: &Settings, certificates: &Certificates) -> Result<Self, Refusal> {
        if let Some(refusal) = B::refuse(settings) {
            return Err(refusal);
        }
        let refuse = |error: ::polytls::ConfigError| Refusal(error.to_string());
        let client = Self::client(settings, certificates).build().map_err(refuse)?;
        let server = Self::server(settings, certificates).build().map_err(refuse)?;
        Ok(Self {
            connector: TlsConnector::new(&client).map_err(refuse)?,
            acceptor: TlsAcceptor::new(&server).map_err(refuse)?,
            name: NAME.parse().expect("a DNS name"),
            backend: PhantomData,
        })
    }

    fn version() -> String {
        format!("polytls {}, {}", env!("CARGO_PKG_VERSION"), B::libraries())
    }

    async fn connect<IO: Io>(&self, io: IO) -> TlsStream<IO> {
        self.connector.connect(&self.name, io).await.expect("the handshake succeeds")
    }

    async fn accept<IO: Io>(&self, io: IO) -> TlsStream<IO> {
        self.acceptor.accept(io).await.expect("the handshake succeeds")
    }

    fn negotiated<IO: Io>(client: &TlsStream<IO>) -> Negotiated {
        let info = client.info();
        Negotiated {
            version: info.version.map(|negotiated| match negotiated {
                ProtocolVersion::Tls13 => Version::Tls13,
                _ => Version::Tls12,
            }),
            cipher_suite: info.cipher_suite.map(|suite| suite.to_string()),
            group: info.named_group.map(|group| group.to_string()),
            resumed: info.resumed,
        }
    }

    fn client_presented<IO: Io>(server: &TlsStream<IO>) -> Option<bool> {
        Some(!server.info().peer_chain.is_empty())
    }

    fn split_client(stream: TlsStream<TcpStream>) -> (impl Reader, impl Writer) {
        stream.into_split()
    }

    fn split_server(stream: TlsStream<TcpStream>) -> (impl Reader, impl Writer) {
        stream.into_split()
    }

    fn record_cipher(settings: &Settings) -> Result<Box<dyn RecordCipher>, Refusal> {
        let key = vec![7; if settings.suite == Suite::Aes128Gcm { 16 } else { 32 }];
        let cipher = B::backend().record_cipher(suite(settings), RecordKey::new(&key));
        cipher.map_err(|error| Refusal(error.to_string()))
    }
}

fn identity(credentials: &Credentials) -> Identity {
    let certificate = CertificateDer::from(credentials.certificate.clone());
    Identity::from_der([certificate], credentials.key.clone()).expect("a good identity")
}

fn version(version: Version) -> ProtocolVersion {
    match version {
        Version::Tls12 => ProtocolVersion::Tls12,
        Version::Tls13 => ProtocolVersion::Tls13,
    }
}

fn group(group: Group) -> NamedGroup {
    match group {
        Group::X25519 => NamedGroup::X25519,
        Group::X25519MlKem768 => NamedGroup::X25519MLKEM768,
    }
}

fn suite(settings: &Settings) -> CipherSuite {
    use CipherSuite as Is;
    match (settings.version, settings.suite, settings.certificate) {
        (Version::Tls13, Suite::Aes128Gcm, _) => Is::TLS_AES_128_GCM_SHA256,
        (Version::Tls13, Suite::Aes256Gcm, _) => Is::TLS_AES_256_GCM_SHA384,
        (Version::Tls13, Suite::ChaCha20Poly1305, _) => Is::TLS_CHACHA20_POLY1305_SHA256,
        (Version::Tls12, Suite::Aes128Gcm, CertificateKind::Rsa2048) => {
            Is::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        }
        (Version::Tls12, Suite::Aes256Gcm, CertificateKind::Rsa2048) => {
            Is::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
        }
        (Version::Tls12, Suite::ChaCha20Poly1305, CertificateKind::Rsa2048) => {
            Is::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        }
        (Version::Tls12, Suite::Aes128Gcm, _) => Is::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        (Version::Tls12, Suite::Aes256Gcm, _) => Is::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        (Version::Tls12, Suite::ChaCha20Poly1305, _) => Is::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    }
}

impl<B> fmt::Debug for Polytls<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Polytls")
    }
}
