//! What is trusted: roots, as a value.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use zeroize::Zeroizing;

use crate::{
    ConfigError,
    identity::{certificate, content::Content},
};

/// The largest file of certificates or keys that is read; the bundle of all public authorities has 0.2 MiB.
const MAX_FILE: u64 = 16 << 20;

/// The roots that a chain must lead to. One of the three, never two added up by accident.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// The operating system's. On Linux the distribution's bundle, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    Os,
    /// Mozilla's, compiled in through the `webpki-root-certs` crate.
    Bundled,
    /// None: every chain ends in [`UnknownIssuer`](crate::CertificateError::UnknownIssuer) or
    /// [`SelfSigned`](crate::CertificateError::SelfSigned). For where nobody is to be trusted, or a verifier decides.
    None,
    /// These and no others; an empty list is an error, since it may be meant for any of the other three.
    Explicit(Arc<[CertificateDer<'static>]>),
}

impl Roots {
    /// These certificates and no others, in DER.
    pub fn from_der(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        Self::Explicit(certificates.into_iter().collect())
    }

    /// The certificates in a PEM text and no others. Comments and other text between them are passed over.
    ///
    /// # Errors
    /// [`ConfigError::Certificates`] when there is none, or one is malformed.
    pub fn from_pem(pem: &[u8]) -> Result<Self, ConfigError> {
        Ok(Self::Explicit(certificate::from_pem(pem)?.into()))
    }

    /// The certificates in a PEM file and no others; or the one in a DER file, which its content tells.
    ///
    /// # Errors
    /// [`ConfigError::File`] when it cannot be read or is larger than 16 MiB, else as [`Roots::from_pem`], with the
    /// file's name.
    pub fn from_pem_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let file = read(path)?;
        if Content::of(&file) == Content::Certificate {
            return Ok(Self::from_der([CertificateDer::from(file.to_vec())]));
        }
        Self::from_pem(&file).map_err(|error| in_file(error, path))
    }

    /// The certificates themselves.
    ///
    /// # Errors
    /// [`ConfigError::NoRoots`] when there is none.
    pub fn certificates(&self) -> Result<Arc<[CertificateDer<'static>]>, ConfigError> {
        match self {
            Self::Explicit(certificates) if certificates.is_empty() => {
                Err(ConfigError::NoRoots { reason: "an empty list of roots was given".into() })
            }
            Self::Explicit(certificates) => Ok(certificates.clone()),
            Self::None => Ok(Arc::new([])),
            Self::Bundled => Ok(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned().collect()),
            Self::Os => os_roots(),
        }
    }
}

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

fn os_roots() -> Result<Arc<[CertificateDer<'static>]>, ConfigError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let errors: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        let reason = format!(
            "the operating system has none{}{}; install its CA certificates (Debian: ca-certificates), or use bundled or explicit roots",
            if errors.is_empty() { "" } else { ": " },
            errors.join(", ")
        );
        return Err(ConfigError::NoRoots { reason });
    }
    for error in found.errors {
        tracing::warn!(%error, "a root of the operating system was passed over");
    }
    Ok(found.certs.into())
}

/// The file's content, zeroized in the end: it may be a key.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let read = || {
        let file = File::open(path)?;
        // Room for all of it and a byte more, so that reading on does not leave copies behind.
        let length = usize::try_from(file.metadata()?.len().min(MAX_FILE)).unwrap_or_default() + 1;
        let mut content = Zeroizing::new(Vec::with_capacity(length));
        file.take(MAX_FILE + 1).read_to_end(&mut content)?;
        match content.len() as u64 > MAX_FILE {
            true => Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB")),
            false => Ok(content),
        }
    };
    read().map_err(|source| ConfigError::File { path: path.into(), source: Arc::new(source) })
}

/// The same error, naming the file that it was found in.
pub(crate) fn in_file(error: ConfigError, path: &Path) -> ConfigError {
    let named = |reason| format!("{}: {reason}", path.display());
    match error {
        ConfigError::Certificates { reason } => ConfigError::Certificates { reason: named(reason) },
        ConfigError::PrivateKey { reason } => ConfigError::PrivateKey { reason: named(reason) },
        other => other,
    }
}
