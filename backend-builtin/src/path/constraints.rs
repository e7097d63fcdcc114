//! Name constraints (RFC 5280 §4.2.1.10, §6.1.3 (b) and (c), §6.1.4 (g)).
//!
//! Each set of constraints is kept as it was given, and a name has to be within all of them: that is what the
//! intersections and unions of the RFC come to.

use std::collections::BTreeMap;

use polytls_api::{
    CertificateError,
    x509::{Certificate, NameConstraints},
};

use super::{
    budget::{Budget, Exhausted},
    refusal::{malformed, of},
    subtree::{Base, Form, Subject},
};

/// Why constraints refuse a path.
pub(super) enum Refused {
    Violated(CertificateError),
    Exhausted(Exhausted),
}

impl From<Exhausted> for Refused {
    fn from(exhausted: Exhausted) -> Self {
        Self::Exhausted(exhausted)
    }
}

impl From<CertificateError> for Refused {
    fn from(error: CertificateError) -> Self {
        Self::Violated(error)
    }
}

/// Holds the names of each certificate against the constraints of those above. The path begins with the root, whose
/// constraints count as well: whoever trusts it trusts it for no more than it says.
pub(super) fn check(path: &[&Certificate<'_>], budget: &mut Budget) -> Result<(), Refused> {
    let Some((last, issuers)) = path.split_last() else { return Ok(()) };
    let mut constraints = Vec::new();
    for issuer in issuers {
        // RFC 5280 §6.1.3 (b): a self-issued one serves a change of keys; the last is checked even so.
        if !constraints.is_empty() && !issuer.is_self_issued() {
            hold(issuer, &constraints, budget)?;
        }
        if let Some(extension) = &issuer.extensions.name_constraints {
            constraints.push(Constraints::new(issuer, &extension.value)?);
        }
    }
    if constraints.is_empty() { Ok(()) } else { hold(last, &constraints, budget) }
}

fn hold(
    certificate: &Certificate<'_>,
    constraints: &[Constraints<'_>],
    budget: &mut Budget,
) -> Result<(), Refused> {
    let names = Subject::of(certificate);
    for set in constraints {
        for name in &names {
            set.hold(name, certificate, budget)?;
        }
    }
    Ok(())
}

/// The constraints of one certificate.
struct Constraints<'c> {
    issuer: &'c Certificate<'c>,
    /// For each form of names that there are constraints on: a name of another form is none of their business.
    forms: BTreeMap<Form, OnForm<'c>>,
}

/// The constraints on names of one form.
#[derive(Default)]
struct OnForm<'c> {
    permitted: Vec<Base<'c>>,
    excluded: Vec<Base<'c>>,
}

impl<'c> Constraints<'c> {
    fn new(
        issuer: &'c Certificate<'_>,
        constraints: &'c NameConstraints<'_>,
    ) -> Result<Self, CertificateError> {
        let mut forms = BTreeMap::<_, OnForm<'_>>::new();
        let wrong = |reason| malformed("nameConstraints", issuer, reason);
        // RFC 5280 §4.2.1.10: a list has one subtree or more. That none is permitted, an empty one does not say.
        let lists = [&constraints.permitted_subtrees, &constraints.excluded_subtrees];
        if lists.iter().any(|list| list.as_ref().is_some_and(Vec::is_empty)) {
            return Err(wrong("a list of subtrees is empty"));
        }
        for subtree in constraints.permitted_subtrees.iter().flatten() {
            let base = Base::new(subtree).map_err(wrong)?;
            forms.entry(base.form()).or_default().permitted.push(base);
        }
        for subtree in constraints.excluded_subtrees.iter().flatten() {
            let base = Base::new(subtree).map_err(wrong)?;
            forms.entry(base.form()).or_default().excluded.push(base);
        }
        Ok(Self { issuer, forms })
    }

    fn hold(
        &self,
        name: &Subject<'_>,
        certificate: &Certificate<'_>,
        budget: &mut Budget,
    ) -> Result<(), Refused> {
        let Some(constraints) = self.forms.get(&name.form()) else { return Ok(()) };
        let Some(how) = constraints.refuse(name, budget)? else { return Ok(()) };
        let (subject, issuer) = (of(certificate), of(self.issuer));
        let detail = format!("{name} of {subject} {how} the name constraints of {issuer}");
        Err(CertificateError::NameConstraintViolated { detail }.into())
    }
}

impl OnForm<'_> {
    /// How the name breaks the constraints, if it does.
    fn refuse(&self, name: &Subject<'_>, budget: &mut Budget) -> Result<Option<&'static str>, Exhausted> {
        // RFC 5280 §4.2.1.10: who cannot process a constraint refuses the names that it is about.
        if !name.is_understood() {
            return Ok(Some("cannot be held against"));
        }
        for base in &self.excluded {
            budget.comparisons(base.weight())?;
            if base.touches(name) {
                return Ok(Some("is in the excluded subtrees of"));
            }
        }
        for base in &self.permitted {
            budget.comparisons(base.weight())?;
            if base.holds(name) {
                return Ok(None);
            }
        }
        Ok((!self.permitted.is_empty()).then_some("is outside the permitted subtrees of"))
    }
}
