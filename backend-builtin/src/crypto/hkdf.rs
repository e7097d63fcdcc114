//! HKDF (RFC 5869) with the hashes of the suites.

use std::fmt;

use polytls_aws_lc::HmacKey;

use super::{HashAlgorithm, Secret};
use crate::error::Fault;

/// A pseudorandom key.
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
        Self { hash, key: hash.hmac(salt, [input]) }
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

    /// The key, ready to be expanded, as often as one likes.
    pub(crate) fn expander(&self) -> Expander {
        Expander { hash: self.hash, key: HmacKey::new(self.hash.of_hmac(), self.key.as_bytes()) }
    }
}

/// HKDF-Expand (RFC 5869 §2.3) with one pseudorandom key.
#[derive(Clone)]
pub(crate) struct Expander {
    hash: HashAlgorithm,
    key: HmacKey,
}

impl Expander {
    pub(crate) fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    /// One block of the hash, of which the first `len` bytes are kept.
    pub(crate) fn block(&self, info: &[&[u8]], len: usize) -> Secret {
        self.key.expand_block(info, Secret::of_hash).truncated(len)
    }

    /// The same, of an info that has its block's counter behind it: in one piece, as most of a key schedule's are.
    pub(crate) fn block_of_counted(&self, info: &[u8], len: usize) -> Secret {
        debug_assert_eq!(info.last(), Some(&1));
        self.key.code([info], Secret::of_hash).truncated(len)
    }

    /// As much as `out` takes.
    ///
    /// # Errors
    /// For more than 255 times the hash.
    pub(crate) fn fill(&self, info: &[&[u8]], out: &mut [u8]) -> Result<(), Fault> {
        self.key.expand(info, out).ok_or(Fault::Internal("more than HKDF expands to"))
    }
}

impl fmt::Debug for Expander {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expander")
    }
}
