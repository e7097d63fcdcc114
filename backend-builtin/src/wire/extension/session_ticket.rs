//! session_ticket (RFC 5077 §3.2): a ticket of TLS 1.2, or none yet; the server's promise of one has no data.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

/// A client's ticket: empty where it has none and would like one.
pub(crate) fn parse<'a>(data: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    Ok(data.rest())
}

/// A server's promise.
pub(crate) fn parse_promise(data: &mut Reader<'_>) -> Result<bool, Fault> {
    data.finish()?;
    Ok(true)
}

pub(crate) fn encode(ticket: &[u8], out: &mut Vec<u8>) {
    out.put_slice(ticket);
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn a_ticket_is_read_as_it_was_written() {
        for ticket in [&b""[..], b"ticket"] {
            let data = written(|out| encode(ticket, out));
            assert_eq!(whole(&data, parse), Ok(ticket));
        }
    }

    #[test]
    fn a_promise_has_no_data() {
        assert_eq!(whole(&[], parse_promise), Ok(true));
        assert_eq!(whole(b"ticket", parse_promise), Err(AlertDescription::DECODE_ERROR));
    }
}
