//! What a key is for: basicConstraints, keyUsage and extKeyUsage (RFC 5280 §4.2.1.9, §4.2.1.3, §4.2.1.12).

use polytls_api::{
    CertificateError,
    x509::{Certificate, KeyPurposeId, KeyUsage},
};

/// An end entity's certificate has to allow the purpose, and may be no authority's.
pub(super) fn end_entity(
    certificate: &Certificate<'_>,
    purpose: KeyPurposeId,
) -> Result<(), CertificateError> {
    // Baseline Requirements §7.1.2.7.8: cA MUST be FALSE. RFC 5280 leaves it open; an authority's key that also
    // speaks for a server is one break away from speaking for all of them.
    if is_authority(certificate) {
        return Err(CertificateError::CaUsedAsEndEntity);
    }
    // RFC 5280 §4.2.1.3: with any of the three a server can speak TLS, in one version or another. A client signs, or
    // in versions of old agrees on keys.
    let of_tls: &[KeyUsage] = match purpose {
        KeyPurposeId::CLIENT_AUTH => &[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::KEY_AGREEMENT],
        _ => &[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::KEY_AGREEMENT, KeyUsage::KEY_ENCIPHERMENT],
    };
    let usage = certificate.extensions.key_usage.as_ref().map(|extension| extension.value);
    if usage.is_some_and(|usage| !of_tls.iter().any(|of_tls| usage.contains(*of_tls))) {
        return Err(CertificateError::WrongUsage);
    }
    // anyExtendedKeyUsage does not count: Baseline Requirements §7.1.2.7.10 forbids it, and RFC 5280 lets an
    // application ask for the purpose itself.
    match purposes(certificate) {
        Some(purposes) if !purposes.contains(&purpose) => Err(CertificateError::WrongUsage),
        _ => Ok(()),
    }
}

/// An issuer's certificate has to say that it is an authority's, and may not exclude the purpose.
pub(super) fn issuer(certificate: &Certificate<'_>, purpose: KeyPurposeId) -> Result<(), CertificateError> {
    // RFC 5280 §6.1.4 (k) and (n).
    let usage = certificate.extensions.key_usage.as_ref().map(|extension| extension.value);
    let signs = usage.is_none_or(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN));
    if !is_authority(certificate) || !signs {
        return Err(CertificateError::EndEntityUsedAsCa);
    }
    // What an authority is not for, its subjects are not for: not in RFC 5280, but in every browser and in the
    // footnote to Baseline Requirements §7.1.2.2.3. An affiliate's cross-certificate may say that it is for anything
    // (§7.1.2.2.4).
    let fits =
        |purposes: &[KeyPurposeId]| purposes.contains(&purpose) || purposes.contains(&KeyPurposeId::ANY);
    match purposes(certificate) {
        Some(purposes) if !fits(purposes) => Err(CertificateError::WrongUsage),
        _ => Ok(()),
    }
}

/// A root of version 1 has nowhere to say that it is an authority's; being trusted says it.
pub(super) fn anchor(certificate: &Certificate<'_>, purpose: KeyPurposeId) -> Result<(), CertificateError> {
    if certificate.version < 3 { Ok(()) } else { issuer(certificate, purpose) }
}

pub(super) fn is_authority(certificate: &Certificate<'_>) -> bool {
    certificate.extensions.basic_constraints.as_ref().is_some_and(|extension| extension.value.ca)
}

/// The purposes, if there is a list of them; an empty one has none of all.
pub(super) fn purposes<'c>(certificate: &'c Certificate<'_>) -> Option<&'c [KeyPurposeId]> {
    certificate.extensions.extended_key_usage.as_ref().map(|extension| extension.value.as_slice())
}
