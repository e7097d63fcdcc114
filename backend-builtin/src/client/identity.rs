//! The client's own certificate: whether it has one that the server can use (RFC 8446 §4.4.2.3, RFC 5246 §7.4.6).

use std::sync::Arc;

use polytls_api::{ProtocolVersion, SignatureScheme};

use crate::{config::PreparedClient, error::Fault, identity::PreparedIdentity};

/// Who signs for the client, and how.
pub(super) struct Signing {
    pub(super) identity: Arc<PreparedIdentity>,
    pub(super) scheme: SignatureScheme,
}

impl Signing {
    /// The configured identity with the first of its schemes that the server takes; `None` where none is configured,
    /// and the client says that it has no certificate.
    ///
    /// # Errors
    /// An identity that the server cannot take is not left out in silence: [`Fault::HandshakeFailure`].
    pub(super) fn choose(
        prepared: &PreparedClient,
        accepted: &[SignatureScheme],
        version: ProtocolVersion,
    ) -> Result<Option<Self>, Fault> {
        let Some(identity) = &prepared.identity else { return Ok(None) };
        let kind = identity.key_kind();
        let mut schemes = identity.schemes().iter().copied();
        let scheme = schemes.find(|&scheme| accepted.contains(&scheme) && kind.may_sign(scheme, version));
        let scheme = scheme
            .ok_or(Fault::HandshakeFailure("the server takes no signature scheme of the client's key"))?;
        Ok(Some(Self { identity: identity.clone(), scheme }))
    }
}
