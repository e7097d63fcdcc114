//! Revocation over paths that are made here.

mod chains;
mod directory;
mod lists;
mod openssl;
mod responses;
mod staples;

use std::sync::Arc;

use self::chains::{Authority, LEAF, Path, verdict};
use super::{RevocationChecker, RevocationMode, RevocationPolicy};
use crate::CertificateError;

/// Whether this is [`CertificateError::RevocationUnknown`], and says so.
fn is_unknown(verdict: &Result<(), CertificateError>, words: &str) -> bool {
    matches!(verdict, Err(CertificateError::RevocationUnknown { detail }) if detail.contains(words))
}

fn is_revoked(verdict: &Result<(), CertificateError>) -> bool {
    matches!(verdict, Err(CertificateError::Revoked { .. }))
}

fn soft() -> RevocationPolicy {
    RevocationPolicy::soft_fail()
}

fn hard() -> RevocationPolicy {
    RevocationPolicy::hard_fail()
}

#[test]
fn the_modes_differ_in_what_silence_means() {
    let path = Path::new();
    for (policy, accepts_silence) in [(RevocationPolicy::off(), true), (soft(), true), (hard(), false)] {
        assert_eq!(verdict(&policy, &path, None).is_ok(), accepts_silence, "{policy:?}");
        let revoked = policy.clone().with_crls(path.lists(&[], &[LEAF]));
        assert_eq!(is_revoked(&verdict(&revoked, &path, None)), policy.mode != RevocationMode::Off);
        let good = policy.with_crls(path.lists(&[], &[]));
        assert_eq!(verdict(&good, &path, None), Ok(()));
    }
    assert!(is_unknown(&verdict(&hard(), &path, None), "no OCSP response was stapled"));
    assert_eq!(RevocationPolicy::default(), soft());
}

#[test]
fn lists_are_replaced_all_or_none() {
    let path = Path::new();
    let policy = hard().with_crls(path.lists(&[], &[]));
    let checker = RevocationChecker::new(&policy, Arc::new(chains::P256)).unwrap();
    let ask = || checker.check(&path.verified, &path.peer(), None, chains::now());
    assert_eq!(ask(), Ok(()));
    let broken = path.lists(&[], &[LEAF]).into_iter().chain([vec![0x30, 0].into()]);
    let error = checker.replace_crls(broken).unwrap_err();
    assert!(error.to_string().contains("a revocation list cannot be used"), "{error}");
    assert_eq!(ask(), Ok(()), "the old ones stay");
    checker.replace_crls(path.lists(&[], &[LEAF])).unwrap();
    assert!(is_revoked(&ask()));
    checker.replace_crls([]).unwrap();
    assert!(is_unknown(&ask(), "there is no revocation list of CN=intermediate"));
}

#[test]
fn who_is_trusted_himself_is_asked_nothing() {
    let root = Authority::root();
    let alone = crate::VerifiedChain::new(vec![root.certificate()]);
    let checker = RevocationChecker::new(&hard(), Arc::new(chains::P256)).unwrap();
    let name = "server.example".parse().unwrap();
    let peer = crate::ExpectedPeer::Server(&name);
    assert_eq!(checker.check(&alone, &peer, None, chains::now()), Ok(()));
    let partial = crate::VerifiedChain::partial(vec![root.certificate()]);
    assert!(is_unknown(&checker.check(&partial, &peer, None, chains::now()), "up to its root"));
    let empty = crate::VerifiedChain::new(Vec::new());
    assert!(is_unknown(&checker.check(&empty, &peer, None, chains::now()), "up to its root"));
}
