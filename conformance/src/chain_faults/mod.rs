//! One fault, one name: each verifier on its own is asked about chains with one thing wrong in them, of servers and of
//! clients, and about chains that look wrong and are not.

mod algorithms;
mod chains;
mod issuers;
mod paths;
mod peers;

use std::{sync::Arc, time::SystemTime};

use polytls_api::{
    CertificateError, CertificateVerifier, ConfigOption, PresentedChain, Roots, TrustPolicy, VerifiedChain,
};

use self::chains::{Chain, Role};
pub(crate) use self::{
    algorithms::{a_changed_signature_is_refused, weak_algorithms_are_refused},
    issuers::{
        a_peers_certificate_issues_nothing, a_stranger_is_told_from_its_own_issuer,
        an_authority_stays_within_its_names, an_authority_stays_within_its_path_length,
    },
    paths::{
        a_long_path_is_refused, cross_signed_roots_and_circles_are_gone_through,
        many_authorities_of_one_name_cost_little, what_no_path_needs_refuses_no_chain,
    },
    peers::{
        a_certificate_out_of_its_time_is_told_with_its_dates, a_malformed_certificate_is_told_with_the_place,
        a_usage_that_does_not_fit_is_refused, an_authoritys_certificate_is_no_peers,
        another_name_is_told_with_the_names_that_there_are,
    },
};
use crate::{
    Pair,
    behaviour::{At, Stop},
    pair::Side,
    pki::SERVER_NAME,
    verifiers::ensure_verdict,
};

/// A client's backend's verifier, with these roots.
struct Asked(Arc<dyn CertificateVerifier>);

impl Asked {
    fn new(pair: &Pair, roots: Roots) -> Result<Self, Stop> {
        let built = pair.backend(Side::Client).verifier(&TrustPolicy::new(roots));
        Ok(Self(pair.expect_supported_or_refused(Side::Client, &[ConfigOption::VerifierAlone], built)?))
    }

    async fn about(
        &self,
        role: Role,
        (end_entity, others): &Chain,
    ) -> Result<VerifiedChain, CertificateError> {
        let name = SERVER_NAME.parse().map_err(|_| CertificateError::Missing)?;
        let chain = PresentedChain::new(end_entity, others);
        self.0.verify(&chain, &role.peer(&name), SystemTime::now()).await
    }

    /// The chain has this fault, or none.
    async fn finds(
        &self,
        role: Role,
        chain: &Chain,
        fault: Option<CertificateError>,
        place: &str,
    ) -> Result<(), Stop> {
        let found = self.about(role, chain).await;
        ensure_verdict(found, fault.as_ref()).at(place).at(format!("{role:?}"))
    }
}

fn malformed() -> Option<CertificateError> {
    Some(CertificateError::Malformed { detail: String::new() })
}

fn unsupported() -> Option<CertificateError> {
    Some(CertificateError::UnsupportedAlgorithm { detail: String::new() })
}
