//! Exported key material, held against rustls's own exporter at the other end.

use std::sync::Arc;

use polytls_api::{
    CipherSuite, ClientConfig, Error, ErrorKind, Identity, ProtocolVersion, Roots, ServerConfig, TlsAcceptor,
    TlsConnector,
};
use rustls::{
    client::Resumption,
    pki_types::{PrivateKeyDer, ServerName},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::scene::{self, Stream};

const SUITES: [CipherSuite; 4] = [
    CipherSuite::TLS_AES_128_GCM_SHA256,
    CipherSuite::TLS_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// The same from both, whatever the length.
fn assert_same<Data>(ours: &Stream, theirs: &rustls::ConnectionCommon<Data>) {
    for context in [None, Some(b"".as_slice()), Some(b"of this connection")] {
        for length in [1, 32, 48, 100, 500] {
            let (mut here, mut there) = (vec![0; length], vec![0; length]);
            ours.export_keying_material(&mut here, b"EXPORTER-test", context).unwrap();
            theirs.export_keying_material(&mut there, b"EXPORTER-test", context).unwrap();
            assert_eq!(here, there, "{:?} {context:?} {length}", ours.info().cipher_suite);
        }
    }
}

#[tokio::test]
async fn a_client_exports_what_rustls_exports_as_a_server_also_when_resumed() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut server = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    server.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    for suite in SUITES {
        let client = ClientConfig::builder(scene::backend())
            .roots(Roots::from_der([made.cert.der().clone()]))
            .protocol_versions(suite.version())
            .cipher_suites([suite])
            .build()
            .unwrap();
        let connector = TlsConnector::new(&client).unwrap();
        for resumed in [false, true] {
            let (near, far) = duplex(1 << 16);
            let name = "localhost".parse().unwrap();
            let (ours, theirs) = tokio::join!(connector.connect(&name, near), acceptor.accept(far));
            let (mut ours, mut theirs) = (ours.unwrap(), theirs.unwrap());
            assert_eq!(ours.info().resumed, Some(resumed), "{suite}");
            assert_same(&ours, theirs.get_ref().1);
            theirs.write_all(b"x").await.unwrap();
            assert_eq!(ours.read_u8().await.unwrap(), b'x');
        }
    }
}

#[tokio::test]
async fn a_server_exports_what_rustls_exports_as_a_client_also_when_resumed() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let identity = Identity::from_der([certificate.clone()], made.signing_key.serialize_der()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    for suite in SUITES {
        let server = ServerConfig::builder(scene::backend(), identity.clone())
            .protocol_versions(suite.version())
            .cipher_suites([suite])
            .build()
            .unwrap();
        let acceptor = TlsAcceptor::new(&server).unwrap();
        let mut client = client.clone();
        client.resumption = Resumption::default();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
        for resumed in [false, true] {
            let (near, far) = duplex(1 << 16);
            let name = ServerName::try_from("localhost").unwrap();
            let (theirs, ours) = tokio::join!(connector.connect(name, near), acceptor.accept(far));
            let (mut theirs, mut ours) = (theirs.unwrap(), ours.unwrap());
            assert_eq!(ours.info().resumed, Some(resumed), "{suite}");
            assert_same(&ours, theirs.get_ref().1);
            ours.write_all(b"x").await.unwrap();
            assert_eq!(theirs.read_u8().await.unwrap(), b'x');
        }
    }
}

#[tokio::test]
async fn what_cannot_be_exported_is_said_and_the_connection_goes_on() {
    for version in ProtocolVersion::ALL {
        let (connector, acceptor) = scene::endpoints(
            |client| client.protocol_versions([version]),
            |server| server.protocol_versions([version]),
        );
        let (mut client, mut server) = scene::connected(&connector, &acceptor).await;
        let refused = |result: Result<(), Error>| {
            let error = result.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Config(_)), "{error}");
        };
        refused(client.export_keying_material(&mut [], b"EXPORTER-test", None));
        if version == ProtocolVersion::Tls12 {
            // RFC 5705 §4: exported, it would be one of the secrets that TLS itself uses.
            refused(client.export_keying_material(&mut [0; 12], b"client finished", None));
            let context = vec![0; 1 << 16];
            refused(client.export_keying_material(&mut [0; 32], b"EXPORTER-test", Some(&context)));
        } else {
            refused(client.export_keying_material(&mut [0; 255 * 48 + 1], b"EXPORTER-test", None));
            refused(client.export_keying_material(&mut [0; 32], &[b'x'; 250], None));
        }
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');
    }
}
