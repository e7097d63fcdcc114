//! Chains put in order, keys held against them, and what is said of their dates.

use std::{
    io,
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::*;
use crate::{ConfigError, identity::chain};

type Authority = CertifiedIssuer<'static, KeyPair>;

/// Key identifiers as well as names lead from one to the next, or names alone.
#[derive(Clone, Copy, Debug)]
enum Hints {
    KeyIdentifiers,
    NamesAlone,
}

fn parameters(name: &str, hints: Hints) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.use_authority_key_identifier_extension = matches!(hints, Hints::KeyIdentifiers);
    parameters
}

fn authority(name: &str, above: Option<&Authority>, hints: Hints) -> Authority {
    let mut parameters = parameters(name, hints);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    match above {
        Some(above) => CertifiedIssuer::signed_by(parameters, key, above).unwrap(),
        None => CertifiedIssuer::self_signed(parameters, key).unwrap(),
    }
}

/// A chain in its order, from the end entity to the root, and the key.
fn chain_of_four(hints: Hints) -> (Vec<CertificateDer<'static>>, KeyPair) {
    let root = authority("root", None, hints);
    let upper = authority("upper", Some(&root), hints);
    let lower = authority("lower", Some(&upper), hints);
    let key = KeyPair::generate().unwrap();
    let leaf = parameters("leaf", hints).signed_by(&key, &lower).unwrap();
    let chain = [leaf.der(), lower.der(), upper.der(), root.der()].map(Clone::clone);
    (chain.to_vec(), key)
}

