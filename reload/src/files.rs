//! Files as they are read: bounded, and told apart by a digest of what they hold.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use polytls_api::{ConfigError, Identity};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::places::Place;

/// The largest file that is read, as everywhere in polytls.
const MAX_FILE: u64 = 16 << 20;

/// More than `Read::read_to_end` wants to be free before it stops growing a buffer, which would leave copies of a key.
const SPARE: usize = 64;

/// The files that an identity comes from.
#[derive(Clone)]
pub struct IdentityFiles {
    files: Vec<PathBuf>,
    password: Option<Zeroizing<String>>,
}

impl IdentityFiles {
    /// The chain, in PEM or (one certificate) in DER, and its key, in PEM or DER.
    pub fn new(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        Self { files: vec![chain.as_ref().into(), key.as_ref().into()], password: None }
    }

    /// One file with both: PEM, or PKCS#12, whose password is empty if none is given.
    pub fn single(file: impl AsRef<Path>) -> Self {
        Self { files: vec![file.as_ref().into()], password: None }
    }

    /// The password of the key or of the PKCS#12 file. Every key that comes into these files must be under it.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.password = Some(Zeroizing::new(password.to_owned()));
        self
    }

    pub(crate) fn places(&self) -> Vec<Place> {
        self.files.iter().cloned().map(Place::File).collect()
    }

    pub(crate) fn read(&self) -> Result<Contents, ConfigError> {
        self.files.iter().map(|file| read(file)).collect::<Result<_, _>>().map(Contents)
    }

    pub(crate) fn identity(&self, contents: &Contents) -> Result<Identity, ConfigError> {
        let password = self.password.as_ref().map(|password| password.as_str());
        match &*contents.0 {
            [chain, key] => Identity::from_contents(chain, key, password),
            [both] => Identity::from_content(both, password),
            _ => Err(ConfigError::Certificates { reason: "no file is given".into() }),
        }
    }
}

impl fmt::Debug for IdentityFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityFiles").field("files", &self.files).finish_non_exhaustive()
    }
}

/// What files held; zeroized in the end, for one of them is a key.
pub(crate) struct Contents(Vec<Zeroizing<Vec<u8>>>);

impl Contents {
    pub(crate) fn digest(&self) -> [u8; 32] {
        digest(self.0.iter().map(|content| content.as_slice()))
    }
}

/// What tells one content from another.
pub(crate) fn digest<'a>(parts: impl Iterator<Item = &'a [u8]>) -> [u8; 32] {
    let length = |part: &[u8]| (part.len() as u64).to_be_bytes();
    parts
        .fold(Sha256::new(), |hash, part| hash.chain_update(length(part)).chain_update(part))
        .finalize()
        .into()
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let content = || {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file that can be read again"));
        }
        let length = usize::try_from(metadata.len().min(MAX_FILE)).unwrap_or_default();
        let mut content = Zeroizing::new(Vec::with_capacity(length + SPARE));
        file.take(MAX_FILE + 1).read_to_end(&mut content)?;
        match content.len() as u64 > MAX_FILE {
            true => Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MiB")),
            false => Ok(content),
        }
    };
    content().map_err(|source| ConfigError::File { path: path.into(), source: Arc::new(source) })
}
