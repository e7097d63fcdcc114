//! What is OpenSSL's own in its handshake and record layer: what is negotiated, the edges of its read and write calls,
//! and faults on the wire. Everything that backends share is proved by `polytls-conformance`.

use std::{
    io,
    sync::{Arc, Mutex},
};

use polytls_api::{
    AlertDescription, ClientAuthentication, Error, ErrorKind, KeyLog, NamedGroup, Phase, ProtocolVersion,
    RecordSizing, SignatureScheme,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::support::{Scene, backend, connect, connected};

#[tokio::test]
async fn data_passes_both_ways_and_a_half_closed_connection_still_carries_it() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let (mut client, mut server) = connected(&scene.connector(|c| c), &scene.acceptor(|s| s)).await;
        assert_eq!(client.info().version, Some(version));
        assert_eq!(client.info().cipher_suite.unwrap().version(), Some(version));
        assert_eq!(client.info().cipher_suite, server.info().cipher_suite);
        assert!(client.info().named_group.is_some());
        assert_eq!(client.info().peer_chain, scene.identity.chain());
        assert!(client.info().timings.verification().is_some());
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
async fn small_slices_arrive_in_order() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    let (mut client, mut server) = connected(&scene.connector(|c| c), &scene.acceptor(|s| s)).await;
    let big = vec![7_u8; 40_000];
    let slices = [&b"a"[..], b"", b"bc", &big, b"d"];
    let mut parts = slices.map(io::IoSlice::new);
    let mut parts = &mut parts[..];
    while !parts.is_empty() {
        let count = client.write_vectored(parts).await.unwrap();
        assert!(count > 0);
        io::IoSlice::advance_slices(&mut parts, count);
    }
    client.shutdown().await.unwrap();
    let mut got = Vec::new();
    server.read_to_end(&mut got).await.unwrap();
    assert!(got == slices.concat());
}

#[tokio::test]
async fn schemes_are_those_accepted_from_the_peer_and_no_others() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        // Keys are for P-256. A side that accepts Ed25519 alone still signs with what it has.
        let (only, other) = (SignatureScheme::ECDSA_SECP256R1_SHA256, SignatureScheme::ED25519);
        let roots = scene.authority.roots();
        let asks = |schemes: Vec<SignatureScheme>| {
            scene.acceptor(|s| {
                s.client_authentication(ClientAuthentication::Required)
                    .client_roots(roots.clone())
                    .signature_schemes(schemes)
            })
        };
        let identity = scene.authority.issue(|_| {});
        let answers = |schemes: Vec<SignatureScheme>| {
            scene.connector(|c| c.identity(identity.clone()).signature_schemes(schemes))
        };
        connected(&answers(vec![only]), &asks(vec![only])).await;
        let (client, _) = connect(&answers(vec![other]), &asks(vec![only])).await;
        assert!(client.is_err(), "{version}");
        let (_, server) = connect(&answers(vec![only]), &asks(vec![other])).await;
        assert!(server.is_err(), "{version}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_ask_may_name_schemes() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    let acceptor = scene.acceptor(|s| s.signature_schemes([SignatureScheme::ED25519]));
    connected(&scene.connector(|c| c), &acceptor).await;
}

#[tokio::test]
async fn groups_and_protocols_are_those_chosen() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        for &group in &backend().capabilities().client.role.named_groups {
            if group == NamedGroup::X25519MLKEM768 && version == ProtocolVersion::Tls12 {
                continue;
            }
            // In TLS 1.2 a group in the list is also a curve that certificates may be for (RFC 8422 §5.1.1).
            let with_curve = [group, NamedGroup::SECP256R1];
            let connector = scene.connector(|c| c.named_groups(with_curve).alpn(["a", "b"]));
            let acceptor = scene.acceptor(|s| s.named_groups([group]).alpn(["b", "a"]));
            let (client, server) = connected(&connector, &acceptor).await;
            assert_eq!(client.info().named_group, Some(group));
            assert_eq!(server.info().named_group, Some(group));
            assert_eq!(client.info().alpn_str(), Some("b"));
        }
        let (client, _) = connected(&scene.connector(|c| c.alpn(["a"])), &scene.acceptor(|s| s)).await;
        assert_eq!(client.info().alpn, None);
        let connector = scene.connector(|c| c.alpn(["a"]));
        let (client, server) = connect(&connector, &scene.acceptor(|s| s.alpn(["b"]))).await;
        assert_eq!(server.unwrap_err().error().kind(), &ErrorKind::NoApplicationProtocol);
        let told = client.unwrap_err().into_error().alert_received();
        assert_eq!(told, Some(AlertDescription::NO_APPLICATION_PROTOCOL));
        let connector = scene.connector(|c| c.named_groups([NamedGroup::SECP384R1]));
        let acceptor = scene.acceptor(|s| s.named_groups([NamedGroup::SECP256R1]));
        let (client, server) = connect(&connector, &acceptor).await;
        assert_eq!(server.unwrap_err().error().kind(), &ErrorKind::PeerIncompatible);
        assert!(client.unwrap_err().error().alert_received().is_some());
    }
    let scene = Scene::new(ProtocolVersion::Tls13);
    let old = Scene { version: ProtocolVersion::Tls12, ..Scene::new(ProtocolVersion::Tls12) };
    let (client, server) = connect(&old.connector(|c| c), &scene.acceptor(|s| s)).await;
    assert_eq!(server.unwrap_err().error().kind(), &ErrorKind::PeerIncompatible);
    let told = client.unwrap_err().into_error().alert_received();
    assert_eq!(told, Some(AlertDescription::PROTOCOL_VERSION));
}

