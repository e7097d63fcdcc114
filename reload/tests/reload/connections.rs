//! What connections of every engine see of a change, and what lives on.

use std::sync::Arc;

use polytls_api::{Backend, ClientConfig, MemorySessionStore, ProtocolVersion, Roots, TlsConnector};

use crate::support::{Authority, Folder, backends, client, exchange, handshake, server, visit};

/// A certificate is renewed under open connections and kept sessions.
async fn renewed_under(backend: Arc<dyn Backend>, version: ProtocolVersion, store: bool) {
    let case = format!("{} {version} store: {store}", backend.info().name);
    let authority = Authority::new("root");
    let folder = Folder::with(&authority.issue());
    let identity = folder.identity_of(backend.clone());
    let acceptor = server(&identity, &backend, |server| {
        let server = server.protocol_versions([version]);
        if store { server.session_store(Arc::new(MemorySessionStore::new(16))) } else { server }
    });
    let new_client =
        || client(&backend, |client| client.roots(authority.roots()).protocol_versions([version]));
    let early = new_client();
    let mut open = visit(&early, &acceptor).await;
    let first = open.0.info().peer_chain[0].clone();
    assert_eq!(
        (open.1.info().identity_generation, open.0.info().identity_generation),
        (Some(1), None),
        "{case}"
    );

    let two = authority.issue();
    folder.replace(&two);
    assert_eq!(identity.reload_now().unwrap(), 2, "{case}");

    let late = visit(&new_client(), &acceptor).await;
    assert_eq!(late.0.info().peer_chain[0], two.certificate, "{case}");
    assert_eq!(late.1.info().local_chain[0], two.certificate, "{case}");
    assert_eq!((late.1.info().identity_generation, late.1.info().resumed), (Some(2), Some(false)), "{case}");

    let again = visit(&early, &acceptor).await;
    assert_eq!((again.0.info().resumed, again.1.info().resumed), (Some(true), Some(true)), "{case}");
    assert_eq!(again.0.info().peer_chain[0], first, "{case}: the session is of then");
    assert_eq!(again.1.info().identity_generation, Some(2), "{case}");

    exchange(&mut open).await;
    assert_eq!(open.1.info().identity_generation, Some(1), "{case}");
}

#[tokio::test]
async fn a_renewed_certificate_is_presented_and_sessions_and_connections_live_on() {
    for backend in backends() {
        for version in [ProtocolVersion::Tls12, ProtocolVersion::Tls13] {
            for store in [false, true] {
                renewed_under(backend.clone(), version, store).await;
            }
        }
    }
}

#[tokio::test]
async fn sessions_end_where_names_were_lost() {
    for backend in backends() {
        for version in [ProtocolVersion::Tls12, ProtocolVersion::Tls13] {
            let authority = Authority::new("root");
            let folder = Folder::with(&authority.issue_for(&["localhost", "www.example"]));
            let builder = polytls_reload::ReloadableIdentity::builder(backend.clone(), folder.files());
            let identity =
                builder.allow_lost_names().watching(polytls_reload::Watching::off()).build().unwrap();
            let acceptor = server(&identity, &backend, |server| server.protocol_versions([version]));
            let client = client(&backend, |client| client.roots(authority.roots()));
            visit(&client, &acceptor).await;
            folder.replace(&authority.issue());
            assert_eq!(identity.reload_now().unwrap(), 2);
            let (_, server) = visit(&client, &acceptor).await;
            assert_eq!(server.info().resumed, Some(false), "{} {version}", backend.info().name);
        }
    }
}

/// A connector is made anew of a configuration whose directory has lost a root: the store may have that authority's sessions.
#[tokio::test]
async fn a_connector_made_anew_resumes_nothing_of_an_authority_that_is_gone() {
    for backend in backends() {
        let case = backend.info().name;
        let (authority, other) = (Authority::new("root"), Authority::new("other"));
        let (files, roots) = (Folder::with(&authority.issue()), Folder::new());
        let acceptor = server(&files.identity_of(backend.clone()), &backend, |server| server);
        roots.write("a.pem", authority.pem());
        roots.write("b.pem", other.pem());
        let store = Arc::new(MemorySessionStore::new(16));
        let builder = ClientConfig::builder(backend.clone()).roots(Roots::from_directory(roots.path(".")));
        let config = builder.session_store(store).build().unwrap();
        for resumed in [false, true] {
            let (client, _) = visit(&TlsConnector::new(&config).unwrap(), &acceptor).await;
            assert_eq!(client.info().resumed, Some(resumed), "{case}");
        }
        std::fs::remove_file(roots.path("a.pem")).unwrap();
        let (client, _) = handshake(&TlsConnector::new(&config).unwrap(), &acceptor).await;
        let refused = client.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("issuer"), "{case}: {refused}");
    }
}
