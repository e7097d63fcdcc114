//! The hooks that the tests decide about: verifier, resolver, session store, key log.
//!
//! A configuration outlives one connection, and with it its hooks; what they decide is looked up for each
//! connection in [`Live`]. Where the runner says `-async` each of them suspends before it answers.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use polytls::{
    CertificateError, CertificateResolver, CertificateVerifier, ClientHello, ExpectedPeer, HookError,
    Identity, KeyLog, MemorySessionStore, PresentedChain, SessionKey, SessionStore, StoredSession,
    VerifiedChain, async_trait,
};

use crate::{options::Verdicts, selection::Candidate};

/// Lets the task be polled twice more before it goes on, if hooks are to suspend.
pub(crate) async fn pause(suspends: bool) {
    if suspends {
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
}

/// What the hooks decide in the connection that runs now, and what they have seen of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    verdicts: Verdicts,
    verifications: usize,
    /// The labels and secrets of the key log.
    secrets: Vec<(String, Vec<u8>)>,
}

impl Live {
    /// Begins a connection in which this is decided.
    pub(crate) fn begin(&self, verdicts: &Verdicts) {
        *self.lock() = State { verdicts: verdicts.clone(), ..State::default() };
    }

    /// How often the verifier was asked in this connection.
    pub(crate) fn verifications(&self) -> usize {
        self.lock().verifications
    }

    /// The secret with this label.
    pub(crate) fn secret(&self, label: &str) -> Option<Vec<u8>> {
        let state = self.lock();
        state.secrets.iter().find(|(known, _)| known == label).map(|(_, secret)| secret.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyLog for Live {
    fn log(&self, label: &str, _: &[u8], secret: &[u8]) {
        self.lock().secrets.push((label.into(), secret.into()));
    }
}

/// Trusts any chain, or none: what a chain says is not what the runner's tests are about.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) live: Live,
    pub(crate) suspends: bool,
    /// Without this a refusal has no consequences, as in BoringSSL without `SSL_VERIFY_PEER`.
    pub(crate) refusals_matter: bool,
}

#[async_trait]
impl CertificateVerifier for Verifier {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        _: &ExpectedPeer<'_>,
        _: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        pause(self.suspends).await;
        let refuses = {
            let mut state = self.live.lock();
            state.verifications += 1;
            state.verdicts.refuse_peer
        };
        if refuses && self.refusals_matter {
            return Err(CertificateError::Other { detail: "the test refuses it".into() });
        }
        Ok(VerifiedChain::new(vec![chain.end_entity.clone().into_owned()]))
    }
}

/// Presents the first credential that suits the client.
#[derive(Debug)]
pub(crate) struct Resolver {
    pub(crate) suspends: bool,
    pub(crate) fails: bool,
    pub(crate) candidates: Vec<Candidate>,
}

#[async_trait]
impl CertificateResolver for Resolver {
    async fn resolve(&self, hello: &ClientHello) -> Result<Option<Identity>, HookError> {
        pause(self.suspends).await;
        if self.fails {
            return Err(HookError::new("the test has the resolver fail"));
        }
        let suits = |candidate: &&Candidate| self.candidates.len() == 1 || candidate.suits(hello);
        Ok(self.candidates.iter().find(suits).map(|candidate| candidate.identity.clone()))
    }
}

/// Keeps sessions in memory, and counts those that came.
#[derive(Debug)]
pub(crate) struct Sessions {
    memory: MemorySessionStore,
    came: AtomicUsize,
    suspends: bool,
}

impl Sessions {
    pub(crate) fn new(suspends: bool) -> Self {
        Self { memory: MemorySessionStore::new(64), came: AtomicUsize::new(0), suspends }
    }

    /// How many sessions came so far.
    pub(crate) fn came(&self) -> usize {
        self.came.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn store(&self, key: SessionKey, session: StoredSession) {
        pause(self.suspends).await;
        self.came.fetch_add(1, Ordering::Relaxed);
        self.memory.store(key, session).await;
    }

    async fn take(&self, key: &SessionKey) -> Option<StoredSession> {
        pause(self.suspends).await;
        self.memory.take(key).await
    }
}
