//! OpenSSL's verification and its alerts, and verdicts of the application's that are held back.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use polytls_api::{
    AlertDescription, CertificateDer, CertificateError, CertificateRevocationListDer, CertificateVerifier,
    ClientAuthentication, ConfigError, ErrorKind, ExpectedPeer, Identity, PresentedChain, ProtocolVersion,
    Roots, ServerName, TrustPolicy, VerifiedChain, async_trait, danger_report_only,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::support::{Authority, Scene, backend, connect, connected, heard};

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
    // The extension of alternative names, whose value is no OCTET STRING: loaders do not look so far into it.
    let mut nonsense = made.cert.der().to_vec();
    let place = nonsense.windows(6).position(|window| window == [6, 3, 0x55, 0x1d, 0x11, 4]).unwrap();
    nonsense[place + 5] = 0x0c;
    let nonsense =
        Identity::from_der([CertificateDer::from(nonsense)], made.signing_key.serialize_der()).unwrap();
    let error = ask(&nonsense, server, now).await.unwrap_err();
    assert!(matches!(error, CertificateError::Malformed { .. }), "{error:?}");
    now = SystemTime::UNIX_EPOCH;
    let error = ask(&scene.identity, server, now).await.unwrap_err();
    assert!(matches!(error, CertificateError::NotYetValid { not_before: Some(_), .. }), "{error:?}");
}

#[tokio::test]
async fn purposes_of_old_browsers_are_no_servers() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    let verifier = backend().verifier(&TrustPolicy::new(scene.authority.roots())).unwrap();
    let name: ServerName = "localhost".parse().unwrap();
    // Netscape's and Microsoft's "server gated cryptography", which OpenSSL takes for serverAuth.
    for purpose in [vec![2, 16, 840, 1, 113_730, 4, 1], vec![1, 3, 6, 1, 4, 1, 311, 10, 3, 3]] {
        let identity = scene.authority.issue(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(purpose)];
        });
        let chain = PresentedChain::new(&identity.chain()[0], &[]);
        let verdict = verifier.verify(&chain, &ExpectedPeer::Server(&name), SystemTime::now()).await;
        assert_eq!(verdict.unwrap_err(), CertificateError::WrongUsage);
    }
}

#[tokio::test]
async fn a_policy_that_an_authority_requires_has_to_hold() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    let verifier = backend().verifier(&TrustPolicy::new(scene.authority.roots())).unwrap();
    let name: ServerName = "localhost".parse().unwrap();
    let extension = |arc, critical, value: &[u8]| {
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, arc], value.to_vec());
        extension.set_criticality(critical);
        extension
    };
    // certificatePolicies with the policy 2.5.1; policyConstraints with requireExplicitPolicy 0.
    let policies = extension(32, false, &[0x30, 6, 0x30, 4, 6, 2, 0x55, 1]);
    let required = extension(36, true, &[0x30, 3, 0x80, 1, 0]);
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name.push(rcgen::DnType::CommonName, "authority");
    params.custom_extensions = vec![policies.clone(), required];
    let key = KeyPair::generate().unwrap();
    let der = params.signed_by(&key, &scene.authority.0).unwrap().der().clone();
    let authority = Authority(Issuer::new(params, key), der);
    let ask = async |extensions| {
        let identity = authority.issue(|params| params.custom_extensions = extensions);
        let intermediates = [authority.1.clone()];
        let chain = PresentedChain::new(&identity.chain()[0], &intermediates);
        verifier.verify(&chain, &ExpectedPeer::Server(&name), SystemTime::now()).await.map(drop)
    };
    assert_eq!(ask(vec![policies]).await, Ok(()));
    let refused = ask(Vec::new()).await.unwrap_err();
    assert!(matches!(refused, CertificateError::PolicyViolated { .. }), "{refused:?}");
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
        assert!(client.info().timings.verification() >= Some(Duration::from_millis(1)));
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');

        let no = Slow::answering(Err(CertificateError::REVOKED));
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
            assert!(error.certificate_error().unwrap().same_fault(&CertificateError::REVOKED), "{error:?}");
            assert_eq!(error.backend(), Some("openssl"));
            // Not a byte of what OpenSSL wrote after the certificate has left, so the server still waits. In TLS 1.2 it is
            // told why: there are no keys yet.
            let told = (version == ProtocolVersion::Tls12).then_some(AlertDescription::CERTIFICATE_REVOKED);
            assert_eq!(error.alert_sent(), told);
            let heard = told.map_or(ErrorKind::UnexpectedEof, ErrorKind::AlertReceived);
            assert_eq!(server.unwrap_err().error().kind(), &heard);
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
        CertificateError::NameConstraintViolated { detail: detail() },
        CertificateError::UnsupportedAlgorithm { detail: detail() },
        CertificateError::REVOKED,
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
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let connector = scene.connector(|c| c.verifier(Arc::new(Panics)));
        let (client, server) = connect(&connector, &scene.acceptor(|s| s)).await;
        let error = client.unwrap_err().into_error();
        assert!(matches!(error.certificate_error(), Some(CertificateError::Other { .. })), "{error:?}");
        assert!(heard(server).await.alert_received().is_some());
    }
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
async fn what_a_verifier_refused_beneath_one_that_accepts_fails_nothing() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        // Of the same name: OpenSSL finds that no signature is good, and has errors in its queue.
        let other = TrustPolicy::new(Authority::new().roots());
        let verifier = || danger_report_only(backend().verifier(&other).unwrap());
        let acceptor = scene.acceptor(|s| {
            s.client_authentication(ClientAuthentication::Required).client_verifier(verifier())
        });
        let identity = scene.authority.issue(|_| {});
        let connector = scene.connector(|c| c.identity(identity).verifier(verifier()));
        // No flight comes in one read.
        let (near, far) = duplex(100);
        let name = "localhost".parse().unwrap();
        let (client, server) = tokio::join!(connector.connect(&name, near), acceptor.accept(far));
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        let sending = async {
            server.write_all(b"x").await.unwrap();
            server.flush().await.unwrap();
        };
        assert_eq!(tokio::join!(client.read_u8(), sending).0.unwrap(), b'x');
    }
}

