//! TLS that has to be asked for: small servers that speak plaintext first, honest and not.

#![cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

use crate::support::{BACKENDS, Server, polytls, text};

/// What a client sends and what it is answered, one after the other.
type Script = &'static [(&'static [u8], &'static [u8])];

const SMTP: Script = &[
    (b"", b"220-mail.example\r\n220 ready\r\n"),
    (b"EHLO [127.0.0.1]\r\n", b"250-mail.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n"),
    (b"STARTTLS\r\n", b"220 go\r\n"),
];
const IMAP: Script = &[
    (b"", b"* OK ready\r\n"),
    (b"a1 CAPABILITY\r\n", b"* CAPABILITY IMAP4rev2 STARTTLS\r\na1 OK done\r\n"),
    (b"a2 STARTTLS\r\n", b"a2 OK go\r\n"),
];
const POSTGRES: Script = &[(b"\0\0\0\x08\x04\xd2\x16\x2f", b"S")];

/// Serves one connection by the script, and passes on what follows to `behind`, if there is such a server.
fn scripted(script: Script, behind: Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        for (expected, answer) in script {
            let mut said = vec![0; expected.len()];
            client.read_exact(&mut said).unwrap();
            assert_eq!(&said, expected);
            client.write_all(answer).unwrap();
        }
        match behind {
            Some(behind) => splice(client, TcpStream::connect(behind).unwrap()),
            // Silent until the client goes.
            None => drop(io::copy(&mut client, &mut io::sink())),
        }
    });
    address
}

fn splice(client: TcpStream, server: TcpStream) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (server, client);
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// The command's exit code and standard error; standard output must be empty.
fn refused(protocol: &str, script: Script, more: &[&str]) -> (Option<i32>, String) {
    let address = scripted(script, None);
    let arguments = [&["connect", &address, "--starttls", protocol], more].concat();
    let output = polytls(&arguments, b"secret");
    assert!(output.stdout.is_empty(), "{protocol}: {:?}", output.stdout);
    (output.status.code(), text(output.stderr))
}

#[test]
fn each_protocol_ends_in_tls_on_each_backend() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("page.txt"), "over TLS").unwrap();
    let root = folder.path().join("root.pem").display().to_string();
    let serving = Server::start(&[&folder.path().display().to_string(), "--write-root", &root]);
    for (protocol, script) in [("smtp", SMTP), ("imap", IMAP), ("postgres", POSTGRES)] {
        for backend in BACKENDS {
            let address = scripted(script, Some(serving.address.clone()));
            let arguments =
                ["connect", &address, "--starttls", protocol, "--roots", &root, "--backend", backend];
            let request = b"GET /page.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            let output = polytls(&arguments, request);
            let (answer, notes) = (text(output.stdout), text(output.stderr));
            assert_eq!(output.status.code(), Some(0), "{protocol} {backend}: {notes}");
            assert!(answer.ends_with("over TLS"), "{protocol} {backend}: {answer}");
        }
    }
}

#[test]
fn a_server_without_it_is_told_in_words() {
    let scripts: [(&str, Script, &str); 3] = [
        (
            "smtp",
            &[(b"", b"220 ready\r\n"), (b"EHLO [127.0.0.1]\r\n", b"250-mail\r\n250 SIZE 9\r\n")],
            "does not offer STARTTLS; it offers `SIZE`",
        ),
        (
            "imap",
            &[(b"", b"* OK ready\r\n"), (b"a1 CAPABILITY\r\n", b"* CAPABILITY IMAP4rev2\r\na1 OK done\r\n")],
            "does not offer STARTTLS; its capabilities are `IMAP4rev2`",
        ),
        ("postgres", &[(b"\0\0\0\x08\x04\xd2\x16\x2f", b"N")], "does not offer TLS"),
    ];
    for (protocol, script, words) in scripts {
        let (code, error) = refused(protocol, script, &[]);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.starts_with("error: no TLS over ") && error.contains(words), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn plaintext_behind_the_consent_ends_the_connection() {
    let scripts: [(&str, Script); 3] = [
        (
            "smtp",
            &[
                (b"", b"220 ready\r\n"),
                (b"EHLO [127.0.0.1]\r\n", b"250-mail\r\n250 STARTTLS\r\n"),
                (b"STARTTLS\r\n", b"220 go\r\n250 injected\r\n"),
            ],
        ),
        (
            "imap",
            &[
                (b"", b"* OK ready\r\n"),
                (b"a1 CAPABILITY\r\n", b"* CAPABILITY STARTTLS\r\na1 OK done\r\n"),
                (b"a2 STARTTLS\r\n", b"a2 OK go\r\n* 1 EXISTS\r\n"),
            ],
        ),
        ("postgres", &[(b"\0\0\0\x08\x04\xd2\x16\x2f", b"SE\0\0\0\x04")]),
    ];
    for (protocol, script) in scripts {
        let (code, error) = refused(protocol, script, &[]);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains("more plaintext") && error.contains("not to be trusted"), "{error}");
    }
}

#[test]
fn a_silent_server_is_given_up_on() {
    for protocol in ["smtp", "imap", "postgres"] {
        let (code, error) = refused(protocol, &[], &["--time-limit", "1"]);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains("did not answer within the time limit"), "{error}");
    }
}

#[test]
fn a_reply_that_steers_terminals_is_written_out() {
    let (code, error) = refused("smtp", &[(b"", b"554 \x1b[2Jaway\r\n")], &[]);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("554 \\u{1b}[2Jaway") && !error.contains('\u{1b}'), "{error}");
}

#[test]
fn the_failure_is_told_in_json_too() {
    let (code, line) = refused("imap", &[(b"", b"* PREAUTH ready\r\n")], &["--json"]);
    assert_eq!((code, line.lines().count()), (Some(1), 1), "{line}");
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&json["event"], &json["exit_code"]), (&"failed".into(), &1.into()), "{json}");
    assert!(json["message"].as_str().unwrap().contains("authenticated"), "{json}");
}

#[test]
fn a_server_of_plaintext_is_no_tls_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.write_all(b"220 mail.example ready and much longer than a header\r\n").unwrap();
        let mut hello = BufReader::new(client);
        // Up to the client's end, so that no reset takes the greeting back.
        while hello.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
            let count = hello.buffer().len();
            hello.consume(count);
        }
    });
    let output = polytls(&["connect", &address, "--time-limit", "5"], b"");
    let error = text(output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("not TLS") && error.contains("--starttls"), "{error}");
    serving.join().unwrap();
}
