//! The server's side.

use polytls_api::{Error, Established, Transport};

use crate::{config::PreparedServer, error::Fault};

pub(crate) async fn accept(
    _prepared: &PreparedServer,
    _transport: &mut Transport<'_>,
) -> Result<Established, Error> {
    Err(Fault::Internal("the server's flow is not in place yet").into_error())
}
