//! Compressed certificates (RFC 8879): zlib, and no more than the message says that it will be.

use miniz_oxide::{deflate::compress_to_vec_zlib, inflate::decompress_to_vec_zlib_with_limit};

use crate::error::Fault;

/// RFC 8879 §7.3: the one algorithm that is offered here.
pub(crate) const ZLIB: u16 = 1;

/// The shortest: a chain is compressed once and sent often.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back_if_it_is_as_long_as_it_should_be() {
        let message = [b"certificate".as_slice(); 100].concat();
        let compressed = compress(&message);
        assert!(compressed.len() < 100);
        assert_eq!(decompress(&compressed, message.len()).unwrap(), message);
        for wrong in [0, message.len() - 1, message.len() + 1] {
            let fault = decompress(&compressed, wrong).unwrap_err();
            assert_eq!(fault.alert(), Some(polytls_api::AlertDescription::BAD_CERTIFICATE), "{wrong}");
        }
    }

    #[test]
    fn a_bomb_costs_no_more_than_it_says_and_what_is_cut_is_refused() {
        let bomb = compress(&vec![0; 16 << 20]);
        assert!(bomb.len() < 20_000);
        assert!(decompress(&bomb, 1000).is_err());
        for length in 0..bomb.len().min(100) {
            assert!(decompress(&bomb[..length], 16 << 20).is_err(), "the first {length} bytes");
        }
        assert!(decompress(b"no zlib at all", 14).is_err());
    }
}
