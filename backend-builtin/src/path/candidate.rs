//! The certificates of one verification, each parsed once, their names as numbers.

use std::collections::HashMap;

use polytls_api::x509::{Certificate, FoldedName, Name};

/// Two names have one number where they match by RFC 5280 §7.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct NameId(usize);

/// A certificate that may stand in a path.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) certificate: Certificate<'a>,
    pub(super) issuer: NameId,
    pub(super) subject: NameId,
}

impl<'a> Candidate<'a> {
    pub(super) fn new(certificate: Certificate<'a>, names: &mut Names) -> Self {
        let issuer = names.id(&certificate.issuer);
        let same = certificate.issuer.der() == certificate.subject.der();
        let subject = if same { issuer } else { names.id(&certificate.subject) };
        Self { certificate, issuer, subject }
    }

    /// RFC 5280 §6.1: issuer and subject are one name.
    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether the two speak for one subject with one key, and a path with both would go in a circle.
    pub(super) fn is_same_entity(&self, other: &Self) -> bool {
        let key = |candidate: &Self| candidate.certificate.subject_public_key_info.der;
        self.subject == other.subject && key(self) == key(other)
    }
}

/// The numbers that were given.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<FoldedName, NameId>);

impl Names {
    fn id(&mut self, name: &Name<'_>) -> NameId {
        let next = NameId(self.0.len());
        *self.0.entry(name.folded()).or_insert(next)
    }

    /// The names themselves.
    pub(super) fn all(&self) -> impl Iterator<Item = &FoldedName> {
        self.0.keys()
    }
}
