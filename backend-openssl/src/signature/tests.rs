use openssl::{
    ec::{Asn1Flag, EcGroup, EcKey},
    nid::Nid,
    pkey::Private,
    rsa::Rsa,
    sign::Signer,
};
use polytls_aws_lc::Signatures as OfAwsLc;

use super::*;

const MESSAGE: &[u8] = b"what an authority has signed";

/// A key, by name.
type Key = (&'static str, PKey<Private>);

fn keys() -> Vec<Key> {
    let curve = |nid| {
        let mut group = EcGroup::from_curve_name(nid).unwrap();
        group.set_asn1_flag(Asn1Flag::NAMED_CURVE);
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    };
    let rsa = |bits| PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
    vec![
        ("P-256", curve(Nid::X9_62_PRIME256V1)),
        ("P-384", curve(Nid::SECP384R1)),
        ("P-521", curve(Nid::SECP521R1)),
        ("P-224", curve(Nid::SECP224R1)),
        ("secp256k1", curve(Nid::SECP256K1)),
        ("Ed25519", PKey::generate_ed25519().unwrap()),
        ("Ed448", PKey::generate_ed448().unwrap()),
        ("RSA-2048", rsa(2048)),
        ("RSA-3072", rsa(3072)),
        ("RSA-1024", rsa(1024)),
        ("RSA-2047", rsa(2047)),
    ]
}

/// A SEQUENCE, or another value of less than 128 bytes.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
}

/// RSASSA-PSS (RFC 4055 §3.1) with these parameters.
fn pss(hash: &[u8], mask: &[u8], salt: u8, trailer: &[u8]) -> Vec<u8> {
    let mgf1 = [&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8][..], mask].concat();
    let parameters = [
        tagged(0xa0, hash),
        tagged(0xa1, &tagged(0x30, &mgf1)),
        tagged(0xa2, &[2, 1, salt]),
        trailer.to_vec(),
    ];
    let identifier = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    tagged(0x30, &[&identifier[..], &tagged(0x30, &parameters.concat())].concat())
}

/// The AlgorithmIdentifier of a hash.
fn hash(last: u8) -> Vec<u8> {
    tagged(0x30, &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last, 5, 0])
}

/// Identifiers of algorithms, those that are known first, and so many.
fn algorithms() -> (Vec<Vec<u8>>, usize) {
    let ecdsa = |last| tagged(0x30, &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, last]);
    let pkcs1 = |last, parameters: &[u8]| {
        let identifier = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last];
        tagged(0x30, &[&identifier[..], parameters].concat())
    };
    let (sha256, sha384, sha512) = (hash(1), hash(2), hash(3));
    let mut all = vec![ecdsa(2), ecdsa(3), ecdsa(4), tagged(0x30, &[6, 3, 0x2b, 0x65, 0x70])];
    for number in [11, 12, 13] {
        all.extend([pkcs1(number, &[5, 0]), pkcs1(number, &[])]);
    }
    all.extend([(&sha256, 32), (&sha384, 48), (&sha512, 64)].map(|(hash, salt)| pss(hash, hash, salt, &[])));
    let known = all.len();
    // SHA-1, MD5 and SHA-224; parameters where none may be, or others than may.
    all.extend([pkcs1(5, &[5, 0]), pkcs1(4, &[5, 0]), pkcs1(14, &[5, 0]), ecdsa(1)]);
    all.push(tagged(0x30, &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1]));
    all.push(tagged(0x30, &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2, 5, 0]));
    all.push(tagged(0x30, &[6, 3, 0x2b, 0x65, 0x70, 5, 0]));
    all.push(tagged(0x30, &[6, 3, 0x2b, 0x65, 0x71]));
    all.push(pkcs1(11, &[4, 0]));
    all.push(pkcs1(10, &[]));
    all.push(tagged(0x30, &[&pkcs1(10, &[])[2..], &[0x30, 0]].concat()));
    all.push(pss(&sha256, &sha384, 32, &[]));
    all.push(pss(&sha256, &sha256, 20, &[]));
    all.push(pss(&sha256, &sha256, 32, &[0xa3, 3, 2, 1, 2]));
    all.push(pss(&sha256, &sha256, 32, &[0xa3, 3, 2, 1, 1]));
    // None at all.
    all.extend([Vec::new(), vec![0x30], tagged(0x31, &[]), [tagged(0x30, &[]), vec![0]].concat()]);
    (all, known)
}

