//! Whom a configuration trusts: OpenSSL's store of roots, and what is asked about revocation beside it.

use std::sync::Arc;

use openssl::{
    ssl::SslContextBuilder,
    x509::{
        X509,
        store::{X509Store, X509StoreBuilder},
        verify::{X509VerifyFlags, X509VerifyParam},
    },
};
use polytls_api::{CertificateVerifier, ConfigError, RevocationChecker, Roots, TrustPolicy};

use crate::{error::configuration, ffi, signature::Signatures, verifier::Decider};

/// Who decides on the peer's chain: the application's verifier, else OpenSSL with the roots, and what is asked about
/// revocation.
pub(crate) fn trust(
    builder: &mut SslContextBuilder,
    verifier: Option<&Arc<dyn CertificateVerifier>>,
    trust: Option<&TrustPolicy>,
) -> Result<Decider, ConfigError> {
    ffi::decide_on_chains(builder);
    match (verifier, trust) {
        (Some(verifier), _) => Ok(Decider::Application(verifier.clone())),
        (None, Some(trust)) => {
            builder.set_verify_cert_store(trust_store(&trust.roots)?).map_err(configuration)?;
            let revocation = RevocationChecker::new(&trust.revocation_policy(), Arc::new(Signatures))?;
            Ok(Decider::OpenSsl(Arc::new(revocation)))
        }
        (None, None) => Err(ConfigError::NoRoots { reason: "none were given".into() }),
    }
}

/// The roots as OpenSSL's store.
pub(crate) fn trust_store(roots: &Roots) -> Result<X509Store, ConfigError> {
    let mut store = X509StoreBuilder::new().map_err(configuration)?;
    // Whatever was given as a root is one, be it self-signed or not. Policies are not looked at unless asked for, and
    // policyConstraints, which is critical, is taken for understood even so (RFC 5280 §6.1.3 (f)).
    let flags = X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::POLICY_CHECK;
    store.set_flags(flags).map_err(configuration)?;
    let mut parameters = X509VerifyParam::new().map_err(configuration)?;
    ffi::take_any_policy(&mut parameters).map_err(configuration)?;
    store.set_param(&parameters).map_err(configuration)?;
    let mut trusted = 0_usize;
    for certificate in roots.certificates()?.iter() {
        match (X509::from_der(certificate), roots) {
            (Ok(certificate), _) => {
                store.add_cert(certificate).map_err(configuration)?;
                trusted += 1;
            }
            (Err(error), Roots::Explicit(_) | Roots::Directory(_)) => {
                let reason = format!("a root is malformed: {error}");
                return Err(ConfigError::Certificates { reason });
            }
            // A root in the system's store that OpenSSL cannot read takes nothing from the others.
            (Err(_), _) => {}
        }
    }
    if trusted == 0 && *roots != Roots::None {
        return Err(ConfigError::NoRoots { reason: "OpenSSL can read none of them".into() });
    }
    Ok(store.build())
}
