//! The ServerHello (RFC 8446 §4.1.3): both sides have chosen, and share keys.

use polytls_api::ProtocolVersion;

use super::Flow;
use crate::{
    client::{
        early_data::EarlyData,
        hello::{Answer, SentHello},
        offer::Offer,
        psk::{self, SelectedPsk},
        retry::Retried,
    },
    error::Fault,
    key_schedule::{HandshakeSecret, Suite, Transcript},
    record::Records,
    steps::{self, Step},
    wire::handshake::ServerHello,
};

impl<'a, 'r, 'b, 't> Flow<'a, 'r, 'b, 't> {
    /// Reads the ServerHello; from here on all is encrypted.
    pub(super) fn read_server_hello(
        mut hello: Box<SentHello<'a>>,
        retried: Option<Retried>,
        server_hello: &Answer<'_>,
        records: &'r mut Records<'b, 't>,
    ) -> Result<(Self, HandshakeSecret, Option<SelectedPsk>), Fault> {
        if server_hello.is_hello_retry_request() {
            return Err(Fault::UnexpectedMessage("a second HelloRetryRequest"));
        }
        let suite = hello.offer.suite_of(server_hello)?;
        let mut transcript = hello.transcript_for(suite, retried)?;
        hello.offer.refuse_unsolicited(&server_hello.extensions.present)?;
        let (secret, psk) = hello.offer.handshake_secret(server_hello, suite)?;
        transcript.add(server_hello.message.raw());
        let hash = transcript.hash();
        let SentHello { offer, early_data, mut info, background, .. } = *hello;
        info.version = Some(ProtocolVersion::Tls13);
        info.cipher_suite = Some(suite.id);
        info.named_group = server_hello.extensions.key_share.as_ref().map(|share| share.group);
        let mut flow = Self {
            client_handshake_traffic: secret.client_traffic(&hash),
            server_handshake_traffic: secret.server_traffic(&hash),
            offer,
            records,
            info,
            background,
            suite,
            transcript,
            early_data,
            verified: None,
            ahead: None,
        };
        steps::reached(Step::Choose);
        flow.change_to_handshake_keys()?;
        steps::reached(Step::Agree);
        Ok((flow, secret, psk))
    }

    fn change_to_handshake_keys(&mut self) -> Result<(), Fault> {
        let (client, server) = (&self.client_handshake_traffic, &self.server_handshake_traffic);
        self.offer.log("CLIENT_HANDSHAKE_TRAFFIC_SECRET", client.as_bytes());
        self.offer.log("SERVER_HANDSHAKE_TRAFFIC_SECRET", server.as_bytes());
        self.records.set_version(ProtocolVersion::Tls13);
        self.records.set_receiving_keys(server.keys(self.suite)?)?;
        match self.early_data {
            EarlyData::None if self.offer.retried => self.change_sending_keys(),
            EarlyData::None => {
                if self.offer.prepared.options.middlebox_compatibility {
                    self.records.send_change_cipher_spec()?;
                }
                self.change_sending_keys()
            }
            // Until it is known what becomes of early data, its keys stay.
            EarlyData::Sent => Ok(()),
        }
    }

    /// What the client sends is under the handshake's keys from here on.
    pub(super) fn change_sending_keys(&mut self) -> Result<(), Fault> {
        self.records.set_sending_keys(self.client_handshake_traffic.keys(self.suite)?)
    }
}

impl SentHello<'_> {
    /// The transcript up to the ServerHello, under the hash of its suite.
    fn transcript_for(&self, suite: &'static Suite, retried: Option<Retried>) -> Result<Transcript, Fault> {
        match retried {
            // RFC 8446 §4.1.4: the suite is the HelloRetryRequest's.
            Some(retried) if retried.suite != suite => {
                Err(Fault::IllegalParameter("a cipher suite other than the HelloRetryRequest's"))
            }
            Some(retried) => Ok(retried.transcript),
            None => Ok(self.transcript.start(suite.hash)),
        }
    }
}

impl Offer<'_> {
    /// RFC 8446 §7.1: what the pre-shared key that the server chose and the key exchange give.
    fn handshake_secret(
        &mut self,
        hello: &ServerHello<'_>,
        suite: &Suite,
    ) -> Result<(HandshakeSecret, Option<SelectedPsk>), Fault> {
        let psk = psk::select(std::mem::take(&mut self.psks), hello.extensions.selected_identity, suite)?;
        let share = hello.extensions.key_share.as_ref();
        let share = share.ok_or(Fault::MissingExtension("a ServerHello without key_share"))?;
        let shared = self.agree(share)?;
        let secret = match &psk {
            Some(psk) => psk.key.early_secret.handshake(&shared),
            None => HandshakeSecret::without_psk(suite.hash, &shared),
        };
        Ok((secret, psk))
    }
}
