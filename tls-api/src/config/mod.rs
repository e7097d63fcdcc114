//! Configuration: every option with one meaning on every backend, honoured or refused, never ignored.

mod client;
mod record_sizing;
mod server;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use rustls_pki_types::CertificateRevocationListDer;

pub use self::{
    client::{ClientConfig, ClientConfigBuilder},
    record_sizing::RecordSizing,
    server::{ClientAuthentication, ServerConfig, ServerConfigBuilder},
};
use crate::{
    CertificateVerifier, CipherSuite, ConfigError, KeyLog, NamedGroup, ProtocolVersion, RevocationPolicy,
    RoleCapabilities, Roots, SessionScope, SessionStore, SignatureScheme, hook::ScopeDigest,
};

/// The time within which a handshake must end, unless the configuration says otherwise.
const HANDSHAKE_TIME_LIMIT: Duration = Duration::from_secs(10);

/// How many bytes a peer may send before the handshake must be complete, unless the configuration says otherwise:
/// more than any certificate chain needs, post-quantum ones included.
const HANDSHAKE_SIZE_LIMIT: usize = 256 * 1024;

/// The least that a limit on the size may be: a client's hello with a post-quantum key share, and a small chain.
const LEAST_HANDSHAKE_SIZE_LIMIT: usize = 8 * 1024;

/// RFC 8446 §5.1 allows 2^14 bytes of plaintext in a record; the least is RFC 6066's smallest of §4.
const RECORD_PLAINTEXT: std::ops::RangeInclusive<usize> = 512..=1 << 14;

/// What client and server configure alike.
#[derive(Clone, Debug)]
pub struct ProtocolSettings {
    /// The application's; the backend's own from when the builder is done.
    versions: Option<Vec<ProtocolVersion>>,
    cipher_suites: Option<Vec<CipherSuite>>,
    named_groups: Option<Vec<NamedGroup>>,
    signature_schemes: Option<Vec<SignatureScheme>>,
    alpn: Vec<Vec<u8>>,
    resumption: Option<bool>,
    session_store: Option<Arc<dyn SessionStore>>,
    session_scope: Option<SessionScope>,
    key_log: Option<Arc<dyn KeyLog>>,
    max_record_plaintext: Option<usize>,
    record_sizing: RecordSizing,
    handshake_time_limit: Option<Duration>,
    handshake_size_limit: usize,
}

impl Default for ProtocolSettings {
    fn default() -> Self {
        Self {
            versions: None,
            cipher_suites: None,
            named_groups: None,
            signature_schemes: None,
            alpn: Vec::new(),
            resumption: None,
            session_store: None,
            session_scope: None,
            key_log: None,
            max_record_plaintext: None,
            record_sizing: RecordSizing::default(),
            handshake_time_limit: Some(HANDSHAKE_TIME_LIMIT),
            handshake_size_limit: HANDSHAKE_SIZE_LIMIT,
        }
    }
}

impl ProtocolSettings {
    /// The versions that may be negotiated, at least one.
    pub fn versions(&self) -> &[ProtocolVersion] {
        self.versions.as_deref().unwrap_or_default()
    }

    /// The lowest version that may be negotiated.
    pub fn lowest_version(&self) -> ProtocolVersion {
        self.versions().iter().copied().min().unwrap_or(ProtocolVersion::Tls13)
    }

    /// The highest version that may be negotiated.
    pub fn highest_version(&self) -> ProtocolVersion {
        self.versions().iter().copied().max().unwrap_or(ProtocolVersion::Tls13)
    }

    /// The suites that may be negotiated, most wanted first; `None` for the platform's own list, where it takes no other.
    pub fn cipher_suites(&self) -> Option<&[CipherSuite]> {
        self.cipher_suites.as_deref()
    }

    /// The groups that may be negotiated, most wanted first; `None` for the platform's own list, where it takes no other.
    pub fn named_groups(&self) -> Option<&[NamedGroup]> {
        self.named_groups.as_deref()
    }

    /// The signature schemes accepted from the peer, most wanted first; `None` for the platform's own list, where it
    /// takes no other.
    pub fn signature_schemes(&self) -> Option<&[SignatureScheme]> {
        self.signature_schemes.as_deref()
    }

