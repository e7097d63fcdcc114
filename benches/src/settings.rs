//! What every stack is told, so that all do the same work.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a connection is to be. Default: full handshakes of TLS 1.3, AES-128-GCM, X25519, P-256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a stack must heed every one")]
pub struct Settings {
    /// The only version on offer.
    pub version: Version,
    /// The only suite on offer.
    pub suite: Suite,
    /// The only group on offer.
    pub group: Group,
    /// The kind of every key in the chains.
    pub certificate: CertificateKind,
    /// Whether the server gives one ticket a connection, and the client resumes with it. Otherwise there are none.
    pub resumption: bool,
    /// Whether the client presents a certificate, and must.
    pub mutual: bool,
}

/// A protocol version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_enums, reason = "a stack must know every one")]
pub enum Version {
    /// TLS 1.2 (RFC 5246).
    #[serde(rename = "TLS 1.2")]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    #[default]
    #[serde(rename = "TLS 1.3")]
    Tls13,
}

/// The AEAD of a cipher suite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_enums, reason = "a stack must know every one")]
pub enum Suite {
    /// AES-128-GCM with SHA-256.
    #[default]
    #[serde(rename = "AES-128-GCM")]
    Aes128Gcm,
    /// AES-256-GCM with SHA-384.
    #[serde(rename = "AES-256-GCM")]
    Aes256Gcm,
    /// ChaCha20-Poly1305 with SHA-256.
    #[serde(rename = "ChaCha20-Poly1305")]
    ChaCha20Poly1305,
}

/// A group of the key exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_enums, reason = "a stack must know every one")]
pub enum Group {
    /// X25519 (RFC 7748).
    #[default]
    #[serde(rename = "X25519")]
    X25519,
    /// X25519 with ML-KEM-768 (draft-ietf-tls-ecdhe-mlkem).
    #[serde(rename = "X25519MLKEM768")]
    X25519MlKem768,
}

/// The kind of a certificate's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(clippy::exhaustive_enums, reason = "a stack must know every one")]
pub enum CertificateKind {
    /// ECDSA over P-256.
    #[default]
    #[serde(rename = "P-256")]
    P256,
    /// RSA with 2048 bits.
    #[serde(rename = "RSA-2048")]
    Rsa2048,
    /// Ed25519.
    #[serde(rename = "Ed25519")]
    Ed25519,
}

impl Settings {
    /// The same over TLS 1.3 with tickets.
    pub fn resuming(self) -> Self {
        Self { resumption: true, ..self }
    }

    /// The registry's name of the cipher suite.
    pub fn cipher_suite(&self) -> &'static str {
        match (self.version, self.suite, self.certificate) {
            (Version::Tls13, Suite::Aes128Gcm, _) => "TLS_AES_128_GCM_SHA256",
            (Version::Tls13, Suite::Aes256Gcm, _) => "TLS_AES_256_GCM_SHA384",
            (Version::Tls13, Suite::ChaCha20Poly1305, _) => "TLS_CHACHA20_POLY1305_SHA256",
            (Version::Tls12, Suite::Aes128Gcm, CertificateKind::Rsa2048) => {
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
            }
            (Version::Tls12, Suite::Aes256Gcm, CertificateKind::Rsa2048) => {
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
            }
            (Version::Tls12, Suite::ChaCha20Poly1305, CertificateKind::Rsa2048) => {
                "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
            }
            (Version::Tls12, Suite::Aes128Gcm, _) => "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            (Version::Tls12, Suite::Aes256Gcm, _) => "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            (Version::Tls12, Suite::ChaCha20Poly1305, _) => "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes128Gcm => "AES-128-GCM",
            Self::Aes256Gcm => "AES-256-GCM",
            Self::ChaCha20Poly1305 => "ChaCha20-Poly1305",
        })
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X25519 => "X25519",
            Self::X25519MlKem768 => "X25519MLKEM768",
        })
    }
}

impl fmt::Display for CertificateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::Rsa2048 => "RSA-2048",
            Self::Ed25519 => "Ed25519",
        })
    }
}
