//! Names of servers (RFC 9525): the subjectAltName alone, never the common name.

use std::net::IpAddr;

use polytls_api::{
    CertificateError, ServerName,
    x509::{Certificate, GeneralName},
};

use super::refusal::shortened;

/// The most names of a certificate that an error tells.
const TOLD: usize = 100;

/// The longest DNS name (RFC 1035 §2.3.4), as text without its last dot.
const DNS_NAME: usize = 253;

/// Whether the certificate is for this server.
pub(super) fn server(certificate: &Certificate<'_>, expected: &ServerName) -> Result<(), CertificateError> {
    if alternative_names(certificate).iter().any(|name| is_for(name, expected)) {
        return Ok(());
    }
    let told = |name: &GeneralName<'_>| match name {
        GeneralName::Dns(name) => Some(shortened(name.escape_ascii().to_string())),
        GeneralName::Ip(address) => ip(address).map(|address| address.to_string()),
        _ => None,
    };
    Err(CertificateError::NameMismatch {
        expected: expected.to_string(),
        presented: alternative_names(certificate).iter().filter_map(told).take(TOLD).collect(),
    })
}

pub(super) fn alternative_names<'c, 'a>(certificate: &'c Certificate<'a>) -> &'c [GeneralName<'a>] {
    let extension = certificate.extensions.subject_alt_name.as_ref();
    extension.map(|extension| extension.value.as_slice()).unwrap_or_default()
}

fn is_for(presented: &GeneralName<'_>, expected: &ServerName) -> bool {
    match (presented, expected) {
        (GeneralName::Dns(presented), ServerName::Dns(expected)) => {
            DnsName::parse(presented).is_some_and(|presented| presented.matches(expected))
        }
        // RFC 9525 §6.4: octet for octet.
        (GeneralName::Ip(presented), ServerName::Ip(expected)) => ip(presented) == Some(*expected),
        _ => false,
    }
}

pub(super) fn ip(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

/// A dNSName that can be one (RFC 5280 §4.2.1.6), in small letters.
///
/// Labels have letters, digits, hyphens not at their ends, and underscores, which names of hosts do not have and
/// certificates do; the last is no number, so that no address is taken for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DnsName {
    /// Whether its first label is `*`, which stands for one label and is not in `rest` (RFC 9525 §6.3).
    pub(super) wildcard: bool,
    /// The labels with dots between them; none at either end.
    pub(super) rest: String,
}

impl DnsName {
    pub(super) fn parse(octets: &[u8]) -> Option<Self> {
        let (wildcard, rest) = match octets.strip_prefix(b"*.") {
            Some(rest) => (true, rest),
            None => (false, octets),
        };
        let mut labels = rest.split(|octet| *octet == b'.');
        let last_is_number = labels.clone().next_back()?.iter().all(u8::is_ascii_digit);
        if octets.len() > DNS_NAME || last_is_number || !labels.all(is_label) {
            return None;
        }
        Some(Self { wildcard, rest: std::str::from_utf8(rest).ok()?.to_ascii_lowercase() })
    }

    /// Whether its labels are those of hosts: letters, digits and hyphens (RFC 5890 §2.3.1).
    pub(super) fn is_ldh(&self) -> bool {
        !self.rest.contains('_')
    }

    fn matches(&self, expected: &str) -> bool {
        if !self.wildcard {
            return self.rest.eq_ignore_ascii_case(expected);
        }
        // Baseline Requirements §3.2.2.6: no wildcard for all of a public suffix. Which suffixes are public is in no
        // certificate; those of one label all are.
        let parent = expected.split_once('.').map(|(_, parent)| parent);
        self.rest.contains('.') && parent.is_some_and(|parent| self.rest.eq_ignore_ascii_case(parent))
    }
}

fn is_label(label: &[u8]) -> bool {
    let inner = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    (1..=63).contains(&label.len())
        && label.iter().all(inner)
        && label.first() != Some(&b'-')
        && label.last() != Some(&b'-')
}
