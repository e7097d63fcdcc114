//! polytls over the operating system's TLS, through [`native_tls`]: SChannel on Windows, Secure Transport on
//! Apple's systems, OpenSSL elsewhere.
//!
//! native-tls offers little choice, and [`Capabilities`] says so: no suites, no groups, no verifier of the
//! application's (it shows the peer's own certificate only, never the chain), no client authentication on a
//! server. What was negotiated is read along from the handshake. Alone, the platform's verifier and record
//! cipher are to be had where the platform is OpenSSL.

mod config;
mod connection;
mod error;
mod pkcs8;

use std::sync::Arc;

use polytls_api::{
    Backend, BackendInfo, Capabilities, CertificateVerifier, CipherSuite, ClientConfig, ClientHandshake,
    ConfigError, ProtocolVersion, ServerConfig, ServerHandshake, SignatureVerifier, TrustPolicy,
    record::{RecordCipher, RecordKey},
};

/// The name by which the backend is chosen.
const NAME: &str = "native";

/// The library behind native-tls here.
const LIBRARY: &str = if cfg!(windows) {
    "SChannel"
} else if cfg!(target_vendor = "apple") {
    "Secure Transport"
} else {
    "OpenSSL"
};

/// The backend.
#[derive(Debug)]
pub struct Native {
    capabilities: Capabilities,
    #[cfg(not(any(windows, target_vendor = "apple")))]
    platform: Arc<dyn Backend>,
}

impl Native {
    /// The operating system's TLS.
    pub fn new() -> Self {
        #[cfg(not(any(windows, target_vendor = "apple")))]
        let platform: Arc<dyn Backend> = Arc::new(polytls_openssl::OpenSsl::new());
        let mut capabilities = capabilities();
        #[cfg(not(any(windows, target_vendor = "apple")))]
        of_the_platform(&mut capabilities, platform.capabilities());
        Self {
            capabilities,
            #[cfg(not(any(windows, target_vendor = "apple")))]
            platform,
        }
    }
}

impl Default for Native {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for Native {
    fn info(&self) -> BackendInfo {
        BackendInfo { name: NAME, library: format!("native-tls 0.2 over {LIBRARY}"), crypto: LIBRARY.into() }
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn client(&self, config: &ClientConfig) -> Result<Arc<dyn ClientHandshake>, ConfigError> {
        #[cfg(not(any(windows, target_vendor = "apple")))]
        let platform = Some(self.platform.clone());
        #[cfg(any(windows, target_vendor = "apple"))]
        let platform = None;
        Ok(Arc::new(connection::Client::new(
            config::connector(config)?,
            self.info().into(),
            config,
            platform,
        )))
    }

    fn server(&self, config: &ServerConfig) -> Result<Arc<dyn ServerHandshake>, ConfigError> {
        Ok(Arc::new(connection::Server::new(config::acceptor(config)?, self.info().into(), config)))
    }

    #[cfg(not(any(windows, target_vendor = "apple")))]
    fn verifier(&self, trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
        // OpenSSL's in all, so that alone it is asked about revocation too: native-tls's handshakes cannot.
        self.platform.verifier(trust)
    }

    #[cfg(any(windows, target_vendor = "apple"))]
    fn verifier(&self, _trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
        let option = polytls_api::ConfigOption::VerifierAlone;
        Err(ConfigError::Unsupported { backend: NAME, option })
    }

    #[cfg(not(any(windows, target_vendor = "apple")))]
    fn signature_verifier(&self) -> Result<Arc<dyn SignatureVerifier>, ConfigError> {
        self.platform.signature_verifier()
    }

    #[cfg(any(windows, target_vendor = "apple"))]
    fn signature_verifier(&self) -> Result<Arc<dyn SignatureVerifier>, ConfigError> {
        let option = polytls_api::ConfigOption::VerifierAlone;
        Err(ConfigError::Unsupported { backend: NAME, option })
    }

    #[cfg(not(any(windows, target_vendor = "apple")))]
    fn record_cipher(
        &self,
        suite: CipherSuite,
        key: RecordKey<'_>,
    ) -> Result<Box<dyn RecordCipher>, ConfigError> {
        self.platform.record_cipher(suite, key)
    }

    #[cfg(any(windows, target_vendor = "apple"))]
    fn record_cipher(
        &self,
        suite: CipherSuite,
        _key: RecordKey<'_>,
    ) -> Result<Box<dyn RecordCipher>, ConfigError> {
        let option = polytls_api::ConfigOption::RecordCipher(suite);
        Err(ConfigError::Unsupported { backend: NAME, option })
    }
}

fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::none();
    let client = &mut capabilities.client;
    client.role.versions = versions();
    client.role.alpn = true;
    // native-tls offers no session: nothing is ever resumed.
    client.role.resumption_off = true;
    client.sni_off = true;
    client.explicit_roots = true;
    client.identity = true;
    let server = &mut capabilities.server;
    // native-tls forbids TLS 1.3 to servers over OpenSSL.
    server.role.versions = if cfg!(windows) { versions() } else { vec![ProtocolVersion::Tls12] };
    server.role.alpn = !cfg!(target_vendor = "apple");
    // OpenSSL gives out tickets unasked, and native-tls cannot tell it not to.
    server.role.resumption = cfg!(not(any(windows, target_vendor = "apple")));
    capabilities
}

/// What OpenSSL has beside native-tls, and what it negotiates unasked.
#[cfg(not(any(windows, target_vendor = "apple")))]
fn of_the_platform(capabilities: &mut Capabilities, platform: &Capabilities) {
    capabilities.verifier_alone = true;
    capabilities.record_ciphers.clone_from(&platform.record_ciphers);
    for (role, platform) in [
        (&mut capabilities.client.role, &platform.client.role),
        (&mut capabilities.server.role, &platform.server.role),
    ] {
        let of_a_version =
            |suite: &&CipherSuite| suite.version().is_some_and(|version| role.versions.contains(&version));
        role.cipher_suites = platform.cipher_suites.iter().filter(of_a_version).copied().collect();
        role.named_groups.clone_from(&platform.named_groups);
        role.signature_schemes.clone_from(&platform.signature_schemes);
    }
}

fn versions() -> Vec<ProtocolVersion> {
    // Secure Transport stops at TLS 1.2.
    if cfg!(target_vendor = "apple") { vec![ProtocolVersion::Tls12] } else { ProtocolVersion::ALL.to_vec() }
}
