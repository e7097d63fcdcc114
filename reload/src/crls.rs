//! Revocation lists that follow their directory: a checker whose lists are replaced.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use polytls_api::{
    Backend, CertificateError, CertificateRevocationListDer, CertificateVerifier, ExpectedPeer,
    PresentedChain, RevocationChecker, RevocationMode, RevocationPolicy, VerifiedChain, async_trait,
    read_crl_directory,
};

use crate::{
    Outcome, ReloadError, Watching,
    files::digest,
    line::{Source, Trigger},
    places::Place,
    watch::Watched,
};

/// The revocation lists of a directory, as [`read_crl_directory`] reads them, held against chains by the signatures of
/// a backend.
///
/// [`over`](Self::over) makes a verifier of it, for `ClientConfig::builder(..).verifier(..)` or a server's
/// `client_verifier(..)`. New lists are in force when all of them can be used: one that is malformed, or a directory
/// without any, leaves the old in force until each ends by its own nextUpdate. They hold for every handshake that begins
/// from then on; established connections, and sessions that they left, go on.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use polytls_api::{Backend, ClientConfig, RevocationMode, RevocationPolicy, Roots, TrustPolicy};
/// use polytls_reload::ReloadableCrls;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let backend: Arc<dyn Backend> = Arc::new(polytls_rustls::Rustls::new());
/// let crls = ReloadableCrls::new(&*backend, "/etc/example/crls", RevocationMode::HardFail)?;
/// // What is asked beneath asks nothing about revocation itself.
/// let mut trust = TrustPolicy::new(Roots::Os);
/// trust.revocation = Some(RevocationPolicy::off());
/// let verifier = crls.over(backend.verifier(&trust)?);
/// let config = ClientConfig::builder(backend).verifier(verifier).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ReloadableCrls(Arc<Watched<CrlSource>>);

struct CrlSource {
    directory: PathBuf,
    /// Without lists.
    policy: RevocationPolicy,
    signatures: Arc<dyn polytls_api::SignatureVerifier>,
}

impl ReloadableCrls {
    /// The lists in this directory, watched as [`Watching::default`] says; what is not known of a certificate, `mode`
    /// decides on.
    ///
    /// # Errors
    /// [`ReloadError`] when they cannot be read or used, the directory has none, `mode` is [`RevocationMode::Off`], which
    /// would look at none, or the backend verifies no signatures.
    pub fn new(
        backend: &dyn Backend,
        directory: impl AsRef<Path>,
        mode: RevocationMode,
    ) -> Result<Self, ReloadError> {
        Self::watched(backend, directory, mode, Watching::default())
    }

    /// The same, with changes noticed in this way.
    ///
    /// # Errors
    /// As [`ReloadableCrls::new`].
    pub fn watched(
        backend: &dyn Backend,
        directory: impl AsRef<Path>,
        mode: RevocationMode,
        watching: Watching,
    ) -> Result<Self, ReloadError> {
        let policy = match mode {
            RevocationMode::Off => {
                let reason = "with revocation off no list is looked at; choose soft-fail or hard-fail".into();
                return Err(polytls_api::ConfigError::Invalid { option: "revocation", reason }.into());
            }
            RevocationMode::SoftFail => RevocationPolicy::soft_fail(),
            RevocationMode::HardFail => RevocationPolicy::hard_fail(),
        };
        let signatures = backend.signature_verifier()?;
        let source = CrlSource { directory: directory.as_ref().into(), policy, signatures };
        Ok(Self(Watched::start(source, watching)?))
    }

    /// A verifier that accepts what `verifier` accepts and these lists, or what the peer staples, do not refuse. The
    /// directory is watched as long as it is held.
    pub fn over(&self, verifier: Arc<dyn CertificateVerifier>) -> Arc<dyn CertificateVerifier> {
        let inner = self.0.current().value.over(verifier);
        Arc::new(Over { inner, _crls: self.clone() })
    }

    /// The generation in force, from 1.
    pub fn generation(&self) -> u64 {
        self.0.generation()
    }

    /// Looks at the directory now, and gives the generation that is in force then: a new one if its lists have changed.
    ///
    /// # Errors
    /// [`ReloadError`] when what is in it is refused; the lists of before stay in force.
    pub fn reload_now(&self) -> Result<u64, ReloadError> {
        self.0.reload(Trigger::Asked)
    }

    /// Has what becomes of every change told, on the thread that noticed it.
    pub fn on_reload(&self, listener: impl Fn(&Outcome) + Send + Sync + 'static) {
        self.0.listen(listener);
    }
}

/// What the lists are held against.
#[derive(Debug)]
struct Over {
    inner: Arc<dyn CertificateVerifier>,
    /// Its directory is watched as long as this is held.
    _crls: ReloadableCrls,
}

#[async_trait]
impl CertificateVerifier for Over {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        self.inner.verify(chain, peer, now).await
    }
}

impl Source for CrlSource {
    const NAME: &'static str = "revocation lists";
    type Content = Vec<CertificateRevocationListDer<'static>>;
    type Value = Arc<RevocationChecker>;

    fn places(&self) -> Vec<Place> {
        vec![Place::Directory(self.directory.clone())]
    }

    fn read(&self) -> Result<Self::Content, ReloadError> {
        Ok(read_crl_directory(&self.directory)?)
    }

    fn digest(&self, content: &Self::Content) -> [u8; 32] {
        digest(content.iter().map(|list| list.as_ref()))
    }

    fn make(
        &self,
        content: &Self::Content,
        current: Option<&Self::Value>,
        _: u64,
    ) -> Result<Self::Value, ReloadError> {
        let lists = content.iter().cloned();
        if let Some(checker) = current {
            checker.replace_crls(lists)?;
            return Ok(checker.clone());
        }
        let policy = self.policy.clone().with_crls(lists);
        Ok(Arc::new(RevocationChecker::new(&policy, self.signatures.clone())?))
    }
}

impl fmt::Debug for ReloadableCrls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReloadableCrls")
            .field("directory", &self.0.source().directory)
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}
