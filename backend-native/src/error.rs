//! native-tls's errors as polytls's. native-tls tells them in words, and these are OpenSSL's; on other
//! platforms what is not recognised keeps the platform's words.

use std::time::SystemTime;

use polytls_api::{AlertDescription, CertificateError, ConfigError, Error, ErrorKind, Phase, ServerName};

use crate::NAME;

/// What native-tls says of a configuration.
pub(crate) fn configuration(error: native_tls::Error) -> ConfigError {
    if error.to_string().contains("key values mismatch") {
        return ConfigError::KeyMismatch;
    }
    ConfigError::backend(NAME, error)
}

/// What native-tls says of a connection; `name` is the server's, on a client.
pub(crate) fn connection(
    error: impl std::error::Error + Send + Sync + 'static,
    phase: Phase,
    name: Option<&ServerName>,
) -> Error {
    let text = chain_text(&error);
    let kind = alert(&text)
        .map(ErrorKind::AlertReceived)
        .or_else(|| certificate(&text, name).map(ErrorKind::Certificate))
        .or_else(|| REASONS.iter().find(|(words, _)| text.contains(words)).map(|(_, kind)| kind.clone()))
        .unwrap_or(ErrorKind::PeerMisbehaved);
    Error::new(kind).in_phase(phase).on_backend(NAME).with_source(error)
}

