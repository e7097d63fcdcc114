//! Two endpoints over a stream in memory.

use std::sync::Arc;

use polytls_api::{
    Backend, CertificateDer, ClientConfig, ClientConfigBuilder, Error, Identity, Roots, ServerConfig,
    ServerConfigBuilder, TlsAcceptor, TlsConnector, TlsStream,
};
use polytls_rustls::Rustls;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

pub(crate) type Stream = TlsStream<DuplexStream>;

pub(crate) fn backend() -> Arc<dyn Backend> {
    Arc::new(Rustls::new())
}

/// A self-signed identity for `name`, and what trusts it.
pub(crate) fn identity_for(name: &str) -> (Identity, Roots) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let identity = Identity::from_der([certificate.clone()], made.signing_key.serialize_der()).unwrap();
    (identity, Roots::from_der([certificate]))
}

pub(crate) fn identity() -> (Identity, Roots) {
    identity_for("localhost")
}

/// A client and a server that trust each other's certificates, set up further by the two closures.
pub(crate) fn endpoints(
    client: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
    server: impl FnOnce(ServerConfigBuilder) -> ServerConfigBuilder,
) -> (TlsConnector, TlsAcceptor) {
    let (identity, roots) = identity();
    let client = client(ClientConfig::builder(backend()).roots(roots)).build().unwrap();
    let server = server(ServerConfig::builder(backend(), identity)).build().unwrap();
    (TlsConnector::new(&client).unwrap(), TlsAcceptor::new(&server).unwrap())
}

/// What both sides of one handshake end in.
pub(crate) async fn handshake(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
    name: &str,
) -> (Result<Stream, Error>, Result<Stream, Error>) {
    let (near, far) = duplex(1 << 20);
    let name = name.parse().unwrap();
    let (client, server) = tokio::join!(connector.connect(&name, near), acceptor.accept(far));
    (client.map_err(Error::from), server.map_err(Error::from))
}

pub(crate) async fn connected(connector: &TlsConnector, acceptor: &TlsAcceptor) -> (Stream, Stream) {
    let (client, server) = handshake(connector, acceptor, "localhost").await;
    (client.unwrap(), server.unwrap())
}

/// One byte from one to the other, with whatever came before it.
pub(crate) async fn exchange(from: &mut Stream, to: &mut Stream) {
    from.write_all(b"x").await.unwrap();
    assert_eq!(to.read_u8().await.unwrap(), b'x');
}
