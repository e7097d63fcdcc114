//! A verifier that only tells what another one would have refused.

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::SystemTime};

use async_trait::async_trait;

use super::{
    CertificateVerifier, ExpectedPeer, PresentedChain, VerifiedChain,
    about::{expected, shortened, subject},
};
use crate::CertificateError;

/// A verifier that accepts whatever this one says, and logs what it refuses.
///
/// For trying stricter rules on live traffic before they bind: put it around them, beside what decides. Alone it lets
/// anybody be at the connection's other end.
///
/// ```
/// use polytls_api::{both, danger_report_only};
/// # use std::sync::Arc;
/// # use polytls_api::{CertificateVerifier, DangerAcceptAnyCertificate};
/// # let (decides, stricter) = (Arc::new(DangerAcceptAnyCertificate), Arc::new(DangerAcceptAnyCertificate));
/// let verifier: Arc<dyn CertificateVerifier> = both(decides, danger_report_only(stricter));
/// # drop(verifier);
/// ```
///
/// [`DangerReportOnly::on_refusal`] hands the reasons to the program too.
pub fn danger_report_only(inner: Arc<dyn CertificateVerifier>) -> Arc<DangerReportOnly> {
    Arc::new(DangerReportOnly::new(inner))
}

/// Who is told of a refusal: why, what was presented, and for whom.
type OnRefusal = dyn Fn(&CertificateError, &PresentedChain<'_>, &ExpectedPeer<'_>) + Send + Sync;

/// A verifier that accepts everything; made by [`danger_report_only`].
///
/// What the inner verifier accepts has the inner verifier's path. What it refuses is logged as a warning, as
/// `polytls::verifier`, and has the end entity alone for a path, which reaches no root. It has no revision: its verdicts
/// are not worth keeping.
pub struct DangerReportOnly {
    inner: Arc<dyn CertificateVerifier>,
    on_refusal: Option<Box<OnRefusal>>,
}

impl DangerReportOnly {
    /// What [`danger_report_only`] makes, to be configured.
    pub fn new(inner: Arc<dyn CertificateVerifier>) -> Self {
        Self { inner, on_refusal: None }
    }

    /// Calls this for every refusal, in the middle of the handshake: it must not block.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use polytls_api::{DangerAcceptAnyCertificate, DangerReportOnly};
    /// # let inner = Arc::new(DangerAcceptAnyCertificate);
    /// let verifier = DangerReportOnly::new(inner)
    ///     .on_refusal(|reason, _chain, _peer| println!("would have been refused: {reason}"));
    /// # drop(verifier);
    /// ```
    #[must_use]
    pub fn on_refusal(
        mut self,
        call: impl Fn(&CertificateError, &PresentedChain<'_>, &ExpectedPeer<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.on_refusal = Some(Box::new(call));
        self
    }
}

#[async_trait]
impl CertificateVerifier for DangerReportOnly {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let refusal = match self.inner.verify(chain, peer, now).await {
            Ok(verified) => return Ok(verified),
            Err(refusal) => refusal,
        };
        tracing::warn!(
            target: "polytls::verifier",
            subject = subject(chain),
            expected = expected(peer),
            reason = shortened(&refusal),
            "a certificate is accepted that was refused: its verifier only reports"
        );
        if let Some(call) = &self.on_refusal {
            call(&refusal, chain, peer);
        }
        Ok(VerifiedChain::partial(vec![chain.end_entity.clone().into_owned()]))
    }
}

impl fmt::Debug for DangerReportOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DangerReportOnly").field("inner", &self.inner).finish_non_exhaustive()
    }
}
