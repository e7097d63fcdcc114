//! The client's own certificate: whether it has one that the server can take (RFC 8446 §4.4.2.3, RFC 5246 §7.4.6).

use std::sync::Arc;

use polytls_api::{ProtocolVersion, SignatureScheme};

use crate::{config::PreparedClient, identity::PreparedIdentity};

/// Who signs for the client, and how.
pub(super) struct Signing {
    pub(super) identity: Arc<PreparedIdentity>,
    pub(super) scheme: SignatureScheme,
}

impl Signing {
    /// The configured identity with the first of its schemes that the server takes.
    ///
    /// `None` where there is no such identity. The client then presents no certificate (RFC 8446 §4.4.2, RFC 5246
    /// §7.4.6): whether it is let in without is the server's to say.
    pub(super) fn choose(
        prepared: &PreparedClient,
        accepted: &[SignatureScheme],
        version: ProtocolVersion,
    ) -> Option<Self> {
        let identity = prepared.identity.as_ref()?;
        let kind = identity.key_kind();
        let mut schemes = identity.schemes().iter().copied();
        let scheme = schemes.find(|&scheme| accepted.contains(&scheme) && kind.may_sign(scheme, version))?;
        Some(Self { identity: identity.clone(), scheme })
    }
}
