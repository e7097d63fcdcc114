//! CertificateStatus (RFC 6066 §8): how TLS 1.2 staples an OCSP response.

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::{codec::Reader, extension::status_request},
};

/// The OCSP response for the server's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateStatus<'a> {
    pub(crate) ocsp_response: &'a [u8],
}

impl<'a> CertificateStatus<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let ocsp_response = status_request::parse_certificate_status(&mut reader)?;
        reader.finish()?;
        Ok(Self { ocsp_response })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::CERTIFICATE_STATUS, |out| {
            status_request::encode_certificate_status(self.ocsp_response, out);
        })
    }
}
