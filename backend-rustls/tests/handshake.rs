//! What is rustls's own in this backend: its keys under polytls's record layer, key updates, tickets.
//! Everything that backends share is proved by `polytls-conformance`.

use std::sync::Arc;

use polytls_api::{
    Backend, CertificateDer, ClientConfig, Identity, ProtocolVersion, Roots, ServerConfig, TlsAcceptor,
    TlsConnector, TlsStream,
};
use polytls_rustls::Rustls;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

fn identity() -> (Identity, Roots) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let identity = Identity::from_der([certificate.clone()], made.signing_key.serialize_der()).unwrap();
    (identity, Roots::from_der([certificate]))
}

fn endpoints(version: ProtocolVersion) -> (TlsConnector, TlsAcceptor) {
    let backend: Arc<dyn Backend> = Arc::new(Rustls::new());
    let (identity, roots) = identity();
    let client =
        ClientConfig::builder(backend.clone()).roots(roots).protocol_versions([version]).build().unwrap();
    let server = ServerConfig::builder(backend, identity).protocol_versions([version]).build().unwrap();
    (TlsConnector::new(&client).unwrap(), TlsAcceptor::new(&server).unwrap())
}

async fn connected(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
) -> (TlsStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (near, far) = duplex(1 << 20);
    let name = "localhost".parse().unwrap();
    let (client, server) = tokio::join!(connector.connect(&name, near), acceptor.accept(far));
    (client.unwrap(), server.unwrap())
}

#[tokio::test]
async fn data_passes_both_ways_and_close_notify_ends_it() {
    for version in ProtocolVersion::ALL {
        let (connector, acceptor) = endpoints(version);
        let (mut client, mut server) = connected(&connector, &acceptor).await;
        assert_eq!(client.info().version, Some(version));
        assert_eq!(client.info().cipher_suite, server.info().cipher_suite);
        assert_eq!(server.info().server_name.as_deref(), Some("localhost"));
        let sent: Vec<u8> = (0..300_000_u32).map(|i| (i % 251) as u8).collect();
        let mut got = vec![0; sent.len()];
        client.write_all(&sent).await.unwrap();
        client.shutdown().await.unwrap();
        server.read_exact(&mut got).await.unwrap();
        assert_eq!(got, sent);
        assert_eq!(server.read(&mut got).await.unwrap(), 0);
        server.write_all(b"half-closed is not closed").await.unwrap();
        server.shutdown().await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "half-closed is not closed");
    }
}

#[tokio::test]
async fn a_second_connection_resumes_the_first() {
    for version in ProtocolVersion::ALL {
        let (connector, acceptor) = endpoints(version);
        for resumed in [false, true] {
            let (mut client, mut server) = connected(&connector, &acceptor).await;
            assert_eq!(client.info().resumed, Some(resumed), "{version}");
            server.write_all(b"x").await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), b'x');
        }
    }
}
