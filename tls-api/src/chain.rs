//! Chains of certificates that are held once, however many hold them.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    ops::Deref,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use rustls_pki_types::CertificateDer;

/// Certificates in DER, the end entity's first. It is a slice of them, and cheap to clone: clones share it.
#[derive(Clone, Default, Eq)]
pub struct CertificateChain {
    held: Option<Arc<Certificates>>,
    /// How many of them are the chain's, from the front.
    count: u32,
}

/// Never empty. Behind a pointer of one word, as a connection holds several for as long as it lasts.
type Certificates = Vec<CertificateDer<'static>>;

impl CertificateChain {
    fn all_of(held: Arc<Certificates>) -> Self {
        Self { count: u32::try_from(held.len()).unwrap_or(u32::MAX), held: Some(held) }
    }

    /// The same chain, held where `whole` is if that begins with it, as a certification path does with what the peer
    /// presented: a connection then holds these certificates once.
    #[must_use]
    pub fn held_with(self, whole: &Self) -> Self {
        if self.is_empty() || !whole.starts_with(&self) {
            return self;
        }
        Self { held: whole.held.clone(), count: self.count }
    }
}

impl Deref for CertificateChain {
    type Target = [CertificateDer<'static>];

    fn deref(&self) -> &Self::Target {
        let held = self.held.as_ref().map_or(&[][..], |certificates| certificates.as_slice());
        held.get(..self.count as usize).unwrap_or(held)
    }
}

impl AsRef<[CertificateDer<'static>]> for CertificateChain {
    fn as_ref(&self) -> &[CertificateDer<'static>] {
        self
    }
}

impl From<Vec<CertificateDer<'static>>> for CertificateChain {
    fn from(mut certificates: Vec<CertificateDer<'static>>) -> Self {
        certificates.shrink_to_fit();
        if certificates.is_empty() { Self::default() } else { Self::all_of(Arc::new(certificates)) }
    }
}

impl FromIterator<CertificateDer<'static>> for CertificateChain {
    fn from_iter<I: IntoIterator<Item = CertificateDer<'static>>>(certificates: I) -> Self {
        Self::from(Vec::from_iter(certificates))
    }
}

impl<'a> IntoIterator for &'a CertificateChain {
    type Item = &'a CertificateDer<'static>;
    type IntoIter = std::slice::Iter<'a, CertificateDer<'static>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: AsRef<[CertificateDer<'static>]> + ?Sized> PartialEq<T> for CertificateChain {
    fn eq(&self, other: &T) -> bool {
        self[..] == *other.as_ref()
    }
}

impl fmt::Debug for CertificateChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self[..].fmt(f)
    }
}

/// How many chains are held before those that nobody holds any more are looked for.
const LEAST_LOOKED_THROUGH: usize = 16;

/// For backends: the chains that live connections were shown, so that those of one peer hold them once.
///
/// It keeps none alive. What it costs is bounded by twice as many chains as were ever held at once.
#[derive(Default)]
pub struct SharedChains {
    random: RandomState,
    chains: Mutex<HashMap<u64, Weak<Certificates>>>,
}

impl SharedChains {
    /// Nothing, so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// The chain that these certificates make, and that somebody may hold already.
    pub fn of<'a>(&self, certificates: impl ExactSizeIterator<Item = &'a [u8]> + Clone) -> CertificateChain {
        let owned = || certificates.clone().map(|der| CertificateDer::from(der.to_vec())).collect();
        self.find_or(certificates.clone(), owned)
    }

    /// The same chain, as somebody may hold it already.
    pub fn share(&self, chain: CertificateChain) -> CertificateChain {
        self.find_or(chain.iter().map(AsRef::as_ref), || chain.clone())
    }

    fn find_or<'a>(
        &self,
        certificates: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
        make: impl FnOnce() -> CertificateChain,
    ) -> CertificateChain {
        if certificates.len() == 0 {
            return CertificateChain::default();
        }
        let key = self.key(certificates.clone());
        let mut chains = self.chains.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = chains.get(&key).and_then(Weak::upgrade)
            && held.iter().map(AsRef::as_ref).eq(certificates)
        {
            return CertificateChain::all_of(held);
        }
        let chain = make();
        if chains.len() >= LEAST_LOOKED_THROUGH && chains.len() == chains.capacity() {
            chains.retain(|_, chain| chain.strong_count() > 0);
        }
        // One that is the front of another is held with that, which has a key of its own.
        if let Some(certificates) = chain.held.as_ref().filter(|held| held.len() == chain.len()) {
            chains.insert(key, Arc::downgrade(certificates));
        }
        chain
    }

    /// Of the length of each, and of its end: that is a signature, which no two certificates share by chance. Who makes
    /// two of one key on purpose has two chains of his take turns here.
    fn key<'a>(&self, certificates: impl Iterator<Item = &'a [u8]>) -> u64 {
        let mut hasher = self.random.build_hasher();
        for der in certificates {
            hasher.write_usize(der.len());
            hasher.write(der.last_chunk::<32>().map_or(der, |end| end));
        }
        hasher.finish()
    }
}

