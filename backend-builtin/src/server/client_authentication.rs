//! Whom the client proves to be (RFC 8446 §4.4.2, §4.4.3, RFC 5246 §7.4.6, §7.4.8).
//!
//! Two checks in a row, each with a type that only it makes: a verifier finds the chain valid ([`ValidChain`]), and a
//! signature over the handshake shows that the key of its first certificate is the client's ([`Client`]).

use std::time::{Duration, Instant, SystemTime};

use polytls_api::{
    CertificateChain, CertificateError, ClientAuthentication, ExpectedPeer, PresentedChain, ProtocolVersion,
    SignatureScheme, VerifiedChain,
};

use tracing::Instrument as _;

use super::Server;
use crate::{
    crypto::PeerKey, error::Fault, sessions::ServerSession, steps::Step, wire::handshake::CertificateVerify,
};

/// A client that has done what was asked of it.
pub(super) struct Client {
    pub(super) chain: CertificateChain,
    /// The path on which this handshake's verifier found it valid.
    pub(super) verified: Option<VerifiedChain>,
    /// How long that took.
    pub(super) verification: Option<Duration>,
    /// The scheme of its signature.
    pub(super) scheme: Option<SignatureScheme>,
}

impl Client {
    /// A client that was not asked for a certificate, or has none and needs none.
    pub(super) fn anonymous() -> Self {
        Self::without_proof(CertificateChain::default())
    }

    /// The client of an earlier session, whose secret this one has shown to have.
    pub(super) fn resumed(server: &Server<'_>, session: &ServerSession) -> Self {
        Self::without_proof(server.prepared.chains.share(session.peer_chain.clone()))
    }

    fn without_proof(chain: CertificateChain) -> Self {
        Self { chain, verified: None, verification: None, scheme: None }
    }
}

/// A chain that a verifier found valid: whose key it is, is still open.
pub(super) struct ValidChain {
    chain: CertificateChain,
    key: PeerKey,
    path: VerifiedChain,
    verification: Duration,
}

/// Has the client's certificates verified; `None` where it presented none and may.
pub(super) async fn verify_chain<'c>(
    server: &Server<'_>,
    version: ProtocolVersion,
    certificates: impl ExactSizeIterator<Item = &'c [u8]> + Clone,
) -> Result<Option<ValidChain>, Fault> {
    let chains = &server.prepared.chains;
    let chain = chains.of(certificates);
    let Some((end_entity, intermediates)) = chain.split_first() else {
        return match server.prepared.config.client_authentication() {
            // RFC 8446 §4.4.2.4 has an alert for it that RFC 5246 §7.4.6 has not.
            ClientAuthentication::Required if version == ProtocolVersion::Tls12 => Err(Fault::NoCertificate),
            ClientAuthentication::Required => Err(CertificateError::Missing.into()),
            ClientAuthentication::None | ClientAuthentication::Optional => Ok(None),
        };
    };
    let verifier = server.prepared.client_verifier.as_ref();
    let verifier =
        verifier.ok_or(Fault::Internal("clients are asked for a certificate, and nobody verifies it"))?;
    let key = PeerKey::from_certificate(end_entity)?;
    let started = Instant::now();
    let presented = PresentedChain::new(end_entity, intermediates);
    let verdict = verifier.verify(&presented, &ExpectedPeer::Client, SystemTime::now());
    let path = verdict.instrument(Step::Authenticate.span()).await?;
    let verification = started.elapsed();
    Ok(Some(ValidChain { key, path: path.shared_by(chains), verification, chain }))
}

impl ValidChain {
    /// Goes on if the client has the chain's key: it signed `message`.
    pub(super) fn prove(
        self,
        server: &Server<'_>,
        version: ProtocolVersion,
        proof: &CertificateVerify<'_>,
        message: &[u8],
    ) -> Result<Client, Fault> {
        let scheme = proof.algorithm;
        // RFC 8446 §4.4.3: it is one that was asked for, and goes with the key.
        if !server.prepared.schemes.contains(&scheme) || !self.key.may_sign(scheme, version) {
            return Err(Fault::IllegalParameter("a signature of another scheme than was asked for"));
        }
        self.key.verify(scheme, message, proof.signature)?;
        Ok(Client {
            chain: self.chain,
            verified: Some(self.path),
            verification: Some(self.verification),
            scheme: Some(scheme),
        })
    }
}
