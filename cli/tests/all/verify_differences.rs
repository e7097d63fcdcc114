//! `polytls verify` where the verifiers differ: who says what.

#![cfg(all(feature = "rustls", feature = "openssl"))]

use std::fs;

use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

use crate::support::{
    pki::{Authority, path},
    polytls, text, verified,
};

/// A chain below a root that is trusted and has expired: RFC 5280 §6.1 looks at a trust anchor's name and key alone, as
/// webpki does, and OpenSSL at its validity too.
fn below_an_expired_root() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::with("the old root", |params| {
        params.not_before = OffsetDateTime::now_utc() - Duration::days(60);
        params.not_after = OffsetDateTime::now_utc() - Duration::days(30);
    });
    root.write_root(&path(&folder, "root"));
    fs::write(path(&folder, "leaf"), root.issue("a.example", |_| {}).0).unwrap();
    folder
}

/// Who says this in the JSON's `differences`.
fn who(json: &serde_json::Value, verdict: &str, fault: Option<&str>) -> Vec<String> {
    let all = json["differences"].as_array().unwrap();
    let mut found =
        all.iter().filter(|group| group["verdict"] == verdict && group["fault"] == serde_json::json!(fault));
    let group = found.next().unwrap_or_else(|| panic!("nobody says {verdict} {fault:?}: {json}"));
    assert!(found.next().is_none(), "{json}");
    let names = group["verifiers"].as_array().unwrap().iter();
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn who_accepts_and_who_refuses_is_told() {
    let folder = below_an_expired_root();
    let (leaf, root) = (path(&folder, "leaf"), path(&folder, "root"));
    let (code, json, error) = verified(&[&leaf], &["--name", "a.example", "--roots", &root]);
    assert_eq!((code, &json["accepted"], &json["agree"]), (Some(1), &false.into(), &false.into()), "{json}");
    let (accepting, refusing) = (who(&json, "accepted", None), who(&json, "refused", Some("expired")));
    assert!(accepting.contains(&"rustls".into()) && refusing.contains(&"openssl".into()), "{json}");
    assert_eq!(error, format!("error: the chain is refused by {}\n", refusing.join(", ")));
    let output = polytls(&["verify", &leaf, "--name", "a.example", "--roots", &root], b"");
    let table = text(output.stdout);
    assert_eq!(output.status.code(), Some(1));
    for words in [
        "\n\nThey differ:\n".to_owned(),
        format!("\n  accepted by {}\n", accepting.join(", ")),
        format!("\n  refused by {}: expired\n", refusing.join(", ")),
    ] {
        assert!(table.contains(&words), "`{words}` is not in: {table}");
    }
    assert!(!table.contains("They agree"), "{table}");
}

#[test]
fn one_engine_differs_from_nobody() {
    let folder = below_an_expired_root();
    let (leaf, root) = (path(&folder, "leaf"), path(&folder, "root"));
    for (backend, code) in [("rustls", 0), ("openssl", 1)] {
        let more = ["--name", "a.example", "--roots", &root, "--backend", backend];
        let (exit, json, _) = verified(&[&leaf], &more);
        assert_eq!((exit, &json["agree"]), (Some(code), &true.into()), "{json}");
        assert_eq!(json["differences"], serde_json::json!([]));
    }
}
