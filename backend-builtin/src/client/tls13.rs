//! The client's side of TLS 1.3: [`handshake`] is the message flow of RFC 8446 §2, top to bottom.
//!
//! Each message has its function. Those before the keys are in `retry.rs` and [`agreement`], what the server sends under
//! them is in [`server_flight`], what the client answers in [`client_flight`].

mod agreement;
mod client_flight;
mod server_flight;

use std::time::SystemTime;

use polytls_api::{Background, ConnectionInfo};

use super::{
    Complete,
    early_data::EarlyData,
    hello::{Answer, SentHello, read_server_hello},
    offer::Offer,
};
use crate::{
    error::Fault,
    key_schedule::{Suite, TrafficSecret, Transcript},
    record::Records,
    wire::handshake::{HandshakeMessage, HandshakeType, ServerHello},
};

/// From the server's first message, which chose TLS 1.3, to the end.
pub(super) async fn handshake(
    mut hello: Box<SentHello<'_>>,
    answer: Answer<'_>,
    records: &mut Records<'_, '_>,
) -> Result<Complete, Fault> {
    // <- HelloRetryRequest, -> ClientHello
    let (message, server_hello);
    let (answer, retried) = if answer.is_hello_retry_request() {
        let mut request = hello.read_hello_retry_request(&answer)?;
        hello.send_second_client_hello(&mut request, records)?;
        message = read_server_hello(records).await?;
        server_hello = ServerHello::parse(message.body())?;
        (Answer { message: &message, server_hello: &server_hello }, Some(request))
    } else {
        (answer, None)
    };
    // <- ServerHello
    let (mut flow, secret, psk) = Flow::read_server_hello(hello, retried, &answer, records)?;
    // <- {EncryptedExtensions}
    flow.read_encrypted_extensions(psk.as_ref()).await?;
    // <- {CertificateRequest}, {Certificate}, {CertificateVerify}
    let mut request = None;
    let server = match psk {
        Some(psk) => flow.recognize(psk),
        None => {
            request = flow.read_certificate_request().await?;
            let certificate = flow.read_certificate().await?;
            let trusted = flow.verify_certificate(certificate).await?;
            flow.read_certificate_verify(&trusted).await?
        }
    };
    // <- {Finished}
    let finished = flow.read_finished().await?;
    let secrets = flow.change_secrets(secret, server, finished)?;
    // -> (EndOfEarlyData), {Certificate}, {CertificateVerify}, {Finished}
    flow.send_end_of_early_data()?;
    if let Some(request) = &request {
        let identity = flow.send_certificate(request);
        flow.send_certificate_verify(identity).await?;
    }
    flow.send_finished(&secrets)?;
    Ok(flow.complete(secrets))
}

/// A handshake under its keys, and what it has found out so far.
struct Flow<'a, 'r, 'b, 't> {
    offer: Offer<'a>,
    records: &'r mut Records<'b, 't>,
    info: ConnectionInfo,
    background: Background,
    suite: &'static Suite,
    transcript: Transcript,
    client_handshake_traffic: TrafficSecret,
    server_handshake_traffic: TrafficSecret,
    early_data: EarlyData,
    /// When the server's certificate was verified, now or for the session that goes on; `None` where it was not, but has
    /// a key that was agreed upon.
    verified: Option<SystemTime>,
    /// What was read and is another's to take: optional messages come, or the next does.
    ahead: Option<HandshakeMessage>,
}

impl Flow<'_, '_, '_, '_> {
    /// The next message, which must be of this kind.
    async fn read(&mut self, kind: HandshakeType) -> Result<HandshakeMessage, Fault> {
        match self.read_if(&[kind]).await? {
            Some(message) => Ok(message),
            None => Err(Fault::UnexpectedMessage("a handshake message out of its order")),
        }
    }

    /// The next message if it is of one of these kinds; else it stays the next.
    async fn read_if(&mut self, kinds: &[HandshakeType]) -> Result<Option<HandshakeMessage>, Fault> {
        let message = match self.ahead.take() {
            Some(message) => message,
            None => self.records.read_message().await?,
        };
        if kinds.contains(&message.kind()) {
            return Ok(Some(message));
        }
        self.ahead = Some(message);
        Ok(None)
    }

    /// Queues a message of the client's.
    fn send(&mut self, message: &[u8]) {
        self.transcript.add(message);
        self.records.send_message(message);
    }
}
