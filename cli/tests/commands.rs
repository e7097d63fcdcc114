//! The commands at work, over every engine that is compiled in.

mod support;

use std::fs;

use support::{BACKENDS, Server, polytls};

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn every_client_fetches_from_every_server() {
    let folder = tempfile::tempdir().unwrap();
    let page: String = (0..100_000).map(|line| format!("line {line}\n")).collect();
    fs::write(folder.path().join("page.txt"), &page).unwrap();
    let root = folder.path().join("root.pem").display().to_string();
    for server in BACKENDS {
        let public = folder.path().display().to_string();
        let serving = Server::start(&[&public, "--write-root", &root, "--backend", server]);
        for client in BACKENDS {
            let request = b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            let arguments =
                ["connect", &serving.address, "--roots", &root, "--alpn", "http/1.1", "--backend", client];
            let output = polytls(&arguments, request);
            let (answer, notes) = (text(output.stdout), text(output.stderr));
            assert_eq!(output.status.code(), Some(0), "{client} to {server}: {notes}");
            assert!(notes.contains(client) && notes.contains("ALPN http/1.1"), "{notes}");
            let (head, body) = answer.split_once("\r\n\r\n").expect("a response");
            assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
            assert!(body == page, "{client} to {server}: another page");
        }
    }
}

#[test]
fn a_server_that_is_not_trusted_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (root, other) = (folder.path().join("root.pem"), folder.path().join("other.pem"));
    let (root, other) = (root.display().to_string(), other.display().to_string());
    let public = folder.path().display().to_string();
    for server in BACKENDS {
        let serving = Server::start(&[&public, "--write-root", &root, "--backend", server]);
        drop(Server::start(&[&public, "--write-root", &other, "--backend", server]));
        for client in BACKENDS {
            let output = polytls(&["connect", &serving.address, "--roots", &other, "--backend", client], b"");
            let error = text(output.stderr);
            assert_eq!(output.status.code(), Some(1), "{error}");
            // Both roots have one name, so that a library may find either fault.
            assert!(
                error.contains("no trusted root") || error.contains("does not verify"),
                "{client}: {error}"
            );

            let arguments =
                ["connect", &serving.address, "--roots", &root, "--name", "example.com", "--backend", client];
            let output = polytls(&arguments, b"");
            let error = text(output.stderr);
            assert_eq!(output.status.code(), Some(1), "{error}");
            assert!(error.contains("not for `example.com`"), "{client}: {error}");
        }
    }
}

#[test]
fn the_capability_table_has_a_column_for_each_engine() {
    let table = text(polytls(&["backends", "--markdown"], b"").stdout);
    let columns: Vec<_> = table.lines().map(|line| line.matches('|').count()).collect();
    assert!(columns.iter().all(|&count| count == BACKENDS.len() + 2), "{table}");
    assert!(BACKENDS.iter().all(|name| table.lines().next().unwrap().contains(name)), "{table}");
    let plain = text(polytls(&["backends"], b"").stdout);
    assert!(plain.contains("hands out record keys"), "{plain}");
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
