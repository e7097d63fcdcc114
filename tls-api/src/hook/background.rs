//! What a session leaves to be done outside it: storing a session that came after the handshake.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Waker},
};

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How much may wait at once; more is dropped, and the session that it would have stored is not resumed.
const MAX_WAITING: usize = 16;

/// Work of a [`Session`](crate::Session), which may not await, for whoever reads and writes the connection.
///
/// Clones share it. What is not done when the connection goes is dropped.
#[derive(Clone)]
pub struct Background(Option<Arc<Shared>>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Vec<Work>>,
    any: AtomicBool,
}

impl Default for Background {
    fn default() -> Self {
        Self(Some(Arc::default()))
    }
}

impl Background {
    /// For a connection that will have no such work: it costs nothing, and what is added to it is dropped.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Leaves work to be done. It is polled here once, and what is done then costs nothing more.
    pub fn add(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Some(shared) = &self.0 else { return };
        let mut work: Work = Box::pin(work);
        // The driver brings its waker with the next poll of the connection.
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            let mut waiting = shared.waiting();
            if waiting.len() < MAX_WAITING {
                waiting.push(work);
                shared.any.store(true, Ordering::Release);
            }
        }
    }

    /// Does what can be done now.
    pub fn poll(&self, cx: &mut Context<'_>) {
        let Some(shared) = self.0.as_ref().filter(|shared| shared.any.load(Ordering::Acquire)) else {
            return;
        };
        let mut waiting = shared.waiting();
        waiting.retain_mut(|work| work.as_mut().poll(cx).is_pending());
        shared.any.store(!waiting.is_empty(), Ordering::Release);
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Vec<Work>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = self.0.as_ref().map(|shared| &shared.any);
        f.debug_struct("Background").field("any", &any).finish_non_exhaustive()
    }
}
