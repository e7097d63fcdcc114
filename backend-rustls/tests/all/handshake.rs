//! What is rustls's own in this backend: its keys under polytls's record layer, key updates, tickets.
//! Everything that backends share is proved by `polytls-conformance`.

use std::time::SystemTime;

use polytls_api::{
    Backend, CertificateError, ExpectedPeer, PresentedChain, ProtocolVersion, Roots, TlsAcceptor,
    TlsConnector, TrustPolicy,
};
use polytls_rustls::Rustls;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::scene::{self, connected};

fn endpoints(version: ProtocolVersion) -> (TlsConnector, TlsAcceptor) {
    scene::endpoints(
        |client| client.protocol_versions([version]),
        |server| server.protocol_versions([version]),
    )
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

#[tokio::test]
async fn no_record_that_is_sent_is_larger_than_the_limit() {
    for version in ProtocolVersion::ALL {
        let (connector, acceptor) = scene::endpoints(
            |client| client.protocol_versions([version]).max_record_plaintext(512),
            |server| server.max_record_plaintext(600),
        );
        let ((near, mut to_server), (mut to_client, far)) = (duplex(1 << 20), duplex(1 << 20));
        let name = "localhost".parse().unwrap();
        let wire = tokio::spawn(async move {
            let (mut up, mut down) = (Vec::new(), Vec::new());
            relay(&mut to_server, &mut to_client, &mut up, &mut down).await;
            (up, down)
        });
        let (client, server) = tokio::join!(connector.connect(&name, near), acceptor.accept(far));
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        let (sent, mut got) = (vec![7; 10_000], vec![0; 10_000]);
        client.write_all(&sent).await.unwrap();
        server.read_exact(&mut got).await.unwrap();
        server.write_all(&sent).await.unwrap();
        client.read_exact(&mut got).await.unwrap();
        drop((client, server));
        let (up, down) = wire.await.unwrap();
        for (bytes, most) in [(up, 512), (down, 600)] {
            let longest = longest_record(&bytes);
            // The longest are full: what is beyond is the type or the explicit nonce, and the tag.
            assert!((most + 17..=most + 24).contains(&longest), "{version}: {longest} for {most}");
        }
    }
}

/// Carries bytes both ways until both sides have gone, and keeps a copy.
async fn relay(client: &mut DuplexStream, server: &mut DuplexStream, up: &mut Vec<u8>, down: &mut Vec<u8>) {
    let (mut from_client, mut from_server) = ([0; 4096], [0; 4096]);
    loop {
        let (count, from, to, kept) = tokio::select! {
            count = client.read(&mut from_client) => (count.unwrap(), &from_client, &mut *server, &mut *up),
            count = server.read(&mut from_server) => (count.unwrap(), &from_server, &mut *client, &mut *down),
        };
        if count == 0 {
            return;
        }
        kept.extend_from_slice(&from[..count]);
        // The other may have gone already.
        let _ = to.write_all(&from[..count]).await;
    }
}

fn longest_record(mut bytes: &[u8]) -> usize {
    let mut longest = 0;
    while let Some((&[_, _, _, high, low], rest)) = bytes.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        longest = longest.max(length);
        bytes = rest.get(length..).unwrap_or_default();
    }
    longest
}

#[tokio::test]
async fn a_root_that_is_presented_as_a_servers_own_is_told_from_a_stranger() {
    let authority = || {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.self_signed(&key).unwrap().der().clone()
    };
    let (root, stranger) = (authority(), authority());
    let verifier = Rustls::new().verifier(&TrustPolicy::new(Roots::from_der([root.clone()]))).unwrap();
    let name = "localhost".parse().unwrap();
    for (certificate, expected) in
        [(root, CertificateError::CaUsedAsEndEntity), (stranger, CertificateError::SelfSigned)]
    {
        let chain = PresentedChain::new(&certificate, &[]);
        let verdict = verifier.verify(&chain, &ExpectedPeer::Server(&name), SystemTime::now()).await;
        assert_eq!(verdict.map(drop), Err(expected));
    }
}
