//! The extensions of certificates (RFC 5280 §4.2, RFC 7633).

mod raw;
mod read;

use der::asn1::ObjectIdentifier;

pub(crate) use self::raw::{RawExtension, each_extension};
use crate::{DistributionPoint, GeneralName, GeneralSubtree};

/// An extension that the crate knows, with its criticality.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension<T> {
    /// Whether who does not know it must refuse the certificate.
    pub critical: bool,
    /// What it says.
    pub value: T,
}

/// The extensions of one certificate.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Extensions<'a> {
    /// RFC 5280 §4.2.1.1.
    pub authority_key_identifier: Option<Extension<AuthorityKeyIdentifier<'a>>>,
    /// RFC 5280 §4.2.1.2: the identifier.
    pub subject_key_identifier: Option<Extension<&'a [u8]>>,
    /// RFC 5280 §4.2.1.3.
    pub key_usage: Option<Extension<KeyUsage>>,
    /// RFC 5280 §4.2.1.4.
    pub certificate_policies: Option<Extension<CertificatePolicies>>,
    /// RFC 5280 §4.2.1.5: pairs of an issuer's and a subject's policy.
    pub policy_mappings: Option<Extension<Vec<(ObjectIdentifier, ObjectIdentifier)>>>,
    /// RFC 5280 §4.2.1.6. The list may be empty: that it must not be is the verifier's to say.
    pub subject_alt_name: Option<Extension<Vec<GeneralName<'a>>>>,
    /// RFC 5280 §4.2.1.9.
    pub basic_constraints: Option<Extension<BasicConstraints>>,
    /// RFC 5280 §4.2.1.10.
    pub name_constraints: Option<Extension<NameConstraints<'a>>>,
    /// RFC 5280 §4.2.1.11.
    pub policy_constraints: Option<Extension<PolicyConstraints>>,
    /// RFC 5280 §4.2.1.12. The list may be empty: that it must not be is the verifier's to say.
    pub extended_key_usage: Option<Extension<Vec<KeyPurposeId>>>,
    /// RFC 5280 §4.2.1.13.
    pub crl_distribution_points: Option<Extension<Vec<DistributionPoint<'a>>>>,
    /// RFC 5280 §4.2.1.14: skipCerts.
    pub inhibit_any_policy: Option<Extension<u32>>,
    /// RFC 7633: the TLS extensions that a server must answer.
    pub tls_feature: Option<Extension<Vec<TlsFeature>>>,
    /// Whether authorityInfoAccess (RFC 5280 §4.2.2.1) is there, and critical.
    pub authority_info_access: Option<Extension<()>>,
    /// Whether id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1) is there.
    pub ocsp_no_check: bool,
    /// Critical extensions that the crate does not know.
    pub unknown_critical: Vec<ObjectIdentifier>,
}

/// RFC 5280 §4.2.1.1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthorityKeyIdentifier<'a> {
    /// The issuer's subject key identifier.
    pub key_identifier: Option<&'a [u8]>,
    /// The name of the issuer's issuer.
    pub authority_cert_issuer: Option<Vec<GeneralName<'a>>>,
    /// The issuer's serial number, content octets.
    pub authority_cert_serial_number: Option<&'a [u8]>,
}

/// RFC 5280 §4.2.1.3: a set of bits; bit 0 of the standard is 1 here, bit 8 is 256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyUsage(pub(crate) u16);

impl KeyUsage {
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// keyEncipherment.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// keyAgreement.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// keyCertSign.
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// cRLSign.
    pub const CRL_SIGN: Self = Self(1 << 6);

    /// Whether all of the usages of `other` are in it.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether it names none at all.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// RFC 5280 §4.2.1.4: the policies, without their qualifiers; one policy twice is malformed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificatePolicies {
    /// The policies.
    pub policies: Vec<ObjectIdentifier>,
    /// Whether one has a qualifier that is neither a CPS pointer nor a user notice.
    pub unknown_qualifier: bool,
}

/// RFC 5280 §4.2.1.9.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BasicConstraints {
    /// Whether the subject is a certification authority.
    pub ca: bool,
    /// How many certificates that are not self-issued may follow, the last left out.
    pub path_len_constraint: Option<u32>,
}

/// RFC 5280 §4.2.1.10. Both lists may be empty: that one must not be is the verifier's to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NameConstraints<'a> {
    /// Where names must be.
    pub permitted_subtrees: Option<Vec<GeneralSubtree<'a>>>,
    /// Where no name may be.
    pub excluded_subtrees: Option<Vec<GeneralSubtree<'a>>>,
}

/// RFC 5280 §4.2.1.11.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyConstraints {
    /// After how many certificates a policy must be there.
    pub require_explicit_policy: Option<u32>,
    /// After how many certificates policies are no longer mapped.
    pub inhibit_policy_mapping: Option<u32>,
}

/// A purpose of RFC 5280 §4.2.1.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "it is a number of the standard's")]
pub struct KeyPurposeId(pub ObjectIdentifier);

impl KeyPurposeId {
    /// anyExtendedKeyUsage.
    pub const ANY: Self = Self(ObjectIdentifier::new_unwrap("2.5.29.37.0"));
    /// id-kp-serverAuth.
    pub const SERVER_AUTH: Self = Self(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"));
    /// id-kp-clientAuth.
    pub const CLIENT_AUTH: Self = Self(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"));
    /// id-kp-OCSPSigning.
    pub const OCSP_SIGNING: Self = Self(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9"));
}

/// A TLS extension's number in RFC 7633.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "it is a number of the standard's")]
pub struct TlsFeature(pub u16);

impl TlsFeature {
    /// status_request: the server must staple an OCSP response.
    pub const STATUS_REQUEST: Self = Self(5);
}

#[cfg(test)]
mod tests;
