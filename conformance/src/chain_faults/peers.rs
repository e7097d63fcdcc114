//! What is wrong with the peer's own certificate, or with when it is shown.

use polytls_api::{CertificateError, PresentedChain, ServerName, x509::Certificate};
use rcgen::{BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType};
use std::time::{Duration, SystemTime};

use super::{
    Asked,
    chains::{Authority, Chain, Role, days, peer},
    malformed,
};
use crate::{
    Pair,
    behaviour::{At, Stop, ensure, ensure_eq, failed},
    pki::SERVER_NAME,
};

const SUBJECT_ALT_NAME: &[u64] = &[2, 5, 29, 17];

pub(crate) async fn a_certificate_out_of_its_time_is_told_with_its_dates(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    for role in Role::BOTH {
        for (from, to) in [(-20, -10), (10, 20)] {
            let issuer = root.below("intermediate", |params| {
                (params.not_before, params.not_after) = days(from, to);
            });
            let good = root.below("intermediate", |_| ());
            let own = good.issue(role, |params| (params.not_before, params.not_after) = days(from, to));
            let chains: [(Chain, _); 2] = [
                ((own.clone(), vec![good.der.clone()]), own),
                ((issuer.issue(role, |_| ()), vec![issuer.der.clone()]), issuer.der.clone()),
            ];
            for (chain, faulty) in &chains {
                let name = SERVER_NAME.parse()?;
                let now = SystemTime::now();
                let presented = PresentedChain::new(&chain.0, &chain.1);
                let found = asked.0.verify(&presented, &role.peer(&name), now).await;
                let Ok(faulty) = Certificate::parse(faulty) else { return failed("it can be read") };
                let not_after = Some(faulty.validity.not_after);
                let not_before = Some(faulty.validity.not_before);
                let expected = match from < 0 {
                    true => CertificateError::Expired { now, not_after },
                    false => CertificateError::NotYetValid { now, not_before },
                };
                let Err(found) = found else { return failed(format!("accepted: {expected}")) };
                ensure_eq(seconds(found), seconds(expected), "the fault, and its dates")?;
            }
        }
    }
    Ok(())
}

/// The fault without fractions of a second, which certificates do not have and some libraries do not take.
fn seconds(fault: CertificateError) -> CertificateError {
    let whole = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
    };
    match fault {
        CertificateError::Expired { now, not_after } => {
            CertificateError::Expired { now: whole(now), not_after }
        }
        CertificateError::NotYetValid { now, not_before } => {
            CertificateError::NotYetValid { now: whole(now), not_before }
        }
        other => other,
    }
}

pub(crate) async fn another_name_is_told_with_the_names_that_there_are(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    let dns = |name: &str| SanType::DnsName(name.try_into().expect("it is ASCII"));
    let own = root.issue(Role::Server, |params| {
        params.subject_alt_names = vec![
            dns("b.example"),
            SanType::IpAddress([192, 0, 2, 7].into()),
            SanType::Rfc822Name("somebody@example".try_into().expect("it is ASCII")),
            dns("*.a.example"),
            SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()),
        ];
    });
    let presented: Vec<String> = ["b.example", "192.0.2.7", "*.a.example", "::1"].map(Into::into).to_vec();
    let none = root.issue(Role::Server, |params| params.subject_alt_names.clear());
    let many = root.issue(Role::Server, |params| {
        params.subject_alt_names = (0..300).map(|count| dns(&format!("n{count}.example"))).collect();
    });
    for expected in ["c.example", "a.example", "b.c.a.example", "192.0.2.8", "::2"] {
        let name: ServerName = expected.parse()?;
        for (own, presented) in [(&own, presented.clone()), (&none, vec![])] {
            let found =
                asked.0.verify(&PresentedChain::new(own, &[]), &Role::Server.peer(&name), now()).await;
            let Err(fault) = found else { return failed(format!("accepted for {expected}")) };
            let expected = CertificateError::NameMismatch { expected: expected.into(), presented };
            ensure_eq(fault, expected, "the fault, and the names")?;
        }
        let found = asked.0.verify(&PresentedChain::new(&many, &[]), &Role::Server.peer(&name), now()).await;
        let Err(CertificateError::NameMismatch { presented, .. }) = found else {
            return failed(format!("{expected}: {found:?}"));
        };
        ensure((1..=100).contains(&presented.len()), || format!("{} names are told", presented.len()))?;
        ensure_eq(presented[0].as_str(), "n0.example", "the first name of many")?;
    }
    for right in ["b.example", "x.a.example", "192.0.2.7", "::1"] {
        let name: ServerName = right.parse()?;
        asked
            .0
            .verify(&PresentedChain::new(&own, &[]), &Role::Server.peer(&name), now())
            .await
            .map(drop)
            .or_else(|fault| failed(format!("{right}: {fault}")))?;
    }
    Ok(())
}

