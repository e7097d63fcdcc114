//! ServerKeyExchange and ClientKeyExchange (RFC 8422 §5.4, §5.7), and the certificate that may come with the latter.

use polytls_api::ProtocolVersion;
use tracing::Instrument as _;

use super::Handshake;
use crate::{
    crypto::KeyShare,
    error::Fault,
    key_schedule::{MasterSecret12, Tls12Keys},
    server::{
        client_authentication::{Client, ValidChain, verify_chain},
        read_message,
    },
    steps::Step,
    wire::handshake::{
        CertificateList12, CertificateVerify, ClientKeyExchange, HandshakeType, ServerKeyExchange,
    },
};

impl Handshake<'_, '_, '_> {
    pub(super) async fn send_server_key_exchange(&mut self) -> Result<KeyShare, Fault> {
        let parameters = &self.parameters;
        let share = KeyShare::generate(parameters.group)?;
        let unsigned = ServerKeyExchange {
            group: parameters.group,
            public_key: share.public_key(),
            algorithm: parameters.scheme,
            signature: &[],
        };
        let signed = [&parameters.client_random[..], &parameters.server_random, &unsigned.params()].concat();
        let signature = self.server.identity.sign(parameters.scheme, &signed);
        let signature = signature.instrument(Step::Validate.span()).await?;
        let message = ServerKeyExchange { signature: &signature, ..unsigned }.encode();
        self.send(&message);
        Ok(share)
    }

    /// Reads the client's Certificate if it was asked for one, and has it verified.
    pub(super) async fn read_certificate(&mut self) -> Result<Option<ValidChain>, Fault> {
        if !self.server.asks_for_certificate() {
            return Ok(None);
        }
        let kind = HandshakeType::CERTIFICATE;
        let message = read_message(self.records, kind, "the client's Certificate was asked for").await?;
        self.take_in(message.raw());
        let list = CertificateList12::parse(message.body())?;
        verify_chain(self.server, ProtocolVersion::Tls12, list.certificates.iter().copied()).await
    }

    pub(super) async fn read_client_key_exchange(
        &mut self,
        share: KeyShare,
    ) -> Result<MasterSecret12, Fault> {
        let kind = HandshakeType::CLIENT_KEY_EXCHANGE;
        let message =
            read_message(self.records, kind, "ClientKeyExchange follows the server's flight").await?;
        let exchange = ClientKeyExchange::parse(message.body())?;
        let shared = Step::Agree.span().in_scope(|| share.agree(exchange.public_key))?;
        self.take_in(message.raw());
        let parameters = &self.parameters;
        let hash = parameters.suite.hash;
        Ok(if parameters.extended_master_secret {
            MasterSecret12::extended(hash, &shared, &self.transcript.hash())
        } else {
            MasterSecret12::plain(hash, &shared, &parameters.client_random, &parameters.server_random)
        })
    }

    /// Reads CertificateVerify where there is a certificate; who the client is, is known then.
    pub(super) async fn read_certificate_verify(
        &mut self,
        chain: Option<ValidChain>,
    ) -> Result<Client, Fault> {
        let Some(chain) = chain else { return Ok(Client::anonymous()) };
        let kind = HandshakeType::CERTIFICATE_VERIFY;
        let message = read_message(self.records, kind, "a certificate without CertificateVerify").await?;
        let proof = CertificateVerify::parse(message.body())?;
        // RFC 5246 §7.4.8: all messages so far.
        let messages = self.messages.take().unwrap_or_default();
        let client = chain.prove(self.server, ProtocolVersion::Tls12, &proof, messages.bytes())?;
        self.take_in(message.raw());
        Ok(client)
    }

    /// The keys of both directions, which a ChangeCipherSpec each puts in force.
    pub(super) fn keys(&self, master: &MasterSecret12) -> Result<Tls12Keys, Fault> {
        let parameters = &self.parameters;
        self.server.log("CLIENT_RANDOM", &parameters.client_random, master.as_secret().as_bytes());
        master.keys(parameters.suite, &parameters.client_random, &parameters.server_random)
    }
}
