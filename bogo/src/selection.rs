//! Which of several credentials suits a client, as a resolver of an application's would choose (RFC 8446 §4.4.2.2).

use polytls::{CipherSuite, ClientHello, Identity, NamedGroup, ProtocolVersion, SignatureScheme};

use crate::options::Settings;

/// An identity with what it asks of a client.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) identity: Identity,
    /// What its key signs with.
    schemes: Vec<SignatureScheme>,
    /// The highest version that the server speaks.
    newest: ProtocolVersion,
    suites: Vec<CipherSuite>,
}

impl Candidate {
    /// An identity whose key is behind the hook, so that it tells its schemes, under a server with these settings.
    pub(crate) fn new(identity: Identity, settings: &Settings, newest: ProtocolVersion) -> Self {
        let schemes = identity.signer().map(|signer| signer.schemes().to_vec()).unwrap_or_default();
        let suites = match settings.policy {
            Some(policy) => policy.cipher_suites().to_vec(),
            None => CipherSuite::DEFAULT.to_vec(),
        };
        Self { identity, schemes, newest, suites }
    }

    /// Whether a handshake with this client can succeed with this credential.
    pub(crate) fn suits(&self, hello: &ClientHello) -> bool {
        let tls13 = self.newest == ProtocolVersion::Tls13 && hello.offers_version(ProtocolVersion::Tls13);
        let mut schemes = self.schemes.iter().filter(|scheme| hello.signature_schemes().contains(scheme));
        if tls13 {
            return schemes.any(|scheme| !is_pkcs1(*scheme));
        }
        schemes.next().is_some() && self.suits_suites(hello) && self.suits_groups(hello)
    }

    /// RFC 5246 §7.4.2: a TLS 1.2 suite names the kind of key.
    fn suits_suites(&self, hello: &ClientHello) -> bool {
        let rsa = self.schemes.iter().any(|scheme| is_rsa(*scheme));
        hello.cipher_suites().iter().any(|suite| {
            let for_rsa = suite.name().is_some_and(|name| name.starts_with("TLS_ECDHE_RSA"));
            let for_ecdsa = suite.name().is_some_and(|name| name.starts_with("TLS_ECDHE_ECDSA"));
            self.suites.contains(suite) && (if rsa { for_rsa } else { for_ecdsa })
        })
    }

    /// RFC 8422 §5.1: the client's groups say too which curves a certificate may have.
    fn suits_groups(&self, hello: &ClientHello) -> bool {
        let curve = match self.schemes.first() {
            Some(&SignatureScheme::ECDSA_SECP256R1_SHA256) => NamedGroup::SECP256R1,
            Some(&SignatureScheme::ECDSA_SECP384R1_SHA384) => NamedGroup::SECP384R1,
            Some(&SignatureScheme::ECDSA_SECP521R1_SHA512) => NamedGroup::SECP521R1,
            _ => return true,
        };
        hello.named_groups().contains(&curve)
    }
}

fn is_pkcs1(scheme: SignatureScheme) -> bool {
    scheme.name().is_some_and(|name| name.starts_with("rsa_pkcs1"))
}

fn is_rsa(scheme: SignatureScheme) -> bool {
    scheme.name().is_some_and(|name| name.starts_with("rsa_"))
}
