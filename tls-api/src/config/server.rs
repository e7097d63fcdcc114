//! What a server configures.

use std::{fmt, sync::Arc, time::Duration};

use rustls_pki_types::CertificateRevocationListDer;

use super::{ProtocolSettings, add_trust_to_scope, protocol_setters, take_crls};
use crate::{
    AlertDescription, Backend, CertificateResolver, CertificateVerifier, ConfigError, Error, ErrorKind,
    Identity, RevocationPolicy, Roots, Transport, TrustPolicy, checker,
    hook::{ScopeDigest, SniResolver},
};

/// For how long a session may be resumed, unless the configuration says otherwise.
const SESSION_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);

/// RFC 8446 §4.6.1: no ticket is used for longer than seven days.
const LONGEST_SESSION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How many tickets a TLS 1.3 connection brings, unless the configuration says otherwise, and at most.
const TICKETS: u8 = 2;
const MOST_TICKETS: u8 = 16;

/// The most early data that a server may be told to take: it is held until the handshake is complete.
const MOST_EARLY_DATA: u32 = 1 << 20;

/// A server's configuration, checked against its backend. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerConfig(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    backend: Arc<dyn Backend>,
    protocol: ProtocolSettings,
    /// What is presented where no resolver says otherwise.
    identity: Option<Identity>,
    sni_identities: SniResolver,
    /// A pattern that is no DNS name.
    bad_pattern: Option<String>,
    resolver: Option<Arc<dyn CertificateResolver>>,
    client_authentication: ClientAuthentication,
    client_roots: Option<Roots>,
    client_revocation: Option<RevocationPolicy>,
    /// What `client_crls` was given, until the builder is done.
    client_crls: Vec<CertificateRevocationListDer<'static>>,
    client_verifier: Option<Arc<dyn CertificateVerifier>>,
    tickets_per_connection: Option<u8>,
    session_lifetime: Option<Duration>,
    max_early_data: u32,
}

/// Whether the server asks the client for a certificate (RFC 8446 §4.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "there is no fourth way to ask")]
pub enum ClientAuthentication {
    /// It does not ask.
    #[default]
    None,
    /// It asks; a client may present none, but what it presents must be valid.
    Optional,
    /// It asks, and ends the handshake with `certificate_required` if none comes.
    Required,
}

impl fmt::Display for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Optional => "optional",
            Self::Required => "required",
        })
    }
}

impl ServerConfig {
    /// Starts a configuration for this backend, with secure defaults: who the server is, it must be told.
    pub fn builder(backend: Arc<dyn Backend>, identity: Identity) -> ServerConfigBuilder {
        Self::start(backend, Some(identity), None)
    }

    /// Starts a configuration whose resolver alone says what is presented.
    ///
    /// A client for whom it has nothing is refused with `unrecognized_name`.
    pub fn builder_with_resolver(
        backend: Arc<dyn Backend>,
        resolver: Arc<dyn CertificateResolver>,
    ) -> ServerConfigBuilder {
        Self::start(backend, None, Some(resolver))
    }

    fn start(
        backend: Arc<dyn Backend>,
        identity: Option<Identity>,
        resolver: Option<Arc<dyn CertificateResolver>>,
    ) -> ServerConfigBuilder {
        let config = Inner {
            backend,
            protocol: ProtocolSettings::default(),
            identity,
            sni_identities: SniResolver::default(),
            bad_pattern: None,
            resolver,
            client_authentication: ClientAuthentication::None,
            client_roots: None,
            client_revocation: None,
            client_crls: Vec::new(),
            client_verifier: None,
            tickets_per_connection: None,
            session_lifetime: None,
            max_early_data: 0,
        };
        ServerConfigBuilder { config }
    }

