//! What ends a connection, as the engine finds it: whose fault it is, and the alert that tells the peer.
//!
//! Variants are named after the alerts of RFC 8446 §6.2. [`Fault::alert`] is the one map from a fault to its alert,
//! and [`Fault::into_error`] the one map to the error that the application sees.

use polytls_api::{AlertDescription, CertificateError, ConfigError, Error, ErrorKind, HookError};

use crate::NAME;

/// Why a handshake cannot go on. The text names the rule that was broken.
#[derive(Debug)]
pub(crate) enum Fault {
    /// What was received cannot be parsed.
    Decode(&'static str),
    /// A field is well formed, and wrong.
    IllegalParameter(&'static str),
    /// A message or record that may not come here.
    UnexpectedMessage(&'static str),
    /// An extension in an answer that was not asked for.
    UnsupportedExtension(&'static str),
    /// An extension that must be there is not.
    MissingExtension(&'static str),
    /// What cannot be a record of TLS, or not of the version that was agreed upon.
    NotTls(&'static str),
    /// A record that is not authentic.
    BadRecordMac,
    /// A record longer than one may be.
    RecordOverflow(&'static str),
    /// A signature, a binder or a Finished that does not verify.
    Decrypt(&'static str),
    /// The peer offers no version that is allowed here.
    ProtocolVersion(&'static str),
    /// The peer offers nothing that is allowed here.
    HandshakeFailure(&'static str),
    /// RFC 7507: the client fell back from a version that both sides have.
    InappropriateFallback,
    /// RFC 7301: no application protocol in common.
    NoApplicationProtocol,
    /// The peer's chain was refused.
    Certificate(CertificateError),
    /// TLS 1.2: the client presented no certificate, and must.
    NoCertificate,
    /// A certificate that no key can be read from, or whose key is not fit for the handshake.
    UnsupportedCertificate(&'static str),
    /// A bound on what a peer may send, and the alert that the RFCs name for it.
    Limit(AlertDescription, &'static str),
    /// The peer gave up and said why.
    AlertReceived(AlertDescription),
    /// A hook of the application's failed.
    Hook(HookError),
    /// The configuration cannot be used for this connection.
    Config(ConfigError),
    /// Our own fault, or the cryptographic library's.
    Internal(&'static str),
    /// The byte stream failed, or a lower layer has told the peer already.
    Transport(Error),
}

impl Fault {
    /// The alert for the peer (RFC 8446 §6.2); `None` where nobody would read one, or one is on its way.
    pub(crate) fn alert(&self) -> Option<AlertDescription> {
        Some(match self {
            Self::Decode(_) => AlertDescription::DECODE_ERROR,
            Self::IllegalParameter(_) => AlertDescription::ILLEGAL_PARAMETER,
            Self::UnexpectedMessage(_) => AlertDescription::UNEXPECTED_MESSAGE,
            Self::UnsupportedExtension(_) => AlertDescription::UNSUPPORTED_EXTENSION,
            Self::MissingExtension(_) => AlertDescription::MISSING_EXTENSION,
            Self::BadRecordMac => AlertDescription::BAD_RECORD_MAC,
            Self::RecordOverflow(_) => AlertDescription::RECORD_OVERFLOW,
            Self::Decrypt(_) => AlertDescription::DECRYPT_ERROR,
            Self::NotTls(_) | Self::ProtocolVersion(_) => AlertDescription::PROTOCOL_VERSION,
            // RFC 5246 §7.4.6: TLS 1.2 has no alert of its own for a missing certificate.
            Self::HandshakeFailure(_) | Self::NoCertificate => AlertDescription::HANDSHAKE_FAILURE,
            Self::InappropriateFallback => AlertDescription::INAPPROPRIATE_FALLBACK,
            Self::NoApplicationProtocol => AlertDescription::NO_APPLICATION_PROTOCOL,
            Self::Certificate(reason) => reason.alert(),
            Self::UnsupportedCertificate(_) => AlertDescription::UNSUPPORTED_CERTIFICATE,
            Self::Limit(alert, _) => *alert,
            Self::Hook(_) | Self::Config(_) | Self::Internal(_) => AlertDescription::INTERNAL_ERROR,
            Self::AlertReceived(_) | Self::Transport(_) => return None,
        })
    }

    /// The error that the application sees, with the alert that was sent for it.
    pub(crate) fn into_error(self) -> Error {
        let alert = self.alert();
        let error = match self {
            Self::Transport(error) => return error,
            Self::Certificate(reason) => Error::from(reason),
            Self::NoCertificate => Error::from(CertificateError::Missing),
            Self::Config(error) => Error::from(error),
            Self::Hook(error) => Error::new(ErrorKind::Hook).with_source(error),
            Self::AlertReceived(alert) => Error::new(ErrorKind::AlertReceived(alert)),
            Self::Decode(reason) | Self::NotTls(reason) => {
                Error::new(ErrorKind::InvalidMessage).with_source(reason)
            }
            Self::IllegalParameter(reason)
            | Self::UnexpectedMessage(reason)
            | Self::UnsupportedExtension(reason)
            | Self::MissingExtension(reason)
            | Self::RecordOverflow(reason)
            | Self::Decrypt(reason) => Error::new(ErrorKind::PeerMisbehaved).with_source(reason),
            Self::ProtocolVersion(reason)
            | Self::HandshakeFailure(reason)
            | Self::UnsupportedCertificate(reason) => {
                Error::new(ErrorKind::PeerIncompatible).with_source(reason)
            }
            Self::InappropriateFallback => Error::new(ErrorKind::PeerIncompatible)
                .with_source("the client fell back from a version that both sides have"),
            Self::NoApplicationProtocol => Error::new(ErrorKind::NoApplicationProtocol),
            Self::BadRecordMac => Error::new(ErrorKind::BadRecord),
            Self::Limit(_, reason) => Error::new(ErrorKind::LimitExceeded).with_source(reason),
            Self::Internal(reason) => Error::new(ErrorKind::Backend).with_source(reason),
        };
        let error = error.on_backend(NAME);
        match alert {
            Some(alert) => error.with_alert_sent(alert),
            None => error,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Transport(error)
    }
}

impl From<CertificateError> for Fault {
    fn from(reason: CertificateError) -> Self {
        Self::Certificate(reason)
    }
}

impl From<HookError> for Fault {
    fn from(error: HookError) -> Self {
        Self::Hook(error)
    }
}
