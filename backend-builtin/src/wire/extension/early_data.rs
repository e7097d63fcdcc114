//! early_data (RFC 8446 §4.2.10): no data where it offers or accepts, and a size where a ticket allows it.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

/// In ClientHello and EncryptedExtensions.
pub(crate) fn parse(data: &mut Reader<'_>) -> Result<bool, Fault> {
    data.finish()?;
    Ok(true)
}

/// In NewSessionTicket: `max_early_data_size`, in bytes.
pub(crate) fn parse_max_size(data: &mut Reader<'_>) -> Result<u32, Fault> {
    data.u32()
}

pub(crate) fn encode_max_size(max_early_data_size: u32, out: &mut Vec<u8>) {
    out.put_u32(max_early_data_size);
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn a_size_is_read_as_it_was_written() {
        let data = written(|out| encode_max_size(14_336, out));
        assert_eq!(whole(&data, parse_max_size), Ok(14_336));
        assert_eq!(whole(&data[1..], parse_max_size), Err(AlertDescription::DECODE_ERROR));
    }

    #[test]
    fn an_offer_has_no_data() {
        assert_eq!(whole(&[], parse), Ok(true));
        assert_eq!(whole(&[0], parse), Err(AlertDescription::DECODE_ERROR));
    }
}
