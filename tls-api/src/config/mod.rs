//! Configuration: every option with one meaning on every backend, honoured or refused, never ignored.

mod client;
mod server;

use std::{sync::Arc, time::Duration};

pub use self::{
    client::{ClientConfig, ClientConfigBuilder},
    server::{ClientAuthentication, ServerConfig, ServerConfigBuilder},
};
use crate::{CipherSuite, ConfigError, KeyLog, NamedGroup, ProtocolVersion, SignatureScheme};

/// The time within which a handshake must end, unless the configuration says otherwise.
const HANDSHAKE_TIME_LIMIT: Duration = Duration::from_secs(10);

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
    key_log: Option<Arc<dyn KeyLog>>,
    handshake_time_limit: Option<Duration>,
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
            key_log: None,
            handshake_time_limit: Some(HANDSHAKE_TIME_LIMIT),
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

    /// The suites that may be negotiated, most wanted first; `None` for the backend's own list.
    pub fn cipher_suites(&self) -> Option<&[CipherSuite]> {
        self.cipher_suites.as_deref()
    }

    /// The groups that may be negotiated, most wanted first; `None` for the backend's own list.
    pub fn named_groups(&self) -> Option<&[NamedGroup]> {
        self.named_groups.as_deref()
    }

    /// The signature schemes accepted from the peer, most wanted first; `None` for the backend's own list.
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

    /// Who is told the secrets.
    pub fn key_log(&self) -> Option<&Arc<dyn KeyLog>> {
        self.key_log.as_ref()
    }

    /// The time within which a handshake must end.
    pub fn handshake_time_limit(&self) -> Option<Duration> {
        self.handshake_time_limit
    }

    /// Takes the backend's versions where the application names none, and refuses what makes no sense anywhere.
    fn finish(&mut self, offered: &[ProtocolVersion]) -> Result<(), ConfigError> {
        let versions = self.versions.get_or_insert_with(|| offered.to_vec());
        let invalid = |option, reason: &str| Err(ConfigError::Invalid { option, reason: reason.into() });
        if versions.is_empty() {
            return invalid("protocol_versions", "the list is empty; leave it unset for the backend's own");
        }
        if self.cipher_suites.as_ref().is_some_and(Vec::is_empty) {
            return invalid("cipher_suites", "the list is empty; leave it unset for the backend's own");
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
            return invalid("named_groups", "the list is empty; leave it unset for the backend's own");
        }
        if self.signature_schemes.as_ref().is_some_and(Vec::is_empty) {
            return invalid("signature_schemes", "the list is empty; leave it unset for the backend's own");
        }
        if self.alpn.iter().any(|protocol| protocol.is_empty() || protocol.len() > 255) {
            return invalid("alpn", "a protocol has 1 to 255 bytes (RFC 7301 §3.1)");
        }
        if self.handshake_time_limit == Some(Duration::ZERO) {
            return invalid("handshake_time_limit", "it is zero, so that no handshake could end within it");
        }
        Ok(())
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
        /// Default: the AEAD suites that the backend offers, in its order. A client offers them in this order;
        /// which side's order wins is the server library's choice.
        pub fn cipher_suites(mut self, suites: impl IntoIterator<Item = crate::CipherSuite>) -> Self {
            self.config.protocol.cipher_suites = Some(suites.into_iter().collect());
            self
        }

        /// The groups that may be negotiated, most wanted first. Default: the backend's own.
        ///
        /// In TLS 1.2 a client's list also says which curves a server's ECDSA certificate may have (RFC 8422 §5.1);
        /// OpenSSL holds to that, rustls does not.
        pub fn named_groups(mut self, groups: impl IntoIterator<Item = crate::NamedGroup>) -> Self {
            self.config.protocol.named_groups = Some(groups.into_iter().collect());
            self
        }

        /// The signature schemes accepted from the peer, most wanted first. Default: the backend's own.
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
        /// Default: sessions are resumed wherever the backend can. Sessions are kept in memory, with this
        /// configuration: no other one, and no other backend, ever sees them.
        pub fn resumption(mut self, on: bool) -> Self {
            self.config.protocol.resumption = Some(on);
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

        /// Lets a handshake take for ever, so that a silent peer holds a connection open.
        pub fn danger_no_handshake_time_limit(mut self) -> Self {
            self.config.protocol.handshake_time_limit = None;
            self
        }
    };
}
pub(crate) use protocol_setters;
