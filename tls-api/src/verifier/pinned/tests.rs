use super::{super::scripted::*, *};

/// A digest that no key has.
const NO_KEY: SpkiPin = SpkiPin([7; 32]);

fn pins(pin: SpkiPin) -> Pins {
    Pins::new(pin, NO_KEY).unwrap()
}

/// The digest as rcgen makes it, of a key's DER.
fn digest(key: &rcgen::KeyPair) -> SpkiPin {
    SpkiPin::new(Sha256::digest(rcgen::PublicKeyData::subject_public_key_info(key)).into())
}

#[test]
fn a_pin_is_the_digest_of_the_subject_public_key_info() {
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let params = rcgen::CertificateParams::new(vec!["a.example".into()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        assert_eq!(SpkiPin::of(certificate.der()).unwrap(), digest(&key));
    }
    let garbage = CertificateDer::from(vec![0x30, 0]);
    assert!(matches!(SpkiPin::of(&garbage), Err(CertificateError::Malformed { .. })));
}

#[test]
fn any_key_of_the_path_may_be_pinned() {
    let path = path();
    for (slow, certificate) in [(false, 0), (true, 0), (false, 1), (true, 1), (false, 2), (true, 2)] {
        let inner = Arc::new(Scripted::accepting(&path).slow(slow));
        let pin = SpkiPin::of(&path[certificate]).unwrap();
        for pins in [pins(pin), Pins::new(NO_KEY, pin).unwrap(), Pins::danger_without_backup(pin)] {
            // The root is not among what the peer presents.
            let verifier = pinned(inner.clone(), pins);
            let answer = verdict(&*verifier, &path[..2], "a.example", SystemTime::now()).unwrap();
            assert_eq!((answer.path(), answer.reaches_root()), (&path[..], true));
        }
    }
    let more = pins(SpkiPin::new([8; 32])).and(SpkiPin::of(&path[2]).unwrap());
    let verifier = pinned(Arc::new(Scripted::accepting(&path)), more);
    assert!(verdict(&*verifier, &path[..2], "a.example", SystemTime::now()).is_ok());
}

#[test]
fn a_path_without_a_pinned_key_is_refused_with_the_pins_it_has() {
    let path = path();
    let verifier = pinned(Arc::new(Scripted::accepting(&path)), pins(SpkiPin::new([8; 32])));
    let error = verdict(&*verifier, &path, "a.example", SystemTime::now()).unwrap_err();
    let presented = path.iter().map(|certificate| SpkiPin::of(certificate).unwrap().to_string()).collect();
    assert_eq!(error, CertificateError::NotPinned { presented });
    // What it names, somebody who means it can pin.
    let CertificateError::NotPinned { presented } = error else { unreachable!() };
    let verifier = pinned(Arc::new(Scripted::accepting(&path)), pins(presented[1].parse().unwrap()));
    assert!(verdict(&*verifier, &path, "a.example", SystemTime::now()).is_ok());
}

#[test]
fn a_certificate_that_is_presented_and_not_in_the_path_satisfies_no_pin() {
    let ([leaf, intermediate, root], [_, other_intermediate, other_root]) = (path(), path());
    let inner = Arc::new(Scripted::accepting(&[leaf.clone(), intermediate.clone(), root]));
    let presented = [leaf, intermediate, other_intermediate.clone(), other_root.clone()];
    for stranger in [other_intermediate, other_root] {
        let verifier = pinned(inner.clone(), pins(SpkiPin::of(&stranger).unwrap()));
        let answer = verdict(&*verifier, &presented, "a.example", SystemTime::now());
        assert!(matches!(answer, Err(CertificateError::NotPinned { .. })), "{answer:?}");
    }
}

#[test]
fn a_pin_makes_up_for_nothing() {
    let path = path();
    let pins = pins(SpkiPin::of(&path[0]).unwrap());
    let verifier = pinned(Arc::new(Scripted::refusing(CertificateError::UnknownIssuer)), pins.clone());
    let answer = verdict(&*verifier, &path, "a.example", SystemTime::now());
    assert_eq!(answer.unwrap_err(), CertificateError::UnknownIssuer);
    // A path that ends early satisfies what it has, and no more.
    let partial = || Scripted::answering(Ok(VerifiedChain::partial(path[..1].to_vec())));
    assert!(verdict(&*pinned(Arc::new(partial()), pins), &path, "a.example", SystemTime::now()).is_ok());
    let root = Pins::new(SpkiPin::of(&path[2]).unwrap(), NO_KEY).unwrap();
    assert!(verdict(&*pinned(Arc::new(partial()), root), &path, "a.example", SystemTime::now()).is_err());
}

#[test]
fn a_path_that_cannot_be_parsed_has_no_pinned_key() {
    let garbage = [CertificateDer::from(vec![0x30, 0])];
    let verifier = pinned(Arc::new(Scripted::accepting(&garbage)), pins(SpkiPin::new([8; 32])));
    let error = verdict(&*verifier, &garbage, "a.example", SystemTime::now()).unwrap_err();
    assert_eq!(error, CertificateError::NotPinned { presented: Vec::new() });
}

#[test]
fn a_pin_is_read_as_it_is_written() {
    let pin = SpkiPin::new(std::array::from_fn(|at| at as u8));
    let text = "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    assert_eq!(pin.to_string(), text);
    assert_eq!(text.parse(), Ok(pin));
    assert_eq!("sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".parse(), Ok(pin), "as curl has it");
    // 0xff begins with a slash in base64.
    let slashes = SpkiPin::new([0xff; 32]);
    assert_eq!(slashes.to_string(), format!("sha256/{}8=", "/".repeat(42)));
    assert_eq!(slashes.to_string().parse(), Ok(slashes));
    assert_eq!(slashes.to_string().replacen('/', "//", 1).parse(), Ok(slashes));
    assert_eq!(format!("{pin:?}"), format!("SpkiPin({text})"));
}

#[test]
fn what_is_no_pin_is_refused() {
    let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    for text in [
        String::new(),
        base64.into(),
        "sha256/".into(),
        "sha256//".into(),
        format!("sha1/{base64}"),
        format!("SHA256/{base64}"),
        format!("sha256/{}", &base64[..43]),
        format!("sha256/{}A=", &base64[..40]),
        format!("sha256/{base64}="),
        format!("sha256///{base64}"),
        format!("sha256/{base64}\n"),
        format!("sha256/{}", base64.replace('A', "ä")),
        format!("sha256/{}", "00".repeat(32)),
        // The last bits of the last character must be zero.
        format!("sha256/{}9=", &base64[..42]),
    ] {
        assert!(text.parse::<SpkiPin>().is_err(), "{text}");
    }
}

#[test]
fn a_backup_is_another_key() {
    let pin = SpkiPin::new([8; 32]);
    let error = Pins::new(pin, pin).unwrap_err();
    assert!(error.to_string().contains("make another key"), "{error}");
    assert!(Pins::new(pin, NO_KEY).is_ok());
}

#[test]
fn the_revision_is_the_inner_verifiers() {
    for revision in [None, Some(0), Some(7)] {
        let inner = Scripted::accepting(&path()).of_revision(revision);
        let verifier = pinned(Arc::new(inner), pins(SpkiPin::new([8; 32])));
        assert_eq!(verifier.revision(), revision);
    }
}
