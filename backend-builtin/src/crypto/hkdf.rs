//! HKDF (RFC 5869) with the hashes of the suites.

use super::{HashAlgorithm, Secret, hmac};
use crate::error::Fault;

/// A pseudorandom key, to be expanded more than once.
#[derive(Clone, Debug)]
pub(crate) struct Prk {
    hash: HashAlgorithm,
    key: Secret,
}

impl Prk {
    pub(crate) fn new(hash: HashAlgorithm, key: Secret) -> Self {
        Self { hash, key }
    }

    /// HKDF-Extract: a pseudorandom key out of whatever entropy there is (RFC 5869 §2.2).
    pub(crate) fn extract(hash: HashAlgorithm, salt: &[u8], input: &[u8]) -> Self {
        Self { hash, key: hmac(hash, salt, [input]) }
    }

    pub(crate) fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.key
    }

    /// The key itself.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.key.as_bytes()
    }

    /// HKDF-Expand to one block of the hash, of which the first `len` bytes are kept.
    pub(crate) fn expand_block(&self, info: &[&[u8]], len: usize) -> Secret {
        self.block(&[], info, 1).truncated(len)
    }

    /// HKDF-Expand (RFC 5869 §2.3).
    ///
    /// # Errors
    /// For more than 255 times the hash.
    pub(crate) fn expand(&self, info: &[&[u8]], out: &mut [u8]) -> Result<(), Fault> {
        if out.len() > 255 * self.hash.output_len() {
            return Err(Fault::Internal("more than HKDF expands to"));
        }
        let mut previous: Option<Secret> = None;
        for (counter, chunk) in (1..=u8::MAX).zip(out.chunks_mut(self.hash.output_len())) {
            let block = self.block(previous.as_ref().map_or(&[], Secret::as_bytes), info, counter);
            chunk.copy_from_slice(&block.as_bytes()[..chunk.len()]);
            previous = Some(block);
        }
        Ok(())
    }

    fn block(&self, previous: &[u8], info: &[&[u8]], counter: u8) -> Secret {
        let counter = [counter];
        let parts = [previous].into_iter().chain(info.iter().copied()).chain([counter.as_slice()]);
        hmac(self.hash, self.key.as_bytes(), parts)
    }
}
