//! Certificates for the faults of chains: each authority and each peer as its case wants it, signed rightly.

use polytls_api::{CertificateDer, ExpectedPeer, Roots, ServerName, x509::Certificate};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SignatureAlgorithm, SigningKey,
};
use time::{Duration, OffsetDateTime};

use crate::pki::{Key, SERVER_NAME};

const MADE: &str = "rcgen makes what these parameters say";

/// Whose chain it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Server,
    Client,
}

impl Role {
    pub(super) const BOTH: [Self; 2] = [Self::Server, Self::Client];

    /// Whom a verifier is asked about.
    pub(super) fn peer(self, name: &ServerName) -> ExpectedPeer<'_> {
        match self {
            Self::Server => ExpectedPeer::Server(name),
            Self::Client => ExpectedPeer::Client,
        }
    }

    pub(super) fn usage(self) -> ExtendedKeyUsagePurpose {
        match self {
            Self::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Self::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }
    }

    pub(super) fn other(self) -> Self {
        if self == Self::Server { Self::Client } else { Self::Server }
    }
}

/// What is presented: the peer's own certificate, and the others.
pub(super) type Chain = (CertificateDer<'static>, Vec<CertificateDer<'static>>);

/// A certification authority, with its certificate.
pub(super) struct Authority {
    params: CertificateParams,
    key: Box<dyn SigningKey>,
    pub(super) der: CertificateDer<'static>,
}

impl Authority {
    pub(super) fn root() -> Self {
        Self::root_named("root")
    }

    pub(super) fn root_named(name: &str) -> Self {
        Self::root_with_key(name, key())
    }

    pub(super) fn root_with_key(name: &str, key: impl SigningKey + 'static) -> Self {
        let params = authority(name);
        let der = params.self_signed(&key).expect(MADE).der().clone();
        Self { params, key: Box::new(key), der }
    }

    /// An authority below this one.
    pub(super) fn below(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        self.below_with_key(name, key(), change)
    }

    pub(super) fn below_with_key(
        &self,
        name: &str,
        key: impl SigningKey + 'static,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = authority(name);
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        let der = params.signed_by(&key, &self.issuer()).expect(MADE).der().clone();
        Self { params, key: Box::new(key), der }
    }

    /// This authority's certificate for the other one, with its name and key.
    pub(super) fn cross_sign(&self, other: &Self) -> CertificateDer<'static> {
        let mut params = other.params.clone();
        params.use_authority_key_identifier_extension = true;
        params.signed_by(&&*other.key, &self.issuer()).expect(MADE).der().clone()
    }

    /// A peer's certificate.
    pub(super) fn issue(
        &self,
        role: Role,
        change: impl FnOnce(&mut CertificateParams),
    ) -> CertificateDer<'static> {
        self.issue_for(&key(), role, change)
    }

    /// A peer's certificate, for this key.
    pub(super) fn issue_for(
        &self,
        key: &impl PublicKeyData,
        role: Role,
        change: impl FnOnce(&mut CertificateParams),
    ) -> CertificateDer<'static> {
        let mut params = peer(role);
        change(&mut params);
        params.signed_by(key, &self.issuer()).expect(MADE).der().clone()
    }

    /// The certificate with these octets in place of those, wherever they are, signed anew.
    pub(super) fn replaced(
        &self,
        certificate: &CertificateDer<'_>,
        those: &[u8],
        these: &[u8],
    ) -> CertificateDer<'static> {
        let parsed = Certificate::parse(certificate).expect(MADE);
        let replace = |der: &[u8]| {
            let mut der = der.to_vec();
            let mut place = 0;
            while place + those.len() <= der.len() {
                if der[place..].starts_with(those) {
                    der[place..place + those.len()].copy_from_slice(these);
                }
                place += 1;
            }
            der
        };
        self.sign(&replace(parsed.tbs_certificate), &replace(parsed.signature_algorithm.der))
    }

    /// The certificate as one of version 1: without a version, and without extensions.
    pub(super) fn of_version_1(&self, certificate: &CertificateDer<'_>) -> CertificateDer<'static> {
        const VERSION_3: [u8; 5] = [0xa0, 3, 2, 1, 2];
        let parsed = Certificate::parse(certificate).expect(MADE);
        let find = |octets: &[u8]| {
            let mut windows = parsed.tbs_certificate.windows(octets.len());
            windows.position(|window| window == octets).expect(MADE)
        };
        let key = parsed.subject_public_key_info.der;
        let content = &parsed.tbs_certificate[find(&VERSION_3) + VERSION_3.len()..find(key) + key.len()];
        self.sign(&tagged(0x30, content), parsed.signature_algorithm.der)
    }

    fn sign(&self, tbs_certificate: &[u8], algorithm: &[u8]) -> CertificateDer<'static> {
        let signature = self.key.sign(tbs_certificate).expect(MADE);
        let bits = tagged(3, &[&[0], &*signature].concat());
        tagged(0x30, &[tbs_certificate, algorithm, &bits].concat()).into()
    }

    pub(super) fn roots(&self) -> Roots {
        Roots::from_der([self.der.clone()])
    }

    fn issuer(&self) -> Issuer<'_, &dyn SigningKey> {
        Issuer::from_params(&self.params, &*self.key)
    }
}

/// A value in DER.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let [.., high, low] = length.to_be_bytes();
    match length {
        0..=0x7f => [&[tag, low], content].concat(),
        0x80..=0xff => [&[tag, 0x81, low], content].concat(),
        _ => [&[tag, 0x82, high, low], content].concat(),
    }
}

pub(super) fn key() -> KeyPair {
    KeyPair::generate().expect(MADE)
}

/// The suite's one RSA key, of 2048 bits.
pub(super) fn rsa_key() -> KeyPair {
    Key::Rsa2048.generate()
}

/// A key of 1024 bits with which nobody can sign: what is weak is refused before it is used.
pub(super) struct ShortRsaKey(Vec<u8>);

impl ShortRsaKey {
    pub(super) fn new() -> Self {
        let modulus = [&[0, 0xc5], &[0x5b; 126][..], &[0x35]].concat();
        Self(tagged(0x30, &[tagged(2, &modulus), vec![2, 3, 1, 0, 1]].concat()))
    }
}

impl PublicKeyData for ShortRsaKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl SigningKey for ShortRsaKey {
    fn sign(&self, _message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(vec![0x5a; 128])
    }
}

/// A peer's parameters.
pub(super) fn peer(role: Role) -> CertificateParams {
    let mut params = CertificateParams::new([SERVER_NAME.to_owned()]).expect(MADE);
    params.distinguished_name.push(DnType::CommonName, "peer");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![role.usage()];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = days(-30, 30);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = days(-60, 60);
    params
}

/// From this many days from now to that many.
pub(super) fn days(from: i64, to: i64) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now + Duration::days(from), now + Duration::days(to))
}
