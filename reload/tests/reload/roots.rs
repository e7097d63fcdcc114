//! Roots that follow their files, under the verifier of every engine.

use std::{fs, sync::Arc};

use polytls_api::{
    CertificateError, CertificateVerifier, ErrorKind, Identity, RevocationPolicy, Roots, ServerConfig,
    TlsAcceptor, TrustPolicy, cached,
};
use polytls_reload::{ReloadError, ReloadableRoots, RootFiles, Watching};

use crate::support::{Authority, Folder, backend, backends, client, handshake, visit};

fn acceptor(authority: &Authority) -> TlsAcceptor {
    let issued = authority.issue();
    let identity = Identity::from_pem(issued.chain.as_bytes(), issued.key.as_bytes()).unwrap();
    TlsAcceptor::new(&ServerConfig::builder(backend(), identity).build().unwrap()).unwrap()
}

fn unwatched(backend: Arc<dyn polytls_api::Backend>, files: RootFiles) -> ReloadableRoots {
    ReloadableRoots::builder(backend, files).watching(Watching::off()).build().unwrap()
}

#[tokio::test]
async fn a_root_that_is_added_is_trusted_and_one_that_is_taken_out_is_not() {
    for backend in backends() {
        let name = backend.info().name;
        let (old, new) = (Authority::new("old"), Authority::new("new"));
        let (of_old, of_new) = (acceptor(&old), acceptor(&new));
        let folder = Folder::new();
        folder.write("roots.pem", old.pem());
        let roots = unwatched(backend.clone(), RootFiles::file(folder.path("roots.pem")));
        let connector = client(&backend, |client| client.verifier(Arc::new(roots.clone())).resumption(false));
        let refused = async |acceptor| {
            let error = handshake(&connector, acceptor).await.0.unwrap_err();
            let kind = error.kind();
            assert!(
                matches!(kind, ErrorKind::Certificate(CertificateError::UnknownIssuer)),
                "{name}: {kind:?}"
            );
        };
        let mut open = visit(&connector, &of_old).await;
        assert_eq!(open.0.info().roots_generation(), Some(1), "{name}");
        assert_eq!(open.1.info().roots_generation(), None, "{name}: the client presented nothing");
        refused(&of_new).await;

        folder.rename_into_place("roots.pem", new.pem());
        assert_eq!(roots.reload_now().unwrap(), 2);
        let (client, _server) = visit(&connector, &of_new).await;
        assert_eq!(client.info().roots_generation(), Some(2), "{name}");
        refused(&of_old).await;
        crate::support::exchange(&mut open).await;
    }
}

#[test]
fn a_directory_is_followed_and_what_is_wrong_in_it_leaves_the_old_in_force() {
    let folder = Folder::new();
    folder.write("one.pem", Authority::new("one").pem());
    let path = folder.path("one.pem");
    let roots = unwatched(backend(), RootFiles::directory(path.parent().unwrap()));
    folder.write("two.crt", Authority::new("two").pem());
    folder.write("README", "not a certificate");
    assert_eq!(roots.reload_now().unwrap(), 2);
    folder.write("README", "still none");
    assert_eq!(roots.reload_now().unwrap(), 2);
    folder.write("three.pem", "half a certif");
    let error = roots.reload_now().unwrap_err();
    assert!(error.to_string().contains("three.pem"), "{error}");
    for name in ["one.pem", "two.crt", "three.pem"] {
        fs::remove_file(folder.path(name)).unwrap();
    }
    assert!(matches!(roots.reload_now().unwrap_err(), ReloadError::Config(_)));
    assert_eq!(roots.generation(), 2);
}

#[tokio::test]
async fn a_cache_over_them_is_emptied_when_they_change() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let of_old = acceptor(&old);
    let folder = Folder::new();
    folder.write("roots.pem", old.pem());
    let files = RootFiles::file(folder.path("roots.pem"));
    assert_eq!(unwatched(backend(), files.clone()).revision(), None, "revocation changes with time");
    let paths_alone = TrustPolicy::new(Roots::None).with_revocation(RevocationPolicy::off());
    let roots = ReloadableRoots::builder(backend(), files).trust(paths_alone).watching(Watching::off());
    let roots = roots.build().unwrap();
    assert_eq!(roots.revision(), Some(1));
    let cache = cached(Arc::new(roots.clone()), 16).unwrap();
    let connector = client(&backend(), |client| client.verifier(cache.clone()).resumption(false));
    for hits in 0..2 {
        let (client, _server) = visit(&connector, &of_old).await;
        assert_eq!((cache.hits(), client.info().roots_generation()), (hits, Some(1)));
    }
    folder.rename_into_place("roots.pem", new.pem());
    assert_eq!((roots.reload_now().unwrap(), roots.revision()), (2, Some(2)));
    handshake(&connector, &of_old).await.0.unwrap_err();
}
