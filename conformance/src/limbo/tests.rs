use polytls_api::CertificateError;

use super::*;

fn suite() -> Suite {
    Suite::read(concat!(env!("CARGO_MANIFEST_DIR"), "/limbo/limbo.json")).expect("the suite can be read")
}

fn case(suite: &Suite, id: &str) -> Case {
    suite.cases.iter().find(|case| case.id == id).cloned().unwrap_or_else(|| panic!("no case {id}"))
}

fn entry(id: &str, expected: &str, actual: &str) -> Exceptions {
    let text = serde_json::json!([{ "id": id, "expected": expected, "actual": actual, "reason": "a rule" }]);
    Exceptions { entries: serde_json::from_value(text).expect("an entry") }
}

#[test]
fn the_suite_is_read_whole() {
    let suite = suite();
    assert_eq!(suite.cases.len(), 110);
    assert_eq!(suite.cases.iter().filter(|case| case.role == Role::Client).count(), 6);
    let exact = case(&suite, "rfc5280::validity::notafter-fractional").time.expect("it has a time");
    let since = exact.duration_since(std::time::UNIX_EPOCH).expect("it is after 1970");
    assert_eq!(since.as_millis(), 1_711_929_600_005);
    assert_eq!(case(&suite, "pathlen::max-chain-depth-1").max_chain_depth, Some(1));
    assert_eq!(case(&suite, "webpki::san::exact-localhost-ip-san").peers, [PeerName::Ip("127.0.0.1".into())]);
    assert_eq!(case(&suite, "rfc5280::validity::expired-intermediate").importance, Importance::Critical);
}

#[test]
fn a_file_of_another_schema_is_no_suite() {
    let folder = std::env::temp_dir().join(format!("polytls-limbo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for (name, text) in
        [("version.json", r#"{"version":2,"testcases":[]}"#), ("no.json", "{}"), ("list.json", "[]")]
    {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        let error = Suite::read(&path).expect_err(name);
        assert!(error.to_string().contains(name), "{error}");
    }
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}

#[test]
fn what_must_be_said_of_clients_follows_from_usages() {
    let clients = suite().as_clients();
    let expected = |id: &str| case(&clients, &format!("{id}#client")).expected;
    // The end entity is for servers alone.
    let wrong_usage = Expected::RefusedFor(CertificateError::WrongUsage);
    assert_eq!(expected("rfc5280::nc::permitted-dns-match"), wrong_usage);
    assert_eq!(expected("online::google.com"), wrong_usage);
    assert_eq!(expected("rfc5280::nc::permitted-dns-mismatch"), Expected::Refused);
    // For both.
    assert_eq!(expected("online::akamai.com"), Expected::Accepted);
    assert_eq!(expected("webpki::explicit-curve"), Expected::Refused);
    // For clients alone, which was the server's fault.
    assert_eq!(expected("rfc5280::eku::ee-wrong-eku"), Expected::Accepted);
    // What the Baseline Requirements want of servers says nothing of clients; and a client's case is none of a server's.
    let derived = |id: &str| clients.cases.iter().any(|case| case.id == format!("{id}#client"));
    assert!(!derived("webpki::eku::ee-anyeku") && !derived("rfc5280::nc::nc-permits-email-domain"));
}

#[test]
fn an_answer_that_differs_needs_an_entry_that_says_so() {
    let case = case(&suite(), "rfc5280::serial::too-long");
    let (accepted, refused) = (Answer::Accepted, Answer::Refused(CertificateError::UnknownIssuer));
    let none = Exceptions::default();
    assert_eq!(none.judge(&case, &refused), Judgement::Agrees);
    assert_eq!(none.judge(&case, &accepted), Judgement::Unexplained);
    assert_eq!(none.judge(&case, &Answer::NotRun("for a reason".into())), Judgement::Unexplained);
    let listed = entry(&case.id, "refused", "accepted");
    assert!(matches!(listed.judge(&case, &accepted), Judgement::Explained(_)));
    // It agrees now, or differs in another way.
    assert!(matches!(listed.judge(&case, &refused), Judgement::Stale(_)));
    assert!(matches!(listed.judge(&case, &Answer::NotRun("for a reason".into())), Judgement::Stale(_)));
    let other = entry(&case.id, "accepted", "accepted");
    assert!(matches!(other.judge(&case, &accepted), Judgement::Stale(_)));
}

#[test]
fn where_the_fault_matters_another_is_no_agreement() {
    let mut case = case(&suite(), "rfc5280::nc::permitted-dns-match");
    case.expected = Expected::RefusedFor(CertificateError::WrongUsage);
    let none = Exceptions::default();
    let refused = Answer::Refused(CertificateError::UnknownIssuer);
    assert_eq!(none.judge(&case, &Answer::Refused(CertificateError::WrongUsage)), Judgement::Agrees);
    assert_eq!(none.judge(&case, &refused), Judgement::Unexplained);
    let listed = entry(&case.id, "refused: WrongUsage", "refused: UnknownIssuer");
    assert!(matches!(listed.judge(&case, &refused), Judgement::Explained(_)));
}

#[test]
fn an_entry_for_no_case_strays() {
    let suites = [suite()];
    let known = entry("rfc5280::serial::too-long", "refused", "accepted");
    assert_eq!(known.strays(&suites).count(), 0);
    assert_eq!(entry("rfc5280::serial::gone", "refused", "accepted").strays(&suites).count(), 1);
}

#[test]
fn mailboxes_are_one_where_only_the_host_differs_in_case() {
    let same = |one: &str, other: &str| names::same_mailbox(one.as_bytes(), other.as_bytes());
    assert!(same("a@example.com", "a@EXAMPLE.com"));
    assert!(!same("a@example.com", "A@example.com"));
    assert!(!same("a@example.com", "a@example.org") && !same("a@example.com", "b@example.com"));
    assert!(same("no mailbox", "no mailbox") && !same("no mailbox", "No mailbox"));
}
