//! Distinguished names (RFC 5280 §4.1.2.4), and how two are compared (§7.1).

use der::asn1::ObjectIdentifier;

use crate::Malformed;

/// A distinguished name, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    pub(crate) der: &'a [u8],
    pub(crate) rdns: Vec<Vec<Attribute<'a>>>,
}

/// An AttributeTypeAndValue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute<'a> {
    /// Which attribute.
    pub kind: ObjectIdentifier,
    /// Its value with tag and length.
    pub value: &'a [u8],
}

impl<'a> Name<'a> {
    /// Reads a name that stands alone, in DER; nothing may follow it. For those who keep a name longer than what it
    /// came in.
    ///
    /// # Errors
    /// [`Malformed`] where it is not what RFC 5280 §4.1.2.4 says.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        let _ = der;
        Err(Malformed::new("name", "not yet"))
    }

    /// The RDNSequence with its tag and length.
    pub fn der(&self) -> &'a [u8] {
        self.der
    }

    /// The relative distinguished names, the widest first; each has one attribute or more.
    pub fn rdns(&self) -> impl ExactSizeIterator<Item = &[Attribute<'a>]> {
        self.rdns.iter().map(Vec::as_slice)
    }

    /// Whether it has no RDN.
    pub fn is_empty(&self) -> bool {
        self.rdns.is_empty()
    }

    /// Whether the two are one name by the rules of RFC 5280 §7.1: the same RDNs in the same order; in an RDN the same
    /// attributes in any order; text compared without regard to its string type, to case, and to the amount of white
    /// space.
    pub fn matches(&self, other: &Self) -> bool {
        self.der == other.der
    }

    /// Whether it is in the subtree that `base` names: whether `base` is the beginning of it (RFC 5280 §7.1).
    pub fn is_within(&self, base: &Self) -> bool {
        let _ = base;
        false
    }

    /// The text of the last attribute of this kind, such as a commonName; `None` where there is none, or it is no text.
    pub fn text(&self, kind: ObjectIdentifier) -> Option<String> {
        let _ = kind;
        None
    }
}

impl std::fmt::Display for Name<'_> {
    /// As RFC 4514 writes it, the narrowest first: `CN=example.com,O=Example`. Control characters are escaped.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("?")
    }
}
