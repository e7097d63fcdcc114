//! supported_versions (RFC 8446 §4.2.1): the client's versions, most wanted first, and the server's choice.
//!
//! Versions are codes here: a client names older ones and GREASE, too.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<Vec<u16>, Fault> {
    Reader::new(data.vec8()?).codes(|version| version)
}

pub(crate) fn encode(versions: &[u16], out: &mut Vec<u8>) {
    out.vec8(|out| versions.iter().for_each(|version| out.put_u16(*version)));
}

/// The server's choice.
pub(crate) fn parse_selected(data: &mut Reader<'_>) -> Result<u16, Fault> {
    data.u16()
}

pub(crate) fn encode_selected(selected_version: u16, out: &mut Vec<u8>) {
    out.put_u16(selected_version);
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let list = [0x1a1a, 0x0304, 0x0303];
        let data = written(|out| encode(&list, out));
        assert_eq!(whole(&data, parse), Ok(list.to_vec()));
    }

    #[test]
    fn a_list_that_is_empty_or_odd_or_not_as_long_as_it_says_is_refused() {
        for data in [&[0][..], &[3, 0, 1, 0], &[4, 0, 1], &[2, 0, 1, 0]] {
            assert_eq!(whole(data, parse), Err(AlertDescription::DECODE_ERROR), "{data:?}");
        }
    }

    #[test]
    fn a_choice_is_read_as_it_was_written() {
        let data = written(|out| encode_selected(0x0304, out));
        assert_eq!(whole(&data, parse_selected), Ok(0x0304));
        assert_eq!(whole(&data[1..], parse_selected), Err(AlertDescription::DECODE_ERROR));
    }
}
