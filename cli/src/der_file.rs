//! Files of certificates or revocation lists, in DER or PEM.

use std::path::Path;

use x509_parser::asn1_rs::{Any, FromDer, Tag};

use crate::{bounded_file, failure::Failure};

/// What the file holds under this PEM label, in its order; at least one. `what` says it in words.
pub(crate) fn read(path: &Path, label: &str, what: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let failed = |reason: &str| Failure::usage(format!("{}: {reason}", path.display()));
    let bytes = bounded_file::read(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    if bytes.is_empty() {
        return Err(failed("the file is empty"));
    }
    if is_one_sequence(&bytes) {
        return Ok(vec![bytes.to_vec()]);
    }
    let sections = pem::parse_many(&*bytes).map_err(|error| failed(&format!("malformed PEM: {error}")))?;
    let labelled = sections.into_iter().filter(|section| section.tag() == label);
    let found: Vec<_> = labelled.map(pem::Pem::into_contents).collect();
    if found.is_empty() {
        return Err(failed(&format!("neither {what} in DER nor a PEM text with a `BEGIN {label}` section")));
    }
    Ok(found)
}

/// Whether it is DER: one SEQUENCE from the first byte to the last. The first byte alone, 0x30, is the digit 0 too,
/// with which the text above a PEM section may begin (RFC 7468 §2).
fn is_one_sequence(bytes: &[u8]) -> bool {
    Any::from_der(bytes).is_ok_and(|(rest, element)| rest.is_empty() && element.tag() == Tag::Sequence)
}
