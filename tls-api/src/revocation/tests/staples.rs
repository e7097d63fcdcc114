//! Stapled responses, and certificates that say must-staple.

use polytls_x509::Certificate;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyUsagePurpose, date_time_ymd};

use super::{
    chains::{self, LEAF, P256, Path, must_staple, verdict},
    hard, is_revoked, is_unknown,
    responses::{GOOD, Response, UNKNOWN, der, revoked},
    soft,
};
use crate::{CertificateError, ExpectedPeer, RevocationChecker, RevocationPolicy, VerifiedChain};

/// A response for the path's leaf, changed and signed by the intermediate.
fn response(path: &Path, change: impl FnOnce(&mut Response<'_>)) -> Vec<u8> {
    let (issuer, leaf) = (path.intermediate.certificate(), path.leaf());
    let issuer = Certificate::parse(&issuer).unwrap();
    let mut response = Response::good(&issuer, &leaf);
    change(&mut response);
    response.signed_by(path.intermediate.issuer.key())
}

/// The same by a responder of its own, with this in its certificate.
fn delegated(path: &Path, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let (responder, key) = path.intermediate.issue(|params| {
        params.serial_number = Some(3.into());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        change(params);
    });
    by(path, responder, &key)
}

fn by(path: &Path, responder: rustls_pki_types::CertificateDer<'static>, key: &rcgen::KeyPair) -> Vec<u8> {
    let (issuer, leaf) = (path.intermediate.certificate(), path.leaf());
    let issuer = Certificate::parse(&issuer).unwrap();
    let mut response = Response::good(&issuer, &leaf);
    response.responder = Some(responder);
    response.signed_by(key)
}

/// HardFail with a list of the root's alone, so that the leaf's status is what the response says.
fn hard_for_leaf(path: &Path) -> RevocationPolicy {
    hard().with_crls([path.lists(&[], &[]).remove(0)])
}

/// What HardFail says with this response.
fn with_response(path: &Path, response: &[u8]) -> Result<(), CertificateError> {
    verdict(&hard_for_leaf(path), path, Some(response))
}

#[test]
fn good_is_good_however_the_responder_names_things() {
    let path = Path::new();
    for (sha256, by_key) in [(false, false), (true, false), (false, true), (true, true)] {
        let staple = response(&path, |response| {
            (response.sha256, response.by_key) = (sha256, by_key);
        });
        assert_eq!(with_response(&path, &staple), Ok(()), "{sha256} {by_key}");
        assert_eq!(verdict(&soft(), &path, Some(&staple)), Ok(()));
    }
}

#[test]
fn revoked_is_refused_whatever_the_lists_say() {
    let path = Path::new();
    let staple = response(&path, |response| response.status = revoked());
    for policy in [soft(), hard(), hard().with_crls(path.lists(&[], &[]))] {
        let found = verdict(&policy, &path, Some(&staple));
        let Err(CertificateError::Revoked { at: Some(at), reason: Some(reason) }) = found else {
            panic!("{found:?}")
        };
        assert_eq!(
            (crate::error::date(at).as_str(), reason.to_string().as_str()),
            ("2026-05-01 00:00 UTC", "key compromise")
        );
    }
    assert_eq!(verdict(&RevocationPolicy::off(), &path, Some(&staple)), Ok(()));
    let good = response(&path, |_| ());
    assert!(is_revoked(&verdict(&soft().with_crls(path.lists(&[], &[LEAF])), &path, Some(&good))));
}

#[test]
fn what_is_not_usable_says_nothing() {
    let path = Path::new();
    let critical = || {
        let extension = der(0x30, &[&[6, 3, 0x55, 0x1d, 99, 1, 1, 0xff], &der(4, &[&[5, 0]])]);
        der(0xa1, &[&der(0x30, &[&extension])])
    };
    type Change = Box<dyn Fn(&mut Response<'_>)>;
    let cases: Vec<(&str, Change)> = vec![
        ("for another certificate", Box::new(|r| r.serial_number = &[0x10, 2])),
        ("outdated since 2026-06-14", Box::new(|r| r.next_update = Some("20260614235959Z"))),
        (
            "does not say for how long",
            Box::new(|r| {
                (r.next_update, r.this_update) = (None, "20260613235959Z");
            }),
        ),
        ("in force only from", Box::new(|r| r.this_update = "20260615000501Z")),
        ("made only on", Box::new(|r| r.produced_at = "20260615000501Z")),
        ("does not know the certificate", Box::new(|r| r.status = UNKNOWN.to_vec())),
        ("critical extension", Box::new(move |r| r.extensions[0] = critical())),
        ("critical extension", Box::new(move |r| r.extensions[1] = critical())),
    ];
    for (words, change) in cases {
        for status in [super::responses::GOOD.to_vec(), revoked()] {
            let staple = response(&path, |response| {
                response.status = status;
                change(response);
            });
            let found = with_response(&path, &staple);
            assert!(is_unknown(&found, words), "{words}: {found:?}");
            assert_eq!(verdict(&soft(), &path, Some(&staple)), Ok(()), "{words}");
            assert_eq!(verdict(&hard().with_crls(path.lists(&[], &[])), &path, Some(&staple)), Ok(()));
        }
    }
    let tolerated: [fn(&mut Response<'_>); 2] =
        [|r| r.this_update = "20260615000459Z", |r| r.next_update = None];
    for change in tolerated {
        assert_eq!(with_response(&path, &response(&path, change)), Ok(()));
    }
}

#[test]
fn of_several_things_that_a_response_says_the_worst_counts() {
    let path = Path::new();
    let staple = |before: &[u8], last: &[u8]| {
        response(&path, |response| {
            (response.before, response.status) = (vec![before.to_vec()], last.to_vec());
        })
    };
    let revoked = revoked();
    for (one, other) in [(GOOD, &*revoked), (UNKNOWN, &revoked)] {
        assert!(is_revoked(&with_response(&path, &staple(one, other))));
        assert!(is_revoked(&with_response(&path, &staple(other, one))));
    }
    for (one, other) in [(GOOD, UNKNOWN), (UNKNOWN, GOOD)] {
        let found = with_response(&path, &staple(one, other));
        assert!(is_unknown(&found, "does not know the certificate"), "{found:?}");
    }
    assert_eq!(with_response(&path, &staple(GOOD, GOOD)), Ok(()));
}

#[test]
fn no_octet_of_a_response_may_change() {
    let path = Path::new();
    let staple = response(&path, |_| ());
    for place in 0..staple.len() {
        let mut changed = staple.clone();
        changed[place] ^= 1;
        let found = with_response(&path, &changed);
        assert!(is_unknown(&found, ""), "octet {place} of {}: {found:?}", staple.len());
    }
    for length in 0..staple.len() {
        assert!(is_unknown(&with_response(&path, &staple[..length]), "malformed"), "{length}");
    }
    assert!(is_unknown(&with_response(&path, &vec![0x30; (64 << 10) + 1]), "larger than 64 KiB"));
    assert!(is_unknown(&with_response(&path, &[0x30, 3, 10, 1, 3]), "status 3"));
}

#[test]
fn a_responder_is_one_that_the_issuer_made() {
    let path = Path::new();
    assert_eq!(with_response(&path, &delegated(&path, |_| ())), Ok(()));
    type Change = fn(&mut CertificateParams);
    let cases: [(&str, Change); 5] = [
        ("not for OCSP", |params| params.extended_key_usages.clear()),
        ("not for OCSP", |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]),
        ("key usage", |params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment]),
        ("valid from", |params| params.not_after = date_time_ymd(2026, 6, 14)),
        ("valid from", |params| params.not_before = date_time_ymd(2026, 6, 16)),
    ];
    for (words, change) in cases {
        let found = with_response(&path, &delegated(&path, change));
        assert!(is_unknown(&found, words), "{words}: {found:?}");
    }
    let ocsp = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
    };
    // The root's, which is not the leaf's issuer; and of a namesake of the issuer.
    let (responder, key) = path.root.issue(ocsp);
    assert!(is_unknown(&with_response(&path, &by(&path, responder, &key)), "another issuer"));
    let (responder, key) = path.root.below(|_| ()).issue(ocsp);
    assert!(is_unknown(&with_response(&path, &by(&path, responder, &key)), "did not make one"));
    // A leaf that the issuer made, but no responder.
    let (leaf, key) = path.intermediate.issue(|_| ());
    assert!(is_unknown(&with_response(&path, &by(&path, leaf, &key)), "not for OCSP"));
    // An authority below the issuer, which answers for what it issues itself.
    let authority = path.intermediate.below(|params| {
        ocsp(params);
        params.key_usages.push(KeyUsagePurpose::DigitalSignature);
    });
    let staple = by(&path, authority.certificate(), authority.issuer.key());
    assert!(is_unknown(&with_response(&path, &staple), "an authority"));
    // Signed by another key than the responder's.
    let (responder, _) = path.intermediate.issue(ocsp);
    let found = with_response(&path, &by(&path, responder, &rcgen::KeyPair::generate().unwrap()));
    assert!(is_unknown(&found, "not signed by its responder"), "{found:?}");
}

#[test]
fn a_response_speaks_of_the_end_entity_alone() {
    let path = Path::new();
    let staple = response(&path, |_| ());
    assert!(is_unknown(&verdict(&hard(), &path, Some(&staple)), "no revocation list of CN=root"));
}

#[test]
fn must_staple_needs_a_good_staple_unless_nothing_is_asked() {
    let path = Path::with(|_| (), must_staple);
    let lists = path.lists(&[], &[]);
    let good = response(&path, |_| ());
    let outdated = response(&path, |response| response.next_update = Some("20260614120000Z"));
    for policy in [soft(), soft().with_crls(lists.clone()), hard().with_crls(lists)] {
        assert_eq!(verdict(&policy, &path, Some(&good)), Ok(()));
        let found = verdict(&policy, &path, None);
        assert!(
            is_unknown(&found, "says must-staple (RFC 7633), and no OCSP response was stapled"),
            "{found:?}"
        );
        let found = verdict(&policy, &path, Some(&outdated));
        assert!(is_unknown(&found, "stapled is outdated since"), "{found:?}");
    }
    assert_eq!(verdict(&RevocationPolicy::off(), &path, None), Ok(()));
}

#[test]
fn must_staple_is_asked_of_servers_alone() {
    let path = Path::with(|_| (), must_staple);
    let checker = RevocationChecker::new(&soft(), std::sync::Arc::new(P256)).unwrap();
    assert_eq!(checker.check(&path.verified, &ExpectedPeer::Client, None, chains::now()), Ok(()));
}

#[test]
fn must_staple_is_asked_where_the_issuer_is_not_told_too() {
    let path = Path::with(|_| (), must_staple);
    let good = response(&path, |_| ());
    let leaf = path.verified.path()[0].clone();
    let checker = RevocationChecker::new(&soft(), std::sync::Arc::new(P256)).unwrap();
    let ask = |verified| checker.check(&verified, &path.peer(), Some(&good), chains::now());
    let found = ask(VerifiedChain::partial(vec![leaf.clone()]));
    assert!(is_unknown(&found, "says must-staple (RFC 7633), and"), "{found:?}");
    assert_eq!(ask(VerifiedChain::new(vec![leaf])), Ok(()), "who is trusted himself is asked nothing");
}

#[test]
fn an_authority_may_promise_it_for_what_it_issues() {
    let path = Path::with(must_staple, |_| ());
    let good = response(&path, |_| ());
    assert!(is_unknown(&verdict(&soft(), &path, Some(&good)), "this one does not"));
    let path = Path::with(must_staple, must_staple);
    assert_eq!(verdict(&soft(), &path, Some(&response(&path, |_| ()))), Ok(()));
}
