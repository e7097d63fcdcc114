//! Roots, as a value: where they come from.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::directory;
use crate::{
    ConfigError,
    identity::{certificate, content::Content},
};

/// The largest file of certificates or keys that is read; the bundle of all public authorities has 0.2 MiB.
const MAX_FILE: u64 = 16 << 20;

/// The roots that a chain must lead to. One of these, never two added up by accident.
///
/// A value: what is outside of it, the operating system's store or a directory, is read when
/// [`certificates`](Self::certificates) is called, which a backend does once for a connector, an acceptor or a verifier.
/// To have changes seen while these live, use `ReloadableRoots` of polytls's feature `reload`.
///
/// | roots | rustls, openssl, builtin | native |
/// |---|---|---|
/// | `Os` | the certificates of the system's store, loaded, under the engine's own rules | the platform's own verifier, with all that the system's administrator has set |
/// | `Bundled`, `Explicit`, `Directory`, `None` | these certificates, under the engine's own rules | these certificates in place of the system's, under the platform's rules |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Roots {
    /// The operating system's. On Linux the distribution's bundle, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name. On
    /// Windows the certificates of the system's root store, on macOS those of the keychains, as their trust settings
    /// say; rules beside (distrust after a date, pinned names) bind the platform's own verifier only: native's.
    ///
    /// One that the engine cannot read takes nothing from the others.
    Os,
    /// Mozilla's, compiled in through the `webpki-root-certs` crate.
    Bundled,
    /// None: every chain ends in [`UnknownIssuer`](crate::CertificateError::UnknownIssuer) or
    /// [`SelfSigned`](crate::CertificateError::SelfSigned). For where nobody is to be trusted, or a verifier decides.
    None,
    /// These and no others; an empty list is an error, since it may be meant for any of the others. So is one
    /// that the engine cannot read.
    Explicit(Arc<[CertificateDer<'static>]>),
    /// The certificates in the files of this directory and no others; as strict as `Explicit`.
    ///
    /// A file of certificates, PEM with one or several or DER with one, is told by its name: it ends in `.pem`, `.crt`,
    /// `.cer` or `.der`, or is one of OpenSSL's hashed directory (`openssl rehash`): eight hexadecimal digits, a dot, a
    /// number. Links are followed. Other names, those that begin with a dot, and subdirectories are passed over; what is
    /// in several files is taken once. At most 4096 files, each of at most 16 MiB.
    Directory(Arc<Path>),
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
        Ok(Self::Explicit(read_certificates(path.as_ref())?.into()))
    }

    /// The certificates in the files of a directory and no others, as [`Roots::Directory`] says; it is not read now.
    pub fn from_directory(path: impl AsRef<Path>) -> Self {
        Self::Directory(path.as_ref().into())
    }

    /// The certificates themselves, read now.
    ///
    /// # Errors
    /// [`ConfigError::NoRoots`] when there is none. For a directory also [`ConfigError::File`] and
    /// [`ConfigError::Certificates`], with the name of the file that cannot be read or is malformed.
    pub fn certificates(&self) -> Result<Arc<[CertificateDer<'static>]>, ConfigError> {
        match self {
            Self::Explicit(certificates) if certificates.is_empty() => {
                Err(ConfigError::NoRoots { reason: "an empty list of roots was given".into() })
            }
            Self::Explicit(certificates) => Ok(certificates.clone()),
            Self::None => Ok(Arc::new([])),
            Self::Bundled => Ok(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned().collect()),
            Self::Os => os_roots(),
            Self::Directory(path) => directory::read_all(path),
        }
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

/// The certificates in a PEM file, or the one in a DER file.
pub(super) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let file = read(path)?;
    if Content::of(&file) == Content::Certificate {
        return Ok(vec![CertificateDer::from(file.to_vec())]);
    }
    certificate::from_pem(&file).map_err(|error| in_file(error, path))
}

/// The file's content, zeroized in the end: it may be a key.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let read = || {
        let file = File::open(path)?;
        // A byte more than all of it, so that the end shows without growing.
        let length = usize::try_from(file.metadata()?.len().min(MAX_FILE)).unwrap_or_default() + 1;
        let content = read_to_end(file.take(MAX_FILE + 1), length)?;
        match content.len() as u64 > MAX_FILE {
            true => Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB")),
            false => Ok(content),
        }
    };
    read().map_err(|source| ConfigError::File { path: path.into(), source: Arc::new(source) })
}

/// All that comes, which is of about this length; a pipe does not say.
///
/// A growing `Vec` leaves copies of a key behind; this one does not.
fn read_to_end(mut file: impl Read, length: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(vec![0; length]);
    let mut filled = 0;
    loop {
        if filled == content.len() {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * filled + 4096));
            larger.extend_from_slice(&content);
            larger.resize(2 * filled + 4096, 0);
            content = larger;
        }
        match file.read(content.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => {
                content.truncate(filled);
                return Ok(content);
            }
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes a call, and is interrupted before each.
    struct Pipe<'a> {
        rest: &'a [u8],
        interrupted: bool,
    }

    impl Read for Pipe<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.interrupted = !self.interrupted;
            match self.interrupted {
                true => Err(io::ErrorKind::Interrupted.into()),
                false => (&mut self.rest).take(1000).read(buffer),
            }
        }
    }

    #[test]
    fn what_does_not_say_its_length_is_read_to_its_end() {
        let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        for length in [0, 1, 999, 1000, 1001, 4096, 99_999, 100_000, 100_001, 200_000] {
            let pipe = Pipe { rest: &bytes, interrupted: false };
            assert_eq!(*read_to_end(pipe, length).unwrap(), bytes, "{length}");
        }
        assert!(read_to_end(&[][..], 0).unwrap().is_empty());
    }

    #[test]
    fn what_has_said_its_length_is_read_without_growing() {
        let content = read_to_end(&[7; 5000][..], 5001).unwrap();
        assert_eq!((content.len(), content.capacity()), (5000, 5001));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_is_read_like_a_file_and_bounded_like_one() {
        use std::{io::Write, os::fd::AsRawFd};
        for (length, fits) in [(100_000, true), (MAX_FILE as usize, true), (MAX_FILE as usize + 1, false)] {
            let (reader, mut writer) = io::pipe().unwrap();
            let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
            // It is left to the reader when to stop.
            let writes = std::thread::spawn(move || drop(writer.write_all(&vec![7; length])));
            let read = read(Path::new(&path));
            drop(reader);
            writes.join().unwrap();
            assert_eq!(read.ok().map(|content| content.len()), fits.then_some(length));
        }
    }
}
