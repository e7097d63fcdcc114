//! `polytls verify`: chains of every kind, before the verifier of every engine.

#![cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]

use std::fs;

use crate::support::{
    self, BACKENDS, VERIFIERS,
    pki::{Authority, path},
    polytls, refused, text,
};

/// A folder with a chain, the root that it leads to and another root, by these names.
fn folder(chain: impl FnOnce(&Authority) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    authority.write_root(&path(&folder, "root.pem"));
    Authority::new("another authority").write_root(&path(&folder, "other.pem"));
    fs::write(path(&folder, "chain.pem"), chain(&authority)).unwrap();
    folder
}

/// The exit code, the JSON on standard output, and standard error.
fn verified(folder: &tempfile::TempDir, more: &[&str]) -> (Option<i32>, serde_json::Value, String) {
    support::verified(&[&path(folder, "chain.pem")], more)
}

#[test]
fn a_good_chain_is_accepted_by_all() {
    let folder = folder(|authority| authority.server("a.example").0);
    let root = path(&folder, "root.pem");
    let (code, json, error) = verified(&folder, &["--name", "a.example", "--roots", &root]);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!((&json["accepted"], &json["agree"]), (&true.into(), &true.into()), "{json}");
    assert_eq!((&json["role"], &json["name"]), (&"server".into(), &"a.example".into()), "{json}");
    assert_eq!(json["chain"][0]["names"], serde_json::json!(["a.example"]));
    let verdicts = json["verdicts"].as_array().unwrap();
    assert!(verdicts.iter().map(|verdict| &verdict["verifier"]).eq(VERIFIERS), "{json}");
    assert_eq!(json["differences"], serde_json::json!([]));
    for verdict in verdicts.iter().filter(|verdict| verdict["counts"] == true) {
        let verifier = verdict["verifier"].as_str().unwrap();
        assert_eq!(verdict["backend"], verifier.trim_end_matches("-strict"), "{json}");
        assert_eq!((&verdict["verdict"], &verdict["fault"]), (&"accepted".into(), &().into()), "{json}");
        assert_eq!(verdict["path"][0], json["chain"][0], "{json}");
    }
}

