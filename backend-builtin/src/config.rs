//! polytls's configuration as the engine wants it: parsed once, for many connections.

use std::sync::Arc;

use polytls_api::{
    BackendInfo, CertificateVerifier, CipherSuite, ClientAuthentication, ClientConfig, ConfigError,
    NamedGroup, ProtocolSettings, ServerConfig, SharedChains, SignatureScheme, Transport, TrustPolicy,
    with_revocation,
};
use polytls_aws_lc::Signatures;

use crate::{
    error::Fault,
    identity::{Identities, PreparedIdentity},
    options::Options,
    path::{PathVerifier, Profile},
    sessions::{ClientSessions, ServerSessions},
};

/// What every connection of one client configuration shares.
#[derive(Debug)]
pub(crate) struct PreparedClient {
    pub(crate) info: Arc<BackendInfo>,
    pub(crate) config: ClientConfig,
    pub(crate) options: Arc<Options>,
    /// What is offered, most wanted first.
    pub(crate) suites: Vec<CipherSuite>,
    pub(crate) groups: Vec<NamedGroup>,
    /// The application protocols; connections share them.
    pub(crate) protocols: Vec<Arc<[u8]>>,
    /// What the server may sign with.
    pub(crate) schemes: Vec<SignatureScheme>,
    pub(crate) verifier: Arc<dyn CertificateVerifier>,
    pub(crate) identity: Option<Arc<PreparedIdentity>>,
    /// `None` where nothing is resumed.
    pub(crate) sessions: Option<ClientSessions>,
    /// What servers presented, for as long as a connection holds it.
    pub(crate) chains: SharedChains,
}

impl PreparedClient {
    pub(crate) fn new(
        info: Arc<BackendInfo>,
        config: &ClientConfig,
        options: Arc<Options>,
    ) -> Result<Self, ConfigError> {
        let verifier = match config.verifier() {
            Some(verifier) => verifier.clone(),
            None => own_verifier(&config.trust(), options.profile)?,
        };
        let identity = config.identity().map(PreparedIdentity::new).transpose()?.map(Arc::new);
        let settings = config.protocol();
        Ok(Self {
            info,
            config: config.clone(),
            options,
            suites: list(settings.cipher_suites()),
            groups: list(settings.named_groups()),
            protocols: protocols(settings),
            schemes: list(settings.signature_schemes()),
            verifier,
            identity,
            sessions: resumes(settings).then(|| ClientSessions::new(config)),
            chains: SharedChains::new(),
        })
    }
}

/// What every connection of one server configuration shares.
#[derive(Debug)]
pub(crate) struct PreparedServer {
    pub(crate) info: Arc<BackendInfo>,
    pub(crate) config: ServerConfig,
    pub(crate) options: Arc<Options>,
    /// What may be negotiated, most wanted first.
    pub(crate) suites: Vec<CipherSuite>,
    pub(crate) groups: Vec<NamedGroup>,
    /// The application protocols; connections share them.
    pub(crate) protocols: Vec<Arc<[u8]>>,
    /// What a client may sign with.
    pub(crate) schemes: Vec<SignatureScheme>,
    /// Where clients are asked for a certificate: who decides on it.
    pub(crate) client_verifier: Option<Arc<dyn CertificateVerifier>>,
    /// `None` where nothing is resumed.
    pub(crate) sessions: Option<ServerSessions>,
    /// What clients presented, for as long as a connection holds it.
    pub(crate) chains: SharedChains,
    identities: Identities,
}

impl PreparedServer {
    pub(crate) fn new(
        info: Arc<BackendInfo>,
        config: &ServerConfig,
        options: Arc<Options>,
    ) -> Result<Self, ConfigError> {
        let settings = config.protocol();
        Ok(Self {
            info,
            config: config.clone(),
            suites: list(settings.cipher_suites()),
            groups: list(settings.named_groups()),
            protocols: protocols(settings),
            schemes: list(settings.signature_schemes()),
            client_verifier: client_verifier(config, options.profile)?,
            options,
            sessions: resumes(settings).then(|| ServerSessions::new(config)).transpose()?,
            chains: SharedChains::new(),
            identities: Identities::new(config.identities())?,
        })
    }

    /// What to present to the client whose hello is on its way: asks the resolver, if there is one.
    ///
    /// The hello stays in the transport, so this is called before anything of it is consumed.
    pub(crate) async fn identity(
        &self,
        transport: &mut Transport<'_>,
    ) -> Result<Arc<PreparedIdentity>, Fault> {
        let identity = self.config.resolve_identity(transport).await?;
        self.identities.prepared(&identity).map_err(Fault::Config)
    }
}

/// The engine's own verifier.
pub(crate) fn own_verifier(
    trust: &TrustPolicy,
    profile: Profile,
) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
    let verifier = Arc::new(PathVerifier::new(trust, profile)?);
    with_revocation(verifier, &trust.revocation_policy(), Arc::new(Signatures::default()))
}

/// The application's verifier, else the engine's own.
fn client_verifier(
    config: &ServerConfig,
    profile: Profile,
) -> Result<Option<Arc<dyn CertificateVerifier>>, ConfigError> {
    if config.client_authentication() == ClientAuthentication::None {
        return Ok(None);
    }
    match (config.client_verifier(), config.client_trust()) {
        (Some(verifier), _) => Ok(Some(verifier.clone())),
        (None, Some(trust)) => own_verifier(&trust, profile).map(Some),
        (None, None) => Err(ConfigError::NoRoots { reason: "none were given".into() }),
    }
}

fn resumes(settings: &ProtocolSettings) -> bool {
    settings.resumption() != Some(false)
}

fn protocols(settings: &ProtocolSettings) -> Vec<Arc<[u8]>> {
    settings.alpn().iter().map(|protocol| protocol.as_slice().into()).collect()
}

/// The builders fill in what this backend has, so that there is always a list.
fn list<T: Copy>(chosen: Option<&[T]>) -> Vec<T> {
    chosen.unwrap_or_default().to_vec()
}
