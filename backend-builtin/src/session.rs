//! What of a handshake its connection still needs: the secrets behind its keys, and where its tickets go.
//!
//! The record layer itself is [`polytls_api::record::RecordSession`]; this is the [`KeySchedule`] below it.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use polytls_api::{
    Background, CertificateChain, Error, ProtocolVersion, ServerName,
    record::{KeySchedule, TrafficKeys},
};

use crate::{
    crypto::HashAlgorithm,
    error::Fault,
    key_schedule::{
        ExporterSecret, Kept, MASTER_SECRET_LEN, MasterSecret12, ResumptionSecret, Suite, TrafficSecret,
    },
    sessions::{ClientSession, ClientSessions},
    wire::handshake::NewSessionTicket,
};

/// The secrets of a connection of TLS 1.3, as the handshake ends in them (RFC 8446 §7).
#[derive(Debug)]
pub(crate) struct Secrets13 {
    pub(crate) suite: &'static Suite,
    /// Those that the keys in force come from.
    pub(crate) sending: TrafficSecret,
    pub(crate) receiving: TrafficSecret,
    pub(crate) exporter: ExporterSecret,
    /// On a client that resumes, where the server was verified by a certificate.
    pub(crate) tickets: Option<(Tickets, ResumptionSecret)>,
}

/// Where a client keeps what its server gives it to resume with, and what goes into it.
#[derive(Debug)]
pub(crate) struct Tickets {
    pub(crate) sessions: ClientSessions,
    pub(crate) server: ServerName,
    pub(crate) background: Background,
    pub(crate) alpn: Option<Arc<[u8]>>,
    /// When the server's certificate was verified, in this handshake or in the one that began the session.
    pub(crate) verified: SystemTime,
    pub(crate) peer_chain: CertificateChain,
}

impl Secrets13 {
    /// What the connection keeps of them.
    pub(crate) fn into_schedule(self) -> Box<dyn KeySchedule> {
        match self.suite.hash {
            HashAlgorithm::Sha256 => Box::new(Schedule13::<32>::new(self)),
            HashAlgorithm::Sha384 => Box::new(Schedule13::<48>::new(self)),
        }
    }
}

/// [`Secrets13`] for as long as the connection lasts, under a hash of `LEN` bytes.
#[derive(Debug)]
struct Schedule13<const LEN: usize> {
    suite: &'static Suite,
    sending: Kept<TrafficSecret, LEN>,
    receiving: Kept<TrafficSecret, LEN>,
    exporter: Kept<ExporterSecret, LEN>,
    tickets: Option<Box<(Tickets, Kept<ResumptionSecret, LEN>)>>,
}

impl<const LEN: usize> Schedule13<LEN> {
    fn new(secrets: Secrets13) -> Self {
        let tickets =
            secrets.tickets.map(|(tickets, resumption)| Box::new((tickets, Kept::new(&resumption))));
        Self {
            suite: secrets.suite,
            sending: Kept::new(&secrets.sending),
            receiving: Kept::new(&secrets.receiving),
            exporter: Kept::new(&secrets.exporter),
            tickets,
        }
    }
}

impl<const LEN: usize> KeySchedule for Schedule13<LEN> {
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, Error> {
        next_keys(&mut self.sending, self.suite)
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error> {
        next_keys(&mut self.receiving, self.suite)
    }

    fn new_session_ticket(&mut self, body: &[u8]) -> Result<(), Error> {
        let message = NewSessionTicket::parse(body).map_err(Fault::into_error)?;
        if let Some((tickets, resumption)) = self.tickets.as_deref() {
            tickets.keep(self.suite, &resumption.secret(self.suite.hash), &message);
        }
        Ok(())
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        let exporter = self.exporter.secret(self.suite.hash);
        exporter.export(label, context, output).map_err(Fault::into_error)
    }
}

/// RFC 8446 §7.2; the secret before is gone then, and what it protected stays secret.
fn next_keys<const LEN: usize>(
    secret: &mut Kept<TrafficSecret, LEN>,
    suite: &Suite,
) -> Result<TrafficKeys, Error> {
    let next = secret.secret(suite.hash).next();
    *secret = Kept::new(&next);
    next.keys(suite).map_err(Fault::into_error)
}

impl Tickets {
    fn keep(&self, suite: &Suite, resumption: &ResumptionSecret, message: &NewSessionTicket<'_>) {
        let session = ClientSession {
            version: ProtocolVersion::Tls13,
            suite: suite.id,
            secret: resumption.psk(message.nonce),
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
    hash: HashAlgorithm,
    master: Kept<MasterSecret12, MASTER_SECRET_LEN>,
    client_random: [u8; 32],
    server_random: [u8; 32],
}

impl Secrets12 {
    pub(crate) fn new(master: &MasterSecret12, client_random: [u8; 32], server_random: [u8; 32]) -> Self {
        Self { hash: master.hash(), master: Kept::new(master), client_random, server_random }
    }
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
            .secret(self.hash)
            .export(&self.client_random, &self.server_random, label, context, output)
            .map_err(Fault::into_error)
    }
}

fn no_key_update() -> Error {
    Fault::Internal("TLS 1.2 has no key update").into_error()
}

#[cfg(test)]
mod tests;
