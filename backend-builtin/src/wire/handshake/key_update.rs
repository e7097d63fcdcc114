//! KeyUpdate (RFC 8446 §4.6.3).

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

/// The sender's next record is under its next key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUpdate {
    /// Whether the receiver is to do the same.
    pub(crate) update_requested: bool,
}

impl KeyUpdate {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let request_update = reader.u8()?;
        reader.finish()?;
        match request_update {
            0 => Ok(Self { update_requested: false }),
            1 => Ok(Self { update_requested: true }),
            _ => Err(Fault::IllegalParameter("a KeyUpdateRequest that is neither yes nor no")),
        }
    }

    pub(crate) fn encode(self) -> Vec<u8> {
        encode_handshake(HandshakeType::KEY_UPDATE, |out| out.put_u8(self.update_requested.into()))
    }
}
