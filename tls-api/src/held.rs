//! Verification inside a library that cannot suspend.
//!
//! The verifier runs once in place. If its answer is not there at once, the library accepts for the
//! moment, and the handshake holds back every byte it would send until the answer has come.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use rustls_pki_types::CertificateDer;

use crate::{
    CertificateError, CertificateVerifier, ExpectedPeer, PresentedChain, ServerName, VerifiedChain,
    hook::{await_in_task, is_signing_thread},
};

/// One question to a verifier, owning what it asks about.
pub struct VerifyRequest {
    /// Who answers.
    pub verifier: Arc<dyn CertificateVerifier>,
    /// What the peer presented, its own certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The server's name; `None` asks about a client.
    pub server_name: Option<ServerName>,
    /// The OCSP response that came with the chain.
    pub ocsp_response: Option<Vec<u8>>,
}

/// The answer to a [`VerifyRequest`], there already or still to come.
pub struct HeldVerdict {
    state: State,
    started: Instant,
    took: Option<Duration>,
}

enum State {
    Known(Result<VerifiedChain, CertificateError>),
    Pending(Pin<Box<dyn Future<Output = Result<VerifiedChain, CertificateError>> + Send>>),
}

impl VerifyRequest {
    /// Asks, and polls the answer once. On a thread of [`SigningThreads`](crate::SigningThreads) it waits for the
    /// answer instead, which the task awaits: there is no runtime for the verifier here, and nobody is held up.
    pub fn ask(self) -> HeldVerdict {
        let started = Instant::now();
        if is_signing_thread() {
            let answer = await_in_task(self.verify())
                .unwrap_or_else(|given_up| Err(CertificateError::Other { detail: given_up.to_string() }));
            return HeldVerdict { state: State::Known(answer), started, took: Some(started.elapsed()) };
        }
        let mut future = Box::pin(self.verify());
        // The first poll only asks whether the answer is there; whoever awaits later brings a waker.
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => {
                HeldVerdict { state: State::Known(answer), started, took: Some(started.elapsed()) }
            }
            Poll::Pending => HeldVerdict { state: State::Pending(future), started, took: None },
        }
    }

    async fn verify(self) -> Result<VerifiedChain, CertificateError> {
        let (end_entity, intermediates) = self.chain.split_first().ok_or(CertificateError::Missing)?;
        let peer = match &self.server_name {
            Some(name) => ExpectedPeer::Server(name),
            None => ExpectedPeer::Client,
        };
        let ocsp_response = self.ocsp_response.as_deref();
        let chain = PresentedChain { end_entity, intermediates, ocsp_response };
        self.verifier.verify(&chain, &peer, SystemTime::now()).await
    }
}

impl HeldVerdict {
    /// The reason for refusal, if there is one already. `None` means accepted, or accepted for the moment.
    pub fn refusal(&self) -> Option<&CertificateError> {
        match &self.state {
            State::Known(Err(reason)) => Some(reason),
            State::Known(Ok(_)) | State::Pending(_) => None,
        }
    }

    /// Whether the answer is still to come, so that bytes must be held back.
    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Pending(_))
    }

    /// Awaits the answer, and says how long it took in all.
    ///
    /// # Errors
    /// The verifier's reason for refusal.
    pub async fn settle(self) -> Result<(VerifiedChain, Duration), CertificateError> {
        let chain = match self.state {
            State::Known(answer) => answer?,
            State::Pending(future) => future.await?,
        };
        Ok((chain, self.took.unwrap_or_else(|| self.started.elapsed())))
    }
}

impl fmt::Debug for HeldVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeldVerdict").field("pending", &self.is_pending()).finish_non_exhaustive()
    }
}

impl fmt::Debug for VerifyRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyRequest")
            .field("verifier", &self.verifier)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}
