//! Private keys as PKCS#8 in PEM, the one form that native-tls takes (RFC 5208, RFC 7468).
//!
//! PKCS#1 and SEC1 keys are wrapped as they are; nothing of the key itself is looked at.

use polytls_api::{ConfigError, PrivateKeyDer};
use zeroize::Zeroizing;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const CONTEXT_0: u8 = 0xa0;

/// RFC 5208 §5: version 0, in DER.
const VERSION: [u8; 3] = [INTEGER, 1, 0];
/// rsaEncryption with its NULL (RFC 8017 appendix A.1), in DER.
const RSA_ENCRYPTION: [u8; 13] = [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0];
/// id-ecPublicKey (RFC 5480 §2.1.1), in DER.
const EC_PUBLIC_KEY: [u8; 9] = [0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

/// The key as PKCS#8.
///
/// # Errors
/// [`ConfigError::PrivateKey`] for a SEC1 key that does not name its curve.
pub(crate) fn to_pkcs8(key: &PrivateKeyDer<'_>) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let refused = |reason: &str| Err(ConfigError::PrivateKey { reason: reason.into() });
    match key {
        PrivateKeyDer::Pkcs8(key) => Ok(Zeroizing::new(key.secret_pkcs8_der().to_vec())),
        PrivateKeyDer::Pkcs1(key) => Ok(wrap(&[&RSA_ENCRYPTION], key.secret_pkcs1_der())),
        PrivateKeyDer::Sec1(key) => match sec1_parameters(key.secret_sec1_der()) {
            Some(curve) => Ok(wrap(&[&EC_PUBLIC_KEY, curve], key.secret_sec1_der())),
            None => refused(
                "the EC key does not name its curve; convert it to PKCS#8 (`openssl pkcs8 -topk8 -nocrypt`)",
            ),
        },
        _ => refused("it is neither PKCS#8, nor PKCS#1, nor SEC1"),
    }
}

/// RFC 5915 §3: the curve in `[0]`, after version and key.
fn sec1_parameters(key: &[u8]) -> Option<&[u8]> {
    let (SEQUENCE, fields, _) = element(key)? else { return None };
    let (_version, _, fields) = element(fields)?;
    let (_private_key, _, fields) = element(fields)?;
    match element(fields)? {
        (CONTEXT_0, parameters, _) => Some(parameters),
        _ => None,
    }
}

fn wrap(algorithm: &[&[u8]], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let algorithm = encode(SEQUENCE, algorithm);
    let key = encode(OCTET_STRING, &[key]);
    encode(SEQUENCE, &[&VERSION, &algorithm, &key])
}

/// Whether certificate and PKCS#8 key name the same kind of key; `true` where one cannot be read.
///
/// OpenSSL compares only keys of one kind: with two kinds a server would start without its certificate.
pub(crate) fn same_algorithm(certificate: &[u8], key: &[u8]) -> bool {
    match (certificate_algorithm(certificate), key_algorithm(key)) {
        (Some(certificate), Some(key)) => certificate == key,
        _ => true,
    }
}

/// RFC 5280 §4.1: the algorithm in subjectPublicKeyInfo.
fn certificate_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (_, certificate, _) = element(certificate)?;
    let (_, mut fields, _) = element(certificate)?;
    if let (CONTEXT_0, _version, rest) = element(fields)? {
        fields = rest;
    }
    for _serial_number_signature_issuer_validity_subject in 0..5 {
        (_, _, fields) = element(fields)?;
    }
    let (_, subject_public_key_info, _) = element(fields)?;
    algorithm(subject_public_key_info)
}

fn key_algorithm(key: &[u8]) -> Option<&[u8]> {
    let (_, fields, _) = element(key)?;
    let (_, _version, fields) = element(fields)?;
    algorithm(fields)
}

/// The object identifier in an AlgorithmIdentifier.
fn algorithm(fields: &[u8]) -> Option<&[u8]> {
    let (_, identifier, _) = element(fields)?;
    let (_, oid, _) = element(identifier)?;
    Some(oid)
}

/// The first element of some DER: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// An element of DER. Its size is known beforehand, so that growing leaves no copy of a key behind.
fn encode(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut der = Zeroizing::new(Vec::with_capacity(length + 10));
    let bytes = length.to_be_bytes();
    let significant = &bytes[length.leading_zeros() as usize / 8..];
    der.push(tag);
    if length > 0x7f {
        der.push(0x80 | significant.len() as u8);
        der.extend_from_slice(significant);
    } else {
        der.push(length as u8);
    }
    parts.iter().for_each(|part| der.extend_from_slice(part));
    der
}

