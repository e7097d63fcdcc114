//! Revocation lists (RFC 5280 §5), and where a certificate says they are (§4.2.1.13).

mod points;
mod read;

use std::time::SystemTime;

use der::asn1::ObjectIdentifier;

pub use self::points::{DistributionPoint, IssuingDistributionPoint};
use crate::{AlgorithmIdentifier, AuthorityKeyIdentifier, GeneralName, Malformed, Name, reader::Reader};

/// A revocation list of version 1 or 2, borrowed from its DER. Its entries are read when they are asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CertificateList<'a> {
    /// The TBSCertList with its tag and length: what the signature is over.
    pub tbs_cert_list: &'a [u8],
    /// 1 or 2.
    pub version: u8,
    /// The algorithm that the TBSCertList names.
    pub tbs_signature: AlgorithmIdentifier<'a>,
    /// Who issued it.
    pub issuer: Name<'a>,
    /// When it was issued.
    pub this_update: SystemTime,
    /// By when the next will be.
    pub next_update: Option<SystemTime>,
    /// The issuer's key.
    pub authority_key_identifier: Option<AuthorityKeyIdentifier<'a>>,
    /// cRLNumber (§5.2.3): content octets. Whether it is critical, which it must not be, is beside it.
    pub crl_number: Option<(&'a [u8], bool)>,
    /// deltaCRLIndicator (§5.2.4): it is a delta.
    pub is_delta: bool,
    /// §5.2.5.
    pub issuing_distribution_point: Option<IssuingDistributionPoint<'a>>,
    /// Critical extensions of the list that the crate does not know.
    pub unknown_critical: Vec<ObjectIdentifier>,
    /// The algorithm of the signature.
    pub signature_algorithm: AlgorithmIdentifier<'a>,
    /// The signature.
    pub signature_value: &'a [u8],
    /// The content octets of revokedCertificates.
    revoked_certificates: &'a [u8],
}

impl<'a> CertificateList<'a> {
    /// Reads a list; nothing may follow it. All entries are checked to be well formed.
    ///
    /// # Errors
    /// [`Malformed`] where it is not what RFC 5280 §5.1 says.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        read::certificate_list(der)
    }

    /// The entries, in their order.
    pub fn revoked_certificates(&self) -> impl Iterator<Item = RevokedCertificate<'a>> + use<'a> {
        let mut entries = self.entries();
        let version = self.version;
        // None is malformed: that was seen to when the list was read.
        std::iter::from_fn(move || match entries.is_finished() {
            true => None,
            false => RevokedCertificate::read(&mut entries, version).ok(),
        })
    }

    /// The first entry with this serial number (content octets). It goes through the list without allocating.
    ///
    /// An indirect list may have certificates of several issuers: there
    /// [`revoked_certificates`](Self::revoked_certificates) tells whose each is.
    pub fn find(&self, serial_number: &[u8]) -> Option<RevokedCertificate<'a>> {
        let mut entries = self.entries();
        while !entries.is_finished() {
            let mut this = entries.clone();
            let entry = entries.element().ok()?;
            if entries.inside(entry).integer().ok()? == serial_number {
                return RevokedCertificate::read(&mut this, self.version).ok();
            }
        }
        None
    }

    fn entries(&self) -> Reader<'a> {
        Reader::new(self.revoked_certificates, "revokedCertificates")
    }
}

/// An entry of a revocation list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RevokedCertificate<'a> {
    /// The serial number's content octets.
    pub serial_number: &'a [u8],
    /// When it was revoked.
    pub revocation_date: SystemTime,
    /// Why (§5.3.1).
    pub reason: Option<RevocationReason>,
    /// certificateIssuer (§5.3.3) of an indirect list, where this entry has one; it holds for those that follow too.
    pub certificate_issuer: Option<Vec<GeneralName<'a>>>,
    /// Critical extensions of the entry that the crate does not know.
    pub unknown_critical: Vec<ObjectIdentifier>,
}

/// CRLReason (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// No reason is given.
    Unspecified,
    /// The key is known to others.
    KeyCompromise,
    /// The authority's key is known to others.
    CaCompromise,
    /// The subject is another organisation's now.
    AffiliationChanged,
    /// There is a newer certificate.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
    /// It is on hold, and may come back.
    CertificateHold,
    /// It was on hold, and is no longer: an entry of deltas alone.
    RemoveFromCrl,
    /// A privilege was withdrawn.
    PrivilegeWithdrawn,
    /// The key of an attribute authority is known to others.
    AaCompromise,
}

impl RevocationReason {
    /// From its number in RFC 5280 §5.3.1.
    pub fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Unspecified,
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            8 => Self::RemoveFromCrl,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AaCompromise,
            _ => return None,
        })
    }
}

impl std::fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "key compromise",
            Self::CaCompromise => "the authority's key compromise",
            Self::AffiliationChanged => "affiliation changed",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation of operation",
            Self::CertificateHold => "on hold",
            Self::RemoveFromCrl => "removed from the list",
            Self::PrivilegeWithdrawn => "privilege withdrawn",
            Self::AaCompromise => "the attribute authority's key compromise",
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
