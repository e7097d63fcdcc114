//! The certificates of one verification, each parsed once, their names as numbers.

use std::collections::BTreeMap;

use polytls_api::x509::{Certificate, FoldedName, Name};

use super::anchor::Anchor;

/// Two names have one number where they match by RFC 5280 §7.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
}

/// A root that has one of the names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root<'r> {
    pub(super) anchor: &'r Anchor,
    pub(super) subject: NameId,
}

/// The numbers that were given.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<FoldedName, NameId>);

impl Names {
    fn id(&mut self, name: &Name<'_>) -> NameId {
        let next = NameId(self.0.len());
        *self.0.entry(name.folded()).or_insert(next)
    }

    /// The names themselves.
    pub(super) fn all(&self) -> impl Iterator<Item = (&FoldedName, NameId)> {
        self.0.iter().map(|(name, id)| (name, *id))
    }
}

/// The identifier of the key that the certificate is for (RFC 5280 §4.2.1.2).
pub(super) fn subject_key_identifier<'a>(certificate: &Certificate<'a>) -> Option<&'a [u8]> {
    certificate.extensions.subject_key_identifier.as_ref().map(|extension| extension.value)
}
