//! What the strict profile refuses and the interoperable one lets pass.

use polytls_api::{
    Roots,
    x509::{Certificate, KeyPurposeId},
};

use super::{
    super::{Profile, validate::Rules},
    Question, SERVER, now,
    pki::*,
    server, unsupported,
};

type Change = fn(Template) -> Template;

fn same(template: Template) -> Template {
    template
}

/// A path with these changes to its three certificates, for this name.
fn path(root: Change, authority: Change, end_entity: Change) -> Question {
    let root = root(Template::authority("root")).self_signed();
    let authority = root.authority(authority(Template::authority("authority")));
    let end_entity = authority.issue(end_entity(Template::server(SERVER)));
    server(&root, &[&end_entity, &authority.der])
}

/// The strict profile refuses with these words, the interoperable one does not.
#[track_caller]
fn only_strict(question: &Question, words: &str) {
    question.accepted();
    question.clone().strict().refused_saying(&super::malformed(), words);
}

/// The same for a change to an authority, and to a root.
#[track_caller]
fn of_authorities(change: Change, words: &str) {
    only_strict(&path(same, change, same), words);
    only_strict(&path(change, same, same), words);
}

#[track_caller]
fn of_end_entities(change: Change, words: &str) {
    only_strict(&path(same, same, change), words);
}

fn with_identifier(critical: bool, value: &[Vec<u8>]) -> impl Fn(Template) -> Template {
    move |template| template.with(AUTHORITY_KEY_IDENTIFIER, critical, sequence(value))
}

#[test]
fn what_templates_make_is_strict() {
    path(same, same, same).strict().accepted();
}

#[test]
fn key_identifiers() {
    let none: Change = |template| template.with(AUTHORITY_KEY_IDENTIFIER, false, Vec::new());
    only_strict(&path(same, none, same), "authorityKeyIdentifier of the certificate `CN=authority`");
    of_end_entities(none, "there is none (RFC 5280 §4.2.1.1)");
    of_end_entities(|template| with_identifier(false, &[])(template), "there is no keyIdentifier");
    let other: Change = |template| with_identifier(false, &[tlv(0x80, [7; 20])])(template);
    of_end_entities(other, "its issuer's subjectKeyIdentifier");
    only_strict(&path(other, same, same), "the root's own subjectKeyIdentifier");
    only_strict(
        &path(|template| with_identifier(false, &[])(template), same, same),
        "there is no keyIdentifier",
    );
    of_authorities(
        |template| template.with(SUBJECT_KEY_IDENTIFIER, false, Vec::new()),
        "subjectKeyIdentifier of",
    );
    of_authorities(
        |template| {
            let identifier = tlv(4, template.key.identifier());
            template.with(SUBJECT_KEY_IDENTIFIER, true, identifier)
        },
        "critical (RFC 5280 §4.2.1.2)",
    );
}

#[test]
fn key_identifiers_say_nothing_but_the_key() {
    let root = Authority::root("root");
    let own = || tlv(0x80, root.key.identifier());
    let names = tlv(0xa1, tlv(DIRECTORY, common_name("root")));
    let issue =
        |value: &[Vec<u8>], critical| root.issue(with_identifier(critical, value)(Template::server(SERVER)));
    let more = issue(&[own(), names, tlv(0x82, [1])], false);
    only_strict(&server(&root, &[&more]), "names the issuer's certificate");
    only_strict(&server(&root, &[&issue(&[own()], true)]), "critical (RFC 5280 §4.2.1.1)");
    server(&root, &[&issue(&[own()], false)]).strict().accepted();
}

#[test]
fn a_root_that_another_issued_names_that_ones_key() {
    let other = Authority::root("other");
    let bare = Template::authority("root").with(AUTHORITY_KEY_IDENTIFIER, false, Vec::new());
    let root = other.authority(bare);
    only_strict(&server(&root, &[&root.issue(Template::server(SERVER))]), "authorityKeyIdentifier");
    let root = other.authority(Template::authority("root"));
    server(&root, &[&root.issue(Template::server(SERVER))]).strict().accepted();
}

#[test]
fn serial_numbers() {
    let serial = |octets: &[u8]| {
        let octets = octets.to_vec();
        let root = Authority::root("root");
        let template = Template::server(SERVER).change(|template| template.serial = octets);
        server(&root, &[&root.issue(template)])
    };
    only_strict(&serial(&[0]), "it is 0");
    only_strict(&serial(&[0x80]), "negative");
    only_strict(&serial(&[1; 21]), "20 octets");
    serial(&[1; 20]).strict().accepted();
    // Roots of old have 0.
    path(|template| template.change(|template| template.serial = vec![0]), same, same).strict().accepted();
    only_strict(
        &path(|template| template.change(|template| template.serial = vec![0x80]), same, same),
        "serialNumber of the certificate `CN=root`",
    );
}

