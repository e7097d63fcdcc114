//! The client's answer (RFC 5246 §7.4.6 to §7.4.8), and the master secret.

use polytls_api::{ProtocolVersion, record::TrafficKeys};
use tracing::Instrument;

use super::{
    Flow,
    server_flight::{Exchanged, Requested},
};
use crate::{
    client::identity::Signing,
    error::Fault,
    key_schedule::{MasterSecret12, Tls12Keys},
    sessions::ClientSession,
    steps::Step,
    wire::handshake::{CertificateList12, CertificateVerify, ClientKeyExchange},
};

impl Flow<'_, '_, '_, '_> {
    /// RFC 5246 §7.4.6: the client's chain, or that it has none to present; nothing where it was not asked.
    pub(super) fn send_certificate(&mut self, request: Option<&Requested>) -> Option<Signing> {
        let request = request?;
        let signing = Signing::choose(self.offer.prepared, &request.schemes, ProtocolVersion::Tls12);
        let signing = signing.filter(|signing| request.takes(signing.identity.key_kind()));
        if let Some(signing) = &signing {
            self.info.present(signing.identity.identity());
        }
        let certificates = self.info.local_chain.iter().map(AsRef::as_ref).collect();
        self.send(&CertificateList12 { certificates }.encode());
        signing
    }

    /// RFC 8422 §5.7: the client's public key; both sides have the master secret now (RFC 5246 §8.1, RFC 7627 §4).
    pub(super) fn send_client_key_exchange(&mut self, exchanged: Exchanged) -> MasterSecret12 {
        self.send(&ClientKeyExchange { public_key: &exchanged.public_key }.encode());
        let (hash, shared) = (self.suite.hash, &exchanged.shared);
        let master = if self.extended_master_secret {
            MasterSecret12::extended(hash, shared, &self.transcript.hash())
        } else {
            MasterSecret12::plain(hash, shared, &self.offer.random, &self.server_random)
        };
        self.offer.log("CLIENT_RANDOM", master.as_secret().as_bytes());
        master
    }

    /// The master secret of a session that goes on.
    pub(super) fn resume(&mut self, session: &ClientSession) -> MasterSecret12 {
        self.info.peer_chain = self.offer.prepared.chains.share(session.peer_chain.clone());
        let master = MasterSecret12::resumed(self.suite.hash, session.secret.clone());
        self.offer.log("CLIENT_RANDOM", master.as_secret().as_bytes());
        master
    }

    /// RFC 5246 §7.4.8: the client has the key of its certificate, if it presented one.
    pub(super) async fn send_certificate_verify(&mut self, signing: Option<Signing>) -> Result<(), Fault> {
        let Some(Signing { identity, scheme }) = signing else { return Ok(()) };
        let signature = identity.sign(scheme, self.messages.bytes());
        let signature = signature.instrument(Step::Authenticate.span()).await?;
        self.send(&CertificateVerify { algorithm: scheme, signature: &signature }.encode());
        Ok(())
    }

    /// RFC 5246 §6.3.
    pub(super) fn keys(&self, master: &MasterSecret12) -> Result<Tls12Keys, Fault> {
        master.keys(self.suite, &self.offer.random, &self.server_random)
    }

    /// RFC 5246 §7.1: what the client sends is under these keys from here on.
    pub(super) fn send_change_cipher_spec(&mut self, keys: TrafficKeys) -> Result<(), Fault> {
        self.records.send_change_cipher_spec()?;
        self.records.set_sending_keys(keys)
    }
}
