//! supported_groups (RFC 8446 §4.2.7): the groups for key exchange, most wanted first.

use polytls_api::NamedGroup;

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<Vec<NamedGroup>, Fault> {
    Reader::new(data.vec16()?).codes(NamedGroup::from_code)
}

pub(crate) fn encode(groups: &[NamedGroup], out: &mut Vec<u8>) {
    out.vec16(|out| groups.iter().for_each(|group| out.put_u16(group.code())));
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let list = [NamedGroup::X25519, NamedGroup::from_code(0x1a1a)];
        let data = written(|out| encode(&list, out));
        assert_eq!(whole(&data, parse), Ok(list.to_vec()));
    }

    #[test]
    fn a_list_that_is_empty_or_odd_or_not_as_long_as_it_says_is_refused() {
        for data in [&[0, 0][..], &[0, 3, 0, 1, 0], &[0, 4, 0, 1], &[0, 2, 0, 1, 0]] {
            assert_eq!(whole(data, parse), Err(AlertDescription::DECODE_ERROR), "{data:?}");
        }
    }
}
