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

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn names_are_read_as_they_were_written() {
        let names = [&b"one"[..], b"another"];
        let data = written(|out| encode(&names, out));
        assert_eq!(whole(&data, parse), Ok(names.to_vec()));
    }

    #[test]
    fn a_list_that_is_empty_or_has_an_empty_name_is_refused() {
        for data in [&[0, 0][..], &[0, 2, 0, 0], &[0, 1, 0], &[0, 3, 0, 1, 5, 0]] {
            assert_eq!(whole(data, parse), Err(AlertDescription::DECODE_ERROR), "{data:?}");
        }
    }
}
