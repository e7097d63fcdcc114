//! EndOfEarlyData (RFC 8446 §4.5).

use super::{HandshakeType, encode_handshake};
use crate::{error::Fault, wire::codec::Reader};

/// The client's early data ends. It says no more than its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndOfEarlyData;

impl EndOfEarlyData {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Fault> {
        Reader::new(body).finish()?;
        Ok(Self)
    }

    pub(crate) fn encode(self) -> Vec<u8> {
        encode_handshake(HandshakeType::END_OF_EARLY_DATA, |_| ())
    }
}
