//! OpenSSL's errors as polytls's.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    error::ErrorStack,
    ssl,
    x509::{X509Ref, X509StoreContextRef, X509VerifyResult},
};
use polytls_api::{AlertDescription, CertificateError, ConfigError, Error, ErrorKind, Phase, ServerName};

use crate::{NAME, ffi};

/// OpenSSL's number for an alert that the peer sent is the alert's plus this.
const ALERT_RECEIVED: i32 = 1000;

/// What OpenSSL says of a connection.
pub(crate) fn connection(error: ssl::Error, phase: Phase) -> Error {
    let kind = error.ssl_error().map_or(ErrorKind::Backend, kind);
    Error::new(kind).in_phase(phase).on_backend(NAME).with_source(error)
}

fn kind(stack: &ErrorStack) -> ErrorKind {
    // The first entry is where it began; later ones say who passed it on.
    let reasons =
        || stack.errors().iter().map(|error| (error.reason_code(), error.reason().unwrap_or_default()));
    let alert =
        reasons().find_map(|(code, _)| u8::try_from(code - ALERT_RECEIVED).ok().filter(|&alert| alert > 0));
    if let Some(alert) = alert {
        return ErrorKind::AlertReceived(AlertDescription::from_code(alert));
    }
    reasons().find_map(|(_, reason)| known_reason(reason)).unwrap_or(ErrorKind::PeerMisbehaved)
}

fn known_reason(reason: &str) -> Option<ErrorKind> {
    Some(match reason {
        "wrong version number"
        | "http request"
        | "https proxy request"
        | "packet length too long"
        | "bad record type"
        | "wrong ssl version"
        | "unknown protocol"
        | "length mismatch"
        | "bad packet length"
        | "record too small" => ErrorKind::InvalidMessage,
        "unsupported protocol"
        | "no shared cipher"
        | "no suitable key share"
        | "no shared groups"
        | "no suitable groups"
        | "no suitable signature algorithm"
        | "no shared signature algorithms"
        | "no protocols available"
        | "version too low"
        | "no ciphers available" => ErrorKind::PeerIncompatible,
        "no application protocol" => ErrorKind::NoApplicationProtocol,
        "peer did not return a certificate" => ErrorKind::Certificate(CertificateError::Missing),
        "decryption failed or bad record mac" | "bad decrypt" | "digest check failed" => ErrorKind::BadRecord,
        "certificate verify failed" => {
            ErrorKind::Certificate(CertificateError::Other { detail: reason.to_owned() })
        }
        "malloc failure" | "internal error" => ErrorKind::Backend,
        _ => return None,
    })
}

/// What OpenSSL says of a configuration.
pub(crate) fn configuration(stack: ErrorStack) -> ConfigError {
    let mismatch = |error: &openssl::error::Error| error.reason() == Some("key values mismatch");
    if stack.errors().iter().any(mismatch) {
        return ConfigError::KeyMismatch;
    }
    ConfigError::backend(NAME, stack)
}

/// The code that makes OpenSSL send the alert that `reason` names.
pub(crate) fn refusal(reason: &CertificateError) -> X509VerifyResult {
    ffi::verify_result(match reason.alert() {
        AlertDescription::CERTIFICATE_EXPIRED => openssl_sys::X509_V_ERR_CERT_HAS_EXPIRED,
        AlertDescription::UNKNOWN_CA => openssl_sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        AlertDescription::BAD_CERTIFICATE => openssl_sys::X509_V_ERR_CERT_REJECTED,
        AlertDescription::UNSUPPORTED_CERTIFICATE => openssl_sys::X509_V_ERR_INVALID_PURPOSE,
        AlertDescription::DECRYPT_ERROR => openssl_sys::X509_V_ERR_CERT_SIGNATURE_FAILURE,
        AlertDescription::CERTIFICATE_REVOKED => openssl_sys::X509_V_ERR_CERT_REVOKED,
        // Not in OpenSSL's table, which then says certificate_unknown.
        _ => openssl_sys::X509_V_ERR_SUBJECT_ISSUER_MISMATCH,
    })
}

/// Why a chain was refused by `X509_verify_cert`.
pub(crate) fn certificate(
    context: &X509StoreContextRef,
    name: Option<&ServerName>,
    now: SystemTime,
) -> CertificateError {
    use openssl_sys as v;
    let code = context.error().as_raw();
    let certificate = context.current_cert();
    let detail = context.error().error_string().to_owned();
    match code {
        v::X509_V_ERR_CERT_HAS_EXPIRED => {
            let not_after = certificate.and_then(|certificate| system_time(certificate.not_after()));
            CertificateError::Expired { now, not_after }
        }
        v::X509_V_ERR_CERT_NOT_YET_VALID => {
            let not_before = certificate.and_then(|certificate| system_time(certificate.not_before()));
            CertificateError::NotYetValid { now, not_before }
        }
        v::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT => CertificateError::SelfSigned,
        v::X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
        | v::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
        | v::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        | v::X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
        | v::X509_V_ERR_CERT_UNTRUSTED => CertificateError::UnknownIssuer,
        v::X509_V_ERR_HOSTNAME_MISMATCH | v::X509_V_ERR_IP_ADDRESS_MISMATCH => {
            CertificateError::NameMismatch {
                expected: name.map(ToString::to_string).unwrap_or_default(),
                presented: certificate.map(names).unwrap_or_default(),
            }
        }
        v::X509_V_ERR_INVALID_PURPOSE if context.error_depth() == 0 => CertificateError::WrongUsage,
        v::X509_V_ERR_INVALID_PURPOSE | v::X509_V_ERR_INVALID_CA => CertificateError::EndEntityUsedAsCa,
        v::X509_V_ERR_CERT_SIGNATURE_FAILURE | v::X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE => {
            CertificateError::BadSignature
        }
        v::X509_V_ERR_CERT_REVOKED => CertificateError::Revoked,
        v::X509_V_ERR_PATH_LENGTH_EXCEEDED
        | v::X509_V_ERR_CERT_CHAIN_TOO_LONG
        | v::X509_V_ERR_PERMITTED_VIOLATION
        | v::X509_V_ERR_EXCLUDED_VIOLATION
        | v::X509_V_ERR_SUBTREE_MINMAX => CertificateError::ConstraintViolated { detail },
        v::X509_V_ERR_EE_KEY_TOO_SMALL | v::X509_V_ERR_CA_KEY_TOO_SMALL | v::X509_V_ERR_CA_MD_TOO_WEAK => {
            CertificateError::UnsupportedAlgorithm { detail }
        }
        v::X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD
        | v::X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD
        | v::X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY
        | v::X509_V_ERR_INVALID_EXTENSION
        | v::X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION => CertificateError::Malformed { detail },
        _ => CertificateError::Other { detail },
    }
}

fn names(certificate: &X509Ref) -> Vec<String> {
    let Some(names) = certificate.subject_alt_names() else { return Vec::new() };
    names
        .iter()
        .filter_map(|name| match name.ipaddress() {
            Some(&[a, b, c, d]) => Some(IpAddr::from([a, b, c, d]).to_string()),
            Some(bytes) => <[u8; 16]>::try_from(bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            None => name.dnsname().map(ToOwned::to_owned),
        })
        .collect()
}

fn system_time(time: &Asn1TimeRef) -> Option<SystemTime> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    let seconds = i64::from(since.days) * 86_400 + i64::from(since.secs);
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
}
