//! Keys that both sides were given beforehand (RFC 8446 §4.2.11, RFC 9257).

use std::fmt;

use polytls_api::ConfigError;

use super::invalid;
use crate::crypto::{HashAlgorithm, Secret};

/// RFC 9257 §6 wants 128 bits of entropy.
const LEAST_KEY: usize = 16;

/// A key that client and server were given beforehand, with the name that both have for it.
///
/// Who has the key is trusted, and no certificate passes: a client that offers it connects to whoever has it, a server
/// that takes it serves whoever has it. So give one key to two parties only, one of which is always the client
/// (RFC 9257 §4.1). The exchange is (EC)DHE with the key mixed in: what was sent stays secret if the key is lost
/// later.
///
/// A client offers it beside its certificate-based handshake, in TLS 1.3 only, and a server that does not know it goes
/// on as if it had not been offered. A server that asks clients for a certificate takes none: RFC 8446 §4.3.2 does
/// not let it ask then.
#[derive(Clone)]
pub struct ExternalPsk {
    identity: Vec<u8>,
    key: Secret,
    hash: HashAlgorithm,
}

impl ExternalPsk {
    /// A key of 16 to 64 random bytes, for suites with SHA-256, under a name of 1 to 256 bytes that passes in the
    /// clear.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] when one of the two is too short or too long. A password is no key: derive one from
    /// it with a function that is made for that.
    pub fn new(identity: impl Into<Vec<u8>>, key: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let (identity, key) = (identity.into(), key.as_ref());
        if !(1..=256).contains(&identity.len()) {
            return invalid("external_psk", "its name has 1 to 256 bytes");
        }
        match Secret::from_slice(key) {
            Some(key) if key.len() >= LEAST_KEY => Ok(Self { identity, key, hash: HashAlgorithm::Sha256 }),
            _ => invalid("external_psk", "its key has 16 to 64 random bytes (RFC 9257 §6)"),
        }
    }

    /// The same key, for the suite with SHA-384: a key is used with one hash (RFC 8446 §4.2.11).
    #[must_use]
    pub fn with_sha384(mut self) -> Self {
        self.hash = HashAlgorithm::Sha384;
        self
    }

    pub(crate) fn identity(&self) -> &[u8] {
        &self.identity
    }

    pub(crate) fn key(&self) -> &Secret {
        &self.key
    }

    pub(crate) fn hash(&self) -> HashAlgorithm {
        self.hash
    }
}

impl fmt::Debug for ExternalPsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExternalPsk").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_key_and_a_missing_name_are_refused_and_neither_is_shown() {
        assert!(ExternalPsk::new("name", [7; 15]).is_err());
        assert!(ExternalPsk::new("name", [7; 65]).is_err());
        assert!(ExternalPsk::new("", [7; 32]).is_err());
        let psk = ExternalPsk::new("name", b"a key that nobody may ever see").unwrap();
        assert!(!format!("{psk:?}").contains("nobody"));
    }
}
