//! A chain from a file, in PEM or DER.

use std::{fs, path::Path};

use polytls::CertificateDer;

use crate::failure::Failure;

/// The first byte of a certificate in DER: a SEQUENCE.
const SEQUENCE: u8 = 0x30;

/// The certificates in the file, in its order; at least one.
pub(super) fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let failed = |reason: &str| Failure::usage(format!("{}: {reason}", path.display()));
    let bytes =
        fs::read(path).map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    if bytes.is_empty() {
        return Err(failed("the file is empty"));
    }
    if bytes.first() == Some(&SEQUENCE) {
        return Ok(vec![CertificateDer::from(bytes)]);
    }
    let sections = pem::parse_many(&bytes).map_err(|error| failed(&format!("malformed PEM: {error}")))?;
    let chain: Vec<_> = sections
        .into_iter()
        .filter(|section| section.tag() == "CERTIFICATE")
        .map(|section| CertificateDer::from(section.into_contents()))
        .collect();
    if chain.is_empty() {
        return Err(failed("neither a certificate in DER nor a PEM text with a `BEGIN CERTIFICATE` section"));
    }
    Ok(chain)
}