/// The words of the error and of all that it came from.
fn chain_text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push('\n');
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// OpenSSL says "SSL alert number 42" of an alert that the peer sent.
fn alert(text: &str) -> Option<AlertDescription> {
    let (_, rest) = text.split_once("SSL alert number ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().map(AlertDescription::from_code)
}

fn certificate(text: &str, name: Option<&ServerName>) -> Option<CertificateError> {
    let now = SystemTime::now();
    let (_, reason) = VERIFY_REASONS.iter().find(|(words, _)| text.contains(words))?;
    Some(match reason {
        Reason::Expired => CertificateError::Expired { now, not_after: None },
        Reason::NotYetValid => CertificateError::NotYetValid { now, not_before: None },
        Reason::UnknownIssuer => CertificateError::UnknownIssuer,
        Reason::SelfSigned => CertificateError::SelfSigned,
        Reason::NameMismatch => CertificateError::NameMismatch {
            expected: name.map(ToString::to_string).unwrap_or_default(),
            presented: Vec::new(),
        },
        Reason::WrongUsage => CertificateError::WrongUsage,
        Reason::BadSignature => CertificateError::BadSignature,
        Reason::CaUsedAsEndEntity => CertificateError::CaUsedAsEndEntity,
        Reason::EndEntityUsedAsCa => CertificateError::EndEntityUsedAsCa,
        Reason::Revoked => CertificateError::REVOKED,
        Reason::PathLength => CertificateError::PathLengthExceeded,
        Reason::NameConstraint => CertificateError::NameConstraintViolated { detail: text.to_owned() },
        Reason::PathTooLong => CertificateError::PathTooLong { detail: text.to_owned() },
        Reason::Algorithm => CertificateError::UnsupportedAlgorithm { detail: text.to_owned() },
        Reason::Malformed => CertificateError::Malformed { detail: text.to_owned() },
        Reason::Policy => CertificateError::PolicyViolated { detail: text.to_owned() },
        Reason::Other => CertificateError::Other { detail: text.to_owned() },
    })
}

enum Reason {
    Expired,
    NotYetValid,
    UnknownIssuer,
    SelfSigned,
    NameMismatch,
    WrongUsage,
    BadSignature,
    CaUsedAsEndEntity,
    EndEntityUsedAsCa,
    Revoked,
    PathLength,
    NameConstraint,
    PathTooLong,
    Algorithm,
    Malformed,
    Policy,
    Other,
}

/// The words of `X509_verify_cert_error_string`, OpenSSL 1.1's and 3's; the first that is found counts.
const VERIFY_REASONS: &[(&str, Reason)] = &[
    ("certificate has expired", Reason::Expired),
    ("certificate is not yet valid", Reason::NotYetValid),
    ("self-signed certificate in certificate chain", Reason::UnknownIssuer),
    ("self signed certificate in certificate chain", Reason::UnknownIssuer),
    ("self-signed certificate", Reason::SelfSigned),
    ("self signed certificate", Reason::SelfSigned),
    ("unable to get local issuer certificate", Reason::UnknownIssuer),
    ("unable to get issuer certificate", Reason::UnknownIssuer),
    ("unable to verify the first certificate", Reason::UnknownIssuer),
    ("certificate not trusted", Reason::UnknownIssuer),
    ("hostname mismatch", Reason::NameMismatch),
    ("IP address mismatch", Reason::NameMismatch),
    ("unsuitable certificate purpose", Reason::WrongUsage),
    ("unsupported certificate purpose", Reason::WrongUsage),
    ("certificate signature failure", Reason::BadSignature),
    ("unable to decrypt certificate's signature", Reason::BadSignature),
    ("invalid non-CA certificate", Reason::CaUsedAsEndEntity),
    ("invalid CA certificate", Reason::EndEntityUsedAsCa),
    ("key usage does not include certificate signing", Reason::EndEntityUsedAsCa),
    ("unhandled critical extension", Reason::Malformed),
    ("invalid or inconsistent certificate extension", Reason::Malformed),
    ("invalid or inconsistent certificate policy extension", Reason::Malformed),
    ("format error in certificate's not", Reason::Malformed),
    ("no explicit policy", Reason::Policy),
    ("certificate revoked", Reason::Revoked),
    ("path length constraint exceeded", Reason::PathLength),
    ("permitted subtree violation", Reason::NameConstraint),
    ("excluded subtree violation", Reason::NameConstraint),
    ("name constraints minimum and maximum not supported", Reason::NameConstraint),
    ("unsupported name constraint type", Reason::NameConstraint),
    ("unsupported or invalid name", Reason::NameConstraint),
    ("certificate chain too long", Reason::PathTooLong),
    ("key too weak", Reason::Algorithm),
    ("key too small", Reason::Algorithm),
    ("md too weak", Reason::Algorithm),
    ("digest algorithm too weak", Reason::Algorithm),
    ("certificate signature algorithm", Reason::Algorithm),
    ("signature algorithm and issuer public key algorithm mismatch", Reason::Algorithm),
    ("signature and signature algorithm mismatch", Reason::Algorithm),
    ("has explicit ECC parameters", Reason::Algorithm),
    ("unable to decode issuer public key", Reason::Algorithm),
    ("certificate verify failed", Reason::Other),
];

/// OpenSSL's reasons for giving up on a peer; the first that is found counts.
const REASONS: &[(&str, ErrorKind)] = &[
    ("wrong version number", ErrorKind::InvalidMessage),
    ("http request", ErrorKind::InvalidMessage),
    ("packet length too long", ErrorKind::InvalidMessage),
    ("bad record type", ErrorKind::InvalidMessage),
    ("record too small", ErrorKind::InvalidMessage),
    ("length mismatch", ErrorKind::InvalidMessage),
    ("unsupported protocol", ErrorKind::PeerIncompatible),
    ("version too low", ErrorKind::PeerIncompatible),
    ("no shared cipher", ErrorKind::PeerIncompatible),
    ("no suitable key share", ErrorKind::PeerIncompatible),
    ("no suitable signature algorithm", ErrorKind::PeerIncompatible),
    ("no shared signature algorithms", ErrorKind::PeerIncompatible),
    ("no application protocol", ErrorKind::NoApplicationProtocol),
    ("bad record mac", ErrorKind::BadRecord),
    ("bad decrypt", ErrorKind::BadRecord),
    ("digest check failed", ErrorKind::BadRecord),
    ("internal error", ErrorKind::Backend),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssls_words_are_understood() {
        let text = "error:0A000415:SSL routines:ssl3_read_bytes:ssl/tls alert certificate expired:rec.c:908:SSL alert number 45";
        assert_eq!(alert(text), Some(AlertDescription::CERTIFICATE_EXPIRED));
        let text =
            "error:0A000086:SSL routines::certificate verify failed:c.c:1889: (self-signed certificate)";
        assert_eq!(certificate(text, None), Some(CertificateError::SelfSigned));
        let text = "... (self-signed certificate in certificate chain)";
        assert_eq!(certificate(text, None), Some(CertificateError::UnknownIssuer));
        let algorithm = CertificateError::UnsupportedAlgorithm { detail: String::new() };
        let constraint = CertificateError::NameConstraintViolated { detail: String::new() };
        for (words, fault) in [
            ("EE certificate key too weak", &algorithm),
            ("CA certificate key too weak", &algorithm),
            ("CA signature digest algorithm too weak", &algorithm),
            ("Cannot find certificate signature algorithm", &algorithm),
            ("unsupported or invalid name constraint syntax", &constraint),
            ("permitted subtree violation", &constraint),
            ("invalid non-CA certificate (has CA markings)", &CertificateError::CaUsedAsEndEntity),
            ("invalid CA certificate", &CertificateError::EndEntityUsedAsCa),
            ("key usage does not include certificate signing", &CertificateError::EndEntityUsedAsCa),
            ("path length constraint exceeded", &CertificateError::PathLengthExceeded),
        ] {
            let text = format!("error:0A000086:SSL routines::certificate verify failed:c.c:1889: ({words})");
            let found = certificate(&text, None);
            assert!(found.is_some_and(|found| found.same_fault(fault)), "{words}");
        }
    }
}
