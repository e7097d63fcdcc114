//! The client's side.

use polytls_api::{ConnectOptions, Error, Established, ServerName, Transport};

use crate::{config::PreparedClient, error::Fault};

pub(crate) async fn connect(
    _prepared: &PreparedClient,
    _name: &ServerName,
    _options: &ConnectOptions,
    _transport: &mut Transport<'_>,
) -> Result<Established, Error> {
    Err(Fault::Internal("the client's flow is not in place yet").into_error())
}
