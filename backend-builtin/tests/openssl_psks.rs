//! External PSKs with OpenSSL at the other end, in both roles (RFC 8446 §4.2.11).

use std::{pin::Pin, sync::Arc};

use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslVersion};
use polytls_api::{
    AlertDescription, CertificateDer, ClientConfig, Error, Identity, ProtocolVersion, Roots, ServerConfig,
    TlsAcceptor, TlsConnector, TlsStream,
};
use polytls_builtin::{Builtin, ExternalPsk};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio_openssl::SslStream;

const NAME: &str = "device-7";
const KEY: [u8; 32] = [7; 32];

type OurSide = Result<TlsStream<DuplexStream>, Error>;
type TheirSide = Result<SslStream<DuplexStream>, openssl::ssl::Error>;

/// This engine with [`KEY`] under this name.
fn builtin(name: &str) -> Arc<Builtin> {
    Arc::new(Builtin::builder().external_psk(ExternalPsk::new(name, KEY).unwrap()).build().unwrap())
}

/// OpenSSL in TLS 1.3, without certificates.
fn openssl() -> SslContextBuilder {
    let mut context = SslContext::builder(SslMethod::tls()).unwrap();
    context.set_min_proto_version(Some(SslVersion::TLS1_3)).unwrap();
    context
}

/// An OpenSSL client with this key connects to a server of ours that has [`KEY`] under this name.
async fn to_our_server(key: [u8; 32], name: &str) -> (TheirSide, OurSide) {
    let mut context = openssl();
    context.set_psk_client_callback(move |_, _, identity, psk| {
        identity[..NAME.len()].copy_from_slice(NAME.as_bytes());
        identity[NAME.len()] = 0;
        psk[..key.len()].copy_from_slice(&key);
        Ok(key.len())
    });
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let chain = [CertificateDer::from(made.cert.der().to_vec())];
    let identity = Identity::from_der(chain, made.signing_key.serialize_der()).unwrap();
    let acceptor =
        TlsAcceptor::new(&ServerConfig::builder(builtin(name), identity).build().unwrap()).unwrap();
    let (near, far) = duplex(1 << 16);
    let client = async {
        let mut stream = SslStream::new(Ssl::new(&context.build()).unwrap(), near).unwrap();
        Pin::new(&mut stream).connect().await.map(|()| stream)
    };
    let server = async { acceptor.accept(far).await.map_err(|error| error.into_error()) };
    tokio::join!(client, server)
}

/// A client of ours, which trusts no certificate, connects to an OpenSSL server that knows this key.
async fn to_their_server(key: [u8; 32]) -> (OurSide, TheirSide) {
    let mut context = openssl();
    context.set_psk_server_callback(move |_, identity, psk| {
        assert_eq!(identity, Some(NAME.as_bytes()));
        psk[..key.len()].copy_from_slice(&key);
        Ok(key.len())
    });
    let config = ClientConfig::builder(builtin(NAME)).roots(Roots::None).build().unwrap();
    let connector = TlsConnector::new(&config).unwrap();
    let (near, far) = duplex(1 << 16);
    let name = "localhost".parse().unwrap();
    let client = async { connector.connect(&name, near).await.map_err(|error| error.into_error()) };
    let server = async {
        let mut stream = SslStream::new(Ssl::new(&context.build()).unwrap(), far).unwrap();
        Pin::new(&mut stream).accept().await.map(|()| stream)
    };
    tokio::join!(client, server)
}

async fn pass(from: &mut (impl AsyncWrite + Unpin), to: &mut (impl AsyncRead + Unpin)) {
    from.write_all(b"bytes").await.unwrap();
    from.flush().await.unwrap();
    let mut read = [0; 5];
    to.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"bytes");
}

#[tokio::test]
async fn an_openssl_client_with_the_key_needs_no_certificate() {
    let (client, server) = to_our_server(KEY, NAME).await;
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    assert_eq!(server.info().version, Some(ProtocolVersion::Tls13));
    assert!(client.ssl().peer_certificate().is_none(), "the server presented a certificate");
    pass(&mut client, &mut server).await;
    pass(&mut server, &mut client).await;
}

#[tokio::test]
async fn an_openssl_server_with_the_key_needs_no_certificate() {
    let (client, server) = to_their_server(KEY).await;
    let (mut client, mut server) = (client.unwrap(), server.unwrap());
    assert_eq!(client.info().version, Some(ProtocolVersion::Tls13));
    assert!(client.info().peer_chain.is_empty() && client.info().named_group.is_some());
    pass(&mut client, &mut server).await;
    pass(&mut server, &mut client).await;
}

#[tokio::test]
async fn a_peer_with_another_key_is_not_connected_to() {
    let (client, server) = to_our_server([8; 32], NAME).await;
    assert!(client.is_err());
    assert_eq!(server.unwrap_err().alert_sent(), Some(AlertDescription::DECRYPT_ERROR));
    let (client, server) = to_their_server([8; 32]).await;
    assert!(server.is_err());
    assert!(client.unwrap_err().alert_received().is_some(), "the server says why");
}

#[tokio::test]
async fn a_server_that_knows_no_such_key_presents_its_certificate() {
    let (client, server) = to_our_server(KEY, "device-8").await;
    let (client, _server) = (client.unwrap(), server.unwrap());
    assert!(client.ssl().peer_certificate().is_some(), "the server presented no certificate");
}
