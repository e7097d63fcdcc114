//! What RFC 5280 and RFC 6960 write in DER, read into structs that borrow it: certificates, revocation lists, OCSP
//! responses.
//!
//! No key is used here, no clock is read, and nothing is decided: who is trusted and what is in force is the business
//! of verifiers. What is malformed is refused with the field where it is. Nothing panics, nothing recurses, and
//! what is allocated is in proportion to the input's length.
//!
//! ```
//! use polytls_x509::{Certificate, GeneralName};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let made = rcgen::generate_simple_self_signed(["example.com".to_owned()])?;
//! # let der = made.cert.der();
//! let certificate = Certificate::parse(der)?;
//! let names = certificate.extensions.subject_alt_name.map(|names| names.value).unwrap_or_default();
//! assert_eq!(names, [GeneralName::Dns(b"example.com")]);
//! # Ok(())
//! # }
//! ```

mod certificate;
mod crl;
mod error;
mod extensions;
mod general_name;
mod name;
mod ocsp;
mod reader;
mod time;

#[cfg(test)]
mod tests;

pub use self::{
    certificate::{AlgorithmIdentifier, Certificate, CertifiedKey, SubjectPublicKeyInfo, Validity},
    crl::{
        CertificateList, DistributionPoint, IssuingDistributionPoint, RevocationReason, RevokedCertificate,
    },
    error::Malformed,
    extensions::{
        AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies, Extension, Extensions, KeyPurposeId,
        KeyUsage, NameConstraints, PolicyConstraints, TlsFeature,
    },
    general_name::{GeneralName, GeneralSubtree},
    name::{Attribute, FoldedName, Name},
    ocsp::{BasicOcspResponse, CertId, CertStatus, OcspResponse, ResponderId, SingleResponse},
};
