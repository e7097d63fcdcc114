//! An identity: a certificate chain and the private key of its first certificate, and the loaders of both.
//!
//! A loader finds out what it was given ([`content`], [`pem`]), takes the key out of its wrapping ([`key`],
//! [`encryption`], [`pkcs12`]), holds it against the certificates and puts those in order ([`chain`]). No
//! cryptographic library is here, so a key that does not tell its public part is left to the backend to check.

mod asn1;
pub(crate) mod certificate;
mod chain;
pub(crate) mod content;
#[cfg(feature = "encrypted-keys")]
mod encryption;
#[cfg(feature = "encrypted-keys")]
mod hash;
mod key;
pub(crate) mod pem;
#[cfg(feature = "encrypted-keys")]
mod pkcs12;
#[cfg(test)]
mod tests;

use std::{fmt, path::Path, sync::Arc};

use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use self::{
    content::{Content, PKCS12_IN_BER},
    key::PublicPart,
};
use crate::{
    CertificateChain, ConfigError, Signer,
    trust::{in_file, read},
};

/// A chain, the end entity's certificate first, and its private key.
///
/// Cheap to clone. The key is zeroized when the last clone goes. It may be elsewhere, in the hands of a [`Signer`].
///
/// # Loading
/// | what there is | loader |
/// |---|---|
/// | two PEM files, or one with both | [`from_pem_files`](Self::from_pem_files), [`from_file`](Self::from_file) |
/// | the same in memory | [`from_pem`](Self::from_pem) |
/// | DER in memory | [`from_der`](Self::from_der) |
/// | a key encrypted as PKCS#8 | the same, `…_with_password` |
/// | a PKCS#12 file (`.p12`, `.pfx`) | `from_pkcs12_file`, [`from_file`](Self::from_file), `from_pkcs12` |
/// | what one file held, or two, in any of these forms | [`from_content`](Self::from_content), [`from_contents`](Self::from_contents) |
/// | a key elsewhere (a token, a service) | [`from_signer`](Self::from_signer) |
///
/// What takes a password needs the feature `encrypted-keys`. A password for a key that is not encrypted is not an
/// error, but a warning in the log. Passwords and decrypted keys are zeroized, save the caller's own copy.
///
/// All loaders treat a chain alike:
/// - The certificates may come in any order, and are put into that of RFC 8446 §4.4.2: the end entity's first, then
///   its issuer's, and so on. The end entity's is the one with the key's public part; where the key does not tell
///   it, the one that issued none of the others. Of several for one key it is one that is valid now, and of those
///   the one that expires last: a renewal may stand beside what it renews. A certificate that occurs twice is taken
///   once.
/// - A self-signed root is kept where it is given. It may be left out, and better is, unless peers look for it in
///   the chain (RFC 7671 §5.2.2).
/// - A certificate that is not part of the chain is kept at its end, with a warning in the log: peers pass it over.
///   More than 100 certificates are an error.
/// - Where the key tells its public part (RSA always, others mostly) a key of another certificate is
///   [`ConfigError::KeyMismatch`] at once. Where it does not (a bare EC scalar, an Ed25519 seed),
///   `TlsAcceptor::new` and `TlsConnector::new` find it.
/// - An end entity's certificate that has expired, or is not valid yet, is a warning in the log with its dates.
///
/// ```no_run
/// # fn main() -> Result<(), polytls_api::ConfigError> {
/// use polytls_api::Identity;
///
/// let plain = Identity::from_pem_files("chain.pem", "key.pem")?;
/// let password = std::env::var("KEY_PASSWORD").ok();
/// let any = Identity::from_file("identity.p12", password.as_deref())?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    chain: CertificateChain,
    key: IdentityKey,
    ocsp_response: Option<Vec<u8>>,
    session_binding: [u8; 32],
    generation: Option<u64>,
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

