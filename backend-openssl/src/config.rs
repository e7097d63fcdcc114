//! polytls's configuration as an `SSL_CTX`.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use openssl::{
    error::ErrorStack,
    pkey::PKey,
    ssl::{
        AlpnError, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode,
        SslVerifyMode, SslVersion, select_next_proto,
    },
    x509::X509,
};
use polytls_api::{
    CertificateVerifier, CipherSuite, ClientAuthentication, ClientConfig, ConfigError, Identity, KeyLog,
    NamedGroup, ProtocolSettings, ProtocolVersion, ServerConfig, ServerName,
};

use crate::{
    error::configuration,
    ffi::{self, BoundSession},
    verifier::{store, verification_index},
};

/// How many servers a client remembers sessions of, and how many of each (RFC 8446 §4.6.1: each is used once).
const REMEMBERED_SERVERS: usize = 256;
const SESSIONS_PER_SERVER: usize = 8;

/// What every connection of one configuration shares.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) context: SslContext,
    pub(crate) verifier: Option<Arc<dyn CertificateVerifier>>,
    pub(crate) sni: bool,
    /// On a client that resumes.
    pub(crate) sessions: Option<Arc<ClientSessions>>,
}

pub(crate) fn client(config: &ClientConfig) -> Result<Prepared, ConfigError> {
    let settings = config.protocol();
    let mut context = context(SslMethod::tls_client(), settings)?;
    context.set_verify(SslVerifyMode::PEER);
    if config.verifier().is_none() {
        context.set_cert_store(store(config.roots())?);
    }
    if let Some(identity) = config.identity() {
        present(&mut context, identity)?;
    }
    if !settings.alpn().is_empty() {
        context.set_alpn_protos(&alpn_wire(settings.alpn())).map_err(configuration)?;
    }
    if let Some(schemes) = settings.signature_schemes() {
        let names: Vec<_> = schemes.iter().filter_map(|scheme| scheme.name()).collect();
        context.set_sigalgs_list(&names.join(":")).map_err(configuration)?;
    }
    let sessions = remember_sessions(&mut context, settings);
    Ok(Prepared {
        context: context.build(),
        verifier: config.verifier().cloned(),
        sni: config.sni(),
        sessions,
    })
}

pub(crate) fn server(config: &ServerConfig) -> Result<Prepared, ConfigError> {
    let settings = config.protocol();
    let mut context = context(SslMethod::tls_server(), settings)?;
    present(&mut context, config.identity())?;
    context.set_verify(match config.client_authentication() {
        ClientAuthentication::None => SslVerifyMode::NONE,
        ClientAuthentication::Optional => SslVerifyMode::PEER,
        ClientAuthentication::Required => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
    });
    if let (Some(roots), None) = (config.client_roots(), config.client_verifier()) {
        context.set_cert_store(store(roots)?);
    }
    if !settings.alpn().is_empty() {
        choose_alpn(&mut context, alpn_wire(settings.alpn()));
    }
    // Tickets only: nothing is kept for a client, and nothing of a client that is refused after all.
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    context.set_session_id_context(b"polytls").map_err(configuration)?;
    if settings.resumption() == Some(false) {
        context.set_options(SslOptions::NO_TICKET);
        context.set_num_tickets(0).map_err(configuration)?;
    }
    let verifier = config.client_verifier().cloned();
    Ok(Prepared { context: context.build(), verifier, sni: false, sessions: None })
}

/// What both roles share.
fn context(method: SslMethod, settings: &ProtocolSettings) -> Result<SslContextBuilder, ConfigError> {
    let mut context = SslContext::builder(method).map_err(configuration)?;
    context.set_mode(
        SslMode::AUTO_RETRY
            | SslMode::ACCEPT_MOVING_WRITE_BUFFER
            | SslMode::ENABLE_PARTIAL_WRITE
            | SslMode::RELEASE_BUFFERS,
    );
    context.set_options(
        SslOptions::NO_COMPRESSION | SslOptions::NO_RENEGOTIATION | SslOptions::CIPHER_SERVER_PREFERENCE,
    );
    context.set_min_proto_version(Some(version(settings.lowest_version()))).map_err(configuration)?;
    context.set_max_proto_version(Some(version(settings.highest_version()))).map_err(configuration)?;
    set_suites(&mut context, settings.cipher_suites().unwrap_or(CipherSuite::NAMED))
        .map_err(configuration)?;
    match settings.named_groups() {
        Some(groups) => context.set_groups_list(&group_names(groups)).map_err(configuration)?,
        None => context.set_groups_list(&group_names(&supported_groups())).map_err(configuration)?,
    }
    if let Some(log) = settings.key_log().cloned() {
        context.set_keylog_callback(move |_, line| log_line(&*log, line));
    }
    ffi::decide_on_chains(&mut context);
    Ok(context)
}

fn version(version: ProtocolVersion) -> SslVersion {
    match version {
        ProtocolVersion::Tls12 => SslVersion::TLS1_2,
        _ => SslVersion::TLS1_3,
    }
}

fn set_suites(context: &mut SslContextBuilder, suites: &[CipherSuite]) -> Result<(), ErrorStack> {
    let of = |version| suites.iter().filter(move |suite| suite.version() == Some(version));
    let tls13: Vec<_> = of(ProtocolVersion::Tls13).filter_map(|suite| suite.name()).collect();
    let tls12: Vec<_> =
        of(ProtocolVersion::Tls12).filter_map(|suite| suite.name()).map(openssl::ssl::cipher_name).collect();
    context.set_ciphersuites(&tls13.join(":"))?;
    if tls12.is_empty() { Ok(()) } else { context.set_cipher_list(&tls12.join(":")) }
}

