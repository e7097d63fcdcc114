//! The server's side of a handshake (RFC 8446 §2, RFC 5246 §7.3).
//!
//! [`accept`] runs one: it reads the ClientHello, chooses the version, and hands over to `tls13` or `tls12`, which
//! open with the message flow of their RFC. What is chosen, `choose` chooses, in one order for both; whom the client
//! proves to be is `client_authentication`'s. A fault anywhere comes back to [`accept`], which tells the client.

mod choose;
mod client_authentication;
mod hello;
#[cfg(test)]
mod tests;
mod tls12;
mod tls13;

use std::{pin::pin, sync::Arc};

use polytls_api::{
    ClientAuthentication, ConnectionInfo, Error, Established, ProtocolVersion, ReplayableData, Transport,
    record::{KeySchedule, Role},
};
use tracing::Instrument as _;

use self::{client_authentication::Client, hello::Hello};
use crate::{
    NAME,
    config::PreparedServer,
    crypto,
    error::Fault,
    identity::PreparedIdentity,
    options::ExternalPsk,
    record::Records,
    steps::{self, Step},
    wire::handshake::{ClientHello, HandshakeMessage, HandshakeType},
};

/// Runs one handshake with the client at the other end of `transport`.
///
/// # Errors
/// What ended it. The alert for the client is in the transport then, for the caller to send.
pub(crate) async fn accept(
    prepared: &PreparedServer,
    transport: &mut Transport<'_>,
) -> Result<Established, Error> {
    // Before the first byte is consumed: a resolver reads the hello where it is.
    let identity = prepared.identity(transport).await;
    let mut records = Records::new(transport, &prepared.options.limits);
    records.set_padding(prepared.options.padding);
    records.set_max_plaintext(prepared.config.protocol().max_record_plaintext());
    let connected = match identity {
        Ok(identity) => pin!(handshake(&Server { prepared, identity }, &mut records)).await,
        Err(fault) => Err(fault),
    };
    match connected {
        Ok(connected) => connected.establish(records),
        Err(fault) => Err(fail(&mut records, fault)),
    }
}

async fn handshake(server: &Server<'_>, records: &mut Records<'_, '_>) -> Result<Connected, Fault> {
    let offer = Step::Offer.span();
    let message = hello::read_client_hello(records).instrument(offer.clone()).await?;
    let client_hello = offer.in_scope(|| ClientHello::parse(message.body()))?;
    let hello = Hello { message: &message, client_hello: &client_hello };
    match choose::version(server.prepared, &client_hello)? {
        ProtocolVersion::Tls13 => pin!(tls13::accept(server, records, &hello)).await,
        // In a box of its own: the future is as large as the largest of these, and is moved.
        _ => Box::pin(tls12::accept(server, records, &hello)).await,
    }
}

/// Reads the message that must come next.
async fn read_message(
    records: &mut Records<'_, '_>,
    kind: HandshakeType,
    otherwise: &'static str,
) -> Result<HandshakeMessage, Fault> {
    let message = records.read_message().await?;
    if message.kind() == kind { Ok(message) } else { Err(Fault::UnexpectedMessage(otherwise)) }
}

/// Has the client told, and the application.
fn fail(records: &mut Records<'_, '_>, fault: Fault) -> Error {
    if let Some(alert) = fault.alert() {
        records.send_alert(alert);
    }
    fault.into_error()
}

/// What a handshake needs to know of its server.
struct Server<'a> {
    prepared: &'a PreparedServer,
    /// What is presented to this client.
    identity: Arc<PreparedIdentity>,
}

impl Server<'_> {
    /// Whether clients are asked for a certificate.
    fn asks_for_certificate(&self) -> bool {
        self.prepared.config.client_authentication() != ClientAuthentication::None
    }

    /// The key of this name that both sides were given, where such keys are taken.
    fn external_psk(&self, identity: &[u8]) -> Option<&ExternalPsk> {
        // RFC 8446 §4.3.2: with a PSK, no client is asked for its certificate.
        let mut known = self.prepared.options.external_psks.iter().filter(|_| !self.asks_for_certificate());
        known.find(|psk| psk.identity() == identity)
    }

    /// The bytes that are new in each ServerHello.
    fn random(&self) -> Result<[u8; 32], Fault> {
        let mut random = [0; 32];
        crypto::random(&mut random)?;
        Ok(random)
    }

    /// Tells the key log, if there is one.
    fn log(&self, label: &str, client_random: &[u8; 32], secret: &[u8]) {
        if let Some(key_log) = self.prepared.config.protocol().key_log() {
            key_log.log(label, client_random, secret);
        }
    }
}

/// A handshake that is complete: the record layer has its keys.
struct Connected {
    schedule: Box<dyn KeySchedule>,
    info: ConnectionInfo,
    early_data: Option<ReplayableData>,
}

impl Connected {
    /// What is known of the connection whatever its version is.
    fn describe(server: &Server<'_>, client: Client, version: ProtocolVersion) -> ConnectionInfo {
        let mut info = ConnectionInfo::new(server.prepared.info.clone());
        info.version = Some(version);
        info.peer_signature_scheme = client.scheme;
        info.peer_chain = client.chain;
        info.verified_chain = client.verified;
        if let Some(took) = client.verification {
            info.timings.set_verification(took);
        }
        info.present(server.identity.identity());
        info
    }

    fn establish(self, records: Records<'_, '_>) -> Result<Established, Error> {
        let pads_records = records.pads();
        let session = records.into_session(NAME, Role::Server, self.schedule).map_err(Fault::into_error)?;
        steps::reached(Step::Protect);
        let mut established = Established::new(Box::new(session), self.info);
        established.early_data = self.early_data;
        established.pads_records = pads_records;
        Ok(established)
    }
}
