//! polytls's configuration as an `SslContext`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use openssl::{
    error::ErrorStack,
    ssl::{
        AlpnError, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef,
        SslSessionCacheMode, SslVerifyMode, SslVersion, cipher_name,
    },
};
use polytls_api::{
    BackendInfo, CipherSuite, ClientAuthentication, ClientConfig, ConfigError, KeyLog, MemorySessionStore,
    NamedGroup, ProtocolSettings, ProtocolVersion, ServerConfig, SignatureScheme, SigningThreads,
};
use zeroize::Zeroizing;

use crate::{
    connection::Connection,
    error::configuration,
    ffi,
    identity::{Identities, ParsedIdentity},
    keys::tls13::SeenSecrets,
    session_cache::SessionCache,
    session_store::Store,
    ticket_keys::TicketKeys,
    trust::trust,
    verifier::{Decider, MOST_INTERMEDIATES, SECURITY_LEVEL, decide_with_responses},
};

/// The most plaintext of one record (RFC 8446 §5.1).
pub(crate) const RECORD: usize = 16 * 1024;

/// A group of NIST's and a classical one in one key share.
const HYBRID: &str = "X25519MLKEM768";

/// How many sessions a server with early data keeps where the application has no store: each is taken once.
const SESSIONS_WITH_EARLY_DATA: usize = 4096;

/// What every connection of one configuration shares.
pub(crate) struct Prepared {
    pub(crate) context: SslContext,
    pub(crate) backend: Arc<BackendInfo>,
    /// Who decides on the peer's chain; `None` where no peer is asked for one.
    pub(crate) decider: Option<Decider>,
    /// The most plaintext of a record that is sent.
    pub(crate) record: usize,
    /// Where handshakes run whose identity has a signer.
    pub(crate) signing: SigningThreads,
}

/// What every connection of one client shares.
pub(crate) struct PreparedClient {
    pub(crate) shared: Prepared,
    pub(crate) sni: bool,
    pub(crate) identity: Option<ParsedIdentity>,
    pub(crate) sessions: ClientSessions,
}

/// Where a client keeps its sessions.
pub(crate) enum ClientSessions {
    /// Nowhere: it resumes none.
    None,
    Cache(Arc<SessionCache>),
    Store(Store),
}

/// What every connection of one server shares.
pub(crate) struct PreparedServer {
    pub(crate) shared: Prepared,
    pub(crate) config: ServerConfig,
    pub(crate) identities: Identities,
    /// How many tickets a TLS 1.3 connection brings that resumed a session.
    pub(crate) renewed_tickets: u8,
    /// What seals tickets, where it is tickets that are given out.
    pub(crate) ticket_keys: Option<Arc<TicketKeys>>,
    /// Where sessions are kept, where it is their ids that are given out.
    pub(crate) store: Option<Store>,
}

pub(crate) fn client(
    backend: Arc<BackendInfo>,
    config: &ClientConfig,
) -> Result<PreparedClient, ConfigError> {
    let settings = config.protocol();
    let mut builder = context(SslMethod::tls_client(), settings)?;
    let decider = trust(&mut builder, config.verifier(), Some(&config.trust()))?;
    builder.set_verify(SslVerifyMode::PEER);
    decide_with_responses(&mut builder).map_err(configuration)?;
    accept_schemes_of_servers(&mut builder, settings).map_err(configuration)?;
    let identity = config.identity().map(ParsedIdentity::new).transpose()?;
    if let Some(identity) = &identity {
        identity.present_as_client(&mut builder).map_err(configuration)?;
    }
    if !settings.alpn().is_empty() {
        builder.set_alpn_protos(&alpn_list(settings.alpn())).map_err(configuration)?;
    }
    let sessions = client_sessions(&mut builder, config);
    let shared = Prepared::new(builder, backend, Some(decider), settings);
    Ok(PreparedClient { shared, sni: config.sni(), identity, sessions })
}

