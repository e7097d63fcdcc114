//! Lists: whose they are, when they count, and what they cover (RFC 5280 §6.3.3).

use std::sync::Arc;

use polytls_x509::RevocationReason as Reason;
use rcgen::{CrlIssuingDistributionPoint, CrlScope, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason};

use super::{
    chains::{Crl, INTERMEDIATE, LEAF, ListOptions, P256, Path, now, point_at, verdict},
    hard, is_revoked, is_unknown,
    responses::{der, sign},
    soft,
};
use crate::{CertificateError, RevocationChecker, VerifiedChain};

/// What HardFail says with this in place of the intermediate's list.
fn with_list(path: &Path, lists: impl IntoIterator<Item = Crl>) -> Result<(), CertificateError> {
    let of_root = path.root.list(&[], ListOptions::default());
    verdict(&hard().with_crls(lists.into_iter().chain([of_root])), path, None)
}

#[test]
fn every_certificate_below_the_root_is_asked_about() {
    let path = Path::new();
    for policy in [soft(), hard()] {
        assert_eq!(verdict(&policy.clone().with_crls(path.lists(&[7], &[7])), &path, None), Ok(()));
        let of_intermediate = policy.with_crls(path.lists(&[INTERMEDIATE], &[]));
        assert!(is_revoked(&verdict(&of_intermediate, &path, None)));
    }
    let [of_root, of_intermediate] = [path.lists(&[], &[]).remove(0), path.lists(&[], &[]).remove(1)];
    let found = verdict(&hard().with_crls([of_root]), &path, None);
    assert!(is_unknown(&found, "no revocation list of CN=intermediate"), "{found:?}");
    let found = verdict(&hard().with_crls([of_intermediate]), &path, None);
    assert!(is_unknown(&found, "no revocation list of CN=root"), "{found:?}");
}

#[test]
fn it_is_told_when_and_why() {
    let path = Path::new();
    let options = ListOptions { reason: Some(RevocationReason::KeyCompromise), ..Default::default() };
    let found = with_list(&path, [path.intermediate.list(&[1, LEAF, u64::MAX], options)]);
    let Err(CertificateError::Revoked { at: Some(at), reason }) = found else { panic!("{found:?}") };
    assert_eq!(reason, Some(Reason::KeyCompromise));
    assert_eq!(crate::error::date(at), "2026-05-01 00:00 UTC");
}

#[test]
fn on_hold_is_revoked_and_removed_from_the_list_is_not() {
    let path = Path::new();
    for (reason, revoked) in
        [(RevocationReason::CertificateHold, true), (RevocationReason::RemoveFromCrl, false)]
    {
        let options = ListOptions { reason: Some(reason), ..Default::default() };
        let found = with_list(&path, [path.intermediate.list(&[LEAF], options)]);
        assert_eq!(is_revoked(&found), revoked, "{found:?}");
    }
}

#[test]
fn a_list_counts_from_its_beginning_to_its_end() {
    let path = Path::new();
    for (days, words) in [((1, 14), "outdated since 2026-06-14"), ((16, 30), "in force only from 2026-06-16")]
    {
        let list = path.intermediate.list(&[LEAF], ListOptions { days: Some(days), ..Default::default() });
        let found = with_list(&path, [list]);
        assert!(is_unknown(&found, words), "{found:?}");
    }
    for days in [(15, 30), (1, 15)] {
        let list = path.intermediate.list(&[], ListOptions { days: Some(days), ..Default::default() });
        assert_eq!(with_list(&path, [list]), Ok(()), "{days:?}");
    }
}

#[test]
fn the_newest_list_in_force_counts() {
    let path = Path::new();
    let list = |revoked: &[u64], days, number| {
        let options = ListOptions { days: Some(days), number: Some(number), ..Default::default() };
        path.intermediate.list(revoked, options)
    };
    let (old, newer) = (list(&[LEAF], (1, 30), 1), list(&[], (2, 30), 2));
    assert_eq!(with_list(&path, [old.clone(), newer.clone()]), Ok(()));
    assert_eq!(with_list(&path, [newer.clone(), old]), Ok(()));
    assert!(is_revoked(&with_list(&path, [newer.clone(), list(&[LEAF], (2, 30), 300)])), "by its number");
    let future = list(&[], (20, 30), 3);
    assert!(is_revoked(&with_list(&path, [future, list(&[LEAF], (1, 30), 1)])), "not in force yet");
}

#[test]
fn another_of_the_same_name_hides_nothing_and_says_nothing() {
    let path = Path::new();
    // Under the same root by the same name, with another key.
    let namesake = path.root.below(|_| ());
    let theirs = namesake.list(&[LEAF], ListOptions { days: Some((10, 30)), ..Default::default() });
    let own = path.intermediate.list(&[], ListOptions::default());
    assert_eq!(with_list(&path, [theirs.clone(), own.clone()]), Ok(()));
    assert!(is_unknown(&with_list(&path, [theirs]), "one is not signed by it"));
    let mut forged = own.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let found = with_list(&path, [Crl::from(forged.clone())]);
    assert!(is_unknown(&found, "not signed by it"), "{found:?}");
    assert_eq!(with_list(&path, [Crl::from(forged), own]), Ok(()));
}

