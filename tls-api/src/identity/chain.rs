//! The order of a chain (RFC 8446 §4.4.2): the end entity first, then issuer by issuer.

use std::{cmp::Reverse, time::SystemTime};

use rustls_pki_types::CertificateDer;

use super::{
    certificate::{Certificate, parse_all, refused},
    key::PublicPart,
};
use crate::ConfigError;

/// A chain longer than this is a bundle given by mistake; no verifier follows one so far.
const MAX_CERTIFICATES: usize = 100;

/// The certificates in their order, each once, for this key.
///
/// What does not lead from the end entity to an authority goes to the end, with a warning: peers pass it over, while
/// a chain without what one of them needs would fail there.
pub(super) fn in_order(
    certificates: &[CertificateDer<'_>],
    key: Option<&PublicPart<'_>>,
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    if certificates.is_empty() {
        return Err(refused("the chain is empty; give the end entity's certificate at least".into()));
    }
    if certificates.len() > MAX_CERTIFICATES {
        let reason = format!(
            "{} certificates, and a chain has {MAX_CERTIFICATES} at most; give the end entity's and its issuers'",
            certificates.len()
        );
        return Err(refused(reason));
    }
    let mut left = Vec::<Certificate<'_>>::with_capacity(certificates.len());
    for certificate in parse_all(certificates)? {
        if !left.iter().any(|other| other.der == certificate.der) {
            left.push(certificate);
        }
    }
    let now = SystemTime::now();
    let end_entity = left.remove(end_entity(&left, key, now).ok_or(ConfigError::KeyMismatch)?);
    end_entity.warn_outside_validity(now);
    let chain = issuers_of(end_entity, left);
    Ok(chain.iter().map(|certificate| CertificateDer::from(certificate.der.to_vec())).collect())
}

/// Breadth first: an authority that moves to a new root has two certificates for one key, and sends both.
fn issuers_of<'a>(end_entity: Certificate<'a>, mut left: Vec<Certificate<'a>>) -> Vec<Certificate<'a>> {
    let mut chain = vec![end_entity];
    let mut next = 0;
    while let Some(subject) = chain.get(next) {
        let (issuers, others): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|candidate| candidate.issued(subject));
        chain.extend(issuers);
        left = others;
        next += 1;
    }
    if let Some(stranger) = left.first() {
        let (certificate, count) = (stranger.name(), left.len());
        tracing::warn!(
            count,
            ?certificate,
            "certificates that are not part of the identity's chain; leave them out"
        );
    }
    chain.extend(left);
    chain
}

/// The place of the one whose public key is the private key's; where the key does not tell, of the first that issued
/// no other. `None` where the key says that it belongs to none of them.
fn end_entity(
    certificates: &[Certificate<'_>],
    key: Option<&PublicPart<'_>>,
    now: SystemTime,
) -> Option<usize> {
    let rank = |(index, certificate): (usize, &Certificate<'_>)| {
        let belongs = key.and_then(|key| key.belongs_to(certificate));
        let mut others = certificates.iter().enumerate().filter(|(other, _)| *other != index);
        let is_issuer = others.any(|(_, other)| certificate.issued(other));
        (belongs != Some(false)).then_some(((belongs.is_none(), is_issuer), index))
    };
    // The lowest comes first. An authority's own certificate may stand here without what it issued.
    let ranks: Vec<_> = certificates.iter().enumerate().filter_map(rank).collect();
    let by_issuer = |(rank, index): &((bool, bool), usize)| {
        (*rank, certificates.get(*index).is_some_and(Certificate::is_self_issued), *index)
    };
    let (lowest, first) = *ranks.iter().min_by_key(|ranked| by_issuer(ranked))?;
    // A renewal may stand beside what it renews.
    let public_key = certificates.get(first)?.public_key;
    let for_one_key = ranks.iter().filter(|(rank, _)| *rank == lowest).filter_map(|(_, index)| {
        let certificate = certificates.get(*index).filter(|other| other.public_key == public_key)?;
        let expires = Reverse(certificate.not_after);
        Some((!certificate.is_valid_at(now), certificate.is_self_issued(), expires, *index))
    });
    for_one_key.min().map(|(.., index)| index)
}
