//! Identities as rustls wants them: certified keys, prepared once and presented by resolvers.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use polytls_api::{ConfigError, Identity, IdentityKey};
use rustls::{
    SignatureScheme,
    client::ResolvesClientCert,
    crypto::CryptoProvider,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::{call::at_desk, error, signer::RemoteKey};

/// How many identities that a resolver made are kept prepared.
const KEPT: usize = 64;

/// A server's identities.
pub(crate) struct Identities {
    provider: Arc<CryptoProvider>,
    known: Vec<Prepared>,
    /// A resolver's, the latest at the back.
    resolved: Mutex<VecDeque<Prepared>>,
}

#[derive(Clone)]
struct Prepared {
    identity: Identity,
    key: Arc<CertifiedKey>,
}

impl Identities {
    /// Prepares those that are known before a client comes.
    pub(crate) fn new<'a>(
        provider: Arc<CryptoProvider>,
        known: impl Iterator<Item = &'a Identity>,
    ) -> Result<Self, ConfigError> {
        let prepare = |identity| prepare(&provider, identity);
        let known = known.map(prepare).collect::<Result<_, _>>()?;
        Ok(Self { provider, known, resolved: Mutex::default() })
    }

    /// The identity as rustls wants it.
    pub(crate) fn certified(&self, identity: &Identity) -> Result<Arc<CertifiedKey>, ConfigError> {
        let is_it = |prepared: &&Prepared| prepared.identity.is_same(identity);
        if let Some(prepared) = self.known.iter().find(is_it) {
            return Ok(prepared.key.clone());
        }
        let resolved = || self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = resolved().iter().rev().find(is_it) {
            return Ok(prepared.key.clone());
        }
        let prepared = prepare(&self.provider, identity)?;
        let mut resolved = resolved();
        // A key that was renewed is held no longer than the connections that use it.
        resolved.retain(|kept| !kept.identity.is_succeeded_by(identity));
        if resolved.len() == KEPT {
            resolved.pop_front();
        }
        resolved.push_back(prepared.clone());
        Ok(prepared.key)
    }
}

fn prepare(provider: &CryptoProvider, identity: &Identity) -> Result<Prepared, ConfigError> {
    Ok(Prepared { identity: identity.clone(), key: Arc::new(certified_key(provider, identity)?) })
}

/// Parses the key, and holds it against the certificate.
pub(crate) fn certified_key(
    provider: &CryptoProvider,
    identity: &Identity,
) -> Result<CertifiedKey, ConfigError> {
    let chain = identity.chain().to_vec();
    let mut certified = match identity.key() {
        IdentityKey::Der(key) => {
            CertifiedKey::from_der(chain, key.clone_key(), provider).map_err(error::configuration)?
        }
        IdentityKey::Signer(signer) => CertifiedKey::new(chain, Arc::new(RemoteKey::new(signer)?)),
    };
    certified.ocsp = identity.ocsp_response().map(ToOwned::to_owned);
    Ok(certified)
}

/// Presents what the connection has chosen; notes the name that the client asked for.
#[derive(Debug)]
pub(crate) struct ServerResolver;

impl ResolvesServerCert for ServerResolver {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        at_desk(|desk| {
            desk.server_name = client_hello.server_name().map(ToOwned::to_owned);
            desk.certified.clone()
        })?
    }
}

/// Presents one identity to every server that asks and can read its signatures; notes that it did.
#[derive(Debug)]
pub(crate) struct ClientResolver {
    pub(crate) identity: Identity,
    pub(crate) certified: Arc<CertifiedKey>,
}

impl ResolvesClientCert for ClientResolver {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        // rustls presents none where no scheme fits (RFC 8446 §4.4.2.3).
        self.certified.key.choose_scheme(sigschemes)?;
        at_desk(|desk| desk.identity = Some(self.identity.clone()));
        Some(self.certified.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identities").field("known", &self.known.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_renewed_is_not_kept() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let identities = Identities::new(provider, std::iter::empty()).unwrap();
        for generation in 1..4 {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            let identity = Identity::from_der([made.cert.der().clone()], made.signing_key.serialize_der());
            let identity = identity.unwrap().with_lineage("one").with_generation(generation);
            identities.certified(&identity).unwrap();
            identities.certified(&identity.with_lineage("another")).unwrap();
        }
        let resolved = identities.resolved.lock().unwrap();
        let kept: Vec<_> = resolved.iter().map(|kept| kept.identity.generation()).collect();
        assert_eq!(kept, [Some(3), Some(3)]);
    }
}
