//! polytls over [OpenSSL](https://docs.rs/openssl) 3: the system's, or one built from source (feature `vendored`).
//!
//! OpenSSL runs the handshake over the connection's own buffers. The record layer is polytls's, over libcrypto's AEADs and
//! under the secrets that OpenSSL has derived. It cannot suspend in
//! the middle of a handshake to wait for a verdict on a certificate, so the driver in `drive.rs` holds
//! its bytes back until the verdict is there. `ffi/` is the only module with `unsafe` in it.

mod config;
mod connection;
mod drive;
mod early_data;
#[cfg(test)]
mod ends;
mod error;
mod export;
mod ffi;
mod identity;
mod keys;
mod record_cipher;
mod schedule;
mod session_cache;
mod session_store;
mod signature;
mod signer;
mod ticket_keys;
mod trust;
mod verifier;
mod wire;

use std::sync::Arc;

use openssl::{
    error::ErrorStack,
    ssl::{SslContextBuilder, SslMethod, cipher_name},
};
use polytls_api::{
    Backend, BackendInfo, Capabilities, CertificateVerifier, CipherSuite, ClientAuthentication, ClientConfig,
    ClientHandshake, ConfigError, ConfigOption, Hook, NamedGroup, ProtocolVersion, RoleCapabilities,
    ServerConfig, ServerHandshake, SignatureScheme, SignatureVerifier, TrustPolicy,
    record::{RecordCipher, RecordKey},
    with_revocation,
};

use crate::{record_cipher::AeadCipher, signature::Signatures, verifier::OpenSslVerifier};

/// The name by which the backend is chosen.
const NAME: &str = "openssl";

/// The backend.
#[derive(Debug)]
pub struct OpenSsl {
    capabilities: Capabilities,
}

impl OpenSsl {
    /// The OpenSSL that this program is linked with, asked for what it can do.
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
        // "OpenSSL 3.0.19 27 Jan 2026 (Library: ...)"
        let library: Vec<_> = openssl::version::version().split(' ').take(2).collect();
        BackendInfo { name: NAME, library: library.join(" "), crypto: "OpenSSL libcrypto".into() }
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn client(&self, config: &ClientConfig) -> Result<Arc<dyn ClientHandshake>, ConfigError> {
        Ok(Arc::new(connection::Client::new(config::client(self.info().into(), config)?)))
    }

    fn server(&self, config: &ServerConfig) -> Result<Arc<dyn ServerHandshake>, ConfigError> {
        Ok(Arc::new(connection::Server::new(config::server(self.info().into(), config)?)))
    }

    fn verifier(&self, trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
        let verifier = Arc::new(OpenSslVerifier::new(trust::trust_store(&trust.roots)?));
        with_revocation(verifier, &trust.revocation_policy(), self.signature_verifier()?)
    }

    fn signature_verifier(&self) -> Result<Arc<dyn SignatureVerifier>, ConfigError> {
        Ok(Arc::new(Signatures))
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

/// What this build of OpenSSL can do. One without its own TLS can do nothing.
fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::none();
    let Ok(mut probe) = SslContextBuilder::new(SslMethod::tls()) else { return capabilities };
    let role = role_capabilities(&mut probe);
    capabilities.record_ciphers = role.cipher_suites.clone();
    // OpenSSL tells what they come from.
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
    // On a client a true suspension on both ways; on a server, whose library stores in the middle of a step, its bytes
    // wait for the store.
    capabilities.client.role.session_store = Hook::Suspends;
    capabilities.server.role.session_store = Hook::HeldBack;
    capabilities
}

fn role_capabilities(probe: &mut SslContextBuilder) -> RoleCapabilities {
    let mut role = RoleCapabilities::none();
    role.versions = ProtocolVersion::ALL.to_vec();
    role.cipher_suites = CipherSuite::NAMED.iter().copied().filter(|suite| is_built_in(*suite)).collect();
    role.cipher_suite_choice = true;
    role.named_groups = accepted(NamedGroup::NAMED, NamedGroup::name, |name| probe.set_groups_list(name));
    role.named_group_choice = true;
    role.signature_schemes =
        accepted(SignatureScheme::NAMED, SignatureScheme::name, |name| probe.set_sigalgs_list(name));
    role.signature_scheme_choice = true;
    role.alpn = true;
    role.verifier = Hook::HeldBack;
    role.signer = Hook::OnThread;
    role.resumption = true;
    role.resumption_off = true;
    role.key_log = true;
    role.revocation = true;
    role.ocsp_staple = true;
    role.max_record_plaintext = true;
    role.early_data = true;
    role.exporter = true;
    role.key_update = true;
    role.exact_alerts = true;
    role
}

/// Whether TLS knows the suite, and libcrypto its AEAD.
fn is_built_in(suite: CipherSuite) -> bool {
    suite.name().is_some_and(|name| cipher_name(name) != "(NONE)") && AeadCipher::is_built_in(suite)
}

/// The values that the library takes by their names.
fn accepted<T: Copy>(
    values: &[T],
    name: fn(T) -> Option<&'static str>,
    mut take: impl FnMut(&str) -> Result<(), ErrorStack>,
) -> Vec<T> {
    values.iter().copied().filter(|value| name(*value).is_some_and(|name| take(name).is_ok())).collect()
}
