//! SChannel behind native-tls: Windows.
//!
//! TLS 1.3 takes Windows 11 or Server 2022; older systems fall back to TLS 1.2 where the configuration allows it.
//! Nothing here has been run by polytls's own tests yet.

use std::{error::Error as StdError, sync::Arc, time::SystemTime};

use polytls_api::{
    Capabilities, CertificateError, CertificateVerifier, CipherSuite, ConfigError, ConfigOption, ErrorKind,
    ProtocolVersion, RoleCapabilities, ServerName, TrustPolicy,
    record::{RecordCipher, RecordKey},
};

use crate::{NAME, error::code};

/// The system's store of roots is asked for each connection.
pub(crate) const HAS_OS_ROOTS: bool = true;

/// A direction is closed and the other goes on.
pub(crate) const READS_AFTER_CLOSE: bool = true;

pub(crate) fn library() -> String {
    "SChannel".into()
}

pub(crate) fn capabilities() -> Capabilities {
    let mut role = RoleCapabilities::none();
    role.versions = ProtocolVersion::ALL.to_vec();
    role.alpn = true;
    let mut capabilities = Capabilities::none();
    capabilities.client.role = role.clone();
    capabilities.client.sni_off = true;
    capabilities.client.explicit_roots = true;
    capabilities.client.identity = true;
    capabilities.server.role = role;
    capabilities
}

pub(crate) fn verifier(_trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
    Err(ConfigError::Unsupported { backend: NAME, option: ConfigOption::VerifierAlone })
}

pub(crate) fn record_cipher(
    suite: CipherSuite,
    _key: RecordKey<'_>,
) -> Result<Box<dyn RecordCipher>, ConfigError> {
    Err(ConfigError::Unsupported { backend: NAME, option: ConfigOption::RecordCipher(suite) })
}

/// The identity, from PEM. native-tls imports RSA keys only here.
pub(crate) fn identity(chain: &[u8], key: &[u8]) -> Result<native_tls::Identity, ConfigError> {
    native_tls::Identity::from_pkcs8(chain, key).map_err(|error| ConfigError::PrivateKey {
        reason: format!("Windows cannot import it, which takes an RSA key: {error}"),
    })
}

/// Whether a configuration was refused because key and certificate do not belong together: SChannel does not tell.
pub(crate) fn is_key_mismatch(_error: &native_tls::Error) -> bool {
    false
}

/// What SChannel's and CryptoAPI's codes say (winerror.h).
pub(crate) fn kind(error: &(dyn StdError + 'static), name: Option<&ServerName>) -> ErrorKind {
    let now = SystemTime::now();
    let Some(code) = code(error) else { return ErrorKind::Backend };
    ErrorKind::Certificate(match code as u32 {
        // SEC_E_CERT_EXPIRED, CERT_E_EXPIRED
        0x8009_0328 | 0x800b_0101 => CertificateError::Expired { now, not_after: None },
        // SEC_E_UNTRUSTED_ROOT, CERT_E_UNTRUSTEDROOT, CERT_E_CHAINING
        0x8009_0325 | 0x800b_0109 | 0x800b_010a => CertificateError::UnknownIssuer,
        // SEC_E_WRONG_PRINCIPAL, CERT_E_CN_NO_MATCH
        0x8009_0322 | 0x800b_010f => CertificateError::NameMismatch {
            expected: name.map(ToString::to_string).unwrap_or_default(),
            presented: Vec::new(),
        },
        // CERT_E_WRONG_USAGE
        0x800b_0110 => CertificateError::WrongUsage,
        // TRUST_E_CERT_SIGNATURE
        0x8009_6004 => CertificateError::BadSignature,
        // CERT_E_REVOKED, CRYPT_E_REVOKED
        0x800b_010c | 0x8009_2010 => CertificateError::Revoked,
        // The other CERT_E and TRUST_E codes, SEC_E_CERT_UNKNOWN
        0x800b_0100..=0x800b_01ff | 0x8009_0327 => CertificateError::Other { detail: error.to_string() },
        // SEC_E_INVALID_TOKEN
        0x8009_0308 => return ErrorKind::InvalidMessage,
        // SEC_E_UNSUPPORTED_FUNCTION, SEC_E_ALGORITHM_MISMATCH
        0x8009_0302 | 0x8009_0331 => return ErrorKind::PeerIncompatible,
        // SEC_E_APPLICATION_PROTOCOL_MISMATCH
        0x8009_0367 => return ErrorKind::NoApplicationProtocol,
        // SEC_E_MESSAGE_ALTERED, SEC_E_DECRYPT_FAILURE
        0x8009_030f | 0x8009_0330 => return ErrorKind::BadRecord,
        // SEC_E_ILLEGAL_MESSAGE: an alert came, and SChannel does not say which; or it was no TLS.
        0x8009_0326 => return ErrorKind::PeerMisbehaved,
        _ => return ErrorKind::Backend,
    })
}