const SERIAL: u64 = 77;

/// A list of what its issuer has revoked, in force between these years.
fn list(
    issuer: &Issuer<'_, KeyPair>,
    revoked: Option<u64>,
    (from, until): (i32, i32),
) -> CertificateRevocationListDer<'static> {
    let revoked_certs = revoked.map(|serial| RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: rcgen::date_time_ymd(2020, 1, 1),
        reason_code: None,
        invalidity_date: None,
    });
    let params = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(from, 1, 1),
        next_update: rcgen::date_time_ymd(until, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked_certs.into_iter().collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(issuer).unwrap().der().clone()
}

const IN_FORCE: (i32, i32) = (2020, 4000);

#[tokio::test]
async fn what_was_revoked_is_refused_in_the_handshake_on_both_sides() {
    for version in ProtocolVersion::ALL {
        let mut scene = Scene::new(version);
        let serial = |params: &mut CertificateParams| params.serial_number = Some(SerialNumber::from(SERIAL));
        scene.identity = scene.authority.issue(serial);
        let clean = [list(&scene.authority.0, None, IN_FORCE)];
        let revoked = [list(&scene.authority.0, Some(SERIAL), IN_FORCE)];
        let outdated = [list(&scene.authority.0, None, (2020, 2021))];
        let acceptor = scene.acceptor(|s| s);
        let (client, _server) = connected(&scene.connector(|c| c.crls(clean.clone())), &acceptor).await;
        let path = client.info().verified_chain.as_ref().unwrap().path();
        assert_eq!(path, [scene.identity.chain()[0].clone(), scene.authority.1.clone()]);

        let (client, server) = connect(&scene.connector(|c| c.crls(revoked.clone())), &acceptor).await;
        let error = client.unwrap_err().into_error();
        assert!(error.certificate_error().unwrap().same_fault(&CertificateError::REVOKED), "{error:?}");
        assert_eq!(error.alert_sent(), Some(AlertDescription::CERTIFICATE_REVOKED));
        assert_eq!(heard(server).await.alert_received(), Some(AlertDescription::CERTIFICATE_REVOKED));
        let (client, _server) = connect(&scene.connector(|c| c.crls(outdated)), &acceptor).await;
        let error = client.unwrap_err().into_error();
        let reason = error.certificate_error();
        assert!(matches!(reason, Some(CertificateError::RevocationUnknown { .. })), "{error:?}");

        let connector = scene.connector(|c| c.identity(scene.identity.clone()));
        for (crls, refused) in [(clean, false), (revoked, true)] {
            let acceptor = scene.acceptor(|s| {
                s.client_authentication(ClientAuthentication::Required)
                    .client_roots(scene.authority.roots())
                    .client_crls(crls)
            });
            let (_client, server) = connect(&connector, &acceptor).await;
            match server {
                Ok(server) => assert!(!refused && server.info().verified_chain.is_some()),
                Err(failed) => {
                    let error = failed.into_error();
                    assert!(
                        error.certificate_error().unwrap().same_fault(&CertificateError::REVOKED),
                        "{error:?}"
                    );
                    assert!(refused);
                }
            }
        }
    }
}

