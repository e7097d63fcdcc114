//! The end of both flows (RFC 5246 §7.4.9, RFC 5077 §3.3), and what is kept to resume.

use std::time::{Duration, SystemTime};

use polytls_api::{
    ProtocolVersion,
    record::{Role, TrafficKeys},
};

use super::Flow;
use crate::{
    client::{Complete, authentication::ServerVerified},
    error::Fault,
    key_schedule::{FinishedVerified, MasterSecret12},
    session::Secrets12,
    sessions::ClientSession,
    wire::handshake::{Finished, HandshakeType, NewSessionTicket12},
};

/// A ticket of the server's, not empty.
pub(super) struct Ticket {
    ticket: Vec<u8>,
    lifetime: Duration,
}

impl Flow<'_, '_, '_, '_> {
    /// RFC 5077 §3.3: comes if it was announced, and may be empty.
    pub(super) async fn read_new_session_ticket(&mut self) -> Result<Option<Ticket>, Fault> {
        if !self.sends_ticket {
            return Ok(None);
        }
        let message = self.read(HandshakeType::NEW_SESSION_TICKET).await?;
        let ticket = NewSessionTicket12::parse(message.body())?;
        let lifetime = Duration::from_secs(ticket.lifetime_hint.into());
        let ticket = (!ticket.ticket.is_empty()).then(|| Ticket { ticket: ticket.ticket.to_vec(), lifetime });
        self.add(message.raw());
        Ok(ticket)
    }

    /// RFC 5246 §7.1: what the server sends is under these keys from here on.
    pub(super) async fn read_change_cipher_spec(&mut self, keys: TrafficKeys) -> Result<(), Fault> {
        self.records.read_change_cipher_spec().await?;
        self.records.set_receiving_keys(keys)
    }

    /// RFC 5246 §7.4.9: the server saw the same handshake.
    pub(super) async fn read_finished(&mut self, master: &MasterSecret12) -> Result<FinishedVerified, Fault> {
        let message = self.read(HandshakeType::FINISHED).await?;
        let finished = Finished::parse(message.body())?;
        let verified = master.verify(Role::Server, &self.transcript.hash(), finished.verify_data)?;
        self.add(message.raw());
        self.records.nothing_left_over()?;
        Ok(verified)
    }

    pub(super) fn send_finished(&mut self, master: &MasterSecret12) {
        let verify_data = master.verify_data(Role::Client, &self.transcript.hash());
        self.send(&Finished { verify_data: &verify_data }.encode());
    }

    /// Keeps what the server gave to resume with: a ticket, or else an id.
    pub(super) fn keep_session(&mut self, master: &MasterSecret12, ticket: Option<Ticket>) {
        let (ticket, lifetime) = ticket.map(|ticket| (ticket.ticket, ticket.lifetime)).unwrap_or_default();
        let session_id = if ticket.is_empty() { self.session_id.clone() } else { Vec::new() };
        if ticket.is_empty() && session_id.is_empty() {
            return;
        }
        let now = SystemTime::now();
        self.keep(ClientSession {
            version: ProtocolVersion::Tls12,
            suite: self.suite.id,
            secret: master.as_secret().clone(),
            ticket,
            session_id,
            obtained: now,
            verified: now,
            lifetime,
            age_add: 0,
            max_early_data: 0,
            alpn: self.info.alpn.clone(),
            peer_chain: self.info.peer_chain.clone(),
            extended_master_secret: self.extended_master_secret,
        });
    }

    /// The session proved good: it is kept again, with the new ticket if there is one. It ends when it would have ended.
    pub(super) fn keep_session_again(&mut self, mut session: ClientSession, ticket: Option<Ticket>) {
        if let Some(Ticket { ticket, .. }) = ticket {
            session.ticket = ticket;
            session.session_id = Vec::new();
        }
        self.keep(session);
    }

    fn keep(&self, session: ClientSession) {
        if let Some(sessions) = &self.offer.prepared.sessions {
            sessions.keep_in(&self.background, self.offer.name, session);
        }
    }

    /// What the connection goes on with: the server is verified, and saw the same handshake.
    pub(super) fn complete(self, master: MasterSecret12, _: ServerVerified, _: FinishedVerified) -> Complete {
        let schedule = Secrets12::new(&master, self.offer.random, self.server_random);
        Complete { info: self.info, schedule: Box::new(schedule), background: self.background }
    }
}
