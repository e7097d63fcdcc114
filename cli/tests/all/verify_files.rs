//! `polytls verify`: what it reads, in files and directories of every kind.

#![cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]

use std::fs;

use rcgen::SanType;
use tempfile::TempDir;

use crate::support::{
    BACKENDS,
    pki::{Authority, path},
    refused, verified,
};

/// A chain of four, each certificate in a file of its own: `leaf`, `near`, `far` and `root`.
struct Chain {
    folder: TempDir,
    root: Authority,
    far: Authority,
    near: Authority,
}

impl Chain {
    fn new() -> Self {
        let root = Authority::new("the root");
        let far = root.below("the far authority");
        let near = far.below("the near authority");
        let folder = tempfile::tempdir().unwrap();
        for (name, authority) in [("root", &root), ("far", &far), ("near", &near)] {
            fs::write(path(&folder, name), authority.pem()).unwrap();
        }
        let leaf = near.issue("a.example", |params| {
            params.serial_number = Some(4711.into());
            params.subject_alt_names.push(SanType::IpAddress("127.0.0.1".parse().unwrap()));
            params.subject_alt_names.push(SanType::IpAddress("2001:db8::1".parse().unwrap()));
        });
        fs::write(path(&folder, "leaf"), leaf.0).unwrap();
        Self { folder, root, far, near }
    }

    fn path(&self, name: &str) -> String {
        path(&self.folder, name)
    }

    /// The fault, `accepted` where there is none, on which all must agree; of these files with these options.
    fn fault(&self, files: &[&str], more: &[&str]) -> String {
        let files: Vec<_> = files.iter().map(|name| self.path(name)).collect();
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        let root = self.path("root");
        let (code, json, error) = verified(&files, &[more, &["--roots", &root]].concat());
        assert_eq!(json["agree"], true, "{json}{error}");
        assert_eq!(code, Some(if json["accepted"] == true { 0 } else { 1 }), "{json}{error}");
        json["verdicts"][0]["fault"].as_str().unwrap_or("accepted").to_owned()
    }
}

const NAMED: [&str; 2] = ["--name", "a.example"];

#[test]
fn the_others_may_come_in_any_order_and_in_any_files() {
    let chain = Chain::new();
    for files in [
        &["leaf", "near", "far"][..],
        &["leaf", "far", "near"],
        &["leaf", "root", "far", "near"],
        &["leaf", "far", "near", "far", "leaf"],
    ] {
        assert_eq!(chain.fault(files, &NAMED), "accepted", "{files:?}");
    }
    let leaf = fs::read_to_string(chain.path("leaf")).unwrap();
    fs::write(chain.path("all"), format!("{}a comment\n{}{leaf}", chain.far.pem(), chain.near.pem()))
        .unwrap();
    fs::write(chain.path("far.der"), chain.far.der()).unwrap();
    fs::write(chain.path("two"), format!("{leaf}{}", chain.near.pem())).unwrap();
    assert_eq!(chain.fault(&["leaf", "all"], &NAMED), "accepted");
    assert_eq!(chain.fault(&["two", "far.der"], &NAMED), "accepted");
    // What comes first is the peer's own, whatever it is.
    for backend in BACKENDS {
        let fault = chain.fault(&["near", "leaf", "far"], &[&NAMED[..], &["--backend", backend]].concat());
        assert_ne!(fault, "accepted", "{backend}");
    }
    assert_eq!(chain.fault(&["leaf", "near"], &NAMED), "unknown_issuer");
}

#[test]
fn the_files_are_named_and_their_certificates_told_in_their_order() {
    let chain = Chain::new();
    let files = [chain.path("leaf"), chain.path("far"), chain.path("near")];
    let (_, json, _) = verified(
        &files.each_ref().map(String::as_str),
        &["--name", "a.example", "--roots", &chain.path("root")],
    );
    assert_eq!(json["files"], serde_json::json!(files));
    let subjects: Vec<_> = json["chain"].as_array().unwrap().iter().map(|cert| &cert["subject"]).collect();
    assert_eq!(subjects, ["CN=a.example", "CN=the far authority", "CN=the near authority"]);
}

#[test]
fn a_name_may_be_an_address() {
    let chain = Chain::new();
    let files = ["leaf", "near", "far"];
    assert_eq!(chain.fault(&files, &["--name", "127.0.0.1"]), "accepted");
    assert_eq!(chain.fault(&files, &["--name", "2001:db8::1"]), "accepted");
    assert_eq!(chain.fault(&files, &["--name", "127.0.0.2"]), "name_mismatch");
}

