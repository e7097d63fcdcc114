//! ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2).

use polytls_api::{CipherSuite, ProtocolVersion};

use super::{ClientExtensions, HandshakeType, OfferedPsks, encode_handshake};
use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// RFC 8446 §4.1.2: no session id is longer.
pub(super) const MAX_SESSION_ID: usize = 32;
/// RFC 5246 §7.4.1.2: the one compression method that is offered here, and that must always be.
pub(super) const NULL_COMPRESSION: u8 = 0;

/// RFC 8446 appendix D.5: whoever says SSL 3.0 in a hello, is refused.
pub(super) const SSL3: u16 = 0x0300;

/// What a client offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientHello<'a> {
    pub(crate) legacy_version: u16,
    pub(crate) random: [u8; 32],
    pub(crate) legacy_session_id: &'a [u8],
    pub(crate) cipher_suites: Vec<CipherSuite>,
    pub(crate) legacy_compression_methods: &'a [u8],
    pub(crate) extensions: ClientExtensions<'a>,
}

impl<'a> ClientHello<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let hello = Self {
            legacy_version: reader.u16()?,
            random: reader.array()?,
            legacy_session_id: read_session_id(&mut reader)?,
            cipher_suites: Reader::new(reader.vec16()?).codes(CipherSuite::from_code)?,
            legacy_compression_methods: not_empty(
                reader.vec8()?,
                "a list of compression methods that is empty",
            )?,
            extensions: ClientExtensions::parse(read_extensions(&mut reader)?)?,
        };
        reader.finish()?;
        if hello.legacy_version == SSL3 {
            return Err(Fault::ProtocolVersion("a ClientHello of SSL 3.0"));
        }
        hello.check_compression_methods()?;
        Ok(hello)
    }

    fn check_compression_methods(&self) -> Result<(), Fault> {
        if !self.legacy_compression_methods.contains(&NULL_COMPRESSION) {
            return Err(Fault::IllegalParameter("a ClientHello without the null compression method"));
        }
        let offered = self.extensions.supported_versions.as_deref().unwrap_or_default();
        let offers_tls13 = offered.contains(&ProtocolVersion::Tls13.code());
        if offers_tls13 && self.legacy_compression_methods != [NULL_COMPRESSION] {
            // RFC 8446 §4.1.2.
            return Err(Fault::IllegalParameter("a TLS 1.3 ClientHello that offers compression"));
        }
        Ok(())
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::CLIENT_HELLO, |out| {
            out.put_u16(self.legacy_version);
            out.put_slice(&self.random);
            out.vec8(|out| out.put_slice(self.legacy_session_id));
            out.vec16(|out| self.cipher_suites.iter().for_each(|suite| out.put_u16(suite.code())));
            out.vec8(|out| out.put_slice(self.legacy_compression_methods));
            put_extensions(out, |out| self.extensions.encode(out));
        })
    }

    /// How many bytes at the end of the encoded message no PSK binder covers (RFC 8446 §4.2.11.2); 0 without PSK.
    pub(crate) fn binders_len(&self) -> usize {
        self.extensions.pre_shared_key.as_ref().map_or(0, OfferedPsks::binders_len)
    }
}

pub(super) fn read_session_id<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let session_id = reader.vec8()?;
    if session_id.len() > MAX_SESSION_ID {
        return Err(Fault::Decode("a session id of more than 32 bytes"));
    }
    Ok(session_id)
}

/// The extensions of a hello, which may be left out (RFC 5246 §7.4.1.2).
pub(super) fn read_extensions<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    if reader.is_empty() { Ok(&[]) } else { reader.vec16() }
}

/// The extensions of a hello, which are left out where there are none.
pub(super) fn put_extensions(out: &mut Vec<u8>, extensions: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.vec16(extensions);
    if out.len() == start + 2 {
        out.truncate(start);
    }
}
