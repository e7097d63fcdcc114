//! CertificateRequest of TLS 1.2 (RFC 5246 §7.4.4).

use polytls_api::SignatureScheme;

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::{
        codec::{Put, Reader, not_empty},
        extension::{certificate_authorities, signature_algorithms},
    },
};

/// What the server accepts of a client that authenticates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateRequest12<'a> {
    /// Kinds of keys, as [`Self::RSA_SIGN`] and [`Self::ECDSA_SIGN`] name them.
    pub(crate) certificate_types: &'a [u8],
    pub(crate) signature_algorithms: Vec<SignatureScheme>,
    /// DER names; none where any authority will do.
    pub(crate) certificate_authorities: Vec<&'a [u8]>,
}

impl<'a> CertificateRequest12<'a> {
    /// RFC 5246 §7.4.4: certificates with an RSA key that signs.
    pub(crate) const RSA_SIGN: u8 = 1;
    /// RFC 8422 §5.5: certificates with an ECDSA or EdDSA key.
    pub(crate) const ECDSA_SIGN: u8 = 64;

    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let request = Self {
            certificate_types: not_empty(reader.vec8()?, "a list of certificate types that is empty")?,
            signature_algorithms: signature_algorithms::parse(&mut reader)?,
            certificate_authorities: certificate_authorities::parse_names(reader.vec16()?)?,
        };
        reader.finish()?;
        Ok(request)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::CERTIFICATE_REQUEST, |out| {
            out.vec8(|out| out.put_slice(self.certificate_types));
            signature_algorithms::encode(&self.signature_algorithms, out);
            certificate_authorities::encode(&self.certificate_authorities, out);
        })
    }
}
