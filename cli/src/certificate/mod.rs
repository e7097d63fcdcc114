//! What a certificate says of itself (RFC 5280 §4), for people and for programs. Nothing here is verified.

mod algorithms;
mod name;

use std::net::IpAddr;

use polytls::{CertificateDer, VerifiedChain};
use serde::Serialize;
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer, time::ASN1Time};

use crate::output::{BAD, FAINT, STRONG, printable, styled};

/// The keys of a certificate in JSON, for `--help`.
pub(crate) const JSON: &str = "\
Of each certificate, sha256 alone where it is none:
  sha256, subject, issuer, serial, not_before, not_after, names, key, signature_algorithm";

/// How many names of a certificate are written out for people.
const NAMES_SHOWN: usize = 20;

/// One certificate as it came, in the shape that `--json` promises.
#[derive(Serialize)]
pub(crate) struct Certificate {
    /// SHA-256 of the DER, in hexadecimal.
    sha256: String,
    /// `None` for what is no certificate.
    #[serde(flatten)]
    facts: Option<Facts>,
}

/// What it says.
#[derive(Serialize)]
struct Facts {
    subject: String,
    issuer: String,
    serial: String,
    not_before: String,
    not_after: String,
    /// The subjectAltName; what is neither a DNS name nor an IP address has its kind in front.
    names: Vec<String>,
    key: String,
    signature_algorithm: String,
    #[serde(skip)]
    validity: [OffsetDateTime; 2],
}

impl Certificate {
    /// Reads this certificate.
    pub(crate) fn read(der: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        Self { sha256: hexadecimal(digest.as_ref(), ""), facts: Facts::read(der) }
    }

    /// Reads these certificates.
    pub(crate) fn read_all(chain: &[CertificateDer<'_>]) -> Vec<Self> {
        chain.iter().map(|der| Self::read(der)).collect()
    }

    /// Whose it is, on one line.
    pub(crate) fn subject(&self) -> String {
        self.facts.as_ref().map_or("not an X.509 certificate".into(), |facts| printable(&facts.subject))
    }

    /// Who issued it, on one line.
    pub(crate) fn issuer(&self) -> Option<String> {
        self.facts.as_ref().map(|facts| printable(&facts.issuer))
    }

    /// The kind and size of its key.
    pub(crate) fn key(&self) -> Option<&str> {
        self.facts.as_ref().map(|facts| facts.key.as_str())
    }

    /// From when to when.
    pub(crate) fn validity(&self) -> Option<String> {
        self.facts.as_ref().map(|facts| format!("{} to {}", facts.not_before, facts.not_after))
    }

    /// Whether its time has come and not passed; what is no certificate has none.
    pub(crate) fn is_valid_at(&self, now: OffsetDateTime) -> bool {
        self.facts.as_ref().is_some_and(|facts| facts.validity[0] <= now && now <= facts.validity[1])
    }

    /// A block of lines, with its place in the chain.
    pub(crate) fn describe(&self, place: usize, now: OffsetDateTime) -> String {
        let mut text = format!("  {} {}\n", styled(STRONG, place), styled(STRONG, self.subject()));
        let mut line = |name: &str, value: String| {
            text += &format!("    {} {value}\n", styled(FAINT, format!("{name:<11}")));
        };
        if let Some(facts) = &self.facts {
            line("issuer", printable(&facts.issuer));
            line("valid", facts.validity_at(now));
            line("names", facts.names_shown());
            line("key", facts.key.clone());
            line("signature", facts.signature_algorithm.clone());
        }
        line("SHA-256", self.sha256.clone());
        text
    }
}

/// The whole chain at this time, a block for each certificate.
pub(crate) fn describe_chain(chain: &[CertificateDer<'_>], now: OffsetDateTime) -> String {
    let certificates = Certificate::read_all(chain);
    certificates.iter().enumerate().map(|(place, certificate)| certificate.describe(place, now)).collect()
}

/// The subjects of a path, from the end entity towards the root, on one line.
pub(crate) fn path(verified: &VerifiedChain) -> String {
    subjects(verified.path())
}

/// The subjects of these certificates, in their order, on one line.
pub(crate) fn subjects(chain: &[CertificateDer<'_>]) -> String {
    let subjects = chain.iter().map(|der| Certificate::read(der).subject());
    subjects.collect::<Vec<_>>().join(" < ")
}

/// The chain in PEM (RFC 7468 §5).
pub(crate) fn pem(chain: &[CertificateDer<'_>]) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let sections = chain.iter().map(|der| pem::Pem::new("CERTIFICATE", der.to_vec()));
    sections.map(|section| pem::encode_config(&section, config)).collect()
}

impl Facts {
    fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        let validity = [utc(validity.not_before)?, utc(validity.not_after)?];
        let [not_before, not_after] = validity.map(|time| time.format(&Rfc3339).unwrap_or_default());
        Some(Self {
            subject: name::text(certificate.subject()),
            issuer: name::text(certificate.issuer()),
            serial: hexadecimal(certificate.raw_serial(), ""),
            not_before,
            not_after,
            names: alternative_names(&certificate),
            key: algorithms::key(certificate.public_key()),
            signature_algorithm: algorithms::signature(&certificate.signature_algorithm),
            validity,
        })
    }

    fn validity_at(&self, now: OffsetDateTime) -> String {
        let [not_before, not_after] = self.validity;
        let days = |span: Duration| match span.whole_days() {
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        };
        let standing = if now > not_after {
            styled(BAD, format!("expired {} ago", days(now - not_after)))
        } else if now < not_before {
            styled(BAD, format!("begins in {}", days(not_before - now)))
        } else {
            format!("{} left", days(not_after - now))
        };
        format!("{} to {}, {standing}", self.not_before, self.not_after)
    }

    fn names_shown(&self) -> String {
        if self.names.is_empty() {
            return "none".into();
        }
        let shown: Vec<_> = self.names.iter().take(NAMES_SHOWN).map(|name| printable(name)).collect();
        match self.names.len().saturating_sub(NAMES_SHOWN) {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }
}

fn utc(time: ASN1Time) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(time.timestamp()).ok()
}

/// RFC 5280 §4.2.1.6.
fn alternative_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    extension.value.general_names.iter().map(general_name).collect()
}

fn general_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(octets) => address(octets),
        GeneralName::RFC822Name(mailbox) => format!("email:{mailbox}"),
        GeneralName::URI(uri) => format!("URI:{uri}"),
        GeneralName::DirectoryName(name) => format!("directory:{}", name::text(name)),
        GeneralName::RegisteredID(oid) => format!("OID:{oid}"),
        _ => "a name of another kind".into(),
    }
}

fn address(octets: &[u8]) -> String {
    let four = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    let address = four.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
    address.map_or_else(|_| format!("IP:{}", hexadecimal(octets, "")), |address| address.to_string())
}

/// Two digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8], separator: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests;
