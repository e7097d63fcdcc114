//! What a chain makes webpki do: it goes from issuer to issuer by their names, every way there is, before it looks at a
//! signature, and ends after 200,000 steps. That is a third of a second of a debug build for a few kilobytes that a peer
//! sends; here it is counted first.

#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use polytls_api::CertificateError;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use webpki::EndEntityCert;

/// The most intermediates of a path; webpki's.
const DEPTH: usize = 6;

/// The most ways that webpki is let go. Cross-signed roots make dozens.
const WAYS: u64 = 4_000;

/// The certificates that webpki may look for paths in: all, or where there are too many ways through them, those that can
/// be on the way to a root.
///
/// # Errors
/// [`CertificateError::PathTooLong`] where there are too many ways even so.
pub(crate) fn bounded<'a>(
    end_entity: &EndEntityCert<'_>,
    intermediates: &'a [CertificateDer<'a>],
    anchors: &[TrustAnchor<'_>],
) -> Result<Cow<'a, [CertificateDer<'a>]>, CertificateError> {
    // What cannot be read is passed over by webpki too.
    let read: Vec<_> = intermediates
        .iter()
        .filter_map(|der| EndEntityCert::try_from(der).ok().map(|certificate| (der, certificate)))
        .collect();
    let mut links: Vec<Link<'_>> = read
        .iter()
        .map(|(_, certificate)| Link { subject: certificate.subject(), issuer: certificate.issuer() })
        .collect();
    if ways(end_entity.issuer(), &links) <= WAYS {
        return Ok(Cow::Borrowed(intermediates));
    }
    let lead = leading(&links, anchors);
    let mut kept = lead.iter();
    links.retain(|_| kept.next() == Some(&true));
    if ways(end_entity.issuer(), &links) > WAYS {
        let detail = format!("the names of its issuers make more than {WAYS} ways");
        return Err(CertificateError::PathTooLong { detail });
    }
    Ok(read.iter().zip(lead).filter(|(_, leads)| *leads).map(|((der, _), _)| (*der).clone()).collect())
}

/// A certificate in the eyes of who looks for a path.
#[derive(Clone, Copy)]
struct Link<'a> {
    subject: &'a [u8],
    issuer: &'a [u8],
}

/// How many ways there are upwards from whom `issuer` has issued, of up to [`DEPTH`] certificates.
fn ways(issuer: &[u8], links: &[Link<'_>]) -> u64 {
    // After as many steps: in how many ways the name is the next issuer's.
    let mut arrivals = HashMap::from([(issuer, 1_u64)]);
    let mut ways: u64 = 0;
    for _ in 0..DEPTH {
        let mut next = HashMap::new();
        for link in links {
            let Some(&arrived) = arrivals.get(link.subject) else { continue };
            ways = ways.saturating_add(arrived);
            let count = next.entry(link.issuer).or_insert(0_u64);
            *count = count.saturating_add(arrived);
        }
        arrivals = next;
    }
    ways
}

/// Which certificates have a root above them, at most [`DEPTH`] steps away.
fn leading(links: &[Link<'_>], anchors: &[TrustAnchor<'_>]) -> Vec<bool> {
    let issues = |link: &Link<'_>| anchors.iter().any(|anchor| *anchor.subject == *link.issuer);
    let mut leads: Vec<bool> = links.iter().map(issues).collect();
    for _ in 1..DEPTH {
        let above: HashSet<&[u8]> =
            links.iter().zip(&leads).filter(|(_, leads)| **leads).map(|(link, _)| link.subject).collect();
        for (link, leads) in links.iter().zip(&mut leads) {
            *leads |= above.contains(link.issuer);
        }
    }
    leads
}
