//! The common name of a server, which is one of its names (BR §7.1.4.3).
//!
//! Where it names a host and the certificate is for hosts, or names an address, it has to be one of those in
//! subjectAltName, written as the BR say. A title for people (`Example Inc.`), and a host where there are addresses or
//! wildcards alone, are passed over: nobody takes them for the name of the server, and certificates have them.

use der::asn1::ObjectIdentifier;
use polytls_api::x509::{Attribute, Certificate, GeneralName};

use super::names;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// What a common name can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// A DNS name, in whatever script.
    Host,
    /// An IP address, well written or not.
    Address,
    Title,
}

/// The common names in the subject.
pub(super) fn all<'c, 'a>(certificate: &'c Certificate<'a>) -> impl Iterator<Item = &'c Attribute<'a>> {
    certificate.subject.rdns().flatten().filter(|attribute| attribute.kind == COMMON_NAME)
}

/// Whether it names a server that the certificate is not for, or not as it is written there.
pub(super) fn is_another_name(common_name: &Attribute<'_>, certificate: &Certificate<'_>) -> bool {
    // What is no text is no name of any server.
    let Some(text) = common_name.text() else { return true };
    let alternatives = names::alternative_names(certificate);
    let is_one = alternatives.iter().any(|name| is_written(name, &text));
    match Meaning::of(&text) {
        Meaning::Host => !is_one && alternatives.iter().any(is_host),
        Meaning::Address => !is_one,
        Meaning::Title => false,
    }
}

impl Meaning {
    fn of(text: &str) -> Self {
        // What ends in a number is read as an address by those who read URLs, with octal and hexadecimal numbers too.
        let last = text.rsplit('.').next().unwrap_or(text);
        let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
        let number = !last.is_empty() && last.bytes().all(|octet| octet.is_ascii_digit())
            || hexadecimal.is_some_and(|digits| digits.bytes().all(|octet| octet.is_ascii_hexdigit()));
        match text.contains(char::is_whitespace) {
            false if number || text.contains(':') => Self::Address,
            false if text.contains('.') => Self::Host,
            _ => Self::Title,
        }
    }
}

fn is_host(name: &GeneralName<'_>) -> bool {
    matches!(name, GeneralName::Dns(octets) if !octets.starts_with(b"*."))
}

/// A DNS name character for character, an address as RFC 3986 §3.2.2 or RFC 5952 §4 writes it.
fn is_written(name: &GeneralName<'_>, text: &str) -> bool {
    match name {
        GeneralName::Dns(octets) => *octets == text.as_bytes(),
        GeneralName::Ip(octets) => names::ip(octets).is_some_and(|address| address.to_string() == text),
        _ => false,
    }
}
