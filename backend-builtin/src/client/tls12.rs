//! The client's side of TLS 1.2: [`handshake`] and what it leads to are the message flows of RFC 5246 §7.3.
//!
//! [`agreement`] reads the ServerHello, [`server_flight`] what follows it, [`client_flight`] answers, and [`finish`] ends
//! both flows.

mod agreement;
mod client_flight;
mod finish;
mod server_flight;

use std::pin::pin;

use polytls_api::{Background, ConnectionInfo};

use super::{
    Complete,
    authentication::ServerVerified,
    hello::{Answer, SentHello},
    offer::Offer,
};
use crate::{
    error::Fault,
    key_schedule::{Suite, Transcript, TranscriptBuffer},
    record::Records,
    sessions::ClientSession,
    wire::handshake::{HandshakeMessage, HandshakeType},
};

/// From the server's first message, which chose TLS 1.2, to the end.
pub(super) async fn handshake(
    hello: Box<SentHello<'_>>,
    answer: Answer<'_>,
    records: &mut Records<'_, '_>,
) -> Result<Complete, Fault> {
    // <- ServerHello
    match Flow::read_server_hello(hello, &answer, records)? {
        (flow, Some(session)) => pin!(abbreviated(flow, session)).await,
        (flow, None) => pin!(full(flow)).await,
    }
}

/// RFC 5246 §7.3, figure 1.
async fn full(mut flow: Flow<'_, '_, '_, '_>) -> Result<Complete, Fault> {
    // <- Certificate, CertificateStatus, ServerKeyExchange
    let mut certificate = flow.read_certificate().await?;
    flow.read_certificate_status(&mut certificate).await?;
    let trusted = flow.verify_certificate(certificate).await?;
    let (server, share) = flow.read_server_key_exchange(&trusted).await?;
    // <- CertificateRequest, ServerHelloDone
    let request = flow.read_certificate_request().await?;
    flow.read_server_hello_done().await?;
    // -> Certificate, ClientKeyExchange, CertificateVerify
    let signing = flow.send_certificate(request.as_ref());
    let master = flow.send_client_key_exchange(share);
    flow.send_certificate_verify(signing).await?;
    // -> [ChangeCipherSpec], Finished
    let keys = flow.keys(&master)?;
    flow.send_change_cipher_spec(keys.client)?;
    flow.send_finished(&master);
    // <- NewSessionTicket, [ChangeCipherSpec], Finished
    let ticket = flow.read_new_session_ticket().await?;
    flow.read_change_cipher_spec(keys.server).await?;
    let finished = flow.read_finished(&master).await?;
    flow.keep_session(&master, ticket);
    Ok(flow.complete(master, server, finished))
}

/// RFC 5246 §7.3, figure 2: an earlier session goes on.
async fn abbreviated(mut flow: Flow<'_, '_, '_, '_>, session: ClientSession) -> Result<Complete, Fault> {
    let master = flow.resume(&session);
    let keys = flow.keys(&master)?;
    // <- NewSessionTicket, [ChangeCipherSpec], Finished
    let ticket = flow.read_new_session_ticket().await?;
    flow.read_change_cipher_spec(keys.server).await?;
    let finished = flow.read_finished(&master).await?;
    let server = ServerVerified::by_session(&session);
    // -> [ChangeCipherSpec], Finished
    flow.send_change_cipher_spec(keys.client)?;
    flow.send_finished(&master);
    flow.keep_session_again(session, ticket);
    Ok(flow.complete(master, server, finished))
}

/// A handshake after the ServerHello, and what it has found out so far.
struct Flow<'a, 'r, 'b, 't> {
    offer: Offer<'a>,
    records: &'r mut Records<'b, 't>,
    info: ConnectionInfo,
    background: Background,
    suite: &'static Suite,
    transcript: Transcript,
    /// The messages themselves, which CertificateVerify signs (RFC 5246 §7.4.8).
    messages: TranscriptBuffer,
    server_random: [u8; 32],
    session_id: Vec<u8>,
    /// RFC 7627.
    extended_master_secret: bool,
    /// Whether the server announced a NewSessionTicket, and that it may send a CertificateStatus.
    sends_ticket: bool,
    sends_status: bool,
    /// What was read and is another's to take: optional messages come, or the next does.
    ahead: Option<HandshakeMessage>,
}

impl Flow<'_, '_, '_, '_> {
    /// The next message, which must be of this kind.
    async fn read(&mut self, kind: HandshakeType) -> Result<HandshakeMessage, Fault> {
        match self.read_if(kind).await? {
            Some(message) => Ok(message),
            None => Err(Fault::UnexpectedMessage("a handshake message out of its order")),
        }
    }

    /// The next message if it is of this kind; else it stays the next.
    async fn read_if(&mut self, kind: HandshakeType) -> Result<Option<HandshakeMessage>, Fault> {
        let message = match self.ahead.take() {
            Some(message) => message,
            None => self.records.read_message().await?,
        };
        if message.kind() == kind {
            return Ok(Some(message));
        }
        self.ahead = Some(message);
        Ok(None)
    }

    /// Takes a message into the transcript.
    fn add(&mut self, message: &[u8]) {
        self.transcript.add(message);
        self.messages.add(message);
    }

    /// Queues a message of the client's.
    fn send(&mut self, message: &[u8]) {
        self.add(message);
        self.records.send_message(message);
    }
}
