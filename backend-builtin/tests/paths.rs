//! What the search for a path to a root may cost: 8 intermediates, and 100 signatures.

use std::time::SystemTime;

use polytls_api::{
    AlertDescription, CertificateDer, CertificateError, CertificateVerifier, ExpectedPeer, PresentedChain,
    Roots, TrustPolicy,
};
use polytls_builtin::{PathVerifier, Profile};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn root() -> Authority {
    Authority::self_signed(params("root"), KeyPair::generate().unwrap()).unwrap()
}

fn below(issuer: &Authority, name: &str) -> Authority {
    Authority::signed_by(params(name), KeyPair::generate().unwrap(), issuer).unwrap()
}

fn leaf(issuer: &Authority) -> CertificateDer<'static> {
    let params = CertificateParams::new(["server.example".to_owned()]).unwrap();
    params.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().der().clone()
}

async fn verify(
    root: &Authority,
    leaf: &CertificateDer<'static>,
    intermediates: &[CertificateDer<'static>],
) -> Result<(), CertificateError> {
    let roots = Roots::from_der([root.der().clone()]);
    let verifier = PathVerifier::new(&TrustPolicy::new(roots), Profile::Interoperable).unwrap();
    let name = "server.example".parse().unwrap();
    let presented = PresentedChain::new(leaf, intermediates);
    let server = ExpectedPeer::Server(&name);
    verifier.verify(&presented, &server, SystemTime::now()).await.map(drop)
}

#[tokio::test]
async fn a_path_has_eight_intermediates_and_no_more() {
    for (count, alert) in [(8, None), (9, Some(AlertDescription::BAD_CERTIFICATE))] {
        let root = root();
        let mut issuer = below(&root, "intermediate 1");
        let mut intermediates = vec![issuer.der().clone()];
        for number in 2..=count {
            issuer = below(&issuer, &format!("intermediate {number}"));
            intermediates.push(issuer.der().clone());
        }
        let verdict = verify(&root, &leaf(&issuer), &intermediates).await;
        assert_eq!(
            verdict.as_ref().err().map(CertificateError::alert),
            alert,
            "{count} intermediates: {verdict:?}"
        );
    }
}

#[tokio::test]
async fn a_path_is_looked_for_with_a_hundred_signatures_and_no_more() {
    let (root, stranger) = (root(), root());
    let right = below(&root, "intermediate");
    let leaf = leaf(&right);
    // Of the same names, so that only its signature tells that it leads nowhere. The path itself has two signatures.
    let wrong: Vec<_> = (0..101).map(|_| below(&stranger, "intermediate").der().clone()).collect();
    let found = [&wrong[..98], &[right.der().clone()]].concat();
    assert_eq!(verify(&root, &leaf, &found).await, Ok(()));
    assert_eq!(verify(&root, &leaf, &wrong[..100]).await, Err(CertificateError::BadSignature));
    let verdict = verify(&root, &leaf, &wrong).await;
    assert!(matches!(verdict, Err(CertificateError::PathTooLong { .. })), "{verdict:?}");
}
