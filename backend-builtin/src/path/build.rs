//! The search for a path from the end entity to a root: depth first, by names, the likeliest issuer first (RFC 4158).
//!
//! Signatures are verified from the root downwards once names have led to one, so that a chain that leads to none costs
//! no signature, and a stranger who borrows a root's name costs one. Each is verified once.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use polytls_api::{CertificateError, SignatureVerifier, x509::Certificate};

use super::{
    algorithms,
    anchor::Anchor,
    budget::{Budget, Exhausted},
    candidate::{Candidate, NameId, Root, subject_key_identifier},
    constraints::Refused,
    refusal::{Refusal, Stage},
    validate::Rules,
};

/// The most intermediates of a path that are self-issued, and do not count towards its depth.
const SELF_ISSUED: usize = 8;

/// The place of the end entity among what was presented.
const END_ENTITY: usize = 0;

/// A certificate that may have issued another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    roots: &'s [Root<'s>],
    by_subject: BTreeMap<NameId, Vec<Issuer>>,
    /// The subjects from which names lead to a root.
    leading: BTreeSet<NameId>,
    /// What each issuer lacks to be one.
    faults: BTreeMap<Issuer, Option<CertificateError>>,
    /// What the signatures of certificates were found to be under the keys of issuers.
    verdicts: BTreeMap<(usize, Issuer), Result<(), CertificateError>>,
    budget: Budget,
    refusal: Refusal,
}

