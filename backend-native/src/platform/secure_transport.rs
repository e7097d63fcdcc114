//! Secure Transport behind native-tls: Apple's systems. It ends at TLS 1.2.
//!
//! On other systems of Apple's than macOS native-tls cannot load an identity, so there is no server there.
//! Nothing here has been run by polytls's own tests yet.

use std::{error::Error as StdError, sync::Arc, time::SystemTime};

use polytls_api::{
    AlertDescription, Capabilities, CertificateError, CertificateVerifier, CipherSuite, ConfigError,
    ConfigOption, ErrorKind, ProtocolVersion, RoleCapabilities, ServerName, TrustPolicy,
    record::{RecordCipher, RecordKey},
};

use crate::{NAME, error::code};

/// The system's roots are asked for each connection.
pub(crate) const HAS_OS_ROOTS: bool = true;

/// SSLClose ends both directions: what the peer says afterwards is lost, which must not look like its end.
pub(crate) const READS_AFTER_CLOSE: bool = false;

const LOADS_IDENTITIES: bool = cfg!(target_os = "macos");

pub(crate) fn library() -> String {
    "Secure Transport".into()
}

pub(crate) fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::none();
    let client = &mut capabilities.client;
    client.role.versions = vec![ProtocolVersion::Tls12];
    client.role.alpn = true;
    // Sessions are kept for a peer ID only, and native-tls sets none.
    client.role.resumption_off = true;
    client.sni_off = true;
    client.explicit_roots = true;
    client.identity = LOADS_IDENTITIES;
    if LOADS_IDENTITIES {
        capabilities.server.role = RoleCapabilities::none();
        capabilities.server.role.versions = vec![ProtocolVersion::Tls12];
    }
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

/// The identity, from PEM.
pub(crate) fn identity(chain: &[u8], key: &[u8]) -> Result<native_tls::Identity, ConfigError> {
    if !LOADS_IDENTITIES {
        // native-tls would panic.
        return Err(ConfigError::Unsupported { backend: NAME, option: ConfigOption::ClientIdentity });
    }
    #[allow(deprecated, reason = "it is so on the systems that the line above has turned away")]
    native_tls::Identity::from_pkcs8(chain, key)
        .map_err(|error| ConfigError::PrivateKey { reason: format!("macOS cannot import it: {error}") })
}

/// Whether a configuration was refused because key and certificate do not belong together: native-tls does not tell.
pub(crate) fn is_key_mismatch(_error: &native_tls::Error) -> bool {
    false
}

/// What Secure Transport's codes say (SecureTransport.h).
pub(crate) fn kind(error: &(dyn StdError + 'static), name: Option<&ServerName>) -> ErrorKind {
    let now = SystemTime::now();
    let Some(code) = code(error) else { return ErrorKind::Backend };
    ErrorKind::Certificate(match code {
        // errSSLCertExpired, errSSLCertNotYetValid
        -9814 => CertificateError::Expired { now, not_after: None },
        -9815 => CertificateError::NotYetValid { now, not_before: None },
        // errSSLUnknownRootCert, errSSLNoRootCert
        -9812 | -9813 => CertificateError::UnknownIssuer,
        // errSSLHostNameMismatch
        -9843 => CertificateError::NameMismatch {
            expected: name.map(ToString::to_string).unwrap_or_default(),
            presented: Vec::new(),
        },
        // errSSLXCertChainInvalid, errSSLBadCert, and errSecNotTrusted: the reason is not told.
        -9807 | -9808 | -67843 => CertificateError::Other { detail: error.to_string() },
        _ => return alert(code).map_or_else(|| protocol(code), ErrorKind::AlertReceived),
    })
}

/// errSSLPeerUnexpectedMsg to errSSLPeerNoRenegotiation: the alerts that the peer sent.
fn alert(code: i32) -> Option<AlertDescription> {
    Some(match code {
        -9819 => AlertDescription::UNEXPECTED_MESSAGE,
        -9820 => AlertDescription::BAD_RECORD_MAC,
        -9822 => AlertDescription::RECORD_OVERFLOW,
        -9824 => AlertDescription::HANDSHAKE_FAILURE,
        -9825 => AlertDescription::BAD_CERTIFICATE,
        -9826 => AlertDescription::UNSUPPORTED_CERTIFICATE,
        -9827 => AlertDescription::CERTIFICATE_REVOKED,
        -9828 => AlertDescription::CERTIFICATE_EXPIRED,
        -9829 => AlertDescription::CERTIFICATE_UNKNOWN,
        -9830 => AlertDescription::ILLEGAL_PARAMETER,
        -9831 => AlertDescription::UNKNOWN_CA,
        -9832 => AlertDescription::ACCESS_DENIED,
        -9833 => AlertDescription::DECODE_ERROR,
        -9834 => AlertDescription::DECRYPT_ERROR,
        -9836 => AlertDescription::PROTOCOL_VERSION,
        -9837 => AlertDescription::INSUFFICIENT_SECURITY,
        -9838 => AlertDescription::INTERNAL_ERROR,
        -9839 => AlertDescription::USER_CANCELED,
        -9840 => AlertDescription::NO_RENEGOTIATION,
        _ => return None,
    })
}

fn protocol(code: i32) -> ErrorKind {
    match code {
        // errSSLNegotiation
        -9801 => ErrorKind::PeerIncompatible,
        // errSSLBadRecordMac, errSSLDecryptionFail
        -9845 | -9846 => ErrorKind::BadRecord,
        // errSSLProtocol
        -9800 => ErrorKind::PeerMisbehaved,
        _ => ErrorKind::Backend,
    }
}
