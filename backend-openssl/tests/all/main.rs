//! Connections over this backend alone. One program: each would link OpenSSL again.

mod handshake;
mod identities;
mod sessions;
mod signer;
mod support;
mod verification;
