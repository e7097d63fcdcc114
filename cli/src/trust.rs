//! Whom to trust, and what is asked beside a path to a root: arguments that `connect` and `verify` share.

use std::{path::PathBuf, sync::Arc};

use polytls::{
    Backend, CertificateRevocationListDer, CertificateVerifier, ClientConfigBuilder, ConfigError, Pins,
    RevocationMode, RevocationPolicy, SpkiPin, TrustPolicy, pinned, read_crl_directory,
};

use crate::{der_file, failure::Failure, settings};

/// Whom to trust.
#[derive(clap::Args)]
pub(crate) struct TrustOptions {
    /// The roots to trust: os, bundled, none, a PEM file, or a directory of such files
    #[arg(long, default_value = "os")]
    roots: String,
    /// What is made of it where nobody says whether a certificate was revoked [default: soft, hard with --crl or
    /// --crl-dir; a connection of the native engine cannot check]
    #[arg(long, value_enum, value_name = "MODE")]
    revocation: Option<Revocation>,
    /// A revocation list to hold the chain against, in PEM or DER; may be given more than once
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// A directory of such lists; files that hold something else are passed over, unless their names end in .crl
    #[arg(long, value_name = "DIR")]
    crl_dir: Option<PathBuf>,
    /// A key that the chain must have beside all else: `sha256/` and the SHA-256 of its SubjectPublicKeyInfo in base64;
    /// may be given more than once, and one of them is enough
    #[arg(long, value_name = "PIN", value_parser = str::parse::<SpkiPin>)]
    pin: Vec<SpkiPin>,
}

/// What is made of silence about revocation.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Revocation {
    /// Nothing: revocation is not asked about at all
    Off,
    /// It is good, unless the certificate says must-staple; what is known to be revoked is refused
    Soft,
    /// The chain is refused
    Hard,
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
    pub(crate) const NAMES: [&str; 5] = ["roots", "revocation", "crl", "crl_dir", "pin"];

    /// Reads the files.
    pub(crate) fn read(&self) -> Result<Trust, Failure> {
        let trust = TrustPolicy::new(settings::roots(&self.roots)?);
        let policy = match self.revocation()? {
            Some(policy) => trust.with_revocation(policy),
            None => trust,
        };
        Ok(Trust { policy, pins: self.pins() })
    }

    /// `None` leaves it to the engine.
    fn revocation(&self) -> Result<Option<RevocationPolicy>, Failure> {
        let lists = self.lists()?;
        let policy = match self.revocation {
            Some(Revocation::Off) if !lists.is_empty() => return Err(contradiction("--crl and --crl-dir")),
            Some(Revocation::Off) => RevocationPolicy::off(),
            Some(Revocation::Soft) => RevocationPolicy::soft_fail(),
            Some(Revocation::Hard) => RevocationPolicy::hard_fail(),
            None if lists.is_empty() => return Ok(None),
            None => RevocationPolicy::hard_fail(),
        };
        Ok(Some(policy.with_crls(lists)))
    }

    fn lists(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, Failure> {
        let mut lists = match &self.crl_dir {
            Some(directory) => read_crl_directory(directory)?,
            None => Vec::new(),
        };
        for file in &self.crl {
            let found = der_file::read(file, "X509 CRL", "a certificate revocation list")?;
            lists.extend(found.into_iter().map(CertificateRevocationListDer::from));
        }
        Ok(lists)
    }

    /// One pin alone is no danger here: nobody is locked out by a command that he can give again.
    fn pins(&self) -> Option<Pins> {
        let (first, others) = self.pin.split_first()?;
        Some(others.iter().fold(Pins::danger_without_backup(*first), |pins, pin| pins.and(*pin)))
    }
}

/// Two arguments of which one makes nothing of the other.
fn contradiction(ignored: &str) -> Failure {
    Failure::usage(format!("--revocation off asks nothing of {ignored}; leave one out"))
}

impl Trust {
    /// The same, where a staple is given: it is heard, or whoever cannot hear it says so.
    pub(crate) fn with_staple(mut self) -> Result<Self, Failure> {
        match &self.policy.revocation {
            Some(policy) if policy.mode == RevocationMode::Off => Err(contradiction("--ocsp")),
            Some(_) => Ok(self),
            None => {
                self.policy = self.policy.with_revocation(RevocationPolicy::default());
                Ok(self)
            }
        }
    }

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
