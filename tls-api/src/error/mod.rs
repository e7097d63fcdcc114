//! One error for every backend: what happened, when, whose fault, which alert, and the library's own words.

mod alert;
mod certificate;
mod config;

pub(crate) use self::certificate::date;
use std::{error::Error as StdError, fmt, io, sync::Arc};

pub use self::{
    alert::AlertDescription,
    certificate::CertificateError,
    config::{ConfigError, ConfigOption},
};

/// Why a handshake or an established connection failed.
///
/// Cheap to clone. As an [`io::Error`]'s inner value it comes out of the stream's reads and writes:
/// `error.get_ref().and_then(|inner| inner.downcast_ref::<polytls_api::Error>())`.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    phase: Phase,
    backend: Option<&'static str>,
    alert_sent: Option<AlertDescription>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What happened, by whose fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The byte stream failed.
    Io(io::ErrorKind),
    /// The byte stream ended without close_notify: what was read may be cut short (RFC 8446 §6.1).
    UnexpectedEof,
    /// The handshake did not end within its time limit.
    TimedOut,
    /// The peer's certificate was refused.
    Certificate(CertificateError),
    /// The peer gave up and said why.
    AlertReceived(AlertDescription),
    /// The peer sent bytes that are no TLS message.
    InvalidMessage,
    /// The peer broke a rule of the protocol.
    PeerMisbehaved,
    /// The peer offers nothing that the configuration allows.
    PeerIncompatible,
    /// The two sides have no application protocol in common (RFC 7301).
    NoApplicationProtocol,
    /// A record failed authentication: it was changed on the way, or not sealed under these keys.
    BadRecord,
    /// The peer sent more than a bound allows.
    LimitExceeded,
    /// The keys have protected as much as they may, and cannot be renewed in this version (RFC 8446 §5.5). Nothing more can be
    /// written; reading goes on, and the connection can be closed.
    KeysExhausted,
    /// The server has no identity for the name that the client asked for.
    NoIdentity,
    /// A hook of the application's failed: its [`HookError`](crate::HookError) is the source.
    Hook,
    /// The configuration cannot be used.
    Config(ConfigError),
    /// The library failed in a way that is nobody's fault on the wire.
    Backend,
}

/// When it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a connection has no third phase")]
pub enum Phase {
    /// Before the handshake was complete.
    Handshake,
    /// While application data passed.
    Established,
}

impl Error {
    /// A failure during the handshake; see [`Error::in_phase`] for later ones.
    pub fn new(kind: ErrorKind) -> Self {
        Self(Arc::new(Inner { kind, phase: Phase::Handshake, backend: None, alert_sent: None, source: None }))
    }

    /// The same failure, in this phase.
    pub fn in_phase(self, phase: Phase) -> Self {
        self.with(|inner| inner.phase = phase)
    }

    /// The same failure, found by this backend.
    pub fn on_backend(self, backend: &'static str) -> Self {
        self.with(|inner| inner.backend = Some(backend))
    }

    /// The same failure, with the alert that the peer was told.
    pub fn with_alert_sent(self, alert: AlertDescription) -> Self {
        self.with(|inner| inner.alert_sent = Some(alert))
    }

    /// The same failure, with the library's own error.
    pub fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let source = Arc::from(source.into());
        self.with(|inner| inner.source = Some(source))
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// When it happened.
    pub fn phase(&self) -> Phase {
        self.0.phase
    }

    /// The backend that was running.
    pub fn backend(&self) -> Option<&'static str> {
        self.0.backend
    }

    /// The alert that was sent to the peer, where the backend tells.
    pub fn alert_sent(&self) -> Option<AlertDescription> {
        self.0.alert_sent
    }

    /// The alert that the peer sent.
    pub fn alert_received(&self) -> Option<AlertDescription> {
        match self.0.kind {
            ErrorKind::AlertReceived(alert) => Some(alert),
            _ => None,
        }
    }

    /// Why the peer's certificate was refused, if that is what happened.
    pub fn certificate_error(&self) -> Option<&CertificateError> {
        match &self.0.kind {
            ErrorKind::Certificate(reason) => Some(reason),
            _ => None,
        }
    }

    /// The TLS error inside an I/O error that a stream gave.
    pub fn from_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            ErrorKind::Io(kind) => write!(f, "the byte stream failed: {kind}"),
            ErrorKind::UnexpectedEof => f.write_str("the peer cut the connection without close_notify"),
            ErrorKind::TimedOut => f.write_str("the TLS handshake took longer than its time limit"),
            ErrorKind::Certificate(reason) => reason.fmt(f),
            ErrorKind::AlertReceived(alert) => write!(f, "the peer refused with alert `{alert}`"),
            ErrorKind::InvalidMessage => f.write_str("the peer sent bytes that are not TLS"),
            ErrorKind::PeerMisbehaved => f.write_str("the peer broke the TLS protocol"),
            ErrorKind::PeerIncompatible => f.write_str(
                "the peer offers no version, suite, group or signature scheme that is allowed here",
            ),
            ErrorKind::NoApplicationProtocol => f.write_str("no application protocol in common (ALPN)"),
            ErrorKind::BadRecord => f.write_str("a record failed authentication"),
            ErrorKind::LimitExceeded => f.write_str("the peer sent more than a bound allows"),
            ErrorKind::KeysExhausted => f.write_str("the session keys are used up; connect anew"),
            ErrorKind::NoIdentity => f.write_str(
                "no identity for the server name that the client asked for; add one, or a default",
            ),
            ErrorKind::Hook => f.write_str("a hook of the application failed"),
            ErrorKind::Config(error) => error.fmt(f),
            ErrorKind::Backend => f.write_str("the TLS library failed"),
        }?;
        if let (
            ErrorKind::InvalidMessage
            | ErrorKind::PeerMisbehaved
            | ErrorKind::PeerIncompatible
            | ErrorKind::Backend
            | ErrorKind::Hook
            | ErrorKind::Io(_),
            Some(source),
        ) = (&self.0.kind, &self.0.source)
        {
            write!(f, " ({source})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("phase", &self.0.phase)
            .field("backend", &self.0.backend)
            .field("alert_sent", &self.0.alert_sent)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.source {
            Some(source) => Some(&**source),
            None => None,
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind)
    }
}

impl From<CertificateError> for Error {
    fn from(reason: CertificateError) -> Self {
        Self::new(ErrorKind::Certificate(reason))
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::new(ErrorKind::Config(error))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match Self::from_io(&error) {
            Some(inner) => inner.clone(),
            None => Self::new(ErrorKind::Io(error.kind())).with_source(error),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::Io(kind) => *kind,
            ErrorKind::UnexpectedEof => io::ErrorKind::UnexpectedEof,
            ErrorKind::TimedOut => io::ErrorKind::TimedOut,
            ErrorKind::Config(_) => io::ErrorKind::InvalidInput,
            ErrorKind::AlertReceived(_) => io::ErrorKind::ConnectionAborted,
            ErrorKind::Certificate(_)
            | ErrorKind::InvalidMessage
            | ErrorKind::PeerMisbehaved
            | ErrorKind::PeerIncompatible
            | ErrorKind::NoApplicationProtocol
            | ErrorKind::BadRecord
            | ErrorKind::LimitExceeded => io::ErrorKind::InvalidData,
            ErrorKind::NoIdentity => io::ErrorKind::NotFound,
            ErrorKind::KeysExhausted | ErrorKind::Hook | ErrorKind::Backend => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
