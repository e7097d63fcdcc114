//! Distinguished names (RFC 5280 §4.1.2.4), and how two are compared (§7.1).

mod display;
mod fold;

use der::asn1::ObjectIdentifier;

pub use self::fold::FoldedName;
use crate::{
    Malformed,
    reader::{Reader, Tag},
};

/// A distinguished name, parsed.
///
/// `==` compares octets; whether two are one name is [`matches`](Name::matches)'s to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    der: &'a [u8],
    /// Of all RDNs, in their order.
    attributes: Vec<Attribute<'a>>,
    /// Where each RDN ends in `attributes`.
    ends: Vec<usize>,
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
    /// Reads a name that stands alone, in DER; nothing may follow it. For those who keep a name longer than what it came
    /// in.
    ///
    /// # Errors
    /// [`Malformed`] where it is not what RFC 5280 §4.1.2.4 says, or names an attribute by an identifier that does not
    /// fit into an `ObjectIdentifier`. Values may be of any type, and need not be text.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(der, "name");
        let name = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(name)
    }

    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let sequence = reader.expect(Tag::SEQUENCE)?;
        let mut rdns = reader.inside(sequence);
        let count = rdns.count()?;
        let mut attributes = Vec::with_capacity(count);
        let mut ends = Vec::with_capacity(count);
        while !rdns.is_finished() {
            let mut rdn = rdns.within(Tag::SET)?;
            if rdn.is_finished() {
                return Err(rdn.malformed("an RDN has no attribute"));
            }
            // DER sorts a SET; certificates with another order exist, and order means nothing here.
            while !rdn.is_finished() {
                attributes.push(Attribute::read(&mut rdn)?);
            }
            ends.push(attributes.len());
        }
        Ok(Self { der: sequence.der, attributes, ends })
    }

    /// The RDNSequence with its tag and length.
    pub fn der(&self) -> &'a [u8] {
        self.der
    }

    /// The relative distinguished names, the widest first; each has one attribute or more.
    pub fn rdns(&self) -> impl ExactSizeIterator<Item = &[Attribute<'a>]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let rdn = self.attributes.get(start..*end).unwrap_or_default();
            start = *end;
            rdn
        })
    }

    /// Whether it has no RDN.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether the two are one name by the rules of RFC 5280 §7.1: the same RDNs in the same order; in an RDN the same
    /// attributes in any order; text compared without regard to its string type, to case, and to the amount of white
    /// space.
    ///
    /// Characters are not normalized further (NFKC): a composed letter is another than its parts. Who compares many
    /// names with many others keeps them [`folded`](Self::folded).
    pub fn matches(&self, other: &Self) -> bool {
        self.der == other.der || self.ends.len() == other.ends.len() && self.begins_with(other)
    }

    /// Whether it is in the subtree that `base` names: whether `base` is the beginning of it (RFC 5280 §7.1).
    pub fn is_within(&self, base: &Self) -> bool {
        self.ends.len() >= base.ends.len() && self.begins_with(base)
    }

    fn begins_with(&self, base: &Self) -> bool {
        self.rdns().zip(base.rdns()).all(|(own, base)| fold::is_same_rdn(own, base))
    }

    /// What is left of the name when all that [`matches`](Self::matches) does not regard is taken away: two names match
    /// where these are equal. It is made anew by each call.
    pub fn folded(&self) -> FoldedName {
        FoldedName::of(self)
    }

    /// The text of the last attribute of this kind, such as a commonName; `None` where there is none, or it is no text.
    pub fn text(&self, kind: ObjectIdentifier) -> Option<String> {
        self.attributes.iter().rev().find(|attribute| attribute.kind == kind)?.text()
    }
}

impl<'a> Attribute<'a> {
    fn read(rdn: &mut Reader<'a>) -> Result<Self, Malformed> {
        let mut fields = rdn.sequence()?;
        let kind = fields.oid()?;
        let value = fields.element()?.der;
        fields.finish()?;
        Ok(Self { kind, value })
    }

    /// The value where it is text, of whatever string type.
    pub fn text(&self) -> Option<String> {
        let mut text = String::new();
        fold::decode(self.value, |character| text.push(character))?;
        Some(text)
    }
}

#[cfg(test)]
mod tests;
