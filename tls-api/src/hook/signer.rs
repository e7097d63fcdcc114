//! A private key that is elsewhere: in an HSM, a key service, another process.

use std::fmt;

use async_trait::async_trait;

use super::HookError;
use crate::SignatureScheme;

/// Signs with the private key of an [`Identity`](crate::Identity) that does not hold it.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync {
    /// The schemes that the key can sign with, most wanted first: those of one kind of key.
    fn schemes(&self) -> &[SignatureScheme];

    /// The signature over `message` (RFC 8446 §4.4.3, RFC 5246 §7.4.3), encoded as TLS sends it: ECDSA in DER.
    ///
    /// `scheme` is one of [`schemes`](Self::schemes). The message is whole: a signer that wants its hash makes it.
    ///
    /// # Errors
    /// [`HookError`] ends the handshake with `internal_error`.
    async fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, HookError>;
}
