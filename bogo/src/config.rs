//! polytls configurations from the runner's settings.

use std::{sync::Arc, time::Duration};

use polytls::{
    Backend, CipherSuite, ClientAuthentication, ClientConfig, ClientConfigBuilder, Identity, NamedGroup,
    ProtocolVersion, RecordSizing, ServerConfig, ServerConfigBuilder, ServerName, TlsAcceptor, TlsConnector,
};

use crate::{
    backend,
    credential::named,
    hooks::{Live, Resolver, Sessions, Verifier},
    options::{Credential, ServerSessions, Settings},
    report::Failure,
    selection::Candidate,
};

/// Longer than the runner waits for anything.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// As much early data as BoringSSL takes.
const MAX_EARLY_DATA: u32 = 14_336;

/// The name under which a client's sessions are kept where the runner names no server.
const UNNAMED: &str = "unnamed.example";

/// A prepared side of connections, with the settings that it is for.
pub(crate) struct Prepared {
    pub(crate) settings: Settings,
    pub(crate) side: Side,
    /// The store of its sessions; `None` where they are the backend's own affair.
    pub(crate) sessions: Option<Arc<Sessions>>,
}

pub(crate) enum Side {
    Client(TlsConnector, ServerName),
    Server(TlsAcceptor),
}

impl Prepared {
    /// A side over the backend of this name.
    pub(crate) fn new(backend: Option<&str>, settings: &Settings, live: &Live) -> Result<Self, Failure> {
        let backend = &backend::backend(backend, settings)?;
        let sessions = Arc::new(Sessions::new(settings.suspends));
        let (side, sessions) = if settings.server {
            let config = server(backend, settings, live, &sessions)?;
            (Side::Server(TlsAcceptor::new(&config)?), keeps_in_store(settings).then_some(sessions))
        } else {
            let config = client(backend, settings, live, &sessions)?;
            let name = settings.host_name.as_deref().unwrap_or(UNNAMED).parse()?;
            let keeps = !settings.no_ticket;
            (Side::Client(TlsConnector::new(&config)?, name), keeps.then_some(sessions))
        };
        Ok(Self { settings: settings.clone(), side, sessions })
    }
}

/// What client and server configure alike.
macro_rules! with_protocol {
    ($builder:ident, $settings:ident) => {
        let versions = versions($settings)?;
        $builder = $builder.protocol_versions(versions.clone()).handshake_time_limit(TIME_LIMIT);
        // The runner counts records, and knows how long they are.
        $builder = $builder.record_sizing(RecordSizing::Full);
        if let Some(suites) = cipher_suites($settings)? {
            let for_version = |suite: &CipherSuite| suite.version().is_some_and(|v| versions.contains(&v));
            $builder = $builder.cipher_suites(suites.into_iter().filter(for_version));
        }
        if let Some(groups) = named_groups($settings) {
            $builder = $builder.named_groups(groups);
        }
        if let Some(bytes) = $settings.max_send_fragment {
            $builder = $builder.max_record_plaintext(bytes);
        }
        if $settings.no_ticket {
            $builder = $builder.resumption(false);
        }
        let schemes = match $settings.policy {
            Some(policy) => policy.signature_schemes().to_vec(),
            None => named(&$settings.verify_prefs)?,
        };
        if !schemes.is_empty() {
            $builder = $builder.signature_schemes(schemes);
        }
    };
}

fn client(
    backend: &Arc<dyn Backend>,
    settings: &Settings,
    live: &Live,
    sessions: &Arc<Sessions>,
) -> Result<ClientConfig, Failure> {
    if settings.fail_resolver {
        return Err(Failure::Unimplemented("a hook that chooses a client's certificate".into()));
    }
    let mut builder: ClientConfigBuilder = ClientConfig::builder(backend.clone());
    with_protocol!(builder, settings);
    builder = builder
        .sni(settings.host_name.is_some())
        .alpn(protocols(&settings.advertise_alpn))
        .early_data(settings.early_data && !settings.no_ticket)
        .verifier(verifier(settings, live))
        .key_log(Arc::new(live.clone()));
    if !settings.no_ticket {
        builder = builder.session_store(sessions.clone());
    }
    match &*given(settings) {
        [] => {}
        [credential] => builder = builder.identity(credential.identity(settings, false)?),
        _ => return Err(Failure::Unimplemented("a choice of client certificates".into())),
    }
    Ok(builder.build()?)
}

