//! What of a handshake its connection still needs: the secrets behind its keys, and where its tickets go.
//!
//! The record layer itself is [`polytls_api::record::RecordSession`]; this is the [`KeySchedule`] below it.

use std::time::{Duration, SystemTime};

use polytls_api::{
    Background, CertificateDer, Error, ProtocolVersion, ServerName,
    record::{KeySchedule, TrafficKeys},
};

use crate::{
    error::Fault,
    key_schedule::{ExporterSecret, MasterSecret12, ResumptionSecret, Suite, TrafficSecret},
    sessions::{ClientSession, ClientSessions},
    wire::handshake::NewSessionTicket,
};

/// The secrets of an established connection of TLS 1.3 (RFC 8446 §7).
#[derive(Debug)]
pub(crate) struct Secrets13 {
    pub(crate) suite: &'static Suite,
    /// Those that the keys in force come from.
    pub(crate) sending: TrafficSecret,
    pub(crate) receiving: TrafficSecret,
    pub(crate) exporter: ExporterSecret,
    /// On a client that resumes, where the server was verified by a certificate.
    pub(crate) tickets: Option<Tickets>,
}

/// Where a client keeps what its server gives it to resume with, and what goes into it.
#[derive(Debug)]
pub(crate) struct Tickets {
    pub(crate) sessions: ClientSessions,
    pub(crate) server: ServerName,
    pub(crate) background: Background,
    pub(crate) resumption: ResumptionSecret,
    pub(crate) alpn: Option<Vec<u8>>,
    /// When the server's certificate was verified, in this handshake or in the one that began the session.
    pub(crate) verified: SystemTime,
    pub(crate) peer_chain: Vec<CertificateDer<'static>>,
}

impl KeySchedule for Secrets13 {
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, Error> {
        next_keys(&mut self.sending, self.suite)
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error> {
        next_keys(&mut self.receiving, self.suite)
    }

    fn new_session_ticket(&mut self, body: &[u8]) -> Result<(), Error> {
        let message = NewSessionTicket::parse(body).map_err(Fault::into_error)?;
        if let Some(tickets) = &self.tickets {
            tickets.keep(self.suite, &message);
        }
        Ok(())
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.exporter.export(label, context, output).map_err(Fault::into_error)
    }
}

/// RFC 8446 §7.2; the secret before is gone then, and what it protected stays secret.
fn next_keys(secret: &mut TrafficSecret, suite: &Suite) -> Result<TrafficKeys, Error> {
    *secret = secret.next();
    secret.keys(suite).map_err(Fault::into_error)
}

impl Tickets {
    fn keep(&self, suite: &Suite, message: &NewSessionTicket<'_>) {
        let session = ClientSession {
            version: ProtocolVersion::Tls13,
            suite: suite.id,
            secret: self.resumption.psk(message.nonce),
            ticket: message.ticket.to_vec(),
            session_id: Vec::new(),
            obtained: SystemTime::now(),
            verified: self.verified,
            lifetime: Duration::from_secs(message.lifetime.into()),
            age_add: message.age_add,
            max_early_data: message.max_early_data_size.unwrap_or(0),
            alpn: self.alpn.clone(),
            peer_chain: self.peer_chain.clone(),
            extended_master_secret: false,
        };
        self.sessions.keep_in(&self.background, &self.server, session);
    }
}

/// The secrets of an established connection of TLS 1.2. Its keys are never renewed, and its tickets come before.
#[derive(Debug)]
pub(crate) struct Secrets12 {
    pub(crate) master: MasterSecret12,
    pub(crate) client_random: [u8; 32],
    pub(crate) server_random: [u8; 32],
}

impl KeySchedule for Secrets12 {
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, Error> {
        Err(no_key_update())
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error> {
        Err(no_key_update())
    }

    fn new_session_ticket(&mut self, _body: &[u8]) -> Result<(), Error> {
        Err(Fault::UnexpectedMessage("a ticket after a handshake of TLS 1.2").into_error())
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.master
            .export(&self.client_random, &self.server_random, label, context, output)
            .map_err(Fault::into_error)
    }
}

fn no_key_update() -> Error {
    Fault::Internal("TLS 1.2 has no key update").into_error()
}

#[cfg(test)]
mod tests;
