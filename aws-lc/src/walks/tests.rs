use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::*;

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn root(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    CertifiedIssuer::self_signed(params(name), KeyPair::generate().unwrap()).unwrap()
}

/// An end entity of `issuer`, these intermediates, and trust in `anchor`: the intermediates that are left.
fn left(
    issuer: &CertifiedIssuer<'static, KeyPair>,
    intermediates: &[CertificateDer<'static>],
    anchor: &CertifiedIssuer<'static, KeyPair>,
) -> Result<usize, CertificateError> {
    let key = KeyPair::generate().unwrap();
    let der = CertificateParams::new(vec!["a.example".into()])
        .unwrap()
        .signed_by(&key, issuer)
        .unwrap()
        .der()
        .clone();
    let end_entity = EndEntityCert::try_from(&der).unwrap();
    let anchors = [webpki::anchor_from_trusted_cert(anchor.der()).unwrap()];
    bounded(&end_entity, intermediates, &anchors).map(|left| left.len())
}

#[test]
fn a_usual_chain_is_left_as_it_is() {
    let anchor = root("anchor");
    let issuer = CertifiedIssuer::signed_by(params("issuer"), KeyPair::generate().unwrap(), &anchor).unwrap();
    // A stranger among them, and what is no certificate.
    let presented = [issuer.der().clone(), root("stranger").der().clone(), vec![0x30, 0].into()];
    assert_eq!(left(&issuer, &presented, &anchor), Ok(3));
}

#[test]
fn of_many_of_one_name_those_that_lead_nowhere_are_taken_out() {
    let anchor = root("anchor");
    let issuer = CertifiedIssuer::signed_by(params("issuer"), KeyPair::generate().unwrap(), &anchor).unwrap();
    let mut presented: Vec<_> = (0..20).map(|_| root("nowhere").der().clone()).collect();
    // They are on the end entity's way, and on no way to the root.
    let cross =
        CertifiedIssuer::signed_by(params("issuer"), KeyPair::generate().unwrap(), &root("nowhere")).unwrap();
    presented.extend([cross.der().clone(), issuer.der().clone()]);
    assert_eq!(left(&issuer, &presented, &anchor), Ok(1));
}

#[test]
fn many_that_all_may_lead_to_the_root_are_refused() {
    let anchor = root("anchor");
    let issuer = root("anchor");
    let presented: Vec<_> = (0..20).map(|_| root("anchor").der().clone()).collect();
    let refused = left(&issuer, &presented, &anchor).unwrap_err();
    assert!(matches!(refused, CertificateError::PathTooLong { .. }), "{refused}");
}

#[test]
fn roots_that_signed_each_other_are_no_offence() {
    let names = ["a", "b", "c"];
    let roots = names.map(root);
    let mut presented = Vec::new();
    for (name, own) in names.iter().zip(&roots) {
        for other in roots.iter().filter(|other| other.der() != own.der()) {
            let crossed = params(name).signed_by(own.key(), other).unwrap();
            presented.push(crossed.der().clone());
        }
    }
    assert_eq!(left(&roots[0], &presented, &roots[2]), Ok(6));
}
