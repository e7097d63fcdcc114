//! Certificates for the tour and for a server that was given none: an authority, and what it issues.

use polytls::{CertificateDer, Identity, Roots};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use crate::failure::Failure;

/// An authority made for this run, and its certificate.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

impl Authority {
    /// A new one, valid for a year.
    pub(crate) fn new() -> Result<Self, Failure> {
        let mut params = params("polytls authority", &[])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?;
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// Trust in this authority alone.
    pub(crate) fn roots(&self) -> Roots {
        Roots::from_der([self.certificate.der().clone()])
    }

    /// The certificate, in PEM.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A server of these names and addresses.
    pub(crate) fn server(&self, names: &[&str]) -> Result<Identity, Failure> {
        self.issue("polytls server", names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A client.
    pub(crate) fn client(&self) -> Result<Identity, Failure> {
        self.issue("polytls client", &[], ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(
        &self,
        common_name: &str,
        names: &[&str],
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity, Failure> {
        let mut params = params(common_name, names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(failed)?;
        let certificate: CertificateDer<'static> =
            params.signed_by(&key, &self.issuer).map_err(failed)?.der().clone();
        Ok(Identity::from_der([certificate], key.serialize_der())?)
    }
}

fn params(common_name: &str, names: &[&str]) -> Result<CertificateParams, Failure> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(365);
    Ok(params)
}

fn failed(error: rcgen::Error) -> Failure {
    Failure::usage(format!("cannot make a certificate: {error}"))
}