#[test]
fn each_fault_is_named_alike_by_all() {
    let good = folder(|authority| authority.server("a.example").0);
    let expired = folder(|authority| authority.expired_server("a.example").0);
    let for_a_client = folder(|authority| {
        let client = [rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        authority.issue("a.example", |params| params.extended_key_usages = client.into()).0
    });
    let named = ["--name", "a.example", "--roots"];
    let (code, json, _) = verified(&good, &["--name", "a.example", "--roots", "none"]);
    let faults: Vec<_> =
        json["verdicts"].as_array().unwrap().iter().map(|verdict| &verdict["fault"]).collect();
    assert!(code == Some(1) && faults.iter().all(|fault| *fault == "unknown_issuer"), "{json}");
    for (folder, root, more, fault) in [
        (&expired, "root.pem", &named, "expired"),
        (&good, "root.pem", &["--name", "b.example", "--roots"], "name_mismatch"),
        (&good, "other.pem", &named, "unknown_issuer"),
        (&for_a_client, "root.pem", &named, "wrong_usage"),
    ] {
        let (code, json, error) = verified(folder, &[&more[..], &[&path(folder, root)]].concat());
        assert_eq!(code, Some(1), "{fault}: {json}");
        assert_eq!((&json["accepted"], &json["agree"]), (&false.into(), &true.into()), "{json}");
        for verdict in json["verdicts"].as_array().unwrap().iter().filter(|row| row["counts"] == true) {
            assert_eq!(
                (&verdict["verdict"], &verdict["fault"]),
                (&"refused".into(), &fault.into()),
                "{json}"
            );
        }
        assert!(
            error.starts_with("error: the chain is refused by ") && error.lines().count() == 1,
            "{error}"
        );
    }
}

#[test]
fn the_time_is_the_users() {
    let folder = folder(|authority| authority.server("a.example").0);
    let root = path(&folder, "root.pem");
    let at = |time| verified(&folder, &["--name", "a.example", "--roots", &root, "--at", time]);
    let (code, json, _) = at("2020-01-01");
    assert_eq!((code, &json["at"]), (Some(1), &"2020-01-01T00:00:00Z".into()), "{json}");
    assert_eq!(json["verdicts"][0]["fault"], "not_yet_valid", "{json}");
    assert_eq!(at("2099-01-01T00:00:00Z").1["verdicts"][0]["fault"], "expired");
}

#[test]
fn a_client_has_no_name() {
    let folder = folder(|authority| {
        let client = [rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        authority.issue("someone", |params| params.extended_key_usages = client.into()).0
    });
    let root = path(&folder, "root.pem");
    let (code, json, error) = verified(&folder, &["--client", "--roots", &root]);
    assert_eq!(
        (code, &json["role"], &json["name"]),
        (Some(0), &"client".into(), &().into()),
        "{json}{error}"
    );
}

#[test]
fn revocation_is_checked_by_all() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    authority.write_root(&path(&folder, "root.pem"));
    let (cert, _) = authority.issue("a.example", |params| params.serial_number = Some(4711.into()));
    fs::write(path(&folder, "chain.pem"), cert).unwrap();
    let (root, list) = (path(&folder, "root.pem"), path(&folder, "list.pem"));
    for (revoked, fault) in [(&[4711][..], "revoked"), (&[1], "")] {
        fs::write(&list, authority.revocation_list(revoked)).unwrap();
        for backend in BACKENDS {
            let more = ["--name", "a.example", "--roots", &root, "--crl", &list, "--backend", backend];
            let (code, json, error) = verified(&folder, &more);
            assert_eq!(code, Some(if fault.is_empty() { 0 } else { 1 }), "{backend}: {json} {error}");
            let found = json["verdicts"][0]["fault"].as_str().unwrap_or_default();
            assert_eq!(found, fault, "{backend}: {json}");
        }
    }
}

#[test]
fn one_of_the_pinned_keys_is_in_the_path_or_none_accepts() {
    let folder = folder(|authority| authority.server("a.example").0);
    let pin = |file: &str| {
        let pem = pem::parse(fs::read(path(&folder, file)).unwrap()).unwrap();
        polytls::SpkiPin::of(&pem.into_contents().into()).unwrap().to_string()
    };
    let (own, other, root) = (pin("chain.pem"), pin("other.pem"), path(&folder, "root.pem"));
    let named = ["--name", "a.example", "--roots", &root, "--pin"];
    for (pins, code, fault) in [
        (&[own.as_str()][..], 0, ""),
        (&[&other, "--pin", &own], 0, ""),
        (&[&other], 1, "not_pinned"),
        (&[&other, "--pin", &other], 1, "not_pinned"),
    ] {
        let (exit, json, error) = verified(&folder, &[&named[..], pins].concat());
        assert_eq!((exit, &json["agree"]), (Some(code), &true.into()), "{json}{error}");
        assert_eq!(json["verdicts"][0]["fault"].as_str().unwrap_or_default(), fault, "{json}");
        if code == 1 {
            // What to pin instead.
            assert!(json["verdicts"][0]["reason"].as_str().unwrap().contains(&own), "{json}");
        }
    }
    let chain = path(&folder, "chain.pem");
    for wrong in ["", "sha256/", "sha1/AAAA", &own[1..], &own[..own.len() - 1], &format!("{own}=")] {
        refused(&[&["verify", &chain][..], &named, &[wrong]].concat(), 2, &["--pin", "sha256/"]);
    }
}

#[test]
#[cfg(feature = "builtin")]
fn the_strict_profile_counts_where_it_is_told_to() {
    // RFC 5280 §4.1.2.2: a serial number is positive. Whoever verifies a path need not care.
    let folder = folder(|authority| {
        authority.issue("a.example", |params| params.serial_number = Some(vec![0].into())).0
    });
    let root = path(&folder, "root.pem");
    let named = ["--name", "a.example", "--roots", &root, "--backend", "builtin"];
    let (code, json, error) = verified(&folder, &named);
    let rows = json["verdicts"].as_array().unwrap();
    assert_eq!((code, &json["agree"]), (Some(0), &true.into()), "{json}{error}");
    let told: Vec<_> = rows.iter().map(|row| (row["verdict"].as_str().unwrap(), &row["counts"])).collect();
    assert_eq!(told, [("accepted", &true.into()), ("refused", &false.into())], "{json}");
    let table = text(polytls(&[&["verify", &path(&folder, "chain.pem")][..], &named].concat(), b"").stdout);
    assert!(table.contains("\nbuiltin-strict, which does not count without --strict: refused: "), "{table}");
    let (code, json, error) = verified(&folder, &[&named[..], &["--strict"]].concat());
    assert_eq!((code, &json["agree"]), (Some(1), &false.into()), "{json}");
    assert_eq!(error, "error: the chain is refused by builtin-strict\n");
}

#[test]
fn people_get_a_table() {
    let folder = folder(|authority| authority.expired_server("a.example").0);
    let (chain, root) = (path(&folder, "chain.pem"), path(&folder, "root.pem"));
    let output = polytls(&["verify", &chain, "--name", "a.example", "--roots", &root], b"");
    let table = text(output.stdout);
    assert_eq!(output.status.code(), Some(1), "{table}");
    for words in ["for the server `a.example`", "CN=the authority", "expired 30 days ago", "refused      the"]
    {
        assert!(table.contains(words), "`{words}` is not in: {table}");
    }
    assert_eq!(table.contains("They agree."), BACKENDS.len() > 1, "{table}");
    for backend in BACKENDS {
        let one = polytls(&["verify", &chain, "--name", "x", "--roots", &root, "--backend", backend], b"");
        let table = text(one.stdout);
        assert!(table.contains(backend) && !table.contains("They agree"), "{table}");
    }
}

#[test]
fn text_above_a_pem_section_may_begin_with_a_zero() {
    let folder = folder(|authority| format!("0 leads to the root\n{}", authority.server("a.example").0));
    let root = path(&folder, "root.pem");
    let (code, json, error) = verified(&folder, &["--name", "a.example", "--roots", &root]);
    assert_eq!((code, json["chain"].as_array().unwrap().len()), (Some(0), 1), "{json}{error}");
}

#[test]
fn a_certificate_in_der_will_do() {
    let folder = folder(|authority| authority.server("a.example").0);
    let pem = fs::read(path(&folder, "chain.pem")).unwrap();
    fs::write(path(&folder, "chain.pem"), pem::parse(pem).unwrap().contents()).unwrap();
    let root = path(&folder, "root.pem");
    assert_eq!(verified(&folder, &["--name", "a.example", "--roots", &root]).0, Some(0));
    // A SEQUENCE that is no certificate is the verifiers' to refuse.
    fs::write(path(&folder, "chain.pem"), [0x30, 0x01, 0x00]).unwrap();
    let (code, json, _) = verified(&folder, &["--name", "a.example", "--roots", &root]);
    assert_eq!((code, &json["verdicts"][0]["fault"]), (Some(1), &"malformed".into()), "{json}");
}
