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

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let data = written(encode);
        assert_eq!(whole(&data, parse), Ok(true));
    }

    #[test]
    fn responders_and_extensions_make_no_difference() {
        assert_eq!(whole(&[OCSP, 0, 3, 0, 1, 9, 0, 2, 5, 5], parse), Ok(true));
    }

    #[test]
    fn a_request_for_something_unknown_is_none() {
        assert_eq!(whole(&[2, 1, 2, 3], parse), Ok(false));
    }

    #[test]
    fn a_response_is_read_as_it_was_written() {
        let data = written(|out| encode_certificate_status(b"response", out));
        assert_eq!(whole(&data, parse_certificate_status), Ok(&b"response"[..]));
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for data in [&[][..], &[OCSP], &[OCSP, 0, 2, 0, 0, 0, 0], &[OCSP, 0, 0, 0, 0, 0]] {
            assert_eq!(whole(data, parse), Err(AlertDescription::DECODE_ERROR), "{data:?}");
        }
        for data in [&[OCSP, 0, 0, 0][..], &[2, 0, 0, 1, 0], &[OCSP, 0, 0, 1, 0, 0]] {
            let response = whole(data, parse_certificate_status);
            assert_eq!(response, Err(AlertDescription::DECODE_ERROR), "{data:?}");
        }
    }
}