fn permutations<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    let mut all = vec![Vec::new()];
    for item in items {
        let longer = |shorter: &Vec<T>| -> Vec<Vec<T>> {
            (0..=shorter.len())
                .map(|place| [&shorter[..place], std::slice::from_ref(item), &shorter[place..]].concat())
                .collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

#[test]
fn a_chain_in_any_order_is_put_right() {
    for hints in [Hints::KeyIdentifiers, Hints::NamesAlone] {
        let (chain, key) = chain_of_four(hints);
        let orders = permutations(&chain);
        assert_eq!(orders.len(), 24);
        for given in orders {
            let identity = Identity::from_der(given.clone(), key.serialize_der()).unwrap();
            assert_eq!(identity.chain(), chain, "{hints:?}");
            // As for a key that does not tell its public part.
            assert_eq!(chain::in_order(&given, None).unwrap(), chain, "{hints:?}");
        }
    }
}

#[test]
fn pem_is_put_in_order_too() {
    let pem = [fixture("root.pem"), fixture("ec.cert.pem")].concat();
    let identity = Identity::from_pem(&pem, &fixture("ec.bare.pem")).unwrap();
    assert_eq!(identity.chain(), [certificate("ec.cert.pem"), certificate("root.pem")]);
}

#[test]
fn a_certificate_that_occurs_twice_is_taken_once() {
    let (chain, key) = chain_of_four(Hints::KeyIdentifiers);
    let twice = [chain.clone(), chain.clone()].concat();
    assert_eq!(Identity::from_der(twice, key.serialize_der()).unwrap().chain(), chain);
}

#[test]
fn an_authority_with_two_certificates_has_both_in_the_chain() {
    let hints = Hints::KeyIdentifiers;
    let (old_root, new_root) = (authority("old root", None, hints), authority("new root", None, hints));
    let mut by_old = parameters("authority", hints);
    by_old.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let by_new = by_old.clone().signed_by(&key, &new_root).unwrap();
    let authority = CertifiedIssuer::signed_by(by_old, key, &old_root).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = parameters("leaf", hints).signed_by(&key, &authority).unwrap();
    let given = [by_new.der(), authority.der(), leaf.der()].map(Clone::clone);
    let identity = Identity::from_der(given, key.serialize_der()).unwrap();
    assert_eq!(identity.chain(), [leaf.der(), by_new.der(), authority.der()].map(Clone::clone));
}

#[test]
fn a_stranger_goes_to_the_end_with_a_warning() {
    let (mut chain, key) = chain_of_four(Hints::KeyIdentifiers);
    let stranger = authority("stranger", None, Hints::KeyIdentifiers).der().clone();
    chain.insert(0, stranger.clone());
    let (identity, log) = logged(|| Identity::from_der(chain.clone(), key.serialize_der()).unwrap());
    chain.rotate_left(1);
    assert_eq!(identity.chain(), chain);
    assert!(log.contains("not part of the identity's chain") && log.contains(r#""stranger""#), "{log}");
}

#[test]
fn a_chain_in_order_and_in_time_is_passed_in_silence() {
    let (chain, key) = chain_of_four(Hints::KeyIdentifiers);
    let (_, log) = logged(|| Identity::from_der(chain, key.serialize_der()).unwrap());
    assert_eq!(log, "");
}

#[test]
fn of_two_certificates_for_one_key_and_time_the_first_is_taken() {
    let key = KeyPair::generate().unwrap();
    let hints = Hints::NamesAlone;
    let [old, new] = ["old", "new"].map(|name| parameters(name, hints).self_signed(&key).unwrap());
    let given = [new.der().clone(), old.der().clone()];
    assert_eq!(Identity::from_der(given.clone(), key.serialize_der()).unwrap().chain(), given);
}

/// Whether this one is the end entity's, in whichever order the two are given.
fn is_preferred(one: &CertificateDer<'static>, other: &CertificateDer<'static>, key: &KeyPair) -> bool {
    [[one, other], [other, one]].iter().all(|given| {
        let identity = Identity::from_der(given.map(Clone::clone), key.serialize_der()).unwrap();
        identity.chain() == [one.clone(), other.clone()]
    })
}

#[test]
fn of_two_certificates_for_one_key_that_of_this_time_is_taken() {
    let key = KeyPair::generate().unwrap();
    for hints in [Hints::KeyIdentifiers, Hints::NamesAlone] {
        let issuer = authority("authority", None, hints);
        let leaf = |from: i32, until: i32| {
            let mut parameters = parameters("leaf", hints);
            parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
            parameters.not_after = rcgen::date_time_ymd(until, 1, 1);
            parameters.signed_by(&key, &issuer).unwrap().der().clone()
        };
        let current = leaf(2001, 2901);
        for other in [leaf(2001, 2002), leaf(2902, 2999), leaf(2002, 2900)] {
            assert!(is_preferred(&current, &other, &key), "{hints:?}");
        }
        // Where neither is of this time, the one that expires last.
        assert!(is_preferred(&leaf(2001, 2003), &leaf(2001, 2002), &key));
    }
}

#[test]
fn dates_do_not_choose_between_two_keys() {
    let signed = |until: i32| {
        let mut parameters = parameters("leaf", Hints::KeyIdentifiers);
        parameters.not_after = rcgen::date_time_ymd(until, 1, 1);
        parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    };
    let given = [signed(2900), signed(2999)];
    assert_eq!(
        chain::in_order(&given, None).unwrap(),
        given,
        "nothing but the order tells whose signer it is"
    );
}

#[test]
fn a_key_of_another_certificate_is_a_mismatch() {
    // Each tells its public part, or at least its algorithm.
    let pairs = [
        ("root.pem", "ec.pkcs8.pem"),
        ("root.pem", "ec.sec1.pem"),
        ("ec.cert.pem", "rsa.pkcs8.pem"),
        ("ec.cert.pem", "rsa.pkcs1.pem"),
        ("rsa.cert.pem", "ec.bare.pem"),
        ("rsa.cert.pem", "ed25519.pkcs8.pem"),
    ];
    for (chain, key) in pairs {
        let error = Identity::from_pem(&fixture(chain), &fixture(key)).unwrap_err();
        assert_eq!(error, ConfigError::KeyMismatch, "{chain} {key}");
        assert_eq!(Identity::from_pem_files(path(chain), path(key)).unwrap_err(), error, "{chain} {key}");
    }
    let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let other_rsa = Identity::from_der([certificate("rsa.cert.pem")], rsa.serialize_der());
    assert_eq!(other_rsa.unwrap_err(), ConfigError::KeyMismatch);
    let ed25519 = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let other_ed25519 = Identity::from_der([certificate("ed25519.cert.pem")], ed25519.serialize_der());
    assert_eq!(other_ed25519.unwrap_err(), ConfigError::KeyMismatch, "PKCS#8 version 2 tells the public key");
}

#[test]
fn a_key_that_does_not_tell_its_public_part_is_left_to_the_backend() {
    assert!(Identity::from_pem(&fixture("root.pem"), &fixture("ec.bare.pem")).is_ok());
}

#[test]
fn an_expired_certificate_is_a_warning_with_its_date() {
    let mut parameters = parameters("of the past", Hints::NamesAlone);
    parameters.not_after = rcgen::date_time_ymd(2001, 2, 3);
    let log = log_of(parameters);
    assert!(log.contains("has expired"), "{log}");
    assert!(
        log.contains(r#"certificate="of the past""#) && log.contains("not_after=2001-02-03T00:00:00Z"),
        "{log}"
    );
}

#[test]
fn a_certificate_of_the_future_is_a_warning_with_its_date() {
    let mut parameters = parameters("to come", Hints::NamesAlone);
    parameters.not_before = rcgen::date_time_ymd(2961, 2, 3);
    let log = log_of(parameters);
    assert!(log.contains("is not valid yet") && log.contains("not_before=2961-02-03T00:00:00Z"), "{log}");
}

#[cfg(feature = "encrypted-keys")]
#[test]
fn a_password_that_is_not_needed_is_a_warning() {
    let load =
        || Identity::from_pem_with_password(&fixture("ec.cert.pem"), &fixture("ec.pkcs8.pem"), PASSWORD);
    let (identity, log) = logged(load);
    assert!(identity.is_ok());
    assert!(log.contains("the private key is not encrypted") && !log.contains(PASSWORD), "{log}");
}

fn log_of(parameters: CertificateParams) -> String {
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap().der().clone();
    logged(|| Identity::from_der([certificate], key.serialize_der()).unwrap()).1
}

/// What the closure returns, and what it logs.
fn logged<T>(run: impl FnOnce() -> T) -> (T, String) {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let result = tracing::subscriber::with_default(subscriber, run);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    (result, text)
}

#[test]
fn sessions_are_bound_to_the_certificate_or_to_the_lineage() {
    let identity = || {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Identity::from_der([made.cert.der().clone()], made.signing_key.serialize_der()).unwrap()
    };
    let (one, other) = (identity(), identity());
    let binding = |identity: Identity| *identity.session_binding();
    assert_ne!(binding(one.clone()), binding(other.clone()));
    assert_eq!(binding(one.clone()), binding(one.clone().with_ocsp_response([0]).with_generation(2)));
    assert_eq!(binding(one.clone().with_lineage("line")), binding(other.clone().with_lineage("line")));
    assert_ne!(binding(one.clone().with_lineage("line")), binding(one.clone().with_lineage("another")));
    // A lineage cannot be made to look like a certificate.
    let certificate = one.chain()[0].to_vec();
    assert_ne!(binding(other.with_lineage(certificate)), binding(one));
}
