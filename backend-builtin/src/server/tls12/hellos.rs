//! The server's flight but for its key exchange (RFC 5246 §7.4.1.3, §7.4.2, §7.4.4, §7.4.5, RFC 6066 §8).

use polytls_api::ProtocolVersion;

use super::{Handshake, parameters::UNCOMPRESSED, sessions::Session};
use crate::wire::handshake::{
    CertificateList12, CertificateRequest12, CertificateStatus, ServerHello, ServerHelloDone,
    ServerHelloExtensions,
};

impl Handshake<'_, '_, '_> {
    pub(super) fn send_server_hello(&mut self, session_id: &[u8], resumed: Option<&Session>) {
        let parameters = &self.parameters;
        // RFC 6066 §3 and §8: a resumed session has its name already, and presents no certificate.
        let full = resumed.is_none();
        let extensions = ServerHelloExtensions {
            server_name_ack: full && parameters.server_name.is_some(),
            renegotiation_info: parameters.secure_renegotiation.then_some(&[]),
            session_ticket: full && self.gives_ticket(),
            extended_master_secret: parameters.extended_master_secret,
            alpn: parameters.alpn.as_deref(),
            ec_point_formats: parameters.ec_point_formats.then_some(&[UNCOMPRESSED]),
            status_request: full && self.staple().is_some(),
            record_size_limit: parameters.record_size_limits.own,
            ..ServerHelloExtensions::default()
        };
        let message = ServerHello {
            legacy_version: ProtocolVersion::Tls12.code(),
            random: parameters.server_random,
            legacy_session_id_echo: session_id,
            cipher_suite: parameters.suite.id,
            legacy_compression_method: 0,
            extensions,
        }
        .encode();
        self.send(&message);
        self.records.set_record_size_limits(self.parameters.record_size_limits);
    }

    pub(super) fn send_certificate(&mut self) {
        let certificates = self.server.identity.chain().iter().map(AsRef::as_ref).collect();
        self.send(&CertificateList12 { certificates }.encode());
    }

    pub(super) fn send_certificate_status(&mut self) {
        if let Some(ocsp_response) = self.staple() {
            let message = CertificateStatus { ocsp_response }.encode();
            self.send(&message);
        }
    }

    /// The OCSP response, for a client that asks.
    fn staple(&self) -> Option<&[u8]> {
        self.server.identity.ocsp_response().filter(|_| self.parameters.status_request)
    }

    pub(super) fn send_certificate_request(&mut self) {
        if !self.server.asks_for_certificate() {
            return;
        }
        let message = CertificateRequest12 {
            certificate_types: &[CertificateRequest12::RSA_SIGN, CertificateRequest12::ECDSA_SIGN],
            signature_algorithms: self.server.prepared.schemes.clone(),
            certificate_authorities: Vec::new(),
        }
        .encode();
        self.send(&message);
    }

    pub(super) fn send_server_hello_done(&mut self) {
        self.send(&ServerHelloDone.encode());
    }
}
