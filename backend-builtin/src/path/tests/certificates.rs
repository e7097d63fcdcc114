//! What each certificate of a path has to be by itself.

use std::time::{Duration, SystemTime};

use polytls_api::CertificateError;

use super::{SERVER, expired, malformed, not_yet_valid, pki::*, server, unsupported};

/// A root, an authority below it and a server's certificate, the last two after a change.
fn chain(
    authority: impl FnOnce(Template) -> Template,
    end_entity: impl FnOnce(Template) -> Template,
) -> super::Question {
    let root = Authority::root("root");
    let authority = root.authority(authority(Template::authority("authority")));
    let end_entity = authority.issue(end_entity(Template::server(SERVER)));
    server(&root, &[&end_entity, &authority.der])
}

fn same(template: Template) -> Template {
    template
}

fn with_root(root: impl FnOnce(Template) -> Template) -> super::Question {
    let root = root(Template::authority("root")).self_signed();
    let end_entity = root.issue(Template::server(SERVER));
    server(&root, &[&end_entity])
}

#[test]
fn a_path_has_every_certificate_up_to_the_root() {
    let question = chain(same, same);
    for question in [question.clone(), question.strict()] {
        let path = question.accepted();
        assert_eq!(path.path(), [&question.chain[..], &question.roots].concat());
        assert!(path.reaches_root());
    }
}

#[test]
fn servers_and_clients_each_need_their_own_purpose() {
    let root = Authority::root("root");
    let (of_server, of_client) =
        (root.issue(Template::server(SERVER)), root.issue(Template::client("client")));
    server(&root, &[&of_client]).client().accepted();
    server(&root, &[&of_client]).client().strict().accepted();
    server(&root, &[&of_server]).client().refused(&CertificateError::WrongUsage);
    server(&root, &[&of_client]).refused(&CertificateError::WrongUsage);
}

#[test]
fn purposes_of_end_entities() {
    let wrong = CertificateError::WrongUsage;
    let of = |list: &[&str]| chain(same, |template| template.with(EXT_KEY_USAGE, false, purposes(list)));
    of(&[CLIENT_AUTH, SERVER_AUTH]).accepted();
    of(&[ANY_PURPOSE]).refused(&wrong);
    of(&[]).refused(&wrong);
    chain(same, |template| template.without(EXT_KEY_USAGE)).accepted();
    let usage = |bits| chain(same, move |template| template.with(KEY_USAGE, true, key_usage(bits)));
    // keyEncipherment, keyAgreement, nonRepudiation
    usage(0x20).accepted();
    usage(0x08).accepted();
    usage(0x40).refused(&wrong);
    chain(same, |template| template.without(KEY_USAGE)).accepted();
    let root = Authority::root("root");
    let client = |bits| root.issue(Template::client("client").with(KEY_USAGE, true, key_usage(bits)));
    server(&root, &[&client(0x08)]).client().accepted();
    server(&root, &[&client(0x20)]).client().refused(&wrong);
}

#[test]
fn purposes_of_authorities() {
    let of = |list: &[&str]| chain(|template| template.with(EXT_KEY_USAGE, false, purposes(list)), same);
    of(&[SERVER_AUTH]).accepted();
    of(&[ANY_PURPOSE]).accepted();
    of(&[CLIENT_AUTH]).refused(&CertificateError::WrongUsage);
    with_root(|root| root.with(EXT_KEY_USAGE, false, purposes(&[CLIENT_AUTH])))
        .refused(&CertificateError::WrongUsage);
}

#[test]
fn an_authority_is_one_that_says_so() {
    let no_authority = CertificateError::EndEntityUsedAsCa;
    let changes: [fn(Template) -> Template; 5] = [
        |template| template.with(BASIC_CONSTRAINTS, true, basic_constraints(false, None)),
        |template| template.without(BASIC_CONSTRAINTS),
        |template| template.with(KEY_USAGE, true, key_usage(DIGITAL_SIGNATURE | CRL_SIGN)),
        |template| template.change(|template| template.version = 1),
        |template| template.change(|template| template.version = 2),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let error = chain(change, same).refused(&no_authority);
        assert_eq!(error, no_authority, "{number}");
    }
    for change in &changes[..3] {
        with_root(change).refused(&no_authority);
    }
    chain(|template| template.without(KEY_USAGE), same).accepted();
    // A root of version 1 has nowhere to say it.
    with_root(|root| root.change(|root| root.version = 1)).accepted();
}

