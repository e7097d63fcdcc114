//! webpki's errors as polytls's.

use std::time::{Duration, SystemTime};

use polytls_api::{CertificateError, ServerName};
use rustls_pki_types::UnixTime;

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
        E::NameConstraintViolation => CertificateError::NameConstraintViolated { detail },
        E::PathLenConstraintViolated => CertificateError::PathLengthExceeded,
        E::MaximumPathDepthExceeded
        | E::MaximumPathBuildCallsExceeded
        | E::MaximumSignatureChecksExceeded
        | E::MaximumNameConstraintComparisonsExceeded => CertificateError::PathTooLong { detail },
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