fn now() -> SystemTime {
    SystemTime::now()
}

pub(crate) async fn a_usage_that_does_not_fit_is_refused(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    let wrong = || Some(CertificateError::WrongUsage);
    for role in Role::BOTH {
        let alone = |certificate| (certificate, vec![]);
        let both = root.issue(role, |params| params.extended_key_usages.push(role.other().usage()));
        asked.finds(role, &alone(both), None, "both usages").await?;
        let any = root.issue(role, |params| params.extended_key_usages.clear());
        asked.finds(role, &alone(any), None, "no usage named").await?;
        let other = root.issue(role, |params| params.extended_key_usages = vec![role.other().usage()]);
        asked.finds(role, &alone(other), wrong(), "the other's usage").await?;
        let none = root.issue(role, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        });
        asked.finds(role, &alone(none), wrong(), "another usage").await?;
        let signs_lists = root.issue(role, |params| params.key_usages = vec![KeyUsagePurpose::CrlSign]);
        asked.finds(role, &alone(signs_lists), wrong(), "a key for lists").await?;
        let limited = |usage| {
            let issuer = root.below("intermediate", |params| params.extended_key_usages = vec![usage]);
            (issuer.issue(role, |_| ()), vec![issuer.der])
        };
        asked.finds(role, &limited(role.usage()), None, "an issuer for this usage").await?;
        asked.finds(role, &limited(role.other().usage()), wrong(), "an issuer for the other").await?;
    }
    Ok(())
}

pub(crate) async fn an_authoritys_certificate_is_no_peers(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    let fault = || Some(CertificateError::CaUsedAsEndEntity);
    let authority = |params: &mut rcgen::CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    };
    for role in Role::BOTH {
        let below = root.issue(role, authority);
        asked.finds(role, &(below, vec![]), fault(), "an authority below the root").await?;
        let mut params = peer(role);
        authority(&mut params);
        params.use_authority_key_identifier_extension = false;
        let own = params.self_signed(&super::chains::key()).map(|made| made.der().clone());
        let Ok(own) = own else { return failed("rcgen makes it") };
        let trusting = Asked::new(&pair, polytls_api::Roots::from_der([own.clone()]))?;
        trusting.finds(role, &(own.clone(), vec![]), fault(), "a root").await?;
        let found = asked.about(role, &(own, vec![])).await;
        ensure(found.is_err(), || format!("{role:?}: nobody trusts it: {found:?}"))?;
    }
    Ok(())
}

pub(crate) async fn a_malformed_certificate_is_told_with_the_place(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    let extension = |content: &[u8]| CustomExtension::from_oid_content(SUBJECT_ALT_NAME, content.to_vec());
    for role in Role::BOTH {
        let good = root.issue(role, |_| ());
        let cut: Vec<u8> = good[..good.len() - 10].to_vec();
        let trailing = [&*good, &[0]].concat();
        let names = root.issue(role, |params| {
            params.subject_alt_names.clear();
            params.custom_extensions.push(extension(&[0x0c, 3, b'a', b'.', b'b']));
        });
        let twice = root.issue(role, |params| {
            params.custom_extensions.push(extension(&[0x30, 4, 0x82, 2, b'a', b'b']));
        });
        let unknown = root.issue(role, |params| {
            let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 1], vec![5, 0]);
            extension.set_criticality(true);
            params.custom_extensions.push(extension);
        });
        for (certificate, what) in [
            (cut.into(), "cut off"),
            (trailing.into(), "with an octet behind it"),
            (b"no certificate".to_vec().into(), "no DER"),
            (names, "with names that are none"),
            (twice, "with an extension twice"),
            (unknown, "with a critical extension that nobody knows"),
        ] {
            let chain = (certificate, vec![]);
            asked.finds(role, &chain, malformed(), what).await?;
            if let Err(CertificateError::Malformed { detail }) = asked.about(role, &chain).await {
                ensure(!detail.is_empty(), || "it says where".into()).at(what)?;
            }
        }
    }
    Ok(())
}
