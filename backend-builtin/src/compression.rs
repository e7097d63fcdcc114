//! Compressed certificates (RFC 8879): zlib, and no more than the message says that it will be.

use miniz_oxide::{deflate::compress_to_vec_zlib, inflate::decompress_to_vec_zlib_with_limit};

use crate::error::Fault;

/// RFC 8879 §7.3: the one algorithm that is offered here.
pub(crate) const ZLIB: u16 = 1;

/// What takes little time more than the fastest, on a chain that is compressed once.
const LEVEL: u8 = 9;

pub(crate) fn compress(message: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(message, LEVEL)
}

/// The message of `uncompressed_length` bytes, which the caller has held against its bound.
pub(crate) fn decompress(compressed: &[u8], uncompressed_length: usize) -> Result<Vec<u8>, Fault> {
    match decompress_to_vec_zlib_with_limit(compressed, uncompressed_length) {
        Ok(message) if message.len() == uncompressed_length => Ok(message),
        _ => Err(Fault::Certificate(polytls_api::CertificateError::Malformed {
            detail: "a compressed certificate that is not of the length that it names".into(),
        })),
    }
}