    /// The engine that runs.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.0.backend
    }

    /// The same configuration with the roots that its directory has now, where its sessions are told apart by them: a
    /// directory that is read again for each acceptor may have lost an authority whose sessions a store still has.
    #[cfg(any(feature = "tokio", feature = "futures-io"))]
    pub(crate) fn with_roots_of_now(&self) -> Result<Self, ConfigError> {
        let directory = self.0.client_roots.as_ref().filter(|roots| matches!(roots, Roots::Directory(_)));
        let is_scoped = self.0.client_verifier.is_none() && self.0.protocol.session_scope.is_some();
        let Some(directory) = directory.filter(|_| is_scoped) else {
            return Ok(self.clone());
        };
        let mut config = (*self.0).clone();
        config.client_roots = Some(Roots::Explicit(directory.certificates()?));
        config.protocol.session_scope = Some(config.session_scope()?.scope());
        Ok(Self(Arc::new(config)))
    }

    /// What client and server configure alike.
    pub fn protocol(&self) -> &ProtocolSettings {
        &self.0.protocol
    }

    /// What the server presents where no resolver says otherwise; `None` where only the resolver says.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
    }

    /// Who chooses what is presented, of the application's or from the identities for server names.
    pub fn resolver(&self) -> Option<&Arc<dyn CertificateResolver>> {
        self.0.resolver.as_ref()
    }

    /// Every identity that is known before a client comes: to be prepared once.
    pub fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.0.identity.iter().chain(self.0.sni_identities.identities())
    }

    /// What to present to the client whose hello is on its way: for backends, before their library starts.
    ///
    /// The hello stays in the transport. Without a resolver it is not waited for.
    ///
    /// # Errors
    /// [`ErrorKind::NoIdentity`] when there is nothing to present, [`ErrorKind::Hook`] when the resolver fails, and
    /// what [`Transport::client_hello`] gives. The alert is in the transport.
    pub async fn resolve_identity(&self, transport: &mut Transport<'_>) -> Result<Identity, Error> {
        let resolved = match &self.0.resolver {
            None => Ok(None),
            Some(resolver) => {
                let hello = transport.client_hello().await?;
                resolver.resolve(&hello).await
            }
        };
        let (error, alert) = match resolved {
            Ok(resolved) => match resolved.or_else(|| self.0.identity.clone()) {
                Some(identity) => return Ok(identity),
                None => (Error::new(ErrorKind::NoIdentity), AlertDescription::UNRECOGNIZED_NAME),
            },
            Err(error) => (Error::new(ErrorKind::Hook).with_source(error), AlertDescription::INTERNAL_ERROR),
        };
        transport.send_plaintext_alert(alert);
        Err(error.with_alert_sent(alert))
    }

    /// Whether the client is asked for a certificate.
    pub fn client_authentication(&self) -> ClientAuthentication {
        self.0.client_authentication
    }

    /// The roots that a client's chain must lead to, where no verifier of the application's decides.
    pub fn client_roots(&self) -> Option<&Roots> {
        self.0.client_roots.as_ref()
    }

    /// What is asked about revocation of a client's chain; `None` for the backend's default.
    pub fn client_revocation(&self) -> Option<&RevocationPolicy> {
        self.0.client_revocation.as_ref()
    }

    /// What the backend's own verifier trusts, where no verifier of the application's decides; `None` where no roots for
    /// clients are given.
    pub fn client_trust(&self) -> Option<TrustPolicy> {
        let trust = TrustPolicy::new(self.0.client_roots.clone()?);
        Some(match &self.0.client_revocation {
            Some(policy) => trust.with_revocation(policy.clone()),
            None => trust,
        })
    }

    /// The application's verifier for clients.
    pub fn client_verifier(&self) -> Option<&Arc<dyn CertificateVerifier>> {
        self.0.client_verifier.as_ref()
    }

    /// How many tickets a TLS 1.3 connection brings, as set; `None` for the default.
    pub fn tickets_per_connection(&self) -> Option<u8> {
        self.0.tickets_per_connection
    }

    /// How many tickets a TLS 1.3 connection brings.
    pub fn tickets(&self) -> u8 {
        self.0.tickets_per_connection.unwrap_or(TICKETS)
    }

    /// For how long a session may be resumed, as set; `None` for the default.
    pub fn session_lifetime_set(&self) -> Option<Duration> {
        self.0.session_lifetime
    }

    /// For how long a session may be resumed.
    pub fn session_lifetime(&self) -> Duration {
        self.0.session_lifetime.unwrap_or(SESSION_LIFETIME)
    }

    /// How many bytes of early data are taken from a client; 0 for none.
    pub fn max_early_data(&self) -> u32 {
        self.0.max_early_data
    }
}

/// Builds a [`ServerConfig`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ServerConfigBuilder {
    config: Inner,
}

impl ServerConfigBuilder {
    protocol_setters!();

