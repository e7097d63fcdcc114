//! Any verifier, with revocation asked of the path that it finds.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;

use super::{RevocationChecker, RevocationMode, RevocationPolicy};
use crate::{
    CertificateError, CertificateVerifier, ConfigError, ExpectedPeer, PresentedChain, SignatureVerifier,
    VerifiedChain,
};

/// A verifier that accepts what `verifier` accepts, unless it was revoked or the policy asks for more than is known.
///
/// With [`RevocationMode::Off`] it is `verifier` itself. Its verdicts change with what is stapled, so that nobody may keep
/// them ([`CertificateVerifier::revision`] is `None`): put a cache beneath it, not above.
///
/// A path that does not reach its root ([`VerifiedChain::reaches_root`]) says nothing of who issued its last certificate,
/// so that nothing can be known of that one: [`RevocationMode::HardFail`] refuses it.
///
/// # Errors
/// [`ConfigError::Certificates`] for a list that cannot be used: malformed, without nextUpdate, a delta.
pub fn with_revocation(
    verifier: Arc<dyn CertificateVerifier>,
    policy: &RevocationPolicy,
    signatures: Arc<dyn SignatureVerifier>,
) -> Result<Arc<dyn CertificateVerifier>, ConfigError> {
    if policy.mode == RevocationMode::Off {
        return Ok(verifier);
    }
    Ok(Arc::new(RevocationChecker::new(policy, signatures)?).over(verifier))
}

impl RevocationChecker {
    /// A verifier that accepts what `verifier` accepts and this checker does not refuse: [`with_revocation`] for those who
    /// keep the checker, to replace its lists.
    pub fn over(self: Arc<Self>, verifier: Arc<dyn CertificateVerifier>) -> Arc<dyn CertificateVerifier> {
        Arc::new(WithRevocation { verifier, checker: self })
    }
}

#[derive(Debug)]
struct WithRevocation {
    verifier: Arc<dyn CertificateVerifier>,
    checker: Arc<RevocationChecker>,
}

#[async_trait]
impl CertificateVerifier for WithRevocation {
    async fn verify(
        &self,
        chain: &PresentedChain<'_>,
        peer: &ExpectedPeer<'_>,
        now: SystemTime,
    ) -> Result<VerifiedChain, CertificateError> {
        let path = self.verifier.verify(chain, peer, now).await?;
        self.checker.check(&path, peer, chain.ocsp_response, now)?;
        Ok(path)
    }
}
