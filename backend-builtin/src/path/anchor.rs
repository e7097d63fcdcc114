//! Trust anchors: what a path has to lead to.

use std::{collections::HashMap, sync::Arc};

use polytls_api::{
    CertificateDer, ConfigError, Roots,
    x509::{Certificate, FoldedName},
};

/// The roots, found by subject.
#[derive(Debug)]
pub(super) struct Anchors {
    certificates: Arc<[CertificateDer<'static>]>,
    /// Where they are, by subject.
    by_subject: HashMap<FoldedName, Vec<usize>>,
}

impl Anchors {
    /// # Errors
    /// [`ConfigError::NoRoots`] where there are none, [`ConfigError::Certificates`] for a given one that is malformed.
    pub(super) fn new(roots: &Roots) -> Result<Self, ConfigError> {
        let certificates = roots.certificates()?;
        let mut by_subject = HashMap::<_, Vec<_>>::new();
        for (index, der) in certificates.iter().enumerate() {
            match (Certificate::parse(der), roots) {
                (Ok(root), _) => by_subject.entry(root.subject.folded()).or_default().push(index),
                (Err(error), Roots::Explicit(_) | Roots::Directory(_)) => {
                    let reason = format!("a root is malformed: {error}");
                    return Err(ConfigError::Certificates { reason });
                }
                // One in a store that cannot be read takes nothing from the others.
                (Err(error), _) => tracing::debug!(%error, "a malformed root was passed over"),
            }
        }
        if by_subject.is_empty() && *roots != Roots::None {
            return Err(ConfigError::NoRoots { reason: "none of them can be read".into() });
        }
        Ok(Self { certificates, by_subject })
    }

    /// Those with this subject. They were parsed before, and are again when they are
    /// asked for: it costs little beside a signature, and what is kept is the DER alone.
    pub(super) fn of_subject<'a>(
        &'a self,
        subject: &FoldedName,
    ) -> impl Iterator<Item = Certificate<'a>> + use<'a> {
        let indices = self.by_subject.get(subject).map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|index| Certificate::parse(self.certificates.get(*index)?).ok())
    }

    /// Whether the very certificate is one of them.
    pub(super) fn contains(&self, certificate: &Certificate<'_>) -> bool {
        self.of_subject(&certificate.subject.folded()).any(|root| root.der == certificate.der)
    }

    pub(super) fn len(&self) -> usize {
        self.by_subject.values().map(Vec::len).sum()
    }
}
