//! Which certificate a response is for (RFC 6960 §4.1.1).

use der::asn1::ObjectIdentifier;
use polytls_x509::{CertId, Certificate};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

type Hash = fn(&[u8]) -> Vec<u8>;

/// The hashes that a responder may name a certificate by. SHA-1 is the usual one: what it is taken of, the issuer made,
/// and the response is signed.
const HASHES: [(ObjectIdentifier, Hash); 4] = [
    (ObjectIdentifier::new_unwrap("1.3.14.3.2.26"), |octets| Sha1::digest(octets).to_vec()),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), |octets| Sha256::digest(octets).to_vec()),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), |octets| Sha384::digest(octets).to_vec()),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), |octets| Sha512::digest(octets).to_vec()),
];

/// A certificate as responses name it, each digest taken once.
pub(super) struct Digests<'a> {
    issuer: &'a Certificate<'a>,
    subject: &'a Certificate<'a>,
    taken: Vec<(ObjectIdentifier, Vec<u8>, Vec<u8>)>,
}

impl<'a> Digests<'a> {
    pub(super) fn of(issuer: &'a Certificate<'a>, subject: &'a Certificate<'a>) -> Self {
        Self { issuer, subject, taken: Vec::new() }
    }

    /// Whether this is the certificate that is meant.
    pub(super) fn name(&mut self, id: &CertId<'_>) -> bool {
        id.serial_number == self.subject.serial_number
            && self.of_issuer(id.hash_algorithm.algorithm).is_some_and(|(_, name, key)| {
                id.issuer_name_hash == name.as_slice() && id.issuer_key_hash == key.as_slice()
            })
    }

    /// The digests of the issuer's name, as the certificate writes it, and of its key.
    fn of_issuer(&mut self, algorithm: ObjectIdentifier) -> Option<&(ObjectIdentifier, Vec<u8>, Vec<u8>)> {
        if let Some(place) = self.taken.iter().position(|(taken, ..)| *taken == algorithm) {
            return self.taken.get(place);
        }
        let (_, digest) = HASHES.iter().find(|(known, _)| *known == algorithm)?;
        let name = digest(self.subject.issuer.der());
        let key = digest(self.issuer.subject_public_key_info.subject_public_key);
        self.taken.push((algorithm, name, key));
        self.taken.last()
    }
}

/// The digest by which a responder names its key (RFC 6960 §4.2.1), whatever hash it names certificates by.
pub(super) fn key_digest(certificate: &Certificate<'_>) -> Vec<u8> {
    Sha1::digest(certificate.subject_public_key_info.subject_public_key).to_vec()
}
