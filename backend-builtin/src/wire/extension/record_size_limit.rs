//! record_size_limit (RFC 8449 §4): the largest plaintext of a record that the sender takes.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

/// RFC 8449 §4: no less may be asked for.
pub(crate) const LEAST: u16 = 64;

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<u16, Fault> {
    let limit = data.u16()?;
    if limit < LEAST { Err(Fault::IllegalParameter("a record_size_limit below 64")) } else { Ok(limit) }
}

pub(crate) fn encode(limit: u16, out: &mut Vec<u8>) {
    out.put_u16(limit);
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn a_limit_is_read_as_it_was_written() {
        for limit in [LEAST, 0x4001, u16::MAX] {
            let data = written(|out| encode(limit, out));
            assert_eq!(whole(&data, parse), Ok(limit));
        }
    }

    #[test]
    fn a_limit_below_the_least_is_refused() {
        assert_eq!(whole(&[0, 63], parse), Err(AlertDescription::ILLEGAL_PARAMETER));
    }
}