#[test]
fn what_authorities_mark_critical() {
    of_authorities(
        |template| template.with(BASIC_CONSTRAINTS, false, basic_constraints(true, None)),
        "basicConstraints",
    );
    of_authorities(
        |template| template.with(POLICY_CONSTRAINTS, false, policy_constraints(Some(9), None)),
        "policyConstraints",
    );
    of_authorities(|template| template.with(INHIBIT_ANY_POLICY, false, tlv(2, [9])), "inhibitAnyPolicy");
    only_strict(&path(same, |template| template.without(KEY_USAGE), same), "keyUsage");
    of_authorities(|template| template.with(NAME_CONSTRAINTS, true, sequence(&[])), "nameConstraints");
    // The Baseline Requirements let these go uncritical.
    let constraints: Change =
        |template| template.with(NAME_CONSTRAINTS, false, name_constraints(&[(DNS, b"example")], &[]));
    path(constraints, same, same).strict().accepted();
}

#[test]
fn what_nobody_marks_critical() {
    let critical: Change = |template| template.with(CERTIFICATE_POLICIES, true, policies(&[ANY_POLICY]));
    of_end_entities(critical, "certificatePolicies");
    of_end_entities(|template| template.with(EXT_KEY_USAGE, true, purposes(&[SERVER_AUTH])), "extKeyUsage");
}

#[test]
fn roots_have_no_purpose() {
    let purpose: Change = |template| template.with(EXT_KEY_USAGE, false, purposes(&[SERVER_AUTH]));
    only_strict(&path(purpose, same, same), "a root has none");
    path(same, purpose, same).strict().accepted();
}

#[test]
fn versions_before_3_have_nothing_to_be_held_to() {
    let root = Authority::root("root");
    let client = Template::client("client").change(|template| template.version = 1);
    let question = server(&root, &[&root.issue(client)]).client();
    only_strict(&question, "version");
}

#[test]
fn usage_of_end_entities() {
    of_end_entities(
        |template| template.with(KEY_USAGE, true, key_usage(DIGITAL_SIGNATURE | KEY_CERT_SIGN)),
        "keyCertSign",
    );
    of_end_entities(
        |template| template.with(KEY_USAGE, true, key_usage(DIGITAL_SIGNATURE | CRL_SIGN)),
        "cRLSign",
    );
    // keyAgreement
    of_end_entities(|template| template.with(KEY_USAGE, true, key_usage(0x08)), "digitalSignature");
    of_end_entities(
        |template| template.with(BASIC_CONSTRAINTS, true, basic_constraints(false, Some(0))),
        "pathLenConstraint",
    );
    of_end_entities(|template| template.without(EXT_KEY_USAGE), "extKeyUsage");
    of_end_entities(
        |template| template.with(EXT_KEY_USAGE, false, purposes(&[SERVER_AUTH, ANY_PURPOSE])),
        "purpose",
    );
    let code_signing: Change =
        |template| template.with(EXT_KEY_USAGE, false, purposes(&[SERVER_AUTH, "1.3.6.1.5.5.7.3.3"]));
    of_end_entities(code_signing, "purpose");
    path(same, same, |template| template.with(EXT_KEY_USAGE, false, purposes(&[CLIENT_AUTH, SERVER_AUTH])))
        .strict()
        .accepted();
}

#[test]
fn names_are_critical_exactly_where_there_is_no_subject() {
    let anonymous: Change = |template| template.change(|template| template.subject = sequence(&[]));
    of_end_entities(anonymous, "there is no subject");
    let root = Authority::root("root");
    let names = general_names(&[(DNS, SERVER.as_bytes())]);
    let template = Template::server(SERVER).with(SUBJECT_ALT_NAME, true, names);
    only_strict(&server(&root, &[&root.issue(template.clone())]), "there is a subject");
    server(&root, &[&root.issue(anonymous(template))]).strict().accepted();
    let client = Template::client("client").names(&[]);
    only_strict(&server(&root, &[&root.issue(client)]).client(), "it is empty");
}

