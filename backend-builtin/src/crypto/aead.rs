//! The AEADs of the suites (RFC 8446 §9.1, RFC 5288, RFC 7905) as record ciphers.

use polytls_api::{CipherSuite, record::RecordCipher};
use polytls_aws_lc::AeadCipher;

use crate::error::Fault;

/// The suite's AEAD under this key.
///
/// # Errors
/// [`Fault::Internal`] for a suite that is not here, or a key of another length.
pub(crate) fn record_cipher(suite: CipherSuite, key: &[u8]) -> Result<Box<dyn RecordCipher>, Fault> {
    match AeadCipher::new(suite, key) {
        Some(cipher) => Ok(Box::new(cipher)),
        None => Err(Fault::Internal("a record key that is none of the suite's")),
    }
}
