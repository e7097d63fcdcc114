//! Validation of a path (RFC 5280 §6.1): what each certificate has to be by itself, and what each has to be to the
//! others.

use std::time::{Duration, SystemTime};

use polytls_api::{
    CertificateError,
    x509::{Certificate, KeyPurposeId, Validity},
};

use super::{
    Profile, algorithms,
    anchor::Anchor,
    budget::Budget,
    candidate::subject_key_identifier,
    constraints::{self, Refused},
    policy,
    refusal::malformed,
    strict, usage,
};

/// What a path is asked for.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) now: SystemTime,
    pub(super) purpose: KeyPurposeId,
    pub(super) profile: Profile,
    /// The most intermediates that are not self-issued.
    pub(super) max_depth: usize,
}

impl Rules {
    /// What the end entity's certificate has to be, whoever issued it.
    pub(super) fn end_entity(&self, certificate: &Certificate<'_>) -> Result<(), CertificateError> {
        critical_extensions(certificate)?;
        self.validity(certificate.validity)?;
        algorithms::key(certificate)?;
        algorithms::signature(certificate)?;
        usage::end_entity(certificate, self.purpose)?;
        // RFC 5280 §4.2.1.10: MUST be used only in a CA certificate.
        if certificate.extensions.name_constraints.is_some() {
            return Err(malformed(
                "nameConstraints",
                certificate,
                "it stands in an end entity's certificate",
            ));
        }
        match self.profile {
            Profile::Strict => strict::end_entity(certificate, self.purpose),
            Profile::Interoperable => Ok(()),
        }
    }

    /// What the certificate of an authority below the root has to be, whoever issued it (RFC 5280 §6.1.4).
    pub(super) fn intermediate(&self, certificate: &Certificate<'_>) -> Result<(), CertificateError> {
        critical_extensions(certificate)?;
        self.validity(certificate.validity)?;
        algorithms::key(certificate)?;
        algorithms::signature(certificate)?;
        usage::issuer(certificate, self.purpose)?;
        match self.profile {
            Profile::Strict => strict::intermediate(certificate),
            Profile::Interoperable => Ok(()),
        }
    }

    /// What a root has to be. RFC 5280 §6.1.1 (d) takes its name and key alone; here it is trusted for no more than
    /// it says of itself, and no longer. Who signed it, and with what, does not matter.
    pub(super) fn anchor(&self, certificate: &Certificate<'_>) -> Result<(), CertificateError> {
        critical_extensions(certificate)?;
        self.validity(certificate.validity)?;
        algorithms::key(certificate)?;
        algorithms::consistent(certificate)?;
        usage::anchor(certificate, self.purpose)?;
        match self.profile {
            Profile::Strict => strict::anchor(certificate),
            Profile::Interoperable => Ok(()),
        }
    }

    /// RFC 5280 §4.1.2.5, §6.1.3 (a) (2): both ends belong to it, the last second with all its fractions.
    pub(super) fn validity(&self, validity: Validity) -> Result<(), CertificateError> {
        let now = self.now;
        if now < validity.not_before {
            return Err(CertificateError::NotYetValid { now, not_before: Some(validity.not_before) });
        }
        let end = validity.not_after.checked_add(Duration::from_secs(1));
        match end.is_some_and(|end| now >= end) {
            true => Err(CertificateError::Expired { now, not_after: Some(validity.not_after) }),
            false => Ok(()),
        }
    }

    /// What the certificates of a path have to be to one another: those below the root, the highest first. The signatures
    /// were verified before.
    pub(super) fn path(
        &self,
        anchor: &Anchor,
        below: &[&Certificate<'_>],
        budget: &mut Budget,
    ) -> Result<(), Refused> {
        path_length(anchor.path_len_constraint, below)?;
        if self.profile == Profile::Strict {
            let mut key = anchor.subject_key_identifier.as_deref();
            for certificate in below {
                strict::issued(certificate, key)?;
                key = subject_key_identifier(certificate);
            }
        }
        match anchor.has_name_constraints {
            true => {
                let root = anchor.certificate()?;
                let path: Vec<_> = [&root].into_iter().chain(below.iter().copied()).collect();
                constraints::check(&path, budget)?;
            }
            false => constraints::check(below, budget)?,
        }
        policy::check(below)?;
        Ok(())
    }
}

/// RFC 5280 §4.2: a critical extension has to be understood.
fn critical_extensions(certificate: &Certificate<'_>) -> Result<(), CertificateError> {
    match certificate.extensions.unknown_critical.first() {
        Some(unknown) => {
            Err(malformed("extensions", certificate, format!("{unknown} is critical and not known")))
        }
        None => Ok(()),
    }
}

/// RFC 5280 §6.1.4 (l) and (m), with the root's constraint as well.
fn path_length(of_root: Option<u32>, below: &[&Certificate<'_>]) -> Result<(), CertificateError> {
    let mut max_path_length = of_root.unwrap_or(u32::MAX);
    let Some((_, issuers)) = below.split_last() else { return Ok(()) };
    for issuer in issuers {
        if !issuer.is_self_issued() {
            max_path_length = max_path_length.checked_sub(1).ok_or(CertificateError::PathLengthExceeded)?;
        }
        let constraints = issuer.extensions.basic_constraints.as_ref();
        if let Some(constraint) = constraints.and_then(|constraints| constraints.value.path_len_constraint) {
            max_path_length = max_path_length.min(constraint);
        }
    }
    Ok(())
}
