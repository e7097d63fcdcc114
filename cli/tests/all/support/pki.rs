//! Chains of every kind: an authority, and what it issues.

use std::path::Path;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
};
use time::{Duration, OffsetDateTime};

/// An authority with its certificate in a file.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    /// A root with this change.
    pub(crate) fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority_params(name);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// An authority below this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let mut params = authority_params(name);
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// The authority's certificate, in PEM.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// The authority's certificate, in DER.
    pub(crate) fn der(&self) -> &[u8] {
        self.certificate.der()
    }

    /// The authority's key.
    pub(crate) fn key(&self) -> &KeyPair {
        self.issuer.key()
    }

    /// Writes the authority's certificate.
    pub(crate) fn write_root(&self, path: &str) {
        std::fs::write(path, self.pem()).unwrap();
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

impl Authority {
    /// A revocation list in force that holds these serial numbers.
    pub(crate) fn revocation_list(&self, revoked: &[u64]) -> String {
        let now = OffsetDateTime::now_utc();
        let revoked = revoked.iter().map(|&serial| RevokedCertParams {
            serial_number: serial.into(),
            revocation_time: now - Duration::hours(1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: now - Duration::hours(1),
            next_update: now + Duration::days(7),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
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
