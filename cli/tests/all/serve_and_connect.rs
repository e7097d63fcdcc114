//! A server and its clients, over every pair of engines that is compiled in.

#![cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    time::{Duration, Instant},
};

use crate::support::{BACKENDS, Server, command, fixture, polytls, text};

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
#[cfg(any(feature = "rustls", feature = "openssl"))]
fn client_certificates_are_asked_for_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("page.txt"), "for those who may").unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (cert, key, root) = (path("client.pem"), path("client.key"), path("root.pem"));
    let client = rcgen::generate_simple_self_signed(["client.example".to_owned()]).unwrap();
    fs::write(&cert, client.cert.pem()).unwrap();
    fs::write(&key, client.signing_key.serialize_pem()).unwrap();
    let request = b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for server in BACKENDS.iter().filter(|name| **name != "native") {
        let serving = Server::start(&[
            &path(""),
            "--write-root",
            &root,
            "--backend",
            server,
            "--client-auth",
            "required",
            "--client-roots",
            &cert,
        ]);
        for client in BACKENDS {
            let anonymous = ["connect", &serving.address, "--roots", &root, "--backend", client];
            for names in [["--client-cert", "--client-key"], ["--cert", "--key"]] {
                let known = [&anonymous[..], &[names[0], &cert, names[1], &key]].concat();
                let output = polytls(&known, request);
                assert!(text(output.stdout).ends_with("for those who may"), "{client} to {server}");
            }
            let output = polytls(&anonymous, request);
            let error = text(output.stderr);
            assert_eq!(output.status.code(), Some(1), "{client} to {server}: {error}");
            assert!(output.stdout.is_empty() && error.contains("error: "), "{client} to {server}: {error}");
            // Who has nothing to say or to hear learns of it too, although TLS 1.3 lets the client end first.
            let leaving = [&anonymous[..], &["--no-stdin"]].concat();
            let output = polytls(&leaving, b"");
            let error = text(output.stderr);
            assert_eq!(output.status.code(), Some(1), "{client} to {server}: {error}");
            assert!(error.contains("--client-cert"), "{client} to {server}: {error}");
        }
    }
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl"))]
fn identities_come_from_one_file_or_under_a_password() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("page.txt"), "for those who may").unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("password"), "pass phrase\n").unwrap();
    let both =
        [fs::read(fixture("ec.cert.pem")).unwrap(), fs::read(fixture("ec.pkcs8.pem")).unwrap()].concat();
    fs::write(path("both.pem"), both).unwrap();
    let (root, password) = (fixture("root.pem"), path("password"));
    let under_password = |cert: &str| [cert.to_owned(), "--key-password-file".into(), password.clone()];
    let of_two = [&fixture("ec.cert.pem"), "--key", &fixture("ec.aes-256.pem")].map(str::to_owned);
    let identities = [
        vec![path("both.pem")],
        under_password(&fixture("modern.p12")).to_vec(),
        under_password(&fixture("legacy.p12")).to_vec(),
        [&of_two[..], &under_password("")[1..]].concat(),
    ];
    let server = BACKENDS.iter().find(|backend| **backend != "native").unwrap();
    for identity in &identities {
        let options: Vec<_> = identity.iter().map(String::as_str).collect();
        let asking = ["--backend", server, "--client-auth", "required", "--client-roots", &root];
        let serving = Server::start(&[&[&path("")[..], "--cert"], &options[..], &asking].concat());
        for client in BACKENDS {
            let request = b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            let connect = ["connect", &serving.address, "--roots", &root, "--name", "localhost", "--backend"];
            let output = polytls(&[&connect[..], &[client, "--cert"], &options].concat(), request);
            let notes = text(output.stderr);
            assert!(text(output.stdout).ends_with("for those who may"), "{client}, {identity:?}: {notes}");
        }
    }
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("public")).unwrap();
    fs::write(folder.path().join("secret"), "outside").unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let serving = Server::start(&[&path("public"), "--write-root", &path("root.pem")]);
    for wanted in ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/..%5csecret", "//../secret", "/"] {
        let request = format!("GET {wanted} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let arguments = ["connect", &serving.address, "--roots", &path("root.pem")];
        let answer = text(polytls(&arguments, request.as_bytes()).stdout);
        assert!(answer.starts_with("HTTP/1.1 404"), "{wanted}: {answer}");
    }
}

#[test]
fn an_ipv6_address_is_written_in_brackets() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("this machine has no IPv6");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem").display().to_string();
    let public = folder.path().display().to_string();
    let serving = Server::start(&[&public, "--listen", "[::1]:0", "--write-root", &root]);
    assert!(serving.address.starts_with("[::1]:"), "{}", serving.address);
    let output = polytls(&["connect", &serving.address, "--roots", &root], b"GET / HTTP/1.0\r\n\r\n");
    assert_eq!(output.status.code(), Some(0), "{}", text(output.stderr));
}

#[test]
fn a_server_that_dies_ends_a_client_whose_input_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root.pem").display().to_string();
    let mut serving = Server::start(&[&folder.path().display().to_string(), "--write-root", &root]);
    let mut client = command(&["connect", &serving.address, "--roots", &root]).spawn().unwrap();
    let mut notes = BufReader::new(client.stderr.take().unwrap());
    let mut line = String::new();
    notes.read_line(&mut line).unwrap();
    assert!(line.contains("TLS 1."), "not connected: {line}");
    serving.child.kill().unwrap();
    let status = ended(&mut client, Duration::from_secs(10));
    let mut error = String::new();
    notes.read_to_string(&mut error).unwrap();
    assert_eq!(status.code(), Some(1), "{error}");
    assert!(error.lines().last().unwrap().starts_with("error: "), "{error}");
    assert_eq!(error.matches("error: ").count(), 1, "{error}");
}

#[test]
#[cfg(unix)]
fn an_interrupted_server_finishes_its_responses() {
    let folder = tempfile::tempdir().unwrap();
    let page = vec![b'x'; 32 << 20];
    fs::write(folder.path().join("big"), &page).unwrap();
    let root = folder.path().join("root.pem").display().to_string();
    let public = folder.path().display().to_string();
    for backend in BACKENDS {
        let mut serving = Server::start(&[&public, "--write-root", &root, "--backend", backend]);
        let arguments = ["connect", &serving.address, "--roots", &root, "--backend", backend];
        let mut client = command(&arguments).spawn().unwrap();
        let mut input = client.stdin.take().unwrap();
        input.write_all(b"GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut output = client.stdout.take().unwrap();
        output.read_exact(&mut [0; 1]).unwrap();

        // The rest is more than the buffers in between hold: the response is under way.
        let interrupt = format!("kill -INT {}", serving.child.id());
        let interrupted = std::process::Command::new("sh").args(["-c", &interrupt]).status().unwrap();
        assert!(interrupted.success());
        drop(input);
        let mut rest = Vec::new();
        output.read_to_end(&mut rest).unwrap();
        assert_eq!(ended(&mut client, Duration::from_secs(10)).code(), Some(0), "{backend}");
        assert!(rest.ends_with(&page), "{backend}: {} bytes", rest.len());
        assert_eq!(ended(&mut serving.child, Duration::from_secs(15)).code(), Some(0), "{backend}");
    }
}

/// The process's end, which must come within the time.
fn ended(child: &mut std::process::Child, limit: Duration) -> std::process::ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if started.elapsed() > limit {
            let _ = child.kill();
            panic!("it did not end within {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
