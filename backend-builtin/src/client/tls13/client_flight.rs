//! What the client sends under the handshake's keys, and the keys for what follows (RFC 8446 §4.4, §7.1).

use polytls_api::{ProtocolVersion, record::Role};
use tracing::Instrument;

use super::{Flow, server_flight::Requested};
use crate::{
    client::{Complete, authentication::ServerVerified, early_data::EarlyData, identity::Signing},
    error::Fault,
    key_schedule::{ExporterSecret, FinishedVerified, HandshakeSecret, MasterSecret, TrafficSecret},
    session::{Secrets13, Tickets},
    steps::Step,
    wire::handshake::{Certificate, CertificateVerify, EndOfEarlyData, Finished},
};

/// What application data will be protected with. Nothing leads here but a server that is verified, and its Finished.
pub(super) struct ApplicationSecrets {
    master: MasterSecret,
    client_traffic: TrafficSecret,
    server_traffic: TrafficSecret,
    exporter: ExporterSecret,
}

impl Flow<'_, '_, '_, '_> {
    /// RFC 8446 §7.1: the last stage, over all that the server has sent. Its application data may come now.
    pub(super) fn change_secrets(
        &mut self,
        secret: HandshakeSecret,
        _: ServerVerified,
        _: FinishedVerified,
    ) -> Result<ApplicationSecrets, Fault> {
        let hash = self.transcript.hash();
        let master = secret.master();
        let secrets = ApplicationSecrets {
            client_traffic: master.client_traffic(&hash),
            server_traffic: master.server_traffic(&hash),
            exporter: master.exporter(&hash),
            master,
        };
        self.offer.log("CLIENT_TRAFFIC_SECRET_0", secrets.client_traffic.as_bytes());
        self.offer.log("SERVER_TRAFFIC_SECRET_0", secrets.server_traffic.as_bytes());
        self.offer.log("EXPORTER_SECRET", secrets.exporter.as_bytes());
        self.records.set_receiving_keys(secrets.server_traffic.keys(self.suite)?)?;
        Ok(secrets)
    }

    /// RFC 8446 §4.5: no early data comes after this, which the server had accepted.
    pub(super) fn send_end_of_early_data(&mut self) -> Result<(), Fault> {
        if let EarlyData::Sent = self.early_data {
            self.send(&EndOfEarlyData.encode());
            self.early_data = EarlyData::None;
            self.change_sending_keys()?;
        }
        Ok(())
    }

    /// RFC 8446 §4.4.2: the client's chain, or that it has none to present.
    pub(super) fn send_certificate(&mut self, request: &Requested) -> Option<Signing> {
        let signing = Signing::choose(self.offer.prepared, &request.schemes, ProtocolVersion::Tls13);
        match &signing {
            Some(signing) => {
                let identity = &signing.identity;
                let compressed = request.takes_zlib && self.offer.prepared.options.certificate_compression;
                let compressed =
                    compressed.then(|| identity.compressed_certificate_message(request.takes_ocsp_response));
                let plain = || identity.certificate_message(request.takes_ocsp_response);
                self.send(compressed.flatten().unwrap_or_else(plain));
                self.info.present(identity.identity());
            }
            None => self.send(&Certificate::default().encode()),
        }
        signing
    }

    /// RFC 8446 §4.4.3: the client has the key of its certificate, if it presented one.
    pub(super) async fn send_certificate_verify(&mut self, signing: Option<Signing>) -> Result<(), Fault> {
        let Some(Signing { identity, scheme }) = signing else { return Ok(()) };
        let content = CertificateVerify::signed_content(Role::Client, self.transcript.hash().as_ref());
        let signature = identity.sign(scheme, &content).instrument(Step::Authenticate.span()).await?;
        self.send(&CertificateVerify { algorithm: scheme, signature: &signature }.encode());
        Ok(())
    }

    /// RFC 8446 §4.4.4: the last message; after it the client's application data may go.
    pub(super) fn send_finished(&mut self, secrets: &ApplicationSecrets) -> Result<(), Fault> {
        let verify_data = self.client_handshake_traffic.finished_key().verify_data(&self.transcript.hash());
        self.send(&Finished { verify_data: verify_data.as_bytes() }.encode());
        self.records.set_sending_keys(secrets.client_traffic.keys(self.suite)?)
    }

    /// What the connection goes on with.
    pub(super) fn complete(self, secrets: ApplicationSecrets) -> Complete {
        let ApplicationSecrets { master, client_traffic, server_traffic, exporter } = secrets;
        // A key that was agreed upon says nothing of the server's certificate, which a ticket would make up for: another
        // client with the same store may not have that key, and must not trust what it began.
        let kept = self.offer.prepared.sessions.as_ref().zip(self.verified);
        let tickets = kept.map(|(sessions, verified)| {
            let tickets = Tickets {
                sessions: sessions.clone(),
                server: self.offer.name.clone(),
                background: self.background.clone(),
                alpn: self.info.alpn.clone(),
                verified,
                peer_chain: self.info.peer_chain.clone(),
            };
            (tickets, master.resumption(&self.transcript.hash()))
        });
        let schedule = Secrets13 {
            suite: self.suite,
            sending: client_traffic,
            receiving: server_traffic,
            exporter,
            tickets,
        };
        Complete { info: self.info, schedule: schedule.into_schedule(), background: self.background }
    }
}
