//! Identities as a handshake presents them: the chain's message made once, and a key that is here or elsewhere.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use polytls_api::{CertificateDer, ConfigError, Identity, IdentityKey, SignatureScheme, Signer};

use crate::{
    NAME, compression,
    crypto::{KeyKind, PeerKey, SigningKey},
    error::Fault,
    wire::handshake::{Certificate, CertificateEntry, CompressedCertificate},
};

/// How many identities that a resolver made are kept prepared; of more, those that came first go.
const KEPT: usize = 64;

/// What compression of a certificate must save, in bytes: every client decompresses it, and for less there is hardly
/// ever a packet fewer on the way.
const LEAST_SAVED: usize = 128;

/// A chain, and who signs for it.
pub(crate) struct PreparedIdentity {
    identity: Identity,
    key: Key,
    schemes: Vec<SignatureScheme>,
    key_kind: KeyKind,
    with_response: Messages,
    without_response: Messages,
}

enum Key {
    Here(SigningKey),
    Elsewhere(Arc<dyn Signer>),
}

/// The Certificate message of TLS 1.3, whole, made when it is first wanted.
#[derive(Default)]
struct Messages {
    plain: OnceLock<Vec<u8>>,
    compressed: OnceLock<Option<Vec<u8>>>,
}

impl PreparedIdentity {
    /// Parses the key, and holds it against the certificate.
    pub(crate) fn new(identity: &Identity) -> Result<Self, ConfigError> {
        let end_entity = identity.chain().first().ok_or_else(|| unusable("there is no certificate"))?;
        let public_key = PeerKey::from_certificate(end_entity).map_err(|fault| match fault {
            Fault::UnsupportedCertificate(reason) | Fault::Decode(reason) => unusable(reason),
            _ => unusable("the certificate's key is of a kind that is not supported"),
        })?;
        let key = match identity.key() {
            IdentityKey::Der(key) => {
                let key = SigningKey::from_der(key)?;
                if !key.belongs_to(end_entity) {
                    return Err(ConfigError::KeyMismatch);
                }
                Key::Here(key)
            }
            IdentityKey::Signer(signer) => Key::Elsewhere(signer.clone()),
        };
        let schemes = match &key {
            Key::Here(key) => key.schemes().to_vec(),
            Key::Elsewhere(signer) => remote_schemes(&**signer)?,
        };
        Ok(Self {
            key,
            schemes,
            key_kind: public_key.kind(),
            with_response: Messages::default(),
            without_response: Messages::default(),
            identity: identity.clone(),
        })
    }

    /// The chain, the end entity's certificate first.
    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        self.identity.chain()
    }

    /// The OCSP response to present with it.
    pub(crate) fn ocsp_response(&self) -> Option<&[u8]> {
        self.identity.ocsp_response()
    }

    /// The kind of the key that the certificate speaks for.
    pub(crate) fn key_kind(&self) -> KeyKind {
        self.key_kind
    }

    /// What the key can sign with, most wanted first.
    pub(crate) fn schemes(&self) -> &[SignatureScheme] {
        &self.schemes
    }

    /// What sessions are bound to.
    pub(crate) fn session_binding(&self) -> &[u8; 32] {
        self.identity.session_binding()
    }

    /// What it was prepared from.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The Certificate message of TLS 1.3 (RFC 8446 §4.4.2), whole, for a handshake; with the OCSP response if the
    /// peer asked for it and there is one.
    pub(crate) fn certificate_message(&self, with_response: bool) -> &[u8] {
        let response = self.ocsp_response().filter(|_| with_response);
        self.messages(response.is_some()).plain.get_or_init(|| {
            let entries = self.chain().iter().enumerate().map(|(position, certificate)| CertificateEntry {
                der: certificate,
                ocsp_response: response.filter(|_| position == 0),
                present: Vec::new(),
            });
            Certificate { context: &[], entries: entries.collect() }.encode()
        })
    }

    /// The same as a CompressedCertificate (RFC 8879 §4), whole, with zlib; `None` where that would save little.
    pub(crate) fn compressed_certificate_message(&self, with_response: bool) -> Option<&[u8]> {
        let plain = self.certificate_message(with_response);
        let with_response = with_response && self.ocsp_response().is_some();
        let compressed = self.messages(with_response).compressed.get_or_init(|| compress(plain));
        compressed.as_deref()
    }

    fn messages(&self, with_response: bool) -> &Messages {
        if with_response { &self.with_response } else { &self.without_response }
    }

    /// The signature over `message` as TLS sends it, by a scheme of [`schemes`](Self::schemes).
    pub(crate) async fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, Fault> {
        match &self.key {
            Key::Here(key) => key.sign(scheme, message),
            Key::Elsewhere(signer) => Ok(signer.sign(scheme, message).await?),
        }
    }
}