#[test]
fn an_authority_is_no_end_entity() {
    let authority =
        |template: Template| template.with(BASIC_CONSTRAINTS, true, basic_constraints(true, None));
    let fault = CertificateError::CaUsedAsEndEntity;
    chain(same, authority).refused(&fault);
    let root = authority(Template::server(SERVER)).self_signed();
    server(&root, &[&root.der]).refused(&fault);
}

#[test]
fn both_ends_of_the_validity_belong_to_it() {
    let question = chain(same, |template| {
        template.change(|template| template.validity = ("240301000000Z".into(), "240401000000Z".into()))
    });
    let at = |seconds, millis| {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(millis);
        question.clone().at(time)
    };
    let (first, last) = (1_709_251_200, 1_711_929_600);
    at(first, 0).accepted();
    at(last, 0).accepted();
    at(last, 999).accepted();
    let error = at(first - 1, 999).verdict().unwrap_err();
    let not_before = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(first));
    assert_eq!(error, CertificateError::NotYetValid { now: at(first - 1, 999).now, not_before });
    let error = at(last + 1, 0).verdict().unwrap_err();
    let not_after = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(last));
    assert_eq!(error, CertificateError::Expired { now: at(last + 1, 0).now, not_after });
}

#[test]
fn authorities_and_roots_end_as_well() {
    let past = |template: Template| {
        template.change(|template| template.validity = ("200101000000Z".into(), "210101000000Z".into()))
    };
    let future = |template: Template| {
        template.change(|template| template.validity = ("300101000000Z".into(), "310101000000Z".into()))
    };
    chain(past, same).refused(&expired());
    chain(future, same).refused(&not_yet_valid());
    with_root(past).refused(&expired());
    with_root(future).refused(&not_yet_valid());
}

#[test]
fn critical_extensions_have_to_be_known() {
    let unknown = |critical| move |template: Template| template.with(0x7f, critical, tlv(5, []));
    chain(unknown(false), unknown(false)).accepted();
    chain(same, unknown(true)).refused_saying(&malformed(), "2.5.29.127 is critical");
    chain(unknown(true), same).refused_saying(&malformed(), "`CN=authority`");
    with_root(unknown(true)).refused_saying(&malformed(), "`CN=root`");
}

#[test]
fn name_constraints_are_for_authorities() {
    for critical in [false, true] {
        chain(same, |template| {
            template.with(NAME_CONSTRAINTS, critical, name_constraints(&[(DNS, b"example")], &[]))
        })
        .refused_saying(&malformed(), "nameConstraints of the certificate `CN=server.example`");
    }
}

#[test]
fn signatures_have_to_be_right() {
    let bad = CertificateError::BadSignature;
    for index in [0, 1] {
        let mut question = chain(same, same);
        let mut der = question.chain[index].to_vec();
        *der.last_mut().unwrap() ^= 1;
        question.chain[index] = der.into();
        question.refused(&bad);
    }
}

#[test]
fn keys_of_each_kind_sign() {
    for key in [Key::p256, Key::ed25519, Key::rsa] {
        let root = Template::authority("root").key(key()).self_signed();
        let authority = root.authority(Template::authority("authority").key(key()));
        let end_entity = authority.issue(Template::server(SERVER).key(key()));
        server(&root, &[&end_entity, &authority.der]).strict().accepted();
    }
}

/// A SubjectPublicKeyInfo with a key of RSA.
fn rsa(bits: usize, last: u8, exponent: &[u8]) -> Vec<u8> {
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    modulus[0] >>= modulus.len() * 8 - bits;
    if let Some(end) = modulus.last_mut() {
        *end = last;
    }
    if modulus[0] >= 0x80 {
        modulus.insert(0, 0);
    }
    let key = sequence(&[tlv(2, modulus), tlv(2, exponent)]);
    let algorithm = sequence(&[oid("1.2.840.113549.1.1.1"), tlv(5, [])]);
    sequence(&[algorithm, tlv(3, [vec![0], key].concat())])
}

