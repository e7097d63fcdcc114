//! The names that TLS gives to what is negotiated: versions, suites, groups, signature schemes.
//!
//! Each is the two-byte code of the IANA registry, so that a value nobody has named yet still travels
//! through an error or a [`ConnectionInfo`](crate::ConnectionInfo) unharmed.

use std::fmt;

/// A protocol version that polytls speaks. Older ones (RFC 8996) are never negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProtocolVersion {
    /// TLS 1.2 (RFC 5246), with AEAD suites and ephemeral keys only.
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl ProtocolVersion {
    /// Every version, lowest first.
    pub const ALL: [Self; 2] = [Self::Tls12, Self::Tls13];

    /// The code on the wire: `0x0303` or `0x0304`.
    pub fn code(self) -> u16 {
        match self {
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    /// The version with this code, if polytls speaks it.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.code() == code)
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

/// Declares a registry: the code, the constants with their registry names, `Display` and `FromStr`.
macro_rules! registry {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $code:literal, $text:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u16);

        impl $name {
            $($(#[$item_doc])* pub const $item: Self = Self($code);)*

            /// Every value that has a name here.
            pub const NAMED: &'static [Self] = &[$(Self::$item),*];

            /// The value with this code of the IANA registry.
            pub const fn from_code(code: u16) -> Self {
                Self(code)
            }

            /// The code in the IANA registry.
            pub const fn code(self) -> u16 {
                self.0
            }

            /// The name in the IANA registry, where polytls knows it.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$item => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => write!(f, "0x{:04x}", self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

registry! {
    /// A cipher suite (RFC 8446 appendix B.4, RFC 5289, RFC 7905).
    ///
    /// A TLS 1.3 suite names the AEAD and the hash; a TLS 1.2 suite names key exchange and authentication too.
    CipherSuite {
        /// TLS 1.3, AES-128-GCM.
        TLS_AES_128_GCM_SHA256 = 0x1301, "TLS_AES_128_GCM_SHA256";
        /// TLS 1.3, AES-256-GCM.
        TLS_AES_256_GCM_SHA384 = 0x1302, "TLS_AES_256_GCM_SHA384";
        /// TLS 1.3, ChaCha20-Poly1305.
        TLS_CHACHA20_POLY1305_SHA256 = 0x1303, "TLS_CHACHA20_POLY1305_SHA256";
        /// TLS 1.2, ECDHE with an ECDSA or EdDSA certificate, AES-128-GCM.
        TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 = 0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
        /// TLS 1.2, ECDHE with an ECDSA or EdDSA certificate, AES-256-GCM.
        TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 = 0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
        /// TLS 1.2, ECDHE with an RSA certificate, AES-128-GCM.
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 = 0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
        /// TLS 1.2, ECDHE with an RSA certificate, AES-256-GCM.
        TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 = 0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
        /// TLS 1.2, ECDHE with an RSA certificate, ChaCha20-Poly1305.
        TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 = 0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256";
        /// TLS 1.2, ECDHE with an ECDSA or EdDSA certificate, ChaCha20-Poly1305.
        TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 = 0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
    }
}

impl CipherSuite {
    /// What may be negotiated where a configuration names no suites, most wanted first, as far as the backend has them.
    pub const DEFAULT: [Self; 9] = [
        Self::TLS_AES_256_GCM_SHA384,
        Self::TLS_AES_128_GCM_SHA256,
        Self::TLS_CHACHA20_POLY1305_SHA256,
        Self::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        Self::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        Self::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        Self::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        Self::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        Self::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ];

    /// The version that the suite belongs to; `None` for a suite that has no name here.
    pub fn version(self) -> Option<ProtocolVersion> {
        self.name()?;
        Some(if self.0 >> 8 == 0x13 { ProtocolVersion::Tls13 } else { ProtocolVersion::Tls12 })
    }
}

registry! {
    /// A group for (EC)DHE or hybrid key exchange (RFC 8446 §4.2.7).
    NamedGroup {
        /// NIST P-256.
        SECP256R1 = 0x0017, "secp256r1";
        /// NIST P-384.
        SECP384R1 = 0x0018, "secp384r1";
        /// NIST P-521.
        SECP521R1 = 0x0019, "secp521r1";
        /// Curve25519 (RFC 7748).
        X25519 = 0x001d, "x25519";
        /// Curve25519 together with ML-KEM-768: safe while either of the two is.
        X25519MLKEM768 = 0x11ec, "X25519MLKEM768";
    }
}

impl NamedGroup {
    /// What may be negotiated where a configuration names no groups, most wanted first, as far as the backend has them.
    pub const DEFAULT: [Self; 4] = [Self::X25519MLKEM768, Self::X25519, Self::SECP256R1, Self::SECP384R1];
}

registry! {
    /// A signature algorithm with its hash (RFC 8446 §4.2.3).
    SignatureScheme {
        /// RSASSA-PKCS1-v1_5 with SHA-256; in TLS 1.3 for certificates only.
        RSA_PKCS1_SHA256 = 0x0401, "rsa_pkcs1_sha256";
        /// RSASSA-PKCS1-v1_5 with SHA-384; in TLS 1.3 for certificates only.
        RSA_PKCS1_SHA384 = 0x0501, "rsa_pkcs1_sha384";
        /// RSASSA-PKCS1-v1_5 with SHA-512; in TLS 1.3 for certificates only.
        RSA_PKCS1_SHA512 = 0x0601, "rsa_pkcs1_sha512";
        /// ECDSA on P-256 with SHA-256.
        ECDSA_SECP256R1_SHA256 = 0x0403, "ecdsa_secp256r1_sha256";
        /// ECDSA on P-384 with SHA-384.
        ECDSA_SECP384R1_SHA384 = 0x0503, "ecdsa_secp384r1_sha384";
        /// ECDSA on P-521 with SHA-512.
        ECDSA_SECP521R1_SHA512 = 0x0603, "ecdsa_secp521r1_sha512";
        /// RSASSA-PSS with SHA-256 and an rsaEncryption key.
        RSA_PSS_RSAE_SHA256 = 0x0804, "rsa_pss_rsae_sha256";
        /// RSASSA-PSS with SHA-384 and an rsaEncryption key.
        RSA_PSS_RSAE_SHA384 = 0x0805, "rsa_pss_rsae_sha384";
        /// RSASSA-PSS with SHA-512 and an rsaEncryption key.
        RSA_PSS_RSAE_SHA512 = 0x0806, "rsa_pss_rsae_sha512";
        /// Ed25519 (RFC 8032).
        ED25519 = 0x0807, "ed25519";
    }
}

impl SignatureScheme {
    /// What is accepted where a configuration names no schemes, most wanted first, as far as the backend has them.
    pub const DEFAULT: [Self; 10] = [
        Self::ECDSA_SECP256R1_SHA256,
        Self::ECDSA_SECP384R1_SHA384,
        Self::ECDSA_SECP521R1_SHA512,
        Self::ED25519,
        Self::RSA_PSS_RSAE_SHA256,
        Self::RSA_PSS_RSAE_SHA384,
        Self::RSA_PSS_RSAE_SHA512,
        Self::RSA_PKCS1_SHA256,
        Self::RSA_PKCS1_SHA384,
        Self::RSA_PKCS1_SHA512,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_without_a_name_is_printed_as_a_number() {
        assert_eq!(CipherSuite::from_code(0x00ff).to_string(), "0x00ff");
        assert_eq!(NamedGroup::X25519.to_string(), "x25519");
    }

    #[test]
    fn a_suite_knows_its_version() {
        assert_eq!(CipherSuite::TLS_AES_128_GCM_SHA256.version(), Some(ProtocolVersion::Tls13));
        assert_eq!(
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.version(),
            Some(ProtocolVersion::Tls12)
        );
        assert_eq!(CipherSuite::from_code(0x002f).version(), None);
    }
}
