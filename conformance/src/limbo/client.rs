//! The servers' cases, asked as clients'.
//!
//! The suite asks little of clients, and most of what it asks of a server's chain holds for a client's. What must be
//! said follows from the server's case and from the extended key usages (EKU, RFC 5280 §4.2.1.12): an EKU extension
//! excludes clients where it names neither id-kp-clientAuth nor anyExtendedKeyUsage, and no extension excludes nobody.
//!
//! 1. The end entity's EKU excludes clients: refused. Where the server's chain is valid, for that alone:
//!    [`WrongUsage`](CertificateError::WrongUsage).
//! 2. The server's chain is valid, and no EKU in the chain excludes clients: accepted.
//! 3. The server's chain is refused, though its name and its EKU are a server's: the fault is elsewhere, and it is
//!    refused.
//! 4. The server's chain is refused, and its name or its EKU is not this server's: that was the fault, since a case has
//!    one; accepted.
//!
//! Not derived: where only an intermediate's EKU excludes clients (RFC 5280 gives it no meaning; the path decides), and
//! under 3 and 4 where the case is about what the CA/Browser Forum wants of the names and usages in a server's
//! certificate, since its rules are for servers.

use polytls_api::{
    CertificateDer, CertificateError,
    x509::{Certificate, KeyPurposeId},
};

use super::{Case, Expected, Role, names};

/// Rules for servers' certificates alone.
const SERVERS_ONLY: [&str; 3] = ["webpki::cn", "webpki::eku", "webpki::san"];

/// The case as a client's, where the rule says what must be said.
pub(crate) fn derive(case: &Case) -> Option<Case> {
    if case.role != Role::Server {
        return None;
    }
    Some(Case {
        id: format!("{}#client", case.id),
        role: Role::Client,
        peers: Vec::new(),
        expected: expected(case)?,
        ..case.clone()
    })
}

fn expected(case: &Case) -> Option<Expected> {
    let valid = case.expected == Expected::Accepted;
    let Ok(end_entity) = Certificate::parse(&case.end_entity) else {
        // What cannot be read speaks for nobody.
        return (!valid).then_some(Expected::Refused);
    };
    if !allows(&end_entity, KeyPurposeId::CLIENT_AUTH) {
        return Some(match valid {
            true => Expected::RefusedFor(CertificateError::WrongUsage),
            false => Expected::Refused,
        });
    }
    if valid {
        return case.intermediates.iter().all(may_lead_to_clients).then_some(Expected::Accepted);
    }
    if SERVERS_ONLY.contains(&case.category()) {
        return None;
    }
    let named = case.peers.iter().all(|name| names::matches_server(&end_entity, name));
    match named && allows(&end_entity, KeyPurposeId::SERVER_AUTH) {
        true => Some(Expected::Refused),
        false => Some(Expected::Accepted),
    }
}

fn allows(certificate: &Certificate<'_>, purpose: KeyPurposeId) -> bool {
    let Some(usages) = &certificate.extensions.extended_key_usage else { return true };
    usages.value.iter().any(|usage| *usage == purpose || *usage == KeyPurposeId::ANY)
}

fn may_lead_to_clients(issuer: &CertificateDer<'_>) -> bool {
    Certificate::parse(issuer).is_ok_and(|issuer| allows(&issuer, KeyPurposeId::CLIENT_AUTH))
}
