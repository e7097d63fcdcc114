//! What the server sends after its ServerHello (RFC 5246 §7.4.2 to §7.4.5).

use polytls_api::{NamedGroup, ProtocolVersion, SignatureScheme};

use super::Flow;
use crate::{
    client::{
        authentication::{ServerCertificate, ServerVerified, TrustedKey},
        offer::is_for_tls12,
    },
    crypto::{Authentication, KeyKind, KeyShare, SharedSecret},
    error::Fault,
    steps::Step,
    wire::handshake::{
        CertificateRequest12, CertificateStatus, CertificateVerify, HandshakeType, ServerHelloDone,
        ServerKeyExchange,
    },
};

/// What the server wants of a client's certificate.
pub(super) struct Requested {
    certificate_types: Vec<u8>,
    pub(super) schemes: Vec<SignatureScheme>,
}

impl Requested {
    /// RFC 5246 §7.4.4: whether a certificate may have a key of this kind.
    pub(super) fn takes(&self, key: KeyKind) -> bool {
        self.certificate_types.contains(&match key.authentication() {
            Authentication::Rsa => CertificateRequest12::RSA_SIGN,
            Authentication::Ecdsa => CertificateRequest12::ECDSA_SIGN,
        })
    }
}

/// A finished key exchange: what the server is sent, and what both sides share.
pub(super) struct Exchanged {
    pub(super) public_key: Vec<u8>,
    pub(super) shared: SharedSecret,
}

impl Exchanged {
    fn new(group: NamedGroup, server: &[u8]) -> Result<Self, Fault> {
        let own = KeyShare::generate(group)?;
        let public_key = own.public_key().to_vec();
        Ok(Self { public_key, shared: own.agree(server)? })
    }
}

impl Flow<'_, '_, '_, '_> {
    pub(super) async fn read_certificate(&mut self) -> Result<ServerCertificate, Fault> {
        let message = self.read(HandshakeType::CERTIFICATE).await?;
        let certificate = ServerCertificate::parse12(message.body(), &self.offer.prepared.chains)?;
        self.add(message.raw());
        Ok(certificate)
    }

    /// RFC 6066 §8: the server may leave out what it announced.
    pub(super) async fn read_certificate_status(
        &mut self,
        certificate: &mut ServerCertificate,
    ) -> Result<(), Fault> {
        if !self.sends_status {
            return Ok(());
        }
        if let Some(message) = self.read_if(HandshakeType::CERTIFICATE_STATUS).await? {
            certificate.ocsp_response = Some(CertificateStatus::parse(message.body())?.ocsp_response.into());
            self.add(message.raw());
        }
        Ok(())
    }

    /// Asks the verifier, however long it takes.
    pub(super) async fn verify_certificate(
        &mut self,
        certificate: ServerCertificate,
    ) -> Result<TrustedKey, Fault> {
        let trusted = certificate.verify(&self.offer, &mut self.info).await?;
        // RFC 5246 §7.4.2: the suite says what kind of key signs.
        if self.suite.authentication != Some(trusted.kind().authentication()) {
            return Err(Fault::IllegalParameter("a certificate that does not go with the cipher suite"));
        }
        // RFC 8422 §5.1: the groups on offer are the curves that a certificate may have.
        let curve = match trusted.kind() {
            KeyKind::EcdsaP256 => Some(NamedGroup::SECP256R1),
            KeyKind::EcdsaP384 => Some(NamedGroup::SECP384R1),
            KeyKind::EcdsaP521 => Some(NamedGroup::SECP521R1),
            KeyKind::Rsa { .. } | KeyKind::Ed25519 => None,
        };
        if curve.is_some_and(|curve| !self.offer.groups().any(|group| group == curve)) {
            return Err(Fault::IllegalParameter("a certificate on a curve that was not offered"));
        }
        Ok(trusted)
    }

    /// RFC 8422 §5.4: the server's public key, signed with that of its certificate.
    pub(super) async fn read_server_key_exchange(
        &mut self,
        trusted: &TrustedKey,
    ) -> Result<(ServerVerified, Exchanged), Fault> {
        let message = self.read(HandshakeType::SERVER_KEY_EXCHANGE).await?;
        let exchange = ServerKeyExchange::parse(message.body())?;
        let group = exchange.group;
        if !is_for_tls12(group) || !self.offer.groups().any(|offered| offered == group) {
            return Err(Fault::IllegalParameter("a key exchange in a group that was not offered"));
        }
        let signed = [&self.offer.random[..], &self.server_random, &exchange.params()].concat();
        let proof = CertificateVerify { algorithm: exchange.algorithm, signature: exchange.signature };
        let server = trusted.has_signed(&proof, &signed, &self.offer, ProtocolVersion::Tls12)?;
        self.info.peer_signature_scheme = Some(exchange.algorithm);
        let exchanged = Step::Agree.span().in_scope(|| Exchanged::new(group, exchange.public_key))?;
        self.info.named_group = Some(group);
        self.add(message.raw());
        Ok((server, exchanged))
    }

    /// RFC 5246 §7.4.4, if the server wants to know who the client is.
    pub(super) async fn read_certificate_request(&mut self) -> Result<Option<Requested>, Fault> {
        let Some(message) = self.read_if(HandshakeType::CERTIFICATE_REQUEST).await? else { return Ok(None) };
        let request = CertificateRequest12::parse(message.body())?;
        let requested = Requested {
            certificate_types: request.certificate_types.to_vec(),
            schemes: request.signature_algorithms,
        };
        self.add(message.raw());
        Ok(Some(requested))
    }

    pub(super) async fn read_server_hello_done(&mut self) -> Result<(), Fault> {
        let message = self.read(HandshakeType::SERVER_HELLO_DONE).await?;
        ServerHelloDone::parse(message.body())?;
        self.add(message.raw());
        Ok(())
    }
}
