//! TLS 1.2 on a server (RFC 5246 §7.3).
//!
//! [`accept`] runs the full handshake or, with a session that goes on, the abbreviated one; each is the message flow,
//! and each message has its function: those up to ServerHello in `hellos`, those that make keys in `key_exchange`,
//! the end in `finished`, sessions in `sessions`.

mod finished;
mod hellos;
mod key_exchange;
mod parameters;
mod sessions;

use polytls_api::ProtocolVersion;

use self::{parameters::Parameters, sessions::Session};
use super::{Connected, Server, client_authentication::Client, hello::Hello};
use crate::{
    error::Fault,
    key_schedule::{MasterSecret12, Transcript, TranscriptBuffer},
    record::Records,
    steps::Step,
};

/// Runs the handshake from the ClientHello on.
pub(super) async fn accept(
    server: &Server<'_>,
    records: &mut Records<'_, '_>,
    client_hello: &Hello<'_>,
) -> Result<Connected, Fault> {
    let mut handshake = Handshake::begin(server, records, client_hello)?;
    let session = handshake.choose_session(client_hello).await?;
    match session {
        Some(session) => handshake.abbreviated(session).await,
        None => handshake.full().await,
    }
}

/// A handshake on its way.
struct Handshake<'h, 'a, 't> {
    server: &'h Server<'h>,
    records: &'h mut Records<'a, 't>,
    parameters: Parameters,
    transcript: Transcript,
    /// The messages themselves, where a client may sign them (RFC 5246 §7.4.8).
    messages: Option<TranscriptBuffer>,
}

impl Handshake<'_, '_, '_> {
    /// RFC 5246 §7.3, figure 1. The client's ClientHello is read.
    async fn full(mut self) -> Result<Connected, Fault> {
        // -> ServerHello, Certificate, CertificateStatus, ServerKeyExchange, CertificateRequest, ServerHelloDone
        let id = self.new_session_id()?;
        self.send_server_hello(&id, None);
        self.send_certificate();
        self.send_certificate_status();
        let share = self.send_server_key_exchange().await?;
        self.send_certificate_request();
        self.send_server_hello_done();
        // <- Certificate, ClientKeyExchange, CertificateVerify, [ChangeCipherSpec], Finished
        let chain = self.read_certificate().await?;
        let master = self.read_client_key_exchange(share).await?;
        let client = self.read_certificate_verify(chain).await?;
        let keys = self.keys(&master)?;
        self.read_change_cipher_spec(keys.client).await?;
        let verified = self.read_finished(&master).await?;
        // -> NewSessionTicket, [ChangeCipherSpec], Finished
        self.keep_session(&id, &master, &client, &verified).await?;
        self.send_change_cipher_spec(keys.server)?;
        self.send_finished(&master);
        Ok(self.connected(master, client, false, &verified))
    }

    /// RFC 5246 §7.3, figure 2. The client's ClientHello is read, and its session found.
    async fn abbreviated(mut self, session: Session) -> Result<Connected, Fault> {
        let master = MasterSecret12::resumed(self.parameters.suite.hash, session.content.secret.clone());
        // -> ServerHello, [ChangeCipherSpec], Finished
        let id = self.parameters.legacy_session_id.clone();
        self.send_server_hello(&id, Some(&session));
        let keys = self.keys(&master)?;
        self.send_change_cipher_spec(keys.server)?;
        self.send_finished(&master);
        // <- [ChangeCipherSpec], Finished
        self.read_change_cipher_spec(keys.client).await?;
        let verified = self.read_finished(&master).await?;
        let client = Client::resumed(self.server, &session.content);
        self.keep_resumed_session(&session, &verified).await;
        Ok(self.connected(master, client, true, &verified))
    }
}

impl<'h, 'a, 't> Handshake<'h, 'a, 't> {
    fn begin(
        server: &'h Server<'h>,
        records: &'h mut Records<'a, 't>,
        client_hello: &Hello<'_>,
    ) -> Result<Self, Fault> {
        records.set_version(ProtocolVersion::Tls12);
        let parameters = Step::Choose.span().in_scope(|| Parameters::choose(server, client_hello))?;
        let transcript = Transcript::new(parameters.suite.hash);
        let messages = server.asks_for_certificate().then(TranscriptBuffer::new);
        let mut handshake = Self { server, records, parameters, transcript, messages };
        handshake.take_in(client_hello.message.raw());
        Ok(handshake)
    }

    /// Has the transcript take a message.
    fn take_in(&mut self, message: &[u8]) {
        self.transcript.add(message);
        if let Some(messages) = &mut self.messages {
            messages.add(message);
        }
    }

    /// Sends a message, and has the transcript take it.
    fn send(&mut self, message: &[u8]) {
        self.take_in(message);
        self.records.send_message(message);
    }
}
