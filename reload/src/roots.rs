//! Roots that follow their files: a verifier whose inner one is replaced.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use polytls_api::{
    Backend, CertificateDer, CertificateError, CertificateVerifier, ConfigError, ExpectedPeer,
    PresentedChain, Roots, TrustPolicy, VerifiedChain, async_trait,
};

use crate::{
    Outcome, ReloadError, Watching,
    files::digest,
    line::{Source, Trigger},
    places::Place,
    watch::Watched,
};

/// The files that roots come from.
#[derive(Clone, Debug)]
pub struct RootFiles(Vec<Place>);

impl RootFiles {
    /// One file, as [`Roots::from_pem_file`] reads it: PEM with one certificate or several, or DER.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self::files([path])
    }

    /// The certificates of all these files.
    pub fn files(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Self(paths.into_iter().map(|path| Place::File(path.as_ref().into())).collect())
    }

    /// The certificates of every file in a directory, as [`Roots::Directory`] says.
    pub fn directory(path: impl AsRef<Path>) -> Self {
        Self(vec![Place::Directory(path.as_ref().into())])
    }

    fn read(&self) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
        let mut certificates = Vec::new();
        for place in &self.0 {
            let roots = match place {
                Place::File(path) => Roots::from_pem_file(path)?,
                Place::Directory(path) => Roots::from_directory(path),
            };
            certificates.extend_from_slice(&roots.certificates()?);
        }
        Ok(certificates)
    }
}

/// Roots that follow their files, as a verifier: the backend's own, made anew when they change.
///
/// Give it to `ClientConfig::builder(..).verifier(..)`, or to a server's `client_verifier(..)`. New roots are in force
/// when a verifier could be made of all of them: a file that is missing or malformed, or a directory without a
/// certificate, leaves the old in force. An authority that is taken out is refused in every handshake from then on;
/// connections that are established, and sessions that they left, go on until they end.
///
/// Its [`revision`](CertificateVerifier::revision) is the generation, so that a [cache](polytls_api::CertificateVerifier)
/// over it is emptied when roots change; there is none where the trust asks for revocation, which changes with time.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use polytls_api::{Backend, ClientConfig, TlsConnector};
/// use polytls_reload::{ReloadableRoots, RootFiles};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let backend: Arc<dyn Backend> = Arc::new(polytls_rustls::Rustls::new());
/// let roots = ReloadableRoots::new(backend.clone(), RootFiles::directory("/etc/example/roots"))?;
/// let config = ClientConfig::builder(backend).verifier(Arc::new(roots.clone())).build()?;
/// let connector = TlsConnector::new(&config)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ReloadableRoots(Arc<Watched<RootSource>>);

/// Builds [`ReloadableRoots`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ReloadableRootsBuilder {
    source: RootSource,
    watching: Watching,
}

#[derive(Clone, Debug)]
struct RootSource {
    backend: Arc<dyn Backend>,
    files: RootFiles,
    /// Its roots are replaced.
    trust: TrustPolicy,
}

impl ReloadableRootsBuilder {
    /// What is asked of a chain beside its root: everything of this but the roots. Default: as with
    /// [`TrustPolicy::new`].
    pub fn trust(mut self, trust: TrustPolicy) -> Self {
        self.source.trust = trust;
        self
    }

    /// How changes are noticed. Default: [`Watching::default`].
    pub fn watching(mut self, watching: Watching) -> Self {
        self.watching = watching;
        self
    }

    /// Loads the first generation, and watches the files from then on.
    ///
    /// # Errors
    /// [`ReloadError`] when the files cannot be read, or the backend makes no verifier of them.
    pub fn build(self) -> Result<ReloadableRoots, ReloadError> {
        Ok(ReloadableRoots(Watched::start(self.source, self.watching)?))
    }
}

impl ReloadableRoots {
    /// The roots in these files, under the verifier of this backend.
    ///
    /// # Errors
    /// As [`ReloadableRootsBuilder::build`].
    pub fn new(backend: Arc<dyn Backend>, files: RootFiles) -> Result<Self, ReloadError> {
        Self::builder(backend, files).build()
    }

    /// Starts with the roots in these files, under the verifier of this backend.
    pub fn builder(backend: Arc<dyn Backend>, files: RootFiles) -> ReloadableRootsBuilder {
        let trust = TrustPolicy::new(Roots::None);
        ReloadableRootsBuilder { source: RootSource { backend, files, trust }, watching: Watching::default() }
    }

    /// The generation in force, from 1.
    pub fn generation(&self) -> u64 {
        self.0.generation()
    }

    /// Looks at the files now, and gives the generation that is in force then: a new one if they have changed.
    ///
    /// # Errors
    /// [`ReloadError`] when what is in them is refused; the generation of before stays in force.
    pub fn reload_now(&self) -> Result<u64, ReloadError> {
        self.0.reload(Trigger::Asked)
    }

    /// Has what becomes of every change told, on the thread that noticed it. A listener stays for good: a clone of this value
    /// in it keeps the value and its thread until the process ends.
    pub fn on_reload(&self, listener: impl Fn(&Outcome) + Send + Sync + 'static) {
        self.0.listen(listener);
    }
}

#[async_trait]
impl CertificateVerifier for ReloadableRoots {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let current = self.0.current();
        let verified = current.value.verify(chain, peer, now).await?;
        Ok(verified.with_generation(current.generation))
    }

    fn revision(&self) -> Option<u64> {
        let current = self.0.current();
        current.value.revision().map(|_| current.generation)
    }
}

impl Source for RootSource {
    const NAME: &'static str = "roots";
    type Content = Vec<CertificateDer<'static>>;
    type Value = Arc<dyn CertificateVerifier>;

    fn places(&self) -> Vec<Place> {
        self.files.0.clone()
    }

    fn read(&self) -> Result<Self::Content, ReloadError> {
        Ok(self.files.read()?)
    }

    fn digest(&self, content: &Self::Content) -> [u8; 32] {
        digest(content.iter().map(|certificate| certificate.as_ref()))
    }

    fn make(
        &self,
        content: &Self::Content,
        _: Option<&Self::Value>,
        _: u64,
    ) -> Result<Self::Value, ReloadError> {
        let mut trust = self.trust.clone();
        trust.roots = Roots::from_der(content.iter().cloned());
        Ok(self.backend.verifier(&trust)?)
    }
}

impl fmt::Debug for ReloadableRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<PathBuf> = self.0.source().places().iter().map(|place| place.path().into()).collect();
        f.debug_struct("ReloadableRoots")
            .field("files", &files)
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}
