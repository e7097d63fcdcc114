use std::time::Duration;

use super::*;

fn at(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    match seconds < 0 {
        true => SystemTime::UNIX_EPOCH - distance,
        false => SystemTime::UNIX_EPOCH + distance,
    }
}

#[test]
fn dates_are_read_by_people() {
    for (seconds, text) in [
        (0, "1970-01-01 00:00 UTC"),
        (-1, "1969-12-31 23:59 UTC"),
        (-86_400, "1969-12-31 00:00 UTC"),
        (951_782_459, "2000-02-29 00:00 UTC"),
        (951_782_460, "2000-02-29 00:01 UTC"),
        (1_798_675_199, "2026-12-30 23:59 UTC"),
        (-62_135_596_800, "0001-01-01 00:00 UTC"),
    ] {
        assert_eq!(date(at(seconds)), text);
    }
}

#[test]
fn what_was_checked_and_when_is_told_as_far_as_it_is_known() {
    let (now, not_after) = (at(951_782_460), Some(at(0)));
    assert_eq!(
        CertificateError::Expired { now, not_after }.to_string(),
        "the certificate expired on 1970-01-01 00:00 UTC, and is checked for 2000-02-29 00:01 UTC; renew it, or set \
         the clock right if it is wrong"
    );
    assert!(
        CertificateError::Expired { now, not_after: None }
            .to_string()
            .starts_with("the certificate expired, and is checked for 2000-02-29 00:01 UTC; ")
    );
    let not_before = Some(at(1_798_675_199));
    assert!(
        CertificateError::NotYetValid { now, not_before }.to_string().starts_with(
            "the certificate is not valid yet: it begins on 2026-12-30 23:59 UTC, and is checked for 2000-02-29 00:01 UTC; "
        )
    );
}

#[test]
fn a_revocation_is_told_with_what_is_known_of_it() {
    let told = |at, reason| CertificateError::Revoked { at, reason }.to_string();
    assert_eq!(
        told(Some(at(0)), Some(RevocationReason::KeyCompromise)),
        format!(
            "the certificate was revoked by its issuer on 1970-01-01 00:00 UTC ({}); the peer needs a new one",
            RevocationReason::KeyCompromise
        )
    );
    assert_eq!(told(None, None), "the certificate was revoked by its issuer; the peer needs a new one");
}

/// One of each.
fn every_fault() -> Vec<CertificateError> {
    let (now, detail) = (at(0), "here".to_owned());
    let all = vec![
        CertificateError::Expired { now, not_after: None },
        CertificateError::NotYetValid { now, not_before: None },
        CertificateError::UnknownIssuer,
        CertificateError::SelfSigned,
        CertificateError::NameMismatch { expected: "a.example".into(), presented: Vec::new() },
        CertificateError::WrongUsage,
        CertificateError::BadSignature,
        CertificateError::CaUsedAsEndEntity,
        CertificateError::EndEntityUsedAsCa,
        CertificateError::PathLengthExceeded,
        CertificateError::NameConstraintViolated { detail: detail.clone() },
        CertificateError::PolicyViolated { detail: detail.clone() },
        CertificateError::PathTooLong { detail: detail.clone() },
        CertificateError::UnsupportedAlgorithm { detail: detail.clone() },
        CertificateError::REVOKED,
        CertificateError::RevocationUnknown { detail: detail.clone() },
        CertificateError::NotPinned { presented: Vec::new() },
        CertificateError::Malformed { detail: detail.clone() },
        CertificateError::Missing,
        CertificateError::Other { detail },
    ];
    // A new variant does not compile here until it is in the list above.
    let known = |fault: &CertificateError| match fault {
        CertificateError::Expired { .. }
        | CertificateError::NotYetValid { .. }
        | CertificateError::UnknownIssuer
        | CertificateError::SelfSigned
        | CertificateError::NameMismatch { .. }
        | CertificateError::WrongUsage
        | CertificateError::BadSignature
        | CertificateError::CaUsedAsEndEntity
        | CertificateError::EndEntityUsedAsCa
        | CertificateError::PathLengthExceeded
        | CertificateError::NameConstraintViolated { .. }
        | CertificateError::PolicyViolated { .. }
        | CertificateError::PathTooLong { .. }
        | CertificateError::UnsupportedAlgorithm { .. }
        | CertificateError::Revoked { .. }
        | CertificateError::RevocationUnknown { .. }
        | CertificateError::NotPinned { .. }
        | CertificateError::Malformed { .. }
        | CertificateError::Missing
        | CertificateError::Other { .. } => true,
    };
    assert!(all.iter().all(known));
    all
}

/// A fault in one half, what to do in the other. Only another verifier's own reason is left as it is.
#[test]
fn every_fault_says_what_to_do() {
    let all = every_fault();
    for fault in all.iter().filter(|fault| !matches!(fault, CertificateError::Other { .. })) {
        let text = fault.to_string();
        let (what, advice) = text.split_once("; ").unwrap_or_else(|| panic!("no advice: {text}"));
        assert!(!what.is_empty() && advice.contains(' ') && !text.ends_with(['.', ' ']), "{text}");
        assert!(!text.contains("  "), "{text}");
    }
}

/// `docs/guide/certificates.md` has a row for each, with its alert.
#[test]
fn the_guide_has_every_fault_and_its_alert() {
    let guide = include_str!("../../../../docs/guide/certificates.md");
    for fault in every_fault() {
        let debug = format!("{fault:?}");
        let name = debug.split([' ', '{']).next().unwrap_or_default();
        let row = guide.lines().find(|line| line.starts_with(&format!("| `{name}` | ")));
        let row = row.unwrap_or_else(|| panic!("`{name}` has no row"));
        assert!(row.ends_with(&format!("| `{}` |", fault.alert())), "{row}: {}", fault.alert());
    }
}

#[test]
fn a_mismatch_names_both_sides() {
    let error = CertificateError::NameMismatch {
        expected: "a.example".into(),
        presented: vec!["b.example".into(), "c.example".into()],
    };
    assert_eq!(
        error.to_string(),
        "the certificate is not for `a.example`, but for b.example, c.example; connect by a name that it holds"
    );
}

#[test]
fn keys_that_are_not_pinned_are_named() {
    let error = CertificateError::NotPinned { presented: vec!["sha256/a".into(), "sha256/b".into()] };
    assert!(error.to_string().contains("is pinned: it has sha256/a, sha256/b; if the peer"), "{error}");
    assert_eq!(error.alert(), AlertDescription::CERTIFICATE_UNKNOWN);
}
