//! `polytls bench`: what it measures and says, never how fast it was.

#![cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]

use std::fs;

use serde_json::{Value, json};

use crate::support::{
    self, BACKENDS,
    pki::{Authority, path},
    polytls, refused, text,
};

/// As short as it can be.
const SHORT: [&str; 5] = ["bench", "--duration", "0.01", "--rounds", "2"];

/// The JSON of a run that succeeds.
fn measured(more: &[&str]) -> Value {
    let output = polytls(&[&SHORT, more, &["--json"]].concat(), b"");
    let (json, error) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(0), "{more:?}: {error}");
    assert_eq!((json.lines().count(), error.as_str()), (1, ""), "{more:?}");
    serde_json::from_str(&json).expect("it is JSON")
}

/// The names of the backends in a list.
fn names(list: &Value, key: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

/// Writes a chain and its key, and gives the files' names.
fn files(folder: &tempfile::TempDir, chain: &str, key: &str) -> [String; 2] {
    let files = [path(folder, "chain.pem"), path(folder, "key.pem")];
    fs::write(&files[0], chain).unwrap();
    fs::write(&files[1], key).unwrap();
    files
}

#[test]
fn every_scenario_is_measured_on_each_engine_or_it_says_why_not() {
    let json = measured(&[]);
    let figures = json["figures"].as_array().unwrap();
    let told: Vec<_> = figures.iter().map(|figure| (&figure["scenario"], &figure["size"])).collect();
    let expected = [
        ("handshakes", json!(null)),
        ("resumed", json!(null)),
        ("bulk", json!(1024)),
        ("bulk", json!(16384)),
        ("bulk", json!(65536)),
        ("echo", json!(100)),
    ];
    for figure in figures {
        let scenario = figure["scenario"].as_str().unwrap();
        let mut all = names(&figure["results"], "backend");
        for left in json["left_out"].as_array().unwrap() {
            let of_this = left["scenarios"].as_array().unwrap().iter().any(|name| name == scenario);
            assert!(!left["reason"].as_str().unwrap().is_empty());
            all.extend(of_this.then(|| left["backend"].as_str().unwrap().to_owned()));
        }
        all.sort();
        let mut compiled_in = BACKENDS.to_vec();
        compiled_in.sort_unstable();
        assert_eq!(all, compiled_in, "{scenario}");
        assert_eq!(figure["results"][0]["ratio"], 1.0);
        for result in figure["results"].as_array().unwrap() {
            result_is_whole(result, scenario);
        }
    }
    // An engine that is alone and can resume nothing has no such figure.
    let expected = expected.iter().filter(|(name, _)| *name != "resumed" || BACKENDS != ["native"]);
    let expected: Vec<_> = expected.map(|(name, size)| (json!(name), size.clone())).collect();
    assert!(told.iter().copied().eq(expected.iter().map(|(name, size)| (name, size))), "{told:?}");
    assert_eq!(json["certificate"]["names"], json!(["localhost"]));
    assert_eq!(
        (&json["name"], &json["over"], &json["mutual"]),
        (&json!("localhost"), &json!("memory"), &json!(false))
    );
    assert_eq!(
        (&json["rounds"], &json["duration"], &json["echo_size"]),
        (&json!(2), &json!(0.01), &json!(100))
    );
    assert!(json["machine"]["cores"].as_u64().unwrap() > 0);
    assert!(json["negotiated"]["version"].as_str().unwrap().starts_with("TLS 1."), "{}", json["negotiated"]);
}

fn result_is_whole(result: &Value, scenario: &str) {
    let number = |key: &str| result[key].as_f64();
    let (rate, quartiles) = (number("rate").unwrap(), result["quartiles"].as_array().unwrap());
    let [lower, upper] = [0, 1].map(|place| quartiles[place].as_f64().unwrap());
    assert!(0.0 < lower && lower <= rate && rate <= upper, "{result}");
    assert_eq!(result["rounds"].as_array().unwrap().len(), 2);
    assert_eq!(number("cpu").is_some(), cfg!(unix), "{result}");
    let latencies = [number("p50_us"), number("p99_us")];
    if scenario == "echo" {
        assert!(latencies[0].unwrap() <= latencies[1].unwrap(), "{result}");
    } else {
        assert_eq!(latencies, [None, None]);
    }
}

#[test]
fn the_table_has_a_line_for_each_result_under_its_heading() {
    let output = polytls(&[&SHORT[..], &["echo", "bulk", "--size", "2KiB", "--size", "1MiB"]].concat(), b"");
    let table = text(output.stdout);
    assert_eq!((output.status.code(), text(output.stderr).as_str()), (Some(0), ""), "{table}");
    for word in
        ["negotiated", "certificate EC, P-256, for localhost", "core", "over memory", "medians of 2 rounds"]
    {
        assert!(table.contains(word), "`{word}` is not in: {table}");
    }
    let first = BACKENDS[0];
    let lines: Vec<_> = table.lines().collect();
    let heading = |title: &str| lines.iter().position(|line| line.starts_with(title)).expect(title);
    let (bulk, echo) = (heading("bulk, by size of a write"), heading("echo, by size"));
    assert!(bulk < echo && lines[bulk].contains("MiB/s") && lines[echo].contains("p99 us"), "{table}");
    assert!(
        lines[bulk + 1].starts_with(&format!("  {first}")) && lines[bulk + 1].contains("2 KiB"),
        "{table}"
    );
    assert!(lines[bulk..echo].iter().any(|line| line.contains("1 MiB")), "{table}");
    assert!(!table.contains("full handshakes") && !table.contains('\u{1b}'), "{table}");
    let column = lines[bulk].find("ratio").unwrap() + "ratio".len();
    for line in lines[bulk + 1..].iter().filter(|line| line.starts_with("  ")) {
        assert_eq!(&line[column - 5..column].trim_start().len(), &4, "the columns are not straight: {table}");
    }
}

#[test]
fn engines_are_measured_in_the_order_in_which_they_are_named() {
    let json = measured(&["handshakes", "--backend", BACKENDS[0], "--backend", BACKENDS[0]]);
    assert_eq!(names(&json["figures"][0]["results"], "backend"), [BACKENDS[0]; 2]);
    refused(&["tour", "--backend", BACKENDS[0], "--backend", BACKENDS[0]], 2, &["--backend", "bench"]);
}

#[test]
fn over_tcp_with_both_sides_authenticated() {
    // Only native cannot ask a client for a certificate.
    for backend in BACKENDS.iter().filter(|name| **name != "native") {
        let wanted = ["handshakes", "bulk", "echo", "--over", "tcp", "--mutual", "--size", "4KiB"];
        let json = measured(&[&wanted[..], &["--backend", backend]].concat());
        assert_eq!((&json["over"], &json["mutual"]), (&json!("tcp"), &json!(true)));
        assert_eq!(json["figures"].as_array().unwrap().len(), 3, "{backend}");
    }
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl", feature = "builtin"))]
fn what_was_asked_for_is_negotiated_by_all() {
    let wanted = ["--tls", "1.3", "--cipher-suites", "TLS_CHACHA20_POLY1305_SHA256", "--groups", "secp256r1"];
    let json = measured(&[&["handshakes"], &wanted[..]].concat());
    assert_eq!(
        json["negotiated"],
        json!({
            "version": "TLS 1.3", "cipher_suite": "TLS_CHACHA20_POLY1305_SHA256", "named_group": "secp256r1"
        })
    );
    let measured = names(&json["figures"][0]["results"], "backend");
    let capable: Vec<_> = BACKENDS.iter().filter(|name| **name != "native").collect();
    assert!(measured.iter().eq(capable), "{json}");
    let left = json["left_out"].as_array().unwrap();
    assert_eq!(left.len(), usize::from(BACKENDS.contains(&"native")), "{json}");
    assert!(left.iter().all(|left| left["reason"].as_str().unwrap().contains("native")), "{json}");
}

#[test]
#[cfg(all(feature = "native", target_os = "linux"))]
fn an_engine_alone_that_cannot_do_it_is_an_error() {
    let words = ["nothing can be measured", "native", "cipher_suites"];
    refused(&["bench", "--backend", "native", "--cipher-suites", "TLS_AES_128_GCM_SHA256"], 2, &words);
    refused(&["bench", "resumed", "--backend", "native"], 2, &["nothing can be measured", "native"]);
}

#[test]
#[cfg(feature = "openssl")]
fn an_engine_whose_verified_clients_have_no_new_tickets_is_left_out_of_resumed_handshakes() {
    let words = ["nothing can be measured", "openssl", "one session after another"];
    refused(&["bench", "resumed", "--mutual", "--backend", "openssl"], 2, &words);
    measured(&["resumed", "--backend", "openssl"]);
}

#[test]
#[cfg(all(feature = "rustls", feature = "native", target_os = "linux"))]
fn an_engine_that_negotiates_something_else_is_left_out() {
    let json = measured(&["bulk", "--size", "1KiB", "--backend", "rustls", "--backend", "native"]);
    assert_eq!(names(&json["figures"][0]["results"], "backend"), ["rustls"]);
    let left = &json["left_out"][0];
    let reason = left["reason"].as_str().unwrap();
    assert_eq!((&left["backend"], &left["scenarios"]), (&json!("native"), &json!(["bulk"])));
    assert!(reason.contains("TLS 1.2") && reason.contains("TLS 1.3") && reason.contains("--tls"), "{reason}");
}

#[test]
fn certificates_of_ones_own_are_verified_from_their_chain() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::new("root");
    let between = root.below("between");
    root.write_root(&path(&folder, "root.pem"));
    let (leaf, key) = between.server("*.example.com");
    let with_root = format!("{leaf}{}{}", between.pem(), root.pem());
    let without_root = format!("{leaf}{}", between.pem());
    // Of the system's OpenSSL native-tls asks a root that has issued itself.
    let ends_below = if BACKENDS == ["native"] { &with_root } else { &without_root };
    for (chain, more) in
        [(&with_root, &[][..]), (ends_below, &[]), (&without_root, &["--roots", &path(&folder, "root.pem")])]
    {
        let [cert, key] = files(&folder, chain, &key);
        let json = measured(&[&["handshakes", "--cert", &cert, "--key", &key], more].concat());
        assert_eq!(
            (&json["name"], &json["certificate"]["names"]),
            (&json!("any.example.com"), &json!(["*.example.com"]))
        );
        let some = json["figures"][0]["results"].as_array().unwrap().len();
        assert!(some > 0, "{json}");
    }
}

#[test]
fn a_self_signed_certificate_and_a_file_under_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(["a.example".to_owned(), "192.0.2.7".to_owned()]).unwrap();
    let [cert, key] = files(&folder, &own.cert.pem(), &own.signing_key.serialize_pem());
    for (more, name) in [(&[][..], "a.example"), (&["--name", "192.0.2.7"], "192.0.2.7")] {
        let json = measured(&[&["handshakes", "--cert", &cert, "--key", &key], more].concat());
        assert_eq!(json["name"], name);
    }
    fs::write(path(&folder, "password"), "pass phrase\n").unwrap();
    let (file, password) = (support::fixture("modern.p12"), path(&folder, "password"));
    let json = measured(&["handshakes", "--cert", &file, "--key-password-file", &password]);
    assert_eq!(json["certificate"]["names"], json!([json["name"]]));
}

