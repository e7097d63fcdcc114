//! Revocation lists (RFC 5280 §5), and where a certificate says they are (§4.2.1.13).

use std::time::SystemTime;

use der::asn1::ObjectIdentifier;

use crate::{AlgorithmIdentifier, AuthorityKeyIdentifier, GeneralName, Malformed, Name};

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
    pub(crate) revoked_certificates: &'a [u8],
}

impl<'a> CertificateList<'a> {
    /// Reads a list; nothing may follow it. All entries are checked to be well formed.
    ///
    /// # Errors
    /// [`Malformed`] where it is not what RFC 5280 §5.1 says.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        let _ = der;
        Err(Malformed::new("certificateList", "not yet"))
    }

    /// The entries, in their order.
    pub fn revoked_certificates(&self) -> impl Iterator<Item = RevokedCertificate<'a>> + use<'a> {
        let _ = self.revoked_certificates;
        std::iter::empty()
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

/// DistributionPoint (RFC 5280 §4.2.1.13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DistributionPoint<'a> {
    /// fullName; empty where the point has another kind of name or none.
    pub full_name: Vec<GeneralName<'a>>,
    /// Whether its name is relative to the issuer's.
    pub relative_name: bool,
    /// Whether it covers but some reasons.
    pub some_reasons: bool,
    /// cRLIssuer: who issues the list, where it is not the certificate's issuer.
    pub crl_issuer: Vec<GeneralName<'a>>,
}

/// IssuingDistributionPoint (RFC 5280 §5.2.5): what a list covers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuingDistributionPoint<'a> {
    /// fullName of its distribution point.
    pub full_name: Vec<GeneralName<'a>>,
    /// Whether its name is relative to the issuer's.
    pub relative_name: bool,
    /// Certificates of end entities alone.
    pub only_contains_user_certs: bool,
    /// Certificates of authorities alone.
    pub only_contains_ca_certs: bool,
    /// Some reasons alone.
    pub only_some_reasons: bool,
    /// Certificates of other issuers too.
    pub indirect_crl: bool,
    /// Attribute certificates alone.
    pub only_contains_attribute_certs: bool,
}
