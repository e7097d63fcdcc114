//! Names without what comparison does not regard (RFC 5280 §7.1, RFC 4518 §2).

use super::{Attribute, Name};
use crate::reader::{Reader, Tag};

const UTF8_STRING: Tag = Tag(0x0c);
const NUMERIC_STRING: Tag = Tag(0x12);
const PRINTABLE_STRING: Tag = Tag(0x13);
const TELETEX_STRING: Tag = Tag(0x14);
const IA5_STRING: Tag = Tag(0x16);
const VISIBLE_STRING: Tag = Tag(0x1a);
const UNIVERSAL_STRING: Tag = Tag(0x1c);
const BMP_STRING: Tag = Tag(0x1e);

/// A name as it is compared: two names match where these are equal, and a name is in a subtree where its own begins with
/// the subtree's.
///
/// String types, case and amounts of white space are gone, and the attributes of an RDN are in one order. It is bytes
/// for comparison alone, cheap to compare, to sort and to hash, and says nothing to people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoldedName {
    /// Each RDN with its length before it, so that one name's bytes begin with another's only where its RDNs do.
    key: Vec<u8>,
}

impl FoldedName {
    pub(super) fn of(name: &Name<'_>) -> Self {
        let mut key = Vec::with_capacity(name.der().len() + name.ends.len() * 32);
        for rdn in name.rdns() {
            fold_rdn(rdn, &mut key);
        }
        Self { key }
    }

    /// Whether it is in the subtree that `base` names, as [`Name::is_within`] says.
    pub fn is_within(&self, base: &Self) -> bool {
        self.key.starts_with(&base.key)
    }
}

/// Whether two RDNs have the same attributes.
pub(super) fn is_same_rdn(one: &[Attribute<'_>], other: &[Attribute<'_>]) -> bool {
    match (one, other) {
        ([one], [other]) => is_same_attribute(one, other),
        _ if one.len() != other.len() => false,
        _ => {
            let folded = |rdn| {
                let mut key = Vec::new();
                fold_rdn(rdn, &mut key);
                key
            };
            folded(one) == folded(other)
        }
    }
}

fn is_same_attribute(one: &Attribute<'_>, other: &Attribute<'_>) -> bool {
    if one.kind != other.kind || one.value == other.value {
        return one.kind == other.kind;
    }
    if let (Some(one), Some(other)) = (plain_text(one.value), plain_text(other.value)) {
        return is_same_plain_text(one, other);
    }
    let folded = |attribute: &Attribute<'_>| {
        let mut folded = Vec::with_capacity(attribute.value.len());
        (fold_value(attribute.value, &mut folded), folded)
    };
    folded(one) == folded(other)
}

/// The octets of text that is ASCII and has no control characters, as most has: it is compared where it stands.
fn plain_text(value: &[u8]) -> Option<&[u8]> {
    let element = Reader::new(value, "value").element().ok()?;
    let is_plain =
        is_ascii_or_more(element.tag) && element.value.iter().all(|octet| matches!(octet, b' '..=b'~'));
    is_plain.then_some(element.value)
}

fn is_same_plain_text(one: &[u8], other: &[u8]) -> bool {
    let (mut one, mut other) = (words(one), words(other));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one.eq_ignore_ascii_case(other) => {}
            _ => return false,
        }
    }
}

fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|octet| *octet == b' ').filter(|word| !word.is_empty())
}

