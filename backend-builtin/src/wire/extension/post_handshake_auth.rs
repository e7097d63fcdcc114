//! post_handshake_auth (RFC 8446 §4.2.6): the client would authenticate after the handshake too. It has no data.

use crate::{error::Fault, wire::codec::Reader};

pub(crate) fn parse(data: &mut Reader<'_>) -> Result<bool, Fault> {
    data.finish()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use polytls_api::AlertDescription;

    use super::*;
    use crate::wire::tests::whole;

    #[test]
    fn it_has_no_data() {
        assert_eq!(whole(&[], parse), Ok(true));
        assert_eq!(whole(&[0], parse), Err(AlertDescription::DECODE_ERROR));
    }
}
