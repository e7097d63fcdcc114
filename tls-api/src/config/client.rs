//! What a client configures.

use std::sync::Arc;

use rustls_pki_types::CertificateRevocationListDer;

use super::{ProtocolSettings, add_trust_to_scope, protocol_setters, take_crls};
use crate::{
    Backend, CertificateVerifier, ConfigError, Identity, RevocationPolicy, Roots, TrustPolicy, checker,
    hook::ScopeDigest,
};

/// A client's configuration, checked against its backend. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ClientConfig(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    backend: Arc<dyn Backend>,
    protocol: ProtocolSettings,
    sni: bool,
    roots: Roots,
    revocation: Option<RevocationPolicy>,
    /// What `crls` was given, until the builder is done.
    crls: Vec<CertificateRevocationListDer<'static>>,
    verifier: Option<Arc<dyn CertificateVerifier>>,
    identity: Option<Identity>,
    session_cache_size: Option<usize>,
    early_data: bool,
}

impl ClientConfig {
    /// Starts a configuration for this backend, with secure defaults.
    pub fn builder(backend: Arc<dyn Backend>) -> ClientConfigBuilder {
        let config = Inner {
            backend,
            protocol: ProtocolSettings::default(),
            sni: true,
            roots: Roots::Os,
            revocation: None,
            crls: Vec::new(),
            verifier: None,
            identity: None,
            session_cache_size: None,
            early_data: false,
        };
        ClientConfigBuilder { config }
    }

    /// The engine that runs.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.0.backend
    }

    /// The same configuration with the roots that its directory has now, where its sessions are told apart by them: a
    /// directory that is read again for each connector may have lost an authority whose sessions a store still has.
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn with_roots_of_now(&self) -> Result<Self, ConfigError> {
        let is_directory = self.0.verifier.is_none() && matches!(self.0.roots, Roots::Directory(_));
        if !is_directory || self.0.protocol.session_scope.is_none() {
            return Ok(self.clone());
        }
        let mut config = (*self.0).clone();
        config.roots = Roots::Explicit(config.roots.certificates()?);
        config.protocol.session_scope = Some(config.session_scope()?.scope());
        Ok(Self(Arc::new(config)))
    }

    /// What client and server configure alike.
    pub fn protocol(&self) -> &ProtocolSettings {
        &self.0.protocol
    }

    /// Whether a DNS name is sent as SNI.
    pub fn sni(&self) -> bool {
        self.0.sni
    }

    /// The roots to trust, where no verifier of the application's decides.
    pub fn roots(&self) -> &Roots {
        &self.0.roots
    }

    /// What is asked about revocation of the server's chain; `None` for the backend's default.
    pub fn revocation(&self) -> Option<&RevocationPolicy> {
        self.0.revocation.as_ref()
    }

    /// What the backend's own verifier trusts, where no verifier of the application's decides.
    pub fn trust(&self) -> TrustPolicy {
        let trust = TrustPolicy::new(self.0.roots.clone());
        match &self.0.revocation {
            Some(policy) => trust.with_revocation(policy.clone()),
            None => trust,
        }
    }

    /// The application's verifier.
    pub fn verifier(&self) -> Option<&Arc<dyn CertificateVerifier>> {
        self.0.verifier.as_ref()
    }

    /// What to present where the server asks for a certificate.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
    }

    /// How many servers' sessions are remembered in memory; `None` for the default.
    pub fn session_cache_size(&self) -> Option<usize> {
        self.0.session_cache_size
    }

    /// Whether early data may be sent.
    pub fn early_data(&self) -> bool {
        self.0.early_data
    }
}

/// Builds a [`ClientConfig`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientConfigBuilder {
    config: Inner,
}

impl ClientConfigBuilder {
    protocol_setters!();

    /// Whether the server's DNS name is sent as SNI (RFC 6066 §3). Default: yes. An IP address never is.
    pub fn sni(mut self, on: bool) -> Self {
        self.config.sni = on;
        self
    }

    /// The roots that the server's chain must lead to: these replace any other. Default: [`Roots::Os`].
    pub fn roots(mut self, roots: Roots) -> Self {
        self.config.roots = roots;
        self
    }

    /// What is asked about revocation of the server's chain. Default: [`RevocationPolicy::soft_fail`] without lists, where
    /// the backend can check revocation; else [`RevocationPolicy::off`].
    ///
    /// By default, then, what a server staples is looked at (RFC 6960): where it says revoked, the chain is refused with
    /// [`Revoked`](crate::CertificateError::Revoked), and certificates that say must-staple (RFC 7633) need one that says
    /// good; of any other, nothing known is taken for good. Nothing is ever fetched.
    ///
    /// The native backend cannot check revocation in its handshakes: there any policy but `off` is an error. Only the
    /// backend's own verifier goes by the policy: together with [`verifier`](Self::verifier) it is an error.
    pub fn revocation(mut self, policy: RevocationPolicy) -> Self {
        self.config.revocation = Some(policy);
        self
    }

