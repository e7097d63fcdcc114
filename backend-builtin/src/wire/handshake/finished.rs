//! Finished (RFC 8446 §4.4.4, RFC 5246 §7.4.9).

use super::{HandshakeType, encode_handshake};
use crate::{error::Fault, wire::codec::Put};

/// The proof that both sides saw the same handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished<'a> {
    /// As long as the peer made it: what has the wrong length does not verify.
    pub(crate) verify_data: &'a [u8],
}

impl<'a> Finished<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self { verify_data: body })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::FINISHED, |out| out.put_slice(self.verify_data))
    }
}
