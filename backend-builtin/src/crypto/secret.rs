//! Bytes that nobody may see: inline, zeroized when they go, never printed, compared in constant time.

use std::fmt;

use aws_lc_rs::constant_time;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The longest secret of a key schedule: a hash's output, a master secret, or an external PSK.
const MAX_LEN: usize = 64;

/// A secret of up to 64 bytes.
#[derive(Clone)]
pub(crate) struct Secret {
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl Secret {
    /// A copy of these bytes; `None` for more than 64.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self { bytes: [0; MAX_LEN], len: bytes.len() };
        secret.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(secret)
    }

    /// A copy of an array that is no longer than a secret.
    pub(crate) fn of<const N: usize>(bytes: &[u8; N]) -> Self {
        const { assert!(N <= MAX_LEN) };
        let mut secret = Self::zeros(N);
        secret.bytes[..N].copy_from_slice(bytes);
        secret
    }

    /// A copy of a hash that is to be kept secret, and is no longer than a secret.
    pub(crate) fn of_hash(bytes: &[u8]) -> Self {
        let mut secret = Self::zeros(bytes.len());
        secret.bytes[..bytes.len()].copy_from_slice(bytes);
        secret
    }

    /// As many zeros, 64 at most: what stands in a key schedule for a secret that there is not (RFC 8446 §7.1).
    pub(crate) fn zeros(len: usize) -> Self {
        Self { bytes: [0; MAX_LEN], len: len.min(MAX_LEN) }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The first bytes of it, or all where there are no more.
    pub(crate) fn truncated(mut self, len: usize) -> Self {
        let len = len.min(self.len);
        self.bytes[len..].zeroize();
        self.len = len;
        self
    }
}

impl Zeroize for Secret {
    fn zeroize(&mut self) {
        // All at once: as an array they would go one by one.
        self.bytes.as_mut_slice().zeroize();
        self.len = 0;
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Whether both are the same bytes, in time that tells nothing but their lengths.
pub(crate) fn is_same(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_bytes_and_its_length() {
        let secret = Secret::from_slice(&[7; 48]).unwrap();
        assert_eq!(secret.as_bytes(), [7; 48]);
        assert_eq!(secret.truncated(32).as_bytes(), [7; 32]);
        assert!(Secret::from_slice(&[7; 65]).is_none());
    }

    #[test]
    fn what_is_compared_is_every_byte_and_the_length() {
        assert!(is_same(&[7; 48], &[7; 48]));
        assert!(!is_same(&[7; 48], &[7; 47]));
        for offset in 0..48 {
            let mut other = [7; 48];
            other[offset] = 8;
            assert!(!is_same(&[7; 48], &other), "{offset}");
        }
    }

    #[test]
    fn what_is_printed_of_a_secret_is_its_name() {
        assert_eq!(format!("{:?}", Secret::zeros(32)), "Secret");
    }

    #[test]
    fn nothing_is_left_of_a_secret_that_is_zeroized_or_cut() {
        let mut secret = Secret::from_slice(&[7; 64]).unwrap();
        assert_eq!(secret.clone().truncated(12).bytes[12..], [0; 52]);
        secret.zeroize();
        assert_eq!(secret.bytes, [0; 64]);
    }
}