impl Drop for IdentityKey {
    fn drop(&mut self) {
        if let Self::Der(key) = self {
            key.zeroize();
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
    /// From DER: the chain in any order, and the key as PKCS#8, PKCS#1 (RSA) or SEC1 (EC).
    ///
    /// # Errors
    /// [`ConfigError::Certificates`] for an empty chain or what is no certificate, [`ConfigError::PrivateKey`] for a
    /// key in none of the three forms, [`ConfigError::KeyMismatch`] for a key that says that it is another
    /// certificate's.
    pub fn from_der(
        chain: impl IntoIterator<Item = CertificateDer<'static>>,
        key: impl Into<Vec<u8>>,
    ) -> Result<Self, ConfigError> {
        Self::new(chain.into_iter().collect(), key::from_der(Zeroizing::new(key.into()), None)?)
    }

    /// As [`Identity::from_der`], with the key as encrypted PKCS#8 under this password.
    ///
    /// # Errors
    /// As [`Identity::from_der`], and [`ConfigError::PrivateKey`] for a wrong password.
    #[cfg(feature = "encrypted-keys")]
    pub fn from_der_with_password(
        chain: impl IntoIterator<Item = CertificateDer<'static>>,
        key: impl Into<Vec<u8>>,
        password: &str,
    ) -> Result<Self, ConfigError> {
        Self::new(chain.into_iter().collect(), key::from_der(Zeroizing::new(key.into()), Some(password))?)
    }

    /// From PEM: the chain in any order, and the key as `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY`.
    ///
    /// Both may be the same text; what is not asked for is passed over, as is any text around the sections.
    ///
    /// # Errors
    /// As [`Identity::from_der`]; [`ConfigError::PrivateKey`] also when there are two keys, or the key is encrypted.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, ConfigError> {
        Self::new(certificate::from_pem(chain)?, key::from_pem(key, None)?)
    }

    /// As [`Identity::from_pem`], with the key as `ENCRYPTED PRIVATE KEY` under this password.
    ///
    /// # Errors
    /// As [`Identity::from_pem`], and [`ConfigError::PrivateKey`] for a wrong password.
    #[cfg(feature = "encrypted-keys")]
    pub fn from_pem_with_password(chain: &[u8], key: &[u8], password: &str) -> Result<Self, ConfigError> {
        Self::new(certificate::from_pem(chain)?, key::from_pem(key, Some(password))?)
    }

    /// From PEM files, as [`Identity::from_pem`].
    ///
    /// # Errors
    /// [`ConfigError::File`] when one cannot be read, else as [`Identity::from_pem`], with the file's name; save for
    /// [`ConfigError::KeyMismatch`], which is about both and names neither.
    pub fn from_pem_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::from_pem_files_under(chain.as_ref(), key.as_ref(), None)
    }

    /// From PEM files, as [`Identity::from_pem_with_password`].
    ///
    /// # Errors
    /// As [`Identity::from_pem_files`], and [`ConfigError::PrivateKey`] for a wrong password.
    #[cfg(feature = "encrypted-keys")]
    pub fn from_pem_files_with_password(
        chain: impl AsRef<Path>,
        key: impl AsRef<Path>,
        password: &str,
    ) -> Result<Self, ConfigError> {
        Self::from_pem_files_under(chain.as_ref(), key.as_ref(), Some(password))
    }

    /// From a PKCS#12 file in DER (`.p12`, `.pfx`) under this password, which may be empty.
    ///
    /// Of the encryptions: PBES2 with AES or 3DES, and those from before it with 3DES or RC2. Of the MACs: PKCS#12's
    /// own and PBMAC1, with SHA-1 or SHA-2, or none.
    ///
    /// # Errors
    /// [`ConfigError::PrivateKey`] for a wrong password, for what is no PKCS#12 file or one of another encryption,
    /// and for one with no key or with several; else as [`Identity::from_der`].
    #[cfg(feature = "encrypted-keys")]
    pub fn from_pkcs12(der: &[u8], password: &str) -> Result<Self, ConfigError> {
        Self::from_pkcs12_under(der, Some(password))
    }

