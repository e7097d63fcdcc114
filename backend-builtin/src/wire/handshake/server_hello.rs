//! ServerHello (RFC 8446 §4.1.3, RFC 5246 §7.4.1.3), and HelloRetryRequest, which has its form (RFC 8446 §4.1.4).

use polytls_api::{CipherSuite, ProtocolVersion};

use super::{
    HandshakeType, ServerHelloExtensions,
    client_hello::{NULL_COMPRESSION, SSL3, put_extensions, read_extensions, read_session_id},
    encode_handshake,
};
use crate::{
    error::Fault,
    wire::{
        codec::{Put, Reader},
        extension::{ExtensionType, find, supported_versions, table::Message},
    },
};

/// What a server chooses, or asks the client to offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerHello<'a> {
    pub(crate) legacy_version: u16,
    pub(crate) random: [u8; 32],
    pub(crate) legacy_session_id_echo: &'a [u8],
    pub(crate) cipher_suite: CipherSuite,
    pub(crate) legacy_compression_method: u8,
    pub(crate) extensions: ServerHelloExtensions<'a>,
}

impl<'a> ServerHello<'a> {
    /// RFC 8446 §4.1.3: the SHA-256 of "HelloRetryRequest", in place of a random.
    pub(crate) const HELLO_RETRY_REQUEST_RANDOM: [u8; 32] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
        0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];

    /// Which extensions may be there depends on the version: with supported_versions it is TLS 1.3 or later.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let legacy_version = reader.u16()?;
        let random = reader.array()?;
        let legacy_session_id_echo = read_session_id(&mut reader)?;
        let cipher_suite = CipherSuite::from_code(reader.u16()?);
        let legacy_compression_method = reader.u8()?;
        let block = read_extensions(&mut reader)?;
        reader.finish()?;
        let message = message(&random, block)?;
        check_legacy_fields(message, legacy_version, legacy_compression_method)?;
        let extensions = ServerHelloExtensions::parse(message, block)?;
        Ok(Self {
            legacy_version,
            random,
            legacy_session_id_echo,
            cipher_suite,
            legacy_compression_method,
            extensions,
        })
    }

    pub(crate) fn is_hello_retry_request(&self) -> bool {
        self.random == Self::HELLO_RETRY_REQUEST_RANDOM && self.extensions.selected_version.is_some()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::SERVER_HELLO, |out| {
            out.put_u16(self.legacy_version);
            out.put_slice(&self.random);
            out.vec8(|out| out.put_slice(self.legacy_session_id_echo));
            out.put_u16(self.cipher_suite.code());
            out.put_u8(self.legacy_compression_method);
            put_extensions(out, |out| self.extensions.encode(out));
        })
    }
}

/// Which of the three messages it is.
fn message(random: &[u8; 32], block: &[u8]) -> Result<Message, Fault> {
    let Some(mut data) = find(block, ExtensionType::SUPPORTED_VERSIONS)? else {
        return Ok(Message::ServerHello12);
    };
    let selected_version = supported_versions::parse_selected(&mut data)?;
    data.finish()?;
    if selected_version < ProtocolVersion::Tls13.code() {
        // RFC 8446 §4.2.1.
        return Err(Fault::IllegalParameter("supported_versions that selects a version before TLS 1.3"));
    }
    if *random == ServerHello::HELLO_RETRY_REQUEST_RANDOM {
        return Ok(Message::HelloRetryRequest);
    }
    Ok(Message::ServerHello)
}

/// The fields that are fixed since TLS 1.3, and no choice any more (RFC 8446 §4.1.3). No RFC names the alert.
fn check_legacy_fields(message: Message, legacy_version: u16, method: u8) -> Result<(), Fault> {
    if message == Message::ServerHello12 {
        return match method {
            NULL_COMPRESSION => Ok(()),
            _ => Err(Fault::IllegalParameter("a compression method that was not offered")),
        };
    }
    if legacy_version == SSL3 {
        return Err(Fault::ProtocolVersion("a ServerHello of SSL 3.0"));
    }
    if legacy_version != ProtocolVersion::Tls12.code() {
        return Err(Fault::Decode("legacy_version of a TLS 1.3 ServerHello is not 0x0303"));
    }
    if method != NULL_COMPRESSION {
        return Err(Fault::Decode("legacy_compression_method of a TLS 1.3 ServerHello is not zero"));
    }
    Ok(())
}
