//! Certificate validation: webpki's, alone or under any handshake; and any verifier under rustls's handshake.

use std::{fmt, sync::Arc, time::SystemTime};

use polytls_api::{
    CertificateError, CertificateRevocationListDer, CertificateVerifier, ConfigError, ExpectedPeer,
    PresentedChain, Roots, ServerName, VerifiedChain, VerifyRequest, async_trait,
};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{self, CertificateDer, TrustAnchor, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptions,
    RevocationOptionsBuilder, UnknownStatusPolicy,
};

use crate::{call::at_desk, error, revocation::RevocationLists};

/// rustls-webpki: RFC 5280 path validation with RFC 9525 names.
pub(crate) struct WebPkiVerifier {
    anchors: Vec<TrustAnchor<'static>>,
    crls: RevocationLists,
    algorithms: WebPkiSupportedAlgorithms,
}

impl WebPkiVerifier {
    pub(crate) fn new(
        roots: &Roots,
        crls: &[CertificateRevocationListDer<'_>],
        provider: &CryptoProvider,
    ) -> Result<Self, ConfigError> {
        let mut anchors = Vec::new();
        for certificate in roots.certificates()?.iter() {
            match (webpki::anchor_from_trusted_cert(certificate), roots) {
                (Ok(anchor), _) => anchors.push(anchor.to_owned()),
                (Err(error), Roots::Explicit(_)) => {
                    let reason = format!("a root is malformed: {error}");
                    return Err(ConfigError::Certificates { reason });
                }
                // A root in the system's store that webpki cannot read takes nothing from the others.
                (Err(_), _) => {}
            }
        }
        if anchors.is_empty() && *roots != Roots::None {
            return Err(ConfigError::NoRoots { reason: "webpki can read none of them".into() });
        }
        let crls = RevocationLists::new(crls)?;
        Ok(Self { anchors, crls, algorithms: provider.signature_verification_algorithms })
    }

    fn verify_chain(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let (usage, name) = match *peer {
            ExpectedPeer::Server(name) => (KeyUsage::server_auth(), Some(name)),
            ExpectedPeer::Client => (KeyUsage::client_auth(), None),
        };
        let end_entity = EndEntityCert::try_from(chain.end_entity)
            .map_err(|error| error::certificate(error, name, false))?;
        // One that is a root as well is refused for being an authority's, not for being a stranger.
        let self_issued = end_entity.issuer() == end_entity.subject() && !self.trusts(&end_entity);
        let crls = self.crls.begun(now);
        let path = end_entity
            .verify_for_usage(
                self.algorithms.all,
                &self.anchors,
                chain.intermediates,
                unix_time(now),
                usage,
                revocation(&crls),
                None,
            )
            .map_err(|error| error::certificate(error, name, self_issued))?;
        if crls.is_empty() && !self.crls.is_empty() {
            let detail = "no revocation list is in force yet".into();
            return Err(CertificateError::RevocationUnknown { detail });
        }
        if let Some(name) = name {
            end_entity
                .verify_is_valid_for_subject_name(&pki_name(name)?)
                .map_err(|error| error::certificate(error, Some(name), false))?;
        }
        let intermediates = path.intermediate_certificates().map(|issuer| issuer.der().into_owned());
        Ok(VerifiedChain::new(
            std::iter::once(chain.end_entity.clone().into_owned()).chain(intermediates).collect(),
        ))
    }
}

impl WebPkiVerifier {
    /// Whether the certificate is one of the roots.
    fn trusts(&self, certificate: &EndEntityCert<'_>) -> bool {
        let key = certificate.subject_public_key_info();
        self.anchors.iter().any(|anchor| {
            *anchor.subject == *certificate.subject() && key.ends_with(&anchor.subject_public_key_info)
        })
    }
}

#[async_trait]
impl CertificateVerifier for WebPkiVerifier {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        self.verify_chain(chain, peer, now)
    }
}

impl fmt::Debug for WebPkiVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPkiVerifier").field("anchors", &self.anchors.len()).finish_non_exhaustive()
    }
}

/// Every certificate below the root must be covered by a list in force; without a list nothing is checked.
fn revocation<'a>(crls: &'a [&'a CertRevocationList<'a>]) -> Option<RevocationOptions<'a>> {
    let options = RevocationOptionsBuilder::new(crls).ok()?;
    Some(
        options
            .with_depth(RevocationCheckDepth::Chain)
            .with_status_policy(UnknownStatusPolicy::Deny)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build(),
    )
}

/// A polytls verifier as rustls wants one, for servers' and for clients' chains.
#[derive(Debug)]
pub(crate) struct HandshakeVerifier {
    pub(crate) verifier: Arc<dyn CertificateVerifier>,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
    pub(crate) schemes: Vec<SignatureScheme>,
    /// On a server: whether a client must present a certificate.
    pub(crate) mandatory: bool,
}

impl HandshakeVerifier {
    fn ask(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: Option<ServerName>,
        ocsp_response: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        let request = VerifyRequest {
            verifier: self.verifier.clone(),
            chain: chain.map(|certificate| certificate.clone().into_owned()).collect(),
            server_name,
            ocsp_response,
        };
        let verdict = request.ask();
        let refused = verdict.refusal().map(error::refusal);
        at_desk(|desk| desk.verdict = Some(verdict));
        refused.map_or(Ok(()), |reason| Err(Error::InvalidCertificate(reason)))
    }

    /// RFC 8446 §4.2.3: the peer signs with a scheme that it was offered.
    fn check_scheme(&self, signature: &DigitallySignedStruct) -> Result<(), Error> {
        if self.schemes.contains(&signature.scheme) {
            return Ok(());
        }
        Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into())
    }

    fn tls12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_scheme(signature)?;
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_scheme(signature)?;
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }
}

impl ServerCertVerifier for HandshakeVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &pki_types::ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let name = server_name.to_str().parse().map_err(|_| Error::UnsupportedNameType)?;
        let ocsp_response = Some(ocsp_response.to_vec()).filter(|response| !response.is_empty());
        at_desk(|desk| desk.ocsp_response = ocsp_response.clone());
        self.ask(end_entity, intermediates, Some(name), ocsp_response)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls12(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

impl ClientCertVerifier for HandshakeVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // The verifier may be anybody's: a hint would shut out clients that it would accept.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.ask(end_entity, intermediates, None, None)?;
        // Whatever the client would have resumed: its sessions begin here.
        at_desk(|desk| desk.session_end = None);
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls12(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// The name in rustls's type.
pub(crate) fn pki_name(name: &ServerName) -> Result<pki_types::ServerName<'static>, CertificateError> {
    match name {
        ServerName::Ip(ip) => Ok((*ip).into()),
        ServerName::Dns(name) => pki_types::ServerName::try_from(name.to_string())
            .map_err(|_| CertificateError::Other { detail: format!("`{name}` is not a DNS name") }),
    }
}

fn unix_time(time: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