/// Every signature that a key can make.
fn signatures(key: &PKey<Private>) -> Vec<Vec<u8>> {
    let hashes = [MessageDigest::sha256(), MessageDigest::sha384(), MessageDigest::sha512()];
    let of_hash = |hash, pss| {
        let mut signer = Signer::new(hash, key)?;
        if pss {
            signer.set_rsa_padding(Padding::PKCS1_PSS)?;
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
        signer.sign_oneshot_to_vec(MESSAGE)
    };
    let mut all: Vec<_> =
        hashes.iter().flat_map(|hash| [of_hash(*hash, false), of_hash(*hash, true)]).flatten().collect();
    if all.is_empty() {
        all.push(Signer::new_without_digest(key).unwrap().sign_oneshot_to_vec(MESSAGE).unwrap());
    }
    all
}

/// Asks both, who must say the same.
fn verdict(key: &[u8], algorithm: &[u8], signature: &[u8], what: &str) -> Result<(), CertificateError> {
    let ours = Signatures.verify_signature(key, algorithm, MESSAGE, signature);
    let theirs = OfAwsLc::default().verify_signature(key, algorithm, MESSAGE, signature);
    assert_eq!(ours, theirs, "{what}, {algorithm:02x?}");
    ours
}

#[test]
fn each_key_under_each_algorithm_as_aws_lc_says() {
    let (algorithms, known) = algorithms();
    let mut accepted = vec![0; algorithms.len()];
    for (name, key) in keys() {
        let public = key.public_key_to_der().unwrap();
        for signature in signatures(&key) {
            for (index, algorithm) in algorithms.iter().enumerate() {
                match verdict(&public, algorithm, &signature, name) {
                    Ok(()) => accepted[index] += 1,
                    Err(
                        CertificateError::UnsupportedAlgorithm { .. } | CertificateError::Malformed { .. },
                    ) => {}
                    Err(reason) => {
                        assert!(index < known, "{name}, {algorithm:02x?}: {reason}");
                        assert_eq!(reason, CertificateError::BadSignature);
                    }
                }
            }
        }
    }
    // Three curves; Ed25519; two RSA keys for each of the others. Nobody else.
    let expected = |index| match index {
        0..=2 => 3,
        3 => 1,
        _ if index < known => 2,
        _ => 0,
    };
    let expected: Vec<_> = (0..algorithms.len()).map(expected).collect();
    assert_eq!(accepted, expected);
}

#[test]
fn what_is_changed_is_refused_as_aws_lc_does() {
    let (algorithms, known) = algorithms();
    for (name, key) in keys() {
        let public = key.public_key_to_der().unwrap();
        for signature in signatures(&key) {
            let Some(algorithm) = algorithms[..known]
                .iter()
                .find(|algorithm| verdict(&public, algorithm, &signature, name).is_ok())
            else {
                continue;
            };
            let refused = |key: &[u8], signature: &[u8]| {
                assert!(verdict(key, algorithm, signature, name).is_err(), "{name}, {algorithm:02x?}");
            };
            for length in [0, 1, signature.len() / 2, signature.len() - 1] {
                refused(&public, &signature[..length]);
            }
            refused(&public, &[&signature[..], &[0]].concat());
            for place in [0, signature.len() / 2, signature.len() - 1] {
                let mut changed = signature.clone();
                changed[place] ^= 1;
                refused(&public, &changed);
            }
            // What names the key may be changed into another name for it, so both must agree, and no more.
            for place in 0..public.len() {
                let mut changed = public.clone();
                changed[place] ^= 1;
                assert!(verdict(&changed, algorithm, &signature, name).is_err(), "{name} at {place}");
                let _ = verdict(&public[..place], algorithm, &signature, name);
            }
        }
    }
}

#[test]
fn a_weak_key_is_told_from_a_wrong_signature() {
    let (algorithms, _) = algorithms();
    for (name, key) in keys() {
        let public = key.public_key_to_der().unwrap();
        let weak = ["RSA-1024", "RSA-2047", "P-224"].contains(&name);
        let algorithm = &algorithms[if name.starts_with("RSA") { 4 } else { 0 }];
        if weak {
            let reason = verdict(&public, algorithm, &signatures(&key)[0], name).unwrap_err();
            assert!(matches!(reason, CertificateError::UnsupportedAlgorithm { .. }), "{name}: {reason}");
        }
    }
}
