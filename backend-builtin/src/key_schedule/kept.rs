//! Secrets of an established connection, in as many bytes as they have: many connections are kept for long.

use std::{fmt, marker::PhantomData};

use zeroize::Zeroizing;

use crate::crypto::{HashAlgorithm, Secret};

/// A secret of a schedule that goes on with one hash.
pub(crate) trait OfSchedule {
    /// The same secret again.
    fn restored(hash: HashAlgorithm, secret: Secret) -> Self;

    fn secret(&self) -> &Secret;
}

/// A secret `S` of `LEN` bytes, without the name of its hash. Zeroized when it goes.
pub(crate) struct Kept<S, const LEN: usize> {
    bytes: Zeroizing<[u8; LEN]>,
    of: PhantomData<fn() -> S>,
}

impl<S: OfSchedule, const LEN: usize> Kept<S, LEN> {
    /// Keeps a secret, which is of this length: the hash that it goes with says so.
    pub(crate) fn new(secret: &S) -> Self {
        let secret = secret.secret().as_bytes();
        debug_assert_eq!(secret.len(), LEN);
        let mut bytes = Zeroizing::new([0; LEN]);
        bytes.iter_mut().zip(secret).for_each(|(kept, byte)| *kept = *byte);
        Self { bytes, of: PhantomData }
    }

    /// The secret, to be used with its hash.
    pub(crate) fn secret(&self, hash: HashAlgorithm) -> S {
        S::restored(hash, Secret::of(&self.bytes))
    }
}

impl<S, const LEN: usize> fmt::Debug for Kept<S, LEN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}
