//! OCSP responses (RFC 6960 §4.2).

mod read;

use std::time::SystemTime;

use der::asn1::ObjectIdentifier;

use crate::{AlgorithmIdentifier, Malformed, Name, RevocationReason};

/// An OCSPResponse.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant, reason = "one at a time, and the large one is what is hoped for")]
pub enum OcspResponse<'a> {
    /// It is successful and basic.
    Basic(BasicOcspResponse<'a>),
    /// The responder did not answer: the number of OCSPResponseStatus (1 malformedRequest, 2 internalError, 3 tryLater,
    /// 5 sigRequired, 6 unauthorized).
    Unsuccessful(u8),
}

impl<'a> OcspResponse<'a> {
    /// Reads a response; nothing may follow it.
    ///
    /// # Errors
    /// [`Malformed`] where it is not what RFC 6960 §4.2.1 says, or its type is not id-pkix-ocsp-basic.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        read::ocsp_response(der)
    }
}

/// A BasicOCSPResponse.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BasicOcspResponse<'a> {
    /// The ResponseData with its tag and length: what the signature is over.
    pub tbs_response_data: &'a [u8],
    /// Who signed.
    pub responder_id: ResponderId<'a>,
    /// When.
    pub produced_at: SystemTime,
    /// What it says of each certificate.
    pub responses: Vec<SingleResponse<'a>>,
    /// Critical extensions of the response that the crate does not know.
    pub unknown_critical: Vec<ObjectIdentifier>,
    /// The algorithm of the signature.
    pub signature_algorithm: AlgorithmIdentifier<'a>,
    /// The signature.
    pub signature: &'a [u8],
    /// Certificates that help to verify it, each in DER.
    pub certs: Vec<&'a [u8]>,
}

/// Who signed a response.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ResponderId<'a> {
    /// By its name.
    ByName(Name<'a>),
    /// By the SHA-1 digest of its key's bits.
    ByKey(&'a [u8]),
}

/// What a response says of one certificate.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SingleResponse<'a> {
    /// Which certificate.
    pub cert_id: CertId<'a>,
    /// What of it.
    pub cert_status: CertStatus,
    /// From when this is known to be so.
    pub this_update: SystemTime,
    /// By when there is newer knowledge.
    pub next_update: Option<SystemTime>,
    /// Critical extensions that the crate does not know.
    pub unknown_critical: Vec<ObjectIdentifier>,
}

/// Which certificate is meant (RFC 6960 §4.1.1).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CertId<'a> {
    /// The hash of the two digests.
    pub hash_algorithm: AlgorithmIdentifier<'a>,
    /// Of the issuer's name, in DER.
    pub issuer_name_hash: &'a [u8],
    /// Of the issuer's key's bits.
    pub issuer_key_hash: &'a [u8],
    /// The serial number's content octets.
    pub serial_number: &'a [u8],
}

/// RFC 6960 §4.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertStatus {
    /// It was not revoked.
    Good,
    /// It was.
    Revoked {
        /// When.
        revocation_time: SystemTime,
        /// Why.
        reason: Option<RevocationReason>,
    },
    /// The responder does not know it.
    Unknown,
}

#[cfg(test)]
pub(crate) mod tests;
