//! Whom to trust, and what is asked beside a path to a root: arguments that `connect` and `verify` share.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use polytls::{
    Backend, CertificateRevocationListDer, CertificateVerifier, ClientConfigBuilder, ConfigError, Pins,
    SpkiPin, TrustPolicy, pinned,
};

use crate::{der_file, failure::Failure, settings};

/// Whom to trust.
#[derive(clap::Args)]
pub(crate) struct TrustOptions {
    /// The roots to trust: os, bundled, none, a PEM file, or a directory of such files
    #[arg(long, default_value = "os")]
    roots: String,
    /// A revocation list to hold the chain against, in PEM or DER; may be given more than once
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// A directory of such lists, in files that end in .crl, .pem or .der or are named by `openssl rehash`
    #[arg(long, value_name = "DIR")]
    crl_dir: Option<PathBuf>,
    /// A key that the chain must have beside all else: `sha256/` and the SHA-256 of its SubjectPublicKeyInfo in base64;
    /// may be given more than once, and one of them is enough
    #[arg(long, value_name = "PIN", value_parser = str::parse::<SpkiPin>)]
    pin: Vec<SpkiPin>,
}

/// Pins are a verifier's, over the engine's own.
const NO_PINS: &str = "--pin needs a verifier of the application's, which this backend does not take; choose another \
                       one with --backend";

/// Whom to trust, read from the files.
pub(crate) struct Trust {
    policy: TrustPolicy,
    pins: Option<Pins>,
}

impl TrustOptions {
    /// The arguments, as clap knows them: whoever accepts anybody trusts nobody in particular.
    pub(crate) const NAMES: [&str; 4] = ["roots", "crl", "crl_dir", "pin"];

    /// Reads the files.
    pub(crate) fn read(&self) -> Result<Trust, Failure> {
        let mut crls = Vec::new();
        for file in self.crl.iter().cloned().chain(self.crl_dir_files()?) {
            let found = der_file::read(&file, "X509 CRL", "a certificate revocation list")?;
            crls.extend(found.into_iter().map(CertificateRevocationListDer::from));
        }
        let policy = TrustPolicy::new(settings::roots(&self.roots)?).with_crls(crls);
        Ok(Trust { policy, pins: self.pins() })
    }

    /// One pin alone is no danger here: nobody is locked out by a command that he can give again.
    fn pins(&self) -> Option<Pins> {
        let (first, others) = self.pin.split_first()?;
        Some(others.iter().fold(Pins::danger_without_backup(*first), |pins, pin| pins.and(*pin)))
    }

    fn crl_dir_files(&self) -> Result<Vec<PathBuf>, Failure> {
        let Some(directory) = &self.crl_dir else { return Ok(Vec::new()) };
        let files = lists_in(directory)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", directory.display())))?;
        if files.is_empty() {
            let names = "their names end in .crl, .pem or .der, or in r and a number after a hash";
            let reason = format!("{}: no revocation list is in this directory; {names}", directory.display());
            return Err(Failure::usage(reason));
        }
        Ok(files)
    }
}

/// The files of a directory that are named as revocation lists, by their names. Links are followed.
fn lists_in(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if is_list(&entry.file_name()) && fs::metadata(entry.path())?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn is_list(name: &OsStr) -> bool {
    let Some((stem, ending)) = name.to_str().and_then(|name| name.rsplit_once('.')) else { return false };
    let is_hash = stem.len() == 8 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_number = ending.strip_prefix('r').is_some_and(|number| number.parse::<u32>().is_ok());
    let known = ["crl", "pem", "der"].iter().any(|known| ending.eq_ignore_ascii_case(known));
    !stem.starts_with('.') && (known || (is_hash && is_number))
}

impl Trust {
    /// The engine's verifier, alone.
    pub(crate) fn verifier(
        &self,
        backend: &dyn Backend,
    ) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
        let verifier = backend.verifier(&self.policy)?;
        Ok(match &self.pins {
            Some(pins) => pinned(verifier, pins.clone()),
            None => verifier,
        })
    }

    /// The same for the verifier within an engine that takes none of the application's.
    pub(crate) fn configure(self, config: ClientConfigBuilder) -> Result<ClientConfigBuilder, Failure> {
        let config = match (self.pins, self.policy.revocation) {
            (Some(_), _) => return Err(Failure::usage(NO_PINS)),
            (None, Some(policy)) => config.revocation(policy),
            (None, None) => config,
        };
        Ok(config.roots(self.policy.roots))
    }
}
