//! What is OpenSSL's own in this backend: its verification and alerts, verdicts that are held back, sessions,
//! and the edges of its read and write calls. Everything that backends share is proved by `polytls-conformance`.

use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use polytls_api::{
    AlertDescription, Backend, CertificateDer, CertificateError, CertificateVerifier, ClientAuthentication,
    ClientConfig, ClientConfigBuilder, Error, ErrorKind, ExpectedPeer, HandshakeError, Identity, KeyLog,
    NamedGroup, Phase, PresentedChain, ProtocolVersion, Roots, ServerConfig, ServerConfigBuilder, ServerName,
    SignatureScheme, TlsAcceptor, TlsConnector, TlsStream, TrustPolicy, VerifiedChain, async_trait,
};
use polytls_openssl::OpenSsl;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

type Ends = (
    Result<TlsStream<DuplexStream>, HandshakeError<DuplexStream>>,
    Result<TlsStream<DuplexStream>, HandshakeError<DuplexStream>>,
);

fn backend() -> Arc<dyn Backend> {
    Arc::new(OpenSsl::new())
}

struct Authority(Issuer<'static, KeyPair>, CertificateDer<'static>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "polytls test root");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self(Issuer::new(params, key), certificate)
    }

    fn roots(&self) -> Roots {
        Roots::from_der([self.1.clone()])
    }

    fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity::from_der([certificate.der().clone()], key.serialize_der()).unwrap()
    }
}

struct Scene {
    authority: Authority,
    identity: Identity,
    version: ProtocolVersion,
}

impl Scene {
    fn new(version: ProtocolVersion) -> Self {
        let authority = Authority::new();
        let identity = authority.issue(|_| {});
        Self { authority, identity, version }
    }

    fn connector(&self, change: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder) -> TlsConnector {
        let builder = ClientConfig::builder(backend()).roots(self.authority.roots());
        let config = change(builder.protocol_versions([self.version])).build().unwrap();
        TlsConnector::new(&config).unwrap()
    }

    fn acceptor(&self, change: impl FnOnce(ServerConfigBuilder) -> ServerConfigBuilder) -> TlsAcceptor {
        let builder = ServerConfig::builder(backend(), self.identity.clone());
        TlsAcceptor::new(&change(builder.protocol_versions([self.version])).build().unwrap()).unwrap()
    }
}

async fn connect(connector: &TlsConnector, acceptor: &TlsAcceptor) -> Ends {
    let (near, far) = duplex(1 << 20);
    let name = "localhost".parse().unwrap();
    tokio::join!(connector.connect(&name, near), acceptor.accept(far))
}

async fn connected(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
) -> (TlsStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (client, server) = connect(connector, acceptor).await;
    (client.unwrap(), server.unwrap())
}

/// What the server hears of a client that has given up.
async fn heard(server: Result<TlsStream<DuplexStream>, HandshakeError<DuplexStream>>) -> Error {
    match server {
        Err(failed) => failed.into_error(),
        Ok(mut stream) => {
            let error = stream.read_u8().await.unwrap_err();
            Error::from_io(&error).unwrap_or_else(|| panic!("{error:?}")).clone()
        }
    }
}

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
        assert!(client.info().timings.verification.is_some());
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
async fn a_second_connection_resumes_the_first() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let (connector, acceptor) = (scene.connector(|c| c), scene.acceptor(|s| s));
        for resumed in [false, true, true, true] {
            let (mut client, mut server) = connected(&connector, &acceptor).await;
            assert_eq!(client.info().resumed, Some(resumed), "{version}");
            assert_eq!(server.info().resumed, Some(resumed), "{version}");
            assert_eq!(server.info().server_name.as_deref(), Some("localhost"));
            server.write_all(b"x").await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), b'x');
        }
        let other: ServerName = "127.0.0.1".parse().unwrap();
        let (near, far) = duplex(1 << 20);
        let (client, server) = tokio::join!(connector.connect(&other, near), acceptor.accept(far));
        assert_eq!(client.unwrap().info().resumed, Some(false), "a session of another name");
        assert_eq!(server.unwrap().info().server_name, None);
    }
}

