//! The search for a path from the end entity to a root: depth first, by names, the likeliest issuer first (RFC 4158).
//!
//! Signatures are verified from the root downwards once names have led to one, so that a chain that leads to none costs
//! no signature, and a stranger who borrows a root's name costs one. Each is verified once.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
};

use polytls_api::{CertificateError, SignatureVerifier, x509::Certificate};

use super::{
    algorithms,
    budget::{Budget, Exhausted},
    candidate::{Candidate, NameId},
    constraints::Refused,
    refusal::{Refusal, Stage},
    validate::Rules,
};

/// The most intermediates of a path that are self-issued, and do not count towards its depth.
const SELF_ISSUED: usize = 8;

/// The place of the end entity among what was presented.
const END_ENTITY: usize = 0;

/// A certificate that may have issued another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Issuer {
    Anchor(usize),
    Presented(usize),
}

/// Whether an issuer has the key that a certificate names as its issuer's; likelier ones are less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum KeyMatch {
    Same,
    Untold,
    Other,
}

/// Looks for a path. `presented` begins with the end entity.
pub(super) struct Search<'s, 'a> {
    rules: &'s Rules,
    signatures: &'s dyn SignatureVerifier,
    presented: &'s [Candidate<'a>],
    anchors: &'s [Candidate<'a>],
    by_subject: HashMap<NameId, Vec<Issuer>>,
    /// The subjects from which names lead to a root.
    leading: HashSet<NameId>,
    /// What each issuer lacks to be one.
    faults: HashMap<Issuer, Option<CertificateError>>,
    /// What the signatures of certificates were found to be under the keys of issuers.
    verdicts: HashMap<(usize, Issuer), Result<(), CertificateError>>,
    budget: Budget,
    refusal: Refusal,
}

