//! What the tests of this backend share: an authority, a scene with a client and a server, and a pair of pipes.

use std::sync::Arc;

use polytls_api::{
    Backend, CertificateDer, ClientConfig, ClientConfigBuilder, Error, HandshakeError, Identity,
    ProtocolVersion, Roots, ServerConfig, ServerConfigBuilder, TlsAcceptor, TlsConnector, TlsStream,
};
use polytls_openssl::OpenSsl;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

pub(crate) type Ends = (
    Result<TlsStream<DuplexStream>, HandshakeError<DuplexStream>>,
    Result<TlsStream<DuplexStream>, HandshakeError<DuplexStream>>,
);

pub(crate) fn backend() -> Arc<dyn Backend> {
    Arc::new(OpenSsl::new())
}

pub(crate) struct Authority(pub(crate) Issuer<'static, KeyPair>, pub(crate) CertificateDer<'static>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(rcgen::DnType::CommonName, "polytls test root");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self(Issuer::new(params, key), certificate)
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::from_der([self.1.clone()])
    }

    pub(crate) fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity::from_der([certificate.der().clone()], key.serialize_der()).unwrap()
    }
}

pub(crate) struct Scene {
    pub(crate) authority: Authority,
    pub(crate) identity: Identity,
    pub(crate) version: ProtocolVersion,
}

impl Scene {
    pub(crate) fn new(version: ProtocolVersion) -> Self {
        let authority = Authority::new();
        let identity = authority.issue(|_| {});
        Self { authority, identity, version }
    }

    pub(crate) fn connector(
        &self,
        change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
    ) -> TlsConnector {
        let builder = ClientConfig::builder(backend()).roots(self.authority.roots());
        let config = change(builder.protocol_versions([self.version])).build().unwrap();
        TlsConnector::new(&config).unwrap()
    }

    pub(crate) fn acceptor(
        &self,
        change: impl FnOnce(ServerConfigBuilder) -> ServerConfigBuilder,
    ) -> TlsAcceptor {
        let builder = ServerConfig::builder(backend(), self.identity.clone());
        TlsAcceptor::new(&change(builder.protocol_versions([self.version])).build().unwrap()).unwrap()
    }
}

pub(crate) async fn connect(connector: &TlsConnector, acceptor: &TlsAcceptor) -> Ends {
    let (near, far) = duplex(1 << 20);
    let name = "localhost".parse().unwrap();
    tokio::join!(connector.connect(&name, near), acceptor.accept(far))
}

pub(crate) async fn connected(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
) -> (TlsStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (client, server) = connect(connector, acceptor).await;
    (client.unwrap(), server.unwrap())
}

/// What the server hears of a client that has given up.
pub(crate) async fn heard(server: Result<TlsStream<DuplexStream>, HandshakeError<DuplexStream>>) -> Error {
    match server {
        Err(failed) => failed.into_error(),
        Ok(mut stream) => {
            let error = stream.read_u8().await.unwrap_err();
            Error::from_io(&error).unwrap_or_else(|| panic!("{error:?}")).clone()
        }
    }
}

/// Sends a byte from the server to the client, which reads its tickets on the way.
pub(crate) async fn pass_a_byte(client: &mut TlsStream<DuplexStream>, server: &mut TlsStream<DuplexStream>) {
    server.write_all(b"x").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'x');
}
