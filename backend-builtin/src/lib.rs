//! polytls's own engine: TLS 1.3 (RFC 8446) and TLS 1.2 (RFC 5246, as far as it is good) in safe Rust over aws-lc-rs.
//!
//! It is young and unaudited: opt-in, and never what runs by default. What it is good for is the hooks: a resolver, a
//! verifier, a signer and a session store of the application's are plain awaits in the middle of its handshakes.
//!
//! `wire` and `crypto` know no handshake; `record` and `key_schedule` stand on them; `client` and `server` read as the
//! message flow of the RFCs; the rest is the face that polytls sees.
#![allow(dead_code, unused_imports, reason = "the engine is being put together")]

mod builder;
mod client;
mod compression;
mod config;
mod crypto;
mod error;
mod identity;
mod key_schedule;
mod options;
mod record;
mod server;
mod session;
mod sessions;
mod steps;
mod wire;

use std::sync::Arc;

pub use self::{
    builder::BuiltinBuilder,
    options::{ExternalPsk, Limits, Padding},
};
use crate::options::Options;

/// The name by which the backend is chosen.
const NAME: &str = "builtin";

/// The backend.
#[derive(Debug)]
pub struct Builtin {
    options: Arc<Options>,
}

impl Builtin {
    /// The engine with its defaults.
    pub fn new() -> Self {
        Self::with_options(Arc::default())
    }

    /// The engine with options that no other backend has.
    pub fn builder() -> BuiltinBuilder {
        BuiltinBuilder::default()
    }

    fn with_options(options: Arc<Options>) -> Self {
        Self { options }
    }
}

impl Default for Builtin {
    fn default() -> Self {
        Self::new()
    }
}
