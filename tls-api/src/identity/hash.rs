//! The hashes of encryption under a password: keys derived with them, and MACs.

use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, digest::Output};
use zeroize::{Zeroize, Zeroizing};

use super::asn1::ObjectIdentifier;

/// A hash that a file may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By the identifier of the hash itself.
    pub(super) fn of_digest(oid: ObjectIdentifier) -> Option<Self> {
        const KNOWN: [(ObjectIdentifier, Hash); 5] = [
            (ObjectIdentifier::new_unwrap("1.3.14.3.2.26"), Hash::Sha1),
            (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.4"), Hash::Sha224),
            (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), Hash::Sha256),
            (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), Hash::Sha384),
            (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), Hash::Sha512),
        ];
        KNOWN.iter().find(|(known, _)| *known == oid).map(|(_, hash)| *hash)
    }

    /// By the identifier of HMAC with it (RFC 8018 appendix B.1).
    pub(super) fn of_hmac(oid: ObjectIdentifier) -> Option<Self> {
        const KNOWN: [(ObjectIdentifier, Hash); 5] = [
            (ObjectIdentifier::new_unwrap("1.2.840.113549.2.7"), Hash::Sha1),
            (ObjectIdentifier::new_unwrap("1.2.840.113549.2.8"), Hash::Sha224),
            (ObjectIdentifier::new_unwrap("1.2.840.113549.2.9"), Hash::Sha256),
            (ObjectIdentifier::new_unwrap("1.2.840.113549.2.10"), Hash::Sha384),
            (ObjectIdentifier::new_unwrap("1.2.840.113549.2.11"), Hash::Sha512),
        ];
        KNOWN.iter().find(|(known, _)| *known == oid).map(|(_, hash)| *hash)
    }

    /// The length of its output, in bytes.
    pub(super) fn output_size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// PBKDF2 over HMAC (RFC 8018 §5.2).
    pub(super) fn pbkdf2(self, password: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, rounds, key),
            Self::Sha224 => pbkdf2::pbkdf2_hmac::<Sha224>(password, salt, rounds, key),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, key),
            Self::Sha384 => pbkdf2::pbkdf2_hmac::<Sha384>(password, salt, rounds, key),
            Self::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, rounds, key),
        }
    }

    /// PKCS#12's own derivation (RFC 7292 appendix B.2). The password is in UTF-16 with its zero.
    pub(super) fn pkcs12(self, purpose: u8, password: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
        match self {
            Self::Sha1 => pkcs12::<Sha1>(64, purpose, password, salt, rounds, key),
            Self::Sha224 => pkcs12::<Sha224>(64, purpose, password, salt, rounds, key),
            Self::Sha256 => pkcs12::<Sha256>(64, purpose, password, salt, rounds, key),
            Self::Sha384 => pkcs12::<Sha384>(128, purpose, password, salt, rounds, key),
            Self::Sha512 => pkcs12::<Sha512>(128, purpose, password, salt, rounds, key),
        }
    }

    /// Whether this is the HMAC of the data, in constant time.
    pub(super) fn hmac_is(self, key: &[u8], data: &[u8], mac: &[u8]) -> bool {
        match self {
            Self::Sha1 => hmac_is::<Sha1>(key, data, mac),
            Self::Sha224 => hmac_is::<Sha224>(key, data, mac),
            Self::Sha256 => hmac_is::<Sha256>(key, data, mac),
            Self::Sha384 => hmac_is::<Sha384>(key, data, mac),
            Self::Sha512 => hmac_is::<Sha512>(key, data, mac),
        }
    }
}

/// `block` is v of RFC 7292 appendix B.2, the hash's block size in bytes; the other names of that section are D, the
/// diversifier, and I, the salt and the password, each repeated up to whole blocks.
fn pkcs12<D: Digest>(block: usize, purpose: u8, password: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
    let repeated = |bytes: &[u8]| {
        let length = bytes.len().next_multiple_of(block);
        bytes.iter().copied().cycle().take(length).collect::<Vec<u8>>()
    };
    let password = Zeroizing::new(repeated(password));
    let mut input = Zeroizing::new([&repeated(salt)[..], &password].concat());
    let diversifier = vec![purpose; block];
    for part in key.chunks_mut(<D as Digest>::output_size()) {
        // The key itself: written to one place throughout, and zeroized there.
        let mut hash = Output::<D>::default();
        D::new().chain_update(&diversifier).chain_update(&input[..]).finalize_into(&mut hash);
        for _ in 1..rounds {
            D::new().chain_update(&hash).finalize_into(&mut hash);
        }
        part.iter_mut().zip(&hash).for_each(|(to, from)| *to = *from);
        let added: Zeroizing<Vec<u8>> = Zeroizing::new(hash.iter().copied().cycle().take(block).collect());
        hash.as_mut_slice().zeroize();
        for number in input.chunks_mut(block) {
            add_one_more(number, &added);
        }
    }
}

/// `number` + `added` + 1, both big-endian, without what overflows.
fn add_one_more(number: &mut [u8], added: &[u8]) {
    let mut carry = true;
    for (digit, added) in number.iter_mut().zip(added).rev() {
        let (sum, first) = digit.overflowing_add(*added);
        let (sum, second) = sum.overflowing_add(carry.into());
        (*digit, carry) = (sum, first | second);
    }
}

fn hmac_is<D: EagerHash>(key: &[u8], data: &[u8], mac: &[u8]) -> bool {
    Hmac::<D>::new_from_slice(key).is_ok_and(|hmac| hmac.chain_update(data).verify_slice(mac).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_carries_and_overflows() {
        let mut number = [0x00, 0xfe, 0xff];
        add_one_more(&mut number, &[0, 1, 0]);
        assert_eq!(number, [1, 0, 0]);
        let mut number = [0xff, 0xff];
        add_one_more(&mut number, &[0, 0]);
        assert_eq!(number, [0, 0]);
    }

    #[test]
    fn a_hash_is_known_by_its_identifiers() {
        let sha_384 = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
        assert_eq!(Hash::of_digest(sha_384), Some(Hash::Sha384));
        assert_eq!(Hash::of_hmac(sha_384), None);
        assert_eq!(Hash::of_hmac(ObjectIdentifier::new_unwrap("1.2.840.113549.2.10")), Some(Hash::Sha384));
    }
}
