//! Extensions (RFC 8446 §4.2): their types, the block that holds them, and one file for each.
//!
//! A block is read in two passes: which types are there (none twice, none in a message that it does not belong
//! in, see `table`), then what they say. Each file has a `parse` and an `encode` of the extension's data.

pub(crate) mod application_layer_protocol_negotiation;
pub(crate) mod certificate_authorities;
pub(crate) mod compress_certificate;
pub(crate) mod cookie;
pub(crate) mod early_data;
pub(crate) mod ec_point_formats;
pub(crate) mod extended_master_secret;
pub(crate) mod key_share;
pub(crate) mod post_handshake_auth;
pub(crate) mod pre_shared_key;
pub(crate) mod psk_key_exchange_modes;
pub(crate) mod record_size_limit;
pub(crate) mod renegotiation_info;
pub(crate) mod server_name;
pub(crate) mod session_ticket;
pub(crate) mod signature_algorithms;
pub(crate) mod signature_algorithms_cert;
pub(crate) mod status_request;
pub(crate) mod supported_groups;
pub(crate) mod supported_versions;
pub(crate) mod table;

use std::fmt;

use self::table::{Message, Place};
use super::codec::{Put, Reader};
use crate::error::Fault;

/// As many extensions as messages have.
const FEW: usize = 32;

/// The type of an extension, by its code in the IANA registry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ExtensionType(u16);

impl ExtensionType {
    pub(crate) const SERVER_NAME: Self = Self(0);
    pub(crate) const MAX_FRAGMENT_LENGTH: Self = Self(1);
    pub(crate) const STATUS_REQUEST: Self = Self(5);
    pub(crate) const SUPPORTED_GROUPS: Self = Self(10);
    pub(crate) const EC_POINT_FORMATS: Self = Self(11);
    pub(crate) const SIGNATURE_ALGORITHMS: Self = Self(13);
    pub(crate) const USE_SRTP: Self = Self(14);
    pub(crate) const HEARTBEAT: Self = Self(15);
    pub(crate) const APPLICATION_LAYER_PROTOCOL_NEGOTIATION: Self = Self(16);
    pub(crate) const SIGNED_CERTIFICATE_TIMESTAMP: Self = Self(18);
    pub(crate) const CLIENT_CERTIFICATE_TYPE: Self = Self(19);
    pub(crate) const SERVER_CERTIFICATE_TYPE: Self = Self(20);
    pub(crate) const PADDING: Self = Self(21);
    pub(crate) const EXTENDED_MASTER_SECRET: Self = Self(23);
    pub(crate) const COMPRESS_CERTIFICATE: Self = Self(27);
    pub(crate) const RECORD_SIZE_LIMIT: Self = Self(28);
    pub(crate) const SESSION_TICKET: Self = Self(35);
    pub(crate) const PRE_SHARED_KEY: Self = Self(41);
    pub(crate) const EARLY_DATA: Self = Self(42);
    pub(crate) const SUPPORTED_VERSIONS: Self = Self(43);
    pub(crate) const COOKIE: Self = Self(44);
    pub(crate) const PSK_KEY_EXCHANGE_MODES: Self = Self(45);
    pub(crate) const CERTIFICATE_AUTHORITIES: Self = Self(47);
    pub(crate) const OID_FILTERS: Self = Self(48);
    pub(crate) const POST_HANDSHAKE_AUTH: Self = Self(49);
    pub(crate) const SIGNATURE_ALGORITHMS_CERT: Self = Self(50);
    pub(crate) const KEY_SHARE: Self = Self(51);
    pub(crate) const RENEGOTIATION_INFO: Self = Self(0xff01);

    #[cfg(test)]
    pub(crate) const fn from_code(code: u16) -> Self {
        Self(code)
    }

    pub(crate) const fn code(self) -> u16 {
        self.0
    }

