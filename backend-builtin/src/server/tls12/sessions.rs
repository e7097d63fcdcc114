//! Sessions that go on (RFC 5246 §7.3, figure 2): with the client, in a ticket (RFC 5077), or here, under an id.

use std::time::SystemTime;

use polytls_api::ProtocolVersion;

use super::Handshake;
use crate::{
    crypto::random,
    error::Fault,
    key_schedule::{FinishedVerified, MasterSecret12},
    server::{client_authentication::Client, hello::Hello},
    sessions::{ID_LEN, ServerSession, ServerSessions},
    wire::handshake::NewSessionTicket12,
};

/// A session of the client's, and under what it was found.
pub(super) struct Session {
    pub(super) content: ServerSession,
    id: Vec<u8>,
}

impl Handshake<'_, '_, '_> {
    /// The client's session, if it may go on here and now.
    pub(super) async fn choose_session(
        &mut self,
        client_hello: &Hello<'_>,
    ) -> Result<Option<Session>, Fault> {
        let Some(sessions) = &self.server.prepared.sessions else { return Ok(None) };
        // RFC 5077 §3.4: beside a ticket, the id says nothing.
        let ticket = client_hello.extensions.session_ticket.filter(|ticket| !ticket.is_empty());
        let id = match ticket {
            Some(ticket) => ticket,
            None if client_hello.legacy_session_id.is_empty() => return Ok(None),
            None => client_hello.legacy_session_id,
        };
        let Some(content) = sessions.open(id, &self.server.identity).await else { return Ok(None) };
        if !self.goes_on(&content)? {
            return Ok(None);
        }
        Ok(Some(Session { content, id: id.to_vec() }))
    }

    fn goes_on(&self, session: &ServerSession) -> Result<bool, Fault> {
        let parameters = &self.parameters;
        // RFC 7627 §5.3: who had the extension and has it no more, is not the one that it was.
        if session.version == ProtocolVersion::Tls12
            && session.extended_master_secret
            && !parameters.extended_master_secret
        {
            return Err(Fault::HandshakeFailure("a session with extended_master_secret resumed without"));
        }
        Ok(session.version == ProtocolVersion::Tls12
            && session.suite == parameters.suite.id
            // RFC 6066 §3.
            && session.server_name == parameters.server_name
            && session.extended_master_secret == parameters.extended_master_secret)
    }

    /// Whether the client is promised a ticket.
    pub(super) fn gives_ticket(&self) -> bool {
        self.parameters.session_ticket && self.server.prepared.sessions.is_some()
    }

    /// An id for the session that begins; empty where it has none.
    pub(super) fn new_session_id(&self) -> Result<Vec<u8>, Fault> {
        if self.server.prepared.sessions.is_none() || self.gives_ticket() {
            return Ok(Vec::new());
        }
        let mut id = vec![0; ID_LEN];
        random(&mut id)?;
        Ok(id)
    }

    /// Keeps the session that began: only a Finished that verifies leads here.
    pub(super) async fn keep_session(
        &mut self,
        id: &[u8],
        master: &MasterSecret12,
        client: &Client,
        _: &FinishedVerified,
    ) -> Result<(), Fault> {
        let Some(sessions) = &self.server.prepared.sessions else { return Ok(()) };
        let identity = &self.server.identity;
        let Some(session) = self.session(sessions, master, client) else { return Ok(()) };
        if self.gives_ticket() {
            // RFC 5077 §3.3: what was promised comes, and may be empty.
            let ticket = sessions.seal(&session, identity).await?.unwrap_or_default();
            let lifetime_hint = u32::try_from(session.lifetime.as_secs()).unwrap_or(u32::MAX);
            let message = NewSessionTicket12 { lifetime_hint, ticket: &ticket }.encode();
            self.send(&message);
        } else if !id.is_empty() {
            sessions.keep_under(id, &session, identity).await;
        }
        Ok(())
    }

    fn session(
        &self,
        sessions: &ServerSessions,
        master: &MasterSecret12,
        client: &Client,
    ) -> Option<ServerSession> {
        let now = SystemTime::now();
        Some(ServerSession {
            version: ProtocolVersion::Tls12,
            suite: self.parameters.suite.id,
            secret: master.as_secret().clone(),
            created: now,
            lifetime: sessions.lifetime(None, now)?,
            age_add: 0,
            max_early_data: 0,
            alpn: self.parameters.alpn.clone(),
            server_name: self.parameters.server_name.clone(),
            peer_chain: client.chain.clone(),
            extended_master_secret: self.parameters.extended_master_secret,
        })
    }

    /// Puts a session that proved good back under its id: in TLS 1.2 it may go on more than once.
    pub(super) async fn keep_resumed_session(&mut self, session: &Session, _: &FinishedVerified) {
        if let Some(sessions) = &self.server.prepared.sessions {
            sessions.keep_under(&session.id, &session.content, &self.server.identity).await;
        }
    }
}
