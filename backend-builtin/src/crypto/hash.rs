//! The hashes of the cipher suites: SHA-256 and SHA-384 (FIPS 180-4).

use std::fmt;

use aws_lc_rs::{digest, hmac};

/// SHA-384's output, the longest here.
const MAX_OUTPUT: usize = 48;

/// A hash that a cipher suite names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashAlgorithm {
    Sha256,
    Sha384,
}

impl HashAlgorithm {
    pub(crate) fn output_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    pub(crate) fn hash(self, bytes: &[u8]) -> Digest {
        Digest::new(&digest::digest(self.algorithm(), bytes))
    }

    pub(crate) fn start(self) -> HashContext {
        HashContext(digest::Context::new(self.algorithm()))
    }

    pub(super) fn hmac_algorithm(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
        }
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
        }
    }
}

/// What a hash gives. It is no secret.
#[derive(Clone, Copy)]
pub(crate) struct Digest {
    bytes: [u8; MAX_OUTPUT],
    len: usize,
}

impl Digest {
    fn new(digest: &digest::Digest) -> Self {
        let digest = digest.as_ref();
        let mut bytes = [0; MAX_OUTPUT];
        bytes[..digest.len()].copy_from_slice(digest);
        Self { bytes, len: digest.len() }
    }
}

impl AsRef<[u8]> for Digest {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(")?;
        self.as_ref().iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// A hash of which more may come.
#[derive(Clone)]
pub(crate) struct HashContext(digest::Context);

impl HashContext {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of what came so far; more may follow.
    pub(crate) fn finish(&self) -> Digest {
        Digest::new(&self.0.clone().finish())
    }
}

impl fmt::Debug for HashContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashContext")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_that_is_asked_for_early_goes_on_as_if_it_had_not_been() {
        for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
            let mut context = algorithm.start();
            context.update(b"client ");
            assert_eq!(context.finish(), algorithm.hash(b"client "));
            context.update(b"hello");
            assert_eq!(context.finish(), algorithm.hash(b"client hello"));
            assert_eq!(context.finish().as_ref().len(), algorithm.output_len());
        }
    }
}
