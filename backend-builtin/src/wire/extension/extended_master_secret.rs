//! extended_master_secret (RFC 7627 §5.1): the master secret of TLS 1.2 is bound to the handshake. It has no data.

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
