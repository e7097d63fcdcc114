//! Files of certificates or revocation lists, in DER or PEM.

use std::{fs, path::Path};

use crate::failure::Failure;

/// The first byte of both in DER: a SEQUENCE.
const SEQUENCE: u8 = 0x30;

/// What the file holds under this PEM label, in its order; at least one. `what` says it in words.
pub(crate) fn read(path: &Path, label: &str, what: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let failed = |reason: &str| Failure::usage(format!("{}: {reason}", path.display()));
    let bytes =
        fs::read(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    if bytes.is_empty() {
        return Err(failed("the file is empty"));
    }
    if bytes.first() == Some(&SEQUENCE) {
        return Ok(vec![bytes]);
    }
    let sections = pem::parse_many(&bytes).map_err(|error| failed(&format!("malformed PEM: {error}")))?;
    let labelled = sections.into_iter().filter(|section| section.tag() == label);
    let found: Vec<_> = labelled.map(pem::Pem::into_contents).collect();
    if found.is_empty() {
        return Err(failed(&format!("neither {what} in DER nor a PEM text with a `BEGIN {label}` section")));
    }
    Ok(found)
}
