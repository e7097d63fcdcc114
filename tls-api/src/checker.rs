//! The one checker that holds a configuration against what its backend can do.
//!
//! What is not there ends in [`ConfigError::Unsupported`]: no option is ignored, and a backend sees only what it can
//! honour. What makes no sense on any backend, the builders refuse before.

use crate::{
    ClientAuthentication, ClientConfig, ConfigError, ConfigOption, Hook, Identity, ProtocolSettings,
    RevocationMode, RevocationPolicy, RoleCapabilities, Roots, ServerConfig,
};

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
        self.require(!verifier || role.verifier != Hook::Unsupported, ConfigOption::Verifier)?;
        self.check_sessions(settings, role)?;
        let limits_records = settings.max_record_plaintext().is_some();
        self.require(!limits_records || role.max_record_plaintext, ConfigOption::MaxRecordPlaintext)?;
        self.require(settings.key_log().is_none() || role.key_log, ConfigOption::KeyLog)
    }

    fn check_sessions(
        &self,
        settings: &ProtocolSettings,
        role: &RoleCapabilities,
    ) -> Result<(), ConfigError> {
        let stores = settings.session_store().is_some();
        self.require(!stores || role.session_store != Hook::Unsupported, ConfigOption::SessionStore)?;
        self.require(settings.resumption() != Some(true) || role.resumption, ConfigOption::ResumptionOn)?;
        self.require(settings.resumption() != Some(false) || role.resumption_off, ConfigOption::ResumptionOff)
    }

    fn check_revocation(
        &self,
        policy: Option<&RevocationPolicy>,
        role: &RoleCapabilities,
    ) -> Result<(), ConfigError> {
        let asks = policy.is_some_and(|policy| policy.mode != RevocationMode::Off);
        self.require(!asks || role.revocation, ConfigOption::Revocation)
    }

    fn check_identity(&self, identity: &Identity, role: &RoleCapabilities) -> Result<(), ConfigError> {
        let signs_elsewhere = identity.signer().is_some();
        self.require(!signs_elsewhere || role.signer != Hook::Unsupported, ConfigOption::Signer)?;
        let Some(response) = identity.ocsp_response() else { return Ok(()) };
        self.require(role.ocsp_staple, ConfigOption::OcspStaple)?;
        if is_ocsp_response(response) {
            return Ok(());
        }
        let reason =
            "the OCSP response is none in DER (RFC 6960 §4.2.1); give it as the responder sent it".into();
        Err(ConfigError::Certificates { reason })
    }
}

/// RFC 6960 §4.2.1: a SEQUENCE of this length that begins with an ENUMERATED of one byte. Some libraries look no
/// further, others into all of it; what none of them could mean, all of them refuse.
fn is_ocsp_response(der: &[u8]) -> bool {
    let (content, rest) = match der {
        [0x30, length @ 0..=0x7f, content @ ..] => (content, content.len().checked_sub((*length).into())),
        [0x30, 0x81, length, content @ ..] => (content, content.len().checked_sub((*length).into())),
        [0x30, 0x82, high, low, content @ ..] => {
            (content, content.len().checked_sub(u16::from_be_bytes([*high, *low]).into()))
        }
        _ => return false,
    };
    rest == Some(0) && content.starts_with(&[0x0a, 1])
}

/// Holds a client's configuration against what its backend can do.
pub(crate) fn check_client(config: &ClientConfig) -> Result<(), ConfigError> {
    let capabilities = &config.backend().capabilities().client;
    let role = &capabilities.role;
    let checker = Checker { backend: config.backend().info().name };
    checker.check_role(config.protocol(), config.verifier().is_some(), role)?;
    checker.require(config.sni() || capabilities.sni_off, ConfigOption::SniOff)?;
    let os_roots = matches!(config.roots(), Roots::Os);
    checker.require(os_roots || capabilities.explicit_roots, ConfigOption::ExplicitRoots)?;
    checker.check_revocation(config.revocation(), role)?;
    checker.require(!config.early_data() || role.early_data, ConfigOption::EarlyData)?;
    let sizes_cache = config.session_cache_size().is_some();
    checker.require(!sizes_cache || capabilities.session_cache_size, ConfigOption::SessionCacheSize)?;
    checker.require(config.identity().is_none() || capabilities.identity, ConfigOption::ClientIdentity)?;
    config.identity().map_or(Ok(()), |identity| checker.check_identity(identity, role))
}

/// Holds a server's configuration against what its backend can do.
pub(crate) fn check_server(config: &ServerConfig, chooses_by_name: bool) -> Result<(), ConfigError> {
    let capabilities = &config.backend().capabilities().server;
    let role = &capabilities.role;
    let checker = Checker { backend: config.backend().info().name };
    checker.check_role(config.protocol(), config.client_verifier().is_some(), role)?;
    let mode = config.client_authentication();
    checker.require(
        mode == ClientAuthentication::None || capabilities.client_authentication.contains(&mode),
        ConfigOption::ClientAuthentication(mode),
    )?;
    checker.check_revocation(config.client_revocation(), role)?;
    let option = if chooses_by_name { ConfigOption::SniIdentities } else { ConfigOption::Resolver };
    checker.require(config.resolver().is_none() || capabilities.resolver != Hook::Unsupported, option)?;
    let counts_tickets = config.tickets_per_connection().is_some();
    checker.require(
        !counts_tickets || capabilities.tickets_per_connection,
        ConfigOption::TicketsPerConnection,
    )?;
    let sets_lifetime = config.session_lifetime_set().is_some();
    checker.require(!sets_lifetime || capabilities.session_lifetime, ConfigOption::SessionLifetime)?;
    checker.require(config.max_early_data() == 0 || role.early_data, ConfigOption::EarlyData)?;
    config.identities().try_for_each(|identity| checker.check_identity(identity, role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ocsp_response_is_told_from_what_is_none() {
        let long = [&[0x30, 0x82, 1, 3, 0x0a, 1, 0], &[0; 256][..]].concat();
        let longer = [&[0x30, 0x81, 131, 0x0a, 1, 0], &[0; 128][..]].concat();
        for response in [&[0x30, 3, 0x0a, 1, 6], &*long, &*longer] {
            assert!(is_ocsp_response(response), "{response:02x?}");
        }
        for other in
            [b"".as_slice(), b"-----BEGIN", &[0x30], &[0x30, 3, 0x0a, 1], &[0x30, 3, 2, 1, 6], &long[1..]]
        {
            assert!(!is_ocsp_response(other), "{other:02x?}");
        }
    }
}
