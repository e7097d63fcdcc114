//! The two backends of a run, and the one place that holds a refusal against what a backend declares.

use std::{fmt, sync::Arc};

use polytls_api::{
    Backend, Capabilities, ClientAuthentication, ConfigError, ConfigOption, Hook, ProtocolVersion,
    RoleCapabilities,
};

use crate::{
    behaviour::{Stop, ensure, failed},
    pki::Key,
};

/// A client's backend and a server's.
#[derive(Clone)]
#[non_exhaustive]
pub struct Pair {
    /// Runs the client.
    pub client: Arc<dyn Backend>,
    /// Runs the server.
    pub server: Arc<dyn Backend>,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Pair {
    /// A pair of two backends.
    pub fn new(client: impl Backend, server: impl Backend) -> Self {
        Self::from_arcs(Arc::new(client), Arc::new(server))
    }

    /// A pair of two backends that are shared already.
    pub fn from_arcs(client: Arc<dyn Backend>, server: Arc<dyn Backend>) -> Self {
        Self { client, server }
    }

    /// The versions that both can speak, lowest first.
    pub(crate) fn versions(&self) -> Result<Vec<ProtocolVersion>, Stop> {
        let (client, server) = (&self.role(Side::Client).versions, &self.role(Side::Server).versions);
        let common: Vec<_> = ProtocolVersion::ALL
            .into_iter()
            .filter(|version| client.contains(version) && server.contains(version))
            .collect();
        ensure(!common.is_empty(), || "the backends declare no version that both can speak".into())?;
        Ok(common)
    }

    pub(crate) fn backend(&self, side: Side) -> &Arc<dyn Backend> {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    /// What both roles declare, of the role that the backend plays here.
    pub(crate) fn role(&self, side: Side) -> &RoleCapabilities {
        match side {
            Side::Client => &self.client.capabilities().client.role,
            Side::Server => &self.server.capabilities().server.role,
        }
    }

    /// What is offered by both, in the client's order.
    pub(crate) fn common<T: Copy + PartialEq>(&self, list: fn(&RoleCapabilities) -> &Vec<T>) -> Vec<T> {
        let server = list(self.role(Side::Server));
        list(self.role(Side::Client)).iter().copied().filter(|item| server.contains(item)).collect()
    }

    /// Whether both have the scheme of such a key.
    ///
    /// A backend that cannot list its schemes must still have what everybody has (RFC 8446 §9.1).
    pub(crate) fn both_sign(&self, key: Key) -> bool {
        let common = matches!(key, Key::P256 | Key::Rsa2048);
        [Side::Client, Side::Server].into_iter().all(|side| {
            let schemes = &self.role(side).signature_schemes;
            schemes.contains(&key.schemes()[0]) || (schemes.is_empty() && common)
        })
    }

    /// Whether the backend of this side declares the option.
    pub(crate) fn declares(&self, side: Side, option: &ConfigOption) -> bool {
        declares(self.backend(side).capabilities(), side, option)
    }

    /// Goes on if what was built, needing these options, ended as the backend declares.
    ///
    /// It declares them all: it must be built. It lacks one: it must be refused with just that option, and the
    /// behaviour ends there, as refused.
    pub(crate) fn expect_supported_or_refused<T>(
        &self,
        side: Side,
        needs: &[ConfigOption],
        built: Result<T, ConfigError>,
    ) -> Result<T, Stop> {
        let lacking: Vec<_> = needs.iter().filter(|option| !self.declares(side, option)).collect();
        let name = self.backend(side).info().name;
        match built {
            Ok(_) if !lacking.is_empty() => failed(format!(
                "the {name} backend declares that it lacks {lacking:?}, and takes it all the same"
            )),
            Ok(built) => Ok(built),
            Err(ConfigError::Unsupported { backend, option }) if lacking.contains(&&option) => {
                ensure(backend == name, || format!("the refusal names `{backend}` instead of `{name}`"))?;
                Err(Stop::Refused(option))
            }
            Err(error) => failed(format!("the {name} backend, declaring all but {lacking:?}: {error}")),
        }
    }
}

fn declares(capabilities: &Capabilities, side: Side, option: &ConfigOption) -> bool {
    let (client, server) = (&capabilities.client, &capabilities.server);
    let role = match side {
        Side::Client => &client.role,
        Side::Server => &server.role,
    };
    match option {
        ConfigOption::ProtocolVersion(version) => role.versions.contains(version),
        ConfigOption::CipherSuites => role.cipher_suite_choice,
        ConfigOption::CipherSuite(suite) => role.cipher_suites.contains(suite),
        ConfigOption::NamedGroups => role.named_group_choice,
        ConfigOption::NamedGroup(group) => role.named_groups.contains(group),
        ConfigOption::SignatureSchemes => role.signature_scheme_choice,
        ConfigOption::SignatureScheme(scheme) => role.signature_schemes.contains(scheme),
        ConfigOption::Alpn => role.alpn,
        ConfigOption::SniOff => client.sni_off,
        ConfigOption::ExplicitRoots => client.explicit_roots,
        ConfigOption::ClientIdentity => client.identity,
        ConfigOption::ClientAuthentication(ClientAuthentication::None) => true,
        ConfigOption::ClientAuthentication(mode) => server.client_authentication.contains(mode),
        ConfigOption::Verifier => role.verifier != Hook::Unsupported,
        ConfigOption::ResumptionOn => role.resumption,
        ConfigOption::ResumptionOff => role.resumption_off,
        ConfigOption::SessionStore => role.session_store != Hook::Unsupported,
        ConfigOption::SessionCacheSize => client.session_cache_size,
        ConfigOption::TicketsPerConnection => server.tickets_per_connection,
        ConfigOption::SessionLifetime => server.session_lifetime,
        ConfigOption::EarlyData => role.early_data,
        ConfigOption::SniIdentities | ConfigOption::Resolver => server.resolver != Hook::Unsupported,
        ConfigOption::Signer => role.signer != Hook::Unsupported,
        ConfigOption::OcspStaple => role.ocsp_staple,
        ConfigOption::Revocation => role.revocation,
        ConfigOption::MaxRecordPlaintext => role.max_record_plaintext,
        ConfigOption::Exporter => role.exporter,
        ConfigOption::KeyUpdate => role.key_update,
        ConfigOption::KeyLog => role.key_log,
        ConfigOption::VerifierAlone => capabilities.verifier_alone,
        ConfigOption::RecordCipher(suite) => capabilities.record_ciphers.contains(suite),
        _ => false,
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.client.info().name, self.server.info().name)
    }
}

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
