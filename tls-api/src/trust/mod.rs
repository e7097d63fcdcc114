//! What a verifier trusts, as a value.

mod directory;
mod roots;

use rustls_pki_types::CertificateRevocationListDer;

pub use self::roots::Roots;
pub(crate) use self::roots::{in_file, read};

/// What a verifier trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustPolicy {
    /// The roots.
    pub roots: Roots,
    /// Revocation lists: with any given, every certificate below the root must be covered by one in force.
    pub crls: Vec<CertificateRevocationListDer<'static>>,
}

impl TrustPolicy {
    /// Trust in these roots.
    pub fn new(roots: Roots) -> Self {
        Self { roots, crls: Vec::new() }
    }

    /// The same trust, with these revocation lists.
    #[must_use]
    pub fn with_crls(
        mut self,
        crls: impl IntoIterator<Item = CertificateRevocationListDer<'static>>,
    ) -> Self {
        self.crls = crls.into_iter().collect();
        self
    }
}
