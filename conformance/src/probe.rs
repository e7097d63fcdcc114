//! A verifier under the test's hand, and the ends of a connection that ask it.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
    time::SystemTime,
};

use polytls_api::{
    CertificateDer, CertificateError, CertificateVerifier, ClientAuthentication, ConfigOption, ExpectedPeer,
    PresentedChain, ServerName, VerifiedChain, async_trait,
};

use crate::{
    behaviour::Stop,
    pki::Leaf,
    scene::{Ends, Scene},
};

/// A verifier that notes what it is asked, waits while its gate is shut, and gives the answer it was told to.
#[derive(Debug)]
pub(crate) struct Probe {
    answer: Result<(), CertificateError>,
    open: AtomicBool,
    asked: AtomicUsize,
    seen: Mutex<(Vec<CertificateDer<'static>>, Option<ServerName>)>,
    waiting: Mutex<Option<Waker>>,
}

impl Probe {
    pub(crate) fn new(answer: Result<(), CertificateError>, open: bool) -> Arc<Self> {
        Arc::new(Self {
            answer,
            open: AtomicBool::new(open),
            asked: AtomicUsize::new(0),
            seen: Mutex::default(),
            waiting: Mutex::default(),
        })
    }

    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
        if let Some(waker) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Acquire)
    }

    pub(crate) fn seen(&self) -> (Vec<CertificateDer<'static>>, Option<ServerName>) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl CertificateVerifier for Probe {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        _now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        self.asked.fetch_add(1, Ordering::AcqRel);
        let certificates: Vec<_> = std::iter::once(chain.end_entity)
            .chain(chain.intermediates)
            .map(|certificate| certificate.clone().into_owned())
            .collect();
        let name = match *peer {
            ExpectedPeer::Server(name) => Some(name.clone()),
            ExpectedPeer::Client => None,
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = (certificates.clone(), name);
        poll_fn(|cx| {
            if self.open.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
        self.answer.clone().map(|()| VerifiedChain::new(certificates))
    }
}

/// A reason that no library has.
pub(crate) fn refusal() -> CertificateError {
    CertificateError::Other { detail: "not on a Monday".into() }
}

/// A client whose verifier is this one.
pub(crate) fn with_verifier(scene: &Scene, verifier: Arc<dyn CertificateVerifier>) -> Result<Ends, Stop> {
    let connector = scene.connector(&[ConfigOption::Verifier], |client| client.verifier(verifier))?;
    Ok(Ends::new(connector, scene.acceptor(&[], |server| server)?))
}

/// A server that requires a client's certificate, and whose verifier is this one.
pub(crate) fn with_client_verifier(
    scene: &Scene,
    verifier: Arc<dyn CertificateVerifier>,
) -> Result<Ends, Stop> {
    let mode = ClientAuthentication::Required;
    let needs = [ConfigOption::ClientAuthentication(mode), ConfigOption::Verifier];
    let acceptor =
        scene.acceptor(&needs, |server| server.client_authentication(mode).client_verifier(verifier))?;
    let identity = scene.root.issue(Leaf::client());
    let needs = [ConfigOption::ClientIdentity];
    Ok(Ends::new(scene.connector(&needs, |client| client.identity(identity))?, acceptor))
}