/// Label, client random, secret.
type Logged = (String, Vec<u8>, Vec<u8>);

#[derive(Debug, Default)]
struct Log(Mutex<Vec<Logged>>);

impl KeyLog for Log {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        self.0.lock().unwrap().push((label.into(), client_random.into(), secret.into()));
    }
}

#[tokio::test]
async fn both_sides_log_the_same_secrets() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let (near, far) = (Arc::new(Log::default()), Arc::new(Log::default()));
        let connector = scene.connector(|c| c.key_log(near.clone()));
        connected(&connector, &scene.acceptor(|s| s.key_log(far.clone()))).await;
        let (mut near, mut far) = (near.0.lock().unwrap(), far.0.lock().unwrap());
        near.sort();
        far.sort();
        near.dedup();
        far.dedup();
        assert_eq!(*near, *far);
        assert!(!near.is_empty() && near.iter().all(|(_, random, _)| random.len() == 32));
    }
}

#[tokio::test]
async fn a_cut_connection_is_no_clean_end() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let (mut client, mut server) = connected(&scene.connector(|c| c), &scene.acceptor(|s| s)).await;
        client.write_all(b"cut").await.unwrap();
        client.flush().await.unwrap();
        drop(client);
        let mut got = [0; 3];
        server.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"cut");
        for _ in 0..2 {
            let error = server.read_u8().await.unwrap_err();
            let error = Error::from_io(&error).unwrap();
            assert_eq!((error.kind(), error.phase()), (&ErrorKind::UnexpectedEof, Phase::Established));
        }
    }
}

#[tokio::test]
async fn a_changed_record_is_reported_after_what_came_before_it() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let (near, mid_near) = duplex(1 << 20);
        let (mid_far, far) = duplex(1 << 20);
        let (near_read, near_write) = tokio::io::split(mid_near);
        let (far_read, far_write) = tokio::io::split(mid_far);
        let backwards = tokio::spawn(async move {
            let (mut from, mut to) = (far_read, near_write);
            let _ = tokio::io::copy(&mut from, &mut to).await;
        });
        let forwards = tokio::spawn(async move {
            let (mut from, mut to) = (near_read, far_write);
            let mut bytes = vec![0; 1 << 16];
            while let Ok(count @ 1..) = from.read(&mut bytes).await {
                // The last byte of the two records together is in the tag of the second.
                if count > 2_000 && bytes[0] == 23 {
                    bytes[count - 1] ^= 1;
                }
                to.write_all(&bytes[..count]).await.unwrap();
            }
        });
        let connector = scene.connector(|client| client.record_sizing(RecordSizing::Full));
        let acceptor = scene.acceptor(|s| s);
        let name = "localhost".parse().unwrap();
        let (client, server) = tokio::join!(connector.connect(&name, near), acceptor.accept(far));
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        client.write_all(&[1; 16 * 1024 + 1_000]).await.unwrap();
        client.flush().await.unwrap();
        let mut got = vec![0; 16 * 1024];
        server.read_exact(&mut got).await.unwrap();
        for _ in 0..2 {
            let error = server.read_u8().await.unwrap_err();
            let error = Error::from_io(&error).unwrap();
            assert_eq!((error.kind(), error.phase()), (&ErrorKind::BadRecord, Phase::Established));
        }
        assert!(server.write_all(b"x").await.is_err());
        let error = client.read_u8().await.unwrap_err();
        let told = Error::from_io(&error).unwrap().alert_received();
        assert_eq!(told, Some(AlertDescription::BAD_RECORD_MAC));
        forwards.abort();
        backwards.abort();
    }
}

#[tokio::test]
async fn what_is_not_tls_is_said_to_be_that() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    for text in ["GET / HTTP/1.1\r\n\r\n", "SSH-2.0-OpenSSH_9.6\r\n"] {
        let (mut near, far) = duplex(1 << 16);
        near.write_all(text.as_bytes()).await.unwrap();
        let error = scene.acceptor(|s| s).accept(far).await.unwrap_err().into_error();
        assert_eq!(error.kind(), &ErrorKind::InvalidMessage, "{error:?}");
        let (mut near, far) = duplex(1 << 16);
        near.write_all(text.as_bytes()).await.unwrap();
        let name = "localhost".parse().unwrap();
        let error = scene.connector(|c| c).connect(&name, far).await.unwrap_err().into_error();
        assert_eq!(error.kind(), &ErrorKind::InvalidMessage, "{error:?}");
    }
}

#[tokio::test]
async fn the_clients_order_of_groups_decides() {
    let orders = [
        [NamedGroup::SECP384R1, NamedGroup::X25519, NamedGroup::SECP256R1],
        [NamedGroup::SECP256R1, NamedGroup::X25519, NamedGroup::SECP384R1],
    ];
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        for order in orders {
            let acceptor = scene.acceptor(|s| s.named_groups(orders[0]));
            let (client, _server) = connected(&scene.connector(|c| c.named_groups(order)), &acceptor).await;
            assert_eq!(client.info().named_group, Some(order[0]), "{version}");
        }
    }
}