impl<'s, 'a> Search<'s, 'a> {
    pub(super) fn new(
        rules: &'s Rules,
        signatures: &'s dyn SignatureVerifier,
        presented: &'s [Candidate<'a>],
        roots: &'s [Root<'s>],
    ) -> Self {
        let mut by_subject = BTreeMap::<_, Vec<_>>::new();
        for (index, root) in roots.iter().enumerate() {
            by_subject.entry(root.subject).or_default().push(Issuer::Anchor(index));
        }
        for (index, candidate) in presented.iter().enumerate().skip(1) {
            by_subject.entry(candidate.subject).or_default().push(Issuer::Presented(index));
        }
        Self {
            rules,
            signatures,
            presented,
            roots,
            by_subject,
            leading: leading(presented, roots),
            faults: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            budget: Budget::new(),
            refusal: Refusal::default(),
        }
    }

    /// A valid path, the end entity first, and its root.
    ///
    /// # Errors
    /// The reason of the path that came furthest; `UnknownIssuer` or `SelfSigned` where none came anywhere.
    pub(super) fn path(mut self) -> Result<(Vec<&'s Certificate<'a>>, &'s Anchor), CertificateError> {
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
            let candidates = path.iter().filter_map(|index| self.presented.get(*index));
            return Ok((candidates.map(|candidate| &candidate.certificate).collect(), anchor));
        }
        if self_signed && !self.refusal.went_beyond_signatures() {
            return Err(stranger);
        }
        Err(self.refusal.reason().unwrap_or(stranger))
    }

    /// Extends the path until it is valid; `None` where there is no way, and the path is then as it was.
    fn extend(&mut self, path: &mut Vec<usize>) -> Result<Option<&'s Anchor>, Exhausted> {
        let Some(&child) = path.last() else { return Ok(None) };
        for (key, issuer) in self.issuers(child)? {
            let Some(found) = self.found(issuer) else { continue };
            if self.would_circle(path, found) || !self.may_issue(child, issuer, found, key) {
                continue;
            }
            match (issuer, found) {
                (_, Found::Root(root)) if self.is_valid(path, issuer, root.anchor)? => {
                    return Ok(Some(root.anchor));
                }
                (Issuer::Presented(index), Found::Presented(candidate)) => {
                    if self.is_too_deep(path, candidate) {
                        let detail = format!("it has more than {} intermediates", self.rules.max_depth);
                        self.refusal.note(Stage::Depth, CertificateError::PathTooLong { detail });
                        continue;
                    }
                    path.push(index);
                    if let Some(anchor) = self.extend(path)? {
                        return Ok(Some(anchor));
                    }
                    path.pop();
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn found(&self, issuer: Issuer) -> Option<Found<'s, 'a>> {
        match issuer {
            Issuer::Anchor(index) => self.roots.get(index).copied().map(Found::Root),
            Issuer::Presented(index) => self.presented.get(index).map(Found::Presented),
        }
    }

    /// Those by whose names a path may go on, the likeliest first; the order is that of nothing that a peer sends.
    fn issuers(&mut self, child: usize) -> Result<Vec<(KeyMatch, Issuer)>, Exhausted> {
        let Some(child) = self.presented.get(child) else { return Ok(Vec::new()) };
        let mut issuers = Vec::new();
        for issuer in self.by_subject.get(&child.issuer).into_iter().flatten() {
            self.budget.step()?;
            let Some(found) = self.found(*issuer) else { continue };
            let leads = match found {
                Found::Root(_) => true,
                Found::Presented(candidate) => self.leading.contains(&candidate.issuer),
            };
            if leads {
                issuers.push((key_match(&child.certificate, found.key_identifier()), *issuer, found));
            }
        }
        issuers.sort_by_key(|(key, issuer, found)| {
            (*key, matches!(issuer, Issuer::Presented(_)), Reverse(found.not_after()), found.der())
        });
        Ok(issuers.into_iter().map(|(key, issuer, _)| (key, issuer)).collect())
    }

    /// RFC 4158 §5.2: no path needs one subject with one key twice.
    fn would_circle(&self, path: &[usize], found: Found<'s, 'a>) -> bool {
        path.iter().filter_map(|index| self.presented.get(*index)).any(|on_path| {
            let key = on_path.certificate.subject_public_key_info.der;
            on_path.subject == found.subject() && found.subject_public_key_info() == Some(key)
        })
    }

    fn is_too_deep(&self, path: &[usize], candidate: &Candidate<'a>) -> bool {
        let on_path = path.iter().skip(1).filter_map(|index| self.presented.get(*index));
        let counted = on_path.chain([candidate]).filter(|candidate| !candidate.is_self_issued()).count();
        counted > self.rules.max_depth || path.len() > self.rules.max_depth.saturating_add(SELF_ISSUED)
    }

    /// Whether the issuer lacks nothing, and has not been found to have another key than the one that signed.
    fn may_issue(&mut self, child: usize, issuer: Issuer, found: Found<'s, 'a>, key: KeyMatch) -> bool {
        if matches!(self.verdicts.get(&(child, issuer)), Some(Err(_))) {
            return false;
        }
        let rules = self.rules;
        let fault = self.faults.entry(issuer).or_insert_with(|| match found {
            Found::Root(root) => root.anchor.check(rules).err(),
            Found::Presented(candidate) => rules.intermediate(&candidate.certificate).err(),
        });
        let Some(fault) = fault else { return true };
        // One that has another key than was asked for is a stranger of the same name: its faults say nothing.
        if key != KeyMatch::Other {
            self.refusal.note(Stage::Issuer, fault.clone());
        }
        false
    }

    /// Whether the path, with this root at its end, is valid; the cheap rules first.
    fn is_valid(&mut self, path: &[usize], root: Issuer, anchor: &'s Anchor) -> Result<bool, Exhausted> {
        let presented = self.presented;
        let below = path.iter().rev().filter_map(|index| presented.get(*index));
        let below: Vec<_> = below.map(|candidate| &candidate.certificate).collect();
        if !self.has_good_signatures(path, root)? {
            return Ok(false);
        }
        let octets: usize = below.iter().map(|certificate| certificate.der.len()).sum();
        self.budget.path(octets + anchor.der().len())?;
        match self.rules.path(anchor, &below, &mut self.budget) {
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
            let (Some(certificate), Some(above)) = (self.presented.get(*child), self.found(issuer)) else {
                return Ok(false);
            };
            let certificate = &certificate.certificate;
            if let Err(error) = self.signature(*child, certificate, issuer, above)? {
                if key_match(certificate, above.key_identifier()) != KeyMatch::Other {
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
        above: Found<'s, 'a>,
    ) -> Result<Result<(), CertificateError>, Exhausted> {
        if let Some(known) = self.verdicts.get(&(child, issuer)) {
            return Ok(known.clone());
        }
        self.budget.signature(above.weight())?;
        let verdict = match above {
            Found::Root(root) => root.anchor.verify_signature(certificate),
            Found::Presented(above) => self.signatures.verify_signature(
                above.certificate.subject_public_key_info.der,
                certificate.signature_algorithm.der,
                certificate.tbs_certificate,
                certificate.signature_value,
            ),
        };
        self.verdicts.insert((child, issuer), verdict.clone());
        Ok(verdict)
    }
}

/// What an [`Issuer`] is.
#[derive(Clone, Copy)]
enum Found<'s, 'a> {
    Root(Root<'s>),
    Presented(&'s Candidate<'a>),
}

impl<'s> Found<'s, '_> {
    fn subject(self) -> NameId {
        match self {
            Self::Root(root) => root.subject,
            Self::Presented(candidate) => candidate.subject,
        }
    }

    fn der(self) -> &'s [u8] {
        match self {
            Self::Root(root) => root.anchor.der(),
            Self::Presented(candidate) => candidate.certificate.der,
        }
    }

    fn subject_public_key_info(self) -> Option<&'s [u8]> {
        match self {
            Self::Root(root) => root.anchor.subject_public_key_info().ok(),
            Self::Presented(candidate) => Some(candidate.certificate.subject_public_key_info.der),
        }
    }

    fn key_identifier(self) -> Option<&'s [u8]> {
        match self {
            Self::Root(root) => root.anchor.subject_key_identifier.as_deref(),
            Self::Presented(candidate) => subject_key_identifier(&candidate.certificate),
        }
    }

    fn not_after(self) -> SystemTime {
        match self {
            Self::Root(root) => root.anchor.validity.not_after,
            Self::Presented(candidate) => candidate.certificate.validity.not_after,
        }
    }

    fn weight(self) -> u32 {
        match self {
            Self::Root(root) => root.anchor.weight,
            Self::Presented(candidate) => algorithms::weight(&candidate.certificate),
        }
    }
}

/// The names from which issuers' names lead to a root's: what has another issuer is in no path.
fn leading(presented: &[Candidate<'_>], roots: &[Root<'_>]) -> BTreeSet<NameId> {
    let mut issued = BTreeMap::<_, Vec<_>>::new();
    for candidate in presented.iter().skip(1) {
        issued.entry(candidate.issuer).or_default().push(candidate.subject);
    }
    let mut next: Vec<_> = roots.iter().map(|root| root.subject).collect();
    let mut leading = BTreeSet::new();
    while let Some(name) = next.pop() {
        if leading.insert(name) {
            next.extend(issued.get(&name).into_iter().flatten());
        }
    }
    leading
}

/// RFC 5280 §4.2.1.1: which of an issuer's keys it was. It guides the search; that the key is right is for the
/// signature to say.
fn key_match(certificate: &Certificate<'_>, has: Option<&[u8]>) -> KeyMatch {
    let asked = certificate.extensions.authority_key_identifier.as_ref();
    match (asked.and_then(|extension| extension.value.key_identifier), has) {
        (Some(asked), Some(has)) if asked == has => KeyMatch::Same,
        (Some(_), Some(_)) => KeyMatch::Other,
        _ => KeyMatch::Untold,
    }
}
