//! What a client configures.

use std::sync::Arc;

use super::{ProtocolSettings, protocol_setters};
use crate::{Backend, CertificateVerifier, ConfigError, Identity, Roots, capabilities};

/// A client's configuration, checked against its backend. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ClientConfig(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    backend: Arc<dyn Backend>,
    protocol: ProtocolSettings,
    sni: bool,
    roots: Roots,
    verifier: Option<Arc<dyn CertificateVerifier>>,
    identity: Option<Identity>,
}

impl ClientConfig {
    /// Starts a configuration for this backend, with secure defaults.
    pub fn builder(backend: Arc<dyn Backend>) -> ClientConfigBuilder {
        let config = Inner {
            backend,
            protocol: ProtocolSettings::default(),
            sni: true,
            roots: Roots::Os,
            verifier: None,
            identity: None,
        };
        ClientConfigBuilder { config }
    }

    /// The engine that runs.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.0.backend
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

    /// The application's verifier.
    pub fn verifier(&self) -> Option<&Arc<dyn CertificateVerifier>> {
        self.0.verifier.as_ref()
    }

    /// What to present where the server asks for a certificate.
    pub fn identity(&self) -> Option<&Identity> {
        self.0.identity.as_ref()
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

    /// A verifier that alone decides on the server's chain; the roots are then not used. Default: the backend's own.
    pub fn verifier(mut self, verifier: Arc<dyn CertificateVerifier>) -> Self {
        self.config.verifier = Some(verifier);
        self
    }

    /// What to present where the server asks for a certificate. Default: nothing.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.config.identity = Some(identity);
        self
    }

    /// Checks the configuration, also against what the backend can do.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for what makes no sense anywhere, [`ConfigError::Unsupported`] for what this backend
    /// cannot honour.
    pub fn build(mut self) -> Result<ClientConfig, ConfigError> {
        let offered = &self.config.backend.capabilities().client.role.versions;
        self.config.protocol.finish(offered)?;
        let config = ClientConfig(Arc::new(self.config));
        capabilities::check_client(&config)?;
        Ok(config)
    }
}
