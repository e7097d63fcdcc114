//! polytls's configuration as rustls's.

use std::sync::Arc;

use polytls_api::{
    BackendInfo, CertificateVerifier, ClientAuthentication, ClientConfig, ConfigError, ConfigOption,
    Identity, KeyLog, NamedGroup, PrivateKeyDer, ProtocolSettings, ProtocolVersion, Roots, ServerConfig,
};
use rustls::{
    NamedGroup as RustlsGroup, SignatureScheme, SupportedProtocolVersion,
    client::Resumption,
    crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs},
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};

use crate::{
    NAME, connection, error,
    verifier::{HandshakeVerifier, WebPkiVerifier},
};

/// How many servers a client remembers sessions of.
const REMEMBERED_SERVERS: usize = 256;

/// What every connection of one configuration shares.
#[derive(Clone)]
pub(crate) struct Prepared<C> {
    pub(crate) config: Arc<C>,
    pub(crate) backend: BackendInfo,
    pub(crate) sni: bool,
}

pub(crate) fn client(
    provider: &CryptoProvider,
    backend: BackendInfo,
    config: &ClientConfig,
) -> Result<Prepared<rustls::ClientConfig>, ConfigError> {
    let settings = config.protocol();
    let provider = Arc::new(chosen_provider(provider, settings));
    let verifier = verifier(&provider, settings, config.verifier(), Some(config.roots()), true)?;
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings))
        .map_err(error::configuration)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut built = match config.identity() {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.chain().to_vec(), private_key(identity)?)
            .map_err(error::configuration)?,
    };
    built.alpn_protocols = settings.alpn().to_vec();
    built.enable_sni = config.sni();
    built.enable_secret_extraction = true;
    built.resumption = match settings.resumption() {
        Some(false) => Resumption::disabled(),
        None | Some(true) => Resumption::in_memory_sessions(REMEMBERED_SERVERS),
    };
    if let Some(log) = settings.key_log() {
        built.key_log = Arc::new(LogAdapter(log.clone()));
    }
    Ok(Prepared { config: Arc::new(built), backend, sni: config.sni() })
}

pub(crate) fn server(
    provider: &CryptoProvider,
    backend: BackendInfo,
    config: &ServerConfig,
) -> Result<Prepared<rustls::ServerConfig>, ConfigError> {
    let settings = config.protocol();
    let provider = Arc::new(chosen_provider(provider, settings));
    let identity = config.identity().ok_or_else(|| unsupported(ConfigOption::Resolver))?;
    let certified = CertifiedKey::from_der(identity.chain().to_vec(), private_key(identity)?, &provider)
        .map_err(error::configuration)?;
    let client_verifier = match config.client_authentication() {
        ClientAuthentication::None => WebPkiClientVerifier::no_client_auth(),
        mode => {
            let mandatory = mode == ClientAuthentication::Required;
            verifier(&provider, settings, config.client_verifier(), config.client_roots(), mandatory)?
        }
    };
    let mut built = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings))
        .map_err(error::configuration)?
        .with_client_cert_verifier(client_verifier)
        .with_cert_resolver(Arc::new(OneIdentity(Arc::new(certified))));
    built.alpn_protocols = settings.alpn().to_vec();
    built.enable_secret_extraction = true;
    built.session_storage = Arc::new(NoServerSessionStorage {});
    match settings.resumption() {
        Some(false) => built.send_tls13_tickets = 0,
        // Tickets under a key that rotates every six hours: nothing is kept for a client.
        None | Some(true) => built.ticketer = aws_lc_rs::Ticketer::new().map_err(error::configuration)?,
    }
    if let Some(log) = settings.key_log() {
        built.key_log = Arc::new(LogAdapter(log.clone()));
    }
    Ok(Prepared { config: Arc::new(built), backend, sni: false })
}

fn private_key(identity: &Identity) -> Result<PrivateKeyDer<'static>, ConfigError> {
    identity.private_key().map(PrivateKeyDer::clone_key).ok_or_else(|| unsupported(ConfigOption::Signer))
}

fn unsupported(option: ConfigOption) -> ConfigError {
    ConfigError::Unsupported { backend: NAME, option }
}

/// The verifier that decides, in rustls's shape: the application's, else webpki with the roots.
fn verifier(
    provider: &CryptoProvider,
    settings: &ProtocolSettings,
    given: Option<&Arc<dyn CertificateVerifier>>,
    roots: Option<&Roots>,
    mandatory: bool,
) -> Result<Arc<HandshakeVerifier>, ConfigError> {
    let verifier = match (given, roots) {
        (Some(verifier), _) => verifier.clone(),
        (None, Some(roots)) => Arc::new(WebPkiVerifier::new(roots, provider)?),
        (None, None) => return Err(ConfigError::NoRoots { reason: "none were given".into() }),
    };
    let algorithms = provider.signature_verification_algorithms;
    let schemes = match settings.signature_schemes() {
        Some(schemes) => schemes.iter().map(|scheme| SignatureScheme::from(scheme.code())).collect(),
        None => algorithms.supported_schemes(),
    };
    Ok(Arc::new(HandshakeVerifier { verifier, algorithms, schemes, mandatory }))
}

/// The provider with the suites and groups that the settings name, in their order.
fn chosen_provider(provider: &CryptoProvider, settings: &ProtocolSettings) -> CryptoProvider {
    let mut chosen = provider.clone();
    if let Some(suites) = settings.cipher_suites() {
        chosen.cipher_suites = suites
            .iter()
            .filter_map(|suite| {
                provider.cipher_suites.iter().find(|known| u16::from(known.suite()) == suite.code()).copied()
            })
            .collect();
    }
    if let Some(groups) = settings.named_groups() {
        chosen.kx_groups = groups
            .iter()
            .filter_map(|group| {
                provider.kx_groups.iter().find(|known| named_group(**known) == *group).copied()
            })
            .collect();
    }
    chosen
}

/// The name of one of rustls's groups.
pub(crate) fn named_group(group: &dyn SupportedKxGroup) -> NamedGroup {
    let name: RustlsGroup = group.name();
    NamedGroup::from_code(name.into())
}

fn versions(settings: &ProtocolSettings) -> Vec<&'static SupportedProtocolVersion> {
    let known = |version: &ProtocolVersion| match version {
        ProtocolVersion::Tls12 => Some(&TLS12),
        ProtocolVersion::Tls13 => Some(&TLS13),
        _ => None,
    };
    settings.versions().iter().filter_map(known).collect()
}

/// One identity for every client; notes the name that the client asked for.
#[derive(Debug)]
struct OneIdentity(Arc<CertifiedKey>);

impl ResolvesServerCert for OneIdentity {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        connection::note_server_name(client_hello.server_name());
        Some(self.0.clone())
    }
}

/// A polytls key log as rustls wants one.
#[derive(Debug)]
struct LogAdapter(Arc<dyn KeyLog>);

impl rustls::KeyLog for LogAdapter {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        self.0.log(label, client_random, secret);
    }
}

impl<C> std::fmt::Debug for Prepared<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("backend", &NAME).finish_non_exhaustive()
    }
}