    /// The name in the IANA registry, of those in the table.
    pub(crate) fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::SERVER_NAME => "server_name",
            Self::MAX_FRAGMENT_LENGTH => "max_fragment_length",
            Self::STATUS_REQUEST => "status_request",
            Self::SUPPORTED_GROUPS => "supported_groups",
            Self::EC_POINT_FORMATS => "ec_point_formats",
            Self::SIGNATURE_ALGORITHMS => "signature_algorithms",
            Self::USE_SRTP => "use_srtp",
            Self::HEARTBEAT => "heartbeat",
            Self::APPLICATION_LAYER_PROTOCOL_NEGOTIATION => "application_layer_protocol_negotiation",
            Self::SIGNED_CERTIFICATE_TIMESTAMP => "signed_certificate_timestamp",
            Self::CLIENT_CERTIFICATE_TYPE => "client_certificate_type",
            Self::SERVER_CERTIFICATE_TYPE => "server_certificate_type",
            Self::PADDING => "padding",
            Self::EXTENDED_MASTER_SECRET => "extended_master_secret",
            Self::COMPRESS_CERTIFICATE => "compress_certificate",
            Self::RECORD_SIZE_LIMIT => "record_size_limit",
            Self::SESSION_TICKET => "session_ticket",
            Self::PRE_SHARED_KEY => "pre_shared_key",
            Self::EARLY_DATA => "early_data",
            Self::SUPPORTED_VERSIONS => "supported_versions",
            Self::COOKIE => "cookie",
            Self::PSK_KEY_EXCHANGE_MODES => "psk_key_exchange_modes",
            Self::CERTIFICATE_AUTHORITIES => "certificate_authorities",
            Self::OID_FILTERS => "oid_filters",
            Self::POST_HANDSHAKE_AUTH => "post_handshake_auth",
            Self::SIGNATURE_ALGORITHMS_CERT => "signature_algorithms_cert",
            Self::KEY_SHARE => "key_share",
            Self::RENEGOTIATION_INFO => "renegotiation_info",
            _ => return None,
        })
    }
}

impl fmt::Debug for ExtensionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}

/// The extensions of a `message`: `block` is what stands behind their common length. `parse` gets each with its
/// data, and reads all of it. What comes back are the types, in their order.
pub(crate) fn parse_block<'a>(
    message: Message,
    block: &'a [u8],
    mut parse: impl FnMut(ExtensionType, &mut Reader<'a>) -> Result<(), Fault>,
) -> Result<Vec<ExtensionType>, Fault> {
    let types = Reader::new(block).items(|reader| read_extension(reader).map(|(kind, _)| kind))?;
    check_types(message, &types)?;
    let mut reader = Reader::new(block);
    while !reader.is_empty() {
        let (kind, mut data) = read_extension(&mut reader)?;
        parse(kind, &mut data)?;
        data.finish()?;
    }
    Ok(types)
}

/// The data of the extension `wanted`, if it is there: for what has to be known before the block is parsed.
pub(crate) fn find<'a>(block: &'a [u8], wanted: ExtensionType) -> Result<Option<Reader<'a>>, Fault> {
    let mut reader = Reader::new(block);
    while !reader.is_empty() {
        let (kind, data) = read_extension(&mut reader)?;
        if kind == wanted {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn read_extension<'a>(reader: &mut Reader<'a>) -> Result<(ExtensionType, Reader<'a>), Fault> {
    Ok((ExtensionType(reader.u16()?), Reader::new(reader.vec16()?)))
}

fn check_types(message: Message, types: &[ExtensionType]) -> Result<(), Fault> {
    if has_one_twice(types) {
        return Err(message.holds_one_twice());
    }
    if types.iter().any(|kind| table::place(*kind, message) == Place::Misplaced) {
        return Err(message.holds_a_stranger());
    }
    Ok(())
}

fn has_one_twice(types: &[ExtensionType]) -> bool {
    // To compare each with each is the fastest for as many as there are, and for as many as there could be it is not.
    if types.len() <= FEW {
        return types.iter().enumerate().any(|(at, kind)| types.iter().take(at).any(|before| before == kind));
    }
    let mut sorted = types.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| matches!(pair, [first, second] if first == second))
}

/// An extension: its type, and the data that `content` writes.
pub(crate) fn put_extension(out: &mut Vec<u8>, kind: ExtensionType, content: impl FnOnce(&mut Vec<u8>)) {
    out.put_u16(kind.code());
    out.vec16(content);
}