impl<'s, 'a> Search<'s, 'a> {
    pub(super) fn new(
        rules: &'s Rules,
        signatures: &'s dyn SignatureVerifier,
        presented: &'s [Candidate<'a>],
        anchors: &'s [Candidate<'a>],
    ) -> Self {
        let mut by_subject = HashMap::<_, Vec<_>>::new();
        for (index, anchor) in anchors.iter().enumerate() {
            by_subject.entry(anchor.subject).or_default().push(Issuer::Anchor(index));
        }
        for (index, candidate) in presented.iter().enumerate().skip(1) {
            by_subject.entry(candidate.subject).or_default().push(Issuer::Presented(index));
        }
        Self {
            rules,
            signatures,
            presented,
            anchors,
            by_subject,
            leading: leading(presented, anchors),
            faults: HashMap::new(),
            verdicts: HashMap::new(),
            budget: Budget::new(),
            refusal: Refusal::default(),
        }
    }

    /// A valid path, the end entity first and the root last.
    ///
    /// # Errors
    /// The reason of the path that came furthest; `UnknownIssuer` or `SelfSigned` where none came anywhere.
    pub(super) fn path(mut self) -> Result<Vec<&'s Certificate<'a>>, CertificateError> {
        let end_entity = self.presented.first().ok_or(CertificateError::Missing)?;
        let self_signed = end_entity.is_self_issued();
        let stranger =
            if self_signed { CertificateError::SelfSigned } else { CertificateError::UnknownIssuer };
        if !self.leading.contains(&end_entity.issuer) {
            return Err(stranger);
        }
        self.rules.end_entity(&end_entity.certificate)?;
        let mut path = vec![END_ENTITY];
        if let Some(anchor) = self.extend(&mut path)? {
            let certificates = path.iter().filter_map(|index| self.presented.get(*index)).chain([anchor]);
            return Ok(certificates.map(|candidate| &candidate.certificate).collect());
        }
        if self_signed && !self.refusal.went_beyond_signatures() {
            return Err(stranger);
        }
        Err(self.refusal.reason().unwrap_or(stranger))
    }

    /// Extends the path until it is valid; `None` where there is no way, and the path is then as it was.
    fn extend(&mut self, path: &mut Vec<usize>) -> Result<Option<&'s Candidate<'a>>, Exhausted> {
        let Some(&child) = path.last() else { return Ok(None) };
        for (key, issuer) in self.issuers(child)? {
            let Some(candidate) = self.candidate(issuer) else { continue };
            if self.would_circle(path, candidate) || !self.may_issue(child, issuer, key) {
                continue;
            }
            match issuer {
                Issuer::Anchor(_) if self.is_valid(path, issuer, candidate)? => return Ok(Some(candidate)),
                Issuer::Anchor(_) => {}
                Issuer::Presented(_) if self.is_too_deep(path, candidate) => {
                    let detail = format!("it has more than {} intermediates", self.rules.max_depth);
                    self.refusal.note(Stage::Depth, CertificateError::PathTooLong { detail });
                }
                Issuer::Presented(index) => {
                    path.push(index);
                    if let Some(anchor) = self.extend(path)? {
                        return Ok(Some(anchor));
                    }
                    path.pop();
                }
            }
        }
        Ok(None)
    }

    fn candidate(&self, issuer: Issuer) -> Option<&'s Candidate<'a>> {
        match issuer {
            Issuer::Anchor(index) => self.anchors.get(index),
            Issuer::Presented(index) => self.presented.get(index),
        }
    }

    /// Those by whose names a path may go on, the likeliest first; the order is that of nothing that a peer sends.
    fn issuers(&mut self, child: usize) -> Result<Vec<(KeyMatch, Issuer)>, Exhausted> {
        let Some(child) = self.presented.get(child) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for issuer in self.by_subject.get(&child.issuer).into_iter().flatten() {
            self.budget.step()?;
            let Some(candidate) = self.candidate(*issuer) else { continue };
            if matches!(issuer, Issuer::Anchor(_)) || self.leading.contains(&candidate.issuer) {
                found.push((key_match(&child.certificate, &candidate.certificate), *issuer, candidate));
            }
        }
        found.sort_by_key(|(key, issuer, candidate)| {
            let last = candidate.certificate.validity.not_after;
            (*key, matches!(issuer, Issuer::Presented(_)), Reverse(last), candidate.certificate.der)
        });
        Ok(found.into_iter().map(|(key, issuer, _)| (key, issuer)).collect())
    }

    /// RFC 4158 §5.2: no path needs one subject with one key twice.
    fn would_circle(&self, path: &[usize], candidate: &Candidate<'a>) -> bool {
        path.iter()
            .filter_map(|index| self.presented.get(*index))
            .any(|on_path| on_path.is_same_entity(candidate))
    }

    fn is_too_deep(&self, path: &[usize], candidate: &Candidate<'a>) -> bool {
        let on_path = path.iter().skip(1).filter_map(|index| self.presented.get(*index));
        let counted = on_path.chain([candidate]).filter(|candidate| !candidate.is_self_issued()).count();
        counted > self.rules.max_depth || path.len() > self.rules.max_depth.saturating_add(SELF_ISSUED)
    }

    /// Whether the issuer lacks nothing, and has not been found to have another key than the one that signed.
    fn may_issue(&mut self, child: usize, issuer: Issuer, key: KeyMatch) -> bool {
        if matches!(self.verdicts.get(&(child, issuer)), Some(Err(_))) {
            return false;
        }
        let (rules, candidate) = (self.rules, self.candidate(issuer));
        let fault = self.faults.entry(issuer).or_insert_with(|| {
            let certificate = &candidate?.certificate;
            match issuer {
                Issuer::Anchor(_) => rules.anchor(certificate).err(),
                Issuer::Presented(_) => rules.intermediate(certificate).err(),
            }
        });
        let Some(fault) = fault else { return true };
        // One that has another key than was asked for is a stranger of the same name: its faults say nothing.
        if key != KeyMatch::Other {
            self.refusal.note(Stage::Issuer, fault.clone());
        }
        false
    }

    /// Whether the path, with this root at its end, is valid; the cheap rules first.
    fn is_valid(
        &mut self,
        path: &[usize],
        root: Issuer,
        anchor: &'s Candidate<'a>,
    ) -> Result<bool, Exhausted> {
        let presented = self.presented;
        let below = path.iter().rev().filter_map(|index| presented.get(*index));
        let certificates: Vec<_> =
            [anchor].into_iter().chain(below).map(|candidate| &candidate.certificate).collect();
        if !self.has_good_signatures(path, root)? {
            return Ok(false);
        }
        self.budget.path(certificates.iter().map(|certificate| certificate.der.len()).sum())?;
        match self.rules.path(&certificates, &mut self.budget) {
            Ok(()) => Ok(true),
            Err(Refused::Exhausted(exhausted)) => Err(exhausted),
            Err(Refused::Violated(error)) => {
                self.refusal.note(Stage::Path, error);
                Ok(false)
            }
        }
    }

    /// RFC 5280 §6.1.3 (a) (1), from the root downwards.
    fn has_good_signatures(&mut self, path: &[usize], root: Issuer) -> Result<bool, Exhausted> {
        let mut issuer = root;
        for child in path.iter().rev() {
            let (Some(certificate), Some(above)) = (self.presented.get(*child), self.candidate(issuer))
            else {
                return Ok(false);
            };
            let (certificate, above) = (&certificate.certificate, &above.certificate);
            if let Err(error) = self.signature(*child, certificate, issuer, above)? {
                if key_match(certificate, above) != KeyMatch::Other {
                    self.refusal.note(Stage::Signature, error);
                }
                return Ok(false);
            }
            issuer = Issuer::Presented(*child);
        }
        Ok(true)
    }

    fn signature(
        &mut self,
        child: usize,
        certificate: &Certificate<'_>,
        issuer: Issuer,
        above: &Certificate<'_>,
    ) -> Result<Result<(), CertificateError>, Exhausted> {
        if let Some(known) = self.verdicts.get(&(child, issuer)) {
            return Ok(known.clone());
        }
        self.budget.signature(algorithms::weight(above))?;
        let verdict = self.signatures.verify_signature(
            above.subject_public_key_info.der,
            certificate.signature_algorithm.der,
            certificate.tbs_certificate,
            certificate.signature_value,
        );
        self.verdicts.insert((child, issuer), verdict.clone());
        Ok(verdict)
    }
}

/// The names from which issuers' names lead to a root's: what has another issuer is in no path.
fn leading(presented: &[Candidate<'_>], anchors: &[Candidate<'_>]) -> HashSet<NameId> {
    let mut issued = HashMap::<_, Vec<_>>::new();
    for candidate in presented.iter().skip(1) {
        issued.entry(candidate.issuer).or_default().push(candidate.subject);
    }
    let mut next: Vec<_> = anchors.iter().map(|anchor| anchor.subject).collect();
    let mut leading = HashSet::new();
    while let Some(name) = next.pop() {
        if leading.insert(name) {
            next.extend(issued.get(&name).into_iter().flatten());
        }
    }
    leading
}

/// RFC 5280 §4.2.1.1: which of an issuer's keys it was. It guides the search; that the key is right is for the
/// signature to say.
fn key_match(certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> KeyMatch {
    let asked = certificate.extensions.authority_key_identifier.as_ref();
    let has = issuer.extensions.subject_key_identifier.as_ref();
    match (asked.and_then(|extension| extension.value.key_identifier), has) {
        (Some(asked), Some(has)) if asked == has.value => KeyMatch::Same,
        (Some(_), Some(_)) => KeyMatch::Other,
        _ => KeyMatch::Untold,
    }
}
