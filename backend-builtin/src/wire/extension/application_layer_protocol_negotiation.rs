//! application_layer_protocol_negotiation (RFC 7301 §3.1): the client's protocols, and the server's one.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// The names that a client offers, most wanted first.
pub(crate) fn parse<'a>(data: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, Fault> {
    let list = not_empty(data.vec16()?, "a list of application protocols that is empty")?;
    Reader::new(list).items(read_name)
}

/// The one name that a server chooses.
pub(crate) fn parse_selected<'a>(data: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let mut list = Reader::new(data.vec16()?);
    let name = read_name(&mut list)?;
    list.finish()?;
    Ok(name)
}

fn read_name<'a>(list: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    not_empty(list.vec8()?, "an application protocol without a name")
}

pub(crate) fn encode(names: &[&[u8]], out: &mut Vec<u8>) {
    out.vec16(|out| names.iter().for_each(|name| out.vec8(|out| out.put_slice(name))));
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn names_are_read_as_they_were_written() {
        let names = [&b"h2"[..], b"http/1.1"];
        let data = written(|out| encode(&names, out));
        assert_eq!(whole(&data, parse), Ok(names.to_vec()));
    }

    #[test]
    fn a_choice_is_read_as_it_was_written() {
        let data = written(|out| encode(&[b"h2"], out));
        assert_eq!(whole(&data, parse_selected), Ok(&b"h2"[..]));
    }

    #[test]
    fn a_list_that_is_empty_or_has_an_empty_name_is_refused() {
        for data in [&[0, 0][..], &[0, 1, 0], &[0, 3, 1, b'a', 0], &[0, 2, 2, b'a']] {
            assert_eq!(whole(data, parse), Err(AlertDescription::DECODE_ERROR), "{data:?}");
            assert_eq!(whole(data, parse_selected), Err(AlertDescription::DECODE_ERROR), "{data:?}");
        }
    }

    #[test]
    fn a_choice_of_two_is_none() {
        assert_eq!(whole(&[0, 4, 1, b'a', 1, b'b'], parse_selected), Err(AlertDescription::DECODE_ERROR));
    }
}
