//! Distinguished names as text: RFC 4514's notation, in the order of the certificate.

use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::hexadecimal;

/// The attributes that have a short name (RFC 4514 §3 and what else is common), by their identifiers.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.97", "organizationIdentifier"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

/// The name, or a word for none.
pub(super) fn text(name: &X509Name<'_>) -> String {
    let relative: Vec<_> =
        name.iter().map(|relative| relative.iter().map(attribute).collect::<Vec<_>>().join("+")).collect();
    if relative.is_empty() { "(empty name)".into() } else { relative.join(", ") }
}

fn attribute(attribute: &AttributeTypeAndValue<'_>) -> String {
    let identifier = attribute.attr_type().to_id_string();
    let short = ATTRIBUTES.iter().find(|(known, _)| *known == identifier);
    let short = short.map_or(identifier.as_str(), |(_, short)| short);
    match attribute.as_str() {
        Ok(value) => format!("{short}={}", escaped(value)),
        // RFC 4514 §2.4: what is no string is written in hexadecimal.
        Err(_) => format!("{short}=#{}", hexadecimal(attribute.as_slice(), "")),
    }
}

/// RFC 4514 §2.4: what would end a value early has a backslash.
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '"' | '+' | ',' | ';' | '<' | '>' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}
