//! Bytes to the structures of the RFCs, and back: no key, no state, no I/O.
//!
//! `codec` is the presentation language (RFC 8446 §3); `handshake` has one message per file, `extension` one
//! extension per file and the table of RFC 8446 §4.2. What is parsed borrows from the message. Whatever the bytes,
//! parsing ends in a value or a [`Fault`](crate::error::Fault) with the alert that the peer is owed.

pub(crate) mod codec;
pub(crate) mod extension;
pub(crate) mod grease;
pub(crate) mod handshake;
pub(crate) mod signaling;
#[cfg(test)]
mod tests;
