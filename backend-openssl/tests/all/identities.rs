//! What a server presents, and to whom: by name, by resolver, with an OCSP response; and what each side reports of it.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use polytls_api::{
    AlertDescription, CertificateError, CertificateResolver, CertificateVerifier, ClientAuthentication,
    ClientHello, ConfigError, ErrorKind, ExpectedPeer, HookError, Identity, PresentedChain, ProtocolVersion,
    ServerConfig, ServerName, TlsAcceptor, TlsConnector, VerifiedChain, async_trait,
};
use rcgen::{KeyPair, PKCS_ED25519, SanType};
use tokio::io::duplex;

use crate::support::{Authority, Ends, Scene, backend, connected, pass_a_byte};

/// An OCSPResponse (RFC 6960 §4.2.1) that says `tryLater`.
const TRY_LATER: [u8; 5] = [0x30, 3, 10, 1, 3];

fn named(authority: &Authority, name: &str) -> Identity {
    authority.issue(|params| params.subject_alt_names = vec![SanType::DnsName(name.try_into().unwrap())])
}

async fn connect_to(name: &str, connector: &TlsConnector, acceptor: &TlsAcceptor) -> Ends {
    let (near, far) = duplex(1 << 20);
    let name: ServerName = name.parse().unwrap();
    tokio::join!(connector.connect(&name, near), acceptor.accept(far))
}

/// Knows one name, after a while.
#[derive(Debug)]
struct Slow(Identity);

#[async_trait]
impl CertificateResolver for Slow {
    async fn resolve(&self, hello: &ClientHello) -> Result<Option<Identity>, HookError> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        match hello.server_name() {
            Some("fails.example") => Err(HookError::new("as a test")),
            Some("known.example") => Ok(Some(self.0.clone())),
            _ => Ok(None),
        }
    }
}

#[tokio::test]
async fn the_name_chooses_the_identity_and_nothing_of_another_is_presented() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let exact = named(&scene.authority, "a.example.com");
        // A chain with an issuer in it, so that no chain can leak from one identity to another.
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let params = rcgen::CertificateParams::new(["b.example.com".to_owned()]).unwrap();
        let own = params.signed_by(&key, &scene.authority.0).unwrap().der().clone();
        let wildcard = Identity::from_der([own, scene.authority.1.clone()], key.serialize_der()).unwrap();
        let acceptor = scene.acceptor(|s| {
            s.sni_identity("a.example.com", exact.clone()).sni_identity("*.example.com", wildcard.clone())
        });
        let connector = scene.connector(|c| c);
        for (name, identity) in
            [("a.example.com", &exact), ("b.example.com", &wildcard), ("localhost", &scene.identity)]
        {
            for resumed in [false, true] {
                let (client, server) = connect_to(name, &connector, &acceptor).await;
                let (mut client, mut server) = (client.unwrap(), server.unwrap());
                assert_eq!(client.info().peer_chain, identity.chain(), "{name}");
                assert_eq!(server.info().local_chain, identity.chain());
                assert_eq!(client.info().resumed, Some(resumed), "{name}");
                assert_eq!(client.info().verified_chain.is_some(), !resumed);
                pass_a_byte(&mut client, &mut server).await;
            }
        }
    }
}

