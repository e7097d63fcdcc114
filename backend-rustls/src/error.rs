//! rustls's and webpki's errors as polytls's.

use std::time::{Duration, SystemTime};

use polytls_api::{AlertDescription, CertificateError, ConfigError, Error, ErrorKind, ServerName};
use rustls::pki_types::UnixTime;

use crate::NAME;

/// What rustls says of a connection.
pub(crate) fn connection(error: rustls::Error) -> Error {
    let kind = match &error {
        rustls::Error::InvalidMessage(_) => ErrorKind::InvalidMessage,
        rustls::Error::InappropriateMessage { .. }
        | rustls::Error::InappropriateHandshakeMessage { .. }
        | rustls::Error::InvalidEncryptedClientHello(_)
        | rustls::Error::PeerMisbehaved(_)
        | rustls::Error::PeerSentOversizedRecord => ErrorKind::PeerMisbehaved,
        rustls::Error::PeerIncompatible(_) => ErrorKind::PeerIncompatible,
        // rustls's words, in TLS 1.2, for having no signature scheme that the client accepts.
        rustls::Error::General(words) if words == "incompatible signing key" => ErrorKind::PeerIncompatible,
        rustls::Error::NoCertificatesPresented => ErrorKind::Certificate(CertificateError::Missing),
        rustls::Error::InvalidCertificate(reason) => {
            ErrorKind::Certificate(CertificateError::Other { detail: reason.to_string() })
        }
        rustls::Error::DecryptError => ErrorKind::BadRecord,
        rustls::Error::AlertReceived(alert) => {
            ErrorKind::AlertReceived(AlertDescription::from_code((*alert).into()))
        }
        rustls::Error::NoApplicationProtocol => ErrorKind::NoApplicationProtocol,
        _ => ErrorKind::Backend,
    };
    Error::new(kind).on_backend(NAME).with_source(error)
}

/// What rustls says of a configuration.
pub(crate) fn configuration(error: rustls::Error) -> ConfigError {
    match error {
        rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch) => ConfigError::KeyMismatch,
        rustls::Error::InvalidCertificate(reason) => {
            ConfigError::Certificates { reason: format!("malformed certificate: {reason}") }
        }
        error => ConfigError::backend(NAME, error),
    }
}

/// The error that makes rustls send this alert.
pub(crate) fn refusal(reason: &CertificateError) -> rustls::CertificateError {
    match reason.alert() {
        AlertDescription::CERTIFICATE_EXPIRED => rustls::CertificateError::Expired,
        AlertDescription::UNKNOWN_CA => rustls::CertificateError::UnknownIssuer,
        AlertDescription::BAD_CERTIFICATE => rustls::CertificateError::BadEncoding,
        AlertDescription::UNSUPPORTED_CERTIFICATE => rustls::CertificateError::InvalidPurpose,
        AlertDescription::DECRYPT_ERROR => rustls::CertificateError::BadSignature,
        AlertDescription::CERTIFICATE_REVOKED => rustls::CertificateError::Revoked,
        AlertDescription::ACCESS_DENIED => rustls::CertificateError::ApplicationVerificationFailure,
        _ => rustls::CertificateError::Other(rustls::OtherError(std::sync::Arc::new(reason.clone()))),
    }
}

/// What webpki says of a chain.
pub(crate) fn certificate(
    error: webpki::Error,
    name: Option<&ServerName>,
    self_issued: bool,
) -> CertificateError {
    use webpki::Error as E;
    let detail = error.to_string();
    match error {
        E::CertExpired { time, not_after } => {
            CertificateError::Expired { now: system_time(time), not_after: Some(system_time(not_after)) }
        }
        E::CertNotValidYet { time, not_before } => CertificateError::NotYetValid {
            now: system_time(time),
            not_before: Some(system_time(not_before)),
        },
        E::UnknownIssuer | E::CaUsedAsEndEntity if self_issued => CertificateError::SelfSigned,
        E::UnknownIssuer => CertificateError::UnknownIssuer,
        E::CertNotValidForName(context) => CertificateError::NameMismatch {
            expected: name.map(ToString::to_string).unwrap_or_default(),
            presented: context.presented.iter().map(|name| plain_name(name)).collect(),
        },
        E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => CertificateError::WrongUsage,
        E::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        E::CaUsedAsEndEntity => CertificateError::CaUsedAsEndEntity,
        E::EndEntityUsedAsCa => CertificateError::EndEntityUsedAsCa,
        E::NameConstraintViolation
        | E::PathLenConstraintViolated
        | E::MaximumPathDepthExceeded
        | E::MaximumNameConstraintComparisonsExceeded => CertificateError::ConstraintViolated { detail },
        E::CertRevoked => CertificateError::Revoked,
        E::UnknownRevocationStatus
        | E::CrlExpired { .. }
        | E::InvalidCrlSignatureForPublicKey
        | E::IssuerNotCrlSigner
        | E::UnsupportedCrlSignatureAlgorithmContext(_)
        | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
            CertificateError::RevocationUnknown { detail }
        }
        E::SignatureAlgorithmMismatch
        | E::UnsupportedSignatureAlgorithmContext(_)
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            CertificateError::UnsupportedAlgorithm { detail }
        }
        E::BadDer
        | E::BadDerTime
        | E::ExtensionValueInvalid
        | E::InvalidCertValidity
        | E::InvalidSerialNumber
        | E::MalformedDnsIdentifier
        | E::MalformedExtensions
        | E::MalformedNameConstraint
        | E::TrailingData(_)
        | E::UnsupportedCertVersion
        | E::UnsupportedCriticalExtension => CertificateError::Malformed { detail },
        _ => CertificateError::Other { detail },
    }
}

/// `DnsName("a.example")` as webpki prints it, without the wrapping.
fn plain_name(name: &str) -> String {
    name.split('"').nth(1).map_or_else(|| name.to_owned(), ToOwned::to_owned)
}

fn system_time(time: UnixTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs())
}
