//! Certificate of TLS 1.2 (RFC 5246 §7.4.2).

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// The chain of a peer, its own certificate first; none where a client has no certificate to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CertificateList12<'a> {
    /// DER.
    pub(crate) certificates: Vec<&'a [u8]>,
}

impl<'a> CertificateList12<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let list = Reader::new(reader.vec24()?);
        reader.finish()?;
        let certificates = list.items(|list| not_empty(list.vec24()?, "a certificate that is empty"))?;
        Ok(Self { certificates })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::CERTIFICATE, |out| {
            out.vec24(|out| {
                self.certificates.iter().for_each(|der| out.vec24(|out| out.put_slice(der)));
            });
        })
    }
}