#[test]
fn roots_may_be_a_directory() {
    let chain = Chain::new();
    let roots = chain.path("roots");
    fs::create_dir(&roots).unwrap();
    let files = [chain.path("leaf"), chain.path("near"), chain.path("far")];
    let files = files.each_ref().map(String::as_str);
    refused(
        &[&["verify"], &files[..], &NAMED, &["--roots", &roots]].concat(),
        2,
        &["no file of certificates"],
    );
    fs::write(chain.path("roots/one.crt"), chain.root.pem()).unwrap();
    fs::write(chain.path("roots/other.der"), Authority::new("another").der()).unwrap();
    assert_eq!(verified(&files, &[&NAMED[..], &["--roots", &roots]].concat()).0, Some(0));
}

#[test]
fn revocation_lists_may_be_in_a_directory() {
    let chain = Chain::new();
    let lists = chain.path("lists");
    fs::create_dir(&lists).unwrap();
    let files = ["leaf", "near", "far"];
    let whole = files.map(|name| chain.path(name));
    let whole = whole.each_ref().map(String::as_str);
    let root = chain.path("root");
    let all = [&["verify"], &whole[..], &NAMED, &["--roots", &root, "--crl-dir"]].concat();
    refused(&[&all[..], &[&chain.path("missing")]].concat(), 2, &["missing", "cannot read"]);
    refused(&[&all[..], &[&chain.path("leaf")]].concat(), 2, &["leaf", "cannot read"]);
    fs::write(chain.path("lists/README"), "lists of three authorities").unwrap();
    refused(&[&all[..], &[&lists]].concat(), 2, &["lists: no file in it is a revocation list"]);
    fs::write(chain.path("lists/far.crl"), "soon").unwrap();
    refused(&[&all[..], &[&lists]].concat(), 2, &["far.crl", "malformed"]);
    fs::write(chain.path("lists/far.crl"), chain.far.revocation_list(&[1])).unwrap();
    let near = pem::parse(chain.near.revocation_list(&[1])).unwrap();
    fs::write(chain.path("lists/near.der"), near.contents()).unwrap();
    for backend in BACKENDS {
        let more = [&NAMED[..], &["--crl-dir", &lists, "--backend", backend]].concat();
        let _ = fs::remove_file(chain.path("lists/0a1b2c3d.r0"));
        // Nobody speaks of the far authority.
        assert_eq!(chain.fault(&files, &more), "revocation_unknown", "{backend}");
        fs::write(chain.path("lists/0a1b2c3d.r0"), chain.root.revocation_list(&[1])).unwrap();
        assert_eq!(chain.fault(&files, &more), "accepted", "{backend}");
        // With those that are named one by one.
        let newer = chain.path("newer");
        fs::write(&newer, chain.near.revocation_list(&[4711])).unwrap();
        fs::write(chain.path("lists/near.der"), chain.root.revocation_list(&[1])).unwrap();
        assert_eq!(chain.fault(&files, &[&more[..], &["--crl", &newer]].concat()), "revoked", "{backend}");
        fs::write(chain.path("lists/near.der"), near.contents()).unwrap();
    }
}

#[test]
fn what_is_in_no_file_cannot_be_verified() {
    let chain = Chain::new();
    let (leaf, root) = (chain.path("leaf"), chain.path("root"));
    fs::write(chain.path("empty"), "").unwrap();
    fs::write(chain.path("garbage"), [0x02, 0x01, 0x00, 0xff]).unwrap();
    fs::write(chain.path("cut"), &fs::read(&leaf).unwrap()[..200]).unwrap();
    fs::write(chain.path("broken"), "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n").unwrap();
    let cannot = |arguments: &[&str], words: &[&str]| {
        let all = [&["verify"], arguments, &["--name", "a.example", "--roots", &root]].concat();
        refused(&all, 2, words);
    };
    for (name, words) in [
        ("missing", &["missing", "cannot read"][..]),
        (".", &["cannot read"]),
        ("empty", &["empty", "the file is empty"]),
        ("garbage", &["garbage", "neither a certificate in DER"]),
        ("cut", &["cut", "BEGIN CERTIFICATE"]),
        ("broken", &["broken", "PEM"]),
    ] {
        let file = chain.path(name);
        // The first file or a later one, a list or a staple: each is named.
        cannot(&[&file], words);
        cannot(&[&leaf, &file], words);
        let words = &words[..1];
        cannot(&[&leaf, "--crl", &file], words);
        cannot(&[&leaf, "--ocsp", &file], words);
    }
    cannot(&[&leaf, "--crl", &leaf], &["leaf", "BEGIN X509 CRL"]);
    cannot(&[&leaf, "--ocsp", &leaf], &["leaf", "BEGIN OCSP RESPONSE"]);
    let response = "-----BEGIN OCSP RESPONSE-----\nMAMKAQE=\n-----END OCSP RESPONSE-----\n";
    fs::write(chain.path("two responses"), response.repeat(2)).unwrap();
    cannot(&[&leaf, "--ocsp", &chain.path("two responses")], &["2 OCSP responses, where one is asked for"]);
}
