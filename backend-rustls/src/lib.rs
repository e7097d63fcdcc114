//! polytls over [rustls](https://docs.rs/rustls) 0.23, with aws-lc-rs for the cryptography and sha2 under
//! the key schedule of TLS 1.3.
//!
//! The handshake is rustls's, through its unbuffered API: it reads from and writes to the connection's own
//! buffers. When it is complete, rustls hands out the record keys, and polytls's record layer carries the
//! data under aws-lc-rs's AEADs: sealed from the caller's slices straight into the outgoing buffer, opened
//! straight into the caller's. Key updates and session tickets go back to rustls.
//!
//! One rustls configuration serves every connection of one of polytls's. What hooks of the application's give to a
//! connection, rustls's callbacks find on its desk.

mod call;
mod config;
mod connection;
mod drive;
mod early_data;
mod error;
mod exporter;
mod handshake_keys;
mod hkdf;
mod identities;
mod kernel;
mod sessions;
mod signer;
mod tickets;
mod verifier;

use std::sync::Arc;

use polytls_api::{
    Backend, BackendInfo, Capabilities, CertificateVerifier, CipherSuite, ClientAuthentication, ClientConfig,
    ClientHandshake, ConfigError, ConfigOption, Hook, ProtocolVersion, RoleCapabilities, ServerConfig,
    ServerHandshake, SignatureScheme, SignatureVerifier, TrustPolicy,
    record::{RecordCipher, RecordKey},
};
use polytls_aws_lc::{AeadCipher, Signatures, webpki_verifier};
use rustls::crypto::CryptoProvider;

/// The name by which the backend is chosen.
const NAME: &str = "rustls";

/// The backend.
#[derive(Debug)]
pub struct Rustls {
    provider: CryptoProvider,
    capabilities: Capabilities,
}

impl Rustls {
    /// rustls with aws-lc-rs and its default suites and groups.
    pub fn new() -> Self {
        let provider = hkdf::provider();
        let capabilities = capabilities(&provider);
        Self { provider, capabilities }
    }
}

impl Default for Rustls {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for Rustls {
    fn info(&self) -> BackendInfo {
        BackendInfo { name: NAME, library: "rustls 0.23".into(), crypto: "aws-lc-rs".into() }
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn client(&self, config: &ClientConfig) -> Result<Arc<dyn ClientHandshake>, ConfigError> {
        Ok(Arc::new(connection::Client(config::client(&self.provider, self.info().into(), config)?)))
    }

    fn server(&self, config: &ServerConfig) -> Result<Arc<dyn ServerHandshake>, ConfigError> {
        Ok(Arc::new(connection::Server(config::server(&self.provider, self.info().into(), config)?)))
    }

    fn verifier(&self, trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
        let algorithms = self.provider.signature_verification_algorithms.all;
        webpki_verifier(trust, algorithms)
    }

    fn signature_verifier(&self) -> Result<Arc<dyn SignatureVerifier>, ConfigError> {
        Ok(Arc::new(Signatures::new(self.provider.signature_verification_algorithms.all)))
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
        match AeadCipher::new(suite, key.secret_bytes()) {
            Some(cipher) => Ok(Box::new(cipher)),
            None => Err(ConfigError::Invalid {
                option: "record key",
                reason: format!("{} bytes are not a key for {suite}", key.secret_bytes().len()),
            }),
        }
    }
}

fn capabilities(provider: &CryptoProvider) -> Capabilities {
    let role = role_capabilities(provider);
    let mut capabilities = Capabilities::none();
    capabilities.record_ciphers = role.cipher_suites.clone();
    capabilities.record_keys = true;
    capabilities.verifier_alone = true;
    capabilities.client.role = role.clone();
    capabilities.client.sni_off = true;
    capabilities.client.explicit_roots = true;
    capabilities.client.identity = true;
    capabilities.server.role = role;
    capabilities.server.client_authentication =
        vec![ClientAuthentication::Optional, ClientAuthentication::Required];
    capabilities.server.resolver = Hook::Suspends;
    capabilities.client.session_cache_size = true;
    capabilities.server.tickets_per_connection = true;
    capabilities.server.session_lifetime = true;
    capabilities
}

fn role_capabilities(provider: &CryptoProvider) -> RoleCapabilities {
    let mut role = RoleCapabilities::none();
    role.versions = ProtocolVersion::ALL.to_vec();
    role.cipher_suites =
        provider.cipher_suites.iter().map(|suite| CipherSuite::from_code(suite.suite().into())).collect();
    role.cipher_suite_choice = true;
    role.named_groups = provider.kx_groups.iter().map(|group| config::named_group(*group)).collect();
    role.named_group_choice = true;
    role.signature_schemes = provider
        .signature_verification_algorithms
        .mapping
        .iter()
        .map(|(scheme, _)| SignatureScheme::from_code((*scheme).into()))
        .collect();
    role.signature_scheme_choice = true;
    role.alpn = true;
    role.verifier = Hook::HeldBack;
    role.resumption = true;
    role.resumption_off = true;
    role.session_store = Hook::Suspends;
    role.signer = Hook::OnThread;
    role.early_data = true;
    role.key_log = true;
    role.revocation = true;
    role.ocsp_staple = true;
    role.max_record_plaintext = true;
    role.exporter = true;
    role.key_update = true;
    role.exact_alerts = true;
    role
}