/// A server chooses which of its issuer's certificates it presents.
#[test]
fn a_list_counts_whatever_a_certificate_calls_the_key_that_signed_it() {
    let path = Path::new();
    let key = KeyPair::try_from(path.intermediate.issuer.key().serialize_der()).unwrap();
    let crossed = path.root.below_with(key, |params| {
        params.key_identifier_method = KeyIdMethod::PreSpecified(b"another".to_vec());
    });
    let verified = VerifiedChain::new(vec![
        path.verified.path()[0].clone(),
        crossed.certificate(),
        path.root.certificate(),
    ]);
    for (revoked, is_good) in [(&[][..], true), (&[LEAF], false)] {
        let policy = hard().with_crls(path.lists(&[], revoked));
        let checker = RevocationChecker::new(&policy, Arc::new(P256)).unwrap();
        let found = checker.check(&verified, &path.peer(), None, now());
        assert_eq!((found.is_ok(), is_revoked(&found)), (is_good, !is_good), "{found:?}");
    }
}

#[test]
fn an_issuer_that_may_not_sign_lists_has_none() {
    let list = |path: &Path| [written(path, false, &[], &[crl_number(false)])];
    let path = Path::with(|ca| ca.key_usages = vec![KeyUsagePurpose::KeyCertSign], |_| ());
    assert!(is_unknown(&with_list(&path, list(&path)), "key usage"));
    // RFC 5280 §6.3.3 (f): where there is a key usage.
    let path = Path::with(|ca| ca.key_usages.clear(), |_| ());
    assert_eq!(with_list(&path, list(&path)), Ok(()));
}

#[test]
fn a_list_of_a_kind_covers_that_kind_but_what_it_names_is_revoked() {
    let point = |scope| {
        let distribution_point = point_at("http://a.example/1.crl");
        Some(CrlIssuingDistributionPoint { distribution_point, scope })
    };
    let path =
        Path::with(|_| (), |leaf| leaf.crl_distribution_points = vec![point_at("http://a.example/1.crl")]);
    let list = |revoked: &[u64], scope| {
        path.intermediate.list(revoked, ListOptions { point: point(scope), ..Default::default() })
    };
    assert_eq!(with_list(&path, [list(&[], Some(CrlScope::UserCertsOnly))]), Ok(()));
    assert_eq!(with_list(&path, [list(&[], None)]), Ok(()));
    let found = with_list(&path, [list(&[], Some(CrlScope::CaCertsOnly))]);
    assert!(is_unknown(&found, "another kind"), "{found:?}");
    assert!(is_revoked(&with_list(&path, [list(&[LEAF], Some(CrlScope::CaCertsOnly))])));
}

#[test]
fn a_list_of_a_point_covers_what_names_the_point() {
    for (uris, covered) in [
        (&["http://a.example/1.crl"][..], true),
        (&["http://a.example/2.crl", "http://a.example/1.crl"], true),
        (&["http://a.example/2.crl"], false),
        (&[], false),
    ] {
        let path = Path::with(
            |_| (),
            |leaf| leaf.crl_distribution_points = uris.iter().map(|uri| point_at(uri)).collect(),
        );
        let distribution_point = point_at("http://a.example/1.crl");
        let point = Some(CrlIssuingDistributionPoint { distribution_point, scope: None });
        let found =
            with_list(&path, [path.intermediate.list(&[], ListOptions { point, ..Default::default() })]);
        assert_eq!(found.is_ok(), covered, "{uris:?}: {found:?}");
        assert!(covered || is_unknown(&found, "distribution point"), "{found:?}");
    }
}

#[test]
fn each_part_of_an_issuers_certificates_has_its_newest_list() {
    let path =
        Path::with(|_| (), |leaf| leaf.crl_distribution_points = vec![point_at("http://a.example/1.crl")]);
    let part = |uri: &str, revoked: &[u64], from| {
        let point = CrlIssuingDistributionPoint { distribution_point: point_at(uri), scope: None };
        let options = ListOptions { days: Some((from, 30)), point: Some(point), ..Default::default() };
        path.intermediate.list(revoked, options)
    };
    let (own, other) = ("http://a.example/1.crl", "http://a.example/2.crl");
    assert_eq!(with_list(&path, [part(other, &[7], 3), part(own, &[], 1)]), Ok(()));
    assert!(is_revoked(&with_list(&path, [part(other, &[], 3), part(own, &[LEAF], 1)])));
    assert_eq!(with_list(&path, [part(own, &[LEAF], 1), part(own, &[], 2)]), Ok(()));
    // Another part's list that names it counts, until a newer one of that part does not.
    assert!(is_revoked(&with_list(&path, [part(other, &[LEAF], 1), part(own, &[], 2)])));
    assert_eq!(with_list(&path, [part(other, &[LEAF], 1), part(other, &[], 2), part(own, &[], 2)]), Ok(()));
}

