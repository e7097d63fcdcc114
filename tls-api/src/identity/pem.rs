//! PEM texts (RFC 7468): sections between BEGIN and END lines, with anything around them.
//!
//! Explanatory text, comments and attributes around the sections are passed over, as are indentation, line ends of
//! any system and a byte order mark. What is inside a section must be whole.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::content::Content;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// A section. Its body may be a key.
pub(crate) struct Section {
    pub(crate) label: String,
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// Encrypted in OpenSSL's way from before PKCS#8: RFC 1421's `Proc-Type: 4,ENCRYPTED`.
    pub(crate) legacy_encryption: bool,
}

impl Section {
    pub(crate) fn content(&self) -> Content {
        Content::of_label(&self.label)
    }
}

/// All sections, or what is wrong with one.
pub(crate) fn sections(pem: &[u8]) -> Result<Vec<Section>, String> {
    let pem = pem.strip_prefix(b"\xef\xbb\xbf").unwrap_or(pem);
    let mut lines = pem.split(|byte| matches!(byte, b'\n' | b'\r')).map(<[u8]>::trim_ascii);
    let mut sections = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(label) = label(line, BEGIN) {
            sections.push(section(label, &mut lines)?);
        }
    }
    Ok(sections)
}

fn section<'a>(label_bytes: &[u8], lines: &mut impl Iterator<Item = &'a [u8]>) -> Result<Section, String> {
    let name = String::from_utf8_lossy(label_bytes).into_owned();
    let mut text = Zeroizing::new(Vec::new());
    let mut legacy_encryption = false;
    for line in lines {
        if let Some(ended) = label(line, END) {
            if ended != label_bytes {
                return Err(format!("`BEGIN {name}` ends in another `END` line"));
            }
            let body = if legacy_encryption { Zeroizing::default() } else { decode(&text, &name)? };
            return Ok(Section { label: name, body, legacy_encryption });
        }
        if label(line, BEGIN).is_some() {
            break;
        }
        // RFC 1421's header fields; base64 has no colon.
        if line.contains(&b':') {
            legacy_encryption |= line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED");
            continue;
        }
        append(&mut text, line);
    }
    Err(format!("`BEGIN {name}` has no `END` line; the text is cut short: copy the whole file"))
}

/// A growing `Vec` leaves copies of a key behind; this one does not.
fn append(text: &mut Zeroizing<Vec<u8>>, line: &[u8]) {
    if text.capacity() - text.len() < line.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((text.len() + line.len()) * 2 + 2048));
        larger.extend_from_slice(text);
        *text = larger;
    }
    text.extend(line.iter().filter(|byte| !byte.is_ascii_whitespace()));
}

fn decode(text: &[u8], label: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let damaged = || format!("`{label}` is damaged: its base64 is cut short or changed; copy the whole file");
    let text = std::str::from_utf8(text).map_err(|_| damaged())?;
    let body = Base64::decode_vec(text).map(Zeroizing::new).map_err(|_| damaged())?;
    if body.is_empty() {
        return Err(format!("`{label}` has nothing between its lines"));
    }
    Ok(body)
}

fn label<'a>(line: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(start)?.strip_suffix(DASHES)
}