#[tokio::test]
async fn resumption_can_be_forbidden_on_either_side() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        for (connector, acceptor) in [
            (scene.connector(|c| c.resumption(false)), scene.acceptor(|s| s)),
            (scene.connector(|c| c), scene.acceptor(|s| s.resumption(false))),
        ] {
            for _ in 0..2 {
                let (mut client, mut server) = connected(&connector, &acceptor).await;
                assert_eq!(client.info().resumed, Some(false), "{version}");
                server.write_all(b"x").await.unwrap();
                assert_eq!(client.read_u8().await.unwrap(), b'x');
            }
        }
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_with_its_date() {
    for version in ProtocolVersion::ALL {
        let mut scene = Scene::new(version);
        scene.identity = scene.authority.issue(|params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        });
        let (client, server) = connect(&scene.connector(|c| c), &scene.acceptor(|s| s)).await;
        let error = client.unwrap_err().into_error();
        let Some(CertificateError::Expired { not_after: Some(date), .. }) = error.certificate_error() else {
            panic!("{error:?}");
        };
        assert_eq!(*date, SystemTime::UNIX_EPOCH + Duration::from_secs(1_609_459_200));
        assert_eq!(error.alert_sent(), Some(AlertDescription::CERTIFICATE_EXPIRED));
        assert_eq!(heard(server).await.alert_received(), Some(AlertDescription::CERTIFICATE_EXPIRED));
    }
}

#[tokio::test]
async fn each_fault_has_its_own_reason() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    let verifier = backend().verifier(&TrustPolicy::new(scene.authority.roots())).unwrap();
    let name: ServerName = "localhost".parse().unwrap();
    let mut now = SystemTime::now();
    let ask = async |identity: &Identity, peer: ExpectedPeer<'_>, now: SystemTime| {
        let chain = PresentedChain::new(&identity.chain()[0], &identity.chain()[1..]);
        verifier.verify(&chain, &peer, now).await
    };
    let server = ExpectedPeer::Server(&name);
    let path = ask(&scene.identity, server, now).await.unwrap();
    assert_eq!(path.path(), [scene.identity.chain()[0].clone(), scene.authority.1.clone()]);
    assert!(ask(&scene.identity, ExpectedPeer::Client, now).await.is_ok());
    let ip: ServerName = "127.0.0.1".parse().unwrap();
    assert!(ask(&scene.identity, ExpectedPeer::Server(&ip), now).await.is_ok());

    for other in ["other.example", "127.0.0.2"] {
        let other: ServerName = other.parse().unwrap();
        let error = ask(&scene.identity, ExpectedPeer::Server(&other), now).await.unwrap_err();
        let presented = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        assert_eq!(error, CertificateError::NameMismatch { expected: other.to_string(), presented });
    }
    let by_common_name = scene.authority.issue(|params| {
        params.subject_alt_names.clear();
        params.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
    });
    let error = ask(&by_common_name, server, now).await.unwrap_err();
    assert!(matches!(error, CertificateError::NameMismatch { .. }), "{error:?}");
    let for_clients = scene.authority.issue(|params| {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
    });
    assert_eq!(ask(&for_clients, server, now).await.unwrap_err(), CertificateError::WrongUsage);
    let stranger = Authority::new().issue(|_| {});
    assert_eq!(ask(&stranger, server, now).await.unwrap_err(), CertificateError::BadSignature);
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let self_signed =
        Identity::from_der([made.cert.der().clone()], made.signing_key.serialize_der()).unwrap();
    assert_eq!(ask(&self_signed, server, now).await.unwrap_err(), CertificateError::SelfSigned);
    let nonsense = Identity::from_der(
        [CertificateDer::from(vec![0x30, 0])],
        KeyPair::generate().unwrap().serialize_der(),
    );
    let error = ask(&nonsense.unwrap(), server, now).await.unwrap_err();
    assert!(matches!(error, CertificateError::Malformed { .. }), "{error:?}");
    now = SystemTime::UNIX_EPOCH;
    let error = ask(&scene.identity, server, now).await.unwrap_err();
    assert!(matches!(error, CertificateError::NotYetValid { not_before: Some(_), .. }), "{error:?}");
}