/// Where a client's sessions come from and go to.
fn client_sessions(builder: &mut SslContextBuilder, config: &ClientConfig) -> ClientSessions {
    let settings = config.protocol();
    if settings.resumption() == Some(false) {
        builder.set_options(SslOptions::NO_TICKET);
        builder.set_session_cache_mode(SslSessionCacheMode::OFF);
        return ClientSessions::None;
    }
    builder.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
    if let Some(store) = Store::of(settings, None) {
        collect_sessions(builder);
        return ClientSessions::Store(store);
    }
    builder.set_new_session_callback(|ssl, _session| {
        if let Some(new) = Connection::of(ssl).and_then(|connection| connection.new_sessions.as_ref())
            && let Some(session) = ffi::ResumableSession::of(ssl)
        {
            new.add(session);
        }
    });
    ClientSessions::Cache(Arc::new(SessionCache::new(config.session_cache_size())))
}

/// Leaves new sessions with their connection, for a store to keep.
fn collect_sessions(builder: &mut SslContextBuilder) {
    builder.set_new_session_callback(|ssl, session| {
        if let Some(sessions) = Connection::of(ssl).and_then(|connection| connection.stored_sessions.as_ref())
        {
            sessions.add(session);
        }
    });
}

pub(crate) fn server(
    backend: Arc<BackendInfo>,
    config: &ServerConfig,
) -> Result<PreparedServer, ConfigError> {
    let settings = config.protocol();
    let mut builder = context(SslMethod::tls_server(), settings)?;
    let identities = Identities::new(config.identities())?;
    if let Some(identity) = config.identity() {
        identities.parsed(identity)?.present_by_default(&mut builder).map_err(configuration)?;
    }
    builder
        .set_status_callback(|ssl| {
            let identity = Connection::of(ssl).and_then(|connection| connection.identity.clone());
            match identity.as_ref().and_then(|identity| identity.identity().ocsp_response()) {
                Some(response) => ssl.set_ocsp_status(response).map(|()| true),
                None => Ok(false),
            }
        })
        .map_err(configuration)?;
    let decider = authenticate_clients(&mut builder, config)?;
    // Said even where nothing is configured: else what a signer's identity signs with would be all that is accepted.
    let accepted = settings.signature_schemes().unwrap_or(SignatureScheme::NAMED);
    ffi::set_client_sigalgs_list(&mut builder, &list(accepted, SignatureScheme::name))
        .map_err(configuration)?;
    if !settings.alpn().is_empty() {
        let protocols = settings.alpn().to_vec();
        builder.set_alpn_select_callback(move |_, offered| {
            choose_protocol(&protocols, offered).ok_or(AlpnError::ALERT_FATAL)
        });
    }
    let (ticket_keys, store) = server_sessions(&mut builder, config).map_err(configuration)?;
    let renewed_tickets = renewed_tickets(config);
    let shared = Prepared::new(builder, backend, decider, settings);
    Ok(PreparedServer { shared, config: config.clone(), identities, renewed_tickets, ticket_keys, store })
}

/// OpenSSL dates a ticket of TLS 1.3 with the connection that brings it. Where clients are verified, their sessions
/// last from the handshake in which they were, so that no later one brings a ticket.
fn renewed_tickets(config: &ServerConfig) -> u8 {
    let verifies = config.client_authentication() != ClientAuthentication::None;
    if verifies || config.protocol().resumption() == Some(false) { 0 } else { config.tickets() }
}

fn authenticate_clients(
    builder: &mut SslContextBuilder,
    config: &ServerConfig,
) -> Result<Option<Decider>, ConfigError> {
    if config.client_authentication() == ClientAuthentication::None {
        builder.set_verify(SslVerifyMode::NONE);
        return Ok(None);
    }
    let decider = trust(builder, config.client_verifier(), config.client_trust().as_ref())?;
    let mandatory = config.client_authentication() == ClientAuthentication::Required;
    let missing = if mandatory { SslVerifyMode::FAIL_IF_NO_PEER_CERT } else { SslVerifyMode::empty() };
    builder.set_verify(SslVerifyMode::PEER | missing);
    Ok(Some(decider))
}

