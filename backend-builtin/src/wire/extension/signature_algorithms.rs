//! signature_algorithms (RFC 8446 §4.2.3): the schemes that are accepted in CertificateVerify, most wanted first.

use polytls_api::SignatureScheme;

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<Vec<SignatureScheme>, Fault> {
    Reader::new(data.vec16()?).codes(SignatureScheme::from_code)
}

pub(crate) fn encode(schemes: &[SignatureScheme], out: &mut Vec<u8>) {
    out.vec16(|out| schemes.iter().for_each(|scheme| out.put_u16(scheme.code())));
}
