//! Why a certificate was refused: one variant for one fault, whichever library found it.

#[cfg(test)]
mod tests;

use std::time::SystemTime;

use polytls_x509::RevocationReason;

use crate::AlertDescription;

/// The reason why a chain may not speak for the peer (RFC 5280 §6, RFC 9525).
///
/// The variant is the same on every backend. Dates and names are filled in where the backend's library
/// tells them; `None` and empty lists say that it does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// `notAfter` has passed.
    #[error("the certificate expired{}, and is checked for {}; renew it, or set the clock right if it is wrong", when(" on ", .not_after), date(*.now))]
    Expired {
        /// The time that validation used.
        now: SystemTime,
        /// The end of validity.
        not_after: Option<SystemTime>,
    },
    /// `notBefore` is still to come.
    #[error("the certificate is not valid yet{}, and is checked for {}; wait for its time, or set the clock right if it is wrong", when(": it begins on ", .not_before), date(*.now))]
    NotYetValid {
        /// The time that validation used.
        now: SystemTime,
        /// The start of validity.
        not_before: Option<SystemTime>,
    },
    /// No trusted root leads to it.
    #[error(
        "no trusted root leads to the certificate's issuer; trust its root if you mean to, or have the peer send the intermediate certificates"
    )]
    UnknownIssuer,
    /// It is its own issuer, and not among the trusted roots.
    #[error(
        "the certificate is self-signed and not among the trusted roots; add it to them if you mean to trust it"
    )]
    SelfSigned,
    /// It is for other names.
    #[error("the certificate is not for `{expected}`{}; connect by a name that it holds", names(.presented))]
    NameMismatch {
        /// The name asked for.
        expected: String,
        /// The names that the certificate holds.
        presented: Vec<String>,
    },
    /// Its extended key usage does not allow this role.
    #[error(
        "the certificate's extended key usage does not allow it to be used here; have one issued for this role, server or client"
    )]
    WrongUsage,
    /// A signature in the chain does not verify.
    #[error(
        "a signature in the certificate chain does not verify: the chain was changed or put together wrongly; have the peer present it as its issuer gave it"
    )]
    BadSignature,
    /// An authority's certificate was used as an end entity's.
    #[error(
        "a certification authority's own certificate was presented as the peer's; have the authority issue the peer one, and present that"
    )]
    CaUsedAsEndEntity,
    /// An end entity's certificate was used to issue another.
    #[error(
        "a certificate that is not a certification authority's was used to issue another; have an authority issue the peer's"
    )]
    EndEntityUsedAsCa,
    /// More certificates follow an authority's than its pathLenConstraint allows (RFC 5280 §4.2.1.9).
    #[error(
        "an issuer does not allow a certification path this long; have the certificate issued nearer to the root"
    )]
    PathLengthExceeded,
    /// A name is outside an issuer's name constraints (RFC 5280 §4.2.1.10).
    #[error(
        "an issuer may not speak for a name in the certificate: {detail}; have it issued by an authority that may"
    )]
    NameConstraintViolated {
        /// Which constraint, or which name.
        detail: String,
    },
    /// An issuer's policy constraints leave no policy under which the certificate is valid (RFC 5280 §6.1).
    #[error(
        "no certificate policy holds for the whole path, and an issuer requires one: {detail}; have the certificate issued under a policy that all its issuers have"
    )]
    PolicyViolated {
        /// Which constraint.
        detail: String,
    },
    /// There are more certificates, or more ways through them, than a verifier looks at.
    #[error(
        "the path from the certificate to a root is longer than a verifier follows: {detail}; have the peer send the certificates of one path and no others"
    )]
    PathTooLong {
        /// Which bound was reached.
        detail: String,
    },
    /// A signature or key algorithm that is not supported, or too weak.
    #[error(
        "the chain uses an algorithm that is unsupported or too weak: {detail}; have it issued with ECDSA, or RSA of 2048 bits or more, and SHA-256 or better"
    )]
    UnsupportedAlgorithm {
        /// Which algorithm, as the library says it.
        detail: String,
    },
    /// It was revoked by its issuer.
    #[error("the certificate was revoked by its issuer{}{}; the peer needs a new one", when(" on ", .at), because(.reason))]
    Revoked {
        /// When.
        at: Option<SystemTime>,
        /// Why.
        reason: Option<RevocationReason>,
    },
    /// Revocation is checked, and no list in force and no OCSP response speaks of it.
    #[error(
        "whether the certificate was revoked is not known: {detail}; give a current list from its issuer, or have the peer staple a current OCSP response"
    )]
    RevocationUnknown {
        /// What is missing or outdated.
        detail: String,
    },
    /// No key of the path is one of those that were pinned.
    #[error(
        "no key of the certification path is pinned{}; if the peer means to have new keys, pin one of them, else somebody else speaks for it",
        pins(.presented)
    )]
    NotPinned {
        /// The pins of the keys that the path has, the end entity's first, as `sha256/…` in base64.
        presented: Vec<String>,
    },
    /// It cannot be parsed.
    #[error("the certificate is malformed: {detail}; have its issuer issue a correct one")]
    Malformed {
        /// What and where, as the library says it.
        detail: String,
    },
    /// The peer showed none, and one is required.
    #[error("the peer presented no certificate, and one is required; give it one to present")]
    Missing,
    /// Another verifier's own reason.
    #[error("the certificate was refused: {detail}")]
    Other {
        /// The reason.
        detail: String,
    },
}

