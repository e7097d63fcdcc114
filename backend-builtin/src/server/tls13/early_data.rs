//! Early data (RFC 8446 §2.3, §4.2.10, §8): taken once, held until the handshake is complete, or passed over.

use polytls_api::{EarlyDataStatus, ReplayableData};

use super::{
    Handshake,
    finished::ApplicationSecrets,
    hellos::HandshakeSecrets,
    psk::{Authentication, Psk},
};
use crate::{
    error::Fault,
    key_schedule::TrafficSecret,
    record::{EarlyDataOr, Skip},
    server::{Server, hello::Hello},
    wire::handshake::{EndOfEarlyData, HandshakeType},
};

/// What is passed over of early data that is not taken, in bytes, and what records add to it.
const LEAST_SKIPPED: u32 = 16 * 1024;
const RECORD_OVERHEAD: u32 = 2 * 1024;

/// What becomes of the client's early data.
pub(super) enum EarlyData {
    NotOffered,
    Rejected,
    /// It is taken under this secret, up to as many bytes as its ticket allows.
    Accepted(Box<TrafficSecret>, u32),
}

/// How much is read of early data that is not taken.
pub(super) fn most_skipped(server: &Server<'_>) -> u32 {
    server.prepared.config.max_early_data().saturating_add(RECORD_OVERHEAD).max(LEAST_SKIPPED)
}

impl Handshake<'_, '_, '_> {
    pub(super) fn choose_early_data(
        &mut self,
        client_hello: &Hello<'_>,
        authentication: &Authentication,
    ) -> Result<EarlyData, Fault> {
        if !client_hello.extensions.early_data {
            return Ok(EarlyData::NotOffered);
        }
        let retry = self.parameters.key_share(client_hello)?.is_none();
        let psk = authentication.psk().filter(|_| !retry);
        let Some((psk, most)) = psk.and_then(|psk| Some((psk, self.most_early_data(psk)?))) else {
            return Ok(EarlyData::Rejected);
        };
        let hash = self.transcript.hash_part(client_hello.message.raw());
        let secret = psk.early_secret.client_early_traffic(&hash);
        self.log("CLIENT_EARLY_TRAFFIC_SECRET", secret.as_bytes());
        Ok(EarlyData::Accepted(Box::new(secret), most))
    }

    /// How much may come under this PSK; `None` where none is taken.
    fn most_early_data(&self, psk: &Psk) -> Option<u32> {
        // RFC 8446 §4.2.10: for the first PSK, with all that its session had. Its suite is the same anyhow.
        let session = psk.session.as_ref().filter(|_| psk.index == 0 && psk.is_fresh)?;
        // A ticket that comes from a store may be of a server that takes more.
        let taken = 1..=self.server.prepared.config.max_early_data();
        let is_taken = session.alpn == self.parameters.alpn && taken.contains(&session.max_early_data);
        is_taken.then_some(session.max_early_data)
    }

    /// What protects the client's next records: early data that is taken has keys of its own.
    pub(super) fn receive_under_handshake_keys(
        &mut self,
        early_data: &EarlyData,
        secrets: &HandshakeSecrets,
    ) -> Result<(), Fault> {
        let suite = self.parameters.suite;
        match early_data {
            EarlyData::Accepted(secret, most) => {
                self.records.accept_early_data(*most);
                return self.records.set_receiving_keys(secret.keys(suite)?);
            }
            // After a HelloRetryRequest there is no more of it: the second hello does not offer any.
            EarlyData::Rejected if !self.parameters.retried => {
                self.records.skip_early_data(Skip::Undecryptable, most_skipped(self.server));
            }
            EarlyData::Rejected | EarlyData::NotOffered => {}
        }
        self.records.set_receiving_keys(secrets.client.keys(suite)?)
    }

    /// Reads early data and EndOfEarlyData where it was accepted.
    pub(super) async fn read_early_data(
        &mut self,
        early_data: EarlyData,
        secrets: &ApplicationSecrets,
    ) -> Result<(EarlyDataStatus, Option<ReplayableData>), Fault> {
        match early_data {
            EarlyData::NotOffered => Ok((EarlyDataStatus::NotOffered, None)),
            EarlyData::Rejected => Ok((EarlyDataStatus::Rejected, None)),
            EarlyData::Accepted(..) => {
                let data = self.read_to_end_of_early_data().await?;
                let keys = secrets.client_handshake.keys(self.parameters.suite)?;
                self.records.set_receiving_keys(keys)?;
                Ok((EarlyDataStatus::Accepted, Some(data)))
            }
        }
    }

    async fn read_to_end_of_early_data(&mut self) -> Result<ReplayableData, Fault> {
        let mut data = ReplayableData::default();
        loop {
            match self.records.read_early_data_or_message().await? {
                EarlyDataOr::Data(more) => data.extend(more.as_bytes()),
                EarlyDataOr::Message(message) if message.kind() == HandshakeType::END_OF_EARLY_DATA => {
                    EndOfEarlyData::parse(message.body())?;
                    self.transcript.add(message.raw());
                    return Ok(data);
                }
                EarlyDataOr::Message(_) => {
                    return Err(Fault::UnexpectedMessage("early data ends with EndOfEarlyData"));
                }
            }
        }
    }
}