#[test]
fn a_thousand_entries_are_found_each() {
    let path = Path::new();
    let numbers: Vec<u64> = (0..1000).map(|n| n * 7919 % 100_003 + 0x10_0000).collect();
    let list = path.intermediate.list(&numbers, ListOptions::default());
    assert_eq!(with_list(&path, [list]), Ok(()));
    let with_leaf = [&numbers[..500], &[LEAF], &numbers[500..]].concat();
    assert!(is_revoked(&with_list(&path, [path.intermediate.list(&with_leaf, ListOptions::default())])));
}

/// ecdsa-with-SHA256, and an extension's number below id-ce.
const ALGORITHM: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

fn extension(number: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    der(0x30, &[&[6, 3, 0x55, 0x1d, number], critical, &der(4, &[value])])
}

fn crl_number(critical: bool) -> Vec<u8> {
    extension(20, critical, &[2, 1, 1])
}

/// A list of the intermediate's, written by hand: it names the leaf with these extensions, and has these of its own.
fn written(path: &Path, names_leaf: bool, of_entry: &[Vec<u8>], of_list: &[Vec<u8>]) -> Crl {
    let of_entry = match of_entry.concat() {
        extensions if extensions.is_empty() => Vec::new(),
        extensions => der(0x30, &[&extensions]),
    };
    let entry = der(0x30, &[&[2, 2, 0x10, 0x01], &der(0x17, &[b"260501000000Z"]), &of_entry]);
    let entries = if names_leaf { der(0x30, &[&entry]) } else { Vec::new() };
    let extensions = der(0xa0, &[&der(0x30, &[&of_list.concat()])]);
    let tbs = der(
        0x30,
        &[
            &[2, 1, 1],
            ALGORITHM,
            path.leaf().issuer.der(),
            &der(0x17, &[b"260601000000Z"]),
            &der(0x17, &[b"260630000000Z"]),
            &entries,
            &extensions,
        ],
    );
    Crl::from(der(0x30, &[&tbs, ALGORITHM, &sign(path.intermediate.issuer.key(), &tbs)]))
}

#[test]
fn what_a_list_says_in_a_way_that_is_not_known_is_not_used() {
    let path = Path::new();
    let number = || crl_number(false);
    assert_eq!(with_list(&path, [written(&path, false, &[], &[number()])]), Ok(()));
    assert!(is_revoked(&with_list(&path, [written(&path, true, &[], &[number()])])));
    let indirect = extension(28, true, &[0x30, 3, 0x84, 1, 0xff]);
    let issuer = extension(29, true, &der(0x30, &[&der(0xa4, &[path.leaf().subject.der()])]));
    for (of_entry, of_list, words) in [
        (vec![], vec![number(), extension(99, true, &[5, 0])], "critical extension"),
        (vec![extension(99, true, &[5, 0])], vec![number()], "critical extension"),
        (vec![], vec![crl_number(true)], "critical cRLNumber"),
        (vec![], vec![number(), indirect], "indirect"),
        (vec![issuer], vec![number()], "another issuer's"),
    ] {
        // RFC 5280 §5.2: it must not be used, be it for good or for bad.
        let found = with_list(&path, [written(&path, true, &of_entry, &of_list)]);
        assert!(is_unknown(&found, words), "{words}: {found:?}");
    }
}

#[test]
fn a_list_without_a_number_names_but_does_not_cover() {
    let path = Path::new();
    let aki = extension(99, false, &[5, 0]);
    assert!(is_revoked(&with_list(&path, [written(&path, true, &[], std::slice::from_ref(&aki))])));
    assert!(is_unknown(&with_list(&path, [written(&path, false, &[], &[aki])]), "no cRLNumber"));
}

#[test]
fn a_list_of_some_reasons_names_but_does_not_cover() {
    let path = Path::new();
    let some = || vec![crl_number(false), extension(28, true, &[0x30, 4, 0x83, 2, 6, 0x40])];
    assert!(is_revoked(&with_list(&path, [written(&path, true, &[], &some())])));
    assert!(is_unknown(&with_list(&path, [written(&path, false, &[], &some())]), "some reasons"));
}

#[test]
fn what_can_never_be_used_is_an_error_of_configuration() {
    let path = Path::new();
    let delta = written(&path, false, &[], &[crl_number(false), extension(27, true, &[2, 1, 1])]);
    for (list, words) in [(delta, "a delta"), (Crl::from(vec![0x30, 0]), "cannot be used")] {
        let error = RevocationChecker::new(&hard().with_crls([list]), Arc::new(P256)).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}
