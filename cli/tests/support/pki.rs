//! Chains of every kind: an authority, and what it issues.

use std::path::Path;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// An authority with its certificate in a file.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = params(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// Writes the authority's certificate.
    pub(crate) fn write_root(&self, path: &str) {
        std::fs::write(path, self.certificate.pem()).unwrap();
    }

    /// A server's certificate and key, in PEM.
    pub(crate) fn server(&self, name: &str) -> (String, String) {
        self.issue(name, |_| {})
    }

    /// A server's certificate that is no longer valid, and its key.
    pub(crate) fn expired_server(&self, name: &str) -> (String, String) {
        self.issue(name, |params| {
            params.not_before = OffsetDateTime::now_utc() - Duration::days(60);
            params.not_after = OffsetDateTime::now_utc() - Duration::days(30);
        })
    }

    /// A server's certificate with this change, and its key, in PEM.
    pub(crate) fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = params(name, &[name]);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = OffsetDateTime::now_utc() - Duration::days(1);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(30);
    params
}

/// A folder's file, by its whole name.
pub(crate) fn path(folder: &tempfile::TempDir, name: &str) -> String {
    Path::new(folder.path()).join(name).display().to_string()
}
