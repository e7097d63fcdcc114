//! Names, and the subtrees that they may be in, by their forms (RFC 5280 §4.2.1.10).

use std::fmt;

use der::{
    Decode,
    asn1::{AnyRef, ObjectIdentifier},
};
use polytls_api::x509::{Certificate, FoldedName, GeneralName, GeneralSubtree, Name};

use super::{
    names::{self, DnsName},
    refusal::shortened,
};

const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

/// As many octets of a base are compared for the price of one short name.
const OCTETS: usize = 256;

/// The forms of names; a constraint is about names of its own form alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Rfc822,
    Dns,
    Directory,
    Uri,
    Ip,
    RegisteredId,
    Other,
    Unsupported(u8),
}

impl Form {
    fn of(name: &GeneralName<'_>) -> Self {
        match name {
            GeneralName::Rfc822(_) => Self::Rfc822,
            GeneralName::Dns(_) => Self::Dns,
            GeneralName::Directory(_) => Self::Directory,
            GeneralName::Uri(_) => Self::Uri,
            GeneralName::Ip(_) => Self::Ip,
            // Those whose identifier cannot be held are of the same forms, by the numbers of their choices.
            GeneralName::RegisteredId(_) | GeneralName::Unsupported(8, _) => Self::RegisteredId,
            GeneralName::Other(..) | GeneralName::Unsupported(0, _) => Self::Other,
            GeneralName::Unsupported(choice, _) => Self::Unsupported(*choice),
            // A form that x509 learns later is none that is understood here.
            _ => Self::Unsupported(u8::MAX),
        }
    }
}

/// A name that a certificate has, parsed once for however many constraints.
#[derive(Debug)]
pub(super) struct Subject<'c> {
    form: Form,
    text: Text<'c>,
    /// `None` where it is malformed, or of a form that cannot be compared.
    name: Option<Parsed<'c>>,
}

/// What an error calls it.
#[derive(Debug)]
enum Text<'c> {
    Octets(&'c [u8]),
    Name(&'c Name<'c>),
    None,
}

