//! Changes that the watcher notices by itself.

use std::{fs, sync::Arc, time::Duration};

use polytls_api::CertificateError;
use polytls_reload::{Outcome, ReloadError, ReloadableIdentity, Watching};

use crate::support::{Authority, Folder, IN_TIME, Issued, await_swap, backend, days_from_now, outcomes};

/// So seldom that it is events that tell.
const HOUR: Duration = Duration::from_secs(3600);

fn watched(folder: &Folder) -> ReloadableIdentity {
    let watching = Watching::polling(HOUR);
    ReloadableIdentity::builder(backend(), folder.files()).watching(watching).build().unwrap()
}

fn assert_presents(identity: &ReloadableIdentity, issued: &Issued) {
    assert_eq!(identity.current().chain(), std::slice::from_ref(&issued.certificate));
}

#[test]
fn files_that_are_renamed_into_place_or_written_over_are_noticed() {
    let authority = Authority::new("root");
    let folder = Folder::with(&authority.issue());
    let identity = watched(&folder);
    let outcomes = outcomes(&identity);
    let two = authority.issue();
    folder.replace(&two);
    assert_eq!(await_swap(&outcomes), 2);
    assert_presents(&identity, &two);
    let three = authority.issue();
    folder.write("cert.pem", &three.chain);
    folder.write("key.pem", &three.key);
    assert_eq!(await_swap(&outcomes), 3);
    assert_presents(&identity, &three);
}

#[test]
fn half_of_a_change_is_refused_and_the_whole_is_put_in_force() {
    let authority = Authority::new("root");
    let folder = Folder::with(&authority.issue());
    let identity = watched(&folder);
    let outcomes = outcomes(&identity);
    let two = authority.issue();
    folder.write("cert.pem", &two.chain);
    let first = outcomes.recv_timeout(IN_TIME).unwrap();
    assert!(matches!(first, Outcome::Refused { generation: 1, .. }), "{first:?}");
    folder.write("key.pem", &two.key);
    assert_eq!(await_swap(&outcomes), 2);
    assert_presents(&identity, &two);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_directory_that_is_swapped_is_noticed() {
    use std::os::unix::fs::symlink;
    let authority = Authority::new("root");
    let (one, two) = (authority.issue(), authority.issue());
    // As Kubernetes mounts a secret.
    let folder = Folder::new();
    for (name, issued) in [("..one", &one), ("..two", &two)] {
        fs::create_dir(folder.path(name)).unwrap();
        folder.write(&format!("{name}/cert.pem"), &issued.chain);
        folder.write(&format!("{name}/key.pem"), &issued.key);
    }
    symlink("..one", folder.path("..data")).unwrap();
    symlink("..data/cert.pem", folder.path("cert.pem")).unwrap();
    symlink("..data/key.pem", folder.path("key.pem")).unwrap();
    let identity = watched(&folder);
    let outcomes = outcomes(&identity);
    crate::support::swap_link("..two", &folder.path("..data"));
    fs::remove_dir_all(folder.path("..one")).unwrap();
    assert_eq!(await_swap(&outcomes), 2);
    assert_presents(&identity, &two);
}

#[cfg(unix)]
#[test]
fn links_that_are_swapped_and_what_they_lead_to_are_noticed() {
    use std::os::unix::fs::symlink;
    let authority = Authority::new("root");
    let (one, two, three) = (authority.issue(), authority.issue(), authority.issue());
    // As certbot keeps them: live/ has links into archive/.
    let (folder, archive) = (Folder::new(), Folder::new());
    for (number, issued) in [(1, &one), (2, &two)] {
        archive.write(&format!("cert{number}.pem"), &issued.chain);
        archive.write(&format!("key{number}.pem"), &issued.key);
    }
    symlink(archive.path("cert1.pem"), folder.path("cert.pem")).unwrap();
    symlink(archive.path("key1.pem"), folder.path("key.pem")).unwrap();
    let identity = watched(&folder);
    let outcomes = outcomes(&identity);
    crate::support::swap_link(archive.path("cert2.pem"), &folder.path("cert.pem"));
    crate::support::swap_link(archive.path("key2.pem"), &folder.path("key.pem"));
    assert_eq!(await_swap(&outcomes), 2);
    assert_presents(&identity, &two);
    archive.rename_into_place("cert2.pem", &three.chain);
    archive.rename_into_place("key2.pem", &three.key);
    assert_eq!(await_swap(&outcomes), 3);
    assert_presents(&identity, &three);
}

#[test]
fn a_certificate_of_the_future_is_refused_at_most_once_and_in_force_when_its_time_has_come() {
    let authority = Authority::new("root");
    let folder = Folder::with(&authority.issue());
    let watching = Watching::polling(Duration::from_secs(1));
    let identity = ReloadableIdentity::builder(backend(), folder.files()).watching(watching).build().unwrap();
    let outcomes = outcomes(&identity);
    let soon = days_from_now(0) + time::Duration::seconds(4);
    let two = authority.issue_with(&["localhost"], |params| params.not_before = soon);
    folder.replace(&two);
    let mut refusals = Vec::new();
    let generation = loop {
        match outcomes.recv_timeout(IN_TIME).unwrap() {
            Outcome::Swapped { generation } => break generation,
            Outcome::Refused { error, .. } => refusals.push(error),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(generation, 2);
    assert!(time::OffsetDateTime::now_utc().unix_timestamp() >= soon.unix_timestamp());
    assert_presents(&identity, &two);
    let not_yet = |error: &&ReloadError| {
        matches!(error, ReloadError::Certificate(CertificateError::NotYetValid { .. }))
    };
    // None on a machine that is busy for as long.
    assert!(refusals.iter().filter(not_yet).count() <= 1, "{refusals:?}");
}

#[test]
fn nothing_is_watched_when_the_last_clone_is_gone() {
    let folder = Folder::with(&Authority::new("root").issue());
    let identity = watched(&folder);
    let held = Arc::new(());
    let listener = held.clone();
    identity.on_reload(move |_| drop(listener.clone()));
    let clone = identity.clone();
    drop(identity);
    assert_eq!(Arc::strong_count(&held), 2);
    drop(clone);
    // The thread may be having a look at the moment.
    let deadline = std::time::Instant::now() + IN_TIME;
    while Arc::strong_count(&held) > 1 && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(Arc::strong_count(&held), 1);
}
