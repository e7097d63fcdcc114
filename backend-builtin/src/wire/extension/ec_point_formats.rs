//! ec_point_formats (RFC 8422 §5.1.2): how points are written in TLS 1.2, where only `uncompressed` is left.

use crate::{
    error::Fault,
    wire::codec::{Put, Reader, not_empty},
};

/// The one format that is not deprecated.
pub(crate) const UNCOMPRESSED: u8 = 0;

/// The formats as bytes. Whether `uncompressed` is among them only matters in TLS 1.2.
pub(crate) fn parse<'a>(data: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    not_empty(data.vec8()?, "a list of point formats that is empty")
}

pub(crate) fn encode(formats: &[u8], out: &mut Vec<u8>) {
    out.vec8(|out| out.put_slice(formats));
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn formats_are_read_as_they_were_written() {
        let data = written(|out| encode(&[UNCOMPRESSED, 1], out));
        assert_eq!(whole(&data, parse), Ok(&[UNCOMPRESSED, 1][..]));
    }

    #[test]
    fn an_empty_list_is_refused() {
        assert_eq!(whole(&[0], parse), Err(AlertDescription::DECODE_ERROR));
    }
}
