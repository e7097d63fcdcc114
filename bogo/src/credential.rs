//! Credentials of the runner's as identities.

use std::{fs, sync::Arc};

use polytls::{CertificateDer, Identity, SignatureScheme};

use crate::{
    options::{Credential, Settings},
    report::Failure,
    signer::KeySigner,
};

impl Credential {
    /// Whether anything was said about it that makes it one.
    pub(crate) fn is_given(&self) -> bool {
        self.cert_file.is_some()
    }

    /// The chain, the end entity's certificate first.
    pub(crate) fn chain(&self) -> Result<Vec<CertificateDer<'static>>, Failure> {
        certificates(self.cert_file.as_deref().unwrap_or_default())
    }

    /// As an identity with the key inside; behind the hook where that is asked for, or a test says how it is to sign.
    pub(crate) fn identity(&self, settings: &Settings, behind_hook: bool) -> Result<Identity, Failure> {
        let (Some(cert_file), Some(key_file)) = (&self.cert_file, &self.key_file) else {
            return Err(Failure::Shim("a credential without a certificate or a key".into()));
        };
        let wanted = self.signing_schemes(settings)?;
        let identity = if behind_hook || settings.suspends || wanted.is_some() {
            let signer = KeySigner::new(&section(key_file, "PRIVATE KEY")?, settings.suspends)
                .ok_or_else(|| Failure::Unimplemented(format!("the key of {key_file}")))?;
            let signer = match wanted {
                Some(schemes) => signer.with_schemes(&schemes),
                None => signer,
            };
            Identity::from_signer(self.chain()?, Arc::new(signer))?
        } else {
            Identity::from_pem_files(cert_file, key_file)?
        };
        Ok(match &self.ocsp_response {
            Some(response) if !self.ocsp_declined => identity.with_ocsp_response(response.clone()),
            _ => identity,
        })
    }

    /// The schemes that a test wants signatures in; `None` for the library's own.
    fn signing_schemes(&self, settings: &Settings) -> Result<Option<Vec<SignatureScheme>>, Failure> {
        if !self.signing_prefs.is_empty() {
            return named(&self.signing_prefs).map(Some);
        }
        Ok(settings.policy.map(|policy| policy.signature_schemes().to_vec()))
    }
}

/// Codes as signature schemes; those that polytls has no name for, it cannot be asked for.
pub(crate) fn named(codes: &[u16]) -> Result<Vec<SignatureScheme>, Failure> {
    let schemes = codes.iter().map(|code| SignatureScheme::from_code(*code));
    schemes
        .map(|scheme| match scheme.name() {
            Some(_) => Ok(scheme),
            None => Err(Failure::Unimplemented(format!("signature scheme {scheme}"))),
        })
        .collect()
}

/// The certificates in a PEM file, in the file's order.
pub(crate) fn certificates(path: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let sections = sections(path)?.into_iter().filter(|section| section.tag() == "CERTIFICATE");
    Ok(sections.map(|section| CertificateDer::from(section.into_contents())).collect())
}

fn section(path: &str, tag: &str) -> Result<Vec<u8>, Failure> {
    let found = sections(path)?.into_iter().find(|section| section.tag() == tag);
    found.map(pem::Pem::into_contents).ok_or_else(|| Failure::Shim(format!("{path} has no {tag}")))
}

fn sections(path: &str) -> Result<Vec<pem::Pem>, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::Shim(format!("{path}: {error}"));
    let text = fs::read(path).map_err(|error| unreadable(&error))?;
    pem::parse_many(text).map_err(|error| unreadable(&error))
}
