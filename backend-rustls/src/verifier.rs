//! Any verifier under rustls's handshake.

use std::sync::Arc;

use polytls_api::{CertificateVerifier, ServerName, VerifyRequest};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{self, CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

use crate::{call::at_desk, error};

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
