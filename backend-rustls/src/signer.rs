//! Private keys that are elsewhere: rustls signs through the application's signer, on a signing thread.

use std::sync::Arc;

use polytls_api::{ConfigError, Identity, Signer, sign_on_thread};
use rustls::{Error, SignatureAlgorithm, SignatureScheme, sign};

use crate::call::at_desk;

/// A signer as rustls wants a private key.
#[derive(Debug)]
pub(crate) struct RemoteKey {
    signer: Arc<dyn Signer>,
    schemes: Arc<[SignatureScheme]>,
    algorithm: SignatureAlgorithm,
}

impl RemoteKey {
    /// The key of the identity's signer.
    pub(crate) fn new(signer: &Arc<dyn Signer>) -> Result<Self, ConfigError> {
        let schemes: Arc<[_]> =
            signer.schemes().iter().map(|scheme| SignatureScheme::from(scheme.code())).collect();
        let algorithm = schemes.first().and_then(|scheme| algorithm(*scheme)).ok_or_else(|| {
            let reason = "the signer names no scheme that rustls has; name those of its kind of key";
            ConfigError::PrivateKey { reason: reason.into() }
        })?;
        Ok(Self { signer: signer.clone(), schemes, algorithm })
    }

    /// Whether handshakes with this identity need a signing thread.
    pub(crate) fn is_needed_for(identity: &Identity) -> bool {
        identity.signer().is_some()
    }
}

/// The kind of key that signs so; TLS 1.2 chooses its suites by it.
fn algorithm(scheme: SignatureScheme) -> Option<SignatureAlgorithm> {
    Some(match scheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
        | SignatureScheme::ECDSA_NISTP384_SHA384
        | SignatureScheme::ECDSA_NISTP521_SHA512 => SignatureAlgorithm::ECDSA,
        SignatureScheme::RSA_PKCS1_SHA256
        | SignatureScheme::RSA_PKCS1_SHA384
        | SignatureScheme::RSA_PKCS1_SHA512
        | SignatureScheme::RSA_PSS_SHA256
        | SignatureScheme::RSA_PSS_SHA384
        | SignatureScheme::RSA_PSS_SHA512 => SignatureAlgorithm::RSA,
        SignatureScheme::ED25519 => SignatureAlgorithm::ED25519,
        SignatureScheme::ED448 => SignatureAlgorithm::ED448,
        _ => return None,
    })
}

impl sign::SigningKey for RemoteKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn sign::Signer>> {
        let scheme = *self.schemes.iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(RemoteSigner { signer: self.signer.clone(), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

/// One signature to be made.
#[derive(Debug)]
struct RemoteSigner {
    signer: Arc<dyn Signer>,
    scheme: SignatureScheme,
}

impl sign::Signer for RemoteSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        at_desk(|desk| desk.signed = true);
        let scheme = polytls_api::SignatureScheme::from_code(self.scheme.into());
        sign_on_thread(&self.signer, scheme, message).map_err(|error| {
            at_desk(|desk| desk.hook_failure = Some(error));
            Error::General("the application's signer failed".into())
        })
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
