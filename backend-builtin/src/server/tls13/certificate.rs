//! Certificates (RFC 8446 §4.3.2, §4.4.2, §4.4.3): the server's own, and what the client is asked for.

use std::borrow::Cow;

use polytls_api::{AlertDescription, ProtocolVersion, SignatureScheme, record::Role};
use tracing::Instrument as _;

use super::{Handshake, psk::Authentication};
use crate::{
    compression::{self, ZLIB},
    error::Fault,
    server::{
        client_authentication::{Client, ValidChain, verify_chain},
        read_message,
    },
    steps::Step,
    wire::handshake::{
        Certificate, CertificateRequest, CertificateVerify, CompressedCertificate, HandshakeMessage,
        HandshakeType,
    },
};

impl Handshake<'_, '_, '_> {
    pub(super) fn send_certificate_request(&mut self) {
        if !self.server.asks_for_certificate() {
            return;
        }
        let message = CertificateRequest {
            signature_algorithms: self.server.prepared.schemes.clone(),
            compress_certificate: self.server.prepared.options.certificate_compression.then(|| vec![ZLIB]),
            ..CertificateRequest::default()
        }
        .encode();
        self.send(&message);
    }

    /// With the OCSP response if the client asked for it, and compressed if it takes that (RFC 8879).
    pub(super) fn send_certificate(&mut self) {
        let identity = &self.server.identity;
        let with_response = self.parameters.status_request;
        let compresses = self.parameters.takes_zlib && self.server.prepared.options.certificate_compression;
        let compressed = compresses.then(|| identity.compressed_certificate_message(with_response)).flatten();
        self.send(compressed.unwrap_or_else(|| identity.certificate_message(with_response)));
    }

    pub(super) async fn send_certificate_verify(&mut self, scheme: SignatureScheme) -> Result<(), Fault> {
        let content = CertificateVerify::signed_content(Role::Server, self.transcript.hash().as_ref());
        let signature = self.server.identity.sign(scheme, &content);
        let signature = signature.instrument(Step::Validate.span()).await?;
        let message = CertificateVerify { algorithm: scheme, signature: &signature }.encode();
        self.send(&message);
        Ok(())
    }

    /// Reads the client's Certificate if it was asked for one, and has it verified.
    pub(super) async fn read_certificate(
        &mut self,
        authentication: &Authentication,
    ) -> Result<Option<ValidChain>, Fault> {
        if !self.server.asks_for_certificate() || authentication.psk().is_some() {
            return Ok(None);
        }
        let message = self.records.read_message().await?;
        self.transcript.add(message.raw());
        let body = self.certificate_body(&message)?;
        let certificate = Certificate::parse(&body)?;
        // RFC 8446 §4.4.2: the context is that of the request, which in a handshake is empty.
        if !certificate.context.is_empty() {
            return Err(Fault::Decode("a certificate_request_context in a handshake"));
        }
        // RFC 8446 §4.2: the client was asked for no extension of its certificates.
        if certificate.entries.iter().any(|entry| !entry.present.is_empty()) {
            return Err(Fault::UnsupportedExtension("an extension of a certificate that was not asked for"));
        }
        verify_chain(self.server, ProtocolVersion::Tls13, certificate.entries.iter().map(|entry| entry.der))
            .await
    }

    /// The Certificate, which the client may have compressed (RFC 8879 §4).
    fn certificate_body<'m>(&self, message: &'m HandshakeMessage) -> Result<Cow<'m, [u8]>, Fault> {
        let options = &self.server.prepared.options;
        match message.kind() {
            HandshakeType::CERTIFICATE => Ok(message.body().into()),
            HandshakeType::COMPRESSED_CERTIFICATE if options.certificate_compression => {
                let message = CompressedCertificate::parse(message.body())?;
                if message.algorithm != ZLIB {
                    return Err(Fault::IllegalParameter("a certificate compressed as was not asked for"));
                }
                let length = usize::try_from(message.uncompressed_length).unwrap_or(usize::MAX);
                if length > options.limits.certificate {
                    let reason = "a compressed certificate that is longer than the limit";
                    return Err(Fault::Limit(AlertDescription::BAD_CERTIFICATE, reason));
                }
                compression::decompress(message.compressed, length).map(Cow::from)
            }
            _ => Err(Fault::UnexpectedMessage("the client's Certificate was asked for")),
        }
    }

    /// Reads CertificateVerify where there is a certificate; who the client is, is known then.
    pub(super) async fn read_certificate_verify(
        &mut self,
        chain: Option<ValidChain>,
        authentication: &Authentication,
    ) -> Result<Client, Fault> {
        let Some(chain) = chain else {
            let resumed = |session| Client::resumed(self.server, session);
            return Ok(authentication.session().map_or_else(Client::anonymous, resumed));
        };
        let kind = HandshakeType::CERTIFICATE_VERIFY;
        let message = read_message(self.records, kind, "a certificate without CertificateVerify").await?;
        let proof = CertificateVerify::parse(message.body())?;
        let content = CertificateVerify::signed_content(Role::Client, self.transcript.hash().as_ref());
        let client = chain.prove(self.server, ProtocolVersion::Tls13, &proof, &content)?;
        self.transcript.add(message.raw());
        Ok(client)
    }
}