/// Answers after a while, and notes what it was asked.
#[derive(Debug)]
struct Slow {
    answer: Result<(), CertificateError>,
    asked: Mutex<Vec<(usize, Option<ServerName>)>>,
}

impl Slow {
    fn answering(answer: Result<(), CertificateError>) -> Arc<Self> {
        Arc::new(Self { answer, asked: Mutex::default() })
    }
}

#[async_trait]
impl CertificateVerifier for Slow {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        _now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let name = match peer {
            ExpectedPeer::Server(name) => Some((*name).clone()),
            ExpectedPeer::Client => None,
        };
        self.asked.lock().unwrap().push((1 + chain.intermediates.len(), name));
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.answer.clone().map(|()| VerifiedChain::new(vec![chain.end_entity.clone().into_owned()]))
    }
}

#[tokio::test]
async fn a_verdict_that_comes_late_decides() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let acceptor = scene.acceptor(|s| s);
        let yes = Slow::answering(Ok(()));
        let (mut client, mut server) =
            connected(&scene.connector(|c| c.verifier(yes.clone())), &acceptor).await;
        assert_eq!(*yes.asked.lock().unwrap(), [(1, Some("localhost".parse().unwrap()))]);
        assert!(client.info().timings.verification >= Some(Duration::from_millis(1)));
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');

        let no = Slow::answering(Err(CertificateError::Revoked));
        let connector = scene.connector(|c| c.verifier(no));
        for _ in 0..2 {
            // Were the refused connection's session kept, the second one would resume it.
            let (near, far) = duplex(1 << 20);
            let name = "localhost".parse().unwrap();
            let connecting = async {
                let failed = connector.connect(&name, near).await.unwrap_err();
                let (error, mut io) = failed.into_parts();
                io.shutdown().await.unwrap();
                error
            };
            let (error, server) = tokio::join!(connecting, acceptor.accept(far));
            assert_eq!(error.certificate_error(), Some(&CertificateError::Revoked));
            assert_eq!(error.backend(), Some("openssl"));
            // Not a byte of what OpenSSL wrote after the certificate has left, so the server still waits.
            assert_eq!(server.unwrap_err().error().kind(), &ErrorKind::UnexpectedEof);
        }
    }
}

#[tokio::test]
async fn a_late_refusal_of_a_client_reaches_it_before_any_data() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let no = Slow::answering(Err(CertificateError::UnknownIssuer));
        let acceptor = scene.acceptor(|s| {
            s.client_authentication(ClientAuthentication::Required).client_verifier(no.clone())
        });
        let identity = scene.authority.issue(|_| {});
        let connector = scene.connector(|c| c.identity(identity));
        for attempt in 1..=2 {
            let (near, far) = duplex(1 << 20);
            let name = "localhost".parse().unwrap();
            let accepting = async { acceptor.accept(far).await.unwrap_err().into_error() };
            let (client, error) = tokio::join!(connector.connect(&name, near), accepting);
            assert_eq!(error.certificate_error(), Some(&CertificateError::UnknownIssuer));
            match client {
                Ok(mut client) => assert!(client.read_u8().await.is_err()),
                Err(failed) => assert_eq!(failed.error().kind(), &ErrorKind::UnexpectedEof),
            }
            assert_eq!(no.asked.lock().unwrap().len(), attempt, "it was asked anew");
        }
    }
}

