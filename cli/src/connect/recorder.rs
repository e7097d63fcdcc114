//! A verifier that remembers what it was asked about: the chain of a server that is refused is shown all the same.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use polytls::{
    CertificateDer, CertificateError, CertificateVerifier, ExpectedPeer, PresentedChain, VerifiedChain,
    async_trait,
};

/// Another verifier's verdict, and the chain that it was about.
#[derive(Debug)]
pub(super) struct Recorder {
    verifier: Arc<dyn CertificateVerifier>,
    presented: Mutex<Vec<CertificateDer<'static>>>,
}

impl Recorder {
    pub(super) fn new(verifier: Arc<dyn CertificateVerifier>) -> Self {
        Self { verifier, presented: Mutex::default() }
    }

    /// The chain that the last handshake brought; empty if there was none since it was last taken.
    pub(super) fn take(&self) -> Vec<CertificateDer<'static>> {
        std::mem::take(&mut *self.presented.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl CertificateVerifier for Recorder {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let all = std::iter::once(chain.end_entity).chain(chain.intermediates);
        let all = all.map(|certificate| certificate.clone().into_owned()).collect();
        *self.presented.lock().unwrap_or_else(PoisonError::into_inner) = all;
        self.verifier.verify(chain, peer, now).await
    }
}
