//! DER (X.690), one field after the other. Lengths and object identifiers are read by the `der` crate; what it would
//! refuse and certificates may hold (UniversalString, dates before 1970) is read here.

use der::{Decode, ErrorKind, Length, Reader as _, SliceReader, asn1::ObjectIdentifier};

use crate::Malformed;

/// The identifier octet of an element: class, constructed or primitive, number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag(pub(crate) u8);

impl Tag {
    pub(crate) const BOOLEAN: Self = Self(0x01);
    pub(crate) const INTEGER: Self = Self(0x02);
    pub(crate) const BIT_STRING: Self = Self(0x03);
    pub(crate) const OCTET_STRING: Self = Self(0x04);
    pub(crate) const NULL: Self = Self(0x05);
    pub(crate) const OBJECT_IDENTIFIER: Self = Self(0x06);
    pub(crate) const ENUMERATED: Self = Self(0x0a);
    pub(crate) const UTC_TIME: Self = Self(0x17);
    pub(crate) const GENERALIZED_TIME: Self = Self(0x18);
    pub(crate) const SEQUENCE: Self = Self(0x30);
    pub(crate) const SET: Self = Self(0x31);

    /// `[number]` over a primitive type, IMPLICIT.
    pub(crate) const fn primitive(number: u8) -> Self {
        Self(0x80 | number)
    }

    /// `[number]` over a constructed type, or EXPLICIT.
    pub(crate) const fn constructed(number: u8) -> Self {
        Self(0xa0 | number)
    }

    /// In DER the universal types but SEQUENCE, SET, EXTERNAL and EMBEDDED PDV are primitive. Numbers over 30 are in no
    /// structure that is read here.
    fn is_of_der(self) -> bool {
        const HIGH_NUMBER: u8 = 0x1f;
        let may_be_constructed = match self.0 {
            0x00 | 0x08 | 0x0b | 0x10 | 0x11 => false,
            0x28 | 0x2b | 0x30 | 0x31 => true,
            universal if universal & 0xc0 == 0 => universal & 0x20 == 0,
            _ => true,
        };
        may_be_constructed && self.0 & HIGH_NUMBER != HIGH_NUMBER
    }
}

/// A tag, a length and so many octets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) tag: Tag,
    /// All of it.
    pub(crate) der: &'a [u8],
    /// Its content octets.
    pub(crate) value: &'a [u8],
}

