//! What each cipher suite is made of (RFC 8446 appendix B.4, RFC 5289, RFC 7905).

use polytls_api::{CipherSuite, ProtocolVersion};

use crate::crypto::{Authentication, HashAlgorithm};

/// A cipher suite in parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Suite {
    pub(crate) id: CipherSuite,
    pub(crate) version: ProtocolVersion,
    /// The hash of the transcript, and of HKDF or the PRF.
    pub(crate) hash: HashAlgorithm,
    pub(crate) key_len: usize,
    /// How much of the nonce comes from the key schedule.
    pub(crate) fixed_iv_len: usize,
    /// How the server authenticates; in TLS 1.3 suites do not say.
    pub(crate) authentication: Option<Authentication>,
}

impl Suite {
    /// The suite with this code, where it is here.
    pub(crate) fn of(id: CipherSuite) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.id == id)
    }

    const fn tls13(id: CipherSuite, hash: HashAlgorithm, key_len: usize) -> Self {
        Self { id, version: ProtocolVersion::Tls13, hash, key_len, fixed_iv_len: 12, authentication: None }
    }

    /// RFC 5288 §3: half of the nonce is in the record.
    const fn tls12_gcm(id: CipherSuite, hash: HashAlgorithm, key_len: usize, by: Authentication) -> Self {
        let authentication = Some(by);
        Self { id, version: ProtocolVersion::Tls12, hash, key_len, fixed_iv_len: 4, authentication }
    }

    /// RFC 7905 §2.
    const fn tls12_chacha20(id: CipherSuite, by: Authentication) -> Self {
        let (version, hash, authentication) = (ProtocolVersion::Tls12, HashAlgorithm::Sha256, Some(by));
        Self { id, version, hash, key_len: 32, fixed_iv_len: 12, authentication }
    }
}

use Authentication::{Ecdsa, Rsa};
use HashAlgorithm::{Sha256, Sha384};

static SUITES: [Suite; 9] = [
    Suite::tls13(CipherSuite::TLS_AES_128_GCM_SHA256, Sha256, 16),
    Suite::tls13(CipherSuite::TLS_AES_256_GCM_SHA384, Sha384, 32),
    Suite::tls13(CipherSuite::TLS_CHACHA20_POLY1305_SHA256, Sha256, 32),
    Suite::tls12_gcm(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, Sha256, 16, Ecdsa),
    Suite::tls12_gcm(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, Sha384, 32, Ecdsa),
    Suite::tls12_gcm(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, Sha256, 16, Rsa),
    Suite::tls12_gcm(CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, Sha384, 32, Rsa),
    Suite::tls12_chacha20(CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, Ecdsa),
    Suite::tls12_chacha20(CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, Rsa),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_with_a_name_is_here_as_its_name_says() {
        for &id in CipherSuite::NAMED {
            let suite = Suite::of(id).unwrap();
            let name = id.name().unwrap();
            assert_eq!(Some(suite.version), id.version());
            assert_eq!(suite.hash == Sha384, name.ends_with("SHA384"), "{name}");
            assert_eq!(suite.key_len == 16, name.contains("AES_128"), "{name}");
            assert_eq!(suite.authentication == Some(Rsa), name.contains("_RSA_"), "{name}");
            assert_eq!(suite.authentication == Some(Ecdsa), name.contains("_ECDSA_"), "{name}");
            assert_eq!(suite.fixed_iv_len == 4, name.contains("_WITH_AES"), "{name}");
        }
        assert_eq!(Suite::of(CipherSuite::from_code(0x002f)), None);
    }
}
