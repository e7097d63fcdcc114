//! tokio-rustls over rustls with aws-lc-rs.

use std::{fmt, sync::Arc};

use ::tokio_rustls::{TlsAcceptor, TlsConnector, client, server};
use rustls::{
    ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore, ServerConfig, SupportedCipherSuite,
    SupportedProtocolVersion,
    client::Resumption,
    crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version::{TLS12, TLS13},
};

use super::{Io, Negotiated, Refusal, Stack};
use crate::{
    CertificateKind, Certificates, Credentials, Group, NAME, Settings, Suite, Version, versions::locked,
};

/// tokio-rustls.
pub struct TokioRustls {
    connector: TlsConnector,
    acceptor: TlsAcceptor,
}

impl Stack for TokioRustls {
    const NAME: &'static str = "tokio-rustls";
    type Client<IO: Io> = client::TlsStream<IO>;
    type Server<IO: Io> = server::TlsStream<IO>;

    fn new(settings: &Settings, certificates: &Certificates) -> Result<Self, Refusal> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: vec![suite(settings)],
            kx_groups: vec![group(settings.group)],
            ..aws_lc_rs::default_provider()
        });
        let refuse = |error: rustls::Error| Refusal(error.to_string());
        let client = client(&provider, settings, certificates).map_err(refuse)?;
        let server = server(&provider, settings, certificates).map_err(refuse)?;
        Ok(Self { connector: Arc::new(client).into(), acceptor: Arc::new(server).into() })
    }

    fn version() -> String {
        format!(
            "tokio-rustls {}, rustls {}, aws-lc-rs {}",
            locked("tokio-rustls"),
            locked("rustls"),
            locked("aws-lc-rs")
        )
    }

    async fn connect<IO: Io>(&self, io: IO) -> Self::Client<IO> {
        let name = ServerName::try_from(NAME).expect("a DNS name");
        self.connector.connect(name, io).await.expect("the handshake succeeds")
    }

    async fn accept<IO: Io>(&self, io: IO) -> Self::Server<IO> {
        self.acceptor.accept(io).await.expect("the handshake succeeds")
    }

    fn negotiated<IO: Io>(client: &Self::Client<IO>) -> Negotiated {
        let connection = client.get_ref().1;
        Negotiated {
            version: connection.protocol_version().map(|version| match version {
                ProtocolVersion::TLSv1_3 => Version::Tls13,
                _ => Version::Tls12,
            }),
            cipher_suite: connection
                .negotiated_cipher_suite()
                .and_then(|suite| suite.suite().as_str())
                .map(|name| name.replace("TLS13_", "TLS_")),
            group: connection.negotiated_key_exchange_group().map(|group| format!("{:?}", group.name())),
            resumed: connection.handshake_kind().map(|kind| kind == HandshakeKind::Resumed),
        }
    }

    fn client_presented<IO: Io>(server: &Self::Server<IO>) -> Option<bool> {
        Some(server.get_ref().1.peer_certificates().is_some())
    }
}

fn client(
    provider: &Arc<CryptoProvider>,
    settings: &Settings,
    certificates: &Certificates,
) -> Result<ClientConfig, rustls::Error> {
    let client = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version(settings.version)])?
        .with_root_certificates(roots(certificates)?);
    let mut client = if settings.mutual {
        let (chain, key) = identity(&certificates.client);
        client.with_client_auth_cert(chain, key)?
    } else {
        client.with_no_client_auth()
    };
    if !settings.resumption {
        client.resumption = Resumption::disabled();
    }
    Ok(client)
}

fn server(
    provider: &Arc<CryptoProvider>,
    settings: &Settings,
    certificates: &Certificates,
) -> Result<ServerConfig, rustls::Error> {
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[version(settings.version)])?;
    let server = if settings.mutual {
        let roots = Arc::new(roots(certificates)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build();
        server.with_client_cert_verifier(verifier.expect("a root is there"))
    } else {
        server.with_no_client_auth()
    };
    let (chain, key) = identity(&certificates.server);
    let mut server = server.with_single_cert(chain, key)?;
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = settings.resumption.into();
    if settings.resumption {
        server.ticketer = aws_lc_rs::Ticketer::new()?;
    }
    Ok(server)
}

fn roots(certificates: &Certificates) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificates.root.clone()))?;
    Ok(roots)
}

fn identity(credentials: &Credentials) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let key = PrivateKeyDer::try_from(credentials.key.clone()).expect("a good key");
    (vec![CertificateDer::from(credentials.certificate.clone())], key)
}

fn version(version: Version) -> &'static SupportedProtocolVersion {
    match version {
        Version::Tls12 => &TLS12,
        Version::Tls13 => &TLS13,
    }
}

fn group(group: Group) -> &'static dyn SupportedKxGroup {
    match group {
        Group::X25519 => aws_lc_rs::kx_group::X25519,
        Group::X25519MlKem768 => aws_lc_rs::kx_group::X25519MLKEM768,
    }
}

fn suite(settings: &Settings) -> SupportedCipherSuite {
    use aws_lc_rs::cipher_suite as is;
    match (settings.version, settings.suite, settings.certificate) {
        (Version::Tls13, Suite::Aes128Gcm, _) => is::TLS13_AES_128_GCM_SHA256,
        (Version::Tls13, Suite::Aes256Gcm, _) => is::TLS13_AES_256_GCM_SHA384,
        (Version::Tls13, Suite::ChaCha20Poly1305, _) => is::TLS13_CHACHA20_POLY1305_SHA256,
        (Version::Tls12, Suite::Aes128Gcm, CertificateKind::Rsa2048) => {
            is::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        }
        (Version::Tls12, Suite::Aes256Gcm, CertificateKind::Rsa2048) => {
            is::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
        }
        (Version::Tls12, Suite::ChaCha20Poly1305, CertificateKind::Rsa2048) => {
            is::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        }
        (Version::Tls12, Suite::Aes128Gcm, _) => is::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        (Version::Tls12, Suite::Aes256Gcm, _) => is::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        (Version::Tls12, Suite::ChaCha20Poly1305, _) => is::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    }
}

impl fmt::Debug for TokioRustls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokioRustls")
    }
}
