//! The one door to cryptography: aws-lc-rs's key exchange, signatures, AEADs and random bytes, sha2's hashes, and secrets.
//!
//! Each file takes bytes and gives bytes in types that say what they are; nothing here knows a handshake message, a
//! transcript or a label of TLS. What a peer can send is checked here for its length and form before the library
//! sees it, because the library reads more encodings than TLS has.

mod aead;
mod hash;
pub(crate) mod hkdf;
mod key_exchange;
mod random;
mod secret;
mod signature;
mod signing_key;
mod ticket_key;
#[cfg(test)]
mod wycheproof;

pub(crate) use self::{
    aead::record_cipher,
    hash::{Digest, HashAlgorithm, HashContext},
    key_exchange::{KeyShare, SharedSecret, respond},
    random::random,
    secret::{Secret, is_same},
    signature::{Authentication, KeyKind, PeerKey},
    signing_key::SigningKey,
    ticket_key::TicketKey,
};
