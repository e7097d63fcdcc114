//! The tour and the table, over every engine that is compiled in.

#![cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]

use crate::support::{BACKENDS, command, polytls, text};

#[test]
fn the_capability_table_has_a_column_for_each_engine() {
    let table = text(polytls(&["backends", "--markdown"], b"").stdout);
    let columns: Vec<_> = table.lines().map(|line| line.matches('|').count()).collect();
    assert!(columns.iter().all(|&count| count == BACKENDS.len() + 2), "{table}");
    assert!(BACKENDS.iter().all(|name| table.lines().next().unwrap().contains(name)), "{table}");
    let plain = text(polytls(&["backends"], b"").stdout);
    assert!(plain.contains("hands out record keys"), "{plain}");
    assert!(plain.contains("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"), "{plain}");
}

#[test]
fn the_tour_goes_through_every_pair_in_six_steps() {
    let output = polytls(&["tour", "--mib", "1"], b"");
    let tour = text(output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(output.stderr));
    let pairs = BACKENDS.len() * BACKENDS.len();
    for step in 1..=6 {
        let lines = tour.lines().filter(|line| line.trim_start().starts_with(&format!("{step}  ")));
        assert_eq!(lines.count(), pairs, "step {step}: {tour}");
    }
    assert!(tour.contains(&format!("{pairs} pair(s), 1 MiB each")), "{tour}");
}

#[test]
#[cfg(feature = "builtin")]
fn the_tour_has_the_engines_own_word_on_each_step() {
    let tour = text(polytls(&["tour", "--mib", "1", "--backend", "builtin"], b"").stdout);
    for step in 1..=6 {
        let line = tour.lines().find(|line| line.trim_start().starts_with(&format!("{step}  "))).unwrap();
        assert!(line.contains("begun by the client after") && line.contains("the server after"), "{line}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    for arguments in [&["tour", "--mib", "1"][..], &["backends"]] {
        let mut child = command(arguments).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let error = text(output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("cannot write to standard output"), "{error}");
        assert!(error.starts_with("error: ") && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn the_table_as_json_says_what_the_table_says() {
    let output = polytls(&["backends", "--json"], b"");
    let line = text(output.stdout);
    assert_eq!((output.status.code(), line.lines().count()), (Some(0), 1), "{line}");
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    let backends = json["backends"].as_array().unwrap();
    assert!(backends.iter().map(|backend| &backend["name"]).eq(BACKENDS), "{json}");
    let table = text(polytls(&["backends", "--markdown"], b"").stdout);
    let row = |name: &str| {
        let row = table.lines().find(|row| row.starts_with(&format!("| {name} |"))).unwrap();
        row.trim_matches(['|', ' ']).split(" | ").skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    for (index, backend) in backends.iter().enumerate() {
        let yes = |value: &serde_json::Value| if value.as_bool().unwrap() { "yes" } else { "–" };
        assert_eq!(row("client: key log")[index], yes(&backend["client"]["key_log"]));
        assert_eq!(row("hands out record keys")[index], yes(&backend["engine"]["hands_out_record_keys"]));
        let versions: Vec<_> = backend["server"]["protocol_versions"].as_array().unwrap().iter().collect();
        let versions: Vec<_> = versions.iter().map(|version| version.as_str().unwrap()).collect();
        assert_eq!(row("server: protocol versions")[index], versions.join(", "));
        assert!(backend["client"]["cipher_suites"]["names"].as_array().unwrap().len() >= 6, "{backend}");
        let roles = &backend["cipher_suites"]["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"];
        assert_eq!(roles, &serde_json::json!(["client", "server"]), "{backend}");
    }
}
