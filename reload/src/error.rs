//! Why what was loaded does not take the place of what is in force.

use std::time::SystemTime;

use polytls_api::{CertificateError, ConfigError};

/// Why new content was refused. The content that was in force stays so.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// It cannot be read, is malformed, the key is not the certificate's, or the backend cannot use it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The end entity's certificate is of another time.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The certificate lacks names that it must have.
    #[error(
        "the certificate is not for {}, which the one in force is for or the application requires; have it issued for all of them, or say `allow_lost_names`",
        .names.join(", ")
    )]
    LostNames {
        /// Those that it lacks.
        names: Vec<String>,
    },
    /// The certificate's issuer is not among those that are given with it.
    #[error(
        "none of the certificates that come with the end entity's issued it; give those of its own issuer, in one file with it"
    )]
    BrokenChain,
    /// No thread could be had to watch the files.
    #[error("cannot watch the files: {reason}")]
    Watch {
        /// What the operating system says.
        reason: String,
    },
}

impl ReloadError {
    /// From when on the same content may be good.
    pub(crate) fn good_from(&self) -> Option<SystemTime> {
        match self {
            Self::Certificate(CertificateError::NotYetValid { not_before, .. }) => *not_before,
            _ => None,
        }
    }
}
