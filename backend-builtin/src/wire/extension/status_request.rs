//! status_request (RFC 6066 §8, RFC 8446 §4.4.2.1): asking for an OCSP response, and the response.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// The only CertificateStatusType there is.
const OCSP: u8 = 1;

/// Whether a client's CertificateStatusRequest asks for OCSP. Kinds of status that nobody has defined are passed
/// over.
pub(crate) fn parse(data: &mut Reader<'_>) -> Result<bool, Fault> {
    if data.u8()? != OCSP {
        data.rest();
        return Ok(false);
    }
    let responder_ids = Reader::new(data.vec16()?);
    responder_ids.items(|ids| not_empty(ids.vec16()?, "a ResponderID that is empty"))?;
    data.vec16()?;
    Ok(true)
}

/// Asks for OCSP, from any responder.
pub(crate) fn encode(out: &mut Vec<u8>) {
    out.put_u8(OCSP);
    out.put_u16(0);
    out.put_u16(0);
}

/// The OCSP response of a CertificateStatus: an extension in TLS 1.3, a message in TLS 1.2.
pub(crate) fn parse_certificate_status<'a>(data: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    if data.u8()? != OCSP {
        return Err(Fault::Decode("a certificate status that is not OCSP"));
    }
    not_empty(data.vec24()?, "an OCSP response that is empty")
}

pub(crate) fn encode_certificate_status(ocsp_response: &[u8], out: &mut Vec<u8>) {
    out.put_u8(OCSP);
    out.vec24(|out| out.put_slice(ocsp_response));
}
