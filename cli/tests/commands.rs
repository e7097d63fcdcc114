//! The tour and the table, over every engine that is compiled in.

#![cfg(any(feature = "rustls", feature = "openssl", feature = "native"))]

mod support;

use support::{BACKENDS, command, polytls, text};

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
