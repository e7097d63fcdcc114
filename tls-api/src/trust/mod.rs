//! What a verifier trusts, as a value.

mod directory;
mod roots;

use rustls_pki_types::CertificateRevocationListDer;

pub use self::roots::Roots;
pub(crate) use self::roots::{in_file, read};
use crate::RevocationPolicy;

/// What a verifier trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustPolicy {
    /// The roots.
    pub roots: Roots,
    /// What is asked about revocation; `None` for the default, [`RevocationPolicy::soft_fail`] without lists.
    pub revocation: Option<RevocationPolicy>,
}

impl TrustPolicy {
    /// Trust in these roots.
    pub fn new(roots: Roots) -> Self {
        Self { roots, revocation: None }
    }

    /// The same trust, with this policy of revocation.
    #[must_use]
    pub fn with_revocation(mut self, policy: RevocationPolicy) -> Self {
        self.revocation = Some(policy);
        self
    }

    /// The same trust, with these revocation lists and [`RevocationPolicy::hard_fail`]: every certificate below the root
    /// must be covered by one in force. An empty list changes nothing.
    #[must_use]
    pub fn with_crls(
        mut self,
        crls: impl IntoIterator<Item = CertificateRevocationListDer<'static>>,
    ) -> Self {
        let policy = RevocationPolicy::hard_fail().with_crls(crls);
        if !policy.crls.is_empty() {
            self.revocation = Some(policy);
        }
        self
    }

    /// What is asked about revocation, be it set or the default.
    pub fn revocation_policy(&self) -> RevocationPolicy {
        self.revocation.clone().unwrap_or_default()
    }
}