#[tokio::test]
async fn every_certificate_below_the_root_must_be_covered_and_the_root_need_not() {
    let root = Authority::new();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(rcgen::DnType::CommonName, "polytls test intermediate");
    params.serial_number = Some(SerialNumber::from(SERIAL));
    let key = KeyPair::generate().unwrap();
    let intermediate = params.signed_by(&key, &root.0).unwrap().der().clone();
    let middle = Issuer::new(params, key);
    let own = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let own = own.signed_by(&KeyPair::generate().unwrap(), &middle).unwrap().der().clone();

    let verdict = async |roots: &CertificateDer<'static>,
                         crls: Vec<CertificateRevocationListDer<'static>>| {
        let trust = TrustPolicy::new(Roots::from_der([roots.clone()])).with_crls(crls);
        let verifier = backend().verifier(&trust).unwrap();
        let chain = std::slice::from_ref(&intermediate);
        let name: ServerName = "localhost".parse().unwrap();
        let server = ExpectedPeer::Server(&name);
        verifier.verify(&PresentedChain::new(&own, chain), &server, SystemTime::now()).await.map(drop)
    };
    let of_root = |revoked| list(&root.0, revoked, IN_FORCE);
    let of_middle = |years| list(&middle, None, years);
    assert_eq!(verdict(&root.1, vec![of_root(None), of_middle(IN_FORCE)]).await, Ok(()));
    let revoked = verdict(&root.1, vec![of_root(Some(SERIAL)), of_middle(IN_FORCE)]).await.unwrap_err();
    assert!(revoked.same_fault(&CertificateError::REVOKED), "{revoked:?}");
    for crls in [
        vec![of_root(None)],
        vec![of_middle(IN_FORCE)],
        vec![of_root(None), of_middle((2020, 2021))],
        vec![of_root(None), of_middle((3000, 3001))],
        vec![list(&Authority::new().0, None, IN_FORCE)],
    ] {
        let reason = verdict(&root.1, crls).await.unwrap_err();
        assert!(matches!(reason, CertificateError::RevocationUnknown { .. }), "{reason:?}");
    }
    // A root that is no self-signed certificate is a root all the same, though its issuer has revoked it.
    assert_eq!(verdict(&intermediate, vec![of_middle(IN_FORCE)]).await, Ok(()));
    assert_eq!(verdict(&intermediate, vec![of_root(Some(SERIAL)), of_middle(IN_FORCE)]).await, Ok(()));
    assert_eq!(verdict(&own, vec![of_root(None)]).await, Ok(()));
    let nonsense = TrustPolicy::new(root.roots()).with_crls([vec![0x30, 0].into()]);
    let error = backend().verifier(&nonsense).unwrap_err();
    assert!(matches!(error, ConfigError::Certificates { .. }), "{error}");
}

#[tokio::test]
async fn with_no_roots_nobody_is_trusted() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    let connector = scene.connector(|c| c.roots(Roots::None));
    let (client, _server) = connect(&connector, &scene.acceptor(|s| s)).await;
    let error = client.unwrap_err().into_error();
    assert_eq!(error.certificate_error(), Some(&CertificateError::UnknownIssuer));
    let connector = scene.connector(|c| c.roots(Roots::None).verifier(Slow::answering(Ok(()))));
    connected(&connector, &scene.acceptor(|s| s)).await;
}
