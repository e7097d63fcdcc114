//! polytls's configuration as rustls's.

use std::sync::Arc;

use polytls_api::{
    BackendInfo, CertificateVerifier, ClientAuthentication, ClientConfig, ConfigError, KeyLog, NamedGroup,
    ProtocolSettings, ProtocolVersion, ServerConfig, SigningThreads, TrustPolicy,
};
use polytls_aws_lc::webpki_verifier;
use rustls::{
    NamedGroup as RustlsGroup, SignatureScheme, SupportedProtocolVersion,
    client::Resumption,
    crypto::{CryptoProvider, SupportedKxGroup},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
    version::{TLS12, TLS13},
};

use crate::{
    call::at_desk,
    error,
    exporter::LoggedSecret,
    handshake_keys::{HEADER_LEN, HandshakeSecrets},
    identities::{ClientResolver, Identities, ServerResolver, certified_key},
    sessions::{Binding, ClientSessions, ServerStore, Store},
    signer::RemoteKey,
    tickets::{DeskSessions, Lifetime, MemorySessions, SealedTickets},
    verifier::HandshakeVerifier,
};

/// How many servers a client remembers sessions of, unless it is told otherwise, and at most.
const REMEMBERED_SERVERS: usize = 256;
const MOST_SERVERS: usize = 1_000_000;

/// What every connection of one client configuration shares.
#[derive(Debug)]
pub(crate) struct PreparedClient {
    pub(crate) rustls: Arc<rustls::ClientConfig>,
    /// The same for connections that send early data, where they may.
    pub(crate) with_early_data: Option<Arc<rustls::ClientConfig>>,
    pub(crate) backend: Arc<BackendInfo>,
    pub(crate) sni: bool,
    /// Where rustls finds sessions, if it may.
    pub(crate) sessions: Option<Arc<ClientSessions>>,
    /// Where the application keeps them, and what rustls binds them to.
    pub(crate) store: Option<Store>,
    pub(crate) binding: Binding,
    /// Where the identity's signer is asked, if it has one.
    pub(crate) signing: Option<SigningThreads>,
    pub(crate) most_plaintext: Option<usize>,
}

/// What every connection of one server configuration shares.
#[derive(Debug)]
pub(crate) struct PreparedServer {
    pub(crate) rustls: Arc<rustls::ServerConfig>,
    pub(crate) backend: Arc<BackendInfo>,
    pub(crate) config: ServerConfig,
    pub(crate) identities: Identities,
    /// Where the application keeps sessions.
    pub(crate) store: Option<ServerStore>,
    /// Where the signers of identities are asked.
    pub(crate) signing: SigningThreads,
    pub(crate) most_plaintext: Option<usize>,
}

pub(crate) fn client(
    provider: &CryptoProvider,
    backend: Arc<BackendInfo>,
    config: &ClientConfig,
) -> Result<PreparedClient, ConfigError> {
    let settings = config.protocol();
    let provider = Arc::new(chosen_provider(provider, settings));
    let verifier = match config.verifier() {
        Some(verifier) => verifier.clone(),
        None => own_verifier(&provider, &config.trust())?,
    };
    let verifier = handshake_verifier(&provider, settings, verifier, true);
    let mut built = client_of(provider, verifier.clone(), config)?;
    let resumes = settings.resumption() != Some(false);
    let store = Store::new(settings).filter(|_| resumes);
    let servers = config.session_cache_size().unwrap_or(REMEMBERED_SERVERS);
    if servers > MOST_SERVERS {
        let reason = "rustls sets memory aside for all of them at once; a million at most".into();
        return Err(ConfigError::Invalid { option: "session_cache_size", reason });
    }
    let sessions = resumes.then(|| Arc::new(ClientSessions::new(servers, store.is_some())));
    built.resumption = match &sessions {
        Some(sessions) => Resumption::store(sessions.clone()),
        None => Resumption::disabled(),
    };
    let remote_key = config.identity().is_some_and(RemoteKey::is_needed_for);
    let identity = built.client_auth_cert_resolver.clone();
    Ok(PreparedClient {
        with_early_data: config.early_data().then(|| Arc::new(with_early_data(&built))),
        rustls: Arc::new(built),
        backend,
        sni: config.sni(),
        sessions,
        store,
        binding: Binding { verifier, identity, remote_key },
        signing: remote_key.then(SigningThreads::default),
        most_plaintext: settings.max_record_plaintext(),
    })
}

/// What does not concern sessions.
fn client_of(
    provider: Arc<CryptoProvider>,
    verifier: Arc<HandshakeVerifier>,
    config: &ClientConfig,
) -> Result<rustls::ClientConfig, ConfigError> {
    let settings = config.protocol();
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(settings))
        .map_err(error::configuration)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut built = match config.identity() {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let certified = Arc::new(certified_key(&provider, identity)?);
            builder
                .with_client_cert_resolver(Arc::new(ClientResolver { identity: identity.clone(), certified }))
        }
    };
    built.alpn_protocols = settings.alpn().to_vec();
    built.enable_sni = config.sni();
    built.enable_secret_extraction = true;
    built.key_log = key_log(settings);
    built.max_fragment_size = fragment_size(settings);
    Ok(built)
}

