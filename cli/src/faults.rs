//! Names of faults for programs: they stay when the words for people change.

use polytls::{CertificateError, ErrorKind};

/// What happened.
pub(crate) fn kind_name(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Io(_) => "io",
        ErrorKind::UnexpectedEof => "unexpected_eof",
        ErrorKind::TimedOut => "timed_out",
        ErrorKind::Certificate(_) => "certificate",
        ErrorKind::AlertReceived(_) => "alert_received",
        ErrorKind::InvalidMessage => "invalid_message",
        ErrorKind::PeerMisbehaved => "peer_misbehaved",
        ErrorKind::PeerIncompatible => "peer_incompatible",
        ErrorKind::NoApplicationProtocol => "no_application_protocol",
        ErrorKind::BadRecord => "bad_record",
        ErrorKind::LimitExceeded => "limit_exceeded",
        ErrorKind::KeysExhausted => "keys_exhausted",
        ErrorKind::NoIdentity => "no_identity",
        ErrorKind::Hook => "hook",
        ErrorKind::Config(_) => "config",
        ErrorKind::Backend => "backend",
        _ => "other",
    }
}

/// Why a certificate was refused.
pub(crate) fn fault_name(fault: &CertificateError) -> &'static str {
    match fault {
        CertificateError::Expired { .. } => "expired",
        CertificateError::NotYetValid { .. } => "not_yet_valid",
        CertificateError::UnknownIssuer => "unknown_issuer",
        CertificateError::SelfSigned => "self_signed",
        CertificateError::NameMismatch { .. } => "name_mismatch",
        CertificateError::WrongUsage => "wrong_usage",
        CertificateError::BadSignature => "bad_signature",
        CertificateError::CaUsedAsEndEntity => "ca_used_as_end_entity",
        CertificateError::EndEntityUsedAsCa => "end_entity_used_as_ca",
        CertificateError::PathLengthExceeded => "path_length_exceeded",
        CertificateError::NameConstraintViolated { .. } => "name_constraint_violated",
        CertificateError::PolicyViolated { .. } => "policy_violated",
        CertificateError::PathTooLong { .. } => "path_too_long",
        CertificateError::UnsupportedAlgorithm { .. } => "unsupported_algorithm",
        CertificateError::Revoked { .. } => "revoked",
        CertificateError::RevocationUnknown { .. } => "revocation_unknown",
        CertificateError::NotPinned { .. } => "not_pinned",
        CertificateError::Malformed { .. } => "malformed",
        CertificateError::Missing => "missing",
        _ => "other",
    }
}