#[derive(Debug)]
enum Parsed<'c> {
    Mailbox(Mailbox<'c>),
    Dns(DnsName),
    Directory(FoldedName),
    /// The host of a URI.
    Host(String),
    Ip(&'c [u8]),
}

impl<'c> Subject<'c> {
    /// All names of a certificate that constraints are about.
    pub(super) fn of(certificate: &'c Certificate<'_>) -> Vec<Self> {
        let mut subjects: Vec<_> = names::alternative_names(certificate).iter().map(Self::new).collect();
        // RFC 5280 §4.2.1.10: the subject too, unless it is empty, and without a subjectAltName the mailboxes in it.
        if !certificate.subject.is_empty() {
            subjects.push(Self::directory(&certificate.subject));
        }
        if certificate.extensions.subject_alt_name.is_none() {
            let attributes = certificate.subject.rdns().flatten();
            let mailboxes = attributes.filter(|attribute| attribute.kind == EMAIL_ADDRESS);
            subjects.extend(mailboxes.map(|attribute| {
                let octets = AnyRef::from_der(attribute.value).map(|value| value.value());
                Self::mailbox(octets.unwrap_or_default())
            }));
        }
        subjects
    }

    fn new(name: &'c GeneralName<'_>) -> Self {
        let form = Form::of(name);
        let (octets, name) = match name {
            GeneralName::Rfc822(octets) => return Self::mailbox(octets),
            GeneralName::Directory(name) => return Self::directory(name),
            GeneralName::Dns(octets) => (*octets, DnsName::parse(octets).map(Parsed::Dns)),
            GeneralName::Uri(octets) => (*octets, uri_host(octets).map(Parsed::Host)),
            GeneralName::Ip(octets) => {
                (*octets, matches!(octets.len(), 4 | 16).then_some(Parsed::Ip(octets)))
            }
            _ => return Self { form, text: Text::None, name: None },
        };
        Self { form, text: Text::Octets(octets), name }
    }

    fn directory(name: &'c Name<'_>) -> Self {
        Self { form: Form::Directory, text: Text::Name(name), name: Some(Parsed::Directory(name.folded())) }
    }

    fn mailbox(octets: &'c [u8]) -> Self {
        let name = Mailbox::parse(octets).map(Parsed::Mailbox);
        Self { form: Form::Rfc822, text: Text::Octets(octets), name }
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// Whether it can be compared with constraints of its form.
    pub(super) fn is_understood(&self) -> bool {
        self.name.is_some()
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match self.form {
            Form::Rfc822 => "rfc822Name",
            Form::Dns => "dNSName",
            Form::Directory => "directoryName",
            Form::Uri => "uniformResourceIdentifier",
            Form::Ip => "iPAddress",
            Form::RegisteredId => "registeredID",
            Form::Other => "otherName",
            Form::Unsupported(_) => "a name of an unknown form",
        };
        match self.text {
            Text::Octets(octets) if self.form == Form::Ip => write!(f, "{form} {octets:?}"),
            Text::Octets(octets) => write!(f, "{form} `{}`", shortened(octets.escape_ascii().to_string())),
            Text::Name(name) => write!(f, "{form} `{}`", shortened(name.to_string())),
            Text::None => f.write_str(form),
        }
    }
}

/// The base of a subtree.
#[derive(Debug)]
pub(super) struct Base<'c> {
    form: Form,
    /// `None` where constraints of this form cannot be compared.
    subtree: Option<Subtree<'c>>,
}

#[derive(Debug)]
enum Subtree<'c> {
    Mailbox(Mailbox<'c>),
    /// The hosts of mailboxes, and of URIs.
    Hosts(Hosts),
    /// The name and all below it, in small letters; all names where it is empty.
    Dns(String),
    /// With the length of its DER.
    Directory(FoldedName, usize),
    /// An address, and the mask of the same length.
    Ip(&'c [u8], &'c [u8]),
}

#[derive(Debug)]
enum Hosts {
    All,
    One(String),
    /// All that have labels before this name.
    Below(String),
}

impl<'c> Base<'c> {
    /// # Errors
    /// With the reason where it is not what RFC 5280 §4.2.1.10 says.
    pub(super) fn new(subtree: &'c GeneralSubtree<'_>) -> Result<Self, &'static str> {
        if subtree.minimum != 0 || subtree.maximum.is_some() {
            return Err("a subtree has a minimum or a maximum");
        }
        let form = Form::of(&subtree.base);
        let subtree = match &subtree.base {
            GeneralName::Rfc822(octets) if octets.contains(&b'@') => {
                Subtree::Mailbox(Mailbox::parse(octets).ok_or("an rfc822Name has an @ and is no mailbox")?)
            }
            GeneralName::Rfc822(octets) => {
                Subtree::Hosts(Hosts::parse(octets).ok_or("an rfc822Name is no mailbox, host or domain")?)
            }
            GeneralName::Uri(octets) => Subtree::Hosts(
                Hosts::parse(octets).ok_or("a uniformResourceIdentifier is no host or domain")?,
            ),
            GeneralName::Dns(octets) => Subtree::Dns(if octets.is_empty() {
                String::new()
            } else {
                host(octets).ok_or("a dNSName is none")?
            }),
            GeneralName::Directory(name) => Subtree::Directory(name.folded(), name.der().len()),
            GeneralName::Ip(octets) => ip_range(octets).ok_or("an iPAddress is no address with a mask")?,
            _ => return Ok(Self { form, subtree: None }),
        };
        Ok(Self { form, subtree: Some(subtree) })
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// What a comparison with it costs.
    pub(super) fn weight(&self) -> usize {
        match &self.subtree {
            Some(Subtree::Directory(_, length)) => 1 + length / OCTETS,
            _ => 1,
        }
    }

    /// Whether all that the name stands for is in the subtree.
    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        match (&self.subtree, &subject.name) {
            (Some(Subtree::Dns(base)), Some(Parsed::Dns(name))) => {
                is_below(&name.rest, base) || name.rest == *base
            }
            (Some(Subtree::Mailbox(base)), Some(Parsed::Mailbox(name))) => base == name,
            (Some(Subtree::Hosts(hosts)), Some(Parsed::Mailbox(name))) => hosts.contain(&name.host),
            (Some(Subtree::Hosts(hosts)), Some(Parsed::Host(host))) => hosts.contain(host),
            (Some(Subtree::Directory(base, _)), Some(Parsed::Directory(name))) => name.is_within(base),
            (Some(Subtree::Ip(network, mask)), Some(Parsed::Ip(address))) => {
                let masked = address.iter().zip(*mask).map(|(octet, mask)| octet & mask);
                address.len() == network.len()
                    && masked.eq(network.iter().zip(*mask).map(|(octet, mask)| octet & mask))
            }
            _ => false,
        }
    }

    /// Whether anything that the name stands for is in the subtree; of what is not understood, something may be.
    pub(super) fn touches(&self, subject: &Subject<'_>) -> bool {
        match (&self.subtree, &subject.name) {
            (Some(Subtree::Dns(base)), Some(Parsed::Dns(name))) if name.wildcard => {
                let one_label_more = base.split_once('.').is_some_and(|(_, parent)| parent == name.rest);
                one_label_more || self.holds(subject)
            }
            (Some(_), Some(_)) => self.holds(subject),
            _ => true,
        }
    }
}

