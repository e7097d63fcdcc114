//! What is asked of a chain on every backend, around what its library asks.
//!
//! Libraries differ in what they look at: one takes an authority's certificate for a server's, the other refuses a chain
//! for a certificate in it that nobody needs. Here they are brought to one answer, and to one name for one fault.

mod algorithms;

use rustls_pki_types::CertificateDer;

use super::{ExpectedPeer, PresentedChain, VerifiedChain};
use crate::{
    CertificateError,
    x509::{Certificate, GeneralName, KeyPurposeId, KeyUsage, Name, SubjectPublicKeyInfo},
};

/// The most certificates that are looked at beside the peer's own. A handshake has room for less.
const MOST_CERTIFICATES: usize = 256;

/// The most names of a certificate that an error tells, and how long each may be.
const MOST_NAMES: usize = 100;
const LONGEST_NAME: usize = 255;

/// Has a library verify a chain, and asks what it does not.
///
/// `library` is called once for a chain in which nothing is wrong. It is called again where it refused, or found a path
/// over a certificate that may not be in one, with the certificates that may: none that are malformed, or no authority's,
/// or whose algorithms are too weak; those first that others name as their issuers. What it then says is explained by what
/// was left out.
///
/// # Errors
/// The library's, and those of the rules above.
pub fn inspected(
    chain: &PresentedChain<'_>,
    peer: &ExpectedPeer<'_>,
    mut library: impl FnMut(&PresentedChain<'_>) -> Result<VerifiedChain, CertificateError>,
) -> Result<VerifiedChain, CertificateError> {
    let count = chain.intermediates.len();
    if count > MOST_CERTIFICATES {
        let detail =
            format!("{count} certificates came with the peer's own; {MOST_CERTIFICATES} are looked at");
        return Err(CertificateError::PathTooLong { detail });
    }
    let end_entity = Certificate::parse(chain.end_entity)
        .map_err(|error| CertificateError::Malformed { detail: error.to_string() })?;
    match end_entity_fault(&end_entity, peer) {
        None => {}
        // Of a stranger's that is its own issuer, that is the first thing to know.
        Some(CertificateError::CaUsedAsEndEntity) if end_entity.is_self_issued() => {
            return Err(match library(chain) {
                Err(CertificateError::SelfSigned | CertificateError::UnknownIssuer) => {
                    CertificateError::SelfSigned
                }
                _ => CertificateError::CaUsedAsEndEntity,
            });
        }
        Some(fault) => return Err(fault),
    }
    let purpose = purpose(peer);
    let without_fault = |path| without_fault(path, purpose);
    let verified = library(chain).and_then(without_fault).or_else(|fault| {
        let sorted = Sorted::from(chain, &end_entity);
        if sorted.candidates == chain.intermediates {
            return Err(fault);
        }
        let chain = PresentedChain { intermediates: &sorted.candidates, ..*chain };
        library(&chain).and_then(without_fault).map_err(|fault| sorted.explain(fault, &end_entity))
    });
    let verified = verified.map_err(|fault| match fault {
        CertificateError::NameMismatch { expected, .. } => {
            CertificateError::NameMismatch { expected, presented: presented_names(&end_entity) }
        }
        fault => fault,
    })?;
    // Asked last: what a library refuses for tells more.
    purpose_fault(&end_entity, &[purpose]).map_or(Ok(verified), Err)
}

/// The names in a certificate's subjectAltName that a server may go by, in their order: 100 of them at the most, and no
/// more than 255 characters of one.
pub fn presented_names(certificate: &Certificate<'_>) -> Vec<String> {
    let names = certificate.extensions.subject_alt_name.iter().flat_map(|extension| &extension.value);
    let told = |name: &GeneralName<'_>| match name {
        GeneralName::Dns(name) => {
            Some(String::from_utf8_lossy(name).escape_default().take(LONGEST_NAME).collect())
        }
        GeneralName::Ip(octets) => {
            let v4 = <[u8; 4]>::try_from(*octets).map(std::net::IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(*octets).map(std::net::IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    };
    names.filter_map(told).take(MOST_NAMES).collect()
}

/// What is wrong with the peer's own certificate, whoever has issued it.
fn end_entity_fault(certificate: &Certificate<'_>, peer: &ExpectedPeer<'_>) -> Option<CertificateError> {
    if is_authority(certificate) {
        return Some(CertificateError::CaUsedAsEndEntity);
    }
    // RFC 5280 §4.2.1.3: a server proves its identity in one of three ways, a client by a signature or, in versions of
    // old, with an agreement on keys.
    let usage = certificate.extensions.key_usage.as_ref().map(|extension| extension.value);
    let uses: &[KeyUsage] = match peer {
        ExpectedPeer::Server(_) => {
            &[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::KEY_ENCIPHERMENT, KeyUsage::KEY_AGREEMENT]
        }
        ExpectedPeer::Client => &[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::KEY_AGREEMENT],
    };
    if usage.is_some_and(|usage| !uses.iter().any(|use_| usage.contains(*use_))) {
        return Some(CertificateError::WrongUsage);
    }
    // Nobody verifies a root's own signature.
    let weak = if certificate.is_self_issued() { None } else { algorithms::weak_signature(certificate) };
    unknown_extension(certificate)
        .or_else(|| algorithms::weak_key(&certificate.subject_public_key_info))
        .or(weak)
}

/// What forbids that a certificate stands between the peer's own and a root.
fn issuer_fault(certificate: &Certificate<'_>) -> Option<CertificateError> {
    // RFC 5280 §6.1.4 (k) and (n).
    let usage = certificate.extensions.key_usage.as_ref().map(|extension| extension.value);
    let signs = usage.is_none_or(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN));
    if !is_authority(certificate) || !signs {
        return Some(CertificateError::EndEntityUsedAsCa);
    }
    unknown_extension(certificate)
        .or_else(|| algorithms::weak_key(&certificate.subject_public_key_info))
        .or_else(|| algorithms::weak_signature(certificate))
}

fn is_authority(certificate: &Certificate<'_>) -> bool {
    certificate.extensions.basic_constraints.as_ref().is_some_and(|extension| extension.value.ca)
}

/// RFC 5280 §4.2: who does not know a critical extension must refuse the certificate.
fn unknown_extension(certificate: &Certificate<'_>) -> Option<CertificateError> {
    let unknown = certificate.extensions.unknown_critical.first()?;
    let detail = format!("extensions: {unknown} is critical, and not known");
    Some(CertificateError::Malformed { detail })
}

/// Whether all that stands on the path above the peer's own certificate may, and is for what the peer does.
fn without_fault(path: VerifiedChain, purpose: KeyPurposeId) -> Result<VerifiedChain, CertificateError> {
    let above = path.path().get(1..).unwrap_or_default();
    for (place, issuer) in above.iter().enumerate() {
        let malformed = |error| CertificateError::Malformed { detail: format!("an issuer's {error}") };
        let is_root = path.reaches_root() && place + 1 == above.len();
        let fault = match is_root {
            // A root is trusted for what it is; that others can compute with its key, no trust amends.
            true => SubjectPublicKeyInfo::of_certificate(issuer).map(|key| algorithms::weak_key(&key)),
            false => Certificate::parse(issuer).map(|certificate| {
                let purposes = [purpose, KeyPurposeId::ANY];
                issuer_fault(&certificate).or_else(|| purpose_fault(&certificate, &purposes))
            }),
        };
        if let Some(fault) = fault.map_err(malformed)? {
            return Err(fault);
        }
    }
    Ok(path)
}

/// What the peer does with its certificate.
fn purpose(peer: &ExpectedPeer<'_>) -> KeyPurposeId {
    match peer {
        ExpectedPeer::Server(_) => KeyPurposeId::SERVER_AUTH,
        ExpectedPeer::Client => KeyPurposeId::CLIENT_AUTH,
    }
}

/// RFC 5280 §4.2.1.12: whether a certificate is for one of these purposes. OpenSSL takes what Netscape and Microsoft called
/// server gated cryptography for a server's purpose too.
fn purpose_fault(certificate: &Certificate<'_>, purposes: &[KeyPurposeId]) -> Option<CertificateError> {
    let named = certificate.extensions.extended_key_usage.as_ref()?;
    let fits = purposes.iter().any(|purpose| named.value.contains(purpose));
    (!fits).then_some(CertificateError::WrongUsage)
}

/// The certificates that came with the peer's own, apart.
struct Sorted<'a> {
    /// What may stand on a path, the likeliest first.
    candidates: Vec<CertificateDer<'a>>,
    /// The issuers' names of these.
    issuers: Vec<Name<'a>>,
    /// What cannot stand on a path, and why.
    left_out: Vec<(Name<'a>, CertificateError)>,
}

impl<'a> Sorted<'a> {
    fn from(chain: &PresentedChain<'a>, end_entity: &Certificate<'_>) -> Self {
        let (mut candidates, mut left_out) = (Vec::new(), Vec::new());
        // What cannot be read is nobody's issuer.
        for certificate in chain.intermediates.iter().filter_map(|der| Certificate::parse(der).ok()) {
            // One that has signed itself leads to no root: it is one, or nobody trusts it.
            let fault = if is_self_signed(&certificate) {
                Some(CertificateError::UnknownIssuer)
            } else {
                issuer_fault(&certificate)
            };
            match fault {
                Some(fault) => left_out.push((certificate.subject, fault)),
                None => candidates.push(certificate),
            }
        }
        // A library may try one after the other, and give up after some.
        let named: Vec<_> =
            candidates.iter().chain([end_entity]).filter_map(authority_key_identifier).collect();
        let is_named = |certificate: &Certificate<'_>| {
            subject_key_identifier(certificate).is_some_and(|identifier| named.contains(&identifier))
        };
        let (likely, others): (Vec<_>, Vec<_>) = candidates.iter().partition(|one| is_named(one));
        let ordered = likely.iter().chain(&others);
        Self {
            candidates: ordered.map(|certificate| CertificateDer::from(certificate.der)).collect(),
            issuers: candidates.iter().map(|certificate| certificate.issuer.clone()).collect(),
            left_out,
        }
    }

    /// Where no issuer is known of a certificate, and one of that name was left out, why it was.
    fn explain(&self, fault: CertificateError, end_entity: &Certificate<'_>) -> CertificateError {
        if fault != CertificateError::UnknownIssuer {
            return fault;
        }
        let is_issuer = |name: &Name<'_>| {
            [&end_entity.issuer].into_iter().chain(&self.issuers).any(|issuer| issuer.matches(name))
        };
        let reason = self.left_out.iter().find(|(subject, _)| is_issuer(subject));
        reason.map_or(fault, |(_, reason)| reason.clone())
    }
}

/// Whether a certificate is its own issuer, with the same key as far as it tells: after a renewal of keys the new one
/// is issued with the old one (RFC 4210 §4.4), and leads on.
fn is_self_signed(certificate: &Certificate<'_>) -> bool {
    let by = authority_key_identifier(certificate);
    certificate.is_self_issued() && by.is_none_or(|by| subject_key_identifier(certificate) == Some(by))
}

fn authority_key_identifier<'a>(certificate: &Certificate<'a>) -> Option<&'a [u8]> {
    certificate.extensions.authority_key_identifier.as_ref()?.value.key_identifier
}

fn subject_key_identifier<'a>(certificate: &Certificate<'a>) -> Option<&'a [u8]> {
    certificate.extensions.subject_key_identifier.as_ref().map(|extension| extension.value)
}

#[cfg(test)]
mod tests;
