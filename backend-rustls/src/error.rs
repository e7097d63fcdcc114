//! rustls's errors as polytls's.

use polytls_api::{AlertDescription, CertificateError, ConfigError, Error, ErrorKind};

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