fn server(
    backend: &Arc<dyn Backend>,
    settings: &Settings,
    live: &Live,
    sessions: &Arc<Sessions>,
) -> Result<ServerConfig, Failure> {
    let credentials = given(settings);
    let behind_hook = credentials.len() > 1;
    let identities: Vec<Identity> =
        credentials.iter().map(|one| one.identity(settings, behind_hook)).collect::<Result<_, _>>()?;
    let Some(first) = identities.first().cloned() else {
        return Err(Failure::Unimplemented("a server without a certificate".into()));
    };
    let mut builder: ServerConfigBuilder = ServerConfig::builder(backend.clone(), first);
    with_protocol!(builder, settings);
    let newest = versions(settings)?.into_iter().max().unwrap_or(ProtocolVersion::Tls13);
    let candidates = identities.into_iter().map(|one| Candidate::new(one, settings, newest)).collect();
    builder = builder.key_log(Arc::new(live.clone())).alpn(server_protocols(settings));
    if behind_hook || settings.suspends || settings.fail_resolver {
        let (suspends, fails) = (settings.suspends, settings.fail_resolver);
        builder = builder.resolver(Arc::new(Resolver { suspends, fails, candidates }));
    }
    if settings.early_data && !settings.no_ticket {
        builder = builder.max_early_data(MAX_EARLY_DATA);
    }
    if keeps_in_store(settings) {
        builder = builder.session_store(sessions.clone());
    }
    let mode = client_authentication(settings);
    if mode != ClientAuthentication::None {
        builder = builder.client_authentication(mode).client_verifier(verifier(settings, live));
    }
    Ok(builder.build()?)
}

/// Whether a server's sessions are in a store of the shim's.
fn keeps_in_store(settings: &Settings) -> bool {
    !settings.no_ticket
        && match settings.server_sessions {
            ServerSessions::AsHooks => settings.suspends,
            ServerSessions::Tickets => false,
            ServerSessions::Store => true,
        }
}

fn verifier(settings: &Settings, live: &Live) -> Arc<Verifier> {
    let refusals_matter = settings.verify_peer || settings.require_client_certificate;
    Arc::new(Verifier { live: live.clone(), suspends: settings.suspends, refusals_matter })
}

fn client_authentication(settings: &Settings) -> ClientAuthentication {
    if settings.require_client_certificate && !settings.verify_peer {
        ClientAuthentication::Required
    } else if settings.verify_peer {
        ClientAuthentication::Optional
    } else {
        ClientAuthentication::None
    }
}

/// The credentials in the order in which BoringSSL looks at them: that of the older functions comes last.
pub(crate) fn given(settings: &Settings) -> Vec<Credential> {
    let all = settings.credentials.iter().chain([&settings.default_credential]);
    all.filter(|credential| credential.is_given()).cloned().collect()
}

/// The versions that are left, of those that polytls speaks.
pub(crate) fn versions(settings: &Settings) -> Result<Vec<ProtocolVersion>, Failure> {
    let lowest = settings.min_version.unwrap_or(0);
    let highest = settings.max_version.unwrap_or(u16::MAX);
    let versions = ProtocolVersion::ALL.into_iter().filter(|version| {
        (lowest..=highest).contains(&version.code()) && !settings.excluded_versions.contains(version)
    });
    let versions: Vec<_> = versions.collect();
    if versions.is_empty() {
        return Err(Failure::Unimplemented("none but versions that polytls never speaks".into()));
    }
    Ok(versions)
}

/// The suites of a policy, or of BoringSSL's `-cipher` as far as it lists whole names.
fn cipher_suites(settings: &Settings) -> Result<Option<Vec<CipherSuite>>, Failure> {
    if let Some(policy) = settings.policy {
        return Ok(Some(policy.cipher_suites().to_vec()));
    }
    let Some(list) = &settings.cipher else { return Ok(None) };
    let find = |name: &str| {
        let known = CipherSuite::NAMED.iter().copied().find(|suite| suite.name() == Some(name));
        known.ok_or_else(|| Failure::Unimplemented(format!("-cipher {list}")))
    };
    let mut suites: Vec<_> = list.split(':').map(find).collect::<Result<_, _>>()?;
    // BoringSSL's list is about TLS 1.2 alone.
    let tls13 =
        CipherSuite::DEFAULT.into_iter().filter(|suite| suite.version() == Some(ProtocolVersion::Tls13));
    suites.extend(tls13);
    Ok(Some(suites))
}

fn named_groups(settings: &Settings) -> Option<Vec<NamedGroup>> {
    match settings.policy {
        Some(policy) => Some(policy.named_groups().to_vec()),
        None if settings.curves.is_empty() => None,
        None => Some(settings.curves.iter().copied().map(NamedGroup::from_code).collect()),
    }
}

/// A list of protocols from its encoding (RFC 7301 §3.1).
fn protocols(mut encoded: &[u8]) -> Vec<Vec<u8>> {
    let mut protocols = Vec::new();
    while let Some((length, rest)) = encoded.split_first() {
        let Some((protocol, rest)) = rest.split_at_checked(usize::from(*length)) else { break };
        protocols.push(protocol.to_vec());
        encoded = rest;
    }
    protocols
}

fn server_protocols(settings: &Settings) -> Vec<Vec<u8>> {
    if settings.reject_alpn {
        // What no client of the runner's offers.
        return vec![b"nothing in common".to_vec()];
    }
    Some(settings.select_alpn.clone()).filter(|protocol| !protocol.is_empty()).into_iter().collect()
}
