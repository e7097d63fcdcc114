//! The outline of a certificate (RFC 5280 §4.1): what puts a chain in order, and says whose key it is.
//!
//! Nothing here validates: that is the peer's verifier's business. What a backend would read and this reader would
//! not is kept small: names and keys are compared as bytes, dates that cannot be read are passed over.

use std::time::SystemTime;

use der::{
    AnyRef, DateTime, Tag,
    asn1::{GeneralizedTime, UtcTime},
};
use rustls_pki_types::CertificateDer;

use super::{
    asn1::{self, ObjectIdentifier, Result},
    content::Content,
    pem,
};
use crate::ConfigError;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SUBJECT_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.14");
const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.35");

/// A certificate's fields, borrowed from its DER.
pub(super) struct Certificate<'a> {
    pub(super) der: &'a [u8],
    issuer: AnyRef<'a>,
    subject: AnyRef<'a>,
    not_before: Option<DateTime>,
    pub(super) not_after: Option<DateTime>,
    pub(super) key_algorithm: ObjectIdentifier,
    pub(super) public_key: &'a [u8],
    subject_key_identifier: Option<&'a [u8]>,
    authority_key_identifier: Option<&'a [u8]>,
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Result<Self> {
        let [tbs, _signature_algorithm, _signature] = asn1::sequence(der)?[..] else {
            return Err(asn1::malformed());
        };
        let fields = asn1::fields_of(tbs)?;
        let fields = match &fields[..] {
            [version, rest @ ..] if asn1::is_context(*version, 0) => rest,
            version_1 => version_1,
        };
        let &[serial, _signature, issuer, validity, subject, key, ref rest @ ..] = fields else {
            return Err(asn1::malformed());
        };
        serial.header().tag().assert_eq(Tag::Integer)?;
        let [not_before, not_after] = asn1::fields_of(validity)?[..] else {
            return Err(asn1::malformed());
        };
        let [algorithm, public_key] = asn1::fields_of(key)?[..] else {
            return Err(asn1::malformed());
        };
        let extensions = rest.iter().find(|field| asn1::is_context(**field, 3));
        let extensions = extensions.map_or(Ok(Vec::new()), |field| asn1::sequence(field.value()))?;
        Ok(Self {
            der,
            issuer,
            subject,
            not_before: date(not_before),
            not_after: date(not_after),
            key_algorithm: asn1::algorithm(algorithm)?.0,
            public_key: asn1::bits(public_key)?,
            subject_key_identifier: extension(&extensions, SUBJECT_KEY_IDENTIFIER).and_then(key_identifier),
            authority_key_identifier: extension(&extensions, AUTHORITY_KEY_IDENTIFIER)
                .and_then(authority_key_identifier),
        })
    }

    /// Whether this one's key signed the other, as far as names and key identifiers tell.
    ///
    /// Key identifiers decide where both have one: two authorities may share a name, and one name may be encoded in
    /// two ways.
    pub(super) fn issued(&self, other: &Self) -> bool {
        match (self.subject_key_identifier, other.authority_key_identifier) {
            (Some(own), Some(authority)) => own == authority,
            _ => self.subject == other.issuer,
        }
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether it is of this time, as far as its dates can be read.
    pub(super) fn is_valid_at(&self, now: SystemTime) -> bool {
        self.not_before.is_none_or(|date| date.to_system_time() <= now)
            && self.not_after.is_none_or(|date| date.to_system_time() >= now)
    }

    /// The subject's last common name, for people.
    pub(super) fn name(&self) -> String {
        let common_name = || {
            let sets = asn1::elements(self.subject.value()).ok()?;
            let attributes = sets.iter().filter_map(|set| asn1::elements(set.value()).ok()).flatten();
            let mut names = attributes.filter_map(|attribute| match asn1::fields_of(attribute).ok()?[..] {
                [kind, value] if kind.decode_as() == Ok(COMMON_NAME) => Some(value.value()),
                _ => None,
            });
            names.next_back().map(|name| String::from_utf8_lossy(name).into_owned())
        };
        common_name().unwrap_or_else(|| "without a common name".into())
    }

    /// Says so in the log when the certificate is of another time.
    ///
    /// A warning and no error: the clock of this machine may be what is wrong, and a service that starts with the
    /// certificate of tomorrow works tomorrow.
    pub(super) fn warn_outside_validity(&self, now: SystemTime) {
        let certificate = self.name();
        if let Some(not_after) = self.not_after.filter(|date| date.to_system_time() < now) {
            tracing::warn!(?certificate, %not_after, "the identity's certificate has expired; peers will refuse it");
        }
        if let Some(not_before) = self.not_before.filter(|date| date.to_system_time() > now) {
            tracing::warn!(
                ?certificate,
                %not_before,
                "the identity's certificate is not valid yet; peers will refuse it"
            );
        }
    }
}

