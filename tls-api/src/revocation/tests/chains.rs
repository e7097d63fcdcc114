//! Authorities, paths and lists, at a time of our own.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use polytls_x509::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CrlDistributionPoint, CrlIssuingDistributionPoint, CustomExtension, DnType, IsCa, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

use super::super::{RevocationChecker, RevocationPolicy};
use crate::{CertificateError, ExpectedPeer, ServerName, SignatureVerifier, VerifiedChain};

pub(super) type Crl = CertificateRevocationListDer<'static>;

/// The serial numbers of the end entity and of the intermediate.
pub(super) const LEAF: u64 = 0x1001;
pub(super) const INTERMEDIATE: u64 = 0x2002;

/// ECDSA on P-256 with SHA-256, with which everything here is signed.
#[derive(Debug)]
pub(super) struct P256;

impl SignatureVerifier for P256 {
    fn verify_signature(
        &self,
        subject_public_key_info: &[u8],
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CertificateError> {
        if algorithm != [0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] {
            return Err(CertificateError::UnsupportedAlgorithm { detail: "not ECDSA".into() });
        }
        let (_, point) = subject_public_key_info.split_at(subject_public_key_info.len() - 65);
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            .verify(message, signature)
            .map_err(|_| CertificateError::BadSignature)
    }
}

/// 2026-06-15, at midnight.
pub(super) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_781_481_600)
}

pub(super) struct Authority {
    pub(super) issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What is particular about a list.
#[derive(Default)]
pub(super) struct ListOptions {
    /// In days of June 2026; default: 1 and 30.
    pub(super) days: Option<(u8, u8)>,
    pub(super) number: Option<u64>,
    pub(super) reason: Option<RevocationReason>,
    pub(super) point: Option<CrlIssuingDistributionPoint>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["server.example".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.subject_alt_names.clear();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Authority {
    pub(super) fn root() -> Self {
        let issuer = CertifiedIssuer::self_signed(authority_params("root"), KeyPair::generate().unwrap());
        Self { issuer: issuer.unwrap() }
    }

    pub(super) fn below(&self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        self.below_with(KeyPair::generate().unwrap(), change)
    }

    pub(super) fn below_with(&self, key: KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = authority_params("intermediate");
        params.serial_number = Some(SerialNumber::from(INTERMEDIATE));
        change(&mut params);
        Self { issuer: CertifiedIssuer::signed_by(params, key, &self.issuer).unwrap() }
    }

    /// An end entity's certificate, and its key.
    pub(super) fn issue(
        &self,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (CertificateDer<'static>, KeyPair) {
        let mut params = params("leaf");
        params.serial_number = Some(SerialNumber::from(LEAF));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().der().clone(), key)
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    pub(super) fn list(&self, revoked: &[u64], options: ListOptions) -> Crl {
        let (from, to) = options.days.unwrap_or((1, 30));
        let revoked_certs = revoked.iter().map(|&serial| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2026, 5, 1),
            reason_code: options.reason,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 6, from),
            next_update: date_time_ymd(2026, 6, to),
            crl_number: SerialNumber::from(options.number.unwrap_or(1)),
            issuing_distribution_point: options.point,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().der().clone()
    }
}

/// A path over an intermediate.
pub(super) struct Path {
    pub(super) root: Authority,
    pub(super) intermediate: Authority,
    pub(super) verified: VerifiedChain,
    name: ServerName,
}

impl Path {
    pub(super) fn new() -> Self {
        Self::with(|_| (), |_| ())
    }

    pub(super) fn with(
        intermediate: impl FnOnce(&mut CertificateParams),
        leaf: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let root = Authority::root();
        let intermediate = root.below(intermediate);
        let leaf = intermediate.issue(leaf).0;
        let verified = VerifiedChain::new(vec![leaf, intermediate.certificate(), root.certificate()]);
        Self { root, intermediate, verified, name: "server.example".parse().unwrap() }
    }

    pub(super) fn peer(&self) -> ExpectedPeer<'_> {
        ExpectedPeer::Server(&self.name)
    }

    pub(super) fn leaf(&self) -> Certificate<'_> {
        Certificate::parse(&self.verified.path()[0]).unwrap()
    }

    /// A list of each authority, with these on them.
    pub(super) fn lists(&self, of_root: &[u64], of_intermediate: &[u64]) -> Vec<Crl> {
        vec![
            self.root.list(of_root, ListOptions::default()),
            self.intermediate.list(of_intermediate, ListOptions::default()),
        ]
    }
}

/// What a policy says of a path to a server with this response.
pub(super) fn verdict(
    policy: &RevocationPolicy,
    path: &Path,
    response: Option<&[u8]>,
) -> Result<(), CertificateError> {
    let checker = RevocationChecker::new(policy, Arc::new(P256)).unwrap();
    checker.check(&path.verified, &path.peer(), response, now())
}

/// must-staple (RFC 7633): status_request.
pub(super) fn must_staple(params: &mut CertificateParams) {
    let feature = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], vec![0x30, 3, 2, 1, 5]);
    params.custom_extensions.push(feature);
}

pub(super) fn point_at(uri: &str) -> CrlDistributionPoint {
    CrlDistributionPoint { uris: vec![uri.to_owned()] }
}
