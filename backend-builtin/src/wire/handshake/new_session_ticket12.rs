//! NewSessionTicket of TLS 1.2 (RFC 5077 §3.3).

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

/// A ticket to resume with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewSessionTicket12<'a> {
    /// Seconds; 0 where the server does not say.
    pub(crate) lifetime_hint: u32,
    /// Empty where the server has changed its mind (RFC 5077 §3.3).
    pub(crate) ticket: &'a [u8],
}

impl<'a> NewSessionTicket12<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let message = Self { lifetime_hint: reader.u32()?, ticket: reader.vec16()? };
        reader.finish()?;
        Ok(message)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::NEW_SESSION_TICKET, |out| {
            out.put_u32(self.lifetime_hint);
            out.vec16(|out| out.put_slice(self.ticket));
        })
    }
}
