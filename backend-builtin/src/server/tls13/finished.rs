//! Finished on both sides (RFC 8446 §4.4.4), and what protects the connection from there on.

use polytls_api::{EarlyDataStatus, ProtocolVersion, ReplayableData};

use super::{Handshake, hellos::HandshakeSecrets, psk::Authentication};
use crate::{
    error::Fault,
    key_schedule::{ExporterSecret, FinishedVerified, MasterSecret, ResumptionSecret, TrafficSecret},
    server::{Connected, client_authentication::Client, read_message},
    session::Secrets13,
    wire::handshake::{Finished, HandshakeType},
};

/// The secrets of the connection, before the client's Finished has come.
pub(super) struct ApplicationSecrets {
    master: MasterSecret,
    /// What protects the client's messages until then.
    pub(super) client_handshake: TrafficSecret,
    client: TrafficSecret,
    server: TrafficSecret,
    exporter: ExporterSecret,
}

/// The secrets of a connection whose client's Finished was verified.
pub(super) struct Complete {
    pub(super) resumption: ResumptionSecret,
    client: TrafficSecret,
    server: TrafficSecret,
    exporter: ExporterSecret,
}

impl Handshake<'_, '_, '_> {
    pub(super) fn send_finished(&mut self, secrets: HandshakeSecrets) -> Result<ApplicationSecrets, Fault> {
        let verify_data = secrets.server.finished_key().verify_data(&self.transcript.hash());
        let message = Finished { verify_data: verify_data.as_bytes() }.encode();
        self.send(&message);
        let master = secrets.secret.master();
        let hash = self.transcript.hash();
        let (client, server) = (master.client_traffic(&hash), master.server_traffic(&hash));
        let exporter = master.exporter(&hash);
        self.log("CLIENT_TRAFFIC_SECRET_0", client.as_bytes());
        self.log("SERVER_TRAFFIC_SECRET_0", server.as_bytes());
        self.log("EXPORTER_SECRET", exporter.as_bytes());
        self.records.set_sending_keys(server.keys(self.parameters.suite)?)?;
        Ok(ApplicationSecrets { master, client_handshake: secrets.client, client, server, exporter })
    }

    pub(super) async fn read_finished(
        &mut self,
        secrets: &ApplicationSecrets,
    ) -> Result<FinishedVerified, Fault> {
        let kind = HandshakeType::FINISHED;
        let message = read_message(self.records, kind, "the client's Finished ends the handshake").await?;
        let received = Finished::parse(message.body())?;
        let key = secrets.client_handshake.finished_key();
        let verified = key.verify(&self.transcript.hash(), received.verify_data)?;
        self.transcript.add(message.raw());
        Ok(verified)
    }

    /// Protects the connection: nothing but a Finished that verifies leads here.
    pub(super) fn complete(
        &mut self,
        secrets: ApplicationSecrets,
        _: &FinishedVerified,
    ) -> Result<Complete, Fault> {
        let ApplicationSecrets { master, client, server, exporter, .. } = secrets;
        self.records.set_receiving_keys(client.keys(self.parameters.suite)?)?;
        self.records.allow_change_cipher_spec(false);
        let resumption = master.resumption(&self.transcript.hash());
        Ok(Complete { resumption, client, server, exporter })
    }

    pub(super) fn connected(
        self,
        complete: Complete,
        client: Client,
        authentication: &Authentication,
        early_data: (EarlyDataStatus, Option<ReplayableData>),
    ) -> Connected {
        let Complete { client: receiving, server: sending, exporter, .. } = complete;
        let parameters = self.parameters;
        let mut info = Connected::describe(self.server, client, ProtocolVersion::Tls13);
        info.cipher_suite = Some(parameters.suite.id);
        info.named_group = Some(parameters.group);
        info.alpn = parameters.alpn;
        info.server_name = parameters.server_name;
        info.resumed = Some(authentication.session().is_some());
        info.early_data = early_data.0;
        Connected {
            schedule: Secrets13 { suite: parameters.suite, sending, receiving, exporter, tickets: None }
                .into_schedule(),
            info,
            early_data: early_data.1,
        }
    }
}
