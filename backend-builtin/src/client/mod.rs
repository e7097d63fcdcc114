//! The client: what it offers, and what it makes of the answer.
//!
//! [`offer`] is the ClientHello and all that is held against later messages; [`hello`] sends it and reads the server's
//! choice. From there [`tls13`] and [`tls12`] read as the message flows of RFC 8446 §2 and RFC 5246 §7.3.
//! [`authentication`] has what proves the server's identity: no flow can end without its values.

mod authentication;
mod choice;
mod early_data;
mod hello;
mod identity;
mod offer;
mod psk;
mod retry;
#[cfg(test)]
mod tests;
mod tls12;
mod tls13;

use std::pin::pin;

use polytls_api::{
    Background, ConnectOptions, ConnectionInfo, Error, Established, ProtocolVersion, ServerName, Transport,
    record::{KeySchedule, Role},
};

use self::{hello::Answer, offer::Offer};
use crate::{
    NAME,
    config::PreparedClient,
    error::Fault,
    record::Records,
    steps::{self, Step},
    wire::handshake::ServerHello,
};

/// Runs one handshake with the server `name`.
///
/// # Errors
/// What went wrong, with the alert that told the server: it is left in the transport's outgoing buffer.
pub(crate) async fn connect(
    prepared: &PreparedClient,
    name: &ServerName,
    options: &ConnectOptions,
    transport: &mut Transport<'_>,
) -> Result<Established, Error> {
    let mut records = Records::new(transport, &prepared.options.limits);
    let outcome = pin!(handshake(prepared, name, options, &mut records)).await;
    match outcome {
        Ok(complete) => complete.establish(records).map_err(Fault::into_error),
        Err(fault) => {
            if let Some(alert) = fault.alert() {
                records.send_alert(alert);
            }
            Err(fault.into_error())
        }
    }
}

async fn handshake(
    prepared: &PreparedClient,
    name: &ServerName,
    options: &ConnectOptions,
    records: &mut Records<'_, '_>,
) -> Result<Complete, Fault> {
    records.set_padding(prepared.options.padding);
    records.set_max_plaintext(prepared.config.protocol().max_record_plaintext());
    let offer = Offer::new(prepared, name, options).await?;
    let hello = hello::send_client_hello(offer, records)?;
    let message = hello::read_server_hello(records).await?;
    let server_hello = ServerHello::parse(message.body())?;
    let version = hello.negotiated_version(&server_hello)?;
    records.set_version(version);
    let answer = Answer { message: &message, server_hello: &server_hello };
    let complete = match version {
        ProtocolVersion::Tls13 => pin!(tls13::handshake(hello, answer, records)).await,
        // In a box of its own: the future is as large as the largest of these, and is moved.
        _ => Box::pin(tls12::handshake(hello, answer, records)).await,
    }?;
    steps::reached(Step::Protect);
    Ok(complete)
}

/// A handshake that ended as it should: the keys are with the record layer.
struct Complete {
    info: ConnectionInfo,
    schedule: Box<dyn KeySchedule>,
    background: Background,
}

impl Complete {
    fn establish(self, records: Records<'_, '_>) -> Result<Established, Fault> {
        let pads_records = records.pads();
        let session = records.into_session(NAME, Role::Client, self.schedule)?;
        let mut established = Established::new(Box::new(session), self.info);
        established.background = self.background;
        established.pads_records = pads_records;
        Ok(established)
    }
}
