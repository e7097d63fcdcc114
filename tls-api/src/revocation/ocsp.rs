//! OCSP responses that a peer staples (RFC 6066 §8), for its own certificate.
//!
//! A response counts if it is for the certificate, in force, and signed by the certificate's issuer or by a responder that
//! the issuer itself made one (RFC 6960 §3.2, §4.2.2.2). Whether that responder was revoked is not asked, as with
//! id-pkix-ocsp-nocheck.

mod cert_id;
mod responder;

use std::time::{Duration, SystemTime};

use polytls_x509::{BasicOcspResponse, CertStatus, OcspResponse, SingleResponse};

use self::{cert_id::Digests, responder::check_signature};
use super::checker::{Link, Status};
use crate::{SignatureVerifier, error::date};

/// The largest response that is looked at. One for a certificate has 300 bytes to 3 KiB, its responder's included.
const LARGEST: usize = 64 << 10;

/// By how much a responder's clock may be ahead of ours.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);

/// For how long a response counts that does not say when there is newer knowledge (RFC 6960 §4.2.2.1: always).
const LIFETIME_UNSAID: Duration = Duration::from_secs(24 * 60 * 60);

/// What a stapled response says of the end entity's certificate.
pub(super) fn status(
    response: &[u8],
    link: &Link<'_>,
    signatures: &dyn SignatureVerifier,
    now: SystemTime,
) -> Status {
    let unusable = |reason: String| Status::Unknown(format!("the OCSP response that was stapled {reason}"));
    if response.len() > LARGEST {
        return unusable("is larger than 64 KiB".into());
    }
    let response = match OcspResponse::parse(response) {
        Ok(OcspResponse::Basic(response)) => response,
        Ok(OcspResponse::Unsuccessful(code)) => {
            return unusable(format!("is none: the responder failed with status {code} (RFC 6960 §4.2.1)"));
        }
        Ok(_) => return unusable("is of a kind that is not known".into()),
        Err(error) => return unusable(format!("is malformed: {error}")),
    };
    let single = match single_response(&response, link, now) {
        Ok(single) => single,
        Err(reason) => return unusable(reason),
    };
    if let Err(reason) = check_signature(&response, &link.issuer, signatures, now) {
        return unusable(reason);
    }
    match single.cert_status {
        CertStatus::Good => Status::Good,
        CertStatus::Revoked { revocation_time: at, reason } => Status::Revoked { at, reason },
        _ => unusable("says that the responder does not know the certificate".into()),
    }
}

/// What the response says of the certificate, if it is in force. Where it says several things, the worst.
fn single_response<'r, 'a>(
    response: &'r BasicOcspResponse<'a>,
    link: &Link<'_>,
    now: SystemTime,
) -> Result<&'r SingleResponse<'a>, String> {
    if let Some(extension) = response.unknown_critical.first() {
        return Err(format!("has a critical extension that is not known, {extension}"));
    }
    if is_ahead(response.produced_at, now) {
        return Err(format!("was made only on {}", date(response.produced_at)));
    }
    let mut digests = Digests::of(&link.issuer, &link.subject);
    let (mut found, mut reason) = (None::<&SingleResponse<'_>>, None);
    for single in &response.responses {
        if !digests.name(&single.cert_id) {
            continue;
        }
        match check_in_force(single, now) {
            Err(outdated) => reason = Some(outdated),
            Ok(()) if matches!(single.cert_status, CertStatus::Revoked { .. }) => return Ok(single),
            Ok(()) if found.is_some_and(|known| known.cert_status != CertStatus::Good) => {}
            Ok(()) => found = Some(single),
        }
    }
    found.ok_or_else(|| reason.unwrap_or_else(|| "is for another certificate".into()))
}

/// RFC 6960 §3.2 (5), (6), §4.2.2.1.
fn check_in_force(single: &SingleResponse<'_>, now: SystemTime) -> Result<(), String> {
    if let Some(extension) = single.unknown_critical.first() {
        return Err(format!("has a critical extension that is not known, {extension}"));
    }
    if is_ahead(single.this_update, now) {
        return Err(format!("is in force only from {}", date(single.this_update)));
    }
    match single.next_update {
        Some(end) if now > end => Err(format!("is outdated since {}", date(end))),
        None if now.duration_since(single.this_update).is_ok_and(|age| age > LIFETIME_UNSAID) => {
            Err(format!("is of {}, and does not say for how long it counts", date(single.this_update)))
        }
        _ => Ok(()),
    }
}

fn is_ahead(time: SystemTime, now: SystemTime) -> bool {
    time.duration_since(now).is_ok_and(|ahead| ahead > CLOCK_SKEW)
}
