//! Certificates (RFC 5280 §4.1).

use std::time::SystemTime;

use der::asn1::ObjectIdentifier;

use crate::{Extensions, Malformed, Name};

/// A certificate of version 1 to 3, borrowed from its DER.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Certificate<'a> {
    /// All of it, as it was given.
    pub der: &'a [u8],
    /// The TBSCertificate with its tag and length: what the signature is over.
    pub tbs_certificate: &'a [u8],
    /// 1, 2 or 3.
    pub version: u8,
    /// The content octets of the serial number's INTEGER, as they are: two's complement, the highest first.
    pub serial_number: &'a [u8],
    /// The algorithm that the TBSCertificate names; RFC 5280 §4.1.1.2 wants it equal to `signature_algorithm`, which
    /// is the verifier's to check.
    pub tbs_signature: AlgorithmIdentifier<'a>,
    /// Who issued it.
    pub issuer: Name<'a>,
    /// From when to when it is valid.
    pub validity: Validity,
    /// Whom it speaks for.
    pub subject: Name<'a>,
    /// The key.
    pub subject_public_key_info: SubjectPublicKeyInfo<'a>,
    /// The extensions; empty below version 3.
    pub extensions: Extensions<'a>,
    /// The algorithm of the signature.
    pub signature_algorithm: AlgorithmIdentifier<'a>,
    /// The signature, without the count of unused bits, which is zero.
    pub signature_value: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads a certificate; nothing may follow it.
    ///
    /// # Errors
    /// [`Malformed`] where it is not what RFC 5280 §4.1 says: not DER, a field missing or of another type, a known
    /// extension that cannot be parsed, one extension twice (§4.2), extensions below version 3. Rules of profiles
    /// (a positive serial number, which extension is critical) are the verifier's.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        let _ = der;
        Err(Malformed::new("certificate", "not yet"))
    }

    /// Whether issuer and subject are one name (RFC 5280 §6.1: self-issued).
    pub fn is_self_issued(&self) -> bool {
        self.issuer.matches(&self.subject)
    }
}

/// An AlgorithmIdentifier (RFC 5280 §4.1.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlgorithmIdentifier<'a> {
    /// All of it with tag and length: two are equal where these octets are.
    pub der: &'a [u8],
    /// Which algorithm.
    pub algorithm: ObjectIdentifier,
    /// Its parameters with tag and length, where there are any.
    pub parameters: Option<&'a [u8]>,
}

/// A SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SubjectPublicKeyInfo<'a> {
    /// All of it with tag and length: what a pin is the digest of, and what a signature is verified with.
    pub der: &'a [u8],
    /// The kind of key.
    pub algorithm: AlgorithmIdentifier<'a>,
    /// The key's bits, without the count of unused bits, which is zero.
    pub subject_public_key: &'a [u8],
}

/// The validity period (RFC 5280 §4.1.2.5): both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Validity {
    /// The first second.
    pub not_before: SystemTime,
    /// The last second, all of it.
    pub not_after: SystemTime,
}
