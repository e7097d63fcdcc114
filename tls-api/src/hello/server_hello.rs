//! ServerHello (RFC 8446 §4.1.3, RFC 5246 §7.4.1.3): what the server chose.

use super::reader::Reader;
use crate::{CipherSuite, NamedGroup, ProtocolVersion};

/// RFC 8446 §4.2.
const PRE_SHARED_KEY: u16 = 41;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;

/// RFC 8446 §4.1.3: the random of a HelloRetryRequest, the SHA-256 of that name.
pub(super) const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A ServerHello, or a HelloRetryRequest, which has the same form.
#[derive(Debug)]
pub(super) struct ServerHello {
    legacy_version: u16,
    selected_version: Option<u16>,
    pub(super) is_hello_retry_request: bool,
    pub(super) cipher_suite: CipherSuite,
    pub(super) key_share: Option<NamedGroup>,
    pub(super) pre_shared_key: bool,
}

impl ServerHello {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let legacy_version = reader.u16()?;
        let random = reader.array()?;
        let _legacy_session_id_echo = reader.vector8()?;
        let cipher_suite = CipherSuite::from_code(reader.u16()?);
        let _legacy_compression_method = reader.u8()?;
        let mut extensions = reader.extensions()?;
        let mut hello = Self {
            legacy_version,
            selected_version: None,
            is_hello_retry_request: random == HELLO_RETRY_REQUEST,
            cipher_suite,
            key_share: None,
            pre_shared_key: false,
        };
        while !extensions.is_empty() {
            let (extension_type, mut data) = extensions.extension()?;
            match extension_type {
                SUPPORTED_VERSIONS => hello.selected_version = Some(data.u16()?),
                KEY_SHARE => hello.key_share = Some(NamedGroup::from_code(data.u16()?)),
                PRE_SHARED_KEY => hello.pre_shared_key = true,
                _ => {}
            }
        }
        Some(hello)
    }

    /// Whether what follows has the form of TLS 1.3: RFC 8446 §4.2.1 lets only such a server select here.
    pub(super) fn is_tls13(&self) -> bool {
        self.selected_version.is_some()
    }

    pub(super) fn version(&self) -> Option<ProtocolVersion> {
        let version = ProtocolVersion::from_code(self.selected_version.unwrap_or(self.legacy_version))?;
        // RFC 8446 §4.2.1: legacy_version cannot choose TLS 1.3, nor supported_versions an older version.
        ((version >= ProtocolVersion::Tls13) == self.is_tls13()).then_some(version)
    }
}
