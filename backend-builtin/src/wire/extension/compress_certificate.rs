//! compress_certificate (RFC 8879 §3): the algorithms that a certificate may be compressed with.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<Vec<u16>, Fault> {
    let algorithms = Reader::new(data.vec8()?).codes(|algorithm| algorithm)?;
    let mut sorted = algorithms.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != algorithms.len() {
        return Err(Fault::IllegalParameter("a certificate compression algorithm that is listed twice"));
    }
    Ok(algorithms)
}

pub(crate) fn encode(algorithms: &[u16], out: &mut Vec<u8>) {
    out.vec8(|out| algorithms.iter().for_each(|algorithm| out.put_u16(*algorithm)));
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let list = [1, 2];
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
    fn an_algorithm_that_is_listed_twice_is_refused() {
        assert_eq!(whole(&[6, 0, 1, 0, 2, 0, 1], parse), Err(AlertDescription::ILLEGAL_PARAMETER));
    }
}
