//! CertificateRequest of TLS 1.3 (RFC 8446 §4.3.2).

use polytls_api::SignatureScheme;

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::{
        codec::{Put, Reader},
        extension::{
            ExtensionType as Ext, certificate_authorities, compress_certificate, parse_block, put_extension,
            signature_algorithms, signature_algorithms_cert, status_request, table::Message,
        },
    },
};

/// What the server accepts of a client that authenticates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CertificateRequest<'a> {
    /// certificate_request_context: empty during a handshake.
    pub(crate) context: &'a [u8],
    pub(crate) signature_algorithms: Vec<SignatureScheme>,
    pub(crate) signature_algorithms_cert: Option<Vec<SignatureScheme>>,
    pub(crate) certificate_authorities: Option<Vec<&'a [u8]>>,
    pub(crate) compress_certificate: Option<Vec<u16>>,
    pub(crate) status_request: bool,
}

impl<'a> CertificateRequest<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let mut request = Self { context: reader.vec8()?, ..Self::default() };
        let block = reader.vec16()?;
        reader.finish()?;
        parse_block(Message::CertificateRequest, block, |kind, data| request.take_in(kind, data))?;
        // RFC 8446 §4.3.2: it must be there, and it is never an empty list.
        if request.signature_algorithms.is_empty() {
            return Err(Fault::MissingExtension("a CertificateRequest without signature_algorithms"));
        }
        Ok(request)
    }

    fn take_in(&mut self, kind: Ext, data: &mut Reader<'a>) -> Result<(), Fault> {
        match kind {
            Ext::SIGNATURE_ALGORITHMS => self.signature_algorithms = signature_algorithms::parse(data)?,
            Ext::SIGNATURE_ALGORITHMS_CERT => {
                self.signature_algorithms_cert = Some(signature_algorithms_cert::parse(data)?);
            }
            Ext::CERTIFICATE_AUTHORITIES => {
                self.certificate_authorities = Some(certificate_authorities::parse(data)?);
            }
            Ext::COMPRESS_CERTIFICATE => self.compress_certificate = Some(compress_certificate::parse(data)?),
            // RFC 8446 §4.4.2.1: here it is empty, and a peer that fills it in as in a hello means the same.
            Ext::STATUS_REQUEST => {
                self.status_request = data.is_empty() || status_request::parse(data)?;
            }
            _ => _ = data.rest(),
        }
        Ok(())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::CERTIFICATE_REQUEST, |out| {
            out.vec8(|out| out.put_slice(self.context));
            out.vec16(|out| self.encode_block(out));
        })
    }

    fn encode_block(&self, out: &mut Vec<u8>) {
        put_extension(out, Ext::SIGNATURE_ALGORITHMS, |out| {
            signature_algorithms::encode(&self.signature_algorithms, out);
        });
        if let Some(schemes) = &self.signature_algorithms_cert {
            put_extension(out, Ext::SIGNATURE_ALGORITHMS_CERT, |out| {
                signature_algorithms_cert::encode(schemes, out);
            });
        }
        if let Some(names) = &self.certificate_authorities {
            put_extension(out, Ext::CERTIFICATE_AUTHORITIES, |out| {
                certificate_authorities::encode(names, out);
            });
        }
        if let Some(algorithms) = &self.compress_certificate {
            put_extension(out, Ext::COMPRESS_CERTIFICATE, |out| {
                compress_certificate::encode(algorithms, out);
            });
        }
        if self.status_request {
            put_extension(out, Ext::STATUS_REQUEST, |_| ());
        }
    }
}

#[cfg(test)]
mod tests {
    use polytls_api::SignatureScheme;

    use super::*;
    use crate::wire::handshake::HandshakeMessage;

    /// What GnuTLS and Go send.
    #[test]
    fn a_request_for_a_response_is_empty_and_may_be_filled_in_as_in_a_hello() {
        let signature_algorithms = vec![SignatureScheme::ED25519];
        let request = CertificateRequest { signature_algorithms, status_request: true, ..Default::default() };
        let message = HandshakeMessage::new(request.encode());
        let empty = [0, 5, 0, 0];
        assert_eq!(message.body().last_chunk(), Some(&empty));
        assert!(CertificateRequest::parse(message.body()).unwrap().status_request);
        let mut filled = message.body().strip_suffix(&empty).unwrap().to_vec();
        filled.extend([0, 5, 0, 5, 1, 0, 0, 0, 0]);
        filled[2] += 5;
        assert!(CertificateRequest::parse(&filled).unwrap().status_request);
    }
}
