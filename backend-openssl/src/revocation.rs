//! Revocation lists (RFC 5280 §5, §6.3) in OpenSSL's verification.
//!
//! With any list given, every certificate of the path below the root must be covered by one in force.

use std::ffi::c_int;

use openssl::{
    error::ErrorStack,
    x509::{X509Crl, X509StoreContextRef, store::X509StoreBuilderRef, verify::X509VerifyFlags},
};
use openssl_sys as sys;
use polytls_api::{CertificateRevocationListDer, ConfigError};

use crate::{error::configuration, ffi};

/// What OpenSSL says where it cannot tell whether a certificate was revoked.
const UNKNOWN: [c_int; 12] = [
    sys::X509_V_ERR_UNABLE_TO_GET_CRL,
    sys::X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE,
    sys::X509_V_ERR_CRL_SIGNATURE_FAILURE,
    sys::X509_V_ERR_CRL_NOT_YET_VALID,
    sys::X509_V_ERR_CRL_HAS_EXPIRED,
    sys::X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD,
    sys::X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD,
    sys::X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER,
    sys::X509_V_ERR_KEYUSAGE_NO_CRL_SIGN,
    sys::X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION,
    sys::X509_V_ERR_DIFFERENT_CRL_SCOPE,
    sys::X509_V_ERR_CRL_PATH_VALIDATION_ERROR,
];

/// Has verifications with this store ask the lists; none given is no check.
pub(crate) fn check(
    store: &mut X509StoreBuilderRef,
    crls: &[CertificateRevocationListDer<'static>],
) -> Result<(), ConfigError> {
    if crls.is_empty() {
        return Ok(());
    }
    for crl in crls {
        let crl = parse(crl)?;
        ffi::add_crl(store, &crl).map_err(configuration)?;
    }
    store.set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL).map_err(configuration)?;
    ffi::pass_over_faults(store);
    Ok(())
}

fn parse(crl: &CertificateRevocationListDer<'_>) -> Result<X509Crl, ConfigError> {
    let malformed = |reason: &dyn std::fmt::Display| ConfigError::Certificates {
        reason: format!("a revocation list is malformed: {reason}"),
    };
    let parsed = X509Crl::from_der(crl).map_err(|error: ErrorStack| malformed(&error))?;
    if parsed.next_update().is_none() {
        // RFC 5280 §5.1.2.5. Without it nobody could say whether the list is in force.
        return Err(malformed(&"it has no nextUpdate"));
    }
    Ok(parsed)
}

/// Whether a code of a verification says that revocation is unknown.
pub(crate) fn is_unknown(code: c_int) -> bool {
    UNKNOWN.contains(&code)
}

/// Whether a fault is to be passed over: what revocation lists say, or do not say, of the root itself. OpenSSL asks
/// them about every certificate of the path, and a root is trusted because it was given as one.
pub(crate) fn is_overlooked(context: &X509StoreContextRef) -> bool {
    let code = context.error().as_raw();
    let depth = usize::try_from(context.error_depth()).unwrap_or_default();
    depth >= ffi::below_root(context) && (code == sys::X509_V_ERR_CERT_REVOKED || is_unknown(code))
}
