//! The extensions of a ServerHello and of a HelloRetryRequest (RFC 8446 §4.2).

use polytls_api::NamedGroup;

use super::KeyShareEntry;
use crate::{
    error::Fault,
    wire::{
        codec::Reader,
        extension::{
            ExtensionType as Ext, application_layer_protocol_negotiation, cookie, ec_point_formats,
            extended_master_secret, key_share, parse_block, pre_shared_key, put_extension, record_size_limit,
            renegotiation_info, session_ticket, supported_versions, table::Message,
        },
    },
};

/// What a ServerHello says beyond its fixed fields. `None` and `false` are absent extensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerHelloExtensions<'a> {
    /// TLS 1.3.
    pub(crate) selected_version: Option<u16>,
    /// TLS 1.3, ServerHello.
    pub(crate) key_share: Option<KeyShareEntry<'a>>,
    /// TLS 1.3, HelloRetryRequest: the group that the client is to send a key share for.
    pub(crate) selected_group: Option<NamedGroup>,
    /// TLS 1.3, HelloRetryRequest.
    pub(crate) cookie: Option<&'a [u8]>,
    /// TLS 1.3, ServerHello: pre_shared_key.
    pub(crate) selected_identity: Option<u16>,
    /// TLS 1.2, and what follows too.
    pub(crate) server_name_ack: bool,
    pub(crate) renegotiation_info: Option<&'a [u8]>,
    pub(crate) session_ticket: bool,
    pub(crate) extended_master_secret: bool,
    pub(crate) alpn: Option<&'a [u8]>,
    pub(crate) ec_point_formats: Option<&'a [u8]>,
    pub(crate) status_request: bool,
    pub(crate) record_size_limit: Option<u16>,
    /// Every type that was seen, known or not: the client refuses what it did not offer. Not encoded.
    pub(crate) present: Vec<Ext>,
}

impl<'a> ServerHelloExtensions<'a> {
    pub(super) fn parse(message: Message, block: &'a [u8]) -> Result<Self, Fault> {
        let mut extensions = Self::default();
        let present = parse_block(message, block, |kind, data| extensions.take_in(message, kind, data))?;
        Ok(Self { present, ..extensions })
    }

    fn take_in(&mut self, message: Message, kind: Ext, data: &mut Reader<'a>) -> Result<(), Fault> {
        use application_layer_protocol_negotiation as alpn;
        match kind {
            Ext::SUPPORTED_VERSIONS => {
                self.selected_version = Some(supported_versions::parse_selected(data)?)
            }
            Ext::KEY_SHARE if message == Message::HelloRetryRequest => {
                self.selected_group = Some(key_share::parse_selected_group(data)?);
            }
            Ext::KEY_SHARE => self.key_share = Some(KeyShareEntry::parse(data)?),
            Ext::COOKIE => self.cookie = Some(cookie::parse(data)?),
            Ext::PRE_SHARED_KEY => self.selected_identity = Some(pre_shared_key::parse_selected(data)?),
            // RFC 6066 §3 and §8: both are there without data, and `parse_block` refuses any.
            Ext::SERVER_NAME => self.server_name_ack = true,
            Ext::STATUS_REQUEST => self.status_request = true,
            Ext::RENEGOTIATION_INFO => self.renegotiation_info = Some(renegotiation_info::parse(data)?),
            Ext::SESSION_TICKET => self.session_ticket = session_ticket::parse_promise(data)?,
            Ext::EXTENDED_MASTER_SECRET => self.extended_master_secret = extended_master_secret::parse(data)?,
            Ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION => self.alpn = Some(alpn::parse_selected(data)?),
            Ext::EC_POINT_FORMATS => self.ec_point_formats = Some(ec_point_formats::parse(data)?),
            Ext::RECORD_SIZE_LIMIT => self.record_size_limit = Some(record_size_limit::parse(data)?),
            _ => _ = data.rest(),
        }
        Ok(())
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.encode_tls13(out);
        self.encode_tls12(out);
    }

    fn encode_tls13(&self, out: &mut Vec<u8>) {
        if let Some(version) = self.selected_version {
            put_extension(out, Ext::SUPPORTED_VERSIONS, |out| {
                supported_versions::encode_selected(version, out)
            });
        }
        if let Some(share) = &self.key_share {
            put_extension(out, Ext::KEY_SHARE, |out| share.encode(out));
        }
        if let Some(group) = self.selected_group {
            put_extension(out, Ext::KEY_SHARE, |out| key_share::encode_selected_group(group, out));
        }
        if let Some(cookie) = self.cookie {
            put_extension(out, Ext::COOKIE, |out| cookie::encode(cookie, out));
        }
        if let Some(identity) = self.selected_identity {
            put_extension(out, Ext::PRE_SHARED_KEY, |out| pre_shared_key::encode_selected(identity, out));
        }
    }

    fn encode_tls12(&self, out: &mut Vec<u8>) {
        let empty = [
            (Ext::SERVER_NAME, self.server_name_ack),
            (Ext::STATUS_REQUEST, self.status_request),
            (Ext::SESSION_TICKET, self.session_ticket),
            (Ext::EXTENDED_MASTER_SECRET, self.extended_master_secret),
        ];
        for (kind, _) in empty.into_iter().filter(|(_, present)| *present) {
            put_extension(out, kind, |_| ());
        }
        if let Some(connection) = self.renegotiation_info {
            put_extension(out, Ext::RENEGOTIATION_INFO, |out| renegotiation_info::encode(connection, out));
        }
        if let Some(name) = self.alpn {
            put_extension(out, Ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION, |out| {
                application_layer_protocol_negotiation::encode(&[name], out);
            });
        }
        if let Some(formats) = self.ec_point_formats {
            put_extension(out, Ext::EC_POINT_FORMATS, |out| ec_point_formats::encode(formats, out));
        }
        if let Some(limit) = self.record_size_limit {
            put_extension(out, Ext::RECORD_SIZE_LIMIT, |out| record_size_limit::encode(limit, out));
        }
    }
}
