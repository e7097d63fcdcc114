//! What the search for a path to a root may cost: 6 intermediates, and 100 signatures.

use std::time::SystemTime;

use polytls_api::{
    AlertDescription, CertificateDer, CertificateError, CertificateVerifier, ExpectedPeer, PresentedChain,
    Roots,
};
use polytls_aws_lc::{SIGNATURE_ALGORITHMS, WebPkiVerifier};
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
    let verifier = WebPkiVerifier::new(&roots, &[], SIGNATURE_ALGORITHMS).unwrap();
    let name = "server.example".parse().unwrap();
    let presented = PresentedChain::new(leaf, intermediates);
    let server = ExpectedPeer::Server(&name);
    verifier.verify(&presented, &server, SystemTime::now()).await.map(drop)
}

#[tokio::test]
async fn a_path_has_six_intermediates_and_no_more() {
    for (count, alert) in [(6, None), (7, Some(AlertDescription::BAD_CERTIFICATE))] {
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
    // Of the same names, so that only its signature tells that it leads nowhere.
    let wrong = below(&stranger, "intermediate").der().clone();
    let leaf = leaf(&right);
    // The path itself has two signatures.
    for (count, alert) in [(98, None), (100, Some(AlertDescription::CERTIFICATE_UNKNOWN))] {
        let mut intermediates = vec![wrong.clone(); count];
        intermediates.push(right.der().clone());
        let verdict = verify(&root, &leaf, &intermediates).await;
        assert_eq!(
            verdict.as_ref().err().map(CertificateError::alert),
            alert,
            "behind {count} others: {verdict:?}"
        );
    }
}
