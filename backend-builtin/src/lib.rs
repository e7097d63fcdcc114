//! polytls's own engine: TLS 1.3 (RFC 8446) and TLS 1.2 (RFC 5246, as far as it is good) in safe Rust over aws-lc-rs.
//!
//! It is young and unaudited: opt-in, and not what runs by default.
#![allow(dead_code, unused_imports, reason = "the engine is being put together")]

mod client;
mod crypto;
mod error;
mod key_schedule;
mod record;
mod server;
mod wire;

/// The name by which the backend is chosen.
const NAME: &str = "builtin";