impl fmt::Debug for SharedChains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedChains")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(content: &[u8]) -> CertificateDer<'static> {
        content.to_vec().into()
    }

    fn is_one(one: &CertificateChain, other: &CertificateChain) -> bool {
        Arc::ptr_eq(one.held.as_ref().unwrap(), other.held.as_ref().unwrap())
    }

    #[test]
    fn who_is_shown_the_same_certificates_holds_them_once() {
        let shared = SharedChains::new();
        let first = shared.of([&b"one"[..], b"two"].into_iter());
        assert_eq!(first, [certificate(b"one"), certificate(b"two")]);
        assert!(is_one(&first, &shared.of([&b"one"[..], b"two"].into_iter())));
        assert!(is_one(&first, &shared.share(vec![certificate(b"one"), certificate(b"two")].into())));
        assert!(!is_one(&first, &shared.of([&b"one"[..]].into_iter())));
    }

    #[test]
    fn certificates_of_one_key_are_not_taken_for_one_another() {
        let shared = SharedChains::new();
        let der = |byte| [&[byte], &[0; 32][..]].concat();
        let (one, other) = (shared.of([&der(1)[..]].into_iter()), shared.of([&der(2)[..]].into_iter()));
        assert_eq!(one, [certificate(&der(1))]);
        assert_eq!(other, [certificate(&der(2))]);
    }

    #[test]
    fn a_chain_that_nobody_holds_is_gone() {
        let shared = SharedChains::new();
        let held = shared.of([&b"held"[..]].into_iter());
        let gone = Arc::downgrade(shared.of([&b"gone"[..]].into_iter()).held.as_ref().unwrap());
        assert!(gone.upgrade().is_none());
        for content in 0..10_000_u32 {
            let _ = shared.of([&content.to_be_bytes()[..]].into_iter());
        }
        let chains = shared.chains.lock().unwrap();
        assert!(chains.len() < 4 * LEAST_LOOKED_THROUGH, "{} are left", chains.len());
        drop(chains);
        assert!(is_one(&held, &shared.of([&b"held"[..]].into_iter())));
    }

    #[test]
    fn what_begins_a_path_is_held_with_it() {
        let chain = |names: &[&str]| -> CertificateChain {
            names.iter().map(|name| certificate(name.as_bytes())).collect()
        };
        let path = chain(&["server", "authority", "root"]);
        for presented in [&["server"][..], &["server", "authority"], &["server", "authority", "root"]] {
            let held = chain(presented).held_with(&path);
            assert_eq!(held, chain(presented));
            assert!(is_one(&held, &path));
            assert!(is_one(&held.clone().held_with(&held), &path));
        }
        for other in [&["authority"][..], &["server", "root"], &["server", "authority", "root", "more"]] {
            let held = chain(other).held_with(&path);
            assert_eq!(held, chain(other));
            assert!(!is_one(&held, &path));
        }
        assert_eq!(CertificateChain::default().held_with(&path), CertificateChain::default());
        let shared = SharedChains::new();
        let front = shared.share(chain(&["server"]).held_with(&path));
        assert!(shared.chains.lock().unwrap().is_empty(), "as what it is not, it would be found again");
        assert!(is_one(&front, &path));
    }

    #[test]
    fn no_certificates_cost_nothing() {
        let shared = SharedChains::new();
        assert_eq!(shared.of(std::iter::empty()), CertificateChain::default());
        assert!(shared.chains.lock().unwrap().is_empty());
    }
}
