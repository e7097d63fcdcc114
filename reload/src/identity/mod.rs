//! An identity that follows its files: a resolver that hands out the one in force.

mod check;

use std::{fmt, sync::Arc, time::Duration};

use polytls_api::{Backend, CertificateResolver, ClientHello, HookError, Identity, async_trait};

use self::check::Rules;
use crate::{
    IdentityFiles, Outcome, ReloadError, Watching,
    files::Contents,
    line::{Source, Trigger},
    places::Place,
    watch::Watched,
};

/// Before its end by this much, a certificate that is loaded is worth a warning.
const WARN_BEFORE_END: Duration = Duration::from_secs(3 * 24 * 3600);

/// An identity that follows its files: a server's resolver, that presents the one in force.
///
/// Give it to [`ServerConfig::builder_with_resolver`](polytls_api::ServerConfig::builder_with_resolver), or have a
/// resolver of your own choose among several. It needs a backend with that hook. It is cheap to clone.
///
/// # What is checked before new files are in force
/// - All that [`Identity`]'s loaders check, and that the key is the certificate's: the backend is asked, so a key that
///   does not tell its public part is checked too.
/// - The certificate is valid now. One that is not valid yet is in force when its time has come. One that ends soon is
///   a warning in the log.
/// - The certificate's issuer is among those that come with it, if any do.
/// - It is for every name that the one in force is for, or for those that the application
///   [requires](ReloadableIdentityBuilder::require_names). A certificate for the wrong names is the commonest fault of a
///   renewal, and clients of a lost name would be turned away. It matters for sessions as well, see below.
///
/// On any fault the identity of before stays in force. The first one, of which there is no before, is in force though it
/// is of another time, with a warning, as with every loader.
///
/// # Sessions
/// They live on: the configuration and its keys for tickets stay, and all generations that are for the same names are of
/// one [lineage](Identity::with_lineage), to which sessions are bound. A client that resumes has verified a certificate of
/// then, for a name that the one of now is for as well; it could have had the same by a full handshake. Where names were
/// added, or were lost and that was [allowed](ReloadableIdentityBuilder::allow_lost_names) or they were not required, a
/// new lineage begins, and sessions of before are not resumed: their clients make a full handshake.
///
/// A client that resumes does not verify again: it learns nothing of a revocation since, nor does it see a new OCSP
/// response.
///
/// # Clients
/// A client's identity is part of its configuration. A client makes its connector anew when told:
///
/// ```no_run
/// # use std::sync::{Arc, RwLock};
/// # use polytls_api::{Backend, ClientConfig, ConfigError, TlsConnector};
/// use polytls_reload::{IdentityFiles, Outcome, ReloadableIdentity};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let backend: Arc<dyn Backend> = Arc::new(polytls_rustls::Rustls::new());
/// let files = IdentityFiles::new("client.pem", "client.key");
/// let identity = ReloadableIdentity::builder(backend.clone(), files).build()?;
/// let make = move |identity| {
///     TlsConnector::new(&ClientConfig::builder(backend.clone()).identity(identity).build()?)
/// };
/// let connector = Arc::new(RwLock::new(make(identity.current())?));
/// let (current, shared) = (identity.clone(), connector.clone());
/// identity.on_reload(move |outcome| {
///     if let (Outcome::Swapped { .. }, Ok(made)) = (outcome, make(current.current())) {
///         *shared.write().unwrap() = made;
///     }
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ReloadableIdentity(Arc<Watched<IdentitySource>>);

/// Builds a [`ReloadableIdentity`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ReloadableIdentityBuilder {
    source: IdentitySource,
    watching: Watching,
}

#[derive(Clone, Debug)]
struct IdentitySource {
    files: IdentityFiles,
    rules: Rules,
}

impl ReloadableIdentityBuilder {
    /// The names, DNS names (also as `*.example.com`) and IP addresses, that every certificate must be for, the first
    /// too. Default: those of the subjectAltName of the one in force.
    pub fn require_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.source.rules.required_names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Takes a certificate that is for fewer names than the one in force. Default: it is refused.
    ///
    /// Sessions that began before are then not resumed. Names that are [required](Self::require_names) stay so.
    pub fn allow_lost_names(mut self) -> Self {
        self.source.rules.allow_lost_names = true;
        self
    }

    /// How long before its end a certificate that is loaded is worth a warning. Default: 3 days.
    pub fn warn_before_end(mut self, time: Duration) -> Self {
        self.source.rules.warn_before_end = time;
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
    /// [`ReloadError`] when the files cannot be read, or a check fails.
    pub fn build(self) -> Result<ReloadableIdentity, ReloadError> {
        Ok(ReloadableIdentity(Watched::start(self.source, self.watching)?))
    }
}

impl ReloadableIdentity {
    /// Starts with the identity in these files, for servers of this backend.
    pub fn builder(backend: Arc<dyn Backend>, files: IdentityFiles) -> ReloadableIdentityBuilder {
        let rules = Rules {
            backend,
            required_names: None,
            allow_lost_names: false,
            warn_before_end: WARN_BEFORE_END,
        };
        ReloadableIdentityBuilder { source: IdentitySource { files, rules }, watching: Watching::default() }
    }

    /// The identity in force; it has its [generation](Identity::generation).
    pub fn current(&self) -> Identity {
        self.0.current().value.identity
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
    /// in it keeps the value, its key and its thread until the process ends.
    pub fn on_reload(&self, listener: impl Fn(&Outcome) + Send + Sync + 'static) {
        self.0.listen(listener);
    }
}

#[async_trait]
impl CertificateResolver for ReloadableIdentity {
    async fn resolve(&self, _: &ClientHello) -> Result<Option<Identity>, HookError> {
        Ok(Some(self.current()))
    }
}

/// An identity in force.
#[derive(Clone)]
struct Member {
    identity: Identity,
    /// What its sessions, and those of its successors, are bound to: the certificate with which the lineage began.
    lineage: [u8; 32],
}

impl Source for IdentitySource {
    const NAME: &'static str = "identity";
    type Content = Contents;
    type Value = Member;

    fn places(&self) -> Vec<Place> {
        self.files.places()
    }

    fn read(&self) -> Result<Contents, ReloadError> {
        Ok(self.files.read()?)
    }

    fn digest(&self, content: &Contents) -> [u8; 32] {
        content.digest()
    }

    fn make(
        &self,
        content: &Contents,
        current: Option<&Member>,
        generation: u64,
    ) -> Result<Member, ReloadError> {
        let candidate = self.files.identity(content)?;
        let has_same_names = self.rules.check(&candidate, current.map(|current| &current.identity))?;
        let own = *candidate.session_binding();
        // One lineage is for one set of names. Would names that are added belong to it, then a session for one of them would
        // be resumed under the certificate of before, by another server with it or when the files are put back.
        let lineage = current.filter(|_| has_same_names).map_or(own, |current| current.lineage);
        Ok(Member { identity: candidate.with_lineage(lineage).with_generation(generation), lineage })
    }
}

impl fmt::Debug for ReloadableIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReloadableIdentity")
            .field("files", &self.0.source().files)
            .field("generation", &self.generation())
            .finish_non_exhaustive()
    }
}
