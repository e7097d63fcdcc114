//! The client against a server that breaks one rule at a time: each ends with the alert that the RFCs name.
//!
//! [`server13`] and [`server12`] are servers that keep all rules but those that a test has them break.

mod server12;
mod server13;
mod tls12;
mod tls13;

use std::sync::Arc;

use polytls_api::{
    Backend, ClientConfig, ClientConfigBuilder, ConnectOptions, DangerAcceptAnyCertificate, Error,
    Established,
};

use super::connect;
use crate::{
    Builtin,
    config::PreparedClient,
    options::Options,
    tests::{
        CHANGE_CIPHER_SPEC, Edit, HANDSHAKE, assert_refused, flip_end_of, honest, identity, instead,
        last_message, record, run_against,
    },
};

/// A client that takes whatever certificate it is shown.
fn prepared(
    config: impl FnOnce(ClientConfigBuilder) -> ClientConfigBuilder,
    options: Options,
) -> PreparedClient {
    let backend = Arc::new(Builtin::new());
    let builder = ClientConfig::builder(backend.clone()).verifier(Arc::new(DangerAcceptAnyCertificate));
    PreparedClient::new(backend.info().into(), &config(builder).build().unwrap(), Arc::new(options)).unwrap()
}

/// Connects to a server that answers each flight so.
fn run(prepared: &PreparedClient, answer: impl FnMut(&[u8]) -> Vec<u8> + Send) -> Result<Established, Error> {
    let name = "localhost".parse().unwrap();
    let options = ConnectOptions::new();
    run_against(answer, async |transport| connect(prepared, &name, &options, transport).await)
}
