//! Identities as OpenSSL's certificates and keys, parsed once.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use openssl::{
    error::ErrorStack,
    ocsp::OcspResponse,
    pkey::{PKey, Private},
    ssl::{SslContextBuilder, SslRef},
    x509::{X509, X509Ref},
};
use polytls_api::{ConfigError, Identity, IdentityKey, SignatureScheme};
use zeroize::Zeroizing;

use crate::{config, error::configuration, ffi, signer};

/// How many of the identities that only a resolver knows are kept parsed.
const KEPT: usize = 64;

/// The identities of one server's configuration.
pub(crate) struct Identities {
    known: Vec<Arc<ParsedIdentity>>,
    /// Those that a resolver brought, the latest last.
    resolved: Mutex<VecDeque<Arc<ParsedIdentity>>>,
}

impl Identities {
    /// Parses what is known before a client comes.
    pub(crate) fn new<'a>(known: impl Iterator<Item = &'a Identity>) -> Result<Self, ConfigError> {
        let known = known.map(|identity| ParsedIdentity::new(identity).map(Arc::new));
        Ok(Self { known: known.collect::<Result<_, _>>()?, resolved: Mutex::default() })
    }

    /// The identity in OpenSSL's terms, parsed now if it never was.
    pub(crate) fn parsed(&self, identity: &Identity) -> Result<Arc<ParsedIdentity>, ConfigError> {
        let is_it = |parsed: &&Arc<ParsedIdentity>| parsed.identity.is_same(identity);
        if let Some(known) = self.known.iter().find(is_it) {
            return Ok(known.clone());
        }
        let lock = || self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = lock().iter().find(is_it) {
            return Ok(kept.clone());
        }
        // Not under the lock: others need not wait while a key is parsed.
        let parsed = Arc::new(ParsedIdentity::new(identity)?);
        let mut resolved = lock();
        // A key that was renewed is held no longer than the connections that use it.
        resolved.retain(|kept| !kept.identity.is_succeeded_by(identity));
        if resolved.len() == KEPT {
            resolved.pop_front();
        }
        resolved.push_back(parsed.clone());
        Ok(parsed)
    }
}

/// An identity in OpenSSL's terms.
pub(crate) struct ParsedIdentity {
    identity: Identity,
    end_entity: X509,
    issuers: Vec<X509>,
    key: PKey<Private>,
    /// What its signer signs with, in OpenSSL's notation, where the key is elsewhere.
    schemes: Option<String>,
}

impl ParsedIdentity {
    pub(crate) fn new(identity: &Identity) -> Result<Self, ConfigError> {
        let mut chain = identity.chain().iter().map(|certificate| {
            X509::from_der(certificate).map_err(|error| {
                let reason = format!("malformed certificate: {error}");
                ConfigError::Certificates { reason }
            })
        });
        let Some(end_entity) = chain.next().transpose()? else {
            return Err(ConfigError::Certificates { reason: "the chain is empty".into() });
        };
        let issuers = chain.collect::<Result<_, _>>()?;
        let (key, schemes) = key(identity, &end_entity)?;
        if !end_entity.public_key().map_err(configuration)?.public_eq(&key) {
            return Err(ConfigError::KeyMismatch);
        }
        if let Some(Err(error)) = identity.ocsp_response().map(OcspResponse::from_der) {
            let reason = format!("the OCSP response is malformed: {error}; give it in DER (RFC 6960)");
            return Err(ConfigError::Certificates { reason });
        }
        Ok(Self { identity: identity.clone(), end_entity, issuers, key, schemes })
    }

    /// What it was parsed from.
    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether a signer has its key, so that a handshake with it has to wait on a thread of its own.
    pub(crate) fn signs_elsewhere(&self) -> bool {
        self.schemes.is_some()
    }

    /// Presents it on every connection of a client's context. What a client signs with is a list of its own.
    pub(crate) fn present_as_client(&self, builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        self.present_by_default(builder)?;
        match &self.schemes {
            Some(schemes) => ffi::set_client_sigalgs_list(builder, schemes),
            None => Ok(()),
        }
    }

    /// Has this connection of a server sign only with what the signer can.
    pub(crate) fn restrict_schemes(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        match &self.schemes {
            Some(schemes) => ffi::set_sigalgs_list(ssl, schemes),
            None => Ok(()),
        }
    }

    /// Presents it on every connection of a context on which nothing else is presented.
    pub(crate) fn present_by_default(&self, builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        builder.set_certificate(&self.end_entity)?;
        for issuer in &self.issuers {
            ffi::add_chain_certificate(builder, issuer)?;
        }
        builder.set_private_key(&self.key)?;
        builder.check_private_key()
    }

