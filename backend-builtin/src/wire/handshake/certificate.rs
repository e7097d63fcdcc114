//! Certificate of TLS 1.3 (RFC 8446 §4.4.2).

use super::{HandshakeType, encode_handshake};
use crate::{
    error::Fault,
    wire::{
        codec::{Put, Reader, not_empty},
        extension::{ExtensionType as Ext, parse_block, put_extension, status_request, table::Message},
    },
};

/// The chain of a peer, its own certificate first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Certificate<'a> {
    /// certificate_request_context: that of the CertificateRequest, and empty during a handshake.
    pub(crate) context: &'a [u8],
    /// None where a client has no certificate to show.
    pub(crate) entries: Vec<CertificateEntry<'a>>,
}

/// A certificate, and what is said about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CertificateEntry<'a> {
    pub(crate) der: &'a [u8],
    pub(crate) ocsp_response: Option<&'a [u8]>,
    /// Every type of extension that was seen, known or not: whoever receives it refuses what it did not ask for.
    /// Not encoded.
    pub(crate) present: Vec<Ext>,
}

impl<'a> Certificate<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader::new(body);
        let context = reader.vec8()?;
        let entries = Reader::new(reader.vec24()?);
        reader.finish()?;
        Ok(Self { context, entries: entries.items(CertificateEntry::parse)? })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        encode_handshake(HandshakeType::CERTIFICATE, |out| {
            out.vec8(|out| out.put_slice(self.context));
            out.vec24(|out| self.entries.iter().for_each(|entry| entry.encode(out)));
        })
    }
}

impl<'a> CertificateEntry<'a> {
    fn parse(list: &mut Reader<'a>) -> Result<Self, Fault> {
        let der = not_empty(list.vec24()?, "a certificate that is empty")?;
        let mut ocsp_response = None;
        let present = parse_block(Message::Certificate, list.vec16()?, |kind, data| {
            match kind {
                Ext::STATUS_REQUEST => {
                    ocsp_response = Some(status_request::parse_certificate_status(data)?);
                }
                _ => _ = data.rest(),
            }
            Ok(())
        })?;
        Ok(Self { der, ocsp_response, present })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.vec24(|out| out.put_slice(self.der));
        out.vec16(|out| {
            if let Some(response) = self.ocsp_response {
                put_extension(out, Ext::STATUS_REQUEST, |out| {
                    status_request::encode_certificate_status(response, out);
                });
            }
        });
    }
}
