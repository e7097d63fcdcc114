//! Each extension: what is read of it, and what is refused.

use der::asn1::ObjectIdentifier;

use crate::{
    Extensions, GeneralName, KeyUsage, TlsFeature,
    tests::{Made, attribute, extension, name, oid, sequence, tlv},
};

const KEY_USAGE: &str = "2.5.29.15";
const SUBJECT_ALT_NAME: &str = "2.5.29.17";
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const NAME_CONSTRAINTS: &str = "2.5.29.30";
const CRL_DISTRIBUTION_POINTS: &str = "2.5.29.31";
const CERTIFICATE_POLICIES: &str = "2.5.29.32";
const POLICY_MAPPINGS: &str = "2.5.29.33";
const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";
const POLICY_CONSTRAINTS: &str = "2.5.29.36";
const EXT_KEY_USAGE: &str = "2.5.29.37";
const INHIBIT_ANY_POLICY: &str = "2.5.29.54";
const AUTHORITY_INFO_ACCESS: &str = "1.3.6.1.5.5.7.1.1";
const TLS_FEATURE: &str = "1.3.6.1.5.5.7.1.24";
const OCSP_NO_CHECK: &str = "1.3.6.1.5.5.7.48.1.5";

/// 2.25 and a UUID, which no `ObjectIdentifier` can hold.
const UUID: &[u8] = &[6, 11, 0x69, 0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];

