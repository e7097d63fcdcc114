//! Two verifiers that must agree.

#[cfg(test)]
mod tests;

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::SystemTime,
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{
    CertificateVerifier, ExpectedPeer, PresentedChain, VerifiedChain,
    about::{expected, shortened, subject},
};
use crate::CertificateError;

/// A verifier that accepts what both of these accept, and logs where they differ.
///
/// Two implementations of the same rules rarely have the same bug: what one of them accepts wrongly, the other refuses,
/// and the log says so. Both are asked every time, at the same time. See [`Both`] for what it answers.
///
/// ```
/// use polytls_api::{CertificateVerifier, both};
/// # use std::sync::Arc;
/// # use polytls_api::DangerAcceptAnyCertificate;
/// # let (webpki, openssl) = (Arc::new(DangerAcceptAnyCertificate), Arc::new(DangerAcceptAnyCertificate));
/// // Two backends' verifiers of the same roots: `backend.verifier(&trust)?`.
/// let verifier: Arc<dyn CertificateVerifier> = both(webpki, openssl);
/// # drop(verifier);
/// ```
pub fn both(first: Arc<dyn CertificateVerifier>, second: Arc<dyn CertificateVerifier>) -> Arc<Both> {
    Arc::new(Both { first, second })
}

/// Two verifiers that must agree; made by [`both`].
///
/// | first | second | answer | logged, as `polytls::verifier` |
/// |---|---|---|---|
/// | accepts | accepts | the first's path | |
/// | accepts | refuses | the second's reason | both verdicts, as a warning |
/// | refuses | accepts | the first's reason | both verdicts, as a warning |
/// | refuses | refuses | the first's reason | both reasons where they name other faults, for debugging |
///
/// Its revision is made of both revisions, and changes with either.
#[derive(Debug)]
pub struct Both {
    first: Arc<dyn CertificateVerifier>,
    second: Arc<dyn CertificateVerifier>,
}

#[async_trait]
impl CertificateVerifier for Both {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let verdicts = join(self.first.verify(chain, peer, now), self.second.verify(chain, peer, now)).await;
        match verdicts {
            (Ok(path), Ok(_)) => Ok(path),
            (Err(first), Ok(_)) => {
                warn(chain, peer, &first, &"accepted");
                Err(first)
            }
            (Ok(_), Err(second)) => {
                warn(chain, peer, &"accepted", &second);
                Err(second)
            }
            (Err(first), Err(second)) => {
                if !first.same_fault(&second) {
                    debug(chain, peer, &first, &second);
                }
                Err(first)
            }
        }
    }

    fn revision(&self) -> Option<u64> {
        let (first, second) = (self.first.revision()?, self.second.revision()?);
        let digest = Sha256::new().chain_update(first.to_be_bytes()).chain_update(second.to_be_bytes());
        digest.finalize().first_chunk().copied().map(u64::from_be_bytes)
    }
}

fn warn(
    chain: &PresentedChain<'_>,
    peer: &ExpectedPeer<'_>,
    first: &dyn std::fmt::Display,
    second: &dyn std::fmt::Display,
) {
    tracing::warn!(
        target: "polytls::verifier",
        subject = subject(chain),
        expected = expected(peer),
        first = shortened(first),
        second = shortened(second),
        "two verifiers differ on a certificate; it is refused"
    );
}

fn debug(
    chain: &PresentedChain<'_>,
    peer: &ExpectedPeer<'_>,
    first: &CertificateError,
    second: &CertificateError,
) {
    tracing::debug!(
        target: "polytls::verifier",
        subject = subject(chain),
        expected = expected(peer),
        first = shortened(first),
        second = shortened(second),
        "two verifiers refuse a certificate for different reasons"
    );
}

/// Awaits both at the same time.
async fn join<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> (A, B) {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let (mut a, mut b) = (None, None);
    poll_fn(|cx| {
        if a.is_none()
            && let Poll::Ready(output) = first.as_mut().poll(cx)
        {
            a = Some(output);
        }
        if b.is_none()
            && let Poll::Ready(output) = second.as_mut().poll(cx)
        {
            b = Some(output);
        }
        match (a.take(), b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (first, second) => {
                (a, b) = (first, second);
                Poll::Pending
            }
        }
    })
    .await
}
