//! The extensions of a ClientHello (RFC 8446 §4.2).

use polytls_api::{NamedGroup, SignatureScheme};

use super::{KeyShareEntry, OfferedPsks};
use crate::{
    error::Fault,
    wire::{
        codec::Reader,
        extension::{
            ExtensionType as Ext, application_layer_protocol_negotiation, certificate_authorities,
            compress_certificate, cookie, early_data, ec_point_formats, extended_master_secret, key_share,
            parse_block, post_handshake_auth, psk_key_exchange_modes, put_extension, record_size_limit,
            renegotiation_info, server_name, session_ticket, signature_algorithms, signature_algorithms_cert,
            status_request, supported_groups, supported_versions, table::Message,
        },
        grease,
    },
};

/// What a ClientHello says beyond its fixed fields. `None` and `false` are absent extensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientExtensions<'a> {
    pub(crate) server_name: Option<&'a str>,
    pub(crate) status_request: bool,
    pub(crate) supported_groups: Option<Vec<NamedGroup>>,
    pub(crate) ec_point_formats: Option<&'a [u8]>,
    pub(crate) signature_algorithms: Option<Vec<SignatureScheme>>,
    pub(crate) alpn: Option<Vec<&'a [u8]>>,
    pub(crate) extended_master_secret: bool,
    pub(crate) compress_certificate: Option<Vec<u16>>,
    pub(crate) record_size_limit: Option<u16>,
    pub(crate) session_ticket: Option<&'a [u8]>,
    pub(crate) early_data: bool,
    pub(crate) supported_versions: Option<Vec<u16>>,
    pub(crate) cookie: Option<&'a [u8]>,
    pub(crate) psk_key_exchange_modes: Option<Vec<u8>>,
    pub(crate) certificate_authorities: Option<Vec<&'a [u8]>>,
    pub(crate) post_handshake_auth: bool,
    pub(crate) signature_algorithms_cert: Option<Vec<SignatureScheme>>,
    pub(crate) key_share: Option<Vec<KeyShareEntry<'a>>>,
    pub(crate) renegotiation_info: Option<&'a [u8]>,
    pub(crate) pre_shared_key: Option<OfferedPsks<'a>>,
    /// RFC 8701: of these, the first goes in front of all extensions, without data, and the others behind them, with
    /// a byte each. Parsing passes GREASE over like everything unknown.
    pub(crate) grease: Vec<u16>,
}

impl<'a> ClientExtensions<'a> {
    pub(super) fn parse(block: &'a [u8]) -> Result<Self, Fault> {
        let mut extensions = Self::default();
        let types = parse_block(Message::ClientHello, block, |kind, data| extensions.take_in(kind, data))?;
        // RFC 8446 §4.2.11: the binders at its end cover everything in front of them.
        if extensions.pre_shared_key.is_some() && types.last() != Some(&Ext::PRE_SHARED_KEY) {
            return Err(Fault::IllegalParameter("a pre_shared_key that is not the last extension"));
        }
        Ok(extensions)
    }

    fn take_in(&mut self, kind: Ext, data: &mut Reader<'a>) -> Result<(), Fault> {
        use application_layer_protocol_negotiation as alpn;
        match kind {
            Ext::SERVER_NAME => self.server_name = server_name::parse(data)?,
            Ext::STATUS_REQUEST => self.status_request = status_request::parse(data)?,
            Ext::SUPPORTED_GROUPS => self.supported_groups = Some(supported_groups::parse(data)?),
            Ext::EC_POINT_FORMATS => self.ec_point_formats = Some(ec_point_formats::parse(data)?),
            Ext::SIGNATURE_ALGORITHMS => self.signature_algorithms = Some(signature_algorithms::parse(data)?),
            Ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION => self.alpn = Some(alpn::parse(data)?),
            Ext::EXTENDED_MASTER_SECRET => self.extended_master_secret = extended_master_secret::parse(data)?,
            Ext::COMPRESS_CERTIFICATE => self.compress_certificate = Some(compress_certificate::parse(data)?),
            Ext::RECORD_SIZE_LIMIT => self.record_size_limit = Some(record_size_limit::parse(data)?),
            Ext::SESSION_TICKET => self.session_ticket = Some(session_ticket::parse(data)?),
            Ext::EARLY_DATA => self.early_data = early_data::parse(data)?,
            Ext::SUPPORTED_VERSIONS => self.supported_versions = Some(supported_versions::parse(data)?),
            Ext::COOKIE => self.cookie = Some(cookie::parse(data)?),
            Ext::PSK_KEY_EXCHANGE_MODES => {
                self.psk_key_exchange_modes = Some(psk_key_exchange_modes::parse(data)?);
            }
            Ext::CERTIFICATE_AUTHORITIES => {
                self.certificate_authorities = Some(certificate_authorities::parse(data)?);
            }
            Ext::POST_HANDSHAKE_AUTH => self.post_handshake_auth = post_handshake_auth::parse(data)?,
            Ext::SIGNATURE_ALGORITHMS_CERT => {
                self.signature_algorithms_cert = Some(signature_algorithms_cert::parse(data)?);
            }
            Ext::KEY_SHARE => self.key_share = Some(key_share::parse_client_shares(data)?),
            Ext::RENEGOTIATION_INFO => self.renegotiation_info = Some(renegotiation_info::parse(data)?),
            Ext::PRE_SHARED_KEY => self.pre_shared_key = Some(OfferedPsks::parse(data)?),
            _ => _ = data.rest(),
        }
        Ok(())
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let (first, last) = match self.grease.split_first() {
            Some((first, last)) => (Some(*first), last),
            None => (None, &[][..]),
        };
        if let Some(code) = first {
            grease::put_extension(out, code, &[]);
        }
        self.encode_names_and_algorithms(out);
        self.encode_tls12(out);
        self.encode_tls13(out);
        for code in last {
            grease::put_extension(out, *code, &[0]);
        }
        if let Some(psks) = &self.pre_shared_key {
            put_extension(out, Ext::PRE_SHARED_KEY, |out| psks.encode(out));
        }
    }

