//! BoringSSL's compliance policies, as the lists that they come to.
//!
//! Groups that polytls has no name for (ML-KEM alone) are left out; a policy that has no other is not here.

use polytls::{CipherSuite, NamedGroup, SignatureScheme};

/// Which suites, groups and signature schemes may be used, for the peer's signatures and for the shim's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Policy {
    Fips202205,
    Fips202609,
    Wpa202304,
    Cnsa1202603,
}

const AES_256: [CipherSuite; 3] = [
    CipherSuite::TLS_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
];

const AES: [CipherSuite; 6] = [
    CipherSuite::TLS_AES_128_GCM_SHA256,
    CipherSuite::TLS_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
];

const SHA_384: [SignatureScheme; 3] = [
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
];

const SHA_384_AND_MORE: [SignatureScheme; 5] = [
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
];

const NIST: [SignatureScheme; 8] = [
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::ECDSA_SECP256R1_SHA256,
    SignatureScheme::ECDSA_SECP384R1_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA256,
    SignatureScheme::RSA_PSS_RSAE_SHA384,
    SignatureScheme::RSA_PSS_RSAE_SHA512,
];

impl Policy {
    pub(crate) fn cipher_suites(self) -> &'static [CipherSuite] {
        match self {
            Self::Fips202205 | Self::Fips202609 => &AES,
            Self::Wpa202304 | Self::Cnsa1202603 => &AES_256,
        }
    }

    pub(crate) fn named_groups(self) -> &'static [NamedGroup] {
        match self {
            Self::Fips202205 => &[NamedGroup::SECP256R1, NamedGroup::SECP384R1],
            Self::Fips202609 => &[NamedGroup::X25519MLKEM768, NamedGroup::SECP256R1, NamedGroup::SECP384R1],
            Self::Wpa202304 | Self::Cnsa1202603 => &[NamedGroup::SECP384R1],
        }
    }

    pub(crate) fn signature_schemes(self) -> &'static [SignatureScheme] {
        match self {
            Self::Fips202205 | Self::Fips202609 => &NIST,
            Self::Wpa202304 => &SHA_384_AND_MORE,
            Self::Cnsa1202603 => &SHA_384,
        }
    }
}
