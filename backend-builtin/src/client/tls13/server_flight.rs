//! What the server sends under the handshake's keys (RFC 8446 §4.3, §4.4).

use std::time::SystemTime;

use polytls_api::{AlertDescription, EarlyDataStatus, ProtocolVersion, SignatureScheme, record::Role};

use super::Flow;
use crate::{
    client::{
        authentication::{ServerCertificate, ServerVerified, TrustedKey},
        early_data::EarlyData,
        psk::SelectedPsk,
    },
    compression,
    error::Fault,
    key_schedule::FinishedVerified,
    wire::handshake::{
        CertificateRequest, CertificateVerify, CompressedCertificate, EncryptedExtensions, Finished,
        HandshakeType,
    },
};

/// What the server wants of a client's certificate.
pub(super) struct Requested {
    pub(super) schemes: Vec<SignatureScheme>,
    pub(super) takes_zlib: bool,
    pub(super) takes_ocsp_response: bool,
}

impl Flow<'_, '_, '_, '_> {
    /// RFC 8446 §4.3.1: what of the offer was accepted, as far as it is not about keys.
    pub(super) async fn read_encrypted_extensions(&mut self, psk: Option<&SelectedPsk>) -> Result<(), Fault> {
        let message = self.read(HandshakeType::ENCRYPTED_EXTENSIONS).await?;
        let extensions = EncryptedExtensions::parse(message.body())?;
        self.offer.refuse_unsolicited(&extensions.present)?;
        self.info.alpn = self.offer.chosen_protocol(extensions.alpn)?;
        let limit = extensions.record_size_limit;
        self.offer.agree_on_record_size(limit, ProtocolVersion::Tls13, self.records)?;
        if let EarlyData::Sent = self.early_data {
            if extensions.early_data {
                self.accept_early_data(psk)?;
            } else {
                self.early_data = EarlyData::None;
                self.change_sending_keys()?;
            }
        }
        self.transcript.add(message.raw());
        Ok(())
    }

    /// RFC 8446 §4.2.10: early data goes with the first key, and with all that the session had.
    fn accept_early_data(&mut self, psk: Option<&SelectedPsk>) -> Result<(), Fault> {
        let Some(psk) = psk else {
            return Err(Fault::UnsupportedExtension("early_data that is accepted without its session"));
        };
        let session = psk.key.session().filter(|_| psk.index == 0);
        let Some(session) = session else {
            return Err(Fault::IllegalParameter(
                "early_data that is accepted under another key than the first",
            ));
        };
        if session.suite != self.suite.id {
            return Err(Fault::IllegalParameter("early_data that is accepted under another cipher suite"));
        }
        if session.alpn != self.info.alpn {
            return Err(Fault::IllegalParameter(
                "early_data that is accepted for another application protocol",
            ));
        }
        self.info.early_data = EarlyDataStatus::Accepted;
        Ok(())
    }

    /// The server has the key of an earlier session, or one that was agreed upon: no certificate passes.
    pub(super) fn recognize(&mut self, psk: SelectedPsk) -> ServerVerified {
        self.info.resumed = Some(psk.key.session().is_some());
        self.info.peer_chain = self.offer.prepared.chains.share(psk.key.peer_chain());
        self.verified = psk.key.session().map(|session| session.verified);
        ServerVerified::by_pre_shared_key(psk)
    }

    /// RFC 8446 §4.3.2, if the server wants to know who the client is.
    pub(super) async fn read_certificate_request(&mut self) -> Result<Option<Requested>, Fault> {
        let Some(message) = self.read_if(&[HandshakeType::CERTIFICATE_REQUEST]).await? else {
            return Ok(None);
        };
        let request = CertificateRequest::parse(message.body())?;
        if !request.context.is_empty() {
            return Err(Fault::Decode("a certificate_request_context during the handshake"));
        }
        let algorithms = request.compress_certificate.unwrap_or_default();
        let requested = Requested {
            schemes: request.signature_algorithms,
            takes_zlib: algorithms.contains(&compression::ZLIB),
            takes_ocsp_response: request.status_request,
        };
        self.transcript.add(message.raw());
        Ok(Some(requested))
    }

    /// RFC 8446 §4.4.2, or as RFC 8879 compresses it.
    pub(super) async fn read_certificate(&mut self) -> Result<ServerCertificate, Fault> {
        self.info.resumed = Some(false);
        let kinds = [HandshakeType::CERTIFICATE, HandshakeType::COMPRESSED_CERTIFICATE];
        let kinds =
            if self.offer.prepared.options.certificate_compression { &kinds[..] } else { &kinds[..1] };
        let Some(message) = self.read_if(kinds).await? else {
            return Err(Fault::UnexpectedMessage("a message in place of the server's Certificate"));
        };
        let chains = &self.offer.prepared.chains;
        let certificate = if message.kind() == HandshakeType::COMPRESSED_CERTIFICATE {
            ServerCertificate::parse(&self.decompress(message.body())?, chains)
        } else {
            ServerCertificate::parse(message.body(), chains)
        }?;
        self.transcript.add(message.raw());
        Ok(certificate)
    }

    fn decompress(&self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        let message = CompressedCertificate::parse(body)?;
        if message.algorithm != compression::ZLIB {
            return Err(Fault::IllegalParameter("a certificate compression algorithm that was not offered"));
        }
        let len = message.uncompressed_length as usize;
        if len > self.offer.prepared.options.limits.certificate {
            let reason = "a compressed certificate that is longer than the bound";
            return Err(Fault::Limit(AlertDescription::BAD_CERTIFICATE, reason));
        }
        compression::decompress(message.compressed, len)
    }

    /// Asks the verifier, however long it takes.
    pub(super) async fn verify_certificate(
        &mut self,
        certificate: ServerCertificate,
    ) -> Result<TrustedKey, Fault> {
        let trusted = certificate.verify(&self.offer, &mut self.info).await?;
        self.verified = Some(SystemTime::now());
        Ok(trusted)
    }

    /// RFC 8446 §4.4.3: the server has the key of its certificate.
    pub(super) async fn read_certificate_verify(
        &mut self,
        trusted: &TrustedKey,
    ) -> Result<ServerVerified, Fault> {
        let message = self.read(HandshakeType::CERTIFICATE_VERIFY).await?;
        let verify = CertificateVerify::parse(message.body())?;
        let signed = CertificateVerify::signed_content(Role::Server, self.transcript.hash().as_ref());
        let server = trusted.has_signed(&verify, &signed, &self.offer, ProtocolVersion::Tls13)?;
        self.info.peer_signature_scheme = Some(verify.algorithm);
        self.transcript.add(message.raw());
        Ok(server)
    }

    /// RFC 8446 §4.4.4: the server saw the same handshake.
    pub(super) async fn read_finished(&mut self) -> Result<FinishedVerified, Fault> {
        let message = self.read(HandshakeType::FINISHED).await?;
        let finished = Finished::parse(message.body())?;
        let key = self.server_handshake_traffic.finished_key();
        let verified = key.verify(&self.transcript.hash(), finished.verify_data)?;
        self.transcript.add(message.raw());
        self.records.allow_change_cipher_spec(false);
        Ok(verified)
    }
}