#[track_caller]
fn parsed(id: &str, value: &[u8], see: impl FnOnce(Extensions<'_>)) {
    Made::with(&[extension(id, None, value)]).parsed(|certificate| see(certificate.extensions));
}

#[track_caller]
fn refused(id: &str, value: &[u8], field: &str, reason: &str) {
    Made::with(&[extension(id, None, value)]).refused(field, reason);
}

fn id(dotted: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(dotted)
}

#[test]
fn list_is_neither_empty_nor_has_one_twice() {
    Made::with(&[]).refused("extensions", "missing");
    let usage = extension(KEY_USAGE, None, &tlv(3, &[&[5, 0x20]]));
    Made::with(&[usage.clone(), usage.clone()]).refused("extensions", "2.5.29.15 is there twice");
    let unknown = extension("1.2.3.4", None, &[]);
    Made::with(&[unknown.clone(), usage, unknown]).refused("extensions", "1.2.3.4 is there twice");
    let constraints = extension(OCSP_NO_CHECK, None, &[5, 0]);
    Made::with(&[constraints.clone(), constraints]).refused("extensions", "there twice");
}

#[test]
fn extension_is_strict() {
    let bare = |parts: &[&[u8]]| Made::with(&[sequence(parts)]);
    let (id, value) = (oid("1.2.3"), tlv(4, &[]));
    bare(&[&id]).refused("extnValue", "missing");
    bare(&[&value]).refused("extnID", "0x04 and must be 0x06");
    bare(&[&id, &value, &[5, 0]]).refused("extnValue", "2 octets follow");
    bare(&[&id, &tlv(1, &[&[1]]), &value]).refused("critical", "neither 0x00 nor 0xff");
    bare(&[&id, &tlv(1, &[]), &value]).refused("critical", "neither 0x00 nor 0xff");
    bare(&[&tlv(6, &[&[0x80, 1]]), &value]).refused("extnID", "shortest form");
    Made { rest: tlv(0xa3, &[&Made::with(&[]).rest[2..], &[5, 0]]), ..Made::with(&[]) }
        .refused("extensions", "missing");
    let mut twice = Made::with(&[extension("1.2.3", None, &[])]);
    twice.rest = tlv(0xa3, &[&twice.rest[2..], &[5, 0]]);
    twice.refused("extensions", "2 octets follow");
}

#[test]
fn criticality_is_told_and_unknown_critical_ones_are_noted() {
    let usage = tlv(3, &[&[5, 0x20]]);
    for (encoded, critical) in [(None, false), (Some(0), false), (Some(0xff), true)] {
        Made::with(&[extension(KEY_USAGE, encoded, &usage)])
            .parsed(|certificate| assert_eq!(certificate.extensions.key_usage.unwrap().critical, critical));
    }
    let unknown = [extension("1.2.3", Some(0xff), b"any"), extension("1.2.4", None, b"thing")];
    Made::with(&unknown)
        .parsed(|certificate| assert_eq!(certificate.extensions.unknown_critical, [id("1.2.3")]));
}

#[test]
fn unknown_extensions_may_have_identifiers_of_any_length() {
    let long = |critical: &[u8]| Made::with(&[sequence(&[UUID, critical, &tlv(4, &[])])]);
    long(&[]).parsed(|certificate| assert!(certificate.extensions.unknown_critical.is_empty()));
    long(&[1, 1, 0xff]).refused("extnID", "too long to be known");
}

#[test]
fn authority_key_identifier() {
    let directory = tlv(0xa4, &[&name(&[(3, 0x0c, b"Root")])]);
    let value = sequence(&[&tlv(0x80, &[b"key"]), &tlv(0xa1, &[&directory]), &tlv(0x82, &[&[7]])]);
    parsed(AUTHORITY_KEY_IDENTIFIER, &value, |extensions| {
        let identifier = extensions.authority_key_identifier.unwrap().value;
        assert_eq!(identifier.key_identifier, Some(&b"key"[..]));
        assert_eq!(identifier.authority_cert_serial_number, Some(&[7][..]));
        assert!(matches!(&identifier.authority_cert_issuer.unwrap()[..], [GeneralName::Directory(name)]
            if name.to_string() == "CN=Root"));
    });
    parsed(AUTHORITY_KEY_IDENTIFIER, &sequence(&[]), |extensions| {
        assert_eq!(extensions.authority_key_identifier.unwrap().value, Default::default());
    });
    let field = "authorityKeyIdentifier";
    refused(AUTHORITY_KEY_IDENTIFIER, &sequence(&[&tlv(0xa1, &[])]), field, "empty");
    refused(AUTHORITY_KEY_IDENTIFIER, &sequence(&[&tlv(0x82, &[&[0, 7]])]), field, "longer");
    refused(AUTHORITY_KEY_IDENTIFIER, &sequence(&[&[0x82, 1, 7], &[0x80, 1, 7]]), field, "octets follow");
    refused(AUTHORITY_KEY_IDENTIFIER, &sequence(&[&tlv(0xa0, &[])]), field, "octets follow");
    refused(AUTHORITY_KEY_IDENTIFIER, &[sequence(&[]), vec![5, 0]].concat(), field, "octets follow");
}

#[test]
fn subject_key_identifier() {
    parsed("2.5.29.14", &tlv(4, &[b"key"]), |extensions| {
        assert_eq!(extensions.subject_key_identifier.unwrap().value, b"key");
    });
    refused("2.5.29.14", b"key", "subjectKeyIdentifier", "must be 0x04");
}

#[test]
fn key_usage_is_a_named_bit_list() {
    let usages = |content: &[u8], expected: u16| {
        parsed(KEY_USAGE, &tlv(3, &[content]), |extensions| {
            assert_eq!(extensions.key_usage.unwrap().value, KeyUsage(expected), "{content:?}");
        });
    };
    usages(&[7, 0x80], 1);
    usages(&[2, 0x04], 1 << 5);
    usages(&[1, 0x06], 1 << 5 | 1 << 6);
    usages(&[7, 0x00, 0x80], 1 << 8);
    // Zeros at the end, none at all, and bits that RFC 5280 has no name for.
    usages(&[0, 0x80, 0x00], 1);
    usages(&[0], 0);
    usages(&[0, 0x80, 0x00, 0xff], 1);
    for content in [&[][..], &[8, 0x80], &[7], &[7, 0x81]] {
        refused(KEY_USAGE, &tlv(3, &[content]), "keyUsage", "BIT STRING");
    }
}

#[test]
fn certificate_policies() {
    let qualifier = |id: &str| sequence(&[&oid(id), &tlv(0x16, &[b"x"])]);
    let policy = |id: &[u8], qualifiers: &[u8]| sequence(&[id, qualifiers]);
    let (cps, other) = (qualifier("1.3.6.1.5.5.7.2.1"), qualifier("1.3.6.1.5.5.7.2.9"));
    let value = sequence(&[&policy(&oid("1.2.3"), &sequence(&[&cps])), &policy(&oid("1.2.4"), &[])]);
    parsed(CERTIFICATE_POLICIES, &value, |extensions| {
        let policies = extensions.certificate_policies.unwrap().value;
        assert_eq!(policies.policies, [id("1.2.3"), id("1.2.4")]);
        assert!(!policies.unknown_qualifier);
    });
    let value = sequence(&[&policy(&oid("1.2.3"), &sequence(&[&cps, &other])), &policy(UUID, &[])]);
    parsed(CERTIFICATE_POLICIES, &value, |extensions| {
        let policies = extensions.certificate_policies.unwrap().value;
        assert_eq!(policies.policies, [id("1.2.3")]);
        assert!(policies.unknown_qualifier);
    });
    let field = "certificatePolicies";
    refused(CERTIFICATE_POLICIES, &sequence(&[]), field, "empty");
    let twice =
        sequence(&[&policy(&oid("1.2.3"), &[]), &policy(&oid("1.2.4"), &[]), &policy(&oid("1.2.3"), &[])]);
    refused(CERTIFICATE_POLICIES, &twice, field, "one policy is there twice");
    refused(CERTIFICATE_POLICIES, &sequence(&[&policy(UUID, &[]), &policy(UUID, &[])]), field, "twice");
    refused(CERTIFICATE_POLICIES, &sequence(&[&policy(&oid("1.2.3"), &sequence(&[]))]), field, "empty");
    let no_value = sequence(&[&policy(&oid("1.2.3"), &sequence(&[&sequence(&[&oid("1.2.3")])]))]);
    refused(CERTIFICATE_POLICIES, &no_value, field, "missing");
}

#[test]
fn policy_mappings_and_constraints() {
    let mapping = sequence(&[&oid("1.2.3"), &oid("1.2.4")]);
    parsed(POLICY_MAPPINGS, &sequence(&[&mapping, &mapping]), |extensions| {
        assert_eq!(extensions.policy_mappings.unwrap().value, [(id("1.2.3"), id("1.2.4")); 2]);
    });
    refused(POLICY_MAPPINGS, &sequence(&[]), "policyMappings", "empty");
    refused(POLICY_MAPPINGS, &sequence(&[&sequence(&[&oid("1.2.3")])]), "policyMappings", "missing");

    parsed(POLICY_CONSTRAINTS, &sequence(&[&[0x80, 1, 0], &[0x81, 1, 3]]), |extensions| {
        let constraints = extensions.policy_constraints.unwrap().value;
        assert_eq!(constraints.require_explicit_policy, Some(0));
        assert_eq!(constraints.inhibit_policy_mapping, Some(3));
    });
    parsed(POLICY_CONSTRAINTS, &sequence(&[]), |extensions| {
        assert_eq!(extensions.policy_constraints.unwrap().value, Default::default());
    });
    refused(POLICY_CONSTRAINTS, &sequence(&[&[0x80, 1, 0x80]]), "policyConstraints", "negative");
    refused(POLICY_CONSTRAINTS, &sequence(&[&[0x81, 1, 0], &[0x80, 1, 0]]), "policyConstraints", "follow");

    parsed(INHIBIT_ANY_POLICY, &[2, 1, 4], |extensions| {
        assert_eq!(extensions.inhibit_any_policy.unwrap().value, 4);
    });
    refused(INHIBIT_ANY_POLICY, &[2, 1, 0xff], "inhibitAnyPolicy", "negative");
}

#[test]
fn subject_alt_name_has_every_kind_of_name() {
    let names = sequence(&[
        &tlv(0xa0, &[&oid("1.2.3"), &tlv(0xa0, &[&tlv(0x0c, &[b"x"])])]),
        &tlv(0x81, &[b"a@example.com"]),
        &tlv(0x82, &[b"example.com"]),
        &tlv(0xa3, &[b"x400"]),
        &tlv(0xa4, &[&name(&[(3, 0x0c, b"x")])]),
        &tlv(0xa5, &[b"edi"]),
        &tlv(0x86, &[b"http://example.com"]),
        &tlv(0x87, &[&[1, 2, 3]]),
        &tlv(0x88, &[&[0x2a, 3]]),
        &tlv(0x88, &[&UUID[2..]]),
    ]);
    parsed(SUBJECT_ALT_NAME, &names, |extensions| {
        let names = extensions.subject_alt_name.unwrap().value;
        let der = name(&[(3, 0x0c, b"x")]);
        let expected = [
            GeneralName::Other(id("1.2.3"), &[0x0c, 1, b'x']),
            GeneralName::Rfc822(b"a@example.com"),
            GeneralName::Dns(b"example.com"),
            GeneralName::Unsupported(3, b"x400"),
            GeneralName::Directory(crate::Name::parse(&der).unwrap()),
            GeneralName::Unsupported(5, b"edi"),
            GeneralName::Uri(b"http://example.com"),
            GeneralName::Ip(&[1, 2, 3]),
            GeneralName::RegisteredId(id("1.2.3")),
            GeneralName::Unsupported(8, &UUID[2..]),
        ];
        assert_eq!(names, expected);
    });
    parsed(SUBJECT_ALT_NAME, &sequence(&[]), |extensions| {
        assert!(extensions.subject_alt_name.unwrap().value.is_empty());
    });
}

#[test]
fn general_names_that_are_none_are_refused() {
    let refused = |element: &[u8], reason: &str| {
        refused(SUBJECT_ALT_NAME, &sequence(&[element]), "subjectAltName", reason);
    };
    for tag in [0x81, 0x82, 0x86] {
        refused(&tlv(tag, &["ü.example.com".as_bytes()]), "IA5String");
    }
    // Primitive where constructed is meant, and the other way round; numbers that no choice has; no choice at all.
    for tag in [0x80, 0xa1, 0xa2, 0x83, 0x84, 0x85, 0xa6, 0xa7, 0xa8, 0x89, 0xa9, 0x0c, 0x42, 0xc2] {
        refused(&tlv(tag, &[]), "none of GeneralName's");
    }
    refused(&tlv(0xa4, &[]), "missing");
    refused(&tlv(0xa4, &[&sequence(&[]), &sequence(&[])]), "octets follow");
    refused(&tlv(0xa4, &[&sequence(&[&tlv(0x31, &[])])]), "no attribute");
    refused(&tlv(0x88, &[]), "shortest form");
    refused(&tlv(0xa0, &[&oid("1.2.3")]), "missing");
    refused(&tlv(0xa0, &[&oid("1.2.3"), &tlv(0xa0, &[])]), "missing");
    refused(&tlv(0xa0, &[&oid("1.2.3"), &tlv(0xa0, &[&[5, 0], &[5, 0]])]), "octets follow");
}

#[test]
fn basic_constraints() {
    for (value, ca, path_len) in [
        (vec![], false, None),
        (vec![1, 1, 0], false, None),
        (vec![1, 1, 0xff], true, None),
        (vec![1, 1, 0xff, 2, 1, 0], true, Some(0)),
        (vec![2, 1, 1], false, Some(1)),
        (vec![1, 1, 0xff, 2, 2, 0, 0x80], true, Some(128)),
        (vec![1, 1, 0xff, 2, 4, 0x7f, 0, 0, 1], true, Some(0x7f00_0001)),
        (vec![1, 1, 0xff, 2, 5, 0, 0xff, 0xff, 0xff, 0xff], true, Some(u32::MAX)),
        (vec![1, 1, 0xff, 2, 6, 1, 0, 0, 0, 0, 0], true, Some(u32::MAX)),
    ] {
        parsed(BASIC_CONSTRAINTS, &sequence(&[&value]), |extensions| {
            let constraints = extensions.basic_constraints.unwrap().value;
            assert_eq!((constraints.ca, constraints.path_len_constraint), (ca, path_len), "{value:?}");
        });
    }
    for (value, reason) in [
        (&[1, 1, 1][..], "neither"),
        (&[2, 1, 0xff], "negative"),
        (&[2, 2, 0, 1], "longer"),
        (&[2, 0], "empty"),
        (&[2, 1, 1, 1, 1, 0xff], "octets follow"),
    ] {
        refused(BASIC_CONSTRAINTS, &sequence(&[value]), "basicConstraints", reason);
    }
}

#[test]
fn name_constraints() {
    let dns = tlv(0x82, &[b"example.com"]);
    let plain = sequence(&[&dns]);
    let bounded = sequence(&[&dns, &[0x80, 1, 2], &[0x81, 1, 3]]);
    let value = sequence(&[&tlv(0xa0, &[&plain, &bounded]), &tlv(0xa1, &[&plain])]);
    parsed(NAME_CONSTRAINTS, &value, |extensions| {
        let constraints = extensions.name_constraints.unwrap().value;
        let permitted = constraints.permitted_subtrees.unwrap();
        assert!(permitted.iter().all(|subtree| subtree.base == GeneralName::Dns(b"example.com")));
        let bounds: Vec<_> = permitted.iter().map(|subtree| (subtree.minimum, subtree.maximum)).collect();
        assert_eq!(bounds, [(0, None), (2, Some(3))]);
        assert_eq!(constraints.excluded_subtrees.unwrap().len(), 1);
    });
    parsed(NAME_CONSTRAINTS, &sequence(&[&tlv(0xa1, &[])]), |extensions| {
        let constraints = extensions.name_constraints.unwrap().value;
        assert_eq!((constraints.permitted_subtrees, constraints.excluded_subtrees), (None, Some(vec![])));
    });
    let field = "nameConstraints";
    refused(NAME_CONSTRAINTS, &sequence(&[&tlv(0xa0, &[&sequence(&[])])]), field, "missing");
    refused(NAME_CONSTRAINTS, &sequence(&[&tlv(0xa0, &[&dns])]), field, "must be 0x30");
    refused(NAME_CONSTRAINTS, &sequence(&[&tlv(0xa1, &[]), &tlv(0xa0, &[])]), field, "octets follow");
    refused(NAME_CONSTRAINTS, &sequence(&[&tlv(0xa2, &[])]), field, "octets follow");
}

#[test]
fn purposes_features_and_what_is_only_noted() {
    let value = sequence(&[&oid("2.5.29.37.0"), UUID]);
    parsed(EXT_KEY_USAGE, &value, |extensions| {
        assert_eq!(extensions.extended_key_usage.unwrap().value, [crate::KeyPurposeId::ANY]);
    });
    parsed(EXT_KEY_USAGE, &sequence(&[UUID]), |extensions| {
        assert!(extensions.extended_key_usage.unwrap().value.is_empty());
    });
    refused(EXT_KEY_USAGE, &sequence(&[&[5, 0]]), "extKeyUsage", "must be 0x06");

    parsed(TLS_FEATURE, &sequence(&[&[2, 1, 5], &[2, 1, 17]]), |extensions| {
        assert_eq!(extensions.tls_feature.unwrap().value, [TlsFeature::STATUS_REQUEST, TlsFeature(17)]);
    });
    refused(TLS_FEATURE, &sequence(&[&[2, 3, 1, 0, 0]]), "TLSFeatures", "no TLS extension");
    refused(TLS_FEATURE, &sequence(&[&[2, 1, 0xff]]), "TLSFeatures", "negative");

    parsed(OCSP_NO_CHECK, &[5, 0], |extensions| assert!(extensions.ocsp_no_check));
    refused(OCSP_NO_CHECK, &[], "id-pkix-ocsp-nocheck", "missing");
    refused(OCSP_NO_CHECK, &[5, 1, 0], "id-pkix-ocsp-nocheck", "content");

    let access = sequence(&[&oid("1.3.6.1.5.5.7.48.1"), &tlv(0x86, &[b"http://example.com"])]);
    parsed(AUTHORITY_INFO_ACCESS, &sequence(&[&access]), |extensions| {
        assert!(!extensions.authority_info_access.unwrap().critical);
    });
    refused(AUTHORITY_INFO_ACCESS, &sequence(&[]), "authorityInfoAccess", "empty");
    refused(
        AUTHORITY_INFO_ACCESS,
        &sequence(&[&sequence(&[&oid("1.2.3")])]),
        "authorityInfoAccess",
        "missing",
    );
}

#[test]
fn crl_distribution_points() {
    let uri = tlv(0x86, &[b"http://example.com/list"]);
    let issuer = tlv(0xa4, &[&name(&[(3, 0x0c, b"Issuer")])]);
    let full = sequence(&[&tlv(0xa0, &[&tlv(0xa0, &[&uri])])]);
    let relative = tlv(0xa0, &[&tlv(0xa1, &[&attribute((3, 0x0c, b"x"))])]);
    let relative = sequence(&[&relative, &tlv(0x81, &[&[1, 6]]), &tlv(0xa2, &[&issuer])]);
    parsed(CRL_DISTRIBUTION_POINTS, &sequence(&[&full, &relative]), |extensions| {
        let points = extensions.crl_distribution_points.unwrap().value;
        let [full, relative] = &points[..] else { panic!("{points:?}") };
        assert_eq!(full.full_name, [GeneralName::Uri(b"http://example.com/list")]);
        assert!(!full.relative_name && !full.some_reasons && full.crl_issuer.is_empty());
        assert!(relative.relative_name && relative.some_reasons && relative.full_name.is_empty());
        assert_eq!(relative.crl_issuer.len(), 1);
    });
    let field = "cRLDistributionPoints";
    refused(CRL_DISTRIBUTION_POINTS, &sequence(&[]), field, "empty");
    for (point, reason) in [
        (tlv(0xa0, &[&tlv(0xa0, &[])]), "empty"),
        (tlv(0xa0, &[]), "missing"),
        (tlv(0xa0, &[&tlv(0xa0, &[&uri]), &tlv(0xa1, &[])]), "octets follow"),
        (tlv(0x81, &[&[9]]), "how many"),
        (tlv(0xa2, &[]), "empty"),
        (uri.clone(), "octets follow"),
    ] {
        refused(CRL_DISTRIBUTION_POINTS, &sequence(&[&sequence(&[&point])]), field, reason);
    }
}
