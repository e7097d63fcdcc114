//! What a server presents, what a client reports of it, and whom it believes revoked.

use std::{sync::Arc, time::SystemTime};

use polytls_api::{
    AlertDescription, CertificateError, CertificateResolver, CertificateRevocationListDer,
    CertificateVerifier, ClientAuthentication, ClientConfig, ClientHello, ConfigError, ErrorKind,
    ExpectedPeer, HookError, Identity, PresentedChain, ProtocolVersion, Roots, ServerConfig, SignatureScheme,
    Signer, TlsAcceptor, TlsConnector, VerifiedChain, async_trait,
};

use crate::scene;

/// Answers after a while: a new identity each time, nothing, or a failure.
#[derive(Debug)]
struct Slow {
    identity: Option<Identity>,
    fails: bool,
}

#[async_trait]
impl CertificateResolver for Slow {
    async fn resolve(&self, hello: &ClientHello) -> Result<Option<Identity>, HookError> {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert_eq!(hello.server_name(), Some("localhost"));
        match self.fails {
            true => Err(HookError::new("the database is away")),
            false => Ok(self.identity.clone()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_resolver_is_awaited_and_what_it_chose_is_presented_and_reported() {
    for version in ProtocolVersion::ALL {
        let (chosen, roots) = scene::identity();
        let chosen = chosen.with_ocsp_response([0x30, 3, 10, 1, 3]);
        let resolver = Slow { identity: Some(chosen.clone()), fails: false };
        let (connector, acceptor) = scene::endpoints(
            |client| client.protocol_versions([version]).roots(roots),
            |server| server.resolver(Arc::new(resolver)),
        );
        for resumed in [false, true] {
            let (mut client, mut server) = scene::connected(&connector, &acceptor).await;
            assert_eq!(client.info().resumed, Some(resumed));
            assert_eq!(server.info().local_chain, chosen.chain());
            assert_eq!(client.info().peer_chain, chosen.chain());
            if !resumed {
                assert_eq!(client.info().ocsp_response.as_deref(), Some([0x30, 3, 10, 1, 3].as_slice()));
                assert_eq!(client.info().verified_chain.as_ref().unwrap().path(), chosen.chain());
            }
            scene::exchange(&mut server, &mut client).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_resolver_without_an_answer_ends_the_handshake_with_the_alert_for_it() {
    for (fails, alert) in [(true, "internal_error"), (false, "unrecognized_name")] {
        let (connector, _) = scene::endpoints(|client| client, |server| server);
        let resolver = Arc::new(Slow { identity: None, fails });
        let server = ServerConfig::builder_with_resolver(scene::backend(), resolver).build();
        let acceptor = TlsAcceptor::new(&server.unwrap()).unwrap();
        let (client, server) = scene::handshake(&connector, &acceptor, "localhost").await;
        let expected = if fails { ErrorKind::Hook } else { ErrorKind::NoIdentity };
        assert_eq!(server.unwrap_err().kind(), &expected);
        let received = client.unwrap_err().alert_received().unwrap();
        assert_eq!(received.to_string(), alert);
    }
}

#[tokio::test]
async fn a_client_reports_what_it_presented_only_where_it_was_asked() {
    let (identity, roots) = scene::identity_for("client");
    for version in ProtocolVersion::ALL {
        for asked in [false, true] {
            let (connector, acceptor) = scene::endpoints(
                |client| client.identity(identity.clone()).protocol_versions([version]),
                |server| match asked {
                    true => server
                        .client_authentication(ClientAuthentication::Required)
                        .client_roots(roots.clone()),
                    false => server,
                },
            );
            let (client, server) = scene::connected(&connector, &acceptor).await;
            let presented = if asked { identity.chain() } else { &[] };
            assert_eq!(client.info().local_chain, presented, "{version}");
            assert_eq!(server.info().peer_chain, presented, "{version}");
            assert_eq!(server.info().verified_chain.is_some(), asked);
        }
    }
}

/// Signs with a key that rcgen holds, after a while and where a runtime is; or fails.
#[derive(Debug)]
struct Remote {
    key: Option<rcgen::KeyPair>,
}

#[async_trait]
impl Signer for Remote {
    fn schemes(&self) -> &[SignatureScheme] {
        &[SignatureScheme::ECDSA_SECP256R1_SHA256]
    }

    async fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, HookError> {
        assert_eq!(scheme, SignatureScheme::ECDSA_SECP256R1_SHA256);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        match &self.key {
            Some(key) => Ok(rcgen::SigningKey::sign(key, message).unwrap()),
            None => Err(HookError::new("the HSM is away")),
        }
    }
}

/// An identity whose key is in the hands of a signer, and what trusts it.
fn remote_identity(works: bool) -> (Identity, Roots) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let signer = Remote { key: works.then_some(made.signing_key) };
    let identity = Identity::from_signer([certificate.clone()], Arc::new(signer)).unwrap();
    (identity, Roots::from_der([certificate]))
}

/// Refuses or accepts after a while, where a runtime is.
#[derive(Debug)]
struct SlowVerifier {
    accepts: bool,
}

#[async_trait]
impl CertificateVerifier for SlowVerifier {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        _peer: &ExpectedPeer<'_>,
        _now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        match self.accepts {
            true => Ok(VerifiedChain::new(vec![chain.end_entity.clone().into_owned()])),
            false => Err(CertificateError::REVOKED),
        }
    }
}

#[tokio::test]
async fn signers_sign_on_both_sides_beside_a_verifier_that_takes_its_time() {
    let (server_identity, _) = remote_identity(true);
    let (client_identity, client_roots) = remote_identity(true);
    for version in ProtocolVersion::ALL {
        for accepts in [true, false] {
            let client = ClientConfig::builder(scene::backend())
                .protocol_versions([version])
                .verifier(Arc::new(SlowVerifier { accepts }))
                .identity(client_identity.clone());
            let server = ServerConfig::builder(scene::backend(), server_identity.clone())
                .client_authentication(ClientAuthentication::Required)
                .client_roots(client_roots.clone());
            let connector = TlsConnector::new(&client.build().unwrap()).unwrap();
            let acceptor = TlsAcceptor::new(&server.build().unwrap()).unwrap();
            let (client, server) = scene::handshake(&connector, &acceptor, "localhost").await;
            if accepts {
                let (mut client, mut server) = (client.unwrap(), server.unwrap());
                assert_eq!(server.info().peer_chain, client_identity.chain());
                assert_eq!(client.info().local_chain, client_identity.chain());
                scene::exchange(&mut client, &mut server).await;
            } else {
                assert_eq!(client.unwrap_err().certificate_error(), Some(&CertificateError::REVOKED));
                let alert = server.unwrap_err().alert_received();
                assert_eq!(alert, Some(AlertDescription::CERTIFICATE_REVOKED), "{version}");
            }
        }
    }
}

#[tokio::test]
async fn a_signer_that_fails_ends_the_handshake_with_internal_error() {
    let (works, roots) = scene::identity();
    for version in ProtocolVersion::ALL {
        for on_server in [true, false] {
            let (fails, failing_roots) = remote_identity(false);
            let (mut server_identity, mut trusted) = (works.clone(), roots.clone());
            let mut client = ClientConfig::builder(scene::backend()).protocol_versions([version]);
            match on_server {
                true => (server_identity, trusted) = (fails, failing_roots.clone()),
                false => client = client.identity(fails),
            }
            let server = ServerConfig::builder(scene::backend(), server_identity)
                .client_authentication(ClientAuthentication::Optional)
                .client_roots(failing_roots);
            let connector = TlsConnector::new(&client.roots(trusted).build().unwrap()).unwrap();
            let acceptor = TlsAcceptor::new(&server.build().unwrap()).unwrap();
            let (client, server) = scene::handshake(&connector, &acceptor, "localhost").await;
            let (own, peers) = match on_server {
                true => (server.unwrap_err(), client.unwrap_err()),
                false => (client.unwrap_err(), server.unwrap_err()),
            };
            assert_eq!(own.kind(), &ErrorKind::Hook);
            assert!(own.to_string().contains("the HSM is away"), "{own}");
            let received = peers.alert_received();
            assert_eq!(received, Some(AlertDescription::INTERNAL_ERROR), "{version}, server {on_server}");
        }
    }
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_and_so_is_one_that_no_list_covers() {
    let authority = Authority::new();
    for version in ProtocolVersion::ALL {
        for (list, expected) in [
            (authority.list(&[], 1), None),
            (authority.list(&[7], 1), Some(CertificateError::REVOKED)),
            (authority.list(&[], -1), Some(CertificateError::RevocationUnknown { detail: String::new() })),
            (
                Authority::new().list(&[], 1),
                Some(CertificateError::RevocationUnknown { detail: String::new() }),
            ),
        ] {
            let client = ClientConfig::builder(scene::backend())
                .roots(authority.roots())
                .crls([list])
                .protocol_versions([version]);
            let server = ServerConfig::builder(scene::backend(), authority.identity(7));
            let connector = TlsConnector::new(&client.build().unwrap()).unwrap();
            let acceptor = TlsAcceptor::new(&server.build().unwrap()).unwrap();
            let (client, _) = scene::handshake(&connector, &acceptor, "localhost").await;
            match expected {
                None => drop(client.unwrap()),
                Some(expected) => {
                    let error = client.unwrap_err();
                    let reason = error.certificate_error().unwrap();
                    assert!(reason.same_fault(&expected), "{reason}");
                }
            }
        }
    }
}

#[tokio::test]
async fn of_two_lists_the_newer_counts_in_whatever_order_they_are_given() {
    let authority = Authority::new();
    let (older, newer) = (authority.list_of(-2, &[], 5), authority.list_of(-1, &[7], 5));
    let future = authority.list_of(1, &[], 5);
    let unknown = CertificateError::RevocationUnknown { detail: String::new() };
    for (lists, expected) in [
        (vec![older.clone(), newer.clone()], CertificateError::REVOKED),
        (vec![newer.clone(), older], CertificateError::REVOKED),
        // What is not yet in force hides nothing, and vouches for nobody.
        (vec![future.clone(), newer], CertificateError::REVOKED),
        (vec![future], unknown.clone()),
        // From 2050 on, the time is of another type (RFC 5280 §5.1.2.4).
        (vec![authority.list_of(13_000, &[], 13_010)], unknown),
    ] {
        let client = ClientConfig::builder(scene::backend()).roots(authority.roots()).crls(lists);
        let server = ServerConfig::builder(scene::backend(), authority.identity(7));
        let connector = TlsConnector::new(&client.build().unwrap()).unwrap();
        let acceptor = TlsAcceptor::new(&server.build().unwrap()).unwrap();
        let (client, _) = scene::handshake(&connector, &acceptor, "localhost").await;
        let error = client.expect_err("it is revoked, or nobody knows");
        let reason = error.certificate_error().unwrap();
        assert!(reason.same_fault(&expected), "{reason}");
    }
}

#[test]
fn what_is_no_revocation_list_is_refused_before_a_byte_is_sent() {
    let crl = CertificateRevocationListDer::from(b"no list".as_slice());
    let client =
        ClientConfig::builder(scene::backend()).roots(scene::identity().1).crls([crl]).build().unwrap();
    let error = TlsConnector::new(&client).unwrap_err();
    assert!(matches!(&error, ConfigError::Certificates { .. }), "{error}");
    assert!(error.to_string().contains("revocation list"), "{error}");
}

/// An authority that issues certificates and says which it has revoked.
struct Authority(rcgen::CertifiedIssuer<'static, rcgen::KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut parameters = rcgen::CertificateParams::default();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        parameters.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
        parameters.distinguished_name.push(rcgen::DnType::CommonName, next_name());
        let key = rcgen::KeyPair::generate().unwrap();
        Self(rcgen::CertifiedIssuer::self_signed(parameters, key).unwrap())
    }

    fn roots(&self) -> Roots {
        Roots::from_der([self.0.der().clone()])
    }

    fn identity(&self, serial: u64) -> Identity {
        let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.serial_number = Some(serial.into());
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        Identity::from_der([certificate.der().clone()], key.serialize_der()).unwrap()
    }

    /// A list of these serial numbers, in force until that many days from now.
    fn list(&self, revoked: &[u64], days: i64) -> CertificateRevocationListDer<'static> {
        self.list_of(-2, revoked, days)
    }

    /// The same, made that many days from now.
    fn list_of(&self, made: i64, revoked: &[u64], days: i64) -> CertificateRevocationListDer<'static> {
        let now = time::OffsetDateTime::now_utc();
        let revoked = revoked.iter().map(|&serial| rcgen::RevokedCertParams {
            serial_number: serial.into(),
            revocation_time: now - time::Duration::days(2),
            reason_code: None,
            invalidity_date: None,
        });
        let parameters = rcgen::CertificateRevocationListParams {
            this_update: now + time::Duration::days(made),
            next_update: now + time::Duration::days(days),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        parameters.signed_by(&self.0).unwrap().into()
    }
}

/// Two authorities are told apart by their names.
fn next_name() -> String {
    static MADE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    format!("authority {}", MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}
