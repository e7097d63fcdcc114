//! What is put in force and what is refused, looked at when the test says so.

use std::{fs, time::Duration};

use polytls_api::{CertificateError, ConfigError, Identity};
use polytls_reload::{IdentityFiles, Outcome, ReloadError, ReloadableIdentity, Watching};

use crate::support::{
    Authority, Folder, Issued, await_swap, backend, backends, days_from_now, logged, outcomes,
};

fn presented(identity: &ReloadableIdentity) -> Vec<u8> {
    identity.current().chain()[0].to_vec()
}

#[test]
fn what_is_renamed_into_place_is_the_next_generation_of_the_same_lineage() {
    let authority = Authority::new("root");
    let (one, two) = (authority.issue(), authority.issue());
    let folder = Folder::with(&one);
    let identity = folder.identity();
    let first = identity.current();
    assert_eq!((identity.generation(), first.generation()), (1, Some(1)));
    assert_eq!(identity.reload_now().unwrap(), 1, "nothing has changed");
    assert!(identity.current().is_same(&first));
    folder.replace(&two);
    let (result, log) = logged(|| identity.reload_now());
    assert_eq!(result.unwrap(), 2);
    assert!(log.contains("INFO polytls::reload") && log.contains("generation=2"), "{log}");
    let second = identity.current();
    assert_eq!((second.generation(), second.chain()), (Some(2), &[two.certificate][..]));
    assert_eq!(second.session_binding(), first.session_binding());
    assert_eq!(first.chain(), [one.certificate], "who holds it, holds it");
}

#[test]
fn a_certificate_without_its_key_is_refused_until_the_key_comes() {
    let authority = Authority::new("root");
    let (one, two) = (authority.issue(), authority.issue());
    let folder = Folder::with(&one);
    let identity = folder.identity();
    folder.write("cert.pem", &two.chain);
    let (result, log) = logged(|| identity.reload_now());
    assert!(matches!(result.unwrap_err(), ReloadError::Config(ConfigError::KeyMismatch)));
    for part in ["ERROR polytls::reload", "cert.pem", "key.pem", "does not belong", "generation=1"] {
        assert!(log.contains(part), "{part}: {log}");
    }
    assert_eq!(presented(&identity), one.certificate.as_ref());
    folder.write("key.pem", &two.key);
    assert_eq!(identity.reload_now().unwrap(), 2);
    assert_eq!(presented(&identity), two.certificate.as_ref());
}

#[test]
fn whatever_is_wrong_the_old_stays_in_force() {
    let authority = Authority::new("root");
    let one = authority.issue_for(&["localhost", "127.0.0.1", "www.example"]);
    let names = ["localhost", "127.0.0.1", "www.example"];
    let other = authority.issue_for(&names);
    let expired = authority.issue_with(&names, |params| params.not_after = days_from_now(-1));
    let future = authority.issue_with(&names, |params| params.not_before = days_from_now(1));
    let lost = authority.issue_for(&["localhost", "*.www.example"]);
    let stranger = Issued {
        chain: format!("{}{}", other.chain, Authority::new("stranger").pem()),
        ..authority.issue_for(&names)
    };
    let stranger = Issued { key: other.key.clone(), ..stranger };
    let folder = Folder::with(&one);
    let identity = folder.identity();
    type Expected = fn(&ReloadError) -> bool;
    let cases: [(&str, &dyn Fn(), Expected); 9] = [
        ("another key", &|| folder.write("key.pem", &other.key), |error| {
            matches!(error, ReloadError::Config(ConfigError::KeyMismatch))
        }),
        ("expired", &|| folder.replace(&expired), |error| {
            matches!(error, ReloadError::Certificate(CertificateError::Expired { .. }))
        }),
        ("not yet valid", &|| folder.replace(&future), |error| {
            matches!(error, ReloadError::Certificate(CertificateError::NotYetValid { .. }))
        }),
        (
            "lost names",
            &|| folder.replace(&lost),
            |error| matches!(error, ReloadError::LostNames { names } if names == &["www.example", "127.0.0.1"] || names == &["127.0.0.1", "www.example"]),
        ),
        ("another issuer", &|| folder.replace(&stranger), |error| matches!(error, ReloadError::BrokenChain)),
        ("garbage", &|| folder.write("cert.pem", b"\x00garbage\xff"), |error| {
            matches!(error, ReloadError::Config(ConfigError::Certificates { .. }))
        }),
        ("half a file", &|| folder.write("cert.pem", &one.chain[..one.chain.len() / 2]), |error| {
            matches!(error, ReloadError::Config(ConfigError::Certificates { .. }))
        }),
        ("an empty key", &|| folder.write("key.pem", ""), |error| {
            matches!(error, ReloadError::Config(ConfigError::PrivateKey { .. }))
        }),
        ("no file", &|| fs::remove_file(folder.path("cert.pem")).unwrap(), |error| {
            matches!(error, ReloadError::Config(ConfigError::File { .. }))
        }),
    ];
    for (what, change, expected) in cases {
        folder.replace(&one);
        change();
        let (result, log) = logged(|| identity.reload_now());
        let error = result.expect_err(what);
        assert!(expected(&error), "{what}: {error:?}");
        assert_eq!(log.matches("ERROR polytls::reload").count(), 1, "{what}: {log}");
        assert_eq!((identity.generation(), presented(&identity)), (1, one.certificate.to_vec()), "{what}");
    }
    folder.replace(&one);
    assert_eq!(identity.reload_now().unwrap(), 1, "what is in force has come back");
    folder.replace(&other);
    assert_eq!(identity.reload_now().unwrap(), 2);
}