#[test]
fn names_of_servers_can_be_some() {
    let with = |other: (u8, &'static [u8])| {
        let root = Authority::root("root");
        let template = Template::server(SERVER).names(&[(DNS, SERVER.as_bytes()), other]);
        server(&root, &[&root.issue(template)])
    };
    for other in [
        (DNS, &b"a_b.example"[..]),
        (DNS, b".example"),
        (DNS, b"a.example."),
        (DNS, b"*.example"),
        (DNS, b"*"),
        (DNS, b"a.*.example"),
        (DNS, b"192.0.2.1"),
        (IP, &[1, 2, 3]),
    ] {
        only_strict(&with(other), "a dNSName or iPAddress");
    }
    with((DNS, b"*.a.example")).strict().accepted();
}

#[test]
fn a_common_name_is_one_of_the_names() {
    const V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    let root = Authority::root("root");
    let called = |common: &str, name: &'static str, names: &[(u8, &[u8])]| {
        let template =
            Template::server(SERVER).names(names).change(|template| template.subject = common_name(common));
        server(&root, &[&root.issue(template)]).named(name)
    };
    let host = |common| called(common, SERVER, &[(DNS, SERVER.as_bytes()), (DNS, b"*.a.example")]);
    let v4 = |common| called(common, "192.168.1.1", &[(IP, &[192, 168, 1, 1])]);
    let v6 = |common| called(common, "2001:db8::1:0:0:1", &[(IP, &V6)]);
    for question in [
        host(SERVER),
        host("*.a.example"),
        host("Example Inc."),
        host("localhost"),
        v4("192.168.1.1"),
        v4("host.example"),
        v6("2001:db8::1:0:0:1"),
        called("a.example", "b.a.example", &[(DNS, b"*.a.example")]),
    ] {
        question.strict().accepted();
    }
    for question in [
        host("other.example"),
        host("Server.example"),
        host("*.example"),
        host("sérver.example"),
        host("192.168.1.1"),
        v4("192.168.001.001"),
        v4("0xC0.0xA8.0x1.0x1"),
        v4("0xC0A80101"),
        v4("3232235777"),
        v6("2001:DB8::1:0:0:1"),
        v6("2001:db8:0:0:1::1"),
    ] {
        only_strict(&question, "commonName");
    }
    let twice = name(&[(3, 0x0c, SERVER.as_bytes()), (3, 0x0c, SERVER.as_bytes())]);
    let template = Template::server(SERVER).change(|template| template.subject = twice);
    only_strict(&server(&root, &[&root.issue(template)]), "more than one");
    // A client's is whatever it is called.
    let client = Template::client("client.example").names(&[(DNS, b"other.example")]);
    server(&root, &[&root.issue(client)]).client().strict().accepted();
}

#[test]
fn rsa_has_whole_octets() {
    let root = Authority::root("root");
    let modulus = [&[0x0f][..], &[0xff; 256]].concat();
    let key = sequence(&[tlv(2, modulus), tlv(2, [1, 0, 1])]);
    let algorithm = sequence(&[oid("1.2.840.113549.1.1.1"), tlv(5, [])]);
    let info = sequence(&[algorithm, tlv(3, [vec![0], key].concat())]);
    let template = Template::server(SERVER).change(|template| template.key_info = Some(info));
    let question = server(&root, &[&root.issue(template)]);
    question.accepted();
    question.strict().refused_saying(&unsupported(), "2052 bits");
}

#[test]
fn times_before_2050_are_utc_times() {
    let ends = |last: &'static str| {
        let root = Authority::root("root");
        let template = Template::server(SERVER).change(|template| template.validity.1 = last.into());
        server(&root, &[&root.issue(template)])
    };
    only_strict(&ends("20491231235959Z"), "validity of the certificate `CN=server.example`");
    ends("20500101000000Z").strict().accepted();
}

#[test]
fn names_of_authorities_are_not_empty() {
    let nameless = Template::authority("").change(|template| template.subject = sequence(&[])).self_signed();
    only_strict(&server(&nameless, &[&nameless.issue(Template::server(SERVER))]), "it is empty");
}

#[test]
fn nearly_all_bundled_roots_are_strict() {
    let roots = Roots::Bundled.certificates().unwrap();
    let rules = |profile| Rules { now: now(), purpose: KeyPurposeId::SERVER_AUTH, profile, max_depth: 8 };
    let held = |profile| {
        let roots = roots.iter().map(|root| Certificate::parse(root).unwrap());
        roots.filter(|root| rules(profile).anchor(root).is_ok()).count()
    };
    assert_eq!(held(Profile::Interoperable), roots.len());
    assert!(held(Profile::Strict) * 100 >= roots.len() * 95, "{}", held(Profile::Strict));
}
