//! OpenSSL behind native-tls: every system but Apple's and Windows.
//!
//! native-tls shows OpenSSL's errors as text, so they are told apart by OpenSSL's words, 1.1.1's and 3's.

use std::{error::Error as StdError, sync::Arc, time::SystemTime};

use polytls_api::{
    AlertDescription, Backend, Capabilities, CertificateError, CertificateVerifier, CipherSuite, ConfigError,
    ConfigOption, ErrorKind, NamedGroup, ProtocolVersion, RoleCapabilities, ServerName, TrustPolicy,
    record::{RecordCipher, RecordKey},
};
use polytls_openssl::OpenSsl;

use crate::NAME;

/// native-tls adds up what `SSL_CERT_FILE` names and what the system has; polytls-api's reading replaces.
/// On Android the system's roots are read by native-tls alone.
pub(crate) const HAS_OS_ROOTS: bool = cfg!(target_os = "android");

/// A direction is closed and the other goes on.
pub(crate) const READS_AFTER_CLOSE: bool = true;

pub(crate) fn library() -> String {
    OpenSsl::new().info().library
}

pub(crate) fn capabilities() -> Capabilities {
    let openssl = OpenSsl::new().capabilities().clone();
    let mut role = RoleCapabilities::none();
    role.versions = openssl.client.role.versions;
    role.cipher_suites = openssl.client.role.cipher_suites;
    role.named_groups = openssl.client.role.named_groups;
    role.signature_schemes = openssl.client.role.signature_schemes;
    role.alpn = true;
    let mut capabilities = Capabilities::none();
    capabilities.client.role = role.clone();
    // It never offers a session.
    capabilities.client.role.resumption_off = true;
    capabilities.client.sni_off = true;
    // On Android native-tls adds the system's roots to those given.
    capabilities.client.explicit_roots = cfg!(not(target_os = "android"));
    capabilities.client.identity = true;
    // The `openssl` crate's `mozilla_intermediate`, which native-tls builds on, turns TLS 1.3 off.
    role.versions.retain(|version| *version == ProtocolVersion::Tls12);
    role.cipher_suites.retain(|suite| suite.version() == Some(ProtocolVersion::Tls12));
    role.named_groups.retain(|group| *group != NamedGroup::X25519MLKEM768);
    capabilities.server.role = role;
    // Tickets are OpenSSL's default, under a key of this configuration's own.
    capabilities.server.role.resumption = true;
    capabilities.verifier_alone = openssl.verifier_alone;
    capabilities.record_ciphers = openssl.record_ciphers;
    capabilities
}

pub(crate) fn verifier(trust: &TrustPolicy) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
    OpenSsl::new().verifier(trust)
}

pub(crate) fn record_cipher(
    suite: CipherSuite,
    key: RecordKey<'_>,
) -> Result<Box<dyn RecordCipher>, ConfigError> {
    OpenSsl::new().record_cipher(suite, key).map_err(|error| match error {
        ConfigError::Unsupported { option: option @ ConfigOption::RecordCipher(_), .. } => {
            ConfigError::Unsupported { backend: NAME, option }
        }
        other => other,
    })
}

/// The identity, from PEM.
pub(crate) fn identity(chain: &[u8], key: &[u8]) -> Result<native_tls::Identity, ConfigError> {
    native_tls::Identity::from_pkcs8(chain, key)
        .map_err(|error| ConfigError::PrivateKey { reason: format!("OpenSSL cannot read it: {error}") })
}

/// Whether a configuration was refused because key and certificate do not belong together.
pub(crate) fn is_key_mismatch(error: &native_tls::Error) -> bool {
    error.to_string().split(':').any(|field| matches!(field, "key values mismatch" | "key type mismatch"))
}

