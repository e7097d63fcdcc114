//! certificate_authorities (RFC 8446 §4.2.4): the DER names of the authorities that the sender accepts.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

pub(crate) fn parse<'a>(data: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, Fault> {
    let names = not_empty(data.vec16()?, "a list of certificate authorities that is empty")?;
    parse_names(names)
}

/// The names one after the other. TLS 1.2 has the same list in its CertificateRequest, where it may be empty.
pub(crate) fn parse_names(names: &[u8]) -> Result<Vec<&[u8]>, Fault> {
    Reader::new(names).items(|names| not_empty(names.vec16()?, "a distinguished name that is empty"))
}

pub(crate) fn encode(names: &[&[u8]], out: &mut Vec<u8>) {
    out.vec16(|out| names.iter().for_each(|name| out.vec16(|out| out.put_slice(name))));
}
