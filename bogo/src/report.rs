//! What went wrong, in words that the runner's configuration can match.
//!
//! The runner looks for a piece of text on standard error. BoringSSL prints the name of its error; the shim prints
//! the alert that was sent or received, which is what the RFCs fix, and then polytls's own words.

use std::{fmt, io};

use polytls::{ConfigError, Error};

/// Why the shim ends without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The test asks for what the shim, or the backend under it, cannot do.
    Unimplemented(String),
    /// The handshake or the connection failed: often what the test is about.
    Tls(Error),
    /// An event that BoringSSL has a name for and polytls has no error for, under that name.
    Named(&'static str),
    /// What was negotiated or received is not what the runner expects.
    Expectation(String),
    /// The shim's own affairs: its socket, its files.
    Shim(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unimplemented(what) => write!(f, "unimplemented: {what}"),
            Self::Tls(error) => {
                if let Some(alert) = error.alert_sent() {
                    writeln!(f, "alert sent: {alert}")?;
                }
                if let Some(alert) = error.alert_received() {
                    writeln!(f, "alert received: {alert}")?;
                }
                write!(f, "{:?}: {error}", error.kind())?;
                match std::error::Error::source(error) {
                    Some(source) => write!(f, "; {source}"),
                    None => Ok(()),
                }
            }
            Self::Named(name) => f.write_str(name),
            Self::Expectation(text) => write!(f, "not as expected: {text}"),
            Self::Shim(text) => write!(f, "the shim failed: {text}"),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Tls(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Tls(error.into())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Unsupported { .. } => Self::Unimplemented(error.to_string()),
            _ => Self::Tls(error.into()),
        }
    }
}

/// An expectation that was met or not, with what was found and what was wanted.
pub(crate) fn expect(met: bool, what: impl FnOnce() -> String) -> Result<(), Failure> {
    if met { Ok(()) } else { Err(Failure::Expectation(what())) }
}