    /// The application protocols, most wanted first; empty for no ALPN.
    pub fn alpn(&self) -> &[Vec<u8>] {
        &self.alpn
    }

    /// Whether sessions are resumed: insisted on, forbidden, or (`None`) wherever the backend can.
    pub fn resumption(&self) -> Option<bool> {
        self.resumption
    }

    /// Where sessions are kept, where it is the application that says so.
    pub fn session_store(&self) -> Option<&Arc<dyn SessionStore>> {
        self.session_store.as_ref()
    }

    /// What the keys of all stored sessions of this configuration have in common; there with a store, and on a server
    /// that takes early data.
    pub fn session_scope(&self) -> Option<SessionScope> {
        self.session_scope
    }

    /// The most plaintext in one record that is sent, in bytes; `None` for as much as a record takes.
    pub fn max_record_plaintext(&self) -> Option<usize> {
        self.max_record_plaintext
    }

    /// How long the records are that are sent.
    pub fn record_sizing(&self) -> RecordSizing {
        self.record_sizing
    }

    /// Who is told the secrets.
    pub fn key_log(&self) -> Option<&Arc<dyn KeyLog>> {
        self.key_log.as_ref()
    }

    /// The time within which a handshake must end.
    pub fn handshake_time_limit(&self) -> Option<Duration> {
        self.handshake_time_limit
    }

    /// How many bytes a peer may send before the handshake must be complete.
    pub fn handshake_size_limit(&self) -> usize {
        self.handshake_size_limit
    }

    /// What both roles add to the scope of their sessions.
    fn add_to_scope(&self, scope: ScopeDigest) -> ScopeDigest {
        let codes = |codes: Option<Vec<u16>>| -> Vec<u8> {
            codes.into_iter().flatten().flat_map(u16::to_be_bytes).collect()
        };
        let versions = self.versions().iter().map(|version| version.code()).collect();
        let suites = self.cipher_suites().map(|suites| suites.iter().map(|suite| suite.code()).collect());
        let groups = self.named_groups().map(|groups| groups.iter().map(|group| group.code()).collect());
        let schemes = self.signature_schemes().map(|all| all.iter().map(|scheme| scheme.code()).collect());
        let scope = scope
            .with("versions", codes(Some(versions)))
            .with("suites", codes(suites))
            .with("groups", codes(groups))
            .with("schemes", codes(schemes));
        self.alpn().iter().fold(scope, |scope, protocol| scope.with("alpn", protocol))
    }

    /// Refuses what makes no sense anywhere, and takes the defaults where the application names nothing.
    fn finish(&mut self, role: &RoleCapabilities) -> Result<(), ConfigError> {
        self.refuse_nonsense(role)?;
        // What the application lists is checked; the default is only ever what the backend has.
        let versions = self.versions();
        let suites = CipherSuite::DEFAULT.into_iter().filter(|suite| {
            suite.version().is_some_and(|version| versions.contains(&version))
                && role.cipher_suites.contains(suite)
        });
        let suites = suites.collect();
        take_default(&mut self.cipher_suites, role.cipher_suite_choice, suites);
        let groups = NamedGroup::DEFAULT.into_iter().filter(|group| role.named_groups.contains(group));
        take_default(&mut self.named_groups, role.named_group_choice, groups.collect());
        let schemes =
            SignatureScheme::DEFAULT.into_iter().filter(|scheme| role.signature_schemes.contains(scheme));
        take_default(&mut self.signature_schemes, role.signature_scheme_choice, schemes.collect());
        Ok(())
    }

