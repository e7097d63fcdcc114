//! Which identity a server presents, decided from the ClientHello.

use std::{collections::HashMap, fmt, sync::Arc};

use async_trait::async_trait;

use super::HookError;
use crate::{ClientHello, Identity, ServerName};

/// Chooses what a server presents to a client (RFC 6066 §3, RFC 8446 §4.4.2.2).
#[async_trait]
pub trait CertificateResolver: fmt::Debug + Send + Sync {
    /// The identity for this client; `None` for the configuration's own, and where there is none the handshake
    /// ends with `unrecognized_name`.
    ///
    /// # Errors
    /// [`HookError`] ends the handshake with `internal_error`.
    async fn resolve(&self, hello: &ClientHello) -> Result<Option<Identity>, HookError>;
}

/// The identities that a configuration holds for server names.
#[derive(Clone, Debug, Default)]
pub(crate) struct SniResolver {
    exact: HashMap<Arc<str>, Identity>,
    /// Under the part behind `*.`.
    wildcard: HashMap<Arc<str>, Identity>,
}

impl SniResolver {
    /// Adds an identity; `false` when the pattern is no DNS name, with or without `*.` before it.
    pub(crate) fn add(&mut self, pattern: &str, identity: Identity) -> bool {
        let (map, name) = match pattern.strip_prefix("*.") {
            Some(parent) => (&mut self.wildcard, parent),
            None => (&mut self.exact, pattern),
        };
        let Ok(ServerName::Dns(name)) = name.parse() else { return false };
        map.insert(name, identity);
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.wildcard.is_empty()
    }

    /// Every identity.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.exact.values().chain(self.wildcard.values())
    }

    fn find(&self, name: &str) -> Option<&Identity> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        self.exact.get(&*name).or_else(|| {
            // RFC 9525 §6.3: a wildcard stands for one whole label.
            self.wildcard.get(name.split_once('.')?.1)
        })
    }
}

#[async_trait]
impl CertificateResolver for SniResolver {
    async fn resolve(&self, hello: &ClientHello) -> Result<Option<Identity>, HookError> {
        Ok(hello.server_name().and_then(|name| self.find(name)).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An identity of its own each time.
    fn identity() -> Identity {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Identity::from_der([made.cert.der().clone()], made.signing_key.serialize_der()).unwrap()
    }

    #[test]
    fn the_exact_name_wins_and_a_wildcard_stands_for_one_label() {
        let (exact, wildcard) = (identity(), identity());
        let mut resolver = SniResolver::default();
        assert!(resolver.add("a.example.com", exact.clone()));
        assert!(resolver.add("*.Example.com", wildcard.clone()));
        assert!(resolver.find("A.example.com.").is_some_and(|found| found.is_same(&exact)));
        assert!(resolver.find("b.example.com").is_some_and(|found| found.is_same(&wildcard)));
        for other in ["example.com", "a.b.example.com", "example.org", ""] {
            assert!(resolver.find(other).is_none(), "{other}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for pattern in ["", "*", "*.", "a.*.b", "127.0.0.1", "a b"] {
            assert!(!SniResolver::default().add(pattern, identity()), "{pattern}");
        }
    }
}
