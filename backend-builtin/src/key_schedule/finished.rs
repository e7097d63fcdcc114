//! The proof that a Finished (RFC 8446 §4.4.4, RFC 5246 §7.4.9) or a PSK binder (RFC 8446 §4.2.11.2) is good.

use crate::{crypto::is_same, error::Fault};

/// Says that the peer saw the same transcript and has the same keys. Only the check of its code makes one.
#[derive(Debug)]
#[must_use]
pub(crate) struct FinishedVerified(());

impl FinishedVerified {
    /// Compares in constant time.
    pub(super) fn check(expected: &[u8], received: &[u8]) -> Result<Self, Fault> {
        if is_same(expected, received) {
            Ok(Self(()))
        } else {
            Err(Fault::Decrypt("a Finished or a binder that does not verify"))
        }
    }
}