/// RFC 7468 §2, in lines of 64 characters.
pub(crate) fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    // Four characters for three bytes, a line break for 48, and the two lines around them.
    let size = der.len().div_ceil(3) * 4 + der.len().div_ceil(48) + 2 * (label.len() + 20);
    let mut pem = Zeroizing::new(String::with_capacity(size));
    let mut line = |parts: &[&str]| parts.iter().for_each(|part| pem.push_str(part));
    line(&["-----BEGIN ", label, "-----\n"]);
    for bytes in der.chunks(48) {
        let mut text = Zeroizing::new(String::with_capacity(64));
        bytes.chunks(3).for_each(|group| push_base64(&mut text, group));
        line(&[&text, "\n"]);
    }
    line(&["-----END ", label, "-----\n"]);
    pem
}

/// RFC 4648 §4: one to three bytes as four characters.
fn push_base64(text: &mut String, group: &[u8]) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = group.iter().chain([&0, &0]).take(3).fold(0, |bits, &byte| bits << 8 | usize::from(byte));
    for position in 0..4 {
        let sextet = bits >> (18 - 6 * position) & 0x3f;
        text.push(if position <= group.len() { ALPHABET[sextet] as char } else { '=' });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem_of(bytes: &[u8]) -> String {
        pem("X", bytes).lines().skip(1).take_while(|line| !line.starts_with('-')).collect()
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(pem_of(bytes.as_bytes()), text);
        }
        assert_eq!(pem_of(&[0xfb, 0xff, 0xfe]), "+//+");
        assert!(pem("X", &[7; 500]).lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn pem_fits_the_room_that_was_made_for_it() {
        for length in [0, 1, 47, 48, 49, 1_000] {
            let pem = pem("PRIVATE KEY", &vec![1; length]);
            let made = length.div_ceil(3) * 4 + length.div_ceil(48) + 2 * (11 + 20);
            assert!(pem.len() <= made, "{length}");
        }
    }

    #[test]
    fn an_element_of_any_length_is_read_as_it_was_written() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![5; length];
            let mut der = encode(OCTET_STRING, &[&content]);
            der.extend_from_slice(b"rest");
            assert_eq!(element(&der), Some((OCTET_STRING, content.as_slice(), b"rest".as_slice())));
        }
        for cut in [&[][..], &[4], &[4, 1], &[4, 0x80, 0, 0], &[4, 0x82, 1], &[4, 0x84, 0, 0, 0, 0]] {
            assert_eq!(element(cut), None);
        }
    }

    #[test]
    fn a_wrapped_sec1_key_is_the_pkcs8_key_that_it_came_from() {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let pkcs8 = pair.serialize_der();
        let (_, fields, _) = element(&pkcs8).unwrap();
        let (_, _, fields) = element(fields).unwrap();
        let (_, identifier, fields) = element(fields).unwrap();
        let (_, _oid, curve) = element(identifier).unwrap();
        let (_, inner, _) = element(fields).unwrap();
        // PKCS#8 leaves the curve out of the key inside; SEC1 alone has it, after version and key.
        let (_, inner, _) = element(inner).unwrap();
        let (head, tail) = inner.split_at(3 + 2 + 32);
        let sec1 = encode(SEQUENCE, &[head, &encode(CONTEXT_0, &[curve]), tail]);
        let key = PrivateKeyDer::Sec1(sec1.as_slice().into());
        let wrapped = to_pkcs8(&key).unwrap();
        let read = rcgen::KeyPair::try_from(wrapped.as_slice()).unwrap();
        assert_eq!(read.public_key_raw(), pair.public_key_raw());

        let nameless = encode(SEQUENCE, &[head, tail]);
        let error = to_pkcs8(&PrivateKeyDer::Sec1(nameless.as_slice().into())).unwrap_err();
        assert!(matches!(error, ConfigError::PrivateKey { .. }), "{error}");
    }

    #[test]
    fn a_wrapped_pkcs1_key_is_the_pkcs8_key_that_it_came_from() {
        // The structure is all that counts: what is inside is copied.
        let pkcs1 = encode(SEQUENCE, &[&VERSION, &[INTEGER, 1, 77]]);
        let wrapped = to_pkcs8(&PrivateKeyDer::Pkcs1(pkcs1.as_slice().into())).unwrap();
        assert_eq!(key_algorithm(&wrapped), Some(&RSA_ENCRYPTION[2..11]));
        assert!(wrapped.ends_with(&pkcs1));
        assert_eq!(element(&wrapped).map(|(_, _, rest)| rest.len()), Some(0));
    }

    #[test]
    fn the_kinds_of_key_in_certificate_and_key_are_compared() {
        let ecdsa = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        assert!(same_algorithm(ecdsa.cert.der(), &ecdsa.signing_key.serialize_der()));
        assert!(!same_algorithm(ecdsa.cert.der(), &ed25519.serialize_der()));
    }
}
