//! Revocation lists from a directory.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use polytls_x509::CertificateList;
use rustls_pki_types::CertificateRevocationListDer;

use crate::{ConfigError, identity::pem, trust};

/// The most files of a directory that are read, and the most bytes of lists that are kept.
const MOST_FILES: usize = 4096;
const MOST_BYTES: usize = 256 << 20;

/// What a list in PEM is called, and how it begins (RFC 7468 §6).
const PEM_LABEL: &str = "X509 CRL";
const PEM_BEGIN: &[u8] = b"-----BEGIN X509 CRL-----";

type Crl = CertificateRevocationListDer<'static>;

/// The revocation lists in a directory: of every file that is one in DER, or has one or several in PEM.
///
/// Files that hold something else are passed over, unless their names end in `.crl`, or in `.r` and a number as those of
/// OpenSSL's hashed directories (`openssl rehash`); so are directories within it. At most 4096 files, 16 MiB a file and
/// 256 MiB of lists in all are read.
///
/// # Errors
/// [`ConfigError::File`] when the directory or a file cannot be read, [`ConfigError::Certificates`] for a list that is
/// malformed, too many of them, or none; each with the name of the file or the directory.
pub fn read_crl_directory(directory: impl AsRef<Path>) -> Result<Vec<Crl>, ConfigError> {
    let directory = directory.as_ref();
    let unusable = |reason: String| {
        let reason = format!("{}: {reason}", directory.display());
        Err(ConfigError::Certificates { reason })
    };
    let files = files(directory)?;
    if files.len() > MOST_FILES {
        return unusable(format!("it has more than {MOST_FILES} files; leave the lists alone in it"));
    }
    let (mut lists, mut bytes) = (Vec::new(), 0_usize);
    for file in files {
        for list in lists_in(&file)? {
            bytes = bytes.saturating_add(list.len());
            if bytes > MOST_BYTES {
                return unusable("its revocation lists are larger than 256 MiB".into());
            }
            lists.push(list);
        }
    }
    if lists.is_empty() {
        return unusable("no file in it is a revocation list; give CRLs in PEM or DER".into());
    }
    Ok(lists)
}

/// The files of a directory, and what links lead to, in the order of their names.
fn files(directory: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let read = || {
        let mut files = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => files.push(path),
                Ok(_) => {}
                // It was there, and is not any more: a link of an earlier state, a list that is being replaced.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            if files.len() > MOST_FILES {
                break;
            }
        }
        files.sort_unstable();
        Ok(files)
    };
    read().map_err(|source| ConfigError::File { path: directory.into(), source: Arc::new(source) })
}

/// The lists in one file; none where it holds something else.
fn lists_in(file: &Path) -> Result<Vec<Crl>, ConfigError> {
    let content = trust::read(file)?;
    let named = file.extension().and_then(OsStr::to_str).is_some_and(is_of_lists);
    let malformed = |reason: &dyn std::fmt::Display| {
        let reason = format!("{}: a revocation list is malformed: {reason}", file.display());
        Err(ConfigError::Certificates { reason })
    };
    if content.windows(PEM_BEGIN.len()).any(|text| text == PEM_BEGIN) {
        let sections = match pem::sections(&content) {
            Ok(sections) => sections.into_iter().filter(|section| section.label == PEM_LABEL),
            Err(error) => return malformed(&error),
        };
        let lists: Vec<_> = sections.map(|section| Crl::from(section.body.to_vec())).collect();
        return match lists.iter().find_map(|list| CertificateList::parse(list).err()) {
            Some(error) => malformed(&error),
            None => Ok(lists),
        };
    }
    match CertificateList::parse(&content) {
        Ok(_) => Ok(vec![Crl::from(content.to_vec())]),
        Err(error) if named => malformed(&error),
        Err(_) => {
            tracing::debug!(file = %file.display(), "no revocation list, and passed over");
            Ok(Vec::new())
        }
    }
}

/// Whether a file whose name ends so has lists, and is not yet whole where it has none.
fn is_of_lists(extension: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    extension.eq_ignore_ascii_case("crl") || extension.strip_prefix('r').is_some_and(is_number)
}
