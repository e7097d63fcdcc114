//! From the bytes of a ClientHello to its fields: lengths only, no rules.

use super::{Fields, extension_type as ext};
use crate::{
    AlertDescription, CipherSuite, Error, ErrorKind, NamedGroup, SignatureScheme, hello::reader::Reader,
};

/// What is wrong with a ClientHello, and what its sender is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hello) struct Malformed {
    pub(in crate::hello) alert: AlertDescription,
    pub(in crate::hello) rule: &'static str,
}

impl Malformed {
    /// RFC 8446 §6.2: a length that does not fit, or a field out of its range.
    pub(super) const fn decode_error(rule: &'static str) -> Self {
        Self { alert: AlertDescription::DECODE_ERROR, rule }
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(ErrorKind::InvalidMessage).with_source(malformed.rule)
    }
}

impl Fields {
    /// The fields that could be read, and the first thing that could not.
    pub(in crate::hello) fn read(body: &[u8]) -> (Self, Result<(), Malformed>) {
        let mut fields = Self::default();
        let read = fields.read_body(Reader::new(body));
        (fields, read)
    }

    fn read_body(&mut self, mut body: Reader<'_>) -> Result<(), Malformed> {
        const ENDS_EARLY: Malformed =
            Malformed::decode_error("ClientHello ends within a field (RFC 8446 §4.1.2)");
        let mut extensions = self.read_head(&mut body).ok_or(ENDS_EARLY)?;
        if !body.is_empty() {
            return Err(Malformed::decode_error(
                "bytes follow the extensions of ClientHello (RFC 8446 §4.1.2)",
            ));
        }
        let mut outcome = Ok(());
        while !extensions.is_empty() {
            let (extension_type, data) = extensions.extension().ok_or(ENDS_EARLY)?;
            self.extension_types.push(extension_type);
            // One that cannot be read does not hide those behind it.
            outcome = outcome.and(self.read_extension(extension_type, data));
        }
        outcome
    }

    /// Everything before the extensions, which are returned.
    fn read_head<'a>(&mut self, body: &mut Reader<'a>) -> Option<Reader<'a>> {
        self.legacy_version = body.u16()?;
        self.random = body.array()?;
        self.legacy_session_id = body.vector8()?.rest().to_vec();
        self.cipher_suites = codes(body.vector16()?, CipherSuite::from_code)?;
        self.legacy_compression_methods = body.vector8()?.rest().to_vec();
        body.extensions()
    }

    fn read_extension(&mut self, extension_type: u16, mut data: Reader<'_>) -> Result<(), Malformed> {
        let (read, rule) = match extension_type {
            ext::SERVER_NAME => (self.read_server_name(&mut data), "server_name (RFC 6066 §3)"),
            ext::SUPPORTED_GROUPS => (self.read_groups(&mut data), "supported_groups (RFC 8446 §4.2.7)"),
            ext::SIGNATURE_ALGORITHMS => {
                (self.read_schemes(&mut data), "signature_algorithms (RFC 8446 §4.2.3)")
            }
            ext::APPLICATION_LAYER_PROTOCOL_NEGOTIATION => {
                (self.read_alpn(&mut data), "application_layer_protocol_negotiation (RFC 7301 §3.1)")
            }
            ext::SUPPORTED_VERSIONS => {
                (self.read_versions(&mut data), "supported_versions (RFC 8446 §4.2.1)")
            }
            ext::KEY_SHARE => (self.read_key_shares(&mut data), "key_share (RFC 8446 §4.2.8)"),
            ext::PRE_SHARED_KEY => (self.read_psks(&mut data), "pre_shared_key (RFC 8446 §4.2.11)"),
            ext::PSK_KEY_EXCHANGE_MODES => {
                (data.vector8().map(drop), "psk_key_exchange_modes (RFC 8446 §4.2.9)")
            }
            ext::EARLY_DATA => (Some(()), "early_data (RFC 8446 §4.2.10)"),
            ext::SESSION_TICKET => {
                self.session_ticket = data.rest().to_vec();
                return Ok(());
            }
            _ => return Ok(()),
        };
        let whole = read.is_some() && data.is_empty();
        if whole { Ok(()) } else { Err(Malformed::decode_error(rule)) }
    }

    fn read_server_name(&mut self, data: &mut Reader<'_>) -> Option<()> {
        let list = data.vector16()?;
        self.server_name_list = list.rest().to_vec();
        each(list, |names| {
            names.u8()?;
            names.vector16().map(drop)
        })
    }

    fn read_alpn(&mut self, data: &mut Reader<'_>) -> Option<()> {
        let list = data.vector16()?;
        self.protocol_name_list = list.rest().to_vec();
        each(list, |names| names.vector8().map(drop))
    }

    fn read_versions(&mut self, data: &mut Reader<'_>) -> Option<()> {
        self.supported_versions = codes(data.vector8()?, |code| code)?;
        Some(())
    }

    fn read_groups(&mut self, data: &mut Reader<'_>) -> Option<()> {
        self.named_groups = codes(data.vector16()?, NamedGroup::from_code)?;
        Some(())
    }

    fn read_schemes(&mut self, data: &mut Reader<'_>) -> Option<()> {
        self.signature_schemes = codes(data.vector16()?, SignatureScheme::from_code)?;
        Some(())
    }

    fn read_key_shares(&mut self, data: &mut Reader<'_>) -> Option<()> {
        each(data.vector16()?, |shares| {
            self.key_shares.push(NamedGroup::from_code(shares.u16()?));
            // RFC 8446 §4.2.8: key_exchange<1..2^16-1>.
            shares.vector16().filter(|share| !share.is_empty()).map(drop)
        })
    }

    fn read_psks(&mut self, data: &mut Reader<'_>) -> Option<()> {
        let identities = data.vector16()?;
        self.psk_identities = identities.rest().to_vec();
        each(identities, |identities| {
            // RFC 8446 §4.2.11: identity<1..2^16-1>.
            identities.vector16().filter(|identity| !identity.is_empty())?;
            identities.u32().map(drop)
        })?;
        each(data.vector16()?, |binders| {
            self.psk_binders += 1;
            // RFC 8446 §4.2.11: PskBinderEntry<32..255>.
            binders.vector8().filter(|binder| binder.rest().len() >= 32).map(drop)
        })
    }
}

/// Reads items until none is left.
fn each<'a>(mut items: Reader<'a>, mut read: impl FnMut(&mut Reader<'a>) -> Option<()>) -> Option<()> {
    while !items.is_empty() {
        read(&mut items)?;
    }
    Some(())
}

/// A list of two-byte codes.
fn codes<T>(list: Reader<'_>, from_code: impl Fn(u16) -> T) -> Option<Vec<T>> {
    let (codes, odd) = list.rest().as_chunks();
    odd.is_empty().then(|| codes.iter().map(|code| from_code(u16::from_be_bytes(*code))).collect())
}
