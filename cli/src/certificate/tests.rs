use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use time::macros::datetime;

use super::*;

fn certificate(change: impl FnOnce(&mut CertificateParams)) -> Certificate {
    let mut params = CertificateParams::new(["a.example".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    params.not_before = datetime!(2026-01-01 0:00 UTC);
    params.not_after = datetime!(2026-02-01 0:00 UTC);
    params.distinguished_name.push(DnType::CommonName, "a, b");
    params.distinguished_name.push(DnType::OrganizationName, "Example");
    change(&mut params);
    Certificate::read(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der())
}

#[test]
fn it_is_told_whole() {
    let text = certificate(|_| {}).describe(0, datetime!(2026-01-31 0:00 UTC));
    for expected in [
        "CN=a\\, b",
        "O=Example",
        "2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z, 1 day left",
        "a.example, 127.0.0.1",
        "EC, P-256",
        "ECDSA with SHA-256",
    ] {
        assert!(text.contains(expected), "`{expected}` is not in {text}");
    }
}

#[test]
fn when_it_is_not_valid_is_told_from_both_ends() {
    let certificate = certificate(|_| {});
    assert!(certificate.describe(0, datetime!(2026-02-03 1:00 UTC)).contains("expired 2 days ago"));
    assert!(certificate.describe(0, datetime!(2025-12-31 0:00 UTC)).contains("begins in 1 day"));
}

#[test]
fn a_name_that_steers_terminals_does_not() {
    let certificate = certificate(|params| {
        params.distinguished_name.push(DnType::CommonName, "\u{1b}[2Jgone");
        params.subject_alt_names.push(SanType::DnsName("x\u{1b}]0;title\u{7}".try_into().unwrap()));
    });
    let text = certificate.describe(0, OffsetDateTime::UNIX_EPOCH);
    assert!(text.contains("\\u{1b}[2Jgone") && text.contains("x\\u{1b}]0;title\\u{7}"), "{text}");
}

#[test]
fn no_change_and_no_cut_is_a_panic() {
    let params = CertificateParams::new(["a.example".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let der = certificate.der().to_vec();
    for position in 0..der.len() {
        Certificate::read(&der[..position]).describe(0, OffsetDateTime::UNIX_EPOCH);
        for value in [0x00, 0x01, 0x7f, 0x80, 0xff, der[position] ^ 0x01, der[position] ^ 0x20] {
            let mut changed = der.clone();
            changed[position] = value;
            Certificate::read(&changed).describe(0, OffsetDateTime::UNIX_EPOCH);
        }
    }
}

#[test]
fn what_is_no_certificate_still_has_a_digest() {
    let json = serde_json::to_value(Certificate::read(b"abc")).unwrap();
    let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(json, serde_json::json!({ "sha256": digest }));
}