#[tokio::test]
async fn refusals_at_once_have_the_alert_of_their_reason() {
    #[derive(Debug)]
    struct No(CertificateError);
    #[async_trait]
    impl CertificateVerifier for No {
        async fn verify(
            &self,
            _chain: &PresentedChain<'_>,
            _peer: &ExpectedPeer<'_>,
            _now: SystemTime,
        ) -> Result<VerifiedChain, CertificateError> {
            Err(self.0.clone())
        }
    }
    let detail = String::new;
    let now = SystemTime::now();
    let reasons = [
        CertificateError::Expired { now, not_after: None },
        CertificateError::NotYetValid { now, not_before: None },
        CertificateError::UnknownIssuer,
        CertificateError::SelfSigned,
        CertificateError::NameMismatch { expected: detail(), presented: vec![] },
        CertificateError::WrongUsage,
        CertificateError::BadSignature,
        CertificateError::CaUsedAsEndEntity,
        CertificateError::ConstraintViolated { detail: detail() },
        CertificateError::UnsupportedAlgorithm { detail: detail() },
        CertificateError::Revoked,
        CertificateError::Malformed { detail: detail() },
        CertificateError::Other { detail: detail() },
    ];
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let acceptor = scene.acceptor(|s| s);
        for reason in &reasons {
            let connector = scene.connector(|c| c.verifier(Arc::new(No(reason.clone()))));
            let (client, server) = connect(&connector, &acceptor).await;
            let error = client.unwrap_err().into_error();
            assert_eq!(error.certificate_error(), Some(reason));
            assert_eq!(error.alert_sent(), Some(reason.alert()));
            assert_eq!(heard(server).await.alert_received(), Some(reason.alert()), "{reason:?}");
        }
    }
}

#[tokio::test]
async fn a_verifier_that_panics_has_not_accepted() {
    #[derive(Debug)]
    struct Panics;
    #[async_trait]
    impl CertificateVerifier for Panics {
        async fn verify(
            &self,
            _chain: &PresentedChain<'_>,
            _peer: &ExpectedPeer<'_>,
            _now: SystemTime,
        ) -> Result<VerifiedChain, CertificateError> {
            panic!("as a test")
        }
    }
    let scene = Scene::new(ProtocolVersion::Tls13);
    let connector = scene.connector(|c| c.verifier(Arc::new(Panics)));
    let (client, server) = connect(&connector, &scene.acceptor(|s| s)).await;
    let error = client.unwrap_err().into_error();
    assert!(matches!(error.certificate_error(), Some(CertificateError::Other { .. })), "{error:?}");
    assert!(heard(server).await.alert_received().is_some());
}

#[tokio::test]
async fn clients_authenticate() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let roots = scene.authority.roots();
        let acceptor =
            scene.acceptor(|s| s.client_authentication(ClientAuthentication::Required).client_roots(roots));
        let identity = scene.authority.issue(|_| {});
        let chain = identity.chain().to_vec();
        let connector = scene.connector(|c| c.identity(identity));
        for resumed in [false, true] {
            let (mut client, mut server) = connected(&connector, &acceptor).await;
            assert_eq!(server.info().resumed, Some(resumed));
            assert_eq!(server.info().peer_chain, chain);
            server.write_all(b"x").await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), b'x');
        }
        let (client, server) = connect(&scene.connector(|c| c), &acceptor).await;
        let error = server.unwrap_err().into_error();
        assert_eq!(error.certificate_error(), Some(&CertificateError::Missing), "{error:?}");
        let told = heard(client).await.alert_received();
        // TLS 1.2 has no alert of its own for it.
        let expected = match version {
            ProtocolVersion::Tls12 => AlertDescription::HANDSHAKE_FAILURE,
            _ => AlertDescription::CERTIFICATE_REQUIRED,
        };
        assert_eq!(told, Some(expected));
    }
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
        let (connector, acceptor) = (scene.connector(|c| c), scene.acceptor(|s| s));
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