    fn encode_names_and_algorithms(&self, out: &mut Vec<u8>) {
        if let Some(name) = self.server_name {
            put_extension(out, Ext::SERVER_NAME, |out| server_name::encode(name, out));
        }
        if self.status_request {
            put_extension(out, Ext::STATUS_REQUEST, status_request::encode);
        }
        if let Some(groups) = &self.supported_groups {
            put_extension(out, Ext::SUPPORTED_GROUPS, |out| supported_groups::encode(groups, out));
        }
        if let Some(schemes) = &self.signature_algorithms {
            put_extension(out, Ext::SIGNATURE_ALGORITHMS, |out| signature_algorithms::encode(schemes, out));
        }
        if let Some(schemes) = &self.signature_algorithms_cert {
            put_extension(out, Ext::SIGNATURE_ALGORITHMS_CERT, |out| {
                signature_algorithms_cert::encode(schemes, out);
            });
        }
        if let Some(names) = &self.alpn {
            put_extension(out, Ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION, |out| {
                application_layer_protocol_negotiation::encode(names, out);
            });
        }
        if let Some(limit) = self.record_size_limit {
            put_extension(out, Ext::RECORD_SIZE_LIMIT, |out| record_size_limit::encode(limit, out));
        }
    }

    fn encode_tls12(&self, out: &mut Vec<u8>) {
        if self.extended_master_secret {
            put_extension(out, Ext::EXTENDED_MASTER_SECRET, |_| ());
        }
        if let Some(connection) = self.renegotiation_info {
            put_extension(out, Ext::RENEGOTIATION_INFO, |out| renegotiation_info::encode(connection, out));
        }
        if let Some(formats) = self.ec_point_formats {
            put_extension(out, Ext::EC_POINT_FORMATS, |out| ec_point_formats::encode(formats, out));
        }
        if let Some(ticket) = self.session_ticket {
            put_extension(out, Ext::SESSION_TICKET, |out| session_ticket::encode(ticket, out));
        }
    }

    fn encode_tls13(&self, out: &mut Vec<u8>) {
        if let Some(shares) = &self.key_share {
            put_extension(out, Ext::KEY_SHARE, |out| key_share::encode_client_shares(shares, out));
        }
        if let Some(modes) = &self.psk_key_exchange_modes {
            put_extension(out, Ext::PSK_KEY_EXCHANGE_MODES, |out| psk_key_exchange_modes::encode(modes, out));
        }
        if let Some(versions) = &self.supported_versions {
            put_extension(out, Ext::SUPPORTED_VERSIONS, |out| supported_versions::encode(versions, out));
        }
        if let Some(algorithms) = &self.compress_certificate {
            put_extension(out, Ext::COMPRESS_CERTIFICATE, |out| {
                compress_certificate::encode(algorithms, out);
            });
        }
        if let Some(names) = &self.certificate_authorities {
            put_extension(out, Ext::CERTIFICATE_AUTHORITIES, |out| {
                certificate_authorities::encode(names, out);
            });
        }
        if self.post_handshake_auth {
            put_extension(out, Ext::POST_HANDSHAKE_AUTH, |_| ());
        }
        if let Some(cookie) = self.cookie {
            put_extension(out, Ext::COOKIE, |out| cookie::encode(cookie, out));
        }
        if self.early_data {
            put_extension(out, Ext::EARLY_DATA, |_| ());
        }
    }
}
