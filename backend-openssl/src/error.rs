//! OpenSSL's errors as polytls's.

use std::{
    ffi::c_int,
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    error::ErrorStack,
    ssl,
    x509::{X509Ref, X509StoreContextRef},
};
use openssl_sys as sys;
use polytls_api::{AlertDescription, CertificateError, ConfigError, Error, ErrorKind, Phase, ServerName};

use crate::NAME;

/// `ERR_LIB_SSL` of `openssl/err.h`.
const LIBRARY_SSL: c_int = 20;

/// Reasons from here on are not libssl's own (`ERR_RFLAGS_OFFSET`): out of memory, internal errors, ...
const COMMON_REASONS: c_int = 1 << 18;

/// `SSL_AD_REASON_OFFSET`: reasons from here on are alerts that the peer sent.
const RECEIVED_ALERTS: c_int = 1000;

/// What OpenSSL says of a connection.
pub(crate) fn connection(error: ssl::Error, phase: Phase) -> Error {
    let kind = match error.ssl_error() {
        Some(stack) => kind(stack),
        None if error.code() == ssl::ErrorCode::ZERO_RETURN => {
            ErrorKind::AlertReceived(AlertDescription::CLOSE_NOTIFY)
        }
        None => ErrorKind::Backend,
    };
    Error::new(kind).in_phase(phase).on_backend(NAME).with_source(error)
}

/// What OpenSSL says when nothing of it is the peer's doing.
pub(crate) fn library(error: ErrorStack) -> Error {
    Error::new(ErrorKind::Backend).on_backend(NAME).with_source(error)
}

/// What OpenSSL says of a configuration.
pub(crate) fn configuration(error: ErrorStack) -> ConfigError {
    ConfigError::backend(NAME, error)
}

/// The verifier refused, and OpenSSL has sent the alert.
pub(crate) fn refused(reason: CertificateError) -> Error {
    let alert = alert(verify_code(&reason));
    Error::from(reason).on_backend(NAME).with_alert_sent(alert)
}

fn kind(stack: &ErrorStack) -> ErrorKind {
    let mut reasons = stack
        .errors()
        .iter()
        .filter(|error| error.library_code() == LIBRARY_SSL && error.reason_code() < COMMON_REASONS)
        .map(openssl::error::Error::reason_code)
        .peekable();
    if reasons.peek().is_none() {
        return ErrorKind::Backend;
    }
    reasons.find_map(kind_of_reason).unwrap_or(ErrorKind::PeerMisbehaved)
}

/// The kind of a reason of libssl's, as `openssl/sslerr.h` numbers them; `None` where the peer broke a rule.
fn kind_of_reason(reason: c_int) -> Option<ErrorKind> {
    if let Some(code) = reason.checked_sub(RECEIVED_ALERTS).and_then(|code| u8::try_from(code).ok()) {
        return Some(ErrorKind::AlertReceived(AlertDescription::from_code(code)));
    }
    Some(match reason {
        // certificate_verify_failed without a verdict: the verifier panicked.
        134 => ErrorKind::Certificate(CertificateError::Other { detail: "the verifier failed".into() }),
        // peer_did_not_return_a_certificate
        199 => ErrorKind::Certificate(CertificateError::Missing),
        // no_application_protocol
        235 => ErrorKind::NoApplicationProtocol,
        // decryption_failed_or_bad_record_mac
        281 => ErrorKind::BadRecord,
        // no_suitable_key_share, no_suitable_signature_algorithm, version_too_high, no_protocols_available,
        // no_shared_cipher, unsupported_protocol, wrong_ssl_version, no_suitable_groups,
        // no_shared_signature_algorithms, version_too_low, no_shared_groups
        101 | 118 | 166 | 191 | 193 | 258 | 266 | 295 | 376 | 396 | 410 => ErrorKind::PeerIncompatible,
        // bad_extension, bad_packet_length, bad_protocol_version_number, data_length_too_long,
        // encrypted_length_too_long, excessive_message_size, https_proxy_request, http_request,
        // length_mismatch, length_too_short, packet_length_too_long, record_length_mismatch, bad_packet,
        // unknown_protocol, wrong_version_number, bad_length, record_too_small, bad_record_type
        110 | 115 | 116 | 146 | 150 | 152 | 155 | 156 | 159 | 160 | 198 | 213 | 240 | 252 | 267 | 271
        | 298 | 443 => ErrorKind::InvalidMessage,
        _ => return None,
    })
}

/// The alerts that OpenSSL chooses from a verification's code (`x509table` in `ssl/statem/statem_lib.c`), as
/// far as a [`CertificateError`] asks for one. The last is for any code that the table does not have.
const CODES: [(AlertDescription, c_int); 7] = [
    (AlertDescription::CERTIFICATE_EXPIRED, sys::X509_V_ERR_CERT_HAS_EXPIRED),
    (AlertDescription::UNKNOWN_CA, sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY),
    (AlertDescription::BAD_CERTIFICATE, sys::X509_V_ERR_CERT_REJECTED),
    (AlertDescription::UNSUPPORTED_CERTIFICATE, sys::X509_V_ERR_INVALID_PURPOSE),
    (AlertDescription::DECRYPT_ERROR, sys::X509_V_ERR_CERT_SIGNATURE_FAILURE),
    (AlertDescription::CERTIFICATE_REVOKED, sys::X509_V_ERR_CERT_REVOKED),
    (AlertDescription::CERTIFICATE_UNKNOWN, sys::X509_V_ERR_NO_VALID_SCTS),
];

