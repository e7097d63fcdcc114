//! Name constraints, and ways around them.

use super::{Question, SERVER, constrained, malformed, pki::*, server, too_long};

type Names<'a> = &'a [(u8, &'a [u8])];

/// A server's certificate under an authority with these constraints.
fn under(permitted: Names<'_>, excluded: Names<'_>, end_entity: Template) -> Question {
    let root = Authority::root("root");
    let constraints = name_constraints(permitted, excluded);
    let authority =
        root.authority(Template::authority("authority").with(NAME_CONSTRAINTS, true, constraints));
    let end_entity = authority.issue(end_entity);
    // Which name it has is not the question.
    server(&root, &[&end_entity, &authority.der]).client()
}

/// A client with these names.
fn with(names: Names<'_>) -> Template {
    Template::client("client").names(names)
}

fn permitted(base: (u8, &[u8]), name: (u8, &[u8])) -> bool {
    let question = under(&[base], &[], with(&[name]));
    let verdict = question.verdict();
    if verdict.is_err() {
        question.refused(&constrained());
    }
    verdict.is_ok()
}

fn excluded(base: (u8, &[u8]), name: (u8, &[u8])) -> bool {
    let question = under(&[], &[base], with(&[name]));
    let verdict = question.verdict();
    if verdict.is_err() {
        question.refused(&constrained());
    }
    verdict.is_err()
}

/// What is in the subtree is permitted where it is permitted, and excluded where it is excluded; what is not, not.
#[track_caller]
fn inside(base: (u8, &[u8]), name: (u8, &[u8]), inside: bool) {
    assert_eq!(permitted(base, name), inside, "{base:?} permits {name:?}");
    assert_eq!(excluded(base, name), inside, "{base:?} excludes {name:?}");
}

#[test]
fn dns_names() {
    for (base, name, is_inside) in [
        ("example.com", "example.com", true),
        ("example.com", "a.b.example.com", true),
        ("EXAMPLE.com", "a.Example.COM", true),
        ("example.com", "notexample.com", false),
        ("example.com", "com", false),
        ("example.com", "example.com.evil.example", false),
        ("com", "example.com", true),
        ("", "example.com", true),
        ("example.com", "*.example.com", true),
        ("example.com", "*.a.example.com", true),
        ("example.com", "*.other.com", false),
    ] {
        inside((DNS, base.as_bytes()), (DNS, name.as_bytes()), is_inside);
    }
    // It may stand for a name in the subtree, and for names that are not.
    let (base, wildcard) = ((DNS, &b"a.example.com"[..]), (DNS, &b"*.example.com"[..]));
    assert!(!permitted(base, wildcard));
    assert!(excluded(base, wildcard));
}

#[test]
fn names_that_cannot_be_held_against_constraints_of_their_form_are_refused() {
    const LONG: [u8; 50] = [3; 50];
    let other_name = [tlv(6, LONG), tlv(0xa0, tlv(5, []))].concat();
    for (base, name) in [
        ((DNS, &b"example.com"[..]), (DNS, &b".example.com"[..])),
        ((DNS, b"example.com"), (DNS, b"a.example.com.")),
        ((DNS, b"example.com"), (DNS, b"evil.example\0.example.com")),
        ((DNS, b"example.com"), (DNS, b"a b.example.com")),
        ((DNS, b"example.com"), (DNS, b"")),
        ((IP, &[10, 0, 0, 0, 255, 0, 0, 0]), (IP, &[10, 0, 0])),
        ((RFC822, b"example.com"), (RFC822, b"example.com")),
        ((RFC822, b"example.com"), (RFC822, b"\"a\"@example.com")),
        ((RFC822, b"example.com"), (RFC822, b"a@b@example.com")),
        ((RFC822, b"example.com"), (RFC822, b"a@[10.0.0.1]")),
        ((URI, b"example.com"), (URI, b"urn:example:com")),
        ((URI, b"example.com"), (URI, b"https://10.0.0.1/")),
        ((URI, b"example.com"), (URI, b"https://[::1]/")),
        ((URI, b"example.com"), (URI, b"https://evil.example\\@example.com/")),
        ((URI, b"example.com"), (URI, b"https://example.com:a/")),
        ((REGISTERED_ID, &[0x2a, 3]), (REGISTERED_ID, &[0x2a, 3])),
        // otherName
        ((0xa0, &[6, 1, 0x2a, 0xa0, 2, 5, 0]), (0xa0, &[6, 1, 0x2a, 0xa0, 2, 5, 0])),
        // The same, of kinds whose identifiers are too long to be held.
        ((0xa0, &[6, 1, 0x2a, 0xa0, 2, 5, 0]), (0xa0, &other_name)),
        ((0xa0, &other_name), (0xa0, &[6, 1, 0x2a, 0xa0, 2, 5, 0])),
        ((REGISTERED_ID, &[0x2a, 3]), (REGISTERED_ID, &LONG)),
        ((REGISTERED_ID, &LONG), (REGISTERED_ID, &[0x2a, 3])),
    ] {
        under(&[base], &[], with(&[name])).refused_saying(&constrained(), "cannot be held against");
        under(&[], &[base], with(&[name])).refused_saying(&constrained(), "cannot be held against");
        // Constraints on other forms are none of its business.
        let other =
            if base.0 == DNS { (IP, &[10, 0, 0, 0, 255, 0, 0, 0][..]) } else { (DNS, &b"example.com"[..]) };
        under(&[other], &[other], with(&[name])).accepted();
    }
}

#[test]
fn addresses() {
    let v6 = |last: u8| [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[last]].concat();
    let v6_range = [v6(0), vec![0xff; 4], vec![0; 12]].concat();
    for (base, name, is_inside) in [
        (vec![192, 0, 2, 0, 255, 255, 255, 0], vec![192, 0, 2, 77], true),
        (vec![192, 0, 2, 9, 255, 255, 255, 0], vec![192, 0, 2, 77], true),
        (vec![192, 0, 2, 0, 255, 255, 255, 0], vec![192, 0, 3, 77], false),
        (vec![192, 0, 2, 128, 255, 255, 255, 128], vec![192, 0, 2, 77], false),
        (vec![0; 8], vec![192, 0, 2, 77], true),
        (vec![0; 8], v6(1), false),
        (v6_range.clone(), v6(1), true),
        (v6_range, vec![0x20, 1, 0xd, 0xb8], false),
    ] {
        inside((IP, &base), (IP, &name), is_inside);
    }
}

#[test]
fn mailboxes() {
    for (base, name, is_inside) in [
        ("a@example.com", "a@example.com", true),
        ("a@example.com", "a@EXAMPLE.com", true),
        ("a@example.com", "A@example.com", false),
        ("*@example.com", "*@example.com", true),
        ("*@example.com", "a@example.com", false),
        ("example.com", "a@example.com", true),
        ("example.com", "a@b.example.com", false),
        (".example.com", "a@b.example.com", true),
        (".example.com", "a@example.com", false),
        ("", "a@example.com", true),
    ] {
        inside((RFC822, base.as_bytes()), (RFC822, name.as_bytes()), is_inside);
    }
}

#[test]
fn uris() {
    for (base, name, is_inside) in [
        ("example.com", "https://example.com", true),
        ("example.com", "https://user:password@EXAMPLE.com:443/path?query#fragment", true),
        ("example.com", "https://a.example.com/", false),
        (".example.com", "https://a.example.com/", true),
        (".example.com", "https://example.com/", false),
        ("example.com", "https://evil.example/@example.com", false),
        ("example.com", "https://evil.example?@example.com", false),
        ("example.com", "https://example.com@evil.example/", false),
    ] {
        inside((URI, base.as_bytes()), (URI, name.as_bytes()), is_inside);
    }
}

const UTF8: u8 = 0x0c;
const PRINTABLE: u8 = 0x13;
const BMP: u8 = 0x1e;

/// organizationName, and a country above it.
fn organization(tag: u8, text: &[u8]) -> Vec<u8> {
    name(&[(6, PRINTABLE, b"CH"), (10, tag, text)])
}

#[test]
fn directory_names_whatever_their_strings_types_and_spaces() {
    let base = organization(UTF8, b"Example Org");
    let bmp: Vec<u8> = "EXAMPLE ORG".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let below = name(&[(6, UTF8, b"ch"), (10, PRINTABLE, b"  example   ORG "), (3, UTF8, b"somebody")]);
    for (name, is_inside) in [
        (organization(UTF8, b"Example Org"), true),
        (organization(PRINTABLE, b"example org"), true),
        (organization(BMP, &bmp), true),
        (below, true),
        (organization(UTF8, b"Example Organization"), false),
        (name(&[(10, UTF8, b"Example Org"), (6, PRINTABLE, b"CH")]), false),
        (name(&[(10, UTF8, b"Example Org")]), false),
    ] {
        // The subject of a client is a directoryName too: it is left empty here.
        let anonymous = with(&[(DIRECTORY, &name)]).change(|template| template.subject = sequence(&[]));
        let (permits, excludes) = (
            under(&[(DIRECTORY, &base)], &[], anonymous.clone()),
            under(&[], &[(DIRECTORY, &base)], anonymous),
        );
        assert_eq!(permits.verdict().is_ok(), is_inside);
        assert_eq!(excludes.verdict().is_err(), is_inside);
        let subject = Template::client("client").change(|template| template.subject = name);
        let (permits, excludes) =
            (under(&[(DIRECTORY, &base)], &[], subject.clone()), under(&[], &[(DIRECTORY, &base)], subject));
        assert_eq!(permits.verdict().is_ok(), is_inside);
        assert_eq!(excludes.verdict().is_err(), is_inside);
    }
}

#[test]
fn mailboxes_in_the_subject_count_where_there_are_no_other_names() {
    let mailbox =
        sequence(&[tlv(0x31, sequence(&[oid("1.2.840.113549.1.9.1"), tlv(0x16, "a@evil.example")]))]);
    let client = Template::client("client").change(|template| template.subject = mailbox);
    let base = (RFC822, &b"example.com"[..]);
    under(&[base], &[], client.clone()).refused_saying(&constrained(), "a@evil.example");
    under(&[base], &[], client.names(&[(DNS, b"a.example")])).accepted();
}

#[test]
fn exclusion_beats_permission_and_every_authority_has_a_say() {
    let dns = |name: &'static str| (DNS, name.as_bytes());
    under(&[dns("example.com")], &[dns("a.example.com")], with(&[dns("a.example.com")]))
        .refused(&constrained());
    under(&[dns("example.com")], &[dns("a.example.com")], with(&[dns("b.example.com")])).accepted();
    under(&[dns("a.com"), dns("b.com")], &[], with(&[dns("a.com"), dns("b.com")])).accepted();
    under(&[dns("a.com"), dns("b.com")], &[], with(&[dns("a.com"), dns("c.com")])).refused(&constrained());
    for (upper, lower) in [("a.com", "b.com"), ("b.com", "a.com")] {
        let constraints = |name| name_constraints(&[dns(name)], &[]);
        let root = Template::authority("root").with(NAME_CONSTRAINTS, true, constraints(upper)).self_signed();
        let authority = Template::authority("authority").with(NAME_CONSTRAINTS, false, constraints(lower));
        let authority = root.authority(authority);
        let end_entity = authority.issue(with(&[dns("a.com")]));
        server(&root, &[&end_entity, &authority.der]).client().refused(&constrained());
    }
}

#[test]
fn names_of_authorities_are_held_to_them_and_self_issued_ones_only_at_the_end() {
    let root = Template::authority("root")
        .with(NAME_CONSTRAINTS, true, name_constraints(&[(DNS, b"example.com")], &[]))
        .self_signed();
    let outside = |name: &str| Template::authority(name).names(&[(DNS, b"evil.example")]);
    let authority = root.authority(outside("authority"));
    let end_entity = authority.issue(with(&[(DNS, b"example.com")]));
    server(&root, &[&end_entity, &authority.der]).client().refused_saying(&constrained(), "`CN=authority`");
    let self_issued = root.authority(outside("root"));
    let end_entity = self_issued.issue(with(&[(DNS, b"example.com")]));
    server(&root, &[&end_entity, &self_issued.der]).client().accepted();
    let last = with(&[(DNS, b"evil.example")]).change(|template| template.subject = common_name("root"));
    server(&root, &[&root.issue(last)]).client().refused(&constrained());
}

#[test]
fn constraints_that_are_none_refuse_whatever_is_below() {
    for base in [
        (DNS, &b"*.example.com"[..]),
        (DNS, b".example.com"),
        (DNS, b"example.com."),
        (DNS, b"exam ple"),
        (IP, &[10, 0, 0, 0]),
        (IP, &[10, 0, 0, 0, 255, 0, 255, 0]),
        (IP, &[10, 0, 0, 0, 253, 0, 0, 0]),
        (RFC822, b"a@"),
        (RFC822, b"@example.com"),
        (RFC822, b"*.example.com"),
        (URI, b"https://example.com"),
        (URI, b"10.0.0.1"),
    ] {
        under(&[base], &[], Template::client("client")).refused_saying(&malformed(), "nameConstraints of");
        under(&[], &[base], Template::client("client")).refused_saying(&malformed(), "`CN=authority`");
    }
    let subtree = |more: Vec<u8>| sequence(&[tlv(0xa0, sequence(&[tlv(DNS, "example"), more]))]);
    for value in [subtree(tlv(0x80, [1])), subtree(tlv(0x81, [9])), sequence(&[tlv(0xa0, [])])] {
        let root = Template::authority("root").with(NAME_CONSTRAINTS, true, value).self_signed();
        server(&root, &[&root.issue(Template::server(SERVER))]).refused(&malformed());
    }
}

#[test]
fn work_on_constraints_is_bounded() {
    let bases: Vec<_> = (0..1000).map(|number| format!("x{number}.test")).collect();
    let names: Vec<_> = (0..1000).map(|number| format!("y{number}.test")).collect();
    let bases: Vec<_> = bases.iter().map(|name| (DNS, name.as_bytes())).collect();
    let names: Vec<_> = names.iter().map(|name| (DNS, name.as_bytes())).collect();
    under(&[], &bases, with(&names)).refused_saying(&too_long(), "name constraints");
    under(&[], &bases, with(&names[..50])).accepted();
}