    /// Presents it, and nothing else, on this connection of a server.
    pub(crate) fn present(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        ffi::clear_certificates(ssl);
        ssl.set_certificate(&self.end_entity)?;
        for issuer in &self.issuers {
            ssl.add_chain_cert(issuer.clone())?;
        }
        ssl.set_private_key(&self.key)
    }

    /// Has this connection of a server resume only sessions in which this identity was presented, or another of its
    /// lineage: what the client knows of the server is what it was shown then, and it may be under another name (RFC 6066 §3).
    pub(crate) fn restrict_sessions(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        ffi::set_session_id_context(ssl, self.identity.session_binding())
    }
}

/// The key in OpenSSL's terms, and what it signs with where that is a signer's to say.
fn key(identity: &Identity, end_entity: &X509Ref) -> Result<(PKey<Private>, Option<String>), ConfigError> {
    match identity.key() {
        IdentityKey::Der(key) => Ok((private_key(key.secret_der())?, None)),
        IdentityKey::Signer(signer) => {
            let (key, schemes) = signer::key(end_entity, signer)?;
            Ok((key, Some(config::list(&schemes, SignatureScheme::name))))
        }
    }
}

fn private_key(der: &[u8]) -> Result<PKey<Private>, ConfigError> {
    PKey::private_key_from_der(der)
        .or_else(|error| match without_public_key(der) {
            Some(der) => PKey::private_key_from_der(&der),
            None => Err(error),
        })
        .map_err(|error| ConfigError::PrivateKey { reason: error.to_string() })
}

/// A PKCS#8 key of RFC 5958's version 2, without the public key that makes it one: OpenSSL reads version 1.
fn without_public_key(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const VERSION_2: &[u8] = &[2, 1, 1];
    let (content, _) = element(der, 0x30)?;
    let rest = content.strip_prefix(VERSION_2)?;
    let (_, after_algorithm) = element(rest, 0x30)?;
    let (_, after_key) = element(after_algorithm, 0x04)?;
    let kept = &rest[..rest.len() - after_key.len()];
    let length = u16::try_from(kept.len() + VERSION_2.len()).ok()?.to_be_bytes();
    let header = [&[0x30, 0x82][..], &length, &[2, 1, 0]].concat();
    // OpenSSL reads the long form of a short length too.
    Some(Zeroizing::new([&header, kept].concat()))
}

/// The content of the DER element with this tag at the front, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.strip_prefix(&[tag])?.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => rest.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
        0x82 => {
            let (&length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(length)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(name: &str) -> Identity {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Identity::from_der([made.cert.der().clone()], made.signing_key.serialize_der()).unwrap()
    }

    #[test]
    fn identities_are_parsed_once_and_not_kept_without_bound() {
        let known = identity("known");
        let identities = Identities::new([&known].into_iter()).unwrap();
        assert!(Arc::ptr_eq(&identities.parsed(&known).unwrap(), &identities.known[0]));
        let first = identity("first");
        let parsed = identities.parsed(&first).unwrap();
        assert!(Arc::ptr_eq(&parsed, &identities.parsed(&first.clone()).unwrap()));
        for _ in 0..KEPT {
            // The same certificate, and still another identity.
            identities.parsed(&first.clone().with_ocsp_response([0x30, 3, 10, 1, 3])).unwrap();
        }
        assert_eq!(identities.resolved.lock().unwrap().len(), KEPT);
        assert!(!Arc::ptr_eq(&parsed, &identities.parsed(&first).unwrap()));
    }

    #[test]
    fn a_key_that_was_renewed_is_not_kept() {
        let identities = Identities::new(std::iter::empty()).unwrap();
        for generation in 1..4 {
            let identity = identity("localhost").with_lineage("one").with_generation(generation);
            identities.parsed(&identity).unwrap();
            identities.parsed(&identity.with_lineage("another")).unwrap();
        }
        let resolved = identities.resolved.lock().unwrap();
        let kept: Vec<_> = resolved.iter().map(|kept| kept.identity.generation()).collect();
        assert_eq!(kept, [Some(3), Some(3)]);
    }

    #[test]
    fn what_is_no_ocsp_response_is_refused() {
        let error = ParsedIdentity::new(&identity("a").with_ocsp_response("no DER")).err().unwrap();
        assert!(error.to_string().contains("OCSP"), "{error}");
    }

    #[test]
    fn a_key_that_carries_its_public_key_is_read() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let der = key.serialize_der();
        let read = private_key(&der).unwrap();
        assert_eq!(read.raw_public_key().unwrap(), key.public_key_raw());
        assert!(without_public_key(&der[..der.len() - 1]).is_none());
        for cut in 0..40 {
            assert!(private_key(&der[..cut]).is_err());
        }
    }
}
