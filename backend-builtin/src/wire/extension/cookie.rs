//! cookie (RFC 8446 §4.2.2): what a HelloRetryRequest gives to the client, and the second ClientHello gives back.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

pub(crate) fn parse<'a>(data: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    not_empty(data.vec16()?, "a cookie that is empty")
}

pub(crate) fn encode(cookie: &[u8], out: &mut Vec<u8>) {
    out.vec16(|out| out.put_slice(cookie));
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn a_cookie_is_read_as_it_was_written() {
        let data = written(|out| encode(b"cookie", out));
        assert_eq!(whole(&data, parse), Ok(&b"cookie"[..]));
    }

    #[test]
    fn an_empty_cookie_is_refused() {
        assert_eq!(whole(&[0, 0], parse), Err(AlertDescription::DECODE_ERROR));
    }
}
