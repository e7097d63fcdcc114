//! Who may issue what: strangers, peers' certificates that issue, and the bounds of an authority.

use polytls_api::CertificateError;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, GeneralSubtree, IsCa,
    KeyUsagePurpose, NameConstraints, SanType,
};

use super::{
    Asked,
    chains::{Authority, Chain, Role, key, peer},
};
use crate::{
    Pair,
    behaviour::{Stop, failed},
};

pub(crate) async fn a_stranger_is_told_from_its_own_issuer(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, Authority::root_named("other").roots())?;
    let unknown = || Some(CertificateError::UnknownIssuer);
    for role in Role::BOTH {
        let issuer = root.below("intermediate", |_| ());
        let own = issuer.issue(role, |_| ());
        asked.finds(role, &(own.clone(), vec![issuer.der.clone()]), unknown(), "no root").await?;
        let whole = (own.clone(), vec![issuer.der.clone(), root.der.clone()]);
        asked.finds(role, &whole, unknown(), "a root that is sent along").await?;
        let trusting = Asked::new(&pair, root.roots())?;
        trusting.finds(role, &(own.clone(), vec![]), unknown(), "an intermediate that is missing").await?;
        trusting.finds(role, &whole, None, "the root").await?;
        let mut params = peer(role);
        params.use_authority_key_identifier_extension = false;
        let Ok(made) = params.self_signed(&key()) else { return failed("rcgen makes it") };
        let alone = (made.der().clone(), vec![]);
        let fault = Some(CertificateError::SelfSigned);
        asked.finds(role, &alone, fault, "its own issuer").await?;
        let trusting = Asked::new(&pair, polytls_api::Roots::from_der([alone.0.clone()]))?;
        trusting.finds(role, &alone, None, "its own issuer, and trusted").await?;
    }
    Ok(())
}

pub(crate) async fn a_peers_certificate_issues_nothing(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    let signs = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
    type Change = fn(&mut CertificateParams);
    let faults: [(&str, Change); 3] = [
        ("no authority", |params| params.is_ca = IsCa::ExplicitNoCa),
        ("no basicConstraints", |params| params.is_ca = IsCa::NoCa),
        ("a key that may not sign", |params| params.key_usages = vec![KeyUsagePurpose::CrlSign]),
    ];
    let fault = || Some(CertificateError::EndEntityUsedAsCa);
    for role in Role::BOTH {
        for (what, change) in faults {
            let issuer = root.below("intermediate", |params| {
                params.key_usages.clone_from(&signs);
                change(params);
            });
            let chain = (issuer.issue(role, |_| ()), vec![issuer.der]);
            asked.finds(role, &chain, fault(), what).await?;
        }
        let issuer = root.below("intermediate", |_| ());
        let of_version_1 = root.of_version_1(&issuer.der);
        asked.finds(role, &(issuer.issue(role, |_| ()), vec![of_version_1]), fault(), "version 1").await?;
    }
    Ok(())
}

pub(crate) async fn an_authority_stays_within_its_path_length(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    for role in Role::BOTH {
        for (length, allowed) in [(0, 0), (1, 1), (1, 2), (0, 1)] {
            let first = root.below("first", |params| {
                params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length));
            });
            let mut others = vec![first.der.clone()];
            let mut last = first;
            for count in 0..allowed {
                last = last.below(&format!("below {count}"), |_| ());
                others.insert(0, last.der.clone());
            }
            let fault = (allowed > length).then_some(CertificateError::PathLengthExceeded);
            let chain = (last.issue(role, |_| ()), others);
            asked.finds(role, &chain, fault, &format!("{allowed} below one that allows {length}")).await?;
        }
    }
    Ok(())
}

pub(crate) async fn an_authority_stays_within_its_names(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    let dns = |name: &str| GeneralSubtree::DnsName(name.into());
    let ip = |first| GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([first, 0, 2, 0], 24));
    let directory = || {
        let mut name = DistinguishedName::new();
        name.push(DnType::OrganizationName, "another");
        GeneralSubtree::DirectoryName(name)
    };
    let cases = [
        ("a name that is permitted", vec![dns("example")], vec![], false),
        ("another name is", vec![dns("a.example")], vec![], true),
        ("the name is excluded", vec![], vec![dns("server.example")], true),
        ("names above it are", vec![], vec![dns("example")], true),
        ("another name is excluded", vec![], vec![dns("other.example")], false),
        ("an address that is permitted", vec![ip(192)], vec![], false),
        ("another address is", vec![ip(10)], vec![], true),
        ("the address is excluded", vec![], vec![ip(192)], true),
        ("another directory name is permitted", vec![directory()], vec![], true),
    ];
    for role in Role::BOTH {
        for (what, permitted, excluded, violated) in &cases {
            let issuer = root.below("intermediate", |params| {
                params.name_constraints = Some(NameConstraints {
                    permitted_subtrees: permitted.clone(),
                    excluded_subtrees: excluded.clone(),
                });
            });
            let own = issuer.issue(role, |params| {
                params.subject_alt_names.push(SanType::IpAddress([192, 0, 2, 7].into()));
            });
            let chain: Chain = (own, vec![issuer.der]);
            let fault = CertificateError::NameConstraintViolated { detail: String::new() };
            asked.finds(role, &chain, violated.then_some(fault), what).await?;
        }
    }
    Ok(())
}
