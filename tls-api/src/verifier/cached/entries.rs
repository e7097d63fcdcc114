//! What is kept: a bounded map from questions to verdicts, of which the least recently used go first.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use lru::LruCache;
use sha2::{Digest, Sha256};

use super::super::{ExpectedPeer, PresentedChain, VerifiedChain};
use crate::{ServerName, x509::Certificate};

/// What an entry costs beside the certificates, about: its place in the map, and the vectors.
const OVERHEAD: usize = 512;

/// A digest of the whole question. Every part is told apart by its tag and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn of(chain: &PresentedChain<'_>, peer: &ExpectedPeer<'_>) -> Self {
        let mut digest = Sha256::new();
        let mut part = |tag: u8, bytes: &[u8]| {
            digest.update([tag]);
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(bytes);
        };
        match peer {
            ExpectedPeer::Client => part(0, &[]),
            ExpectedPeer::Server(ServerName::Dns(name)) => part(1, name.as_bytes()),
            ExpectedPeer::Server(ServerName::Ip(ip)) => part(2, ip.to_string().as_bytes()),
        }
        part(3, chain.end_entity);
        chain.intermediates.iter().for_each(|certificate| part(4, certificate));
        if let Some(response) = chain.ocsp_response {
            part(5, response);
        }
        Self(digest.finalize().into())
    }
}

/// An accepted chain, and from when to when it may be used again.
pub(super) struct Entry {
    verified: Arc<VerifiedChain>,
    not_before: SystemTime,
    not_after: SystemTime,
    bytes: usize,
}

impl Entry {
    /// `None` for a chain of which nobody knows until when it holds.
    pub(super) fn new(verified: &VerifiedChain, now: SystemTime, max_age: Duration) -> Option<Self> {
        if !verified.reaches_root() {
            return None;
        }
        let mut not_after = now.checked_add(max_age)?;
        let mut bytes = OVERHEAD;
        for certificate in verified.path() {
            let validity = Certificate::parse(certificate).ok()?.validity;
            // A verifier may have its own idea of a root's validity: what is over, or still to come, is not kept.
            if now < validity.not_before {
                return None;
            }
            not_after = not_after.min(validity.not_after);
            bytes += certificate.len();
        }
        (now <= not_after).then(|| Self {
            verified: Arc::new(verified.clone()),
            not_before: now,
            not_after,
            bytes,
        })
    }
}

pub(super) struct Entries {
    /// The revision under which all that is kept was accepted.
    revision: Option<u64>,
    capacity: usize,
    pub(super) max_bytes: usize,
    bytes: usize,
    kept: LruCache<Key, Entry>,
}

impl Entries {
    /// Without room set aside: a capacity may be meant as "no bound but the bytes".
    pub(super) fn new(capacity: usize, max_bytes: usize) -> Self {
        Self { revision: None, capacity, max_bytes, bytes: 0, kept: LruCache::unbounded() }
    }

    /// The verdict on this question, where it still holds.
    pub(super) fn find(&mut self, key: &Key, revision: u64, now: SystemTime) -> Option<Arc<VerifiedChain>> {
        self.move_to(revision);
        let entry = self.kept.get(key)?;
        (entry.not_before <= now && now <= entry.not_after).then(|| entry.verified.clone())
    }

    /// Keeps this verdict, the newest of all, and forgets as many as are then too many.
    pub(super) fn keep(&mut self, key: Key, revision: u64, entry: Entry) {
        self.move_to(revision);
        self.bytes += entry.bytes;
        let replaced = self.kept.put(key, entry).map_or(0, |replaced| replaced.bytes);
        self.bytes -= replaced;
        while self.kept.len() > self.capacity || self.bytes > self.max_bytes {
            let Some((_, oldest)) = self.kept.pop_lru() else { break };
            self.bytes -= oldest.bytes;
        }
    }

    fn move_to(&mut self, revision: u64) {
        if self.revision != Some(revision) {
            self.kept.clear();
            self.bytes = 0;
            self.revision = Some(revision);
        }
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.kept.len(), self.bytes)
    }
}
