//! GeneralName and GeneralSubtree (RFC 5280 §4.2.1.6, §4.2.1.10).

use der::asn1::ObjectIdentifier;

use crate::Name;

/// A name of a certificate, or the base of a constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeneralName<'a> {
    /// rfc822Name: IA5 octets, not checked further.
    Rfc822(&'a [u8]),
    /// dNSName: IA5 octets, not checked further.
    Dns(&'a [u8]),
    /// directoryName.
    Directory(Name<'a>),
    /// uniformResourceIdentifier: IA5 octets, not checked further.
    Uri(&'a [u8]),
    /// iPAddress: 4 or 16 octets in a name, 8 or 32 (with the mask) in a constraint; not checked here.
    Ip(&'a [u8]),
    /// registeredID.
    RegisteredId(ObjectIdentifier),
    /// otherName: which, and its value with tag and length.
    Other(ObjectIdentifier, &'a [u8]),
    /// x400Address, ediPartyName: the number of the choice, and its content.
    Unsupported(u8, &'a [u8]),
}

/// A subtree of names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GeneralSubtree<'a> {
    /// Where the subtree begins.
    pub base: GeneralName<'a>,
    /// 0 in RFC 5280.
    pub minimum: u32,
    /// Absent in RFC 5280.
    pub maximum: Option<u32>,
}