    fn refuse_nonsense(&mut self, role: &RoleCapabilities) -> Result<(), ConfigError> {
        let versions = self.versions.get_or_insert_with(|| role.versions.clone());
        let invalid = |option, reason: &str| Err(ConfigError::Invalid { option, reason: reason.into() });
        if versions.is_empty() {
            return invalid("protocol_versions", "the list is empty; leave it unset for the default");
        }
        if self.cipher_suites.as_ref().is_some_and(Vec::is_empty) {
            return invalid("cipher_suites", "the list is empty; leave it unset for the default");
        }
        if let Some(suites) = &self.cipher_suites {
            for version in versions.iter() {
                if !suites.iter().any(|suite| suite.version() == Some(*version)) {
                    let reason = format!("no suite for {version}; add one, or leave the version out");
                    return Err(ConfigError::Invalid { option: "cipher_suites", reason });
                }
            }
        }
        if self.named_groups.as_ref().is_some_and(Vec::is_empty) {
            return invalid("named_groups", "the list is empty; leave it unset for the default");
        }
        if self.signature_schemes.as_ref().is_some_and(Vec::is_empty) {
            return invalid("signature_schemes", "the list is empty; leave it unset for the default");
        }
        if self.alpn.iter().any(|protocol| protocol.is_empty() || protocol.len() > 255) {
            return invalid("alpn", "a protocol has 1 to 255 bytes (RFC 7301 §3.1)");
        }
        if self.max_record_plaintext.is_some_and(|most| !RECORD_PLAINTEXT.contains(&most)) {
            return invalid("max_record_plaintext", "a record carries 512 to 16384 bytes (RFC 8446 §5.1)");
        }
        if self.session_store.is_some() && self.resumption == Some(false) {
            return invalid("session_store", "it is set, but resumption is forbidden; leave one of them out");
        }
        if self.handshake_size_limit < LEAST_HANDSHAKE_SIZE_LIMIT {
            return invalid("handshake_size_limit", "less than 8 KiB holds no handshake");
        }
        if self.handshake_time_limit == Some(Duration::ZERO) {
            return invalid("handshake_time_limit", "it is zero, so that no handshake could end within it");
        }
        Ok(())
    }
}

/// The default list, where the application has none and the backend takes one at all.
fn take_default<T>(list: &mut Option<Vec<T>>, choice: bool, default: Vec<T>) {
    if list.is_none() && choice && !default.is_empty() {
        *list = Some(default);
    }
}

/// What trust adds to the scope of sessions: no looser policy resumes the session of a stricter one.
fn add_trust_to_scope(
    scope: ScopeDigest,
    verifier: Option<&Arc<dyn CertificateVerifier>>,
    roots: Option<&Roots>,
    revocation: Option<&RevocationPolicy>,
) -> Result<ScopeDigest, ConfigError> {
    static CONFIGURATIONS: AtomicU64 = AtomicU64::new(0);
    if verifier.is_some() {
        // Nobody knows what it checks, so its sessions are those of this one configuration, in this one process.
        let unique = (std::process::id(), SystemTime::now(), CONFIGURATIONS.fetch_add(1, Ordering::Relaxed));
        return Ok(scope.with("verifier", format!("{unique:?}")));
    }
    let Some(roots) = roots else { return Ok(scope) };
    let scope = roots.certificates()?.iter().fold(scope, |scope, root| scope.with("root", root));
    // Unset is one thing with one engine, and the scope says which.
    let Some(policy) = revocation else { return Ok(scope) };
    let scope = scope.with("revocation", format!("{:?}", policy.mode));
    Ok(policy.crls.iter().fold(scope, |scope, crl| scope.with("crl", crl)))
}

/// Lists alone are a policy: every certificate must be covered by one.
fn take_crls(policy: &mut Option<RevocationPolicy>, crls: Vec<CertificateRevocationListDer<'static>>) {
    if !crls.is_empty() {
        *policy = Some(RevocationPolicy::hard_fail().with_crls(crls));
    }
}