fn key_info(algorithm: &[Vec<u8>], key: &[u8]) -> Vec<u8> {
    sequence(&[sequence(algorithm), tlv(3, [&[0], key].concat())])
}

#[test]
fn weak_and_strange_keys_are_refused_wherever_they_are() {
    const EC: &str = "1.2.840.10045.2.1";
    let point = |length: usize| [&[4], &vec![7; length - 1][..]].concat();
    let explicit = sequence(&[tlv(2, [1]), sequence(&[oid("1.2.840.10045.1.1"), tlv(2, [7])])]);
    let cases = [
        (rsa(1024, 0xff, &[1, 0, 1]), "RSA of 1024 bits"),
        (rsa(2047, 0xff, &[1, 0, 1]), "RSA of 2047 bits"),
        (rsa(8193, 0xff, &[1, 0, 1]), "RSA of 8193 bits"),
        (rsa(2048, 0xff, &[1]), "exponent"),
        (rsa(2048, 0xff, &[2]), "exponent"),
        (key_info(&[oid("1.2.840.113549.1.1.1")], &[0x30, 0]), "NULL"),
        (key_info(&[oid(EC), explicit], &point(65)), "spells out"),
        (key_info(&[oid(EC)], &point(65)), "spells out"),
        (key_info(&[oid(EC), oid("1.2.840.10045.3.1.1")], &point(49)), "P-192"),
        (key_info(&[oid(EC), oid("1.3.132.0.10")], &point(65)), "1.3.132.0.10"),
        (key_info(&[oid(EC), oid("1.3.132.0.34")], &point(65)), "point"),
        (key_info(&[oid(EC), oid("1.2.840.10045.3.1.7")], &[2; 33]), "point"),
        (key_info(&[oid("1.2.840.10040.4.1")], &[2, 1, 1]), "DSA"),
        (key_info(&[oid("1.3.101.113")], &[1; 57]), "1.3.101.113"),
        (key_info(&[oid("1.3.101.112"), tlv(5, [])], &[1; 32]), "Ed25519"),
    ];
    for (info, words) in cases {
        let change = |template: Template| template.change(|template| template.key_info = Some(info.clone()));
        chain(same, change).refused_saying(&unsupported(), words);
        chain(change, same).refused_saying(&unsupported(), words);
        with_root(change).refused_saying(&unsupported(), words);
    }
    let broken = key_info(&[oid("1.2.840.113549.1.1.1"), tlv(5, [])], &[0x30, 1, 0]);
    chain(same, |template| template.change(|template| template.key_info = Some(broken)))
        .refused_saying(&malformed(), "subjectPublicKeyInfo");
}

#[test]
fn weak_signatures_are_refused_by_name() {
    for (algorithm, words) in [
        ("1.2.840.113549.1.1.5", "SHA-1"),
        ("1.2.840.10045.4.1", "SHA-1"),
        ("1.2.840.113549.1.1.4", "MD5"),
        ("2.16.840.1.101.3.4.3.2", "DSA"),
        ("1.2.3.4", ""),
    ] {
        let change = |template: Template| {
            let algorithm = sequence(&[oid(algorithm)]);
            template.change(|template| template.algorithms = Some((algorithm.clone(), algorithm)))
        };
        chain(same, change).refused_saying(&unsupported(), words);
        chain(change, same).refused_saying(&unsupported(), words);
        // With what a root signed itself does not matter.
        with_root(change).accepted();
    }
}

#[test]
fn the_algorithm_outside_is_the_one_that_was_signed() {
    let own = sequence(&[oid("1.2.840.10045.4.3.2")]);
    let other = sequence(&[oid("1.2.840.10045.4.3.3")]);
    for algorithms in [(own.clone(), other.clone()), (other, own)] {
        let change =
            |template: Template| template.change(|template| template.algorithms = Some(algorithms.clone()));
        chain(same, change).refused(&unsupported());
        chain(change, same).refused(&unsupported());
        with_root(change).refused(&unsupported());
    }
}

#[test]
fn what_is_no_certificate_is_malformed_where_it_matters() {
    let mut question = chain(same, same);
    question.chain.insert(1, vec![0x30, 0].into());
    question.accepted();
    question.chain[0] = vec![0x30, 0].into();
    question.refused(&malformed());
}
