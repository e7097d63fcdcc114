//! polytls over OpenSSL 3, through the [`openssl`] crate.
//!
//! OpenSSL reads and writes memory buffers that are the connection's own, swapped in for the length of a call;
//! the feature `vendored` builds it from source. Chains are decided on in one callback, by OpenSSL or by the
//! application's verifier. The one module with `unsafe` is `ffi.rs`.

mod config;
mod connection;
mod error;
mod ffi;
mod record_cipher;
mod verifier;

use std::sync::Arc;

use polytls_api::{
    Backend, BackendInfo, Capabilities, CertificateVerifier, CipherSuite, ClientAuthentication, ClientConfig,
    ClientHandshake, ConfigError, ConfigOption, ProtocolVersion, RoleCapabilities, ServerConfig,
    ServerHandshake, SignatureScheme, TrustPolicy, VerifierHook,
    record::{RecordCipher, RecordKey},
};

use crate::{
    connection::{Client, Server},
    record_cipher::EvpCipher,
    verifier::StoreVerifier,
};

/// The name by which the backend is chosen.
const NAME: &str = "openssl";

/// The backend.
#[derive(Debug)]
pub struct OpenSsl {
    capabilities: Capabilities,
}

impl OpenSsl {
    /// The OpenSSL that this program is linked with.
    pub fn new() -> Self {
        Self { capabilities: capabilities() }
    }
}

impl Default for OpenSsl {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for OpenSsl {
    fn info(&self) -> BackendInfo {
        let version = openssl::version::version();
        // "OpenSSL 3.6.3 9 Jun 2026": the date says nothing more.
        let short = version.split(' ').take(2).collect::<Vec<_>>().join(" ");
        BackendInfo { name: NAME, library: short.clone(), crypto: short }
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn client(&self, config: &ClientConfig) -> Result<Arc<dyn ClientHandshake>, ConfigError> {
        Ok(Arc::new(Client { prepared: config::client(config)?, backend: self.info() }))
    }

    fn server(&self, config: &ServerConfig) -> Result<Arc<dyn ServerHandshake>, ConfigError> {
        Ok(Arc::new(Server { prepared: config::server(config)?, backend: self.info() }))
    }

    fn verifier(&self, trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
        Ok(Arc::new(StoreVerifier::new(&trust.roots)?))
    }

    fn record_cipher(
        &self,
        suite: CipherSuite,
        key: RecordKey<'_>,
    ) -> Result<Box<dyn RecordCipher>, ConfigError> {
        if !self.capabilities.record_ciphers.contains(&suite) {
            let option = ConfigOption::RecordCipher(suite);
            return Err(ConfigError::Unsupported { backend: NAME, option });
        }
        match EvpCipher::new(suite, key.secret_bytes()) {
            Some(cipher) => Ok(Box::new(cipher)),
            None => Err(ConfigError::Invalid {
                option: "record key",
                reason: format!("{} bytes are not a key for {suite}", key.secret_bytes().len()),
            }),
        }
    }
}

fn capabilities() -> Capabilities {
    let role = role_capabilities();
    let mut capabilities = Capabilities::none();
    capabilities.record_ciphers = CipherSuite::NAMED.to_vec();
    capabilities.verifier_alone = true;
    capabilities.client.role = role.clone();
    capabilities.client.role.signature_scheme_choice = true;
    capabilities.client.sni_off = true;
    capabilities.client.explicit_roots = true;
    capabilities.client.identity = true;
    // OpenSSL's list on a server says also what the server itself may sign with, which is another option.
    capabilities.server.role = role;
    capabilities.server.client_authentication =
        vec![ClientAuthentication::Optional, ClientAuthentication::Required];
    capabilities
}

fn role_capabilities() -> RoleCapabilities {
    let mut role = RoleCapabilities::none();
    role.versions = ProtocolVersion::ALL.to_vec();
    role.cipher_suites = CipherSuite::NAMED.to_vec();
    role.cipher_suite_choice = true;
    role.named_groups = config::supported_groups();
    role.named_group_choice = true;
    role.signature_schemes = SignatureScheme::NAMED.to_vec();
    role.alpn = true;
    role.verifier = VerifierHook::HeldBack;
    role.resumption = true;
    role.resumption_off = true;
    role.key_log = true;
    role.exact_alerts = true;
    role
}
