//! Hooks: what an application decides in the middle of a handshake, asynchronously.
//!
//! A [`CertificateResolver`] chooses what a server presents, a [`Signer`] signs with a key that is elsewhere, a
//! [`SessionStore`] keeps sessions; a [`CertificateVerifier`](crate::CertificateVerifier) has a file of its own. How a
//! backend runs each one is among its capabilities, as a [`Hook`].

mod background;
mod resolver;
mod session_store;
mod signer;
mod signing;

use std::{error::Error as StdError, fmt, sync::Arc};

pub use self::{
    background::Background,
    resolver::CertificateResolver,
    session_store::{MemorySessionStore, SessionKey, SessionScope, SessionStore, StoredSession},
    signer::Signer,
    signing::{SigningThreads, sign_on_thread},
};
pub(crate) use self::{
    resolver::SniResolver,
    session_store::ScopeDigest,
    signing::{await_in_task, is_signing_thread},
};

/// How a backend runs a hook of the application's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hook {
    /// It cannot.
    Unsupported,
    /// In place; where it has to wait, every byte is held back until it has answered.
    HeldBack,
    /// The library waits for it on a thread of its own, while the task that runs the handshake awaits the answer.
    OnThread,
    /// As an await in the middle of the handshake.
    Suspends,
}

/// A hook of the application's could not answer. The peer is told `internal_error`, and no more; by a
/// client of rustls's in TLS 1.3 it is cut off.
#[derive(Clone, Debug)]
pub struct HookError(Arc<dyn StdError + Send + Sync>);

impl HookError {
    /// The application's own reason.
    pub fn new(reason: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Arc::from(reason.into()))
    }
}

impl fmt::Display for HookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for HookError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
