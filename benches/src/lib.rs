//! polytls and its peers, measured side by side.
//!
//! A [`Stack`] connects and accepts; [`Settings`] say what every stack is told, and each says itself what came of it
//! ([`Negotiated`]). A [`Scenario`] is what a round does: handshakes, bytes, requests. [`worker`] runs rounds of one stack in
//! a process of its own, so that libraries whose symbols clash can be measured in turns all the same.
//!
//! In memory means tokio's duplex pipe of [`PIPE`] bytes, client and server on one thread. Over TCP means the loopback
//! interface with `TCP_NODELAY`, client and server on one thread but where a scenario says otherwise.

mod certificates;
mod connection;
pub mod descriptors;
pub mod rounds;
pub mod scenarios;
mod settings;
pub mod stacks;
#[cfg(feature = "openssl")]
pub mod verification;
pub mod versions;
pub mod worker;

pub use self::{
    certificates::{Certificates, Credentials, NAME},
    connection::{PIPE, connection, connection_with_tickets, tcp_pair},
    scenarios::Scenario,
    settings::{CertificateKind, Group, Settings, Suite, Version},
    stacks::{Io, Negotiated, Refusal, Stack},
};

/// The guide's snippets, compiled here: this crate has every library that they move from.
#[cfg(all(doctest, feature = "openssl"))]
mod guide {
    #[doc = include_str!("../../docs/guide/certificates.md")]
    mod certificates {}
    #[doc = include_str!("../../docs/guide/choose-a-backend.md")]
    mod choose_a_backend {}
    #[doc = include_str!("../../docs/guide/write-a-library.md")]
    mod write_a_library {}
    #[doc = include_str!("../../docs/guide/run-a-server.md")]
    mod run_a_server {}
    #[doc = include_str!("../../docs/guide/move-to-polytls.md")]
    mod move_to_polytls {}
}