fn unusable(reason: &str) -> ConfigError {
    ConfigError::Certificates { reason: reason.into() }
}

/// What a signer says that its key can, as far as the engine has it.
fn remote_schemes(signer: &dyn Signer) -> Result<Vec<SignatureScheme>, ConfigError> {
    let known = |scheme: &SignatureScheme| SignatureScheme::NAMED.contains(scheme);
    let schemes: Vec<_> = signer.schemes().iter().copied().filter(known).collect();
    if schemes.is_empty() {
        let reason = format!("the signer names no scheme that {NAME} has; name those of its kind of key");
        return Err(ConfigError::PrivateKey { reason });
    }
    Ok(schemes)
}

fn compress(message: &[u8]) -> Option<Vec<u8>> {
    // RFC 8879 §4: what is compressed is the message without its header of four bytes.
    let body = message.get(4..)?;
    let compressed = compression::compress(body);
    let uncompressed_length = u32::try_from(body.len()).ok()?;
    let message =
        CompressedCertificate { algorithm: compression::ZLIB, uncompressed_length, compressed: &compressed }
            .encode();
    Some(message).filter(|compressed| compressed.len() + LEAST_SAVED <= body.len())
}

impl fmt::Debug for PreparedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedIdentity").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// A server's identities, each prepared once.
pub(crate) struct Identities {
    /// Those that are known before a client comes.
    known: Vec<Arc<PreparedIdentity>>,
    /// A resolver's, the latest at the back.
    resolved: Mutex<VecDeque<Arc<PreparedIdentity>>>,
}

