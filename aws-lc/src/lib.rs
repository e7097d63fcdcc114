//! What polytls's backends over aws-lc-rs share: its AEADs as record ciphers, HMAC for key schedules, and
//! rustls-webpki's certificate validation with its signature algorithms.
//!
//! No handshake is here and no backend: `polytls-rustls` and `polytls-builtin` build on it, and so can others.

mod authority_key;
mod error;
mod hmac;
mod record_cipher;
mod signature;
mod verifier;
mod walks;

pub use self::{
    authority_key::AuthorityKey,
    hmac::{HmacHash, HmacKey},
    record_cipher::AeadCipher,
    signature::Signatures,
    verifier::{SIGNATURE_ALGORITHMS, WebPkiVerifier, pki_name, webpki_verifier},
};
