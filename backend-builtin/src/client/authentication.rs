//! Whom the server proves to be (RFC 8446 §4.4.2, §4.4.3, RFC 5246 §7.4.2, §7.4.3).
//!
//! Two checks in a row, each with a type that nothing else makes: a verifier finds the chain valid ([`TrustedKey`]), and
//! a signature over the handshake shows that the key of its first certificate is the server's ([`ServerVerified`]).

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use polytls_api::{
    CertificateChain, ConnectionInfo, ExpectedPeer, PresentedChain, ProtocolVersion, SharedChains,
};
use tracing::Instrument;

use super::{offer::Offer, psk::SelectedPsk};
use crate::{
    crypto::{KeyKind, PeerKey},
    error::Fault,
    sessions::ClientSession,
    steps::Step,
    wire::{
        extension::ExtensionType,
        handshake::{Certificate, CertificateList12, CertificateVerify},
    },
};

/// The server is the one that was asked for: no application data passes without this.
#[must_use]
pub(super) struct ServerVerified(());

impl ServerVerified {
    /// It has a key that only the server of an earlier handshake has, or one that was agreed upon elsewhere: its
    /// Finished shows that.
    pub(super) fn by_pre_shared_key(_: SelectedPsk) -> Self {
        Self(())
    }

    /// It has the master secret of an earlier handshake: its Finished shows that.
    pub(super) fn by_session(_: &ClientSession) -> Self {
        Self(())
    }
}

/// What the server presents, believed by nobody yet.
pub(super) struct ServerCertificate {
    chain: CertificateChain,
    pub(super) ocsp_response: Option<Arc<[u8]>>,
}

impl ServerCertificate {
    /// The body of TLS 1.3's message.
    pub(super) fn parse(body: &[u8], chains: &SharedChains) -> Result<Self, Fault> {
        let certificate = Certificate::parse(body)?;
        if !certificate.context.is_empty() {
            return Err(Fault::Decode("a certificate_request_context in the server's Certificate"));
        }
        let mut present = certificate.entries.iter().flat_map(|entry| &entry.present);
        if present.any(|&extension| extension != ExtensionType::STATUS_REQUEST) {
            return Err(Fault::UnsupportedExtension("an extension of a certificate that was not asked for"));
        }
        let response = certificate.entries.first().and_then(|entry| entry.ocsp_response);
        Self::new(certificate.entries.iter().map(|entry| entry.der), response, chains)
    }

    /// The body of TLS 1.2's message.
    pub(super) fn parse12(body: &[u8], chains: &SharedChains) -> Result<Self, Fault> {
        Self::new(CertificateList12::parse(body)?.certificates.iter().copied(), None, chains)
    }

    fn new<'a>(
        certificates: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        ocsp_response: Option<&[u8]>,
        chains: &SharedChains,
    ) -> Result<Self, Fault> {
        if certificates.len() == 0 {
            // RFC 8446 §4.4.2.4.
            return Err(Fault::Decode("a server's Certificate without a certificate"));
        }
        Ok(Self { chain: chains.of(certificates), ocsp_response: ocsp_response.map(Arc::from) })
    }

    /// Asks the verifier, however long it takes, and notes what it says.
    pub(super) async fn verify(
        self,
        offer: &Offer<'_>,
        info: &mut ConnectionInfo,
    ) -> Result<TrustedKey, Fault> {
        let Some((end_entity, intermediates)) = self.chain.split_first() else {
            return Err(Fault::Internal("a chain of no certificate"));
        };
        let presented =
            PresentedChain { end_entity, intermediates, ocsp_response: self.ocsp_response.as_deref() };
        let server = ExpectedPeer::Server(offer.name);
        let started = Instant::now();
        let verdict = offer.prepared.verifier.verify(&presented, &server, SystemTime::now());
        let verified = verdict.instrument(Step::Validate.span()).await?;
        let key = TrustedKey(PeerKey::from_certificate(end_entity)?);
        info.timings.set_verification(started.elapsed());
        let verified = verified.shared_by(&offer.prepared.chains);
        // Sessions that come later hold this as well.
        info.peer_chain = verified.held_with(self.chain);
        info.verified_chain = Some(verified);
        info.ocsp_response = self.ocsp_response;
        Ok(key)
    }
}

/// The key of a chain that a verifier found valid for this server. Whether the server has it is open.
pub(super) struct TrustedKey(PeerKey);

impl TrustedKey {
    pub(super) fn kind(&self) -> KeyKind {
        self.0.kind()
    }

    /// Goes on if the server has the key: it signed `message`.
    pub(super) fn has_signed(
        &self,
        proof: &CertificateVerify<'_>,
        message: &[u8],
        offer: &Offer<'_>,
        version: ProtocolVersion,
    ) -> Result<ServerVerified, Fault> {
        let scheme = proof.algorithm;
        // RFC 8446 §4.4.3: it is one that was offered, and goes with the key.
        if !offer.prepared.schemes.contains(&scheme) || !self.0.may_sign(scheme, version) {
            return Err(Fault::IllegalParameter(
                "a signature of a scheme that was not offered or is not the key's",
            ));
        }
        self.0.verify(scheme, message, proof.signature)?;
        Ok(ServerVerified(()))
    }
}
