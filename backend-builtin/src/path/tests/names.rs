//! Names of servers.

use polytls_api::CertificateError;

use super::{SERVER, mismatch, pki::*, server};

fn with(names: &[(u8, &[u8])]) -> super::Question {
    let root = Authority::root("root");
    server(&root, &[&root.issue(Template::server(SERVER).names(names))])
}

#[test]
fn names_match_label_by_label_without_regard_to_case() {
    let dns = |name: &str| with(&[(DNS, name.as_bytes())]);
    for name in ["server.example", "SERVER.Example"] {
        dns(name).accepted();
    }
    for name in [
        "other.example",
        "example",
        "a.server.example",
        "server.example.",
        ".server.example",
        "server..example",
        "server.example\0.evil.example",
        "server.example\0",
        " server.example",
        "",
    ] {
        dns(name).refused(&mismatch());
    }
}

#[test]
fn a_wildcard_is_the_whole_leftmost_label_and_stands_for_one() {
    let dns = |name: &str, server| with(&[(DNS, name.as_bytes())]).named(server);
    dns("*.server.example", "a.server.example").accepted();
    dns("*.server.example", "A.Server.example").accepted();
    for (name, server) in [
        ("*.server.example", "server.example"),
        ("*.server.example", "a.b.server.example"),
        ("*.example", "server.example"),
        ("*", "server"),
        ("*", "server.example"),
        ("*.", "server"),
        ("a*.server.example", "ab.server.example"),
        ("*a.server.example", "ba.server.example"),
        ("a.*.example", "a.server.example"),
        ("*.*.example", "a.server.example"),
        ("**.server.example", "a.server.example"),
    ] {
        dns(name, server).refused(&mismatch());
    }
}

#[test]
fn addresses_match_octet_for_octet() {
    const V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let mapped = [&[0; 10][..], &[0xff, 0xff, 192, 0, 2, 1]].concat();
    with(&[(IP, &[192, 0, 2, 1])]).named("192.0.2.1").accepted();
    with(&[(IP, &V6)]).named("2001:db8::1").accepted();
    for names in [
        [(IP, &[192, 0, 2, 2][..])],
        [(IP, &mapped)],
        [(IP, &[192, 0, 2])],
        [(IP, &[192, 0, 2, 1, 255, 255, 255, 255])],
        [(DNS, b"192.0.2.1")],
        [(DNS, b"*.0.2.1")],
        [(URI, b"https://192.0.2.1/")],
    ] {
        with(&names).named("192.0.2.1").refused(&mismatch());
    }
    with(&[(IP, b"192.0.2.1")]).refused(&mismatch());
}

#[test]
fn the_common_name_is_no_name() {
    let root = Authority::root("root");
    let end_entity = root.issue(Template::server(SERVER).without(SUBJECT_ALT_NAME));
    server(&root, &[&end_entity]).refused(&mismatch());
}

#[test]
fn an_error_tells_what_names_there_are_up_to_a_bound() {
    let question = with(&[(DNS, b"a.example"), (IP, &[192, 0, 2, 1]), (RFC822, b"a@b"), (DNS, b"\n")]);
    let CertificateError::NameMismatch { expected, presented } = question.verdict().unwrap_err() else {
        panic!();
    };
    assert_eq!(expected, SERVER);
    assert_eq!(presented, ["a.example", "192.0.2.1", "\\n"]);
    let long = vec![b'a'; 10_000];
    let many: Vec<(u8, &[u8])> = vec![(DNS, &long); 1000];
    let CertificateError::NameMismatch { presented, .. } = with(&many).verdict().unwrap_err() else {
        panic!()
    };
    assert_eq!(presented.len(), 100);
    assert!(presented.iter().all(|name| name.len() < 300));
}
