//! What an instance of a backend can do, as data, and the one checker that holds a configuration against it.
//!
//! Naming: a `Vec` lists what can be negotiated; `*_choice` says that the application's own list and order
//! are honoured; a `bool` named as an option says that the option is honoured. A missing capability ends in
//! [`ConfigError::Unsupported`]; conformance proves both directions.

use crate::{
    CipherSuite, ClientAuthentication, ConfigError, ConfigOption, NamedGroup, ProtocolSettings,
    ProtocolVersion, Roots, SignatureScheme,
};

/// What one instance of a backend (library, version, build) can do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// As a client.
    pub client: ClientCapabilities,
    /// As a server.
    pub server: ServerCapabilities,
    /// The library's verifier can be used alone, and under another backend's handshake.
    pub verifier_alone: bool,
    /// Suites for which the library's record protection can be used alone.
    pub record_ciphers: Vec<CipherSuite>,
    /// A handshake hands out its record keys, so that another's record cipher may take over.
    pub record_keys: bool,
}

/// What both roles share.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleCapabilities {
    /// Versions that can be negotiated.
    pub versions: Vec<ProtocolVersion>,
    /// Suites that can be negotiated.
    pub cipher_suites: Vec<CipherSuite>,
    /// A list of suites is honoured.
    pub cipher_suite_choice: bool,
    /// Groups that can be negotiated.
    pub named_groups: Vec<NamedGroup>,
    /// A list of groups is honoured.
    pub named_group_choice: bool,
    /// Signature schemes that can be negotiated.
    pub signature_schemes: Vec<SignatureScheme>,
    /// A list of signature schemes is honoured.
    pub signature_scheme_choice: bool,
    /// Application protocols are negotiated.
    pub alpn: bool,
    /// A verifier of the application's decides.
    pub verifier: VerifierHook,
    /// Sessions are resumed.
    pub resumption: bool,
    /// Resumption can be forbidden.
    pub resumption_off: bool,
    /// Secrets can be logged.
    pub key_log: bool,
    /// The alert for a refused certificate is the one that [`CertificateError::alert`](crate::CertificateError::alert)
    /// names; where false, it is the library's own choice. A verdict that had to be awaited under
    /// [`VerifierHook::HeldBack`] comes too late for an alert: the peer sees a cut.
    pub exact_alerts: bool,
}

/// How a verifier of the application's is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifierHook {
    /// It cannot be.
    Unsupported,
    /// In place; where it has to wait, every byte is held back until it has answered.
    HeldBack,
    /// As an await in the middle of the handshake.
    Suspends,
}

/// What a backend can do as a client.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientCapabilities {
    /// What both roles share.
    pub role: RoleCapabilities,
    /// Sending the server's name can be turned off.
    pub sni_off: bool,
    /// Given roots replace every other.
    pub explicit_roots: bool,
    /// An identity can be presented.
    pub identity: bool,
}

/// What a backend can do as a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerCapabilities {
    /// What both roles share.
    pub role: RoleCapabilities,
    /// Ways of asking the client for a certificate, beside not asking.
    pub client_authentication: Vec<ClientAuthentication>,
}

impl RoleCapabilities {
    /// No capability at all: where a backend starts when it lists its own.
    pub fn none() -> Self {
        Self {
            versions: Vec::new(),
            cipher_suites: Vec::new(),
            cipher_suite_choice: false,
            named_groups: Vec::new(),
            named_group_choice: false,
            signature_schemes: Vec::new(),
            signature_scheme_choice: false,
            alpn: false,
            verifier: VerifierHook::Unsupported,
            resumption: false,
            resumption_off: false,
            key_log: false,
            exact_alerts: false,
        }
    }
}

impl Capabilities {
    /// No capability at all: where a backend starts when it lists its own.
    pub fn none() -> Self {
        Self {
            client: ClientCapabilities {
                role: RoleCapabilities::none(),
                sni_off: false,
                explicit_roots: false,
                identity: false,
            },
            server: ServerCapabilities { role: RoleCapabilities::none(), client_authentication: Vec::new() },
            verifier_alone: false,
            record_ciphers: Vec::new(),
            record_keys: false,
        }
    }
}

/// Collects the first option that a backend lacks.
struct Checker {
    backend: &'static str,
}

impl Checker {
    fn require(&self, supported: bool, option: ConfigOption) -> Result<(), ConfigError> {
        if supported { Ok(()) } else { Err(ConfigError::Unsupported { backend: self.backend, option }) }
    }

    fn require_choice<T: Copy + PartialEq>(
        &self,
        chosen: Option<&[T]>,
        choice: bool,
        offered: &[T],
        list: ConfigOption,
        item: fn(T) -> ConfigOption,
    ) -> Result<(), ConfigError> {
        let Some(chosen) = chosen else { return Ok(()) };
        self.require(choice, list)?;
        chosen.iter().try_for_each(|&value| self.require(offered.contains(&value), item(value)))
    }

    fn check_role(
        &self,
        settings: &ProtocolSettings,
        verifier: bool,
        role: &RoleCapabilities,
    ) -> Result<(), ConfigError> {
        for &version in settings.versions() {
            self.require(role.versions.contains(&version), ConfigOption::ProtocolVersion(version))?;
        }
        self.require_choice(
            settings.cipher_suites(),
            role.cipher_suite_choice,
            &role.cipher_suites,
            ConfigOption::CipherSuites,
            ConfigOption::CipherSuite,
        )?;
        self.require_choice(
            settings.named_groups(),
            role.named_group_choice,
            &role.named_groups,
            ConfigOption::NamedGroups,
            ConfigOption::NamedGroup,
        )?;
        self.require_choice(
            settings.signature_schemes(),
            role.signature_scheme_choice,
            &role.signature_schemes,
            ConfigOption::SignatureSchemes,
            ConfigOption::SignatureScheme,
        )?;
        self.require(settings.alpn().is_empty() || role.alpn, ConfigOption::Alpn)?;
        self.require(!verifier || role.verifier != VerifierHook::Unsupported, ConfigOption::Verifier)?;
        self.require(settings.resumption() != Some(true) || role.resumption, ConfigOption::ResumptionOn)?;
        self.require(
            settings.resumption() != Some(false) || role.resumption_off,
            ConfigOption::ResumptionOff,
        )?;
        self.require(settings.key_log().is_none() || role.key_log, ConfigOption::KeyLog)
    }
}

/// Holds a client's configuration against what its backend can do.
pub(crate) fn check_client(config: &crate::ClientConfig) -> Result<(), ConfigError> {
    let capabilities = &config.backend().capabilities().client;
    let checker = Checker { backend: config.backend().info().name };
    checker.check_role(config.protocol(), config.verifier().is_some(), &capabilities.role)?;
    checker.require(config.sni() || capabilities.sni_off, ConfigOption::SniOff)?;
    let os_roots = matches!(config.roots(), Roots::Os);
    checker.require(os_roots || capabilities.explicit_roots, ConfigOption::ExplicitRoots)?;
    checker.require(config.identity().is_none() || capabilities.identity, ConfigOption::ClientIdentity)
}

/// Holds a server's configuration against what its backend can do.
pub(crate) fn check_server(config: &crate::ServerConfig) -> Result<(), ConfigError> {
    let capabilities = &config.backend().capabilities().server;
    let checker = Checker { backend: config.backend().info().name };
    checker.check_role(config.protocol(), config.client_verifier().is_some(), &capabilities.role)?;
    let mode = config.client_authentication();
    checker.require(
        mode == ClientAuthentication::None || capabilities.client_authentication.contains(&mode),
        ConfigOption::ClientAuthentication(mode),
    )
}
