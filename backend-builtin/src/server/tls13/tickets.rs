//! NewSessionTicket (RFC 8446 §4.6.1): how the client may resume.

use std::time::{Duration, SystemTime};

use polytls_api::ProtocolVersion;

use super::{Handshake, finished::Complete, psk::Authentication};
use crate::{
    crypto::random,
    error::Fault,
    server::client_authentication::Client,
    sessions::{ServerSession, ServerSessions},
    wire::{grease, handshake::NewSessionTicket},
};

impl Handshake<'_, '_, '_> {
    pub(super) async fn send_new_session_tickets(
        &mut self,
        complete: &Complete,
        client: &Client,
        authentication: &Authentication,
    ) -> Result<(), Fault> {
        let prepared = self.server.prepared;
        // RFC 8446 §4.2.9: a client that could not use one gets none.
        let Some(sessions) = prepared.sessions.as_ref().filter(|_| self.parameters.psk_dhe_ke) else {
            return Ok(());
        };
        // Where a client must be verified anew when its session is over, what is left of it may be nothing.
        let lifetime = sessions.lifetime(authentication.session(), SystemTime::now());
        let Some(lifetime) = lifetime else { return Ok(()) };
        for nonce in 0..prepared.config.tickets() {
            let session = self.session(complete, client, lifetime, nonce)?;
            self.send_new_session_ticket(sessions, &session, nonce).await?;
        }
        Ok(())
    }

    async fn send_new_session_ticket(
        &mut self,
        sessions: &ServerSessions,
        session: &ServerSession,
        nonce: u8,
    ) -> Result<(), Fault> {
        let ticket = sessions.seal(session, &self.server.identity).await?;
        // A chain may be too long for a ticket: this client is verified anew each time.
        let Some(ticket) = ticket else { return Ok(()) };
        let max_early_data = session.max_early_data;
        let message = NewSessionTicket {
            lifetime: u32::try_from(session.lifetime.as_secs()).unwrap_or(u32::MAX),
            age_add: session.age_add,
            nonce: &[nonce],
            ticket: &ticket,
            max_early_data_size: (max_early_data > 0).then_some(max_early_data),
            grease: self.server.prepared.options.grease.then(|| grease::value(session.age_add as u8)),
        }
        .encode();
        // The client's Finished ended the transcript.
        self.records.send_message(&message);
        Ok(())
    }

    fn session(
        &self,
        complete: &Complete,
        client: &Client,
        lifetime: Duration,
        nonce: u8,
    ) -> Result<ServerSession, Fault> {
        let mut age_add = [0; 4];
        random(&mut age_add)?;
        Ok(ServerSession {
            version: ProtocolVersion::Tls13,
            suite: self.parameters.suite.id,
            secret: complete.resumption.psk(&[nonce]),
            created: SystemTime::now(),
            lifetime,
            age_add: u32::from_be_bytes(age_add),
            max_early_data: self.server.prepared.config.max_early_data(),
            alpn: self.parameters.alpn.clone(),
            server_name: self.parameters.server_name.clone(),
            peer_chain: client.chain.clone(),
            extended_master_secret: false,
        })
    }
}