    /// Revocation lists (RFC 5280 §5) that the server's chain is held against, all of it: short for
    /// [`revocation`](Self::revocation) with [`RevocationPolicy::hard_fail`] and these. Default: none.
    ///
    /// With any list given, every certificate below the root must be covered by a list that is in force, or by the
    /// response that the server staples: a revoked one is [`Revoked`](crate::CertificateError::Revoked), one that no list
    /// speaks of, or only an outdated list, is [`RevocationUnknown`](crate::CertificateError::RevocationUnknown).
    /// Together with [`revocation`](Self::revocation) or a [`verifier`](Self::verifier) they are an error.
    pub fn crls(mut self, crls: impl IntoIterator<Item = CertificateRevocationListDer<'static>>) -> Self {
        self.config.crls = crls.into_iter().collect();
        self
    }

    /// A verifier that alone decides on the server's chain; the roots are then not used. Default: the backend's own.
    pub fn verifier(mut self, verifier: Arc<dyn CertificateVerifier>) -> Self {
        self.config.verifier = Some(verifier);
        self
    }

    /// What to present where the server asks for a certificate. Default: nothing.
    ///
    /// A server that takes no signature of its key is shown none, and decides whether to go on (RFC 8446 §4.4.2).
    pub fn identity(mut self, identity: Identity) -> Self {
        self.config.identity = Some(identity);
        self
    }

    /// How many servers' sessions are remembered in memory, the latest eight of each. Default: 256.
    ///
    /// With a [`session_store`](Self::session_store) it is the store that says how many: both are an error.
    pub fn session_cache_size(mut self, servers: usize) -> Self {
        self.config.session_cache_size = Some(servers);
        self
    }

    /// Lets [`ConnectOptions::early_data`](crate::ConnectOptions::early_data) be sent (RFC 8446 §2.3). Default: no.
    ///
    /// An attacker can send early data again: see [`ReplayableData`](crate::ReplayableData).
    pub fn early_data(mut self, on: bool) -> Self {
        self.config.early_data = on;
        self
    }

    /// Checks the configuration, also against what the backend can do.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for what makes no sense anywhere, [`ConfigError::Unsupported`] for what this backend
    /// cannot honour.
    pub fn build(mut self) -> Result<ClientConfig, ConfigError> {
        self.config.protocol.finish(&self.config.backend.capabilities().client.role)?;
        self.config.refuse_contradictions()?;
        take_crls(&mut self.config.revocation, std::mem::take(&mut self.config.crls));
        if self.config.protocol.session_store.is_some() {
            self.config.protocol.session_scope = Some(self.config.session_scope()?.scope());
        }
        let config = ClientConfig(Arc::new(self.config));
        checker::check_client(&config)?;
        Ok(config)
    }
}

impl Inner {
    /// What two options cannot mean together.
    fn refuse_contradictions(&self) -> Result<(), ConfigError> {
        let invalid = |option, reason: &str| Err(ConfigError::Invalid { option, reason: reason.into() });
        if self.verifier.is_some() && !self.crls.is_empty() {
            return invalid("crls", "a verifier of the application's decides alone; give the lists to it");
        }
        if self.verifier.is_some() && self.revocation.is_some() {
            let reason = "a verifier of the application's decides alone; put with_revocation over it";
            return invalid("revocation", reason);
        }
        if self.revocation.is_some() && !self.crls.is_empty() {
            return invalid("crls", "a policy of revocation is set; give the lists to it, or leave it out");
        }
        if self.session_cache_size.is_some() && self.protocol.session_store.is_some() {
            return invalid("session_cache_size", "sessions are kept in the session_store; leave one out");
        }
        if self.session_cache_size == Some(0) {
            return invalid("session_cache_size", "it is zero; forbid resumption instead");
        }
        if self.early_data && self.protocol.resumption == Some(false) {
            return invalid("early_data", "it needs a session to resume, and resumption is forbidden");
        }
        Ok(())
    }

    fn session_scope(&self) -> Result<ScopeDigest, ConfigError> {
        let scope = self.protocol.add_to_scope(ScopeDigest::new(&*self.backend, "client"));
        let scope =
            add_trust_to_scope(scope, self.verifier.as_ref(), Some(&self.roots), self.revocation.as_ref())?;
        let own = self.identity.iter().flat_map(Identity::chain);
        let scope = own.fold(scope, |scope, certificate| scope.with("identity", certificate));
        Ok(scope.with("sni", [u8::from(self.sni)]))
    }
}
