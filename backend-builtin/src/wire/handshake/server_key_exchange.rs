//! ServerKeyExchange of ECDHE (RFC 8422 §5.4).

use polytls_api::{NamedGroup, SignatureScheme};

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// RFC 8422 §5.4: the one ECCurveType that is left.
const NAMED_CURVE: u8 = 3;

/// The server's public key, and its signature over that and the randoms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerKeyExchange<'a> {
    pub(crate) group: NamedGroup,
    pub(crate) public_key: &'a [u8],
    pub(crate) algorithm: SignatureScheme,
    pub(crate) signature: &'a [u8],
}

impl<'a> ServerKeyExchange<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        if reader.u8()? != NAMED_CURVE {
            return Err(Fault::Decode("a ServerKeyExchange for something else than a named curve"));
        }
        let message = Self {
            group: NamedGroup::from_code(reader.u16()?),
            public_key: not_empty(reader.vec8()?, "a public key that is empty")?,
            algorithm: SignatureScheme::from_code(reader.u16()?),
            signature: reader.vec16()?,
        };
        reader.finish()?;
        Ok(message)
    }

    /// `ServerECDHParams`: what is signed, behind the randoms.
    pub(crate) fn params(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_params(&mut out);
        out
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::SERVER_KEY_EXCHANGE, |out| {
            self.encode_params(out);
            out.put_u16(self.algorithm.code());
            out.vec16(|out| out.put_slice(self.signature));
        })
    }

    fn encode_params(&self, out: &mut Vec<u8>) {
        out.put_u8(NAMED_CURVE);
        out.put_u16(self.group.code());
        out.vec8(|out| out.put_slice(self.public_key));
    }
}
