//! What a server configures.

use std::{fmt, sync::Arc};

use super::{ProtocolSettings, protocol_setters};
use crate::{Backend, CertificateVerifier, ConfigError, Identity, Roots, capabilities};

/// A server's configuration, checked against its backend. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ServerConfig(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    backend: Arc<dyn Backend>,
    protocol: ProtocolSettings,
    identity: Identity,
    client_authentication: ClientAuthentication,
    client_roots: Option<Roots>,
    client_verifier: Option<Arc<dyn CertificateVerifier>>,
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
        let config = Inner {
            backend,
            protocol: ProtocolSettings::default(),
            identity,
            client_authentication: ClientAuthentication::None,
            client_roots: None,
            client_verifier: None,
        };
        ServerConfigBuilder { config }
    }

    /// The engine that runs.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.0.backend
    }

    /// What client and server configure alike.
    pub fn protocol(&self) -> &ProtocolSettings {
        &self.0.protocol
    }

    /// What the server presents.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Whether the client is asked for a certificate.
    pub fn client_authentication(&self) -> ClientAuthentication {
        self.0.client_authentication
    }

    /// The roots that a client's chain must lead to, where no verifier of the application's decides.
    pub fn client_roots(&self) -> Option<&Roots> {
        self.0.client_roots.as_ref()
    }

    /// The application's verifier for clients.
    pub fn client_verifier(&self) -> Option<&Arc<dyn CertificateVerifier>> {
        self.0.client_verifier.as_ref()
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
        let offered = &self.config.backend.capabilities().server.role.versions;
        self.config.protocol.finish(offered)?;
        let asks = self.config.client_authentication != ClientAuthentication::None;
        let can_answer = self.config.client_roots.is_some() || self.config.client_verifier.is_some();
        if asks != can_answer {
            let reason = if asks {
                "clients are asked for a certificate, but neither client_roots nor client_verifier is set"
            } else {
                "client_roots or client_verifier is set, but clients are not asked for a certificate"
            };
            return Err(ConfigError::Invalid { option: "client_authentication", reason: reason.into() });
        }
        let config = ServerConfig(Arc::new(self.config));
        capabilities::check_server(&config)?;
        Ok(config)
    }
}