/// The setters that both builders have, documented once.
macro_rules! protocol_setters {
    () => {
        /// The protocol versions that may be negotiated. Default: TLS 1.2 and TLS 1.3, as far
        /// as the backend has them; Secure Transport lacks TLS 1.3.
        pub fn protocol_versions(
            mut self,
            versions: impl IntoIterator<Item = crate::ProtocolVersion>,
        ) -> Self {
            self.config.protocol.versions = Some(versions.into_iter().collect());
            self
        }

        /// The cipher suites that may be negotiated, most wanted first; one at least for each version.
        ///
        /// Default: [`CipherSuite::DEFAULT`](crate::CipherSuite::DEFAULT), as far as the backend has them; the platform's
        /// own list where the backend takes no other. A client offers them in this order, and a server takes the
        /// first of the client's that it may.
        pub fn cipher_suites(mut self, suites: impl IntoIterator<Item = crate::CipherSuite>) -> Self {
            self.config.protocol.cipher_suites = Some(suites.into_iter().collect());
            self
        }

        /// The groups that may be negotiated, most wanted first.
        ///
        /// Default: [`NamedGroup::DEFAULT`](crate::NamedGroup::DEFAULT), as far as the backend has them; the platform's own
        /// list where the backend takes no other. A client sends a key share for the first; a server that allows a group
        /// with a share takes it, whatever its own order, and asks for another hello only where it allows none.
        ///
        /// In TLS 1.2 a client's list also says which curves a server's ECDSA certificate may have (RFC 8422 §5.1);
        /// OpenSSL and builtin hold to that, rustls does not.
        pub fn named_groups(mut self, groups: impl IntoIterator<Item = crate::NamedGroup>) -> Self {
            self.config.protocol.named_groups = Some(groups.into_iter().collect());
            self
        }

        /// The signature schemes accepted from the peer, most wanted first.
        ///
        /// Default: [`SignatureScheme::DEFAULT`](crate::SignatureScheme::DEFAULT), as far as the backend has them; the
        /// platform's own list where the backend takes no other.
        pub fn signature_schemes(
            mut self,
            schemes: impl IntoIterator<Item = crate::SignatureScheme>,
        ) -> Self {
            self.config.protocol.signature_schemes = Some(schemes.into_iter().collect());
            self
        }

        /// The application protocols (RFC 7301), most wanted first. Default: none, no ALPN.
        ///
        /// The server's order decides. Where both sides name protocols and have none in common, the
        /// handshake fails with `no_application_protocol`.
        pub fn alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
            self.config.protocol.alpn = protocols.into_iter().map(Into::into).collect();
            self
        }

        /// Insists on session resumption being offered (`true`) or forbids it (`false`).
        ///
        /// Default: sessions are resumed wherever the backend can. Without a
        /// [`session_store`](Self::session_store) they are kept in memory, with this configuration: no other one,
        /// and no other backend, ever sees them.
        pub fn resumption(mut self, on: bool) -> Self {
            self.config.protocol.resumption = Some(on);
            self
        }

        /// Keeps sessions in a store of the application's. Default: in memory, with this configuration.
        ///
        /// A server with a store gives out ids for tickets, and keeps the sessions themselves there.
        pub fn session_store(mut self, store: std::sync::Arc<dyn crate::SessionStore>) -> Self {
            self.config.protocol.session_store = Some(store);
            self
        }

        /// The most plaintext in one record that is sent: 512 to 16384 bytes. Default: 16384.
        ///
        /// Small records reach the peer's application sooner; large ones cost less. What the peer sends is its own
        /// choice, up to what RFC 8446 §5.1 allows.
        pub fn max_record_plaintext(mut self, bytes: usize) -> Self {
            self.config.protocol.max_record_plaintext = Some(bytes);
            self
        }

        /// How long the records are that are sent. Default: [`RecordSizing::SmallFirst`](crate::RecordSizing::SmallFirst).
        pub fn record_sizing(mut self, sizing: crate::RecordSizing) -> Self {
            self.config.protocol.record_sizing = sizing;
            self
        }

        /// Hands every secret to a key log. Whoever has them reads the connection. Default: none.
        pub fn key_log(mut self, key_log: std::sync::Arc<dyn crate::KeyLog>) -> Self {
            self.config.protocol.key_log = Some(key_log);
            self
        }

        /// The time within which a handshake must end. Default: 10 seconds.
        pub fn handshake_time_limit(mut self, limit: std::time::Duration) -> Self {
            self.config.protocol.handshake_time_limit = Some(limit);
            self
        }

        /// How many bytes the peer may send before the handshake must be complete, at least 8 KiB. Default: 256 KiB.
        ///
        /// More ends the handshake with [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded). Early data that
        /// a server takes comes on top.
        pub fn handshake_size_limit(mut self, bytes: usize) -> Self {
            self.config.protocol.handshake_size_limit = bytes;
            self
        }

        /// Lets a handshake take for ever, so that a silent peer holds a connection open.
        pub fn danger_no_handshake_time_limit(mut self) -> Self {
            self.config.protocol.handshake_time_limit = None;
            self
        }
    };
}
pub(crate) use protocol_setters;
