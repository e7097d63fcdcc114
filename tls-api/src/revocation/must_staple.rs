//! must-staple: certificates that say that their server staples an OCSP response (RFC 7633).

use polytls_x509::{Certificate, TlsFeature};

use crate::{CertificateError, VerifiedChain};

/// id-pe-tlsfeature in DER (RFC 7633 §4.1).
const TLS_FEATURE: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 1, 0x18];

/// Whether the end entity's certificate says must-staple.
///
/// # Errors
/// [`CertificateError::RevocationUnknown`] where an authority below the root promises it for what it issues, and the end
/// entity's does not say so (RFC 7633 §4.2.2), or what is said cannot be read.
pub(super) fn is_asked_by(path: &VerifiedChain) -> Result<bool, CertificateError> {
    let below_root = path.path().len().saturating_sub(usize::from(path.reaches_root()));
    let mut certificates = path.path().iter().take(below_root);
    let Some(end_entity) = certificates.next() else { return Ok(false) };
    let asked = says(end_entity)?;
    for authority in certificates {
        if says(authority)? && !asked {
            let detail =
                "an issuer's certificates all say must-staple (RFC 7633), and this one does not".into();
            return Err(CertificateError::RevocationUnknown { detail });
        }
    }
    Ok(asked)
}

fn says(certificate: &[u8]) -> Result<bool, CertificateError> {
    // Nearly none has the extension, and this is all that is asked of those that have not.
    if !has_its_end(certificate)
        || !certificate.windows(TLS_FEATURE.len()).any(|octets| octets == TLS_FEATURE)
    {
        return Ok(false);
    }
    let certificate = Certificate::parse(certificate).map_err(|error| {
        let detail = format!("whether the certificate says must-staple cannot be read: {error}");
        CertificateError::RevocationUnknown { detail }
    })?;
    let features = certificate.extensions.tls_feature.as_ref();
    Ok(features.is_some_and(|features| features.value.contains(&TlsFeature::STATUS_REQUEST)))
}

/// Whether the last octets of [`TLS_FEATURE`] are in it one after the other. All places are looked at without a branch, which
/// compilers make many at a time.
fn has_its_end(certificate: &[u8]) -> bool {
    let from = |start| certificate.get(start..).unwrap_or_default();
    let places = certificate.iter().zip(from(1)).zip(from(2));
    places.fold(false, |found, ((&first, &second), &third)| {
        found | ((first == 7) & (second == 1) & (third == 0x18))
    })
}
