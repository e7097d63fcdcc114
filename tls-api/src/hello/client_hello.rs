//! ClientHello (RFC 8446 §4.1.2): the server name and the protocols that the client asks for.

use super::reader::Reader;

/// RFC 6066 §3 and RFC 7301 §3.1.
const SERVER_NAME: u16 = 0;
const APPLICATION_LAYER_PROTOCOL_NEGOTIATION: u16 = 16;
/// RFC 6066 §3: the only NameType there is.
const HOST_NAME: u8 = 0;
/// RFC 1035 §2.3.4: no DNS name is longer.
const MAX_HOST_NAME: usize = 255;
/// A hello has room for 30,000 names of one byte, which take thirty times as much memory here.
const MAX_PROTOCOL_NAMES: usize = 256;

/// What a ClientHello asks for. A malformed one, which no server accepts, asks for nothing.
#[derive(Debug, Default)]
pub(super) struct ClientHello {
    pub(super) server_name: Option<String>,
    pub(super) alpn: Vec<Vec<u8>>,
}

impl ClientHello {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let _legacy_version = reader.u16()?;
        let _random = reader.array::<32>()?;
        let _legacy_session_id = reader.vector8()?;
        let _cipher_suites = reader.vector16()?;
        let _legacy_compression_methods = reader.vector8()?;
        let mut extensions = reader.extensions()?;
        let mut hello = Self::default();
        while !extensions.is_empty() {
            let (extension_type, data) = extensions.extension()?;
            match extension_type {
                SERVER_NAME => hello.server_name = host_name(data)?,
                APPLICATION_LAYER_PROTOCOL_NEGOTIATION => hello.alpn = protocol_names(data)?,
                _ => {}
            }
        }
        Some(hello)
    }
}

/// The host_name of a ServerNameList (RFC 6066 §3), if there is one that a DNS name can be.
fn host_name(mut extension: Reader<'_>) -> Option<Option<String>> {
    let mut server_name_list = extension.vector16()?;
    while !server_name_list.is_empty() {
        let name_type = server_name_list.u8()?;
        // RFC 6066 §3: the data of every future NameType begins with 16 bits of length too.
        let name = server_name_list.vector16()?.rest();
        if name_type == HOST_NAME {
            return Some(printable(name));
        }
    }
    Some(None)
}

/// Logs show this name: only what prints is let through.
fn printable(name: &[u8]) -> Option<String> {
    let is_printable = (1..=MAX_HOST_NAME).contains(&name.len()) && name.iter().all(u8::is_ascii_graphic);
    String::from_utf8(name.to_owned()).ok().filter(|_| is_printable)
}

fn protocol_names(mut extension: Reader<'_>) -> Option<Vec<Vec<u8>>> {
    let mut protocol_name_list = extension.vector16()?;
    let mut names = Vec::new();
    while !protocol_name_list.is_empty() && names.len() < MAX_PROTOCOL_NAMES {
        let name = protocol_name_list.vector8()?.rest();
        // RFC 7301 §3.1: empty strings must not be included.
        if name.is_empty() {
            return None;
        }
        names.push(name.to_owned());
    }
    Some(names)
}
