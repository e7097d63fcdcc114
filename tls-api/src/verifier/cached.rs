//! Verdicts that are kept: a chain that was accepted for a peer is not verified again for a while.

mod entries;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use self::entries::{Entries, Entry, Key};
use super::{CertificateVerifier, ExpectedPeer, PresentedChain, VerifiedChain};
use crate::{CertificateError, ConfigError};

/// A verifier that asks this one, and remembers what it accepted: up to this many chains, for an hour.
///
/// Most of what a verification costs are signatures, and a client that connects to few servers verifies the same ones
/// again and again. See [`Cached`] for when a verdict is used again. Nothing is kept unless a verifier is made so.
///
/// The cache goes beneath whatever has to be asked anew each time, above all revocation: a verifier that holds chains
/// against revocation lists has no revision, and cannot be cached.
///
/// ```
/// use polytls_api::{Cached, CertificateVerifier, cached};
/// # use std::{sync::Arc, time::SystemTime};
/// # use polytls_api::{CertificateError, ExpectedPeer, PresentedChain, VerifiedChain, async_trait};
/// # #[derive(Debug)]
/// # struct Inner;
/// # #[async_trait]
/// # impl CertificateVerifier for Inner {
/// #     async fn verify(&self, _: &PresentedChain<'_>, _: &ExpectedPeer<'_>, _: SystemTime)
/// #     -> Result<VerifiedChain, CertificateError> {
/// #         Err(CertificateError::UnknownIssuer)
/// #     }
/// #     fn revision(&self) -> Option<u64> {
/// #         Some(0)
/// #     }
/// # }
/// # let inner = Arc::new(Inner);
/// let cache: Arc<Cached> = cached(inner, Cached::DEFAULT_CAPACITY)?;
/// let verifier: Arc<dyn CertificateVerifier> = cache.clone();
/// println!("{} of {} were known", cache.hits(), cache.hits() + cache.misses());
/// # drop(verifier);
/// # Ok::<(), polytls_api::ConfigError>(())
/// ```
///
/// # Errors
/// [`ConfigError::Invalid`] where the verifier has no [revision](CertificateVerifier::revision), and where the capacity
/// is 0.
pub fn cached(inner: Arc<dyn CertificateVerifier>, capacity: usize) -> Result<Arc<Cached>, ConfigError> {
    Cached::new(inner, capacity).map(Arc::new)
}

/// A verifier that remembers what another accepted; made by [`cached`].
///
/// A verdict is used again for exactly the same question: the same role and name, the same certificates in the same
/// order, the same OCSP response. It is used only
/// - while the inner verifier has the revision under which it was made; with a new one everything is forgotten,
/// - within the validity of every certificate of the path,
/// - no longer than [`with_max_age`](Self::with_max_age) says, and not at a time before the one at which it was made.
///
/// What is not kept: a refusal, a path that does not reach its root, and one with a certificate that cannot be parsed,
/// since nobody knows then until when they hold. Of more than the capacity, and of more bytes than
/// [`with_max_bytes`](Self::with_max_bytes) says, those go that were not used for the longest time.
pub struct Cached {
    inner: Arc<dyn CertificateVerifier>,
    max_age: Duration,
    entries: Mutex<Entries>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Cached {
    /// How many verdicts to keep where nothing speaks for another number.
    pub const DEFAULT_CAPACITY: usize = 1024;

    /// How long a verdict is used unless set.
    const DEFAULT_MAX_AGE: Duration = Duration::from_secs(3600);

    /// How many bytes are kept unless set: 1024 paths of 16 KiB.
    const DEFAULT_MAX_BYTES: usize = 16 << 20;

    /// What [`cached`] makes, to be configured.
    ///
    /// # Errors
    /// As [`cached`].
    pub fn new(inner: Arc<dyn CertificateVerifier>, capacity: usize) -> Result<Self, ConfigError> {
        let invalid = |reason: &str| ConfigError::Invalid { option: "cached", reason: reason.into() };
        if capacity == 0 {
            return Err(invalid("a cache for no verdict is none; give a capacity, or leave the cache out"));
        }
        if inner.revision().is_none() {
            return Err(invalid(
                "the verifier has no revision, so nobody knows how long its verdicts hold; put the cache beneath with_revocation and what else has none, or implement CertificateVerifier::revision",
            ));
        }
        Ok(Self {
            inner,
            max_age: Self::DEFAULT_MAX_AGE,
            entries: Mutex::new(Entries::new(capacity, Self::DEFAULT_MAX_BYTES)),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        })
    }

    /// Uses a verdict for this long at most. Default: one hour.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Keeps this many bytes of paths at most. Default: 16 MiB. A path that is longer alone is not kept.
    #[must_use]
    pub fn with_max_bytes(self, max_bytes: usize) -> Self {
        self.with_entries(|entries| entries.max_bytes = max_bytes);
        self
    }

    /// How often a verdict was used again.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// How often the inner verifier was asked.
    pub fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    /// Nothing is awaited, and nobody else called, while the lock is held. What another thread left there when it panicked
    /// is whole: an entry is put in as the last step.
    fn with_entries<T>(&self, run: impl FnOnce(&mut Entries) -> T) -> T {
        run(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl CertificateVerifier for Cached {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let key = Key::of(chain, peer);
        let revision = self.inner.revision();
        if let Some(revision) = revision
            && let Some(known) = self.with_entries(|entries| entries.find(&key, revision, now))
        {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(known.as_ref().clone());
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let verified = self.inner.verify(chain, peer, now).await?;
        // Which of two revisions gave the verdict, where they changed meanwhile, nobody knows.
        if let Some(revision) = revision
            && self.inner.revision() == Some(revision)
            && let Some(entry) = Entry::new(&verified, now, self.max_age)
        {
            self.with_entries(|entries| entries.keep(key, revision, entry));
        }
        Ok(verified)
    }

    fn revision(&self) -> Option<u64> {
        self.inner.revision()
    }
}

impl fmt::Debug for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("inner", &self.inner)
            .field("max_age", &self.max_age)
            .field("hits", &self.hits())
            .field("misses", &self.misses())
            .finish_non_exhaustive()
    }
}
