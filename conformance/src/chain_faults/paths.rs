//! What comes with a chain and is not needed, and ways to a root that are long, many, or go in a circle.

use polytls_api::CertificateError;

use super::{
    Asked,
    chains::{Authority, Role},
};
use crate::{
    Pair,
    behaviour::{Stop, ensure},
};

/// More than anybody needs, and than any verifier goes up.
const MANY: usize = 20;

pub(crate) async fn what_no_path_needs_refuses_no_chain(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    let (first, stranger) = (root.below("first", |_| ()), Authority::root());
    let second = first.below("second", |_| ());
    let third = second.below("third", |_| ());
    for role in Role::BOTH {
        let own = third.issue(role, |_| ());
        let path = [&third.der, &second.der, &first.der].map(Clone::clone);
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let others = order.map(|place| path[place].clone()).to_vec();
            asked.finds(role, &(own.clone(), others), None, &format!("in the order {order:?}")).await?;
        }
        let twice = [&path[..], &path[..], &[own.clone(), root.der.clone()]].concat();
        asked.finds(role, &(own.clone(), twice), None, "everything twice").await?;
        let mut cut = first.der.to_vec();
        cut.truncate(100);
        let impostor = stranger.below("third", |_| ());
        let garbage = [
            cut.into(),
            b"no certificate".to_vec().into(),
            Vec::new().into(),
            stranger.der.clone(),
            stranger.issue(role, |_| ()),
            impostor.der.clone(),
        ];
        for place in 0..=path.len() {
            let mut others = path.to_vec();
            others.splice(place..place, garbage.iter().cloned());
            asked.finds(role, &(own.clone(), others), None, &format!("with garbage at {place}")).await?;
        }
    }
    Ok(())
}

pub(crate) async fn cross_signed_roots_and_circles_are_gone_through(pair: Pair) -> Result<(), Stop> {
    let (old, new) = (Authority::root(), Authority::root_named("new root"));
    let crossed = old.cross_sign(&new);
    let issuer = new.below("intermediate", |_| ());
    for role in Role::BOTH {
        let own = issuer.issue(role, |_| ());
        let others = [&issuer.der, &crossed, &new.der].map(Clone::clone);
        for (roots, what) in [(old.roots(), "the old root"), (new.roots(), "the new root")] {
            let asked = Asked::new(&pair, roots)?;
            asked.finds(role, &(own.clone(), others.to_vec()), None, what).await?;
            let reversed = others.iter().rev().cloned().collect();
            asked.finds(role, &(own.clone(), reversed), None, &format!("{what}, reversed")).await?;
        }
        // Two that have signed each other, and nobody trusts them.
        let back = new.cross_sign(&issuer);
        let forth = issuer.cross_sign(&new);
        let circle = (own.clone(), vec![issuer.der.clone(), forth.clone(), back.clone()]);
        let asked = Asked::new(&pair, Authority::root_named("nobody").roots())?;
        asked.finds(role, &circle, Some(CertificateError::UnknownIssuer), "a circle").await?;
        let asked = Asked::new(&pair, old.roots())?;
        let with_way_out = (own, vec![forth, back, issuer.der.clone(), crossed.clone()]);
        asked.finds(role, &with_way_out, None, "a circle with a way out").await?;
    }
    Ok(())
}

pub(crate) async fn a_long_path_is_refused(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    let mut path = Vec::new();
    let mut last = root.below("0", |_| ());
    for count in 1..MANY {
        path.insert(0, last.der.clone());
        last = last.below(&count.to_string(), |_| ());
        if count == 4 {
            let others = [&[last.der.clone()], &path[..]].concat();
            let own = last.issue(Role::Server, |_| ());
            asked.finds(Role::Server, &(own, others), None, "five intermediates").await?;
        }
    }
    path.insert(0, last.der.clone());
    for role in Role::BOTH {
        let chain = (last.issue(role, |_| ()), path.clone());
        let fault = CertificateError::PathTooLong { detail: String::new() };
        asked.finds(role, &chain, Some(fault.clone()), "twenty intermediates").await?;
        let chain = (root.issue(role, |_| ()), vec![root.der.clone(); 300]);
        asked.finds(role, &chain, Some(fault), "three hundred certificates").await?;
    }
    Ok(())
}

pub(crate) async fn many_authorities_of_one_name_cost_little(pair: Pair) -> Result<(), Stop> {
    let root = Authority::root();
    let asked = Asked::new(&pair, root.roots())?;
    let mut alike: Vec<_> = (0..100).map(|_| root.below("alike", |_| ())).collect();
    let Some(right) = alike.pop() else { return Ok(()) };
    let others: Vec<_> = alike.iter().map(|authority| authority.der.clone()).collect();
    for role in Role::BOTH {
        let own = right.issue(role, |_| ());
        // What they say differs with what they look at before they give up; that they do is what matters.
        let found = asked.about(role, &(own.clone(), others.clone())).await;
        let refused = matches!(
            found,
            Err(CertificateError::BadSignature
                | CertificateError::UnknownIssuer
                | CertificateError::PathTooLong { .. })
        );
        ensure(refused, || format!("{role:?}: none of them is the issuer: {found:?}"))?;
        for place in [0, 50, others.len()] {
            let mut others = others.clone();
            others.insert(place, right.der.clone());
            let what = format!("the issuer is the {place}th");
            asked.finds(role, &(own.clone(), others), None, &what).await?;
        }
    }
    Ok(())
}
