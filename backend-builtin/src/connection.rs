//! Handshakes as polytls runs them: those of [`client`] and [`server`], within a span that says the role.
//!
//! A handshake is kilobytes of state. What awaits one, here and within, has it made where it stays, by `pin!`: a future
//! that is awaited by value is moved there first.

use std::pin::pin;

use polytls_api::{
    ClientHandshake, ConnectOptions, Error, Established, ServerHandshake, ServerName, Transport, async_trait,
    record::Role,
};
use tracing::Instrument;

use crate::{
    client,
    config::{PreparedClient, PreparedServer},
    server, steps,
};

/// The client's side.
#[derive(Debug)]
pub(crate) struct Client(pub(crate) PreparedClient);

#[async_trait]
impl ClientHandshake for Client {
    async fn connect(
        &self,
        name: &ServerName,
        options: &ConnectOptions,
        transport: &mut Transport<'_>,
    ) -> Result<Established, Error> {
        let handshake = pin!(client::connect(&self.0, name, options, transport));
        handshake.instrument(steps::handshake(Role::Client)).await
    }
}

/// The server's side.
#[derive(Debug)]
pub(crate) struct Server(pub(crate) PreparedServer);

#[async_trait]
impl ServerHandshake for Server {
    async fn accept(&self, transport: &mut Transport<'_>) -> Result<Established, Error> {
        let handshake = pin!(server::accept(&self.0, transport));
        handshake.instrument(steps::handshake(Role::Server)).await
    }
}
