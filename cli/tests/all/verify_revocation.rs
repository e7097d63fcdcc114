//! `polytls verify` and revocation: lists, staples, must-staple, and what is made of silence.

#![cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]

use std::fs;

use rcgen::CustomExtension;
use tempfile::TempDir;

use crate::support::{
    BACKENDS,
    ocsp::{Status, response},
    pki::{Authority, path},
    refused, verified,
};

/// The serial number of every certificate here.
const SERIAL: u16 = 4711;

/// A certificate in `plain`, one that says must-staple in `must-staple`, and what may be said of them.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    authority.write_root(&path(&folder, "root"));
    let number =
        |params: &mut rcgen::CertificateParams| params.serial_number = Some(u64::from(SERIAL).into());
    let plain = authority.issue("a.example", number).0;
    let must_staple = authority.issue("a.example", |params| {
        number(params);
        // RFC 7633 §4: status_request.
        let value = vec![0x30, 3, 2, 1, 5];
        let feature = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], value);
        params.custom_extensions.push(feature);
    });
    for (name, content) in [
        ("plain", plain.into_bytes()),
        ("must-staple", must_staple.0.into_bytes()),
        ("good", response(&authority, SERIAL, &Status::Good)),
        ("revoked", response(&authority, SERIAL, &Status::Revoked)),
        ("another's", response(&Authority::new("another"), SERIAL, &Status::Good)),
        ("tryLater", vec![0x30, 3, 0x0a, 1, 3]),
        ("clean list", authority.revocation_list(&[1]).into_bytes()),
        ("list", authority.revocation_list(&[u64::from(SERIAL)]).into_bytes()),
        ("another's list", Authority::new("another").revocation_list(&[1]).into_bytes()),
    ] {
        fs::write(path(&folder, name), content).unwrap();
    }
    folder
}

/// What every verifier says; options are words, and files of the folder where there are such.
fn fault(folder: &TempDir, certificate: &str, options: &[&str]) -> String {
    let file = |word: &&str| match fs::exists(path(folder, word)).unwrap() {
        true => path(folder, word),
        false => (*word).to_owned(),
    };
    let (certificate, root) = (path(folder, certificate), path(folder, "root"));
    let options: Vec<_> = options.iter().map(file).collect();
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let mut faults = Vec::new();
    for backend in BACKENDS {
        let asked = ["--name", "a.example", "--roots", &root, "--backend", backend];
        let (code, json, error) = verified(&[&certificate], &[&asked, &options[..]].concat());
        let verdict = &json["verdicts"][0];
        assert_eq!(code, Some(if verdict["verdict"] == "accepted" { 0 } else { 1 }), "{json}{error}");
        faults.push(verdict["fault"].as_str().unwrap_or("accepted").to_owned());
    }
    faults.dedup();
    assert_eq!(faults.len(), 1, "{options:?}: {faults:?}");
    faults.remove(0)
}

#[test]
fn silence_is_taken_as_it_is_said() {
    let folder = folder();
    let said = |certificate, options: &[&str]| fault(&folder, certificate, options);
    assert_eq!(said("plain", &[]), "accepted");
    assert_eq!(said("plain", &["--revocation", "off"]), "accepted");
    assert_eq!(said("plain", &["--revocation", "soft"]), "accepted");
    assert_eq!(said("plain", &["--revocation", "hard"]), "revocation_unknown");
    assert_eq!(said("must-staple", &[]), "revocation_unknown");
    assert_eq!(said("must-staple", &["--revocation", "off"]), "accepted");
    assert_eq!(said("must-staple", &["--revocation", "soft"]), "revocation_unknown");
}

#[test]
fn a_staple_is_heard_in_every_mode_that_asks() {
    let folder = folder();
    let said = |certificate, options: &[&str]| fault(&folder, certificate, options);
    for mode in [&[][..], &["--revocation", "soft"], &["--revocation", "hard"]] {
        let with = |staple: &'static str| [&["--ocsp", staple], mode].concat();
        assert_eq!(said("must-staple", &with("good")), "accepted", "{mode:?}");
        assert_eq!(said("plain", &with("good")), "accepted", "{mode:?}");
        assert_eq!(said("plain", &with("revoked")), "revoked", "{mode:?}");
        assert_ne!(said("must-staple", &with("another's")), "accepted", "{mode:?}");
        assert_ne!(said("must-staple", &with("tryLater")), "accepted", "{mode:?}");
    }
}

#[test]
fn when_and_why_it_was_revoked_is_told() {
    let folder = folder();
    let (certificate, root, staple) =
        (path(&folder, "plain"), path(&folder, "root"), path(&folder, "revoked"));
    let backend = BACKENDS[0];
    let more = ["--name", "a.example", "--roots", &root, "--ocsp", &staple, "--backend", backend];
    let (_, json, _) = verified(&[&certificate], &more);
    let reason = json["verdicts"][0]["reason"].as_str().unwrap();
    assert!(reason.contains(" on 20") && reason.contains("UTC (key compromise)"), "{reason}");
    assert_eq!(json["ocsp_response_bytes"], fs::metadata(staple).unwrap().len(), "{json}");
}

#[test]
fn lists_bind_as_hard_as_it_is_said() {
    let folder = folder();
    let said = |options: &[&str]| fault(&folder, "plain", options);
    // Lists alone must cover every certificate.
    assert_eq!(said(&["--crl", "clean list"]), "accepted");
    assert_eq!(said(&["--crl", "list"]), "revoked");
    assert_eq!(said(&["--crl", "another's list"]), "revocation_unknown");
    assert_eq!(said(&["--crl", "another's list", "--crl", "clean list"]), "accepted");
    assert_eq!(said(&["--crl", "another's list", "--revocation", "soft"]), "accepted");
    assert_eq!(said(&["--crl", "list", "--revocation", "soft"]), "revoked");
    assert_eq!(said(&["--crl", "another's list", "--revocation", "hard"]), "revocation_unknown");
}

#[test]
fn what_is_not_asked_cannot_be_answered() {
    let folder = folder();
    let (certificate, root) = (path(&folder, "plain"), path(&folder, "root"));
    let all = ["verify", &certificate, "--name", "a.example", "--roots", &root, "--revocation"];
    for (option, file) in [("--crl", "list"), ("--ocsp", "good")] {
        refused(
            &[&all[..], &["off", option, &path(&folder, file)]].concat(),
            2,
            &["--revocation off", option],
        );
    }
    refused(&[&all[..], &["perhaps"]].concat(), 2, &["perhaps", "off, soft, hard"]);
}
