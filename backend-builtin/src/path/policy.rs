//! Certificate policies (RFC 5280 §6.1.3 (d) to (f), §6.1.4 (a), (b), (h) to (j), §6.1.5 (a), (b), (g)).
//!
//! Every policy is acceptable to the user (user-initial-policy-set is anyPolicy), so all that is asked of the
//! valid_policy_tree is whether it is empty when a policy is required. That its nodes of the last depth tell alone, and
//! nodes of one policy are one here: where the tree grows with the product of what the certificates hold, this
//! grows with their sum.

use std::collections::{BTreeMap, BTreeSet};

use der::asn1::ObjectIdentifier;
use polytls_api::{CertificateError, x509::Certificate};

use super::refusal::{malformed, of};

const ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.32.0");

/// The nodes of one depth: each valid_policy with its expected_policy_set.
type Nodes = BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>>;

/// The state variables of RFC 5280 §6.1.2 that policies have.
#[derive(Debug)]
struct Policies {
    /// `None` is the tree NULL.
    nodes: Option<Nodes>,
    explicit_policy: u32,
    inhibit_any_policy: u32,
    policy_mapping: u32,
}

/// Refuses a path for which a policy is required and none holds. The certificates are those below the root, the
/// highest first.
pub(super) fn check(path: &[&Certificate<'_>]) -> Result<(), CertificateError> {
    // RFC 5280 §6.1.2 (d) to (f): n + 1, where the user asks for nothing.
    let longest = u32::try_from(path.len()).unwrap_or(u32::MAX).saturating_add(1);
    let mut policies = Policies {
        nodes: Some(Nodes::from([(ANY_POLICY, BTreeSet::from([ANY_POLICY]))])),
        explicit_policy: longest,
        inhibit_any_policy: longest,
        policy_mapping: longest,
    };
    let Some((last, issuers)) = path.split_last() else { return Ok(()) };
    for issuer in issuers {
        policies.process(issuer, issuer.is_self_issued())?;
        policies.prepare(issuer)?;
    }
    policies.process(last, false)?;
    policies.wrap_up(last)
}

impl Policies {
    /// RFC 5280 §6.1.3 (d) to (f).
    fn process(
        &mut self,
        certificate: &Certificate<'_>,
        self_issued_issuer: bool,
    ) -> Result<(), CertificateError> {
        let any_counts = self.inhibit_any_policy > 0 || self_issued_issuer;
        let Some(extension) = &certificate.extensions.certificate_policies else {
            self.nodes = None;
            return self.require(certificate);
        };
        // §4.2.1.4: who does not understand a qualifier of a critical extension must refuse.
        if extension.critical && extension.value.unknown_qualifier {
            return Err(malformed(
                "certificatePolicies",
                certificate,
                "it is critical, with an unknown qualifier",
            ));
        }
        let above = self.nodes.take().unwrap_or_default();
        let expected: BTreeSet<_> = above.values().flatten().copied().collect();
        let own = extension.value.policies.iter().copied();
        let mut nodes = Nodes::new();
        // (d) (1)
        for policy in own.clone().filter(|policy| *policy != ANY_POLICY) {
            if expected.contains(&policy) || above.contains_key(&ANY_POLICY) {
                nodes.insert(policy, BTreeSet::from([policy]));
            }
        }
        // (d) (2)
        if any_counts && own.clone().any(|policy| policy == ANY_POLICY) {
            for policy in expected {
                nodes.entry(policy).or_insert_with(|| BTreeSet::from([policy]));
            }
        }
        // (d) (3): without a node of this depth nothing is left of the tree.
        self.nodes = (!nodes.is_empty()).then_some(nodes);
        self.require(certificate)
    }

    /// RFC 5280 §6.1.4: for the next certificate.
    fn prepare(&mut self, certificate: &Certificate<'_>) -> Result<(), CertificateError> {
        self.map(certificate)?;
        // (h)
        if !certificate.is_self_issued() {
            for counter in [&mut self.explicit_policy, &mut self.policy_mapping, &mut self.inhibit_any_policy]
            {
                *counter = counter.saturating_sub(1);
            }
        }
        // (i)
        if let Some(constraints) = &certificate.extensions.policy_constraints {
            lower(&mut self.explicit_policy, constraints.value.require_explicit_policy);
            lower(&mut self.policy_mapping, constraints.value.inhibit_policy_mapping);
        }
        // (j)
        let skip_certs = certificate.extensions.inhibit_any_policy.as_ref().map(|extension| extension.value);
        lower(&mut self.inhibit_any_policy, skip_certs);
        Ok(())
    }

    /// RFC 5280 §6.1.4 (a) and (b).
    fn map(&mut self, certificate: &Certificate<'_>) -> Result<(), CertificateError> {
        let Some(mappings) = &certificate.extensions.policy_mappings else { return Ok(()) };
        let mut mapped = Nodes::new();
        for (issuers, subjects) in &mappings.value {
            if *issuers == ANY_POLICY || *subjects == ANY_POLICY {
                return Err(malformed("policyMappings", certificate, "anyPolicy is mapped"));
            }
            mapped.entry(*issuers).or_default().insert(*subjects);
        }
        let Some(nodes) = &mut self.nodes else { return Ok(()) };
        for (policy, expected) in mapped {
            match self.policy_mapping > 0 {
                true if nodes.contains_key(&policy) || nodes.contains_key(&ANY_POLICY) => {
                    nodes.insert(policy, expected);
                }
                true => {}
                false => {
                    nodes.remove(&policy);
                }
            }
        }
        if nodes.is_empty() {
            self.nodes = None;
        }
        Ok(())
    }

    /// RFC 5280 §6.1.5 (a), (b) and (g).
    fn wrap_up(&mut self, certificate: &Certificate<'_>) -> Result<(), CertificateError> {
        self.explicit_policy = self.explicit_policy.saturating_sub(1);
        let constraints = certificate.extensions.policy_constraints.as_ref();
        if constraints.and_then(|constraints| constraints.value.require_explicit_policy) == Some(0) {
            self.explicit_policy = 0;
        }
        self.require(certificate)
    }

    /// RFC 5280 §6.1.3 (f).
    fn require(&self, certificate: &Certificate<'_>) -> Result<(), CertificateError> {
        if self.explicit_policy > 0 || self.nodes.is_some() {
            return Ok(());
        }
        let detail = format!("none holds for {}", of(certificate));
        Err(CertificateError::PolicyViolated { detail })
    }
}

fn lower(counter: &mut u32, to: Option<u32>) {
    *counter = to.map_or(*counter, |to| to.min(*counter));
}