/// How a server's sessions are found again: tickets under keys of its own, or ids in a store.
fn server_sessions(
    builder: &mut SslContextBuilder,
    config: &ServerConfig,
) -> Result<(Option<Arc<TicketKeys>>, Option<Store>), ErrorStack> {
    let settings = config.protocol();
    ffi::set_session_lifetime(builder, config.session_lifetime().as_secs());
    let early_data = config.max_early_data();
    if early_data == 0 {
        // What a client sends on the word of an earlier configuration is passed over, as far as a handshake may go.
        let passed_over = u32::try_from(settings.handshake_size_limit()).unwrap_or(u32::MAX);
        ffi::set_recv_max_early_data(builder, passed_over)?;
    }
    if settings.resumption() == Some(false) {
        builder.set_session_cache_mode(SslSessionCacheMode::OFF);
        builder.set_options(SslOptions::NO_TICKET);
        builder.set_num_tickets(0)?;
        return Ok((None, None));
    }
    builder.set_num_tickets(config.tickets().into())?;
    let own = (early_data > 0).then(|| MemorySessionStore::new(SESSIONS_WITH_EARLY_DATA));
    let Some(store) = Store::of(settings, own) else {
        // Tickets only. A session kept here could be resumed by its id even if the verdict on its client, held
        // back until after the handshake, was a refusal; a ticket is not sent before the verdict.
        builder.set_session_cache_mode(SslSessionCacheMode::OFF);
        ffi::use_ticket_keys(builder)?;
        return Ok((Some(Arc::new(TicketKeys::new(config.session_lifetime())?)), None));
    };
    builder.set_options(SslOptions::NO_TICKET);
    builder.set_session_cache_mode(SslSessionCacheMode::SERVER | SslSessionCacheMode::NO_INTERNAL);
    ffi::look_up_sessions(builder);
    collect_sessions(builder);
    if early_data > 0 {
        builder.set_max_early_data(early_data)?;
        ffi::set_recv_max_early_data(builder, early_data)?;
        // RFC 8446 §8.1: a session is taken out of the store, and so no ticket is used twice.
        ffi::without_replay_protection(builder);
    }
    Ok((None, Some(store)))
}

impl Prepared {
    fn new(
        builder: SslContextBuilder,
        backend: Arc<BackendInfo>,
        decider: Option<Decider>,
        settings: &ProtocolSettings,
    ) -> Self {
        let record = settings.max_record_plaintext().unwrap_or(RECORD);
        let signing = SigningThreads::default();
        Self { context: builder.build(), backend, decider, record, signing }
    }
}

/// What client and server configure alike.
fn context(method: SslMethod, settings: &ProtocolSettings) -> Result<SslContextBuilder, ConfigError> {
    let mut builder = SslContextBuilder::new(method).map_err(configuration)?;
    builder.set_security_level(SECURITY_LEVEL.into());
    builder.set_verify_depth(MOST_INTERMEDIATES.into());
    // NO_AUTO_CHAIN: what is presented is the identity's chain, and no certificate found elsewhere.
    builder.set_mode(SslMode::AUTO_RETRY | SslMode::ACCEPT_MOVING_WRITE_BUFFER | SslMode::NO_AUTO_CHAIN);
    builder.set_read_ahead(true);
    builder.set_options(SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION);
    negotiate(&mut builder, settings).map_err(configuration)?;
    if let Some(bytes) = settings.max_record_plaintext() {
        ffi::set_max_send_fragment(&mut builder, bytes).map_err(configuration)?;
    }
    let log = settings.key_log().cloned();
    builder.set_keylog_callback(move |ssl, line| log_secret(ssl, log.as_deref(), line));
    Ok(builder)
}

fn negotiate(builder: &mut SslContextBuilder, settings: &ProtocolSettings) -> Result<(), ErrorStack> {
    builder.set_min_proto_version(Some(ssl_version(settings.lowest_version())))?;
    builder.set_max_proto_version(Some(ssl_version(settings.highest_version())))?;
    let suites = settings.cipher_suites().unwrap_or(&CipherSuite::DEFAULT);
    let tls12 = suite_list(suites, ProtocolVersion::Tls12);
    if !tls12.is_empty() {
        builder.set_cipher_list(&tls12)?;
    }
    let tls13 = suite_list(suites, ProtocolVersion::Tls13);
    if !tls13.is_empty() {
        builder.set_ciphersuites(&tls13)?;
    }
    let groups = list(settings.named_groups().unwrap_or(&NamedGroup::DEFAULT), NamedGroup::name);
    builder.set_groups_list(&with_key_shares(&groups)).or_else(|_| builder.set_groups_list(&groups))
}

/// The groups with an asterisk, known since OpenSSL 3.5, before those that a client sends a key share for: the first,
/// and beside a hybrid one the classical one that it contains, for servers that know no other.
fn with_key_shares(groups: &str) -> String {
    let shared = groups.replacen("x25519", "*x25519", usize::from(groups.starts_with(HYBRID)));
    format!("*{shared}")
}