/// The groups that this build of OpenSSL has, most wanted first.
pub(crate) fn supported_groups() -> Vec<NamedGroup> {
    let wanted = [
        NamedGroup::X25519MLKEM768,
        NamedGroup::X25519,
        NamedGroup::SECP256R1,
        NamedGroup::SECP384R1,
        NamedGroup::SECP521R1,
    ];
    let Ok(mut probe) = SslContext::builder(SslMethod::tls()) else { return Vec::new() };
    wanted.into_iter().filter(|group| probe.set_groups_list(&group_names(&[*group])).is_ok()).collect()
}

fn group_names(groups: &[NamedGroup]) -> String {
    let name = |group: &NamedGroup| match *group {
        NamedGroup::SECP256R1 => "P-256",
        NamedGroup::SECP384R1 => "P-384",
        NamedGroup::SECP521R1 => "P-521",
        NamedGroup::X25519 => "X25519",
        other => other.name().unwrap_or_default(),
    };
    groups.iter().map(name).collect::<Vec<_>>().join(":")
}

fn present(context: &mut SslContextBuilder, identity: &Identity) -> Result<(), ConfigError> {
    let malformed =
        |error| ConfigError::Certificates { reason: format!("a certificate is malformed: {error}") };
    let (end_entity, intermediates) = identity
        .chain()
        .split_first()
        .ok_or_else(|| ConfigError::Certificates { reason: "the chain is empty".into() })?;
    context.set_certificate(&*X509::from_der(end_entity).map_err(malformed)?).map_err(configuration)?;
    for certificate in intermediates {
        context
            .add_extra_chain_cert(X509::from_der(certificate).map_err(malformed)?)
            .map_err(configuration)?;
    }
    let key = PKey::private_key_from_der(identity.key().secret_der())
        .map_err(|error| ConfigError::PrivateKey { reason: format!("OpenSSL cannot read it: {error}") })?;
    context.set_private_key(&key).map_err(configuration)?;
    context.check_private_key().map_err(configuration)
}

/// RFC 7301 §3.1: each protocol after its length.
fn alpn_wire(protocols: &[Vec<u8>]) -> Vec<u8> {
    protocols
        .iter()
        .flat_map(|protocol| std::iter::once(protocol.len() as u8).chain(protocol.iter().copied()))
        .collect()
}

/// RFC 7301 §3.2: the server's order decides, and nothing in common ends the handshake.
fn choose_alpn(context: &mut SslContextBuilder, ours: Vec<u8>) {
    context.set_alpn_select_callback(move |_, theirs| {
        let chosen = select_next_proto(&ours, theirs).ok_or(AlpnError::ALERT_FATAL)?;
        // The answer must borrow from what the client sent.
        theirs.windows(chosen.len()).find(|candidate| *candidate == chosen).ok_or(AlpnError::ALERT_FATAL)
    });
}

/// `LABEL client_random secret`, both in hexadecimal.
fn log_line(log: &dyn KeyLog, line: &str) {
    let mut parts = line.split(' ');
    if let (Some(label), Some(random), Some(secret)) = (parts.next(), parts.next(), parts.next())
        && let (Some(random), Some(secret)) = (unhex(random), unhex(secret))
    {
        log.log(label, &random, &zeroize::Zeroizing::new(secret));
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks_exact(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn remember_sessions(
    context: &mut SslContextBuilder,
    settings: &ProtocolSettings,
) -> Option<Arc<ClientSessions>> {
    if settings.resumption() == Some(false) {
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
        context.set_options(SslOptions::NO_TICKET);
        return None;
    }
    let sessions = Arc::new(ClientSessions::default());
    context.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
    let remember = sessions.clone();
    context.set_new_session_callback(move |ssl, session| {
        let verification = verification_index().ok().and_then(|index| ssl.ex_data(index));
        if let Some(name) = verification.and_then(|verification| verification.server_name.clone()) {
            remember.insert(name, BoundSession::new(ssl, session));
        }
    });
    Some(sessions)
}

/// A client's sessions by server, the newest first to be offered and each offered once.
#[derive(Default)]
pub(crate) struct ClientSessions(Mutex<HashMap<ServerName, VecDeque<BoundSession>>>);

impl ClientSessions {
    fn insert(&self, name: ServerName, session: BoundSession) {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if servers.len() >= REMEMBERED_SERVERS && !servers.contains_key(&name) {
            // Any will do: the table is full of servers that nobody came back to.
            if let Some(forgotten) = servers.keys().next().cloned() {
                servers.remove(&forgotten);
            }
        }
        let sessions = servers.entry(name).or_default();
        sessions.truncate(SESSIONS_PER_SERVER - 1);
        sessions.push_front(session);
    }

    /// Takes the newest session with this server.
    pub(crate) fn take(&self, name: &ServerName) -> Option<BoundSession> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = servers.get_mut(name)?;
        let session = sessions.pop_front();
        if sessions.is_empty() {
            servers.remove(name);
        }
        session
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpn_goes_on_the_wire_after_its_length() {
        assert_eq!(alpn_wire(&[b"h2".to_vec(), b"http/1.1".to_vec()]), b"\x02h2\x08http/1.1");
    }

    #[test]
    fn a_key_log_line_is_read_or_dropped_whole() {
        assert_eq!(unhex("00ff"), Some(vec![0, 255]));
        assert_eq!(unhex("0g"), None);
    }
}
