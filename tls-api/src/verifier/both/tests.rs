use rustls_pki_types::CertificateDer;

use super::{super::scripted::*, *};
use crate::ServerName;

fn accepts() -> Scripted {
    Scripted::accepting(&path())
}

fn refuses(reason: CertificateError) -> Scripted {
    Scripted::refusing(reason)
}

/// What the two together say and log, in each combination of answers that come at once and late.
fn asked(
    first: fn() -> Scripted,
    second: fn() -> Scripted,
) -> (Result<VerifiedChain, CertificateError>, String) {
    let mut found = None;
    for slow in [(false, false), (true, false), (false, true), (true, true)] {
        let (first, second) = (Arc::new(first().slow(slow.0)), Arc::new(second().slow(slow.1)));
        let verifier = both(first.clone(), second.clone());
        let (answer, log) = logged(|| verdict(&*verifier, &path(), "a.example", SystemTime::now()));
        assert_eq!((first.asked(), second.asked()), (1, 1), "each is asked once, whatever the other says");
        let (_, lines) = found.get_or_insert_with(|| (answer, log.clone()));
        assert_eq!(lines.lines().count(), log.lines().count());
    }
    found.unwrap()
}

#[test]
fn what_both_accept_is_accepted_with_the_firsts_path() {
    let [first, second] = [path(), path()];
    let verifier = both(Arc::new(Scripted::accepting(&first)), Arc::new(Scripted::accepting(&second)));
    let answer = verdict(&*verifier, &second, "a.example", SystemTime::now()).unwrap();
    assert_eq!(answer.path(), first);
    assert!(answer.reaches_root());
    let (answer, log) = asked(accepts, accepts);
    assert!(answer.is_ok() && log.is_empty(), "{log}");
}

#[test]
fn a_difference_is_a_refusal_and_a_warning_with_both_verdicts() {
    let refuses = || refuses(CertificateError::WrongUsage);
    for (answer, log) in [asked(accepts, refuses), asked(refuses, accepts)] {
        assert_eq!(answer.unwrap_err(), CertificateError::WrongUsage);
        assert_eq!(log.lines().count(), 1, "{log}");
        for part in
            ["WARN", "polytls::verifier", "accepted", "extended key usage", "the end entity", "a.example"]
        {
            assert!(log.contains(part), "{part} is missing: {log}");
        }
    }
    let (_, log) = asked(accepts, refuses);
    assert!(
        log.contains(r#"first="accepted""#) && log.contains(r#"second="the certificate's extended"#),
        "{log}"
    );
    let (_, log) = asked(refuses, accepts);
    assert!(
        log.contains(r#"second="accepted""#) && log.contains(r#"first="the certificate's extended"#),
        "{log}"
    );
}

#[test]
fn two_refusals_give_the_firsts_reason() {
    let (answer, log) =
        asked(|| refuses(CertificateError::UnknownIssuer), || refuses(CertificateError::BadSignature));
    assert_eq!(answer.unwrap_err(), CertificateError::UnknownIssuer);
    assert!(
        log.contains("DEBUG") && log.contains("no trusted root") && log.contains("does not verify"),
        "{log}"
    );
    let other = |detail: &str| CertificateError::Malformed { detail: detail.into() };
    let verifier = both(Arc::new(refuses(other("one"))), Arc::new(refuses(other("two"))));
    let (answer, log) = logged(|| verdict(&*verifier, &path(), "a.example", SystemTime::now()));
    assert_eq!(answer.unwrap_err(), other("one"));
    assert!(log.is_empty(), "other words for one fault are no difference: {log}");
}

#[test]
fn a_difference_about_a_client_says_so_and_garbage_breaks_no_line() {
    let garbage = [CertificateDer::from(b"\x30\x03\x1b\n\x00".to_vec())];
    let verifier = both(
        Arc::new(accepts()),
        Arc::new(refuses(CertificateError::Other { detail: "no\nWARN fake".into() })),
    );
    let ask = || verdict_for(&*verifier, &garbage, None, &ExpectedPeer::Client, SystemTime::now());
    let (answer, log) = logged(ask);
    assert!(answer.is_err());
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(log.contains("a client") && log.contains("malformed"), "{log}");
}

#[test]
fn the_revision_changes_with_either() {
    let of = |first, second| {
        both(Arc::new(accepts().of_revision(first)), Arc::new(accepts().of_revision(second))).revision()
    };
    let revisions = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (0, 2), (u64::MAX, 0), (0, u64::MAX)]
        .map(|(first, second)| of(Some(first), Some(second)));
    assert!(revisions.iter().all(Option::is_some));
    assert_eq!(revisions.iter().collect::<std::collections::HashSet<_>>().len(), revisions.len());
    assert_eq!(of(Some(1), Some(0)), revisions[2]);
    assert_eq!([of(None, Some(0)), of(Some(0), None), of(None, None)], [None; 3]);
}

#[test]
fn three_and_more_can_be_made_to_agree() {
    let third = Arc::new(refuses(CertificateError::REVOKED));
    let verifier = both(both(Arc::new(accepts()), Arc::new(accepts())), third);
    let name = ServerName::Ip([192, 0, 2, 1].into());
    let (answer, log) =
        logged(|| verdict_for(&*verifier, &path(), None, &ExpectedPeer::Server(&name), SystemTime::now()));
    assert_eq!(answer.unwrap_err(), CertificateError::REVOKED);
    assert!(log.contains("192.0.2.1"), "{log}");
    assert!(format!("{verifier:?}").contains("Both"));
}
