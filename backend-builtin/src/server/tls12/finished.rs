//! ChangeCipherSpec and Finished on both sides (RFC 5246 §7.1, §7.4.9), and the connection that they lead to.

use polytls_api::{
    ProtocolVersion,
    record::{Role, TrafficKeys},
};

use super::Handshake;
use crate::{
    error::Fault,
    key_schedule::{FinishedVerified, MasterSecret12},
    server::{Connected, client_authentication::Client, read_message},
    session::Secrets12,
    wire::handshake::{Finished, HandshakeType},
};

impl Handshake<'_, '_, '_> {
    pub(super) async fn read_change_cipher_spec(&mut self, keys: TrafficKeys) -> Result<(), Fault> {
        self.records.read_change_cipher_spec().await?;
        self.records.set_receiving_keys(keys)
    }

    pub(super) async fn read_finished(&mut self, master: &MasterSecret12) -> Result<FinishedVerified, Fault> {
        let kind = HandshakeType::FINISHED;
        let message = read_message(self.records, kind, "Finished follows ChangeCipherSpec").await?;
        self.records.nothing_left_over()?;
        let received = Finished::parse(message.body())?;
        let verified = master.verify(Role::Client, &self.transcript.hash(), received.verify_data)?;
        self.take_in(message.raw());
        Ok(verified)
    }

    pub(super) fn send_change_cipher_spec(&mut self, keys: TrafficKeys) -> Result<(), Fault> {
        self.records.send_change_cipher_spec()?;
        self.records.set_sending_keys(keys)
    }

    pub(super) fn send_finished(&mut self, master: &MasterSecret12) {
        let verify_data = master.verify_data(Role::Server, &self.transcript.hash());
        self.send(&Finished { verify_data: &verify_data }.encode());
    }

    /// The connection: nothing but a Finished that verifies leads here.
    pub(super) fn connected(
        self,
        master: MasterSecret12,
        client: Client,
        resumed: bool,
        _: &FinishedVerified,
    ) -> Connected {
        let parameters = self.parameters;
        let mut info = Connected::describe(self.server, client, ProtocolVersion::Tls12);
        info.cipher_suite = Some(parameters.suite.id);
        info.named_group = (!resumed).then_some(parameters.group);
        info.alpn = parameters.alpn;
        info.server_name = parameters.server_name;
        info.resumed = Some(resumed);
        Connected {
            schedule: Box::new(Secrets12::new(&master, parameters.client_random, parameters.server_random)),
            info,
            early_data: None,
        }
    }
}
