//! polytls's own engine: TLS 1.3 (RFC 8446) and TLS 1.2 (RFC 5246, as far as it is good) in safe Rust over aws-lc-rs and
//! sha2's hashes.
//!
//! It is young and unaudited: opt-in, and never what runs by default. What it is good for is the hooks: a resolver, a
//! verifier, a signer and a session store of the application's are plain awaits in the middle of its handshakes.
//!
//! `wire` and `crypto` know no handshake; `record` and `key_schedule` stand on them; `client` and `server` read as the
//! message flow of the RFCs; the rest is the face that polytls sees.
//!
//! `docs/builtin.md` in polytls's repository says what is left out and why, what is bounded, and how it is proved.

mod builder;
mod client;
mod compression;
mod config;
mod connection;
mod crypto;
mod error;
mod identity;
mod key_schedule;
mod options;
mod path;
mod record;
mod server;
mod session;
mod sessions;
mod steps;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;

use polytls_api::{
    Backend, BackendInfo, Capabilities, CertificateVerifier, CipherSuite, ClientAuthentication, ClientConfig,
    ClientHandshake, ConfigError, ConfigOption, Hook, NamedGroup, ProtocolVersion, RoleCapabilities,
    ServerConfig, ServerHandshake, SignatureScheme, SignatureVerifier, TrustPolicy,
    record::{RecordCipher, RecordKey},
};
use polytls_aws_lc::Signatures;

pub use self::{
    builder::BuiltinBuilder,
    options::{ExternalPsk, Limits, Padding},
    path::{PathVerifier, Profile},
};
use crate::{
    config::{PreparedClient, PreparedServer},
    options::Options,
};

/// The name by which the backend is chosen.
const NAME: &str = "builtin";

/// The backend.
#[derive(Debug)]
pub struct Builtin {
    capabilities: Capabilities,
    options: Arc<Options>,
}

impl Builtin {
    /// The engine with its defaults.
    pub fn new() -> Self {
        Self::with_options(Arc::default())
    }

    /// The engine with options that no other backend has.
    pub fn builder() -> BuiltinBuilder {
        BuiltinBuilder::default()
    }

    fn with_options(options: Arc<Options>) -> Self {
        Self { capabilities: capabilities(), options }
    }
}

impl Default for Builtin {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for Builtin {
    fn info(&self) -> BackendInfo {
        // It is in the scope of sessions: none that a laxer profile let through is resumed by a stricter one.
        let profile = match self.options.profile {
            Profile::Interoperable => "",
            Profile::Strict => ", strict profile",
        };
        BackendInfo {
            name: NAME,
            library: format!("polytls {}{profile}", env!("CARGO_PKG_VERSION")),
            crypto: "aws-lc-rs".into(),
        }
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn client(&self, config: &ClientConfig) -> Result<Arc<dyn ClientHandshake>, ConfigError> {
        let prepared = PreparedClient::new(self.info().into(), config, self.options.clone())?;
        Ok(Arc::new(connection::Client(prepared)))
    }

    fn server(&self, config: &ServerConfig) -> Result<Arc<dyn ServerHandshake>, ConfigError> {
        let prepared = PreparedServer::new(self.info().into(), config, self.options.clone())?;
        Ok(Arc::new(connection::Server(prepared)))
    }

    fn verifier(&self, trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
        config::own_verifier(trust, self.options.profile)
    }

    fn signature_verifier(&self) -> Result<Arc<dyn SignatureVerifier>, ConfigError> {
        Ok(Arc::new(Signatures::default()))
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
        crypto::record_cipher(suite, key.secret_bytes()).map_err(|_| ConfigError::Invalid {
            option: "record key",
            reason: format!("{} bytes are not a key for {suite}", key.secret_bytes().len()),
        })
    }
}

fn capabilities() -> Capabilities {
    let role = role_capabilities();
    let mut capabilities = Capabilities::none();
    capabilities.record_ciphers = role.cipher_suites.clone();
    capabilities.record_keys = true;
    capabilities.verifier_alone = true;
    capabilities.client.role = role.clone();
    capabilities.client.sni_off = true;
    capabilities.client.explicit_roots = true;
    capabilities.client.identity = true;
    capabilities.client.session_cache_size = true;
    capabilities.server.role = role;
    capabilities.server.client_authentication =
        vec![ClientAuthentication::Optional, ClientAuthentication::Required];
    capabilities.server.resolver = Hook::Suspends;
    capabilities.server.tickets_per_connection = true;
    capabilities.server.session_lifetime = true;
    capabilities
}

fn role_capabilities() -> RoleCapabilities {
    let mut role = RoleCapabilities::none();
    role.versions = ProtocolVersion::ALL.to_vec();
    role.cipher_suites = CipherSuite::NAMED.to_vec();
    role.cipher_suite_choice = true;
    role.named_groups = NamedGroup::NAMED.to_vec();
    role.named_group_choice = true;
    role.signature_schemes = SignatureScheme::NAMED.to_vec();
    role.signature_scheme_choice = true;
    role.alpn = true;
    role.verifier = Hook::Suspends;
    role.resumption = true;
    role.resumption_off = true;
    role.session_store = Hook::Suspends;
    role.signer = Hook::Suspends;
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