fn fold_rdn(rdn: &[Attribute<'_>], key: &mut Vec<u8>) {
    with_length(key, |key| match rdn {
        [attribute] => fold_attribute(attribute, key),
        attributes => {
            let fold = |attribute| {
                let mut key = Vec::new();
                fold_attribute(attribute, &mut key);
                key
            };
            let mut folded: Vec<_> = attributes.iter().map(fold).collect();
            folded.sort_unstable();
            folded.iter().for_each(|attribute| key.extend_from_slice(attribute));
        }
    });
}

fn fold_attribute(attribute: &Attribute<'_>, key: &mut Vec<u8>) {
    with_length(key, |key| key.extend_from_slice(attribute.kind.as_bytes()));
    with_length(key, |key| {
        // Text and octets must never be equal: which of them it is stands behind.
        let is_text = fold_value(attribute.value, key);
        key.push(is_text.into());
    });
}

/// What `write` appends, behind its length.
fn with_length(key: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = key.len();
    key.extend_from_slice(&[0; size_of::<u64>()]);
    let content = key.len();
    write(key);
    let length = (key.len() - content) as u64;
    if let Some(place) = key.get_mut(start..content) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends a value's text as it is compared, or its octets where it is no text. Returns whether it is text.
fn fold_value(value: &[u8], folded: &mut Vec<u8>) -> bool {
    let start = folded.len();
    if let Some(text) = plain_text(value) {
        fold_plain_text(text, folded);
        return true;
    }
    let mut space_before = false;
    let text = decode(value, |character| {
        if character.is_whitespace() {
            // None at the beginning, one between words; one at the end is never written.
            space_before = folded.len() > start;
        } else if !is_mapped_to_nothing(character) {
            if std::mem::take(&mut space_before) {
                folded.push(b' ');
            }
            fold_character(character, folded);
        }
    });
    if text.is_none() {
        folded.truncate(start);
        folded.extend_from_slice(value);
    }
    text.is_some()
}

/// As characters one by one would be folded, where they are all of [`plain_text`].
fn fold_plain_text(text: &[u8], folded: &mut Vec<u8>) {
    let start = folded.len();
    for word in words(text) {
        if folded.len() > start {
            folded.push(b' ');
        }
        folded.extend_from_slice(word);
    }
    folded.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
}

/// Upper case first: some letters have two lower cases.
fn fold_character(character: char, folded: &mut Vec<u8>) {
    if character.is_ascii() {
        folded.push(character.to_ascii_lowercase() as u8);
        return;
    }
    for character in character.to_uppercase().flat_map(char::to_lowercase) {
        folded.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// RFC 4518 §2.2: control characters, and others that nobody sees.
fn is_mapped_to_nothing(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{ad}' | '\u{34f}'
        | '\u{6dd}' | '\u{70f}' | '\u{1806}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2063}' | '\u{206a}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffc}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}'
        | '\u{e0020}'..='\u{e007f}'
    )
}

/// The characters of a value, one after the other; `None` where it is no text, or not what its string type may hold.
/// Some may have been shown by then.
pub(super) fn decode(value: &[u8], mut see: impl FnMut(char)) -> Option<()> {
    let element = Reader::new(value, "value").element().ok()?;
    let content = element.value;
    match element.tag {
        UTF8_STRING => std::str::from_utf8(content).ok()?.chars().for_each(see),
        // PrintableString and NumericString are held to have any ASCII: certificates have "@" and "*" in them.
        NUMERIC_STRING | PRINTABLE_STRING | IA5_STRING | VISIBLE_STRING => {
            let content = content.is_ascii().then_some(content)?;
            content.iter().for_each(|octet| see(char::from(*octet)));
        }
        // T.61 in the standard, Latin-1 in certificates.
        TELETEX_STRING => content.iter().for_each(|octet| see(char::from(*octet))),
        BMP_STRING => {
            let (units, []) = content.as_chunks::<2>() else { return None };
            let units = units.iter().map(|unit| u16::from_be_bytes(*unit));
            for character in char::decode_utf16(units) {
                see(character.ok()?);
            }
        }
        UNIVERSAL_STRING => {
            let (characters, []) = content.as_chunks::<4>() else { return None };
            for character in characters {
                see(char::from_u32(u32::from_be_bytes(*character))?);
            }
        }
        _ => return None,
    }
    Some(())
}

fn is_ascii_or_more(tag: Tag) -> bool {
    matches!(
        tag,
        UTF8_STRING | NUMERIC_STRING | PRINTABLE_STRING | TELETEX_STRING | IA5_STRING | VISIBLE_STRING
    )
}