/// What is left of a run of elements, and which field of the standard's is read from it.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    field: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(elements: &'a [u8], field: &'static str) -> Self {
        Self { rest: elements, field }
    }

    /// What is read next is this field.
    pub(crate) fn at(&mut self, field: &'static str) -> &mut Self {
        self.field = field;
        self
    }

    pub(crate) fn malformed(&self, reason: impl ToString) -> Malformed {
        Malformed::new(self.field, reason)
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may be left.
    pub(crate) fn finish(&self) -> Result<(), Malformed> {
        match self.rest.len() {
            0 => Ok(()),
            count => Err(self.malformed(format_args!("{count} octets follow where it must end"))),
        }
    }

    /// The next element, whatever it is.
    pub(crate) fn element(&mut self) -> Result<Element<'a>, Malformed> {
        let (tag, header, length) = match *self.rest {
            // Lengths of up to 64 KiB, in their shortest form, are read where they stand.
            [tag, length @ 0..=0x7f, ..] => (Tag(tag), 2, usize::from(length)),
            [tag, 0x81, length @ 0x80..=0xff, ..] => (Tag(tag), 3, usize::from(length)),
            [tag, 0x82, high @ 1..=0xff, low, ..] => {
                (Tag(tag), 4, usize::from(u16::from_be_bytes([high, low])))
            }
            _ => self.outline()?,
        };
        let end = header.saturating_add(length);
        match (self.rest.split_at_checked(end), self.rest.get(header..end)) {
            (Some((der, rest)), Some(value)) if tag.is_of_der() => {
                self.rest = rest;
                Ok(Element { tag, der, value })
            }
            _ => Err(self.no_element(tag)),
        }
    }

    /// Why there is no element of this tag.
    #[cold]
    fn no_element(&self, tag: Tag) -> Malformed {
        match tag.is_of_der() {
            true => self.malformed("it is cut off"),
            false => self.malformed(format_args!("the tag {:#04x} is not of DER", tag.0)),
        }
    }

    /// The next element's tag, how long its header is, and how long its content.
    #[cold]
    fn outline(&self) -> Result<(Tag, usize, usize), Malformed> {
        match self.rest {
            [] => Err(self.malformed("it is missing")),
            _ => self.any_outline().map_err(|error| self.malformed(in_words(error.kind()))),
        }
    }

    fn any_outline(&self) -> der::Result<(Tag, usize, usize)> {
        // No more than a header is shown to the reader, so that its bound on the length of input is no concern.
        let header = self.rest.get(..6).unwrap_or(self.rest);
        let mut reader = SliceReader::new(header)?;
        let tag = Tag(reader.read_byte()?);
        let length = usize::try_from(Length::decode(&mut reader)?)?;
        Ok((tag, usize::try_from(reader.position())?, length))
    }

    pub(crate) fn next_is(&self, tag: Tag) -> bool {
        self.rest.first() == Some(&tag.0)
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: Tag) -> Result<Element<'a>, Malformed> {
        match self.next_is(tag) {
            true => self.element(),
            false => Err(self.not_of(tag)),
        }
    }

    /// Why what comes next is not of this tag.
    #[cold]
    fn not_of(&self, tag: Tag) -> Malformed {
        match self.rest.first() {
            Some(found) => self.malformed(format_args!("the tag is {found:#04x} and must be {:#04x}", tag.0)),
            None => self.malformed("it is missing"),
        }
    }

    /// The next element where it has this tag.
    pub(crate) fn optional(&mut self, tag: Tag) -> Result<Option<Element<'a>>, Malformed> {
        match self.next_is(tag) {
            true => self.element().map(Some),
            false => Ok(None),
        }
    }

    /// A reader of what an element of this field holds.
    pub(crate) fn inside(&self, element: Element<'a>) -> Self {
        Self::new(element.value, self.field)
    }

    /// A reader of what the next element holds, which must have this tag.
    pub(crate) fn within(&mut self, tag: Tag) -> Result<Self, Malformed> {
        let element = self.expect(tag)?;
        Ok(self.inside(element))
    }

    pub(crate) fn sequence(&mut self) -> Result<Self, Malformed> {
        self.within(Tag::SEQUENCE)
    }

    /// A reader of what the next element holds, where it has this tag.
    pub(crate) fn optional_within(&mut self, tag: Tag) -> Result<Option<Self>, Malformed> {
        Ok(self.optional(tag)?.map(|element| self.inside(element)))
    }

    /// Everything up to the end, by `read`, which must take one element or more.
    pub(crate) fn all<T>(
        mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let mut all = Vec::with_capacity(self.count()?);
        while !self.is_finished() {
            all.push(read(&mut self)?);
        }
        Ok(all)
    }

    /// How many elements are left.
    pub(crate) fn count(&self) -> Result<usize, Malformed> {
        let mut rest = self.clone();
        let mut count = 0;
        while !rest.is_finished() {
            rest.element()?;
            count += 1;
        }
        Ok(count)
    }

    /// An INTEGER's content octets.
    pub(crate) fn integer(&mut self) -> Result<&'a [u8], Malformed> {
        let element = self.expect(Tag::INTEGER)?;
        self.minimal(element.value)
    }

    /// Content octets of an INTEGER or ENUMERATED: one at least, and no more than it takes (X.690 §8.3.2).
    pub(crate) fn minimal(&self, content: &'a [u8]) -> Result<&'a [u8], Malformed> {
        match content {
            [] => Err(self.malformed("the integer is empty")),
            [0x00, 0x00..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => {
                Err(self.malformed("the integer is longer than it takes"))
            }
            content => Ok(content),
        }
    }

    /// The number in content octets of an INTEGER (0..MAX). What is over 32 bits is read as the highest number: nothing
    /// that is counted by it has as many.
    pub(crate) fn unsigned(&self, content: &'a [u8]) -> Result<u32, Malformed> {
        let octets = match self.minimal(content)? {
            [0x80..=0xff, ..] => return Err(self.malformed("it is negative")),
            [0x00, octets @ ..] | octets => octets,
        };
        match octets.len() {
            0..=4 => Ok(octets.iter().fold(0, |number, octet| number << 8 | u32::from(*octet))),
            _ => Ok(u32::MAX),
        }
    }

    /// INTEGER (0..MAX) OPTIONAL, under this tag.
    pub(crate) fn optional_unsigned(&mut self, tag: Tag) -> Result<Option<u32>, Malformed> {
        match self.optional(tag)? {
            Some(element) => self.unsigned(element.value).map(Some),
            None => Ok(None),
        }
    }

    /// BOOLEAN DEFAULT FALSE.
    ///
    /// DER leaves a default out. An encoded FALSE is taken all the same: certificates have it, its meaning is plain, and
    /// OpenSSL, NSS and webpki take it. TRUE is 0xff alone, as in DER: BER's other values are read one way here and
    /// another there.
    pub(crate) fn default_false(&mut self, tag: Tag) -> Result<bool, Malformed> {
        match self.optional(tag)?.map(|element| element.value) {
            None | Some([0x00]) => Ok(false),
            Some([0xff]) => Ok(true),
            Some(_) => Err(self.malformed("the BOOLEAN is neither 0x00 nor 0xff")),
        }
    }

    /// A BIT STRING of whole octets.
    pub(crate) fn octets_of_bits(&mut self) -> Result<&'a [u8], Malformed> {
        let content = self.expect(Tag::BIT_STRING)?.value;
        match self.bits(content)? {
            (0, octets) => Ok(octets),
            _ => Err(self.malformed("the BIT STRING is not of whole octets")),
        }
    }

    /// Content octets of a BIT STRING: how many bits of the last octet are unused, and the octets.
    pub(crate) fn bits(&self, content: &'a [u8]) -> Result<(u8, &'a [u8]), Malformed> {
        let (unused, octets) = match content {
            [unused @ 0..=7, octets @ ..] => (*unused, octets),
            _ => return Err(self.malformed("the BIT STRING does not say how many bits are unused")),
        };
        // X.690 §11.2.1: unused bits are zero.
        let mask = (1_u8 << unused) - 1;
        match octets.last() {
            None if unused == 0 => Ok((0, octets)),
            Some(last) if last & mask == 0 => Ok((unused, octets)),
            _ => Err(self.malformed("unused bits of the BIT STRING are set, or there are none")),
        }
    }

    /// An OBJECT IDENTIFIER's content octets.
    pub(crate) fn oid_octets(&mut self) -> Result<&'a [u8], Malformed> {
        let octets = self.expect(Tag::OBJECT_IDENTIFIER)?.value;
        self.well_formed_oid(octets)
    }

    /// X.690 §8.19: each arc is minimal, and ends.
    pub(crate) fn well_formed_oid(&self, octets: &'a [u8]) -> Result<&'a [u8], Malformed> {
        // Whether an arc has ended, and another begins: not with a zero that adds nothing.
        let mut ended = true;
        let shortest = octets.iter().all(|&octet| {
            let begun = ended;
            ended = octet & 0x80 == 0;
            !(begun && octet == 0x80)
        });
        match shortest && ended && !octets.is_empty() {
            true => Ok(octets),
            false => Err(self.malformed("the OBJECT IDENTIFIER is not in its shortest form")),
        }
    }

    /// An OBJECT IDENTIFIER that must be one that [`representable`] can hold.
    pub(crate) fn oid(&mut self) -> Result<ObjectIdentifier, Malformed> {
        let octets = self.oid_octets()?;
        representable(octets).ok_or_else(|| {
            self.malformed("an OBJECT IDENTIFIER of over 39 octets, or an arc of over 32 bits")
        })
    }
}

/// The identifier as a value; `None` where it is over 39 octets long or has an arc of over 32 bits (such as those that
/// are made of UUIDs), which the type cannot hold.
pub(crate) fn representable(octets: &[u8]) -> Option<ObjectIdentifier> {
    let common = COMMON.iter().find(|common| common.as_bytes() == octets);
    common.copied().or_else(|| ObjectIdentifier::from_bytes(octets).ok())
}

/// What is in most certificates, and need not be read arc by arc: rsaEncryption and its signature with SHA-256, the key
/// on a curve, P-256, its signature with SHA-256, the attributes CN, C and O, and the purposes serverAuth and clientAuth.
const COMMON: [ObjectIdentifier; 10] = [
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.2.1"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
    ObjectIdentifier::new_unwrap("2.5.4.3"),
    ObjectIdentifier::new_unwrap("2.5.4.6"),
    ObjectIdentifier::new_unwrap("2.5.4.10"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"),
];

/// What is wrong with a header.
fn in_words(error: ErrorKind) -> &'static str {
    match error {
        ErrorKind::IndefiniteLength => "its length is indefinite, which is not DER",
        ErrorKind::Incomplete { .. } => "it is cut off",
        _ => "its length is not in the shortest form, or over four octets",
    }
}
