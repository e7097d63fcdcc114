//! HMAC (RFC 2104) with the hashes of the suites.

use std::fmt;

use aws_lc_rs::hmac::{Context, Key};

use super::{HashAlgorithm, Secret};

/// A key from which several codes are made: its two blocks are hashed once.
#[derive(Clone)]
pub(crate) struct HmacKey {
    hash: HashAlgorithm,
    key: Key,
}

impl HmacKey {
    pub(crate) fn new(hash: HashAlgorithm, key: &[u8]) -> Self {
        Self { hash, key: Key::new(hash.hmac_algorithm(), key) }
    }

    pub(crate) fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    /// The code of these parts, one after the other.
    pub(crate) fn sign<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Secret {
        let mut context = Context::with_key(&self.key);
        parts.into_iter().for_each(|part| context.update(part));
        let mut code = Secret::zeros(self.hash.output_len());
        code.as_mut_bytes().copy_from_slice(context.sign().as_ref());
        code
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HmacKey").field(&self.hash).finish()
    }
}

/// The one code that is made of a key.
pub(crate) fn hmac(hash: HashAlgorithm, key: &[u8], parts: &[&[u8]]) -> Secret {
    HmacKey::new(hash, key).sign(parts.iter().copied())
}