#[tokio::test]
async fn a_resolver_that_takes_its_time_decides_and_may_fail() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let known = named(&scene.authority, "known.example");
        let resolver = Arc::new(Slow(known.clone()));
        let config = ServerConfig::builder_with_resolver(backend(), resolver.clone())
            .protocol_versions([version])
            .build()
            .unwrap();
        let acceptor = TlsAcceptor::new(&config).unwrap();
        let connector = scene.connector(|c| c);
        let (client, server) = connect_to("known.example", &connector, &acceptor).await;
        assert_eq!(client.unwrap().info().peer_chain, known.chain());
        assert_eq!(server.unwrap().info().local_chain, known.chain());
        for (name, kind, alert) in [
            ("unknown.example", ErrorKind::NoIdentity, AlertDescription::UNRECOGNIZED_NAME),
            ("fails.example", ErrorKind::Hook, AlertDescription::INTERNAL_ERROR),
        ] {
            let (client, server) = connect_to(name, &connector, &acceptor).await;
            let error = server.unwrap_err().into_error();
            assert_eq!((error.kind(), error.alert_sent()), (&kind, Some(alert)));
            assert_eq!(error.backend(), Some("openssl"));
            assert_eq!(client.unwrap_err().into_error().alert_received(), Some(alert));
        }
        let with_default = scene.acceptor(|s| s.resolver(resolver));
        let (client, _server) = connected(&connector, &with_default).await;
        assert_eq!(client.info().peer_chain, scene.identity.chain());
    }
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused_when_it_is_seen() {
    let scene = Scene::new(ProtocolVersion::Tls13);
    // A key of the same kind (RFC 5915) without the public part that would tell before a backend looks.
    let curve = [0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let stranger = [&[0x30, 0x31, 2, 1, 1, 4, 0x20], &[7; 32][..], &curve].concat();
    let wrong = Identity::from_der(scene.identity.chain().to_vec(), stranger).unwrap();
    let config =
        ServerConfig::builder(backend(), scene.identity.clone()).sni_identity("a.example", wrong.clone());
    let error = TlsAcceptor::new(&config.build().unwrap()).map(drop).unwrap_err();
    assert_eq!(error, ConfigError::KeyMismatch);
    let acceptor = scene.acceptor(|s| s.resolver(Arc::new(Slow(wrong))));
    let (client, server) = connect_to("known.example", &scene.connector(|c| c), &acceptor).await;
    assert_eq!(server.unwrap_err().error().kind(), &ErrorKind::Config(ConfigError::KeyMismatch));
    let told = client.unwrap_err().into_error().alert_received();
    assert_eq!(told, Some(AlertDescription::INTERNAL_ERROR));
}

#[tokio::test]
async fn each_side_reports_what_it_presented() {
    for version in ProtocolVersion::ALL {
        let scene = Scene::new(version);
        let identity = scene.authority.issue(|_| {});
        let connector = scene.connector(|c| c.identity(identity.clone()));
        let (client, server) = connected(&connector, &scene.acceptor(|s| s)).await;
        assert!(client.info().local_chain.is_empty(), "the server did not ask");
        assert!(server.info().verified_chain.is_none());
        let roots = scene.authority.roots();
        let asks =
            scene.acceptor(|s| s.client_authentication(ClientAuthentication::Optional).client_roots(roots));
        for resumed in [false, true] {
            let (mut client, mut server) = connected(&scene.connector(|c| c), &asks).await;
            assert!(client.info().local_chain.is_empty());
            pass_a_byte(&mut client, &mut server).await;
            let (mut client, mut server) = connected(&connector, &asks).await;
            assert_eq!(client.info().resumed, Some(resumed));
            assert_eq!(client.info().local_chain, if resumed { &[] } else { identity.chain() });
            assert_eq!(server.info().verified_chain.is_some(), !resumed);
            assert_eq!(server.info().peer_chain, identity.chain());
            pass_a_byte(&mut client, &mut server).await;
        }
    }
}

#[derive(Debug, Default)]
struct Shown(Mutex<Vec<Option<Vec<u8>>>>);

#[async_trait]
impl CertificateVerifier for Shown {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        _peer: &ExpectedPeer<'_>,
        _now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        self.0.lock().unwrap().push(chain.ocsp_response.map(ToOwned::to_owned));
        Ok(VerifiedChain::new(vec![chain.end_entity.clone().into_owned()]))
    }
}

#[tokio::test]
async fn an_ocsp_response_is_presented_with_its_identity_and_reported() {
    for version in ProtocolVersion::ALL {
        let mut scene = Scene::new(version);
        let (client, _server) = connected(&scene.connector(|c| c), &scene.acceptor(|s| s)).await;
        assert_eq!(client.info().ocsp_response, None);
        let without = named(&scene.authority, "without.example");
        scene.identity = scene.identity.with_ocsp_response(TRY_LATER);
        let acceptor = scene.acceptor(|s| s.sni_identity("without.example", without));
        let shown = Arc::new(Shown::default());
        let connector = scene.connector(|c| c.verifier(shown.clone()));
        let (client, _server) = connected(&connector, &acceptor).await;
        assert_eq!(client.info().ocsp_response.as_deref(), Some(&TRY_LATER[..]), "{version}");
        // In TLS 1.2 it comes after the certificate, and the verifier is asked once it is there.
        assert_eq!(*shown.0.lock().unwrap(), [Some(TRY_LATER.to_vec())], "{version}");
        let (client, _server) = connect_to("without.example", &connector, &acceptor).await;
        assert_eq!(client.unwrap().info().ocsp_response, None);
    }
    // What a resolver brings, no configuration has checked.
    let scene = Scene::new(ProtocolVersion::Tls13);
    let nonsense = named(&scene.authority, "known.example").with_ocsp_response("no DER");
    let acceptor = scene.acceptor(|s| s.resolver(Arc::new(Slow(nonsense))));
    let (client, server) = connect_to("known.example", &scene.connector(|c| c), &acceptor).await;
    let error = server.unwrap_err().into_error();
    assert!(matches!(error.kind(), ErrorKind::Config(ConfigError::Certificates { .. })), "{error:?}");
    let told = client.unwrap_err().into_error().alert_received();
    assert_eq!(told, Some(AlertDescription::INTERNAL_ERROR));
}
