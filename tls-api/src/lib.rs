//! The seams of polytls: what a TLS engine is to the code above it.
//!
//! A [`Backend`] makes a [`ClientHandshake`] or a [`ServerHandshake`] from a checked [`ClientConfig`] or
//! [`ServerConfig`]; a handshake runs over a [`Transport`] and ends in a [`Session`]; [`TlsConnector`],
//! [`TlsAcceptor`] and [`TlsStream`] put that under tokio's or futures' I/O traits.
//!
//! No TLS library stands behind this crate: it holds the configuration, the one checker that compares it
//! with a backend's [`Capabilities`], the buffers, the record layer for backends that hand out keys, the
//! streams and the errors. Applications use it through the `polytls` facade; a new backend depends on it alone.

mod backend;
mod buffer;
mod byte_stream;
mod capabilities;
mod chain;
mod checker;
mod config;
mod early_data;
#[cfg(any(feature = "tokio", feature = "futures-io"))]
mod end_point;
mod error;
mod halves;
mod held;
mod hello;
mod hook;
mod identifiers;
mod identity;
mod info;
mod key_log;
mod memory_io;
mod name;
pub mod record;
mod revocation;
#[cfg(any(feature = "tokio", feature = "futures-io"))]
mod stream;
mod transport;
mod trust;
mod verifier;

pub use async_trait::async_trait;
pub use backend::{
    Backend, BackendInfo, ClientHandshake, ConnectOptions, Established, Opened, ReceivingHalf, SendingHalf,
    ServerHandshake, Session, SessionHalves,
};
pub use buffer::Buffer;
pub use byte_stream::ByteStream;
pub use capabilities::{Capabilities, ClientCapabilities, RoleCapabilities, ServerCapabilities};
pub use chain::{CertificateChain, SharedChains};
pub use config::{
    ClientAuthentication, ClientConfig, ClientConfigBuilder, ProtocolSettings, RecordSizing, ServerConfig,
    ServerConfigBuilder,
};
pub use early_data::{EarlyDataStatus, ReplayableData};
pub use error::{AlertDescription, CertificateError, ConfigError, ConfigOption, Error, ErrorKind, Phase};
pub use held::{HeldVerdict, VerifyRequest};
pub use hello::{ClientHello, HelloObserver, PskIdentity};
pub use hook::{
    Background, CertificateResolver, Hook, HookError, MemorySessionStore, SessionKey, SessionScope,
    SessionStore, Signer, SigningThreads, StoredSession, sign_on_thread,
};
pub use identifiers::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};
pub use identity::{Identity, IdentityKey};
pub use info::{ConnectionInfo, Timings};
pub use key_log::{KeyLog, KeyLogFile};
pub use memory_io::MemoryIo;
pub use name::ServerName;
pub use polytls_x509::{self as x509, RevocationReason};
pub use revocation::{
    RevocationChecker, RevocationMode, RevocationPolicy, read_crl_directory, with_revocation,
};
pub use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
#[cfg(any(feature = "tokio", feature = "futures-io"))]
pub use stream::{HandshakeError, HelloLimits, IncomingHandshake, TlsAcceptor, TlsConnector, TlsStream};
#[cfg(feature = "tokio")]
pub use stream::{OwnedReadHalf, OwnedWriteHalf, Split};
pub use transport::Transport;
pub use trust::{Roots, TrustPolicy};
pub use verifier::{
    Both, Cached, CertificateVerifier, DangerAcceptAnyCertificate, DangerReportOnly, ExpectedPeer, Pinned,
    Pins, PresentedChain, SignatureVerifier, SignedWith, SpkiPin, VerifiedChain, both, cached,
    danger_report_only, inspected, pinned, presented_names,
};
