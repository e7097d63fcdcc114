//! CertificateVerify (RFC 8446 §4.4.3, RFC 5246 §7.4.8): the same form in both versions.

use polytls_api::{SignatureScheme, record::Role};

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

/// The proof that a peer has the key of its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateVerify<'a> {
    pub(crate) algorithm: SignatureScheme,
    pub(crate) signature: &'a [u8],
}

impl<'a> CertificateVerify<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let message = Self {
            algorithm: SignatureScheme::from_code(reader.u16()?),
            // RFC 8446 §4.4.3: it may be empty, and then does not verify.
            signature: reader.vec16()?,
        };
        reader.finish()?;
        Ok(message)
    }

    /// What is signed in TLS 1.3 (RFC 8446 §4.4.3). In TLS 1.2 it is the messages themselves.
    pub(crate) fn signed_content(signer: Role, transcript_hash: &[u8]) -> Vec<u8> {
        // It keeps one side's signature from being taken for the other's.
        let context = match signer {
            Role::Client => "TLS 1.3, client CertificateVerify",
            Role::Server => "TLS 1.3, server CertificateVerify",
        };
        [&[b' '; 64], context.as_bytes(), &[0], transcript_hash].concat()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::CERTIFICATE_VERIFY, |out| {
            out.put_u16(self.algorithm.code());
            out.vec16(|out| out.put_slice(self.signature));
        })
    }
}