    /// From a PKCS#12 file, as [`Identity::from_pkcs12`].
    ///
    /// # Errors
    /// [`ConfigError::File`] when it cannot be read, else as [`Identity::from_pkcs12`], with the file's name; save for
    /// [`ConfigError::KeyMismatch`], which names none.
    #[cfg(feature = "encrypted-keys")]
    pub fn from_pkcs12_file(path: impl AsRef<Path>, password: &str) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        Self::from_pkcs12(&read(path)?, password).map_err(|error| in_file(error, path))
    }

    /// From one file with both the chain and the key: PEM, or PKCS#12 in DER. Which, its content says.
    ///
    /// The password is for an encrypted key. [`None`] opens a PKCS#12 file whose password is empty.
    ///
    /// # Errors
    /// [`ConfigError::File`] when it cannot be read, else as [`Identity::from_pem`] or `from_pkcs12`, with the
    /// file's name; save for [`ConfigError::KeyMismatch`], which names none. What is encrypted needs the feature
    /// `encrypted-keys`, and says so.
    pub fn from_file(path: impl AsRef<Path>, password: Option<&str>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        Self::from_content(&read(path)?, password).map_err(|error| in_file(error, path))
    }

    /// From what a file holds that [`Identity::from_file`] would read.
    ///
    /// # Errors
    /// As [`Identity::from_file`], without the file's name.
    pub fn from_content(file: &[u8], password: Option<&str>) -> Result<Self, ConfigError> {
        match Content::of(file) {
            Content::Pkcs12 => Self::from_pkcs12_under(file, password),
            Content::Pem => Self::new(certificate::from_pem(file)?, key::from_pem(file, password)?),
            Content::Pkcs12InBer => Err(key::refused(PKCS12_IN_BER.into())),
            content => Err(certificate::refused(format!(
                "it is {}; give a PEM text with a certificate and its key, or a PKCS#12 file",
                content.name()
            ))),
        }
    }

    /// From what two files hold: a chain in PEM or one certificate in DER, and a key in PEM or DER. Which, the content
    /// says. The password is for an encrypted key.
    ///
    /// # Errors
    /// As [`Identity::from_pem`]. What is encrypted needs the feature `encrypted-keys`, and says so.
    pub fn from_contents(chain: &[u8], key: &[u8], password: Option<&str>) -> Result<Self, ConfigError> {
        let certificates = match Content::of(chain) {
            Content::Certificate => vec![CertificateDer::from(chain.to_vec())],
            _ => certificate::from_pem(chain)?,
        };
        let private_key = match Content::of(key) {
            Content::PrivateKey | Content::EncryptedPrivateKey => {
                key::from_der(Zeroizing::new(key.to_vec()), password)?
            }
            _ => key::from_pem(key, password)?,
        };
        Self::new(certificates, private_key)
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
    /// A server presents it to clients that ask for one (RFC 6066 §8). What is none in DER, `build()` of the
    /// configuration refuses; what it says, nothing looks into on the way.
    #[must_use]
    pub fn with_ocsp_response(self, response: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new(Inner { ocsp_response: Some(response.into()), ..(*self.0).clone() }))
    }

    /// The same identity as one of a line that a server presents one after the other, each in place of the one before,
    /// as a renewed certificate takes the place of the old.
    ///
    /// Sessions are bound to the identity under which they began: to its certificate, or, with a lineage, to that. A
    /// session that began under one member of the line is then resumed under every other. What is the line's name is
    /// the caller's choice: nobody learns it, it only must not be that of another line.
    ///
    /// Whoever gives two identities one lineage says that each speaks for every name that the other speaks for: a
    /// client that resumes has seen the certificate of then, and RFC 8446 §4.6.1 lets it resume for any of its names. For
    /// identities of different servers it would have one of them answer for the other.
    #[must_use]
    pub fn with_lineage(self, lineage: impl AsRef<[u8]>) -> Self {
        Self(Arc::new(Inner { session_binding: binding(LINEAGE, lineage.as_ref()), ..(*self.0).clone() }))
    }

    /// The same identity with a number, which [`ConnectionInfo::identity_generation`](crate::ConnectionInfo) tells of
    /// connections that present it: its place in its line, from 1.
    #[must_use]
    pub fn with_generation(self, generation: u64) -> Self {
        Self(Arc::new(Inner { generation: Some(generation), ..(*self.0).clone() }))
    }

    fn from_pem_files_under(chain: &Path, key: &Path, password: Option<&str>) -> Result<Self, ConfigError> {
        let certificates = certificate::from_pem(&read(chain)?).map_err(|error| in_file(error, chain))?;
        let private_key = key::from_pem(&read(key)?, password).map_err(|error| in_file(error, key))?;
        Self::new(certificates, private_key).map_err(|error| in_file(error, chain))
    }

    #[cfg(feature = "encrypted-keys")]
    fn from_pkcs12_under(der: &[u8], password: Option<&str>) -> Result<Self, ConfigError> {
        let opened = pkcs12::open(der, password)?;
        Self::new(opened.certificates, key::from_der(opened.key, None)?)
    }

    #[cfg(not(feature = "encrypted-keys"))]
    fn from_pkcs12_under(_: &[u8], _: Option<&str>) -> Result<Self, ConfigError> {
        let reason = "it is a PKCS#12 file; enable the feature `encrypted-keys` of polytls to read it";
        Err(key::refused(reason.into()))
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, ConfigError> {
        Self::with_key(chain, IdentityKey::Der(key))
    }

    fn with_key(chain: Vec<CertificateDer<'static>>, key: IdentityKey) -> Result<Self, ConfigError> {
        let public_part = match &key {
            IdentityKey::Der(key) => PublicPart::of(key),
            IdentityKey::Signer(_) => None,
        };
        let chain = CertificateChain::from(chain::in_order(&chain, public_part.as_ref())?);
        let session_binding = binding(CERTIFICATE, chain.first().map_or(&[], |own| own.as_ref()));
        Ok(Self(Arc::new(Inner { chain, key, ocsp_response: None, session_binding, generation: None })))
    }

    /// The chain, the end entity's certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.chain
    }

    /// The same, to be held beside the identity.
    pub(crate) fn shared_chain(&self) -> &CertificateChain {
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

    /// What a server's sessions are bound to, so that none crosses to another identity: a digest of the end entity's
    /// certificate, or of the [lineage](Self::with_lineage).
    pub fn session_binding(&self) -> &[u8; 32] {
        &self.0.session_binding
    }

    /// The number that it was [given](Self::with_generation).
    pub fn generation(&self) -> Option<u64> {
        self.0.generation
    }

    /// Whether the other is a later generation of the same line: for backends, that need not keep this one prepared.
    pub fn is_succeeded_by(&self, other: &Self) -> bool {
        let later =
            matches!((self.generation(), other.generation()), (Some(own), Some(theirs)) if own < theirs);
        later && self.session_binding() == other.session_binding()
    }

    /// Whether the two are clones of one another: for backends, that prepare each once.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What a digest for sessions is made of. The labels are of one length, so no two contents run into one another.
const CERTIFICATE: &[u8] = b"certificate";
const LINEAGE: &[u8] = b"its lineage";

fn binding(label: &[u8], content: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(label).chain_update(content).finalize().into()
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.0.chain.len()).finish_non_exhaustive()
    }
}