impl CertificateError {
    /// The alert that tells the peer (RFC 8446 §6.2), the same on every backend that can choose it.
    pub fn alert(&self) -> AlertDescription {
        match self {
            Self::Expired { .. } | Self::NotYetValid { .. } => AlertDescription::CERTIFICATE_EXPIRED,
            Self::UnknownIssuer | Self::SelfSigned => AlertDescription::UNKNOWN_CA,
            Self::NameMismatch { .. }
            | Self::CaUsedAsEndEntity
            | Self::EndEntityUsedAsCa
            | Self::PathLengthExceeded
            | Self::NameConstraintViolated { .. }
            | Self::PolicyViolated { .. }
            | Self::PathTooLong { .. }
            | Self::Malformed { .. } => AlertDescription::BAD_CERTIFICATE,
            Self::WrongUsage => AlertDescription::UNSUPPORTED_CERTIFICATE,
            Self::UnsupportedAlgorithm { .. } => AlertDescription::UNSUPPORTED_CERTIFICATE,
            Self::BadSignature => AlertDescription::DECRYPT_ERROR,
            Self::Revoked { .. } => AlertDescription::CERTIFICATE_REVOKED,
            Self::Missing => AlertDescription::CERTIFICATE_REQUIRED,
            Self::RevocationUnknown { .. } | Self::NotPinned { .. } | Self::Other { .. } => {
                AlertDescription::CERTIFICATE_UNKNOWN
            }
        }
    }

    /// Revoked, where nothing is told of when and why.
    pub const REVOKED: Self = Self::Revoked { at: None, reason: None };

    /// The variant without its values: what must agree between backends.
    pub fn same_fault(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

fn because(reason: &Option<RevocationReason>) -> String {
    reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default()
}

fn when(prefix: &str, time: &Option<SystemTime>) -> String {
    time.map(|time| format!("{prefix}{}", date(time))).unwrap_or_default()
}

/// To the minute, in UTC.
pub(crate) fn date(time: SystemTime) -> String {
    let seconds = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |seconds| -seconds),
    };
    let (year, month, day) = civil_date(seconds.div_euclid(86_400));
    let minutes = seconds.rem_euclid(86_400) / 60;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// Days since 1970-01-01 as year, month and day, in the proleptic Gregorian calendar.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return String::new();
    }
    format!(", but for {}", presented.join(", "))
}

fn pins(presented: &[String]) -> String {
    if presented.is_empty() {
        return String::new();
    }
    format!(": it has {}", presented.join(", "))
}