#[test]
fn certificates_that_no_client_accepts() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::new("root");
    let (leaf, key) = root.expired_server("a.example");
    let [cert, key] = files(&folder, &format!("{leaf}{}", root.pem()), &key);
    let output = polytls(&["bench", "--cert", &cert, "--key", &key], b"");
    // The first line is the loader's warning.
    let error = text(output.stderr);
    let last = error.lines().last().unwrap_or_default();
    assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()), "{error}");
    assert!(last.starts_with("error: ") && last.contains("expired") && last.contains("--cert"), "{error}");

    let (leaf, key) = root.issue("a.example", |params| params.subject_alt_names.clear());
    let [cert, key] = files(&folder, &format!("{leaf}{}", root.pem()), &key);
    refused(&["bench", "--cert", &cert, "--key", &key], 2, &["subjectAltName", "--cert"]);
    refused(&["bench", "--cert", &cert, "--key", &key, "--name", "a.example"], 1, &["a.example", "--name"]);

    let (leaf, key) = root.server("a.example");
    Authority::new("other").write_root(&path(&folder, "other.pem"));
    let [cert, key] = files(&folder, &format!("{leaf}{}", root.pem()), &key);
    let given = ["bench", "--cert", &cert, "--key", &key];
    refused(
        &[&given[..], &["--roots", &path(&folder, "other.pem")]].concat(),
        1,
        &["no trusted root", "--roots"],
    );
    refused(&[&given[..], &["--name", "b.example"]].concat(), 1, &["b.example", "--name"]);

    let client = [rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let (leaf, key) = root.issue("a.example", |params| params.extended_key_usages = client.into());
    let [cert, key] = files(&folder, &format!("{leaf}{}", root.pem()), &key);
    refused(&["bench", "--cert", &cert, "--key", &key], 1, &["polytls verify"]);
}
