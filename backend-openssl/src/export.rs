//! Key material for the application (RFC 8446 §7.5, RFC 5705).

use openssl::ssl::SslRef;
use polytls_api::{ConfigError, Error, Phase};

use crate::{NAME, drive::forget_errors, ffi};

/// Fills `output`, or says what of the request OpenSSL refuses.
pub(crate) fn export_keying_material(
    ssl: &SslRef,
    output: &mut [u8],
    label: &[u8],
    context: Option<&[u8]>,
) -> Result<(), Error> {
    let invalid = |reason: String| {
        let error = ConfigError::Invalid { option: "export_keying_material", reason };
        Err(Error::from(error).in_phase(Phase::Established).on_backend(NAME))
    };
    if output.is_empty() {
        return invalid("the output is empty".into());
    }
    // RFC 8446 §7.1 counts the length in 16 bits; in TLS 1.2 OpenSSL would go on for ever.
    if output.len() > usize::from(u16::MAX) {
        return invalid("the output has more than 65535 bytes".into());
    }
    forget_errors();
    match ffi::export_keying_material(ssl, output, label, context) {
        Ok(()) => Ok(()),
        Err(error) => invalid(format!("OpenSSL refuses the label, or an output of this length: {error}")),
    }
}
