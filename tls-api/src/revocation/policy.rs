//! What is asked about revocation, as a value.

use std::{path::Path, sync::Arc};

use rustls_pki_types::CertificateRevocationListDer;

use super::directory::read_crl_directory;
use crate::ConfigError;

/// What a verifier asks about revocation (RFC 5280 §6.3, RFC 6960, RFC 7633).
///
/// It is asked of every certificate below the root. What the peer staples and the lists given here are looked at; nothing
/// is ever fetched. It is not asked when a session is resumed, whatever was revoked since. The default is
/// [`RevocationPolicy::soft_fail`] without lists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationPolicy {
    /// What becomes of a certificate of which nothing is known.
    pub mode: RevocationMode,
    /// Revocation lists (RFC 5280 §5), in DER.
    pub crls: Arc<[CertificateRevocationListDer<'static>]>,
}

/// What becomes of a certificate of which it is not known whether it was revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "one asks not at all, or takes silence for one of two things")]
pub enum RevocationMode {
    /// Revocation is not asked about: a revoked certificate is as good as any, and must-staple is not looked at.
    Off,
    /// It is accepted, unless it says must-staple. What a list in force, or a response, says is revoked is refused.
    #[default]
    SoftFail,
    /// It is refused with [`RevocationUnknown`](crate::CertificateError::RevocationUnknown).
    HardFail,
}

impl Default for RevocationPolicy {
    fn default() -> Self {
        Self::soft_fail()
    }
}

impl RevocationPolicy {
    /// Asks nothing.
    pub fn off() -> Self {
        Self::new(RevocationMode::Off)
    }

    /// Refuses what is known to be revoked, and certificates that say must-staple (RFC 7633) where the server staples no
    /// response that they are good. Of any other of which nothing is known it is taken that it was not revoked.
    pub fn soft_fail() -> Self {
        Self::new(RevocationMode::SoftFail)
    }

    /// Refuses what is not known to be good: by a list in force that covers it, or the response that the peer staples.
    ///
    /// A response speaks of the end entity alone, so that certificates of intermediates need a list.
    pub fn hard_fail() -> Self {
        Self::new(RevocationMode::HardFail)
    }

    fn new(mode: RevocationMode) -> Self {
        Self { mode, crls: Arc::default() }
    }

    /// The same policy, with these lists in place of any that it has.
    #[must_use]
    pub fn with_crls(
        mut self,
        crls: impl IntoIterator<Item = CertificateRevocationListDer<'static>>,
    ) -> Self {
        self.crls = crls.into_iter().collect();
        self
    }

    /// The same policy, with the lists in this directory in place of any that it has: those that are there now.
    ///
    /// # Errors
    /// As [`read_crl_directory`].
    pub fn with_crls_from_directory(self, directory: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Ok(self.with_crls(read_crl_directory(directory)?))
    }
}