impl Hosts {
    fn parse(octets: &[u8]) -> Option<Self> {
        Some(match octets {
            [] => Self::All,
            [b'.', domain @ ..] => Self::Below(host(domain)?),
            _ => Self::One(host(octets)?),
        })
    }

    fn contain(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => host == one,
            Self::Below(domain) => is_below(host, domain),
        }
    }
}

/// A mailbox of RFC 5280 §4.2.1.6 whose local part is not quoted, so that there is one way to write it.
#[derive(Debug, PartialEq, Eq)]
struct Mailbox<'c> {
    /// Its case counts, and an asterisk is an asterisk.
    local: &'c [u8],
    host: String,
}

impl<'c> Mailbox<'c> {
    fn parse(octets: &'c [u8]) -> Option<Self> {
        let at = octets.iter().position(|octet| *octet == b'@')?;
        let (local, at_host) = octets.split_at_checked(at)?;
        let atext = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(octet);
        let host = host(at_host.get(1..)?)?;
        (!local.is_empty() && local.iter().all(atext)).then_some(Self { local, host })
    }
}

/// The host in a URI's authority (RFC 3986 §3.2), which has to be a DNS name (RFC 5280 §4.2.1.10).
fn uri_host(octets: &[u8]) -> Option<String> {
    let uri = std::str::from_utf8(octets).ok()?;
    let (_, rest) = uri.split_once(':')?;
    let authority = rest.strip_prefix("//")?.split(['/', '?', '#']).next()?;
    // Some readers take it for a slash, and see another host than others.
    if authority.contains('\\') {
        return None;
    }
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host_and_port)| host_and_port);
    let name = match host_and_port.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => name,
        Some(_) => return None,
        None => host_and_port,
    };
    host(name.as_bytes())
}

fn ip_range(octets: &[u8]) -> Option<Subtree<'_>> {
    if !matches!(octets.len(), 8 | 32) {
        return None;
    }
    let (network, mask) = octets.split_at_checked(octets.len() / 2)?;
    // RFC 4632 §3.1, which RFC 5280 names: ones, then zeros.
    let mut after_ones = mask.iter().skip_while(|octet| **octet == 0xff);
    let boundary = after_ones.next().copied().unwrap_or_default();
    let contiguous =
        boundary.leading_ones() + boundary.trailing_zeros() >= 8 && after_ones.all(|octet| *octet == 0);
    contiguous.then_some(Subtree::Ip(network, mask))
}

/// A DNS name without a wildcard, in small letters.
fn host(octets: &[u8]) -> Option<String> {
    DnsName::parse(octets).filter(|name| !name.wildcard).map(|name| name.rest)
}

/// Whether the name has labels before this one.
fn is_below(name: &str, base: &str) -> bool {
    base.is_empty() || name.strip_suffix(base).is_some_and(|labels| labels.ends_with('.'))
}
