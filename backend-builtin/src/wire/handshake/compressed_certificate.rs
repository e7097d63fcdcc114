//! CompressedCertificate (RFC 8879 §4).

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// The body of a Certificate message, compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CompressedCertificate<'a> {
    pub(crate) algorithm: u16,
    /// At most 2^24-1, and whatever a peer likes to claim.
    pub(crate) uncompressed_length: u32,
    pub(crate) compressed: &'a [u8],
}

impl<'a> CompressedCertificate<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let message = Self {
            algorithm: reader.u16()?,
            uncompressed_length: reader.u24()?,
            compressed: not_empty(reader.vec24()?, "a compressed certificate that is empty")?,
        };
        reader.finish()?;
        Ok(message)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::COMPRESSED_CERTIFICATE, |out| {
            out.put_u16(self.algorithm);
            out.put_u24(self.uncompressed_length);
            out.vec24(|out| out.put_slice(self.compressed));
        })
    }
}
