//! What to do about a handshake that failed, where the error alone does not say it.

use polytls::{AlertDescription, CertificateDer, CertificateError, ClientConfig, Error, ErrorKind, Phase};
use time::OffsetDateTime;

use super::target::Target;
use crate::certificate::Certificate;

/// Which of the server's certificates is at fault, as far as its chain tells.
pub(super) fn culprit(reason: &CertificateError, chain: &[CertificateDer<'_>]) -> Option<String> {
    let now = OffsetDateTime::now_utc();
    match reason {
        CertificateError::Expired { .. } | CertificateError::NotYetValid { .. } => {
            let certificates = Certificate::read_all(chain);
            let culprit = certificates.iter().find(|certificate| !certificate.is_valid_at(now))?;
            Some(format!("it is that of {}, valid {}", culprit.subject(), culprit.validity()?))
        }
        CertificateError::UnknownIssuer => {
            let last = Certificate::read(chain.last()?);
            Some(format!("the chain ends at {}, issued by {}", last.subject(), last.issuer()?))
        }
        _ => None,
    }
}

/// The next step, if there is one to name.
pub(super) fn after(error: &Error, target: &Target<'_>, config: &ClientConfig) -> Option<String> {
    if let ErrorKind::AlertReceived(alert) = error.kind() {
        // In TLS 1.3 a server may refuse a client when that thinks the handshake complete.
        return after_alert(*alert, target, config);
    }
    if error.phase() != Phase::Handshake {
        return None;
    }
    match error.kind() {
        ErrorKind::NoApplicationProtocol => Some("name another one with --alpn, or none".into()),
        ErrorKind::PeerIncompatible => Some("see --tls, --cipher-suites, --groups and --sigalgs".into()),
        ErrorKind::InvalidMessage if target.starttls.is_none() => {
            Some("is that its TLS port? Some protocols ask for TLS first: see --starttls".into())
        }
        ErrorKind::UnexpectedEof => {
            Some("it may not speak TLS there, or refuse what was offered without saying why".into())
        }
        ErrorKind::TimedOut => Some("is that its TLS port? Else see --time-limit".into()),
        _ => None,
    }
}

fn after_alert(alert: AlertDescription, target: &Target<'_>, config: &ClientConfig) -> Option<String> {
    let anonymous = config.identity().is_none();
    Some(match alert {
        AlertDescription::CERTIFICATE_REQUIRED => {
            "it wants a certificate: give --client-cert and --client-key".into()
        }
        AlertDescription::HANDSHAKE_FAILURE if anonymous => {
            "nothing that was offered suits it (see --tls, --cipher-suites, --groups, --sigalgs), or it wants a \
             certificate (see --client-cert)"
                .into()
        }
        AlertDescription::HANDSHAKE_FAILURE | AlertDescription::INSUFFICIENT_SECURITY => {
            "nothing that was offered suits it: see --tls, --cipher-suites, --groups and --sigalgs".into()
        }
        AlertDescription::PROTOCOL_VERSION => "it speaks no version that was offered: see --tls".into(),
        AlertDescription::NO_APPLICATION_PROTOCOL => {
            "it speaks no application protocol that was offered: see --alpn".into()
        }
        AlertDescription::UNRECOGNIZED_NAME => {
            format!("it is not `{}`, or does not know that it is: see --name", target.name)
        }
        AlertDescription::UNKNOWN_CA if !anonymous => {
            "it trusts no root of the certificate given with --client-cert".into()
        }
        AlertDescription::BAD_CERTIFICATE
        | AlertDescription::UNSUPPORTED_CERTIFICATE
        | AlertDescription::CERTIFICATE_REVOKED
        | AlertDescription::CERTIFICATE_EXPIRED
        | AlertDescription::CERTIFICATE_UNKNOWN
        | AlertDescription::ACCESS_DENIED
            if !anonymous =>
        {
            "it does not accept the certificate given with --client-cert".into()
        }
        AlertDescription::BAD_CERTIFICATE if anonymous => {
            "it may want a certificate: see --client-cert".into()
        }
        _ => return None,
    })
}