    /// What to present to clients that ask for this server name (RFC 6066 §3), exact or as `*.example.com`.
    ///
    /// An exact name wins over a wildcard, which stands for one label; clients that ask for no name or for another
    /// get the identity that the builder was started with. Default: that one for all.
    pub fn sni_identity(mut self, name: &str, identity: Identity) -> Self {
        if !self.config.sni_identities.add(name, identity) {
            self.config.bad_pattern = Some(name.into());
        }
        self
    }

    /// Asks the resolver what to present; where it has nothing, the identity that the builder was started with.
    ///
    /// Default: that identity for all. Together with [`sni_identity`](Self::sni_identity) it is an error.
    pub fn resolver(mut self, resolver: Arc<dyn CertificateResolver>) -> Self {
        self.config.resolver = Some(resolver);
        self
    }

    /// How many tickets a TLS 1.3 connection brings for resumption: 1 to 16. Default: 2.
    ///
    /// None at all is [`resumption(false)`](Self::resumption). TLS 1.2 has one ticket or id. Where clients
    /// are asked for a certificate, a resumed connection may bring none: a new session would be no longer valid.
    pub fn tickets_per_connection(mut self, count: u8) -> Self {
        self.config.tickets_per_connection = Some(count);
        self
    }

    /// For how long a session may be resumed: 1 second to 7 days (RFC 8446 §4.6.1). Default: 2 hours.
    ///
    /// The server refuses it after that. Its tickets tell the client so; those that allow early data say 24 hours
    /// over rustls. Where clients are asked for a certificate, it counts from the handshake in which the client was
    /// verified.
    pub fn session_lifetime(mut self, lifetime: Duration) -> Self {
        self.config.session_lifetime = Some(lifetime);
        self
    }

    /// How many bytes of early data (RFC 8446 §2.3) to take from a client, at most 1 MiB. Default: 0, none.
    ///
    /// A server that takes any does well with 14,336: more does not fit into a client's first flight (RFC 6928).
    ///
    /// They are held until the handshake is complete, and handed out by
    /// [`TlsStream::take_early_data`](crate::TlsStream::take_early_data) alone: see
    /// [`ReplayableData`](crate::ReplayableData). Each ticket is taken once by this configuration, over builtin at
    /// least for as long as a hello with it is fresh, so that a replay to the same server is not accepted; servers that
    /// share none of their state can each be sent it once.
    pub fn max_early_data(mut self, bytes: u32) -> Self {
        self.config.max_early_data = bytes;
        self
    }

    /// Whether the client is asked for a certificate. Default: [`ClientAuthentication::None`].
    ///
    /// Any other needs [`client_roots`](Self::client_roots) or a [`client_verifier`](Self::client_verifier).
    pub fn client_authentication(mut self, mode: ClientAuthentication) -> Self {
        self.config.client_authentication = mode;
        self
    }

    /// The roots that a client's chain must lead to. No default: clients are trusted by decision only.
    pub fn client_roots(mut self, roots: Roots) -> Self {
        self.config.client_roots = Some(roots);
        self
    }

    /// What is asked about revocation of a client's chain, as in
    /// [`ClientConfigBuilder::revocation`](crate::ClientConfigBuilder::revocation), with the same default. Clients are not
    /// asked to staple: for them it is the lists that count, and must-staple does not.
    pub fn client_revocation(mut self, policy: RevocationPolicy) -> Self {
        self.config.client_revocation = Some(policy);
        self
    }

    /// Revocation lists that a client's chain is held against, as in
    /// [`ClientConfigBuilder::crls`](crate::ClientConfigBuilder::crls). Default: none.
    pub fn client_crls(
        mut self,
        crls: impl IntoIterator<Item = CertificateRevocationListDer<'static>>,
    ) -> Self {
        self.config.client_crls = crls.into_iter().collect();
        self
    }

    /// A verifier that alone decides on a client's chain; the roots are then not used. Default: the backend's own.
    pub fn client_verifier(mut self, verifier: Arc<dyn CertificateVerifier>) -> Self {
        self.config.client_verifier = Some(verifier);
        self
    }

