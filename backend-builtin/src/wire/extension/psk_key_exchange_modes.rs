//! psk_key_exchange_modes (RFC 8446 §4.2.9): with a PSK, is there a key exchange as well?

use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// The PSK and (EC)DHE: the only mode that is offered or chosen here. The other, psk_ke, has no forward secrecy.
pub(crate) const PSK_DHE_KE: u8 = 1;

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<Vec<u8>, Fault> {
    Ok(not_empty(data.vec8()?, "a list of PSK key exchange modes that is empty")?.to_vec())
}

pub(crate) fn encode(modes: &[u8], out: &mut Vec<u8>) {
    out.vec8(|out| out.put_slice(modes));
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn modes_are_read_as_they_were_written() {
        let data = written(|out| encode(&[PSK_DHE_KE, 0], out));
        assert_eq!(whole(&data, parse), Ok(vec![PSK_DHE_KE, 0]));
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert_eq!(whole(&[0], parse), Err(AlertDescription::DECODE_ERROR));
    }
}
