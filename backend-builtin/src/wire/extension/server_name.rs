//! server_name (RFC 6066 §3): the host that the client wants to speak to, and the server's empty acknowledgement.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// The only NameType there is.
const HOST_NAME: u8 = 0;
/// RFC 1035 §2.3.4: no DNS name is longer.
const MAX_HOST_NAME: usize = 255;

/// The host_name of a client's list. A list that has none but names of kinds nobody has defined is `None`.
pub(crate) fn parse<'a>(data: &mut Reader<'a>) -> Result<Option<&'a str>, Fault> {
    let mut list = Reader::new(not_empty(data.vec16()?, "a list of server names that is empty")?);
    let mut host_name = None;
    while !list.is_empty() {
        let name_type = list.u8()?;
        let name = list.vec16()?;
        if name_type != HOST_NAME {
            continue;
        }
        if host_name.replace(read_host_name(name)?).is_some() {
            return Err(Fault::IllegalParameter("more than one host_name in server_name"));
        }
    }
    Ok(host_name)
}

fn read_host_name(name: &[u8]) -> Result<&str, Fault> {
    not_empty(name, "a host_name that is empty")?;
    match std::str::from_utf8(name) {
        Ok(text) if text.len() <= MAX_HOST_NAME && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(text)
        }
        _ => Err(Fault::IllegalParameter("a host_name that is no DNS name")),
    }
}

pub(crate) fn encode(host_name: &str, out: &mut Vec<u8>) {
    out.vec16(|out| {
        out.put_u8(HOST_NAME);
        out.vec16(|out| out.put_slice(host_name.as_bytes()));
    });
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn a_name_is_read_as_it_was_written() {
        let data = written(|out| encode("server.example", out));
        assert_eq!(whole(&data, parse), Ok(Some("server.example")));
    }

    #[test]
    fn names_of_unknown_kinds_are_passed_over() {
        assert_eq!(whole(&[0, 9, 7, 0, 1, 0xff, 0, 0, 2, b'a', b'b'], parse), Ok(Some("ab")));
        assert_eq!(whole(&[0, 3, 7, 0, 0], parse), Ok(None));
    }

    #[test]
    fn a_list_that_is_empty_or_too_long_or_too_short_is_refused() {
        for data in [&[0, 0][..], &[0, 3, 0, 0, 0], &[0, 3, 0, 0, 1], &[0, 4, 0, 0, 1, b'a', 0]] {
            assert_eq!(whole(data, parse), Err(AlertDescription::DECODE_ERROR), "{data:?}");
        }
    }

    #[test]
    fn two_names_or_one_that_is_no_dns_name_are_refused() {
        let long = written(|out| encode(&"a".repeat(256), out));
        for data in [
            &[0, 8, 0, 0, 1, b'a', 0, 0, 1, b'b'][..],
            &[0, 5, 0, 0, 2, b'a', 0],
            &[0, 4, 0, 0, 1, 0xff],
            &long,
        ] {
            assert_eq!(whole(data, parse), Err(AlertDescription::ILLEGAL_PARAMETER), "{data:?}");
        }
    }
}
