//! Private keys in the one form that native-tls takes: PKCS#8 in PEM (RFC 5208, RFC 7468).

use polytls_api::{ConfigError, PrivateKeyDer};
use zeroize::Zeroizing;

/// `AlgorithmIdentifier` of rsaEncryption (RFC 8017 appendix A.1), parameters NULL.
const RSA_ENCRYPTION: &[u8] = &[0x30, 0x0d, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

/// The object identifier of id-ecPublicKey (RFC 5480 §2.1.1).
const EC_PUBLIC_KEY: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

const INTEGER_ZERO: &[u8] = &[2, 1, 0];
const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
const PARAMETERS: u8 = 0xa0;

/// The key as PKCS#8, in DER.
pub(crate) fn from_key(key: &PrivateKeyDer<'_>) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    match key {
        PrivateKeyDer::Pkcs8(key) => Ok(Zeroizing::new(key.secret_pkcs8_der().to_vec())),
        PrivateKeyDer::Pkcs1(key) => Ok(wrap(RSA_ENCRYPTION, key.secret_pkcs1_der())),
        PrivateKeyDer::Sec1(key) => {
            let curve = named_curve(key.secret_sec1_der()).ok_or_else(|| ConfigError::PrivateKey {
                reason:
                    "the SEC1 key does not name its curve; convert it with `openssl pkcs8 -topk8 -nocrypt`"
                        .into(),
            })?;
            Ok(wrap(&element(SEQUENCE, &[EC_PUBLIC_KEY, curve].concat()), key.secret_sec1_der()))
        }
        _ => Err(ConfigError::PrivateKey { reason: "neither PKCS#8, PKCS#1 nor SEC1".into() }),
    }
}

/// `PrivateKeyInfo` (RFC 5208 §5).
fn wrap(algorithm: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let key = Zeroizing::new(element(OCTET_STRING, key));
    let content = Zeroizing::new([INTEGER_ZERO, algorithm, &key].concat());
    Zeroizing::new(element(SEQUENCE, &content))
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().take_while(|&&byte| byte == 0).count()..];
    let mut element = Vec::with_capacity(content.len() + 10);
    element.push(tag);
    match length {
        [] => element.push(0),
        &[short] if short < 0x80 => element.push(short),
        long => {
            element.push(0x80 | long.len() as u8);
            element.extend_from_slice(long);
        }
    }
    element.extend_from_slice(content);
    element
}

/// The curve's object identifier in an `ECPrivateKey` (RFC 5915 §3).
fn named_curve(sec1: &[u8]) -> Option<&[u8]> {
    let (SEQUENCE, mut fields, _) = read_element(sec1)? else { return None };
    while let Some((tag, content, rest)) = read_element(fields) {
        if tag == PARAMETERS {
            return Some(content);
        }
        fields = rest;
    }
    None
}

/// Tag, content, and what follows.
fn read_element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = der.split_first_chunk()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |value, &byte| value << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// PEM with this label (RFC 7468).
pub(crate) fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(base64(der));
    let mut pem = Zeroizing::new(String::with_capacity(base64.len() * 2 + 100));
    pem.push_str(&format!("-----BEGIN {label}-----\n"));
    for line in base64.as_bytes().chunks(64) {
        line.iter().for_each(|&digit| pem.push(char::from(digit)));
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().chain(&[0, 0]).take(3).fold(0, |word, &byte| word << 8 | usize::from(byte));
        for position in 0..4 {
            let digit = DIGITS[word >> (18 - 6 * position) & 63];
            text.push(if position <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_rfc_4648() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn sec1_is_wrapped_into_the_pkcs8_that_it_came_from() {
        let pkcs8 = rcgen::KeyPair::generate().unwrap().serialize_der();
        // PrivateKeyInfo: version, algorithm, and the SEC1 key, which rcgen writes without its curve.
        let (_, fields, _) = read_element(&pkcs8).unwrap();
        let (_, _, rest) = read_element(fields).unwrap();
        let (_, algorithm, rest) = read_element(rest).unwrap();
        let (_, sec1, _) = read_element(rest).unwrap();
        let (_, _, curve) = read_element(algorithm).unwrap();
        let (_, ec_fields, _) = read_element(sec1).unwrap();
        let (_, _, after_version) = read_element(ec_fields).unwrap();
        let (_, secret, public) = read_element(after_version).unwrap();
        let with_curve = element(
            SEQUENCE,
            &[&[2, 1, 1], element(OCTET_STRING, secret).as_slice(), &element(PARAMETERS, curve), public]
                .concat(),
        );
        let key = PrivateKeyDer::Sec1(with_curve.clone().into());
        let wrapped = from_key(&key).unwrap();
        assert!(wrapped.windows(with_curve.len()).any(|window| window == with_curve));
        assert!(rcgen::KeyPair::try_from(wrapped.as_slice()).is_ok());

        let nameless = PrivateKeyDer::Sec1(sec1.to_vec().into());
        assert!(from_key(&nameless).unwrap_err().to_string().contains("curve"));
    }

    #[test]
    fn lengths_of_every_form() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let content = vec![7; length];
            let element = element(OCTET_STRING, &content);
            assert_eq!(read_element(&element), Some((OCTET_STRING, content.as_slice(), [].as_slice())));
        }
    }
}
