//! An identity: a certificate chain and the private key of its first certificate.

use std::{fmt, path::Path, sync::Arc};

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use crate::{
    ConfigError, Signer,
    trust::{certificates_from_pem, in_file, read},
};

/// A chain, the end entity's certificate first, and its private key.
///
/// Cheap to clone. The key is zeroized when the last clone goes. It may be elsewhere, in the hands of a [`Signer`].
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    chain: Vec<CertificateDer<'static>>,
    key: IdentityKey,
    ocsp_response: Option<Vec<u8>>,
}

/// Where the private key of an [`Identity`] is.
#[allow(clippy::exhaustive_enums, reason = "a key is here or elsewhere, and a backend must know which")]
pub enum IdentityKey {
    /// Here.
    Der(PrivateKeyDer<'static>),
    /// In the hands of this signer.
    Signer(Arc<dyn Signer>),
}

impl Clone for IdentityKey {
    fn clone(&self) -> Self {
        match self {
            Self::Der(key) => Self::Der(key.clone_key()),
            Self::Signer(signer) => Self::Signer(signer.clone()),
        }
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Der(_) => f.write_str("Der"),
            Self::Signer(signer) => f.debug_tuple("Signer").field(signer).finish(),
        }
    }
}

impl Identity {
    /// From DER: the chain, and the key as PKCS#8, PKCS#1 (RSA) or SEC1 (EC).
    ///
    /// # Errors
    /// [`ConfigError::Certificates`] for an empty chain or what is not DER, [`ConfigError::PrivateKey`] for a key in
    /// none of the three forms. That the key belongs to the certificate is checked by the backend.
    pub fn from_der(
        chain: impl IntoIterator<Item = CertificateDer<'static>>,
        key: impl Into<Vec<u8>>,
    ) -> Result<Self, ConfigError> {
        let mut key: Vec<u8> = key.into();
        let parsed = PrivateKeyDer::try_from(key.as_slice()).map(|key| key.clone_key());
        zeroize::Zeroize::zeroize(&mut key);
        match parsed {
            Ok(key) => Self::new(chain.into_iter().collect(), key),
            Err(_) => {
                let reason = "not a PKCS#8, PKCS#1 or SEC1 key in DER; for PEM use `from_pem`".into();
                Err(ConfigError::PrivateKey { reason })
            }
        }
    }

    /// From PEM: the chain, and the key as `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`.
    ///
    /// Both may be the same text; what is not asked for is passed over.
    ///
    /// # Errors
    /// [`ConfigError::Certificates`] and [`ConfigError::PrivateKey`] when nothing fitting is found.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        let chain = certificates_from_pem(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
            let reason = match error {
                rustls_pki_types::pem::Error::NoItemsFound => {
                    let encrypted = key.windows(21).any(|window| window == b"ENCRYPTED PRIVATE KEY");
                    if encrypted {
                        "it is encrypted; decrypt it first (`openssl pkey -in KEY -out PLAIN`)".into()
                    } else {
                        "no `PRIVATE KEY` section found; give a PEM text that holds one".into()
                    }
                }
                error => format!("malformed PEM: {error}"),
            };
            ConfigError::PrivateKey { reason }
        })?;
        Self::new(chain, key)
    }

    /// From PEM files, as [`Identity::from_pem`].
    ///
    /// # Errors
    /// [`ConfigError::File`] when one cannot be read, else as [`Identity::from_pem`], with the file's name.
    pub fn from_pem_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let (chain, key) = (chain.as_ref(), key.as_ref());
        let chain_pem = read(chain)?;
        let mut key_pem = read(key)?;
        let identity = Self::from_pem(&chain_pem, &key_pem).map_err(|error| match error {
            ConfigError::PrivateKey { .. } => in_file(error, key),
            error => in_file(error, chain),
        });
        zeroize::Zeroize::zeroize(&mut key_pem);
        identity
    }

    /// With the key in the hands of a signer, for a chain in DER.
    ///
    /// # Errors
    /// [`ConfigError::Certificates`] for an empty chain or what is not DER. That the signer's key is the
    /// certificate's shows in the first handshake.
    pub fn from_signer(
        chain: impl IntoIterator<Item = CertificateDer<'static>>,
        signer: Arc<dyn Signer>,
    ) -> Result<Self, ConfigError> {
        Self::with_key(chain.into_iter().collect(), IdentityKey::Signer(signer))
    }

    /// The same identity with an OCSP response (RFC 6960, in DER) that says that the certificate is good.
    ///
    /// A server presents it to clients that ask for one (RFC 6066 §8). Nothing looks into it on the way.
    #[must_use]
    pub fn with_ocsp_response(self, response: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new(Inner { ocsp_response: Some(response.into()), ..(*self.0).clone() }))
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, ConfigError> {
        Self::with_key(chain, IdentityKey::Der(key))
    }

    fn with_key(chain: Vec<CertificateDer<'static>>, key: IdentityKey) -> Result<Self, ConfigError> {
        if chain.is_empty() {
            return Err(ConfigError::Certificates { reason: "the chain is empty".into() });
        }
        // Every certificate is a DER SEQUENCE; the common mistake is PEM given as DER.
        if chain.iter().any(|certificate| certificate.first() != Some(&0x30)) {
            let reason = "not a certificate in DER; for PEM use `from_pem`".into();
            return Err(ConfigError::Certificates { reason });
        }
        Ok(Self(Arc::new(Inner { chain, key, ocsp_response: None })))
    }

    /// The chain, the end entity's certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.chain
    }

    /// The private key, or who has it.
    pub fn key(&self) -> &IdentityKey {
        &self.0.key
    }

    /// The private key, where it is here.
    pub fn private_key(&self) -> Option<&PrivateKeyDer<'static>> {
        match &self.0.key {
            IdentityKey::Der(key) => Some(key),
            IdentityKey::Signer(_) => None,
        }
    }

    /// Who signs, where the private key is elsewhere.
    pub fn signer(&self) -> Option<&Arc<dyn Signer>> {
        match &self.0.key {
            IdentityKey::Der(_) => None,
            IdentityKey::Signer(signer) => Some(signer),
        }
    }

    /// The OCSP response that a server presents, in DER.
    pub fn ocsp_response(&self) -> Option<&[u8]> {
        self.0.ocsp_response.as_deref()
    }

    /// Whether the two are clones of one another: for backends, that prepare each once.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.0.chain.len()).finish_non_exhaustive()
    }
}