/// What OpenSSL's error stack says: `error:code:library:function:reason:file:line:data`, one after another.
pub(crate) fn kind(error: &(dyn StdError + 'static), name: Option<&ServerName>) -> ErrorKind {
    let text = error.to_string();
    if let Some(alert) = alert_received(&text) {
        return ErrorKind::AlertReceived(alert);
    }
    // The first reason is where it began; later ones say who passed it on.
    match text.split(':').find_map(known_reason) {
        Some(ErrorKind::Certificate(CertificateError::Other { .. })) => {
            // native-tls appends the reason that X509_verify_cert gave.
            let reason = text.split_once(" (").and_then(|(_, reason)| reason.strip_suffix(')'));
            ErrorKind::Certificate(certificate(reason.unwrap_or(&text), name))
        }
        Some(kind) => kind,
        None if text.contains(":SSL routines:") => ErrorKind::PeerMisbehaved,
        None => ErrorKind::Backend,
    }
}

fn alert_received(text: &str) -> Option<AlertDescription> {
    let (_, number) = text.split_once("SSL alert number ")?;
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok().map(AlertDescription::from_code)
}

fn known_reason(reason: &str) -> Option<ErrorKind> {
    Some(match reason {
        "wrong version number"
        | "http request"
        | "https proxy request"
        | "packet length too long"
        | "bad record type"
        | "wrong ssl version"
        | "unknown protocol"
        | "length mismatch"
        | "bad packet length"
        | "record too small" => ErrorKind::InvalidMessage,
        "unsupported protocol"
        | "no shared cipher"
        | "no suitable key share"
        | "no shared groups"
        | "no suitable groups"
        | "no suitable signature algorithm"
        | "no shared signature algorithms"
        | "no protocols available"
        | "version too low"
        | "no ciphers available"
        | "inappropriate fallback" => ErrorKind::PeerIncompatible,
        "no application protocol" => ErrorKind::NoApplicationProtocol,
        "decryption failed or bad record mac" | "bad decrypt" | "digest check failed" => ErrorKind::BadRecord,
        "certificate verify failed" => {
            ErrorKind::Certificate(CertificateError::Other { detail: String::new() })
        }
        "malloc failure" | "internal error" => ErrorKind::Backend,
        _ => return None,
    })
}

/// Why `X509_verify_cert` refused a chain, by the text of `X509_verify_cert_error_string`.
fn certificate(reason: &str, name: Option<&ServerName>) -> CertificateError {
    let now = SystemTime::now();
    let detail = reason.to_owned();
    match reason {
        "certificate has expired" => CertificateError::Expired { now, not_after: None },
        "certificate is not yet valid"
        | "certificate is not yet valid or the system clock is incorrect" => {
            CertificateError::NotYetValid { now, not_before: None }
        }
        "self-signed certificate" | "self signed certificate" => CertificateError::SelfSigned,
        "self-signed certificate in certificate chain"
        | "self signed certificate in certificate chain"
        | "unable to get issuer certificate"
        | "unable to get local issuer certificate"
        | "unable to verify the first certificate"
        | "certificate not trusted" => CertificateError::UnknownIssuer,
        "hostname mismatch" | "Hostname mismatch" | "IP address mismatch" => CertificateError::NameMismatch {
            expected: name.map(ToString::to_string).unwrap_or_default(),
            presented: Vec::new(),
        },
        "unsuitable certificate purpose" | "unsupported certificate purpose" => CertificateError::WrongUsage,
        "certificate signature failure" | "unable to decrypt certificate's signature" => {
            CertificateError::BadSignature
        }
        "invalid CA certificate" | "key usage does not include certificate signing" => {
            CertificateError::EndEntityUsedAsCa
        }
        "certificate revoked" => CertificateError::Revoked,
        "path length constraint exceeded"
        | "certificate chain too long"
        | "permitted subtree violation"
        | "excluded subtree violation"
        | "name constraints minimum and maximum not supported" => {
            CertificateError::ConstraintViolated { detail }
        }
        "EE certificate key too weak"
        | "CA certificate key too weak"
        | "CA signature digest algorithm too weak"
        | "Cannot find certificate signature algorithm" => CertificateError::UnsupportedAlgorithm { detail },
        "format error in certificate's notBefore field"
        | "format error in certificate's notAfter field"
        | "unable to decode issuer public key"
        | "invalid or inconsistent certificate extension"
        | "unhandled critical extension" => CertificateError::Malformed { detail },
        _ => CertificateError::Other { detail },
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn kind_of(text: &str) -> ErrorKind {
        kind(&io::Error::other(text.to_owned()), Some(&"a.example".parse().unwrap()))
    }

    #[test]
    fn a_refused_certificate_is_told_by_its_reason() {
        let verify = |reason| {
            kind_of(&format!(
                "error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed:ssl/statem/statem_clnt.c:2123: ({reason})"
            ))
        };
        let mismatch =
            CertificateError::NameMismatch { expected: "a.example".into(), presented: Vec::new() };
        assert_eq!(verify("hostname mismatch"), ErrorKind::Certificate(mismatch));
        for reason in ["self-signed certificate", "self signed certificate"] {
            assert_eq!(verify(reason), ErrorKind::Certificate(CertificateError::SelfSigned));
            let in_chain = verify(&format!("{reason} in certificate chain"));
            assert_eq!(in_chain, ErrorKind::Certificate(CertificateError::UnknownIssuer));
        }
        let unknown = "invalid non-CA certificate (has CA markings)";
        let other = CertificateError::Other { detail: unknown.into() };
        assert_eq!(verify(unknown), ErrorKind::Certificate(other));
    }

    #[test]
    fn an_alert_is_told_by_its_number() {
        let alert = "error:0A000415:SSL routines:ssl3_read_bytes:ssl/tls alert certificate expired:ssl/record/rec_layer_s3.c:916:SSL alert number 45";
        assert_eq!(kind_of(alert), ErrorKind::AlertReceived(AlertDescription::CERTIFICATE_EXPIRED));
    }

    #[test]
    fn reasons_are_compared_whole() {
        let stack = |reason| kind_of(&format!("error:0A00010B:SSL routines:f:{reason}:f.c:1:"));
        assert_eq!(stack("wrong version number"), ErrorKind::InvalidMessage);
        assert_eq!(stack("no shared cipher"), ErrorKind::PeerIncompatible);
        assert_eq!(stack("decryption failed or bad record mac"), ErrorKind::BadRecord);
        assert_eq!(stack("not the wrong version number"), ErrorKind::PeerMisbehaved);
        assert_eq!(kind_of("out of paper"), ErrorKind::Backend);
    }
}
