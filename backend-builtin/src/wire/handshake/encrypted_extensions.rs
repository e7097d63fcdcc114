//! EncryptedExtensions (RFC 8446 §4.3.1): the server's answers to all that is not about keys.

use polytls_api::NamedGroup;

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::{
        codec::{Put, Reader},
        extension::{
            ExtensionType as Ext, application_layer_protocol_negotiation, early_data, parse_block,
            put_extension, record_size_limit, supported_groups, table::Message,
        },
    },
};

/// `None` and `false` are absent extensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EncryptedExtensions<'a> {
    pub(crate) alpn: Option<&'a [u8]>,
    pub(crate) early_data: bool,
    pub(crate) server_name_ack: bool,
    pub(crate) supported_groups: Option<Vec<NamedGroup>>,
    pub(crate) record_size_limit: Option<u16>,
    /// Every type that was seen, known or not: the client refuses what it did not offer. Not encoded.
    pub(crate) present: Vec<Ext>,
}

impl<'a> EncryptedExtensions<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let block = reader.vec16()?;
        reader.finish()?;
        let mut extensions = Self::default();
        let present =
            parse_block(Message::EncryptedExtensions, block, |kind, data| extensions.take_in(kind, data))?;
        Ok(Self { present, ..extensions })
    }

    fn take_in(&mut self, kind: Ext, data: &mut Reader<'a>) -> Result<(), Fault> {
        use application_layer_protocol_negotiation as alpn;
        match kind {
            Ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION => self.alpn = Some(alpn::parse_selected(data)?),
            Ext::EARLY_DATA => self.early_data = early_data::parse(data)?,
            // RFC 6066 §3: without data, and `parse_block` refuses any.
            Ext::SERVER_NAME => self.server_name_ack = true,
            Ext::SUPPORTED_GROUPS => self.supported_groups = Some(supported_groups::parse(data)?),
            Ext::RECORD_SIZE_LIMIT => self.record_size_limit = Some(record_size_limit::parse(data)?),
            _ => _ = data.rest(),
        }
        Ok(())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::ENCRYPTED_EXTENSIONS, |out| out.vec16(|out| self.encode_block(out)))
    }

    fn encode_block(&self, out: &mut Vec<u8>) {
        if self.server_name_ack {
            put_extension(out, Ext::SERVER_NAME, |_| ());
        }
        if let Some(groups) = &self.supported_groups {
            put_extension(out, Ext::SUPPORTED_GROUPS, |out| supported_groups::encode(groups, out));
        }
        if let Some(name) = self.alpn {
            put_extension(out, Ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION, |out| {
                application_layer_protocol_negotiation::encode(&[name], out);
            });
        }
        if let Some(limit) = self.record_size_limit {
            put_extension(out, Ext::RECORD_SIZE_LIMIT, |out| record_size_limit::encode(limit, out));
        }
        if self.early_data {
            put_extension(out, Ext::EARLY_DATA, |_| ());
        }
    }
}