/// RFC 8410 §7: a key as PKCS#8 version 1, a seed and nothing else.
fn ed25519_seed(seed: u8) -> Vec<u8> {
    let header = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    [&header[..], &[seed; 32]].concat()
}

#[test]
fn a_key_that_does_not_tell_its_public_part_is_held_against_the_certificate_by_every_backend() {
    let pem = fs::read("../tls-api/src/identity/fixtures/ec.bare.pem").unwrap();
    let chain = fs::read_to_string("../tls-api/src/identity/fixtures/ec.cert.pem").unwrap();
    // The loader alone cannot tell.
    let foreign = Authority::new("root").issue();
    Identity::from_contents(foreign.chain.as_bytes(), &pem, None).unwrap();
    for backend in backends() {
        let folder = Folder::new();
        folder.write("cert.pem", &chain);
        folder.write("key.pem", &pem);
        let identity = folder.identity_of(backend.clone());
        folder.write("key.pem", ed25519_seed(7));
        identity.reload_now().unwrap_err();
        folder.write("cert.pem", &foreign.chain);
        folder.write("key.pem", &pem);
        let built = ReloadableIdentity::builder(backend, folder.files()).watching(Watching::off()).build();
        built.unwrap_err();
        identity.reload_now().unwrap_err();
        assert_eq!(identity.generation(), 1);
    }
}

#[test]
fn names_may_be_lost_where_that_is_allowed_and_sessions_end_with_them() {
    let authority = Authority::new("root");
    let both = authority.issue_for(&["localhost", "www.example"]);
    let build = |folder: &Folder| {
        ReloadableIdentity::builder(backend(), folder.files()).watching(Watching::off()).allow_lost_names()
    };
    let folder = Folder::with(&both);
    let identity = build(&folder).build().unwrap();
    let before = *identity.current().session_binding();
    folder.replace(&authority.issue());
    assert_eq!(identity.reload_now().unwrap(), 2);
    let lost = *identity.current().session_binding();
    assert_ne!(lost, before);
    folder.replace(&both);
    assert_eq!(identity.reload_now().unwrap(), 3);
    assert_ne!(*identity.current().session_binding(), lost, "it does not speak for the other name");
}

#[test]
fn a_session_for_an_added_name_ends_when_the_certificate_of_before_is_back() {
    let authority = Authority::new("root");
    let (few, many) = (authority.issue(), authority.issue_for(&["localhost", "www.example"]));
    let folder = Folder::with(&few);
    let builder = ReloadableIdentity::builder(backend(), folder.files()).watching(Watching::off());
    let identity = builder.allow_lost_names().build().unwrap();
    let reload = |issued| {
        folder.replace(issued);
        identity.reload_now().unwrap();
        *identity.current().session_binding()
    };
    let (with_www, without) = (reload(&many), reload(&few));
    assert_ne!(without, with_www);
    // Nor under another server's that has not the added name yet.
    let other =
        ReloadableIdentity::builder(backend(), folder.files()).watching(Watching::off()).build().unwrap();
    assert_ne!(*other.current().session_binding(), with_www);
    assert_eq!(reload(&authority.issue()), without, "the same names are the same lineage");
}