/// The code of a verification that has OpenSSL send the reason's alert.
pub(crate) fn verify_code(reason: &CertificateError) -> c_int {
    let alert = reason.alert();
    let known = CODES.iter().find(|(known, _)| *known == alert);
    known.map_or(sys::X509_V_ERR_NO_VALID_SCTS, |(_, code)| *code)
}

fn alert(verify_code: c_int) -> AlertDescription {
    let known = CODES.iter().find(|(_, code)| *code == verify_code);
    known.map_or(AlertDescription::CERTIFICATE_UNKNOWN, |(alert, _)| *alert)
}

// Codes of `openssl/x509_vfy.h` that `openssl-sys` does not have.
const UNSUPPORTED_SIGNATURE_ALGORITHM: c_int = 76;
const SIGNATURE_ALGORITHM_MISMATCH: c_int = 77;
const SIGNATURE_ALGORITHM_INCONSISTENCY: c_int = 78;
const EC_KEY_EXPLICIT_PARAMS: c_int = 94;

/// What OpenSSL says of a chain that it has refused.
pub(crate) fn certificate(
    context: &X509StoreContextRef,
    name: Option<&ServerName>,
    now: SystemTime,
) -> CertificateError {
    let result = context.error();
    let faulty = context.current_cert();
    let detail = result.error_string().to_owned();
    match result.as_raw() {
        sys::X509_V_ERR_CERT_HAS_EXPIRED => CertificateError::Expired {
            now,
            not_after: faulty.and_then(|certificate| system_time(certificate.not_after())),
        },
        sys::X509_V_ERR_CERT_NOT_YET_VALID => CertificateError::NotYetValid {
            now,
            not_before: faulty.and_then(|certificate| system_time(certificate.not_before())),
        },
        sys::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT => CertificateError::SelfSigned,
        sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
        | sys::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        | sys::X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
        | sys::X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
        | sys::X509_V_ERR_CERT_UNTRUSTED
        | sys::X509_V_ERR_SUBJECT_ISSUER_MISMATCH
        | sys::X509_V_ERR_AKID_SKID_MISMATCH
        | sys::X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH => CertificateError::UnknownIssuer,
        sys::X509_V_ERR_HOSTNAME_MISMATCH | sys::X509_V_ERR_IP_ADDRESS_MISMATCH => {
            CertificateError::NameMismatch {
                expected: name.map(ToString::to_string).unwrap_or_default(),
                presented: faulty.map(names).unwrap_or_default(),
            }
        }
        sys::X509_V_ERR_INVALID_PURPOSE => CertificateError::WrongUsage,
        sys::X509_V_ERR_CERT_SIGNATURE_FAILURE | sys::X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE => {
            CertificateError::BadSignature
        }
        sys::X509_V_ERR_INVALID_NON_CA => CertificateError::CaUsedAsEndEntity,
        sys::X509_V_ERR_INVALID_CA | sys::X509_V_ERR_KEYUSAGE_NO_CERTSIGN => {
            CertificateError::EndEntityUsedAsCa
        }
        sys::X509_V_ERR_PATH_LENGTH_EXCEEDED => CertificateError::PathLengthExceeded,
        sys::X509_V_ERR_CERT_CHAIN_TOO_LONG => CertificateError::PathTooLong { detail },
        sys::X509_V_ERR_PERMITTED_VIOLATION
        | sys::X509_V_ERR_EXCLUDED_VIOLATION
        | sys::X509_V_ERR_SUBTREE_MINMAX
        | sys::X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE
        | sys::X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX
        | sys::X509_V_ERR_UNSUPPORTED_NAME_SYNTAX => CertificateError::NameConstraintViolated { detail },
        sys::X509_V_ERR_EE_KEY_TOO_SMALL
        | sys::X509_V_ERR_CA_KEY_TOO_SMALL
        | sys::X509_V_ERR_CA_MD_TOO_WEAK
        | sys::X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY
        | UNSUPPORTED_SIGNATURE_ALGORITHM
        | SIGNATURE_ALGORITHM_MISMATCH
        | SIGNATURE_ALGORITHM_INCONSISTENCY
        | EC_KEY_EXPLICIT_PARAMS => CertificateError::UnsupportedAlgorithm { detail },
        sys::X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD
        | sys::X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD
        | sys::X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION
        | sys::X509_V_ERR_INVALID_EXTENSION
        | sys::X509_V_ERR_INVALID_POLICY_EXTENSION => CertificateError::Malformed { detail },
        sys::X509_V_ERR_NO_EXPLICIT_POLICY => CertificateError::PolicyViolated { detail },
        _ => CertificateError::Other { detail },
    }
}

/// The names in a certificate's subjectAltName that a server may go by.
fn names(certificate: &X509Ref) -> Vec<String> {
    let all = certificate.subject_alt_names();
    let names = all.iter().flatten().filter_map(|name| match (name.dnsname(), name.ipaddress()) {
        (Some(name), _) => Some(name.to_owned()),
        (_, Some(&[a, b, c, d])) => Some(IpAddr::from([a, b, c, d]).to_string()),
        (_, Some(address)) => Some(IpAddr::from(<[u8; 16]>::try_from(address).ok()?).to_string()),
        (None, None) => None,
    });
    names.collect()
}

fn system_time(time: &Asn1TimeRef) -> Option<SystemTime> {
    let since_epoch = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    let seconds = i64::from(since_epoch.days) * 86_400 + i64::from(since_epoch.secs);
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}