impl Identities {
    pub(crate) fn new<'a>(known: impl Iterator<Item = &'a Identity>) -> Result<Self, ConfigError> {
        let prepare = |identity| PreparedIdentity::new(identity).map(Arc::new);
        Ok(Self { known: known.map(prepare).collect::<Result<_, _>>()?, resolved: Mutex::default() })
    }

    /// The identity, prepared now if it has not been.
    pub(crate) fn prepared(&self, identity: &Identity) -> Result<Arc<PreparedIdentity>, ConfigError> {
        let is_it = |prepared: &&Arc<PreparedIdentity>| prepared.identity.is_same(identity);
        let resolved = || self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.known.iter().find(is_it).cloned();
        if let Some(found) = found.or_else(|| resolved().iter().rev().find(is_it).cloned()) {
            return Ok(found);
        }
        // Parsing takes longer than others should wait.
        let prepared = Arc::new(PreparedIdentity::new(identity)?);
        let mut resolved = resolved();
        // A key that was renewed is held no longer than the connections that use it.
        resolved.retain(|kept| !kept.identity.is_succeeded_by(identity));
        if resolved.len() == KEPT {
            resolved.pop_front();
        }
        resolved.push_back(prepared.clone());
        Ok(prepared)
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identities").field("known", &self.known.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::wire::handshake::HandshakeMessage;

    /// An identity of its own each time.
    pub(crate) fn identity() -> Identity {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Identity::from_der([made.cert.der().clone()], made.signing_key.serialize_der()).unwrap()
    }

    #[derive(Debug)]
    struct Unknown(Vec<SignatureScheme>);

    #[polytls_api::async_trait]
    impl Signer for Unknown {
        fn schemes(&self) -> &[SignatureScheme] {
            &self.0
        }

        async fn sign(&self, _: SignatureScheme, _: &[u8]) -> Result<Vec<u8>, polytls_api::HookError> {
            Ok(b"signature".to_vec())
        }
    }

    #[test]
    fn a_key_that_does_not_tell_its_public_part_is_held_against_the_certificate() {
        let (one, other) = (identity(), identity());
        // SEC1 without the public key: a scalar alone.
        let pair = rcgen::KeyPair::generate().unwrap();
        let pkcs8 = pair.serialize_der();
        let scalar = &pkcs8[36..68];
        let sec1 = [&[0x30, 0x31, 2, 1, 1, 4, 0x20], scalar, &[0xa0, 0x0a, 6, 8], P256_OID].concat();
        let foreign = Identity::from_der(one.chain().to_vec(), sec1).unwrap();
        assert!(matches!(PreparedIdentity::new(&foreign), Err(ConfigError::KeyMismatch)));
        assert_eq!(
            PreparedIdentity::new(&other).unwrap().schemes(),
            [SignatureScheme::ECDSA_SECP256R1_SHA256]
        );
    }

    const P256_OID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

    #[test]
    fn a_signer_of_unknown_schemes_is_refused_and_known_ones_are_taken_in_order() {
        let chain = identity().chain().to_vec();
        let with = |schemes: &[SignatureScheme]| {
            Identity::from_signer(chain.clone(), Arc::new(Unknown(schemes.to_vec()))).unwrap()
        };
        let unknown = SignatureScheme::from_code(0xfe00);
        assert!(matches!(PreparedIdentity::new(&with(&[unknown])), Err(ConfigError::PrivateKey { .. })));
        let (first, second) = (SignatureScheme::RSA_PSS_RSAE_SHA512, SignatureScheme::RSA_PSS_RSAE_SHA256);
        let prepared = PreparedIdentity::new(&with(&[unknown, first, second])).unwrap();
        assert_eq!(prepared.schemes(), [first, second]);
    }

    #[test]
    fn the_message_is_the_chain_with_the_response_where_it_is_asked_for() {
        let response = [&[0x30, 0x81, 203, 0x0a, 1, 0][..], &[0; 200]].concat();
        let prepared = PreparedIdentity::new(&identity().with_ocsp_response(response.clone())).unwrap();
        for asked in [false, true] {
            let message = HandshakeMessage::new(prepared.certificate_message(asked).to_vec());
            let certificate = Certificate::parse(message.body()).unwrap();
            assert_eq!(certificate.entries[0].der, prepared.chain()[0].as_ref());
            assert_eq!(certificate.entries[0].ocsp_response, asked.then_some(&response[..]));
        }
        // The response is mostly zeros; without it there is little to compress.
        assert_eq!(prepared.compressed_certificate_message(false), None);
        let message = HandshakeMessage::new(prepared.compressed_certificate_message(true).unwrap().to_vec());
        let compressed = CompressedCertificate::parse(message.body()).unwrap();
        let body =
            compression::decompress(compressed.compressed, compressed.uncompressed_length as usize).unwrap();
        assert_eq!(body, prepared.certificate_message(true)[4..]);
    }

    #[test]
    fn identities_are_prepared_once_and_a_bounded_number_is_kept() {
        let known = identity();
        let identities = Identities::new([&known].into_iter()).unwrap();
        let prepared = |identity: &Identity| identities.prepared(identity).unwrap();
        assert!(Arc::ptr_eq(&prepared(&known), &prepared(&known)));
        let first = identity();
        let before = prepared(&first);
        assert!(Arc::ptr_eq(&before, &prepared(&first)));
        for _ in 0..KEPT {
            prepared(&identity());
        }
        assert_eq!(identities.resolved.lock().unwrap().len(), KEPT);
        assert!(!Arc::ptr_eq(&before, &prepared(&first)), "the oldest is still there");
        assert!(Arc::ptr_eq(&prepared(&known), &prepared(&known)));
    }

    #[test]
    fn a_key_that_was_renewed_is_not_kept() {
        let identities = Identities::new(std::iter::empty()).unwrap();
        for generation in 1..4 {
            let identity = identity().with_lineage("one").with_generation(generation);
            identities.prepared(&identity).unwrap();
            identities.prepared(&identity.with_lineage("another")).unwrap();
        }
        let resolved = identities.resolved.lock().unwrap();
        let kept: Vec<_> = resolved.iter().map(|kept| kept.identity.generation()).collect();
        assert_eq!(kept, [Some(3), Some(3)]);
    }
}
