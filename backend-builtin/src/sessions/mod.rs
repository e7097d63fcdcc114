//! Sessions between connections: what a client keeps of a server, and what a server gives out or keeps.
//!
//! Both roles keep them in memory with one configuration, or in the application's store under keys that no other
//! configuration has. `encoding` is how they lie in a store or in a ticket; `replay` is what a server remembers of
//! early data.

mod client;
mod encoding;
mod ids;
mod key_ring;
mod replay;
mod server;

pub(crate) use self::{
    client::{ClientSession, ClientSessions},
    server::{ID_LEN, ServerSession, ServerSessions},
};
