//! What a server presents, what a client reports of it, and whom it believes revoked.

mod scene;

use polytls_api::{
    CertificateResolver, ClientAuthentication, ClientHello, ErrorKind, HookError, Identity, ProtocolVersion,
    async_trait,
};

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
        let chosen = chosen.with_ocsp_response(b"good for now");
        let resolver = Slow { identity: Some(chosen.clone()), fails: false };
        let (connector, acceptor) = scene::endpoints(
            |client| client.protocol_versions([version]).roots(roots),
            |server| server.resolver(std::sync::Arc::new(resolver)),
        );
        for resumed in [false, true] {
            let (mut client, mut server) = scene::connected(&connector, &acceptor).await;
            assert_eq!(client.info().resumed, Some(resumed));
            assert_eq!(server.info().local_chain, chosen.chain());
            assert_eq!(client.info().peer_chain, chosen.chain());
            if !resumed {
                assert_eq!(client.info().ocsp_response.as_deref(), Some(b"good for now".as_slice()));
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
        let resolver = std::sync::Arc::new(Slow { identity: None, fails });
        let server = polytls_api::ServerConfig::builder_with_resolver(scene::backend(), resolver).build();
        let acceptor = polytls_api::TlsAcceptor::new(&server.unwrap()).unwrap();
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
