use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::*;
use crate::ServerName;

fn params(name: &str, is_ca: IsCa) -> CertificateParams {
    let mut params = CertificateParams::new([format!("{name}.example")]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params.is_ca = is_ca;
    params
}

/// A root, an authority below it, another that is none, and a certificate of each of the two.
struct Chains {
    root: CertificateDer<'static>,
    authority: CertificateDer<'static>,
    none: CertificateDer<'static>,
    by_authority: CertificateDer<'static>,
    by_none: CertificateDer<'static>,
}

fn chains() -> Chains {
    let authority = || IsCa::Ca(BasicConstraints::Unconstrained);
    let key = || KeyPair::generate().unwrap();
    let (root_key, authority_key, none_key) = (key(), key(), key());
    let root = params("root", authority());
    let (middle, none) = (params("authority", authority()), params("none", IsCa::ExplicitNoCa));
    let by_root = Issuer::from_params(&root, &root_key);
    let leaf = params("leaf", IsCa::ExplicitNoCa);
    let sign = |params: &CertificateParams, key: &KeyPair, issuer: &Issuer<'_, &KeyPair>| {
        params.signed_by(key, issuer).unwrap().der().clone()
    };
    Chains {
        root: root.self_signed(&root_key).unwrap().der().clone(),
        authority: sign(&middle, &authority_key, &by_root),
        none: sign(&none, &none_key, &by_root),
        by_authority: sign(&leaf, &key(), &Issuer::from_params(&middle, &authority_key)),
        by_none: sign(&leaf, &key(), &Issuer::from_params(&none, &none_key)),
    }
}

/// Inspects a chain with a library that answers so, and tells what the library was asked each time.
fn ask(
    end_entity: &CertificateDer<'static>,
    others: &[CertificateDer<'static>],
    mut library: impl FnMut(&[CertificateDer<'_>]) -> Result<VerifiedChain, CertificateError>,
) -> (Result<VerifiedChain, CertificateError>, Vec<Vec<CertificateDer<'static>>>) {
    let name = ServerName::Dns("leaf.example".into());
    let mut asked = Vec::new();
    let chain = PresentedChain::new(end_entity, others);
    let answer = inspected(&chain, &ExpectedPeer::Server(&name), |chain| {
        asked.push(chain.intermediates.iter().map(|der| der.clone().into_owned()).collect());
        library(chain.intermediates)
    });
    (answer, asked)
}

#[test]
fn a_library_is_asked_once_about_a_good_chain() {
    let Chains { root, authority, by_authority, .. } = chains();
    let path = VerifiedChain::new(vec![by_authority.clone(), authority.clone(), root]);
    let (answer, asked) = ask(&by_authority, std::slice::from_ref(&authority), |_| Ok(path.clone()));
    assert_eq!(answer.unwrap().path(), path.path());
    assert_eq!(asked, [vec![authority]]);
}

#[test]
fn a_library_is_asked_again_without_what_stands_on_no_path() {
    let Chains { root, authority, none, by_authority, .. } = chains();
    let others = [root.clone(), none, b"no certificate".to_vec().into(), authority.clone()];
    let path = VerifiedChain::new(vec![by_authority.clone(), authority.clone(), root]);
    let (answer, asked) = ask(&by_authority, &others, |others| match others.len() {
        1 => Ok(path.clone()),
        _ => Err(CertificateError::UnknownIssuer),
    });
    assert!(answer.is_ok());
    assert_eq!(asked, [others.to_vec(), vec![authority]]);
}

#[test]
fn a_path_over_what_is_no_authoritys_is_refused_whatever_the_library_says() {
    let Chains { root, none, by_none, .. } = chains();
    for reaches_root in [true, false] {
        let path = vec![by_none.clone(), none.clone(), root.clone()];
        let path =
            if reaches_root { VerifiedChain::new(path) } else { VerifiedChain::partial(path[..2].to_vec()) };
        let (answer, _) = ask(&by_none, std::slice::from_ref(&none), |others| match others.is_empty() {
            true => Err(CertificateError::UnknownIssuer),
            false => Ok(path.clone()),
        });
        assert_eq!(answer.unwrap_err(), CertificateError::EndEntityUsedAsCa);
    }
}

#[test]
fn what_was_left_out_explains_an_unknown_issuer_and_nothing_else() {
    let Chains { none, by_none, by_authority, .. } = chains();
    for (end_entity, fault, expected) in [
        (&by_none, CertificateError::UnknownIssuer, CertificateError::EndEntityUsedAsCa),
        (&by_none, CertificateError::BadSignature, CertificateError::BadSignature),
        (&by_authority, CertificateError::UnknownIssuer, CertificateError::UnknownIssuer),
    ] {
        let (answer, asked) = ask(end_entity, std::slice::from_ref(&none), |_| Err(fault.clone()));
        assert_eq!(answer.unwrap_err(), expected);
        assert_eq!(asked.len(), 2);
    }
}

#[test]
fn those_are_first_that_others_name() {
    let Chains { authority, by_authority, .. } = chains();
    let alike: Vec<_> = (0..3).map(|_| chains().authority).collect();
    let others = [&alike[..], std::slice::from_ref(&authority)].concat();
    let (_, asked) = ask(&by_authority, &others, |_| Err(CertificateError::BadSignature));
    assert_eq!(asked[1], [&[authority][..], &alike].concat());
}

#[test]
fn an_authoritys_certificate_is_nobodys_own() {
    let Chains { root, authority, .. } = chains();
    let accepts = |_: &[CertificateDer<'_>]| Ok(VerifiedChain::new(vec![]));
    for own in [&root, &authority] {
        assert_eq!(ask(own, &[], accepts).0.unwrap_err(), CertificateError::CaUsedAsEndEntity);
    }
    let (answer, _) = ask(&root, &[], |_| Err(CertificateError::SelfSigned));
    assert_eq!(answer.unwrap_err(), CertificateError::SelfSigned);
}
