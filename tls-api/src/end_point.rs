//! `tls-server-end-point` (RFC 5929 §4): a certificate under the hash of its own signature.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

/// The DER tags that lead to a certificate's signature algorithm (RFC 5280 §4.1).
const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const CONTEXT_0: u8 = 0xa0;

/// `1.2.840.113549.1.1`, of which the next number says which RSA signature it is (RFC 8017 appendix C).
const PKCS_1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
const RSASSA_PSS: u8 = 10;
/// `1.2.840.10045.4`, of which the rest says which ECDSA signature it is (RFC 5758 §3.2).
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
/// `2.16.840.1.101.3.4.2`, NIST's hash functions.
const NIST_HASH: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The binding; `None` for what is no certificate, and for a signature without one hash function.
pub(crate) fn tls_server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(match signature_hash(certificate)? {
        Hash::Sha224 => Sha224::digest(certificate).to_vec(),
        Hash::Sha256 => Sha256::digest(certificate).to_vec(),
        Hash::Sha384 => Sha384::digest(certificate).to_vec(),
        Hash::Sha512 => Sha512::digest(certificate).to_vec(),
    })
}

fn signature_hash(certificate: &[u8]) -> Option<Hash> {
    let (content, _) = element(certificate, SEQUENCE)?;
    let (_tbs_certificate, rest) = element(content, SEQUENCE)?;
    let (algorithm, _) = element(rest, SEQUENCE)?;
    let (oid, parameters) = element(algorithm, OBJECT_IDENTIFIER)?;
    if let Some(&[number]) = oid.strip_prefix(PKCS_1) {
        return match number {
            // RFC 5929 §4.1: SHA-256 stands in for MD5 and SHA-1.
            4 | 5 | 11 => Some(Hash::Sha256),
            12 => Some(Hash::Sha384),
            13 => Some(Hash::Sha512),
            14 => Some(Hash::Sha224),
            RSASSA_PSS => pss_hash(parameters),
            _ => None,
        };
    }
    match oid.strip_prefix(ECDSA)? {
        [3, 1] => Some(Hash::Sha224),
        [1] | [3, 2] => Some(Hash::Sha256),
        [3, 3] => Some(Hash::Sha384),
        [3, 4] => Some(Hash::Sha512),
        _ => None,
    }
}

/// RFC 8017 appendix A.2.3: the hash in the parameters, SHA-1 where there is none.
fn pss_hash(parameters: &[u8]) -> Option<Hash> {
    let (parameters, _) = element(parameters, SEQUENCE)?;
    let Some((hash, _)) = element(parameters, CONTEXT_0) else { return Some(Hash::Sha256) };
    let (algorithm, _) = element(hash, SEQUENCE)?;
    let (oid, _) = element(algorithm, OBJECT_IDENTIFIER)?;
    match oid.strip_prefix(NIST_HASH) {
        Some([1]) => Some(Hash::Sha256),
        Some([2]) => Some(Hash::Sha384),
        Some([3]) => Some(Hash::Sha512),
        Some([4]) => Some(Hash::Sha224),
        Some(_) => None,
        // SHA-1, the only one outside NIST's arc that RFC 8017 names.
        None => Some(Hash::Sha256),
    }
}

/// The content of the DER element with this tag at the front, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, 0x82, 0, content.len() as u8], content].concat()
    }

    /// As much of a certificate as is looked at.
    fn certificate(algorithm: &[u8]) -> Vec<u8> {
        let tbs_certificate = der(SEQUENCE, &[2, 1, 1]);
        der(SEQUENCE, &[tbs_certificate, der(SEQUENCE, algorithm), vec![3, 1, 0]].concat())
    }

    fn oid(arc: &[u8], rest: &[u8]) -> Vec<u8> {
        der(OBJECT_IDENTIFIER, &[arc, rest].concat())
    }

    #[test]
    fn the_hash_is_that_of_the_signature_and_never_a_weak_one() {
        let pss = |hash: Option<&[u8]>| {
            let hash = hash.map(|number| der(CONTEXT_0, &der(SEQUENCE, &oid(NIST_HASH, number))));
            [oid(PKCS_1, &[RSASSA_PSS]), der(SEQUENCE, &hash.unwrap_or_default())].concat()
        };
        for (algorithm, length) in [
            (oid(PKCS_1, &[4]), Some(32)),
            (oid(PKCS_1, &[5]), Some(32)),
            (oid(PKCS_1, &[11]), Some(32)),
            (oid(PKCS_1, &[12]), Some(48)),
            (oid(PKCS_1, &[13]), Some(64)),
            (oid(PKCS_1, &[14]), Some(28)),
            (oid(PKCS_1, &[1]), None),
            (oid(ECDSA, &[1]), Some(32)),
            (oid(ECDSA, &[3, 1]), Some(28)),
            (oid(ECDSA, &[3, 2]), Some(32)),
            (oid(ECDSA, &[3, 3]), Some(48)),
            (oid(ECDSA, &[3, 4]), Some(64)),
            (pss(None), Some(32)),
            (pss(Some(&[2])), Some(48)),
            (pss(Some(&[4])), Some(28)),
            (pss(Some(&[9])), None),
            // Ed25519 hashes within the signature, and has no function of its own.
            (oid(&[0x2b, 0x65], &[0x70]), None),
        ] {
            let certificate = certificate(&algorithm);
            assert_eq!(tls_server_end_point(&certificate).map(|hash| hash.len()), length, "{algorithm:02x?}");
        }
    }

    #[test]
    fn what_is_cut_short_has_no_binding() {
        let certificate = certificate(&oid(ECDSA, &[3, 2]));
        let signature_begins = certificate.len() - 3;
        for length in 0..signature_begins {
            assert_eq!(tls_server_end_point(&certificate[..length]), None, "{length}");
        }
    }
}
