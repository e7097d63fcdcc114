//! The names in an end entity's certificate, for what is not asked of a verifier.

use std::net::IpAddr;

use polytls_api::x509::{Certificate, GeneralName};

use super::PeerName;

/// Whether the certificate has the name in its subjectAltName, to the letter but for case where that says nothing.
pub(crate) fn has(certificate: &Certificate<'_>, name: &PeerName) -> bool {
    presented(certificate).iter().any(|presented| match (name, presented) {
        (PeerName::Dns(name), GeneralName::Dns(presented)) => presented.eq_ignore_ascii_case(name.as_bytes()),
        (PeerName::Ip(name), GeneralName::Ip(presented)) => {
            address(name).is_some_and(|octets| octets == *presented)
        }
        (PeerName::Rfc822(name), GeneralName::Rfc822(presented)) => same_mailbox(name.as_bytes(), presented),
        _ => false,
    })
}

/// Whether the certificate is for a server of this name (RFC 9525 §6.3, §6.4): as [`has`], or by a wildcard that is all
/// of the first label.
pub(crate) fn matches_server(certificate: &Certificate<'_>, name: &PeerName) -> bool {
    let by_wildcard = |name: &str, presented: &[u8]| {
        let (Some((_, parent)), Some(below)) = (name.split_once('.'), presented.strip_prefix(b"*.")) else {
            return false;
        };
        below.eq_ignore_ascii_case(parent.as_bytes())
    };
    has(certificate, name)
        || presented(certificate).iter().any(|presented| match (name, presented) {
            (PeerName::Dns(name), GeneralName::Dns(presented)) => by_wildcard(name, presented),
            _ => false,
        })
}

fn presented<'a, 'b>(certificate: &'b Certificate<'a>) -> &'b [GeneralName<'a>] {
    certificate.extensions.subject_alt_name.as_ref().map_or(&[], |names| names.value.as_slice())
}

/// RFC 5280 §7.5: the host without regard to case, what stands before it to the letter.
pub(crate) fn same_mailbox(one: &[u8], other: &[u8]) -> bool {
    let split = |mailbox: &[u8]| mailbox.iter().rposition(|&byte| byte == b'@');
    match (split(one), split(other)) {
        (Some(at), Some(place)) if at == place => {
            one.iter().take(at).eq(other.iter().take(at)) && one.eq_ignore_ascii_case(other)
        }
        _ => one == other,
    }
}

fn address(text: &str) -> Option<Vec<u8>> {
    text.parse().ok().map(|address| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    })
}
