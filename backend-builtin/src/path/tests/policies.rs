//! Certificate policies.

use polytls_api::CertificateError;

use super::{Question, malformed, no_policy, pki::*, server};

const A: &str = "1.3.6.1.4.1.99999.1";
const B: &str = "1.3.6.1.4.1.99999.2";
const C: &str = "1.3.6.1.4.1.99999.3";

/// What a certificate says of policies.
#[derive(Clone, Copy, Default)]
struct Says {
    policies: &'static [&'static str],
    mappings: &'static [(&'static str, &'static str)],
    require_explicit: Option<u8>,
    inhibit_mapping: Option<u8>,
    inhibit_any: Option<u8>,
    self_issued: bool,
}

impl Says {
    fn policies(policies: &'static [&'static str]) -> Self {
        Self { policies, ..Self::default() }
    }

    fn requires(mut self, skip: u8) -> Self {
        self.require_explicit = Some(skip);
        self
    }

    fn maps(mut self, mappings: &'static [(&'static str, &'static str)]) -> Self {
        self.mappings = mappings;
        self
    }

    fn inhibits_mapping(mut self, skip: u8) -> Self {
        self.inhibit_mapping = Some(skip);
        self
    }

    fn inhibits_any(mut self, skip: u8) -> Self {
        self.inhibit_any = Some(skip);
        self
    }

    fn self_issued(mut self) -> Self {
        self.self_issued = true;
        self
    }

    fn in_template(self, mut template: Template) -> Template {
        if !self.policies.is_empty() {
            template = template.with(CERTIFICATE_POLICIES, false, policies(self.policies));
        }
        if !self.mappings.is_empty() {
            template = template.with(POLICY_MAPPINGS, true, policy_mappings(self.mappings));
        }
        if self.require_explicit.is_some() || self.inhibit_mapping.is_some() {
            let value = policy_constraints(self.require_explicit, self.inhibit_mapping);
            template = template.with(POLICY_CONSTRAINTS, true, value);
        }
        match self.inhibit_any {
            Some(skip) => template.with(INHIBIT_ANY_POLICY, true, tlv(2, [skip])),
            None => template,
        }
    }
}

/// A path of these certificates below a root, the highest first.
fn path(certificates: &[Says]) -> Question {
    let (last, above) = certificates.split_last().unwrap();
    let root = Authority::root("root");
    let mut issuer = root.clone();
    let mut chain = Vec::new();
    for (number, says) in above.iter().enumerate() {
        let template = Template::authority(&format!("authority {number}"));
        let subject = if says.self_issued { issuer.name.clone() } else { template.subject.clone() };
        issuer = issuer.authority(says.in_template(template.change(|template| template.subject = subject)));
        chain.push(issuer.der.clone());
    }
    let end_entity = issuer.issue(last.in_template(Template::client("client")));
    let mut question = server(&root, &[&end_entity]).client();
    question.chain.extend(chain);
    question
}

#[test]
fn policies_matter_where_one_is_required() {
    let none = Says::default();
    path(&[Says::policies(&[A]), Says::policies(&[B])]).accepted();
    path(&[none, none]).accepted();
    path(&[none.requires(0), none]).refused(&no_policy());
    path(&[Says::policies(&[A]).requires(0), none]).refused(&no_policy());
    path(&[Says::policies(&[A]).requires(0), Says::policies(&[B])]).refused(&no_policy());
    path(&[Says::policies(&[A, B]).requires(0), Says::policies(&[B, C])]).accepted();
    path(&[none.requires(0), Says::policies(&[A])]).refused(&no_policy());
    // By the end entity itself.
    path(&[none, none.requires(0)]).refused(&no_policy());
    path(&[Says::policies(&[A]), Says::policies(&[A]).requires(0)]).accepted();
}

#[test]
fn a_policy_may_be_required_later() {
    let (a, b) = (Says::policies(&[A]), Says::policies(&[B]));
    path(&[a.requires(1), b]).refused(&no_policy());
    path(&[a.requires(2), b]).accepted();
    path(&[a.requires(2), a, b]).refused(&no_policy());
    path(&[a.requires(3), a, b]).accepted();
    // Self-issued certificates do not count: the counter is still above nothing at the end.
    path(&[a.requires(3), b.self_issued(), b.self_issued(), b]).accepted();
    path(&[a.requires(3), b, b, b]).refused(&no_policy());
}

