//! signature_algorithms (RFC 8446 §4.2.3): the schemes that are accepted in CertificateVerify, most wanted first.

use polytls_api::SignatureScheme;

use crate::{
    error::Fault,
    wire::codec::{Put, Reader},
};

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<Vec<SignatureScheme>, Fault> {
    Reader::new(data.vec16()?).codes(SignatureScheme::from_code)
}

pub(crate) fn encode(schemes: &[SignatureScheme], out: &mut Vec<u8>) {
    out.vec16(|out| schemes.iter().for_each(|scheme| out.put_u16(scheme.code())));
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::{whole, written};

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let list = [SignatureScheme::ED25519, SignatureScheme::from_code(0x0201)];
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