#[test]
fn required_names_take_the_place_of_those_that_are_held() {
    let authority = Authority::new("root");
    let folder = Folder::with(&authority.issue_for(&["localhost", "www.example"]));
    let builder = || ReloadableIdentity::builder(backend(), folder.files()).watching(Watching::off());
    let error = builder().require_names(["other.example"]).build().unwrap_err();
    assert!(error.to_string().contains("other.example"), "{error}");
    let identity = builder().require_names(["localhost"]).allow_lost_names().build().unwrap();
    let before = *identity.current().session_binding();
    folder.replace(&authority.issue());
    assert_eq!(identity.reload_now().unwrap(), 2);
    assert_ne!(*identity.current().session_binding(), before);
    folder.replace(&authority.issue_for(&["www.example"]));
    assert!(matches!(identity.reload_now().unwrap_err(), ReloadError::LostNames { .. }));
}

#[test]
fn files_may_be_der_or_one_of_both_or_pkcs12() {
    let issued = Authority::new("root").issue();
    let folder = Folder::new();
    folder.write("cert.der", &issued.certificate);
    folder.write("key.der", &issued.key_der);
    folder.write("both.pem", [&*issued.key, &*issued.chain].concat());
    let pkcs12 = "../tls-api/src/identity/fixtures/modern.p12";
    let pair = IdentityFiles::new(folder.path("cert.der"), folder.path("key.der"));
    let single = IdentityFiles::single(folder.path("both.pem"));
    let under_password = IdentityFiles::single(pkcs12).with_password("pass phrase");
    for files in [pair, single, under_password] {
        let built = ReloadableIdentity::builder(backend(), files).watching(Watching::off()).build();
        assert_eq!(built.unwrap().reload_now().unwrap(), 1);
    }
    let wrong = IdentityFiles::single(pkcs12).with_password("wrong");
    ReloadableIdentity::builder(backend(), wrong).build().unwrap_err();
}

#[test]
fn a_first_certificate_of_another_time_is_a_warning_and_one_that_ends_soon_too() {
    let authority = Authority::new("root");
    let expired = authority.issue_with(&["localhost"], |params| params.not_after = days_from_now(-1));
    let folder = Folder::with(&expired);
    let (identity, log) = logged(|| folder.identity());
    assert!(log.contains("WARN") && log.contains("expired"), "{log}");
    folder.replace(&authority.issue_with(&["localhost"], |params| params.not_after = days_from_now(2)));
    let (result, log) = logged(|| identity.reload_now());
    assert_eq!(result.unwrap(), 2);
    assert!(log.contains("WARN polytls::reload") && log.contains("ends soon"), "{log}");
}

#[test]
fn listeners_are_told_every_outcome_and_one_that_panics_stops_nothing() {
    let authority = Authority::new("root");
    let folder = Folder::with(&authority.issue());
    let identity = folder.identity();
    identity.on_reload(|_| panic!("a listener of the application's"));
    let outcomes = outcomes(&identity);
    // A listener may ask for anything.
    let asked = identity.clone();
    identity.on_reload(move |outcome| match outcome {
        Outcome::Swapped { .. } => assert_eq!(asked.reload_now().unwrap(), asked.generation()),
        _ => drop(asked.reload_now().unwrap_err()),
    });
    folder.replace(&authority.issue());
    assert_eq!(identity.reload_now().unwrap(), 2);
    assert_eq!(await_swap(&outcomes), 2);
    folder.write("key.pem", "no key");
    identity.reload_now().unwrap_err();
    let outcome = outcomes.recv_timeout(Duration::ZERO).unwrap();
    assert!(matches!(outcome, Outcome::Refused { generation: 2, .. }), "{outcome:?}");
    identity.reload_now().unwrap_err();
    assert!(outcomes.try_recv().is_err(), "the same fault is told once");
}
