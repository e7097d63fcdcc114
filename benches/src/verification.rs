//! Chains to verify, and whoever verifies them: a backend's verifier through polytls, or its library called directly.
//!
//! Every one is given the presented certificates in DER, parses them, and checks path, time, usage and name. Roots are
//! parsed beforehand.

mod direct;

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::SystemTime,
};

use polytls::{
    Backend, Cached, CertificateDer, CertificateVerifier, ExpectedPeer, PresentedChain, RevocationPolicy,
    Roots, ServerName, TrustPolicy, cached,
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SignatureAlgorithm,
};

pub use self::direct::{OpenSslDirectly, WebPkiDirectly};
use crate::NAME;

/// A server's chain, and the root that it leads to.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "a benchmark's input")]
pub struct Chain {
    /// The key's algorithm, which is the same in all of it, and how many certificates there are with the root.
    pub name: String,
    /// The server's certificate, for [`NAME`].
    pub end_entity: CertificateDer<'static>,
    /// What else the server presents.
    pub intermediates: Vec<CertificateDer<'static>>,
    /// The root.
    pub root: CertificateDer<'static>,
}

impl Chain {
    /// The chains that are measured: P-256 and RSA with 2048 bits, of two certificates and of three.
    pub fn all() -> Vec<Self> {
        let algorithms = [("P-256", &PKCS_ECDSA_P256_SHA256), ("RSA-2048", &PKCS_RSA_SHA256)];
        let chains = algorithms.into_iter().flat_map(|(name, algorithm)| {
            [2, 3].map(|length| Self::new(format!("{name}, {length} certificates"), algorithm, length))
        });
        chains.collect()
    }

    /// One whose keys have this algorithm, of this many certificates with the root.
    fn new(name: String, algorithm: &'static SignatureAlgorithm, length: usize) -> Self {
        let key = || KeyPair::generate_for(algorithm).expect("aws-lc-rs generates such keys");
        let (params, root_key) = (authority("the root"), key());
        let root = params.self_signed(&root_key).expect("rcgen makes roots").der().clone();
        let mut issuer = Issuer::new(params, root_key);
        let mut intermediates = Vec::new();
        for place in 2..length {
            let (params, key) = (authority(&format!("authority {place}")), key());
            let certificate = params.signed_by(&key, &issuer).expect("rcgen makes authorities");
            intermediates.insert(0, certificate.der().clone());
            issuer = Issuer::new(params, key);
        }
        let mut params = CertificateParams::new([NAME.to_owned()]).expect("a DNS name");
        params.distinguished_name.push(DnType::CommonName, NAME);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let end_entity = params.signed_by(&key(), &issuer).expect("rcgen makes end entities").der().clone();
        Self { name, end_entity, intermediates, root }
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params
}

/// Verifies one chain, again and again.
pub trait Verification {
    /// Panics where the chain is refused: it is a good one.
    fn verify(&self);
}

/// A verifier of polytls's.
#[derive(Debug)]
pub struct ThroughPolytls<'a> {
    verifier: Arc<dyn CertificateVerifier>,
    chain: &'a Chain,
    name: ServerName,
    now: SystemTime,
}

impl<'a> ThroughPolytls<'a> {
    /// This backend's, which trusts the chain's root, and asks no more than its library: nothing about revocation.
    pub fn of_backend(backend: &dyn Backend, chain: &'a Chain) -> Self {
        Self::with_revocation(backend, chain, RevocationPolicy::off())
    }

    /// The same, with this policy of revocation.
    pub fn with_revocation(backend: &dyn Backend, chain: &'a Chain, policy: RevocationPolicy) -> Self {
        let trust = TrustPolicy::new(Roots::from_der([chain.root.clone()])).with_revocation(policy);
        Self::new(backend.verifier(&trust).expect("a good root"), chain)
    }

    /// The same, with what it accepts kept.
    pub fn cached(&self) -> Self {
        let verifier = cached(self.verifier.clone(), Cached::DEFAULT_CAPACITY);
        Self::new(verifier.expect("a backend's own verifier has a revision"), self.chain)
    }

    /// This one.
    fn new(verifier: Arc<dyn CertificateVerifier>, chain: &'a Chain) -> Self {
        Self { verifier, chain, name: NAME.parse().expect("a DNS name"), now: SystemTime::now() }
    }
}

impl Verification for ThroughPolytls<'_> {
    fn verify(&self) {
        let chain = PresentedChain::new(&self.chain.end_entity, &self.chain.intermediates);
        let peer = ExpectedPeer::Server(&self.name);
        let verification = pin!(self.verifier.verify(&chain, &peer, self.now));
        // None of these waits for anything: a runtime would be measured with them.
        match verification.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(verdict) => drop(verdict.expect("a good chain")),
            Poll::Pending => panic!("the verifier waits"),
        }
    }
}