#[test]
fn any_policy_stands_for_all_until_it_is_inhibited() {
    let (a, any) = (Says::policies(&[A]), Says::policies(&[ANY_POLICY]));
    path(&[any.requires(0), a]).accepted();
    path(&[a.requires(0), any]).accepted();
    path(&[any.requires(0), any]).accepted();
    path(&[a.requires(0).inhibits_any(0), any]).refused(&no_policy());
    path(&[a.requires(0).inhibits_any(0), a]).accepted();
    path(&[a.requires(0).inhibits_any(1), any, a]).accepted();
    path(&[a.requires(0).inhibits_any(1), a, any]).refused(&no_policy());
    // In one that is self-issued it still counts, though not in the last.
    path(&[a.requires(0).inhibits_any(0), any.self_issued(), a]).accepted();
    path(&[a.requires(0).inhibits_any(0), any, a]).refused(&no_policy());
}

#[test]
fn policies_are_mapped_until_that_is_inhibited() {
    let (a, b) = (Says::policies(&[A]), Says::policies(&[B]));
    let any = Says::policies(&[ANY_POLICY]);
    path(&[a.requires(0).maps(&[(A, B)]), b]).accepted();
    path(&[a.requires(0).maps(&[(A, B)]), a]).refused(&no_policy());
    path(&[a.requires(0).maps(&[(A, B), (A, C)]), Says::policies(&[C])]).accepted();
    path(&[a.requires(0).maps(&[(B, C)]), a]).accepted();
    path(&[any.requires(0).maps(&[(A, B)]), b]).accepted();
    path(&[a.requires(0).maps(&[(A, B)]), b.maps(&[(B, C)]), Says::policies(&[C])]).accepted();
    path(&[a.requires(0).inhibits_mapping(0), a.maps(&[(A, B)]), b]).refused(&no_policy());
    path(&[a.requires(0).inhibits_mapping(1), a, a.maps(&[(A, B)]), b]).refused(&no_policy());
    path(&[a.requires(0).inhibits_mapping(1), a.maps(&[(A, B)]), b]).accepted();
}

#[test]
fn any_policy_is_not_mapped() {
    let a = Says::policies(&[A]);
    for mapping in [&[(ANY_POLICY, A)], &[(A, ANY_POLICY)]] {
        path(&[a.maps(mapping), a])
            .refused_saying(&malformed(), "policyMappings of the certificate `CN=authority 0`");
    }
}

#[test]
fn a_qualifier_that_is_not_known_matters_where_it_is_critical() {
    let qualifier = sequence(&[sequence(&[oid("1.2.3"), tlv(5, [])])]);
    let value = sequence(&[sequence(&[oid(A), qualifier])]);
    for (critical, verdict) in [(false, true), (true, false)] {
        let root = Authority::root("root");
        let client = Template::client("client").with(CERTIFICATE_POLICIES, critical, value.clone());
        let question = server(&root, &[&root.issue(client)]).client();
        assert_eq!(question.verdict().is_ok(), verdict);
        if critical {
            question.refused_saying(&malformed(), "certificatePolicies");
        }
    }
}

#[test]
fn a_tree_that_would_grow_with_each_certificate_stays_small() {
    // Each of 8 authorities maps each of 60 policies to all 60: the tree would have 60^8 leaves.
    let name = |number: usize| format!("1.3.6.1.4.1.99999.{number}");
    let names: Vec<_> = (0..60).map(name).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let mappings: Vec<_> = all.iter().flat_map(|from| all.iter().map(move |to| (*from, *to))).collect();
    let root = Authority::root("root");
    let mut question = server(&root, &[]).client();
    let mut issuer = root;
    for number in 0..8 {
        let template = Template::authority(&format!("authority {number}"))
            .with(CERTIFICATE_POLICIES, false, policies(&all))
            .with(POLICY_MAPPINGS, true, policy_mappings(&mappings))
            .with(POLICY_CONSTRAINTS, true, policy_constraints(Some(0), None));
        issuer = issuer.authority(template);
        question.chain.push(issuer.der.clone());
    }
    let client =
        |policy: &str| Template::client("client").with(CERTIFICATE_POLICIES, false, policies(&[policy]));
    question.chain.insert(0, issuer.issue(client(&names[59])));
    question.accepted();
    question.chain[0] = issuer.issue(client(&name(60)));
    let CertificateError::PolicyViolated { detail } = question.verdict().unwrap_err() else { panic!() };
    assert!(detail.contains("`CN=client`"), "{detail}");
}
