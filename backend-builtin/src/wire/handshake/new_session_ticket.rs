//! NewSessionTicket of TLS 1.3 (RFC 8446 §4.6.1).

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::{
        codec::{Put, Reader, not_empty},
        extension::{ExtensionType as Ext, early_data, parse_block, put_extension, table::Message},
        grease,
    },
};

/// A ticket to resume with, and what it is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewSessionTicket<'a> {
    /// Seconds.
    pub(crate) lifetime: u32,
    pub(crate) age_add: u32,
    pub(crate) nonce: &'a [u8],
    pub(crate) ticket: &'a [u8],
    /// Bytes; `None` where early data is not allowed.
    pub(crate) max_early_data_size: Option<u32>,
    /// RFC 8701 §4.1: the type of an extension that means nothing. Parsing passes it over.
    pub(crate) grease: Option<u16>,
}

impl<'a> NewSessionTicket<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let mut message = Self {
            lifetime: reader.u32()?,
            age_add: reader.u32()?,
            nonce: reader.vec8()?,
            ticket: not_empty(reader.vec16()?, "a ticket that is empty")?,
            max_early_data_size: None,
            grease: None,
        };
        let block = reader.vec16()?;
        reader.finish()?;
        parse_block(Message::NewSessionTicket, block, |kind, data| {
            match kind {
                Ext::EARLY_DATA => message.max_early_data_size = Some(early_data::parse_max_size(data)?),
                _ => _ = data.rest(),
            }
            Ok(())
        })?;
        Ok(message)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::NEW_SESSION_TICKET, |out| {
            out.put_u32(self.lifetime);
            out.put_u32(self.age_add);
            out.vec8(|out| out.put_slice(self.nonce));
            out.vec16(|out| out.put_slice(self.ticket));
            out.vec16(|out| self.encode_block(out));
        })
    }

    fn encode_block(&self, out: &mut Vec<u8>) {
        if let Some(size) = self.max_early_data_size {
            put_extension(out, Ext::EARLY_DATA, |out| early_data::encode_max_size(size, out));
        }
        if let Some(code) = self.grease {
            grease::put_extension(out, code, &[]);
        }
    }
}
