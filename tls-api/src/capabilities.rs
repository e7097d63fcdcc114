//! What an instance of a backend can do, as data.
//!
//! Naming: a `Vec` lists what can be negotiated; `*_choice` says that the application's own list and order
//! are honoured; a `bool` named as an option says that the option is honoured. A missing capability ends in
//! [`ConfigError::Unsupported`](crate::ConfigError::Unsupported); conformance proves both directions.

use crate::{CipherSuite, ClientAuthentication, Hook, NamedGroup, ProtocolVersion, SignatureScheme};

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
    pub verifier: Hook,
    /// Sessions are resumed.
    pub resumption: bool,
    /// Resumption can be forbidden.
    pub resumption_off: bool,
    /// Sessions are kept in a store of the application's.
    pub session_store: Hook,
    /// Identities whose key a signer of the application's holds.
    pub signer: Hook,
    /// Secrets can be logged.
    pub key_log: bool,
    /// Whether a certificate was revoked is asked. Where false, it is not, and only
    /// [`RevocationPolicy::off`](crate::RevocationPolicy::off) says so without an error.
    pub revocation: bool,
    /// A server presents an OCSP response with its identity; a client asks for one and reports it.
    pub ocsp_staple: bool,
    /// The size of the records that are sent can be limited.
    pub max_record_plaintext: bool,
    /// Early data is sent, or taken.
    pub early_data: bool,
    /// Key material can be exported.
    pub exporter: bool,
    /// Keys are renewed on request.
    pub key_update: bool,
    /// The alert for a refused certificate is the one that [`CertificateError::alert`](crate::CertificateError::alert)
    /// names; where false, it is the library's own choice. A verdict that had to be awaited under
    /// [`Hook::HeldBack`] comes too late for an alert: the peer sees a cut.
    pub exact_alerts: bool,
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
    /// The number of servers whose sessions are remembered can be set.
    pub session_cache_size: bool,
}

/// What a backend can do as a server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerCapabilities {
    /// What both roles share.
    pub role: RoleCapabilities,
    /// Ways of asking the client for a certificate, beside not asking.
    pub client_authentication: Vec<ClientAuthentication>,
    /// What is presented depends on the ClientHello: a resolver of the application's, identities for server names.
    pub resolver: Hook,
    /// The number of tickets can be set.
    pub tickets_per_connection: bool,
    /// The lifetime of sessions can be set.
    pub session_lifetime: bool,
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
            verifier: Hook::Unsupported,
            resumption: false,
            resumption_off: false,
            session_store: Hook::Unsupported,
            signer: Hook::Unsupported,
            key_log: false,
            revocation: false,
            ocsp_staple: false,
            max_record_plaintext: false,
            early_data: false,
            exporter: false,
            key_update: false,
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
                session_cache_size: false,
            },
            server: ServerCapabilities {
                role: RoleCapabilities::none(),
                client_authentication: Vec::new(),
                resolver: Hook::Unsupported,
                tickets_per_connection: false,
                session_lifetime: false,
            },
            verifier_alone: false,
            record_ciphers: Vec::new(),
            record_keys: false,
        }
    }
}
