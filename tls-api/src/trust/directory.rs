//! Roots in the files of a directory.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls_pki_types::CertificateDer;

use super::roots::read_certificates;
use crate::ConfigError;

/// How many files are read; the distributions' hashed directories have some 300.
const MOST_FILES: usize = 4096;

/// The certificates of all its files, in the order of the files' names, each once.
pub(super) fn read_all(directory: &Path) -> Result<Arc<[CertificateDer<'static>]>, ConfigError> {
    let mut seen = HashSet::new();
    let mut certificates = Vec::new();
    for file in files(directory)? {
        for certificate in read_certificates(&file)? {
            if seen.insert(certificate.clone()) {
                certificates.push(certificate);
            }
        }
    }
    if certificates.is_empty() {
        let reason = format!(
            "{} has no file of certificates; their names end in .pem, .crt, .cer or .der, or in a number after a hash",
            directory.display()
        );
        return Err(ConfigError::NoRoots { reason });
    }
    Ok(certificates.into())
}

/// The files that hold certificates, by their names.
fn files(directory: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let failed = |path: &Path, source| ConfigError::File { path: path.into(), source: Arc::new(source) };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| failed(directory, error))? {
        let name = entry.map_err(|error| failed(directory, error))?.file_name();
        if !is_certificate(&name) {
            continue;
        }
        let path = directory.join(name);
        // Follows links: one that leads nowhere is a root that is missing. A pipe might never end.
        if !fs::metadata(&path).map_err(|error| failed(&path, error))?.is_file() {
            continue;
        }
        if files.len() == MOST_FILES {
            let reason = format!("it has more than {MOST_FILES} files of certificates");
            return Err(failed(directory, io::Error::new(io::ErrorKind::FileTooLarge, reason)));
        }
        files.push(path);
    }
    files.sort();
    Ok(files)
}

/// Whether a file of this name holds certificates: by its ending, or as the hash and number that `openssl rehash` gives
/// (a revocation list's number has an `r` before it).
fn is_certificate(name: &OsStr) -> bool {
    let Some((stem, ending)) = name.to_str().and_then(|name| name.rsplit_once('.')) else { return false };
    // Editors and copying programs keep what is not yet whole under such names.
    if stem.is_empty() || stem.starts_with('.') {
        return false;
    }
    let is_hash = stem.len() == 8 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = !ending.is_empty() && ending.bytes().all(|byte| byte.is_ascii_digit());
    (is_hash && is_number)
        || ["pem", "crt", "cer", "der"].iter().any(|known| ending.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::Roots;

    /// A certificate of its own each time.
    fn certificate() -> rcgen::Certificate {
        rcgen::generate_simple_self_signed(["root".to_owned()]).unwrap().cert
    }

    fn write(directory: &TempDir, name: &str, content: impl AsRef<[u8]>) {
        fs::write(directory.path().join(name), content).unwrap();
    }

    fn read(directory: &TempDir) -> Result<Arc<[CertificateDer<'static>]>, ConfigError> {
        Roots::from_directory(directory.path()).certificates()
    }

    #[test]
    fn every_certificate_of_every_file_is_taken_once() {
        let directory = TempDir::new().unwrap();
        let [one, two, three, four] = [certificate(), certificate(), certificate(), certificate()];
        write(&directory, "1.pem", [one.pem(), two.pem()].concat());
        write(&directory, "2.CRT", three.der());
        write(&directory, "3.cer", [two.pem(), one.pem()].concat());
        write(&directory, "1a2b3c4D.10", four.pem());
        for passed_over in
            ["README", "README.md", ".hidden.pem", "1a2b3c4d.r0", "1a2b3c4.0", "key.pem.old", "pem"]
        {
            write(&directory, passed_over, "no certificate");
        }
        fs::create_dir(directory.path().join("folder.pem")).unwrap();
        write(&directory, "folder.pem/5.pem", certificate().pem());
        let expected: Vec<_> = [one, two, four, three].map(|made| made.der().clone()).into();
        assert_eq!(*read(&directory).unwrap(), *expected);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_one_that_leads_nowhere_is_an_error() {
        let (directory, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let root = certificate();
        write(&elsewhere, "root", root.pem());
        let link =
            |to, name| std::os::unix::fs::symlink(elsewhere.path().join(to), directory.path().join(name));
        link("root", "1a2b3c4d.0").unwrap();
        assert_eq!(*read(&directory).unwrap(), [root.der().clone()]);
        link("nothing", "1a2b3c4d.1").unwrap();
        let error = read(&directory).unwrap_err().to_string();
        assert!(error.contains("1a2b3c4d.1"), "{error}");
    }

    #[test]
    fn a_malformed_file_is_named() {
        for content in ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let directory = TempDir::new().unwrap();
            write(&directory, "good.pem", certificate().pem());
            write(&directory, "bad.pem", content);
            let error = read(&directory).unwrap_err();
            assert!(matches!(error, ConfigError::Certificates { .. }), "{error:?}");
            assert!(error.to_string().contains("bad.pem"), "{error}");
        }
    }

    #[test]
    fn what_has_no_certificate_or_is_not_there_is_an_error() {
        let directory = TempDir::new().unwrap();
        write(&directory, "README", "none yet");
        assert!(matches!(read(&directory).unwrap_err(), ConfigError::NoRoots { .. }));
        let missing = Roots::from_directory(directory.path().join("missing"));
        assert!(matches!(missing.certificates().unwrap_err(), ConfigError::File { .. }));
        let file = Roots::from_directory(directory.path().join("README"));
        assert!(matches!(file.certificates().unwrap_err(), ConfigError::File { .. }));
    }

    #[test]
    fn files_beyond_the_bound_are_an_error() {
        let directory = TempDir::new().unwrap();
        let pem = certificate().pem();
        (0..MOST_FILES).for_each(|number| write(&directory, &format!("{number}.pem"), &pem));
        assert_eq!(read(&directory).unwrap().len(), 1);
        write(&directory, "one too many.pem", &pem);
        assert!(matches!(read(&directory).unwrap_err(), ConfigError::File { .. }));
    }
}
