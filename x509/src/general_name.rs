//! GeneralName and GeneralSubtree (RFC 5280 §4.2.1.6, §4.2.1.10).

use der::asn1::ObjectIdentifier;

use crate::{
    Malformed, Name,
    reader::{Reader, Tag, representable},
};

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
    /// x400Address, ediPartyName: the number of the choice, and its content. An otherName or registeredID whose
    /// identifier does not fit into an `ObjectIdentifier` is here too.
    Unsupported(u8, &'a [u8]),
}

impl<'a> GeneralName<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let element = reader.element()?;
        let value = element.value;
        // Which choice is primitive and which constructed follows from its type: Name is a CHOICE, so its tag is EXPLICIT.
        match element.tag.0 {
            0xa0 => Self::other(reader.inside(element), value),
            0x81 => ia5(reader, value).map(Self::Rfc822),
            0x82 => ia5(reader, value).map(Self::Dns),
            0xa3 => Ok(Self::Unsupported(3, value)),
            0xa4 => {
                let mut explicit = reader.inside(element);
                let name = Name::read(&mut explicit)?;
                explicit.finish()?;
                Ok(Self::Directory(name))
            }
            0xa5 => Ok(Self::Unsupported(5, value)),
            0x86 => ia5(reader, value).map(Self::Uri),
            0x87 => Ok(Self::Ip(value)),
            0x88 => {
                let id = reader.well_formed_oid(value)?;
                Ok(representable(id).map_or(Self::Unsupported(8, value), Self::RegisteredId))
            }
            tag => Err(reader.malformed(format_args!("the tag {tag:#04x} is none of GeneralName's"))),
        }
    }

    fn other(mut fields: Reader<'a>, content: &'a [u8]) -> Result<Self, Malformed> {
        let id = fields.oid_octets()?;
        let mut explicit = fields.within(Tag::constructed(0))?;
        let value = explicit.element()?.der;
        explicit.finish()?;
        fields.finish()?;
        Ok(representable(id).map_or(Self::Unsupported(0, content), |id| Self::Other(id, value)))
    }

    /// GeneralNames: one or more.
    pub(crate) fn read_all(names: Reader<'a>) -> Result<Vec<Self>, Malformed> {
        match names.is_finished() {
            false => names.all(Self::read),
            true => Err(names.malformed("the list of names is empty")),
        }
    }
}

fn ia5<'a>(reader: &Reader<'_>, value: &'a [u8]) -> Result<&'a [u8], Malformed> {
    match value.is_ascii() {
        true => Ok(value),
        false => Err(reader.malformed("a name has octets that are not of IA5String")),
    }
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

impl<'a> GeneralSubtree<'a> {
    pub(crate) fn read(subtrees: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut fields = subtrees.sequence()?;
        let base = GeneralName::read(&mut fields)?;
        // DEFAULT 0; an encoded 0 means the same.
        let minimum = fields.optional_unsigned(Tag::primitive(0))?.unwrap_or(0);
        let maximum = fields.optional_unsigned(Tag::primitive(1))?;
        fields.finish()?;
        Ok(Self { base, minimum, maximum })
    }
}
