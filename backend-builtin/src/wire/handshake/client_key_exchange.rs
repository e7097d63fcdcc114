//! ClientKeyExchange of ECDHE (RFC 8422 §5.7).

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// The client's public key, for the group of the ServerKeyExchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientKeyExchange<'a> {
    pub(crate) public_key: &'a [u8],
}

impl<'a> ClientKeyExchange<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let public_key = not_empty(reader.vec8()?, "a public key that is empty")?;
        reader.finish()?;
        Ok(Self { public_key })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::CLIENT_KEY_EXCHANGE, |out| {
            out.vec8(|out| out.put_slice(self.public_key));
        })
    }
}