/// The certificates of a PEM text.
pub(crate) fn from_pem(pem: &[u8]) -> std::result::Result<Vec<CertificateDer<'static>>, ConfigError> {
    if Content::of(pem) != Content::Pem {
        return Err(refused(not_pem(pem)));
    }
    let mut certificates = Vec::new();
    let mut others = Vec::new();
    for section in pem::sections(pem).map_err(refused)? {
        match section.content() {
            Content::Certificate => certificates.push(CertificateDer::from(section.body.to_vec())),
            _ => others.push(section),
        }
    }
    if certificates.is_empty() {
        return Err(refused(none_among(&others)));
    }
    parse_all(&certificates)?;
    Ok(certificates)
}

/// Each of them in outline, or which of them is no certificate, and what it is.
pub(super) fn parse_all<'a>(
    certificates: &'a [CertificateDer<'_>],
) -> std::result::Result<Vec<Certificate<'a>>, ConfigError> {
    let parse = |(index, der): (usize, &'a CertificateDer<'_>)| {
        Certificate::parse(der).map_err(|error| {
            let number = index + 1;
            refused(match (Content::of(der), asn1::trailing(&error)) {
                (Content::Other, Some(count)) => {
                    format!("{count} bytes follow certificate {number}; cut them off, or copy it anew")
                }
                (Content::Other, None) => {
                    format!("certificate {number} is not a certificate in DER (RFC 5280 §4.1); copy it anew")
                }
                (Content::Pem, _) => format!("certificate {number} is PEM, not DER; use `from_pem`"),
                (content, _) => {
                    let advice = content.instead_of_certificate();
                    format!("certificate {number} is {}; {advice}", content.name())
                }
            })
        })
    };
    certificates.iter().enumerate().map(parse).collect()
}

fn not_pem(bytes: &[u8]) -> String {
    match Content::of(bytes) {
        Content::Empty => "it is empty; give a PEM text with a `BEGIN CERTIFICATE` section".into(),
        Content::Certificate => "it is a certificate in DER, not PEM; use `from_der`".into(),
        Content::Other => "no `BEGIN CERTIFICATE` section found; give a PEM text that holds one".into(),
        content => format!("it is {}; {}", content.name(), content.instead_of_certificate()),
    }
}

fn none_among(others: &[pem::Section]) -> String {
    let known = others.iter().find(|section| section.content() != Content::Other).or(others.first());
    match known {
        Some(section) => {
            let (label, advice) = (&section.label, section.content().instead_of_certificate());
            format!("no `BEGIN CERTIFICATE` section found, but `{label}`; {advice}")
        }
        None => "no `BEGIN CERTIFICATE` section found; give a PEM text that holds one".into(),
    }
}

pub(crate) fn refused(reason: String) -> ConfigError {
    ConfigError::Certificates { reason }
}

fn date(any: AnyRef<'_>) -> Option<DateTime> {
    match any.header().tag() {
        Tag::UtcTime => any.decode_as::<UtcTime>().ok().map(|time| time.to_date_time()),
        _ => any.decode_as::<GeneralizedTime>().ok().map(|time| time.to_date_time()),
    }
}

/// The value of the extension with this identifier.
fn extension<'a>(extensions: &[AnyRef<'a>], wanted: ObjectIdentifier) -> Option<&'a [u8]> {
    extensions.iter().find_map(|extension| match asn1::fields_of(*extension).ok()?[..] {
        [oid, .., value] if oid.decode_as() == Ok(wanted) => asn1::octets(value).ok(),
        _ => None,
    })
}

/// RFC 5280 §4.2.1.2: an OCTET STRING.
fn key_identifier(extension: &[u8]) -> Option<&[u8]> {
    match asn1::elements(extension).ok()?[..] {
        [identifier] => asn1::octets(identifier).ok(),
        _ => None,
    }
}

/// RFC 5280 §4.2.1.1: the first of the optional fields.
fn authority_key_identifier(extension: &[u8]) -> Option<&[u8]> {
    let fields = asn1::sequence(extension).ok()?;
    fields.iter().find(|field| asn1::is_context(**field, 0)).map(|field| field.value())
}
