//! Names for people (RFC 4514).

use std::fmt::{self, Display, Formatter, Write as _};

use super::{Attribute, Name};

/// RFC 4514 §3, and what else certificates have, by the name that RFC 4519 or RFC 2985 gives it.
const SHORT_NAMES: [(&str, &str); 17] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.42", "givenName"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

impl Display for Name<'_> {
    /// As RFC 4514 writes it, the narrowest first: `CN=example.com,O=Example`. Control characters are escaped, and those
    /// that turn the direction of text.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut ends = self.ends.iter().rev().peekable();
        while let Some(end) = ends.next() {
            let start = ends.peek().map_or(0, |start| **start);
            for (index, attribute) in self.attributes.get(start..*end).unwrap_or_default().iter().enumerate()
            {
                if index > 0 {
                    f.write_char('+')?;
                }
                write_attribute(attribute, f)?;
            }
            if start > 0 {
                f.write_char(',')?;
            }
        }
        Ok(())
    }
}

fn write_attribute(attribute: &Attribute<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    let kind = attribute.kind.to_string();
    let short = SHORT_NAMES.iter().find(|(dotted, _)| *dotted == kind).map(|(_, short)| *short);
    write!(f, "{}=", short.unwrap_or(&kind))?;
    // RFC 4514 §2.4: a value of a kind without a name, or that is no text, is written as its octets.
    match attribute.text().filter(|_| short.is_some()) {
        Some(text) => write_text(&text, f),
        None => {
            f.write_char('#')?;
            attribute.value.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
        }
    }
}

fn write_text(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    let end = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{character}")?,
            '#' if index == 0 => f.write_str("\\#")?,
            ' ' if index == 0 || index == end => f.write_str("\\ ")?,
            hidden if is_hidden(hidden) => {
                let mut octets = [0; 4];
                let octets = hidden.encode_utf8(&mut octets).bytes();
                for octet in octets {
                    write!(f, "\\{octet:02X}")?;
                }
            }
            character => f.write_char(character)?,
        }
    }
    Ok(())
}

/// What would show as something else than it is.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
        )
}