pub(crate) fn server(
    provider: &CryptoProvider,
    backend: Arc<BackendInfo>,
    config: &ServerConfig,
) -> Result<PreparedServer, ConfigError> {
    let settings = config.protocol();
    let provider = Arc::new(chosen_provider(provider, settings));
    let identities = Identities::new(provider.clone(), config.identities())?;
    let client_verifier = match config.client_authentication() {
        ClientAuthentication::None => WebPkiClientVerifier::no_client_auth(),
        mode => {
            let verifier = match (config.client_verifier(), config.client_trust()) {
                (Some(verifier), _) => verifier.clone(),
                (None, Some(trust)) => own_verifier(&provider, &trust)?,
                (None, None) => return Err(ConfigError::NoRoots { reason: "none were given".into() }),
            };
            handshake_verifier(&provider, settings, verifier, mode == ClientAuthentication::Required)
        }
    };
    let mut built = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions(settings))
        .map_err(error::configuration)?
        .with_client_cert_verifier(client_verifier)
        .with_cert_resolver(Arc::new(ServerResolver));
    built.alpn_protocols = settings.alpn().to_vec();
    built.enable_secret_extraction = true;
    let store = ServerStore::new(config).filter(|_| settings.resumption() != Some(false));
    keep_sessions(&mut built, config, store.is_some())?;
    built.key_log = key_log(settings);
    built.max_fragment_size = fragment_size(settings);
    Ok(PreparedServer {
        rustls: Arc::new(built),
        backend,
        config: config.clone(),
        identities,
        store,
        signing: SigningThreads::default(),
        most_plaintext: settings.max_record_plaintext(),
    })
}

/// The same configuration, under the same verifier and with the same sessions.
fn with_early_data(config: &rustls::ClientConfig) -> rustls::ClientConfig {
    let mut config = config.clone();
    config.enable_early_data = true;
    config
}

/// How sessions are kept: in the application's store, in memory where early data is taken, else with the clients.
fn keep_sessions(
    built: &mut rustls::ServerConfig,
    config: &ServerConfig,
    stored: bool,
) -> Result<(), ConfigError> {
    let lifetime = Lifetime::of(config);
    let early_data = config.max_early_data() > 0;
    built.session_storage = Arc::new(NoServerSessionStorage {});
    built.send_tls13_tickets = usize::from(config.tickets());
    if early_data {
        built.max_early_data_size = config.max_early_data();
    }
    match (stored, early_data) {
        _ if config.protocol().resumption() == Some(false) => built.send_tls13_tickets = 0,
        (true, _) => {
            built.session_storage = Arc::new(DeskSessions { lifetime });
            // With a ticketer rustls takes no early data; without one its tickets say 24 hours.
            if !early_data {
                built.ticketer = Arc::new(DeskSessions { lifetime });
            }
        }
        (false, true) => built.session_storage = Arc::new(MemorySessions::new(lifetime)),
        (false, false) => {
            built.ticketer = Arc::new(SealedTickets::new(lifetime).map_err(error::configuration)?);
        }
    }
    Ok(())
}

/// webpki, where no verifier of the application's decides.
fn own_verifier(
    provider: &CryptoProvider,
    trust: &TrustPolicy,
) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
    webpki_verifier(trust, provider.signature_verification_algorithms.all)
}

/// The verifier that decides, in rustls's shape.
fn handshake_verifier(
    provider: &CryptoProvider,
    settings: &ProtocolSettings,
    verifier: Arc<dyn CertificateVerifier>,
    mandatory: bool,
) -> Arc<HandshakeVerifier> {
    let algorithms = provider.signature_verification_algorithms;
    let schemes = match settings.signature_schemes() {
        Some(schemes) => schemes.iter().map(|scheme| SignatureScheme::from(scheme.code())).collect(),
        None => algorithms.supported_schemes(),
    };
    Arc::new(HandshakeVerifier { verifier, algorithms, schemes, mandatory })
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

/// rustls counts a record's header with what is in it.
fn fragment_size(settings: &ProtocolSettings) -> Option<usize> {
    settings.max_record_plaintext().map(|most| most + HEADER_LEN)
}

fn key_log(settings: &ProtocolSettings) -> Arc<dyn rustls::KeyLog> {
    Arc::new(LogAdapter(settings.key_log().cloned()))
}

/// A polytls key log as rustls wants one; it also keeps what key material is exported from.
#[derive(Debug)]
struct LogAdapter(Option<Arc<dyn KeyLog>>);

impl rustls::KeyLog for LogAdapter {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        if let Some(log) = &self.0 {
            log.log(label, client_random, secret);
        }
        let secret = || LoggedSecret::new(client_random, secret);
        if LoggedSecret::is_wanted(label) {
            at_desk(|desk| desk.exporter_secret = secret());
        } else if HandshakeSecrets::have(label) {
            at_desk(|desk| desk.handshake_secrets.keep(label, secret));
        }
    }

    fn will_log(&self, label: &str) -> bool {
        self.0.is_some() || LoggedSecret::is_wanted(label) || HandshakeSecrets::have(label)
    }
}