    /// Checks the configuration, also against what the backend can do.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for what makes no sense anywhere, [`ConfigError::Unsupported`] for what this backend
    /// cannot honour.
    pub fn build(mut self) -> Result<ServerConfig, ConfigError> {
        self.config.protocol.finish(&self.config.backend.capabilities().server.role)?;
        self.config.refuse_contradictions()?;
        take_crls(&mut self.config.client_revocation, std::mem::take(&mut self.config.client_crls));
        // Early data needs sessions that are used once, and so a store, be it the backend's own.
        if self.config.protocol.session_store.is_some() || self.config.max_early_data > 0 {
            self.config.protocol.session_scope = Some(self.config.session_scope()?.scope());
        }
        let mut config = self.config;
        let chooses_by_name = !config.sni_identities.is_empty();
        if chooses_by_name {
            config.resolver = Some(Arc::new(config.sni_identities.clone()));
        }
        let config = ServerConfig(Arc::new(config));
        checker::check_server(&config, chooses_by_name)?;
        Ok(config)
    }
}

impl Inner {
    /// What makes no sense anywhere, and what two options cannot mean together.
    fn refuse_contradictions(&self) -> Result<(), ConfigError> {
        let invalid = |option, reason: String| Err(ConfigError::Invalid { option, reason });
        let asks = self.client_authentication != ClientAuthentication::None;
        if asks != (self.client_roots.is_some() || self.client_verifier.is_some()) {
            let reason = if asks {
                "clients are asked for a certificate, but neither client_roots nor client_verifier is set"
            } else {
                "client_roots or client_verifier is set, but clients are not asked for a certificate"
            };
            return invalid("client_authentication", reason.into());
        }
        if !self.client_crls.is_empty() && (self.client_verifier.is_some() || !asks) {
            let reason =
                "they are for client_roots, which the backend's own verifier trusts; give both, or neither";
            return invalid("client_crls", reason.into());
        }
        if self.client_revocation.is_some() && (self.client_verifier.is_some() || !asks) {
            let reason =
                "it is for client_roots, which the backend's own verifier trusts; give both, or neither";
            return invalid("client_revocation", reason.into());
        }
        if self.client_revocation.is_some() && !self.client_crls.is_empty() {
            let reason = "a policy of revocation is set; give the lists to it, or leave it out";
            return invalid("client_crls", reason.into());
        }
        if let Some(pattern) = &self.bad_pattern {
            let reason = format!("`{pattern}` is no DNS name; write it as example.com or *.example.com");
            return invalid("sni_identity", reason);
        }
        if self.resolver.is_some() && !self.sni_identities.is_empty() {
            return invalid("sni_identity", "a resolver chooses already; have it choose all".into());
        }
        self.refuse_impossible_sessions()
    }

    fn refuse_impossible_sessions(&self) -> Result<(), ConfigError> {
        let invalid = |option, reason: &str| Err(ConfigError::Invalid { option, reason: reason.into() });
        if self.tickets_per_connection.is_some_and(|count| count == 0 || count > MOST_TICKETS) {
            return invalid("tickets_per_connection", "1 to 16 can be sent; forbid resumption for none");
        }
        let second = Duration::from_secs(1);
        if self.session_lifetime.is_some_and(|time| time < second || time > LONGEST_SESSION_LIFETIME) {
            return invalid("session_lifetime", "it is 1 second to 7 days (RFC 8446 §4.6.1)");
        }
        if self.max_early_data > MOST_EARLY_DATA {
            return invalid(
                "max_early_data",
                "a server holds it until the handshake is complete; 1 MiB at most",
            );
        }
        let needs_sessions = self.tickets_per_connection.is_some()
            || self.session_lifetime.is_some()
            || self.max_early_data > 0;
        if needs_sessions && self.protocol.resumption == Some(false) {
            return invalid("resumption", "it is forbidden, but tickets, lifetimes or early data are set");
        }
        Ok(())
    }

    fn session_scope(&self) -> Result<ScopeDigest, ConfigError> {
        let scope = self.protocol.add_to_scope(ScopeDigest::new(&*self.backend, "server"));
        let verifier = self.client_verifier.as_ref();
        let (roots, revocation) = (self.client_roots.as_ref(), self.client_revocation.as_ref());
        let scope = add_trust_to_scope(scope, verifier, roots, revocation)?;
        let scope = scope.with("client authentication", self.client_authentication.to_string());
        // RFC 8446 §4.6.1: a session speaks for the identity that the client verified, and for no other server's.
        let identities = self.identity.iter().chain(self.sni_identities.identities());
        let mut own: Vec<_> = identities.map(Identity::session_binding).collect();
        own.sort_unstable();
        Ok(own.into_iter().fold(scope, |scope, binding| scope.with("identity", binding)))
    }
}