fn ssl_version(version: ProtocolVersion) -> SslVersion {
    match version {
        ProtocolVersion::Tls12 => SslVersion::TLS1_2,
        _ => SslVersion::TLS1_3,
    }
}

/// The suites of one version in OpenSSL's notation.
fn suite_list(suites: &[CipherSuite], version: ProtocolVersion) -> String {
    let of_version = |suite: CipherSuite| suite.name().filter(|_| suite.version() == Some(version));
    list(suites, |suite| of_version(suite).map(cipher_name))
}

/// A list in OpenSSL's notation, in which nothing may stand twice.
pub(crate) fn list<T: Copy>(values: &[T], name: impl Fn(T) -> Option<&'static str>) -> String {
    let mut names = Vec::new();
    for name in values.iter().copied().filter_map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(":")
}

/// Restricts what servers sign with, and leaves alone what this client signs with.
fn accept_schemes_of_servers(
    builder: &mut SslContextBuilder,
    settings: &ProtocolSettings,
) -> Result<(), ErrorStack> {
    let Some(schemes) = settings.signature_schemes() else { return Ok(()) };
    ffi::set_client_sigalgs_list(builder, &list(SignatureScheme::NAMED, SignatureScheme::name))?;
    builder.set_sigalgs_list(&list(schemes, SignatureScheme::name))
}

/// RFC 7301 §3.1: each name after its length.
fn alpn_list(protocols: &[Vec<u8>]) -> Vec<u8> {
    let mut list = Vec::new();
    for protocol in protocols {
        // The configuration was checked: a name has 1 to 255 bytes.
        list.push(protocol.len() as u8);
        list.extend_from_slice(protocol);
    }
    list
}

/// The first of the server's protocols that the client offers.
fn choose_protocol<'a>(protocols: &[Vec<u8>], offered: &'a [u8]) -> Option<&'a [u8]> {
    protocols.iter().find_map(|protocol| offers(offered).find(|name| name == protocol))
}

fn offers(mut list: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (&length, rest) = list.split_first()?;
        let (name, rest) = rest.split_at_checked(length.into())?;
        list = rest;
        Some(name)
    })
}

/// A line of OpenSSL's, `LABEL RANDOM SECRET` with both in hexadecimal, to the connection's record layer and to the key
/// log, if the application has one.
fn log_secret(ssl: &SslRef, log: Option<&dyn KeyLog>, line: &str) {
    let Some((label, (random, secret))) =
        line.split_once(' ').and_then(|(label, rest)| Some((label, rest.split_once(' ')?)))
    else {
        return;
    };
    let is_kept = SeenSecrets::have(label);
    if !is_kept && log.is_none() {
        return;
    }
    let Some(secret) = bytes(secret) else { return };
    if is_kept {
        SeenSecrets::logged(ssl, label, &secret);
    }
    if let (Some(log), Some(random)) = (log, bytes(random)) {
        // A panic of the application's must not cross into C.
        let _ = catch_unwind(AssertUnwindSafe(|| log.log(label, &random, &secret)));
    }
}

fn bytes(hex: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let mut bytes = Zeroizing::new(vec![0; pairs.len()]);
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(high)? << 4 | digit(low)?;
    }
    rest.is_empty().then_some(bytes)
}

fn digit(hex: u8) -> Option<u8> {
    match hex {
        b'0'..=b'9' => Some(hex - b'0'),
        b'a'..=b'f' => Some(hex - b'a' + 10),
        b'A'..=b'F' => Some(hex - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_order_decides_on_the_protocol() {
        let names = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
        let offered = alpn_list(&names(&["http/1.1", "h2"]));
        assert_eq!(choose_protocol(&names(&["h2", "http/1.1"]), &offered), Some(b"h2".as_slice()));
        assert_eq!(choose_protocol(&names(&["h3"]), &offered), None);
        assert_eq!(choose_protocol(&names(&["h2"]), &offered[..offered.len() - 1]), None);
    }

    #[test]
    fn hexadecimal_is_read_whole_or_not_at_all() {
        assert_eq!(bytes("00fF").map(|bytes| bytes.to_vec()), Some(vec![0, 255]));
        assert!(bytes("0").is_none());
        assert!(bytes("0g").is_none());
    }
}
