//! renegotiation_info (RFC 5746 §3.2): a handshake is bound to the one before. There is no renegotiation here, so
//! that what is sent is empty, and what is received has to be.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

/// `renegotiated_connection`.
pub(crate) fn parse<'a>(data: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    data.vec8()
}

pub(crate) fn encode(renegotiated_connection: &[u8], out: &mut Vec<u8>) {
    out.vec8(|out| out.put_slice(renegotiated_connection));
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn a_binding_is_read_as_it_was_written() {
        for connection in [&b""[..], b"verify data"] {
            let data = written(|out| encode(connection, out));
            assert_eq!(whole(&data, parse), Ok(connection));
        }
    }

    #[test]
    fn no_data_is_no_binding() {
        assert_eq!(whole(&[], parse), Err(AlertDescription::DECODE_ERROR));
    }
}
