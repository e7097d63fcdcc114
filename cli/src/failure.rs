//! How the command fails: one line and an exit code.

use std::io;

use polytls::{ConfigError, Error, ErrorKind, HandshakeError};

/// The exit code for a connection that failed.
pub(crate) const CONNECTION: u8 = 1;

/// The exit code for what cannot be used.
pub(crate) const USAGE: u8 = 2;

/// One line, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) code: u8,
    /// The TLS error behind it, if there is one.
    pub(crate) error: Option<Error>,
    /// Whether the user has been told, so that nothing is left to write.
    pub(crate) told: bool,
}

impl Failure {
    /// Something that the user gave cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: USAGE, error: None, told: false }
    }

    /// A connection failed.
    pub(crate) fn connection(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: CONNECTION, error: None, told: false }
    }

    /// The same failure, saying what it happened to.
    pub(crate) fn in_context(self, what: &str) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// The same failure, with more to say about it.
    pub(crate) fn with_more(self, more: &str) -> Self {
        Self { message: format!("{}; {more}", self.message), ..self }
    }

    /// The same failure, of which the user knows.
    pub(crate) fn told(self) -> Self {
        Self { told: true, ..self }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = match error.kind() {
            ErrorKind::Config(_) => Self::usage(error.to_string()),
            _ => Self::connection(error.to_string()),
        };
        Self { error: Some(error), ..failure }
    }
}

impl<IO> From<HandshakeError<IO>> for Failure {
    fn from(failed: HandshakeError<IO>) -> Self {
        failed.into_error().into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match Error::from_io(&error) {
            Some(tls) => tls.clone().into(),
            None => Self::connection(error.to_string()),
        }
    }
}
