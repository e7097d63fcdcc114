//! Whose certificate is measured, and how a client comes to trust it: by verification as anywhere, from the chain's own
//! last certificate, for a name that the certificate holds.

use std::{sync::Arc, time::SystemTime};

use polytls::{
    Backend, CertificateError, ExpectedPeer, Identity, PresentedChain, Roots, ServerName, TrustPolicy,
    presented_names, x509,
};

use super::Options;
use crate::{
    certificate::Certificate, chain::Authority, failure::Failure, identity::IdentityFiles, settings,
};

/// The name of a server whose certificate is made on the spot.
const NAME: &str = "localhost";

/// What stands for the part of a name that a wildcard leaves open.
const ANY_LABEL: &str = "any";

/// A server, and a client if both authenticate.
pub(super) struct Parties {
    pub(super) server: Identity,
    /// What the client trusts.
    pub(super) roots: Roots,
    /// Whom the client expects.
    pub(super) name: ServerName,
    pub(super) client: Option<Client>,
}

/// A client that authenticates.
pub(super) struct Client {
    pub(super) identity: Identity,
    /// What the server trusts.
    pub(super) roots: Roots,
}

impl Parties {
    /// Reads the files, or makes what the user has not given.
    pub(super) fn new(options: &Options) -> Result<Self, Failure> {
        let authority = Authority::new()?;
        let files = IdentityFiles {
            cert: ("--cert", options.cert.as_ref()),
            key: ("--key", options.key.as_ref()),
            password: options.key_password_file.as_ref(),
        };
        let client = || Ok::<_, Failure>(Client { identity: authority.client()?, roots: authority.roots() });
        let client = options.mutual.then(client).transpose()?;
        let Some(server) = files.read()? else {
            let (server, name) = (authority.server(&[NAME])?, NAME.parse()?);
            return Ok(Self { server, roots: authority.roots(), name, client });
        };
        let roots = match &options.roots {
            Some(roots) => settings::roots(roots)?,
            None => Roots::from_der(server.chain().last().cloned()),
        };
        let name = match &options.name {
            Some(name) => name.parse()?,
            None => name_in(&server)?,
        };
        Ok(Self { server, roots, name, client })
    }

    /// The server's own certificate.
    pub(super) fn certificate(&self) -> Certificate {
        Certificate::read(self.server.chain().first().map(AsRef::as_ref).unwrap_or_default())
    }

    /// Has the first engine whose verifier can be asked alone say whether a client will accept the server.
    pub(super) async fn verify(&self, backends: &[Arc<dyn Backend>]) -> Result<(), Failure> {
        let can = |backend: &&Arc<dyn Backend>| backend.capabilities().verifier_alone;
        let Some(backend) = backends.iter().find(can) else { return Ok(()) };
        let Some((end_entity, intermediates)) = self.server.chain().split_first() else {
            return Err(Failure::usage(CertificateError::Missing.to_string()));
        };
        let verifier = backend.verifier(&TrustPolicy::new(self.roots.clone()))?;
        let chain = PresentedChain::new(end_entity, intermediates);
        let verdict = verifier.verify(&chain, &ExpectedPeer::Server(&self.name), SystemTime::now()).await;
        verdict.map(drop).map_err(|fault| refused(&fault))
    }
}

/// Why a client will not accept the server, and what to do.
fn refused(fault: &CertificateError) -> Failure {
    let advice = match fault {
        CertificateError::Expired { .. } | CertificateError::NotYetValid { .. } => {
            "give one that is valid now, or leave --cert out to measure with one that is made"
        }
        CertificateError::UnknownIssuer | CertificateError::SelfSigned => {
            "give the whole chain with --cert, or its root with --roots"
        }
        CertificateError::NameMismatch { .. } => "see --name",
        _ => "`polytls verify` shows what each verifier makes of it",
    };
    Failure::connection(format!("no client accepts this certificate: {fault}; {advice}"))
}

/// The first name in the certificate by which a client can ask for it.
fn name_in(identity: &Identity) -> Result<ServerName, Failure> {
    let der = identity.chain().first().map(AsRef::as_ref).unwrap_or_default();
    let certificate = x509::Certificate::parse(der)
        .map_err(|error| Failure::usage(format!("the certificate cannot be read: {error}")))?;
    let names = presented_names(&certificate);
    names.iter().find_map(|name| asked_for(name)).ok_or_else(|| {
        Failure::usage(
            "the certificate has neither a DNS name nor an IP address in its subjectAltName, so that no client can \
             verify it; have one issued that has, or leave --cert out to measure with one that is made",
        )
    })
}

/// The name itself; of a wildcard, one that it stands for.
fn asked_for(name: &str) -> Option<ServerName> {
    match name.strip_prefix("*.") {
        Some(rest) => format!("{ANY_LABEL}.{rest}").parse().ok(),
        None => name.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(names: &[&str]) -> Identity {
        Authority::new().unwrap().server(names).unwrap()
    }

    #[test]
    fn the_name_is_the_first_that_can_be_asked_for() {
        for (names, expected) in [
            (&["a.example", "b.example"][..], "a.example"),
            (&["*.example.com"], "any.example.com"),
            (&["*.*.example", "192.0.2.7"], "192.0.2.7"),
        ] {
            assert_eq!(name_in(&identity(names)).unwrap().to_string(), expected);
        }
        assert!(name_in(&identity(&[])).is_err_and(|failure| failure.message.contains("subjectAltName")));
    }
}
