//! Who signed a response, and whether they may (RFC 6960 §4.2.2.2).

use std::time::SystemTime;

use polytls_x509::{BasicOcspResponse, Certificate, KeyPurposeId, KeyUsage, ResponderId};

use super::cert_id::key_digest;
use crate::{SignatureVerifier, error::date};

/// How many certificates of a response are looked at; a responder has one.
const MOST_CERTIFICATES: usize = 4;

/// Whether the issuer signed the response, or a responder of its own.
///
/// # Errors
/// Why it is not so.
pub(super) fn check_signature(
    response: &BasicOcspResponse<'_>,
    issuer: &Certificate<'_>,
    signatures: &dyn SignatureVerifier,
    now: SystemTime,
) -> Result<(), String> {
    let mut reason = "is signed by somebody whom the issuer did not make a responder".to_owned();
    if is_meant(&response.responder_id, issuer) {
        match check_signed_by(response, issuer, signatures) {
            Ok(()) => return Ok(()),
            Err(fault) => reason = fault,
        }
    }
    for der in response.certs.iter().take(MOST_CERTIFICATES) {
        let responder = match Certificate::parse(der) {
            Ok(responder) if is_meant(&response.responder_id, &responder) => responder,
            _ => continue,
        };
        let checked = check_delegation(&responder, issuer, signatures, now)
            .and_then(|()| check_signed_by(response, &responder, signatures));
        match checked {
            Ok(()) => return Ok(()),
            Err(fault) => reason = fault,
        }
    }
    Err(reason)
}

fn is_meant(id: &ResponderId<'_>, certificate: &Certificate<'_>) -> bool {
    match id {
        ResponderId::ByName(name) => name.matches(&certificate.subject),
        ResponderId::ByKey(digest) => *digest == key_digest(certificate).as_slice(),
        _ => false,
    }
}

fn check_signed_by(
    response: &BasicOcspResponse<'_>,
    responder: &Certificate<'_>,
    signatures: &dyn SignatureVerifier,
) -> Result<(), String> {
    let key = responder.subject_public_key_info.der;
    signatures
        .verify_signature(
            key,
            response.signature_algorithm.der,
            response.tbs_response_data,
            response.signature,
        )
        .map_err(|error| format!("is not signed by its responder: {error}"))
}

/// Whether the issuer itself made this a responder, and still does.
fn check_delegation(
    responder: &Certificate<'_>,
    issuer: &Certificate<'_>,
    signatures: &dyn SignatureVerifier,
    now: SystemTime,
) -> Result<(), String> {
    // RFC 6960 §4.2.2.2: it is issued directly by the authority that is named in the request.
    if !responder.issuer.matches(&issuer.subject) {
        return Err("is signed by a responder of another issuer".into());
    }
    let extensions = &responder.extensions;
    let purposes = extensions.extended_key_usage.as_ref();
    if !purposes.is_some_and(|purposes| purposes.value.contains(&KeyPurposeId::OCSP_SIGNING)) {
        return Err("is signed by a responder whose certificate is not for OCSP (RFC 6960 §4.2.2.2)".into());
    }
    // CA/Browser Forum BR §7.1.2.8: it answers, and issues nothing. An authority that has the purpose by mistake could say
    // that it was never revoked itself.
    if extensions.basic_constraints.as_ref().is_some_and(|constraints| constraints.value.ca) {
        return Err("is signed by a responder whose certificate is an authority's".into());
    }
    let usage = extensions.key_usage.as_ref();
    if usage.is_some_and(|usage| !usage.value.contains(KeyUsage::DIGITAL_SIGNATURE)) {
        return Err("is signed by a responder whose key usage does not allow it".into());
    }
    if let Some(extension) = extensions.unknown_critical.first() {
        return Err(format!(
            "is signed by a responder whose certificate has an unknown critical extension, {extension}"
        ));
    }
    if now < responder.validity.not_before || now > responder.validity.not_after {
        let (from, to) = (date(responder.validity.not_before), date(responder.validity.not_after));
        return Err(format!("is signed by a responder whose certificate is valid from {from} to {to}"));
    }
    let algorithm = responder.signature_algorithm.der;
    if responder.tbs_signature.der != algorithm {
        return Err("is signed by a responder whose certificate names two algorithms".into());
    }
    let key = issuer.subject_public_key_info.der;
    signatures
        .verify_signature(key, algorithm, responder.tbs_certificate, responder.signature_value)
        .map_err(|error| format!("is signed by a responder that the issuer did not make one: {error}"))
}
