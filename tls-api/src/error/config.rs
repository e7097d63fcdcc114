//! What is wrong with a configuration, found before a byte is sent.

use std::{fmt, path::PathBuf, sync::Arc};

use crate::{CipherSuite, ClientAuthentication, NamedGroup, ProtocolVersion, SignatureScheme};

/// A configuration that cannot be used, and what to do about it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The backend cannot honour the option. Nothing is ignored and nothing falls open: choose another backend or drop the option.
    #[error("the {backend} backend cannot honour {option}; choose another backend or leave the option unset")]
    Unsupported {
        /// The backend's name.
        backend: &'static str,
        /// The option.
        option: ConfigOption,
    },
    /// The option's value makes no sense on any backend.
    #[error("{option} is invalid: {reason}")]
    Invalid {
        /// The option.
        option: &'static str,
        /// What is wrong with the value.
        reason: String,
    },
    /// The text is neither a DNS name nor an IP address.
    #[error("`{name}` is neither a DNS name nor an IP address; give a host name without scheme or port")]
    InvalidServerName {
        /// The text.
        name: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: Arc<std::io::Error>,
    },
    /// Certificates cannot be loaded.
    #[error("cannot load certificates: {reason}")]
    Certificates {
        /// What is wrong.
        reason: String,
    },
    /// A private key cannot be loaded.
    #[error("cannot load the private key: {reason}")]
    PrivateKey {
        /// What is wrong.
        reason: String,
    },
    /// The private key is not the certificate's.
    #[error(
        "the private key does not belong to the certificate; give the key that the certificate was issued for"
    )]
    KeyMismatch,
    /// No root to trust was found.
    #[error("no trusted roots: {reason}")]
    NoRoots {
        /// Where was looked.
        reason: String,
    },
    /// No backend of that name is compiled in.
    #[error("no backend `{name}` is compiled in; compiled in: {available}")]
    UnknownBackend {
        /// The name asked for.
        name: String,
        /// The names that would do, separated by commas.
        available: String,
    },
    /// The library refused the configuration for a reason of its own.
    #[error("the {backend} backend refused the configuration: {reason}")]
    Backend {
        /// The backend's name.
        backend: &'static str,
        /// The library's words.
        reason: String,
    },
}

impl PartialEq for ConfigError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for ConfigError {}

impl ConfigError {
    /// Keys were to be renewed in TLS 1.2.
    pub fn no_key_update() -> Self {
        let reason = "TLS 1.2 has no key update (RFC 8446 §4.6.3); connect anew for new keys".into();
        Self::Invalid { option: "update_keys", reason }
    }

    /// The library's own reason, from any of its errors.
    pub fn backend(backend: &'static str, reason: impl fmt::Display) -> Self {
        Self::Backend { backend, reason: reason.to_string() }
    }
}

/// An option that a backend may be unable to honour, as [`ConfigError::Unsupported`] names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigOption {
    /// This protocol version.
    ProtocolVersion(ProtocolVersion),
    /// A list of cipher suites.
    CipherSuites,
    /// This cipher suite.
    CipherSuite(CipherSuite),
    /// A list of named groups.
    NamedGroups,
    /// This named group.
    NamedGroup(NamedGroup),
    /// A list of signature schemes.
    SignatureSchemes,
    /// This signature scheme.
    SignatureScheme(SignatureScheme),
    /// Application protocols.
    Alpn,
    /// Sending no server name.
    SniOff,
    /// Trusting the given roots and no others.
    ExplicitRoots,
    /// A client identity.
    ClientIdentity,
    /// Asking the client for a certificate.
    ClientAuthentication(ClientAuthentication),
    /// A verifier of the application's.
    Verifier,
    /// Insisting on resumption.
    ResumptionOn,
    /// Forbidding resumption.
    ResumptionOff,
    /// A key log.
    KeyLog,
    /// A store of the application's for sessions.
    SessionStore,
    /// How many servers' sessions are remembered.
    SessionCacheSize,
    /// How many tickets a connection brings.
    TicketsPerConnection,
    /// For how long sessions may be resumed.
    SessionLifetime,
    /// Early data.
    EarlyData,
    /// Identities for server names.
    SniIdentities,
    /// A certificate resolver of the application's.
    Resolver,
    /// An identity whose key a signer of the application's holds.
    Signer,
    /// An OCSP response with the identity.
    OcspStaple,
    /// A check of revocation: a policy, revocation lists.
    Revocation,
    /// A limit on the size of records.
    MaxRecordPlaintext,
    /// Exporting key material.
    Exporter,
    /// Renewing keys on request.
    KeyUpdate,
    /// A certificate verifier to use alone.
    VerifierAlone,
    /// A record cipher for this suite.
    RecordCipher(CipherSuite),
}

impl fmt::Display for ConfigOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProtocolVersion(version) => write!(f, "protocol version {version}"),
            Self::CipherSuites => f.write_str("a list of cipher suites"),
            Self::CipherSuite(suite) => write!(f, "cipher suite {suite}"),
            Self::NamedGroups => f.write_str("a list of named groups"),
            Self::NamedGroup(group) => write!(f, "named group {group}"),
            Self::SignatureSchemes => f.write_str("a list of signature schemes"),
            Self::SignatureScheme(scheme) => write!(f, "signature scheme {scheme}"),
            Self::Alpn => f.write_str("ALPN"),
            Self::SniOff => f.write_str("turning SNI off"),
            Self::ExplicitRoots => f.write_str("explicit roots"),
            Self::ClientIdentity => f.write_str("a client identity"),
            Self::ClientAuthentication(mode) => write!(f, "client authentication `{mode}`"),
            Self::Verifier => f.write_str("a certificate verifier of the application's"),
            Self::ResumptionOn => f.write_str("insisting on resumption"),
            Self::ResumptionOff => f.write_str("forbidding resumption"),
            Self::KeyLog => f.write_str("a key log"),
            Self::SessionStore => f.write_str("a session store of the application's"),
            Self::SessionCacheSize => f.write_str("a size of the session cache"),
            Self::TicketsPerConnection => f.write_str("a number of session tickets"),
            Self::SessionLifetime => f.write_str("a lifetime of sessions"),
            Self::EarlyData => f.write_str("early data"),
            Self::SniIdentities => f.write_str("identities for server names"),
            Self::Resolver => f.write_str("a certificate resolver of the application's"),
            Self::Signer => f.write_str("a signer of the application's"),
            Self::OcspStaple => f.write_str("an OCSP response"),
            Self::Revocation => f.write_str("checking revocation"),
            Self::MaxRecordPlaintext => f.write_str("a limit on the size of records"),
            Self::Exporter => f.write_str("exporting key material"),
            Self::KeyUpdate => f.write_str("renewing keys on request"),
            Self::VerifierAlone => f.write_str("a certificate verifier on its own"),
            Self::RecordCipher(suite) => write!(f, "a record cipher for {suite}"),
        }
    }
}
