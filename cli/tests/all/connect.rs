//! What `polytls connect` says of a connection and of a refusal, to people and to programs.

#![cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]

use std::{fs, io::Read};

use serde_json::Value;

use crate::support::{
    self, BACKENDS, Server, backends_where,
    pki::{Authority, path},
    polytls, text,
};

/// A server with a certificate of this authority for `localhost`, and its roots in `root.pem`.
fn serving(folder: &tempfile::TempDir, (cert, key): (String, String), more: &[&str]) -> Server {
    fs::write(path(folder, "cert.pem"), cert).unwrap();
    fs::write(path(folder, "key.pem"), key).unwrap();
    let (public, cert, key) = (path(folder, ""), path(folder, "cert.pem"), path(folder, "key.pem"));
    Server::start(&[&[&public[..], "--cert", &cert, "--key", &key], more].concat())
}

/// A folder with `root.pem`, and a good server.
fn good() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    authority.write_root(&path(&folder, "root.pem"));
    let server = serving(&folder, authority.server("localhost"), &[]);
    (folder, server)
}

/// The certificate that the server has, in DER.
fn server_certificate(folder: &tempfile::TempDir) -> Vec<u8> {
    pem::parse(fs::read(path(folder, "cert.pem")).unwrap()).unwrap().into_contents()
}

/// Connects by the name `localhost` and leaves: exit code, standard output and standard error.
fn connect(server: &Server, root: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let arguments = ["connect", &server.address, "--name", "localhost", "--roots", root, "--no-stdin"];
    let output = polytls(&[&arguments[..], more].concat(), b"not to be read");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn lines(notes: &str) -> Vec<Value> {
    notes
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

#[test]
fn the_chain_is_shown_as_it_came() {
    let (folder, server) = good();
    for backend in BACKENDS {
        let (code, output, notes) = connect(&server, &path(&folder, "root.pem"), &["--backend", backend]);
        assert_eq!((code, output.as_str()), (Some(0), ""), "{notes}");
        for words in [
            "session new",
            "server name localhost",
            "0 CN=localhost",
            "issuer      CN=the authority",
            "29 days left",
            "names       localhost",
            "EC, P-256",
            "ECDSA with SHA-256",
            "SHA-256     ",
        ] {
            assert!(notes.contains(words), "{backend}: `{words}` is not in: {notes}");
        }
        assert!(!notes.contains('\u{1b}'), "colours in a pipe: {notes}");
    }
}

#[test]
fn a_quiet_connection_says_nothing() {
    let (folder, server) = good();
    let root = path(&folder, "root.pem");
    assert_eq!(connect(&server, &root, &["--quiet"]), (Some(0), String::new(), String::new()));
    let (code, _, notes) = connect(&server, &root, &["-q", "--alpn", "nothing"]);
    assert_eq!((code, notes.lines().count()), (Some(1), 1), "{notes}");
}

#[test]
fn certificates_in_pem_are_those_that_came() {
    let (folder, server) = good();
    let sent = pem::parse(fs::read(path(&folder, "cert.pem")).unwrap()).unwrap();
    for backend in BACKENDS {
        for option in ["--show-certs", "--showcerts"] {
            let (_, shown, notes) =
                connect(&server, &path(&folder, "root.pem"), &["--backend", backend, option]);
            let shown = pem::parse_many(shown).unwrap();
            assert!(shown == [sent.clone()], "{backend}: {notes}");
        }
    }
}

#[test]
fn json_is_one_line_with_every_key() {
    let (folder, server) = good();
    let help = text(polytls(&["connect", "--help"], b"").stdout);
    let root = path(&folder, "root.pem");
    for backend in BACKENDS {
        let (code, output, notes) =
            connect(&server, &root, &["--json", "--backend", backend, "--alpn", "http/1.1"]);
        assert_eq!((code, output.as_str(), notes.lines().count()), (Some(0), "", 1), "{notes}");
        let json = &lines(&notes)[0];
        let keys = [
            "event",
            "server",
            "name",
            "backend",
            "library",
            "version",
            "cipher_suite",
            "named_group",
            "alpn",
            "server_name",
            "resumed",
            "path",
            "peer_signature_scheme",
            "local_chain",
            "early_data",
            "ocsp_response_bytes",
            "handshake",
            "chain",
        ];
        assert!(json.as_object().unwrap().keys().all(|key| keys.contains(&key.as_str())), "{json}");
        assert!(keys.iter().all(|key| json.get(key).is_some()), "{json}");
        assert!(keys.iter().all(|key| help.contains(key)), "{help}");
        assert_eq!((&json["event"], &json["backend"]), (&"connected".into(), &Value::from(*backend)));
        assert_eq!((&json["alpn"], &json["name"]), (&"http/1.1".into(), &"localhost".into()), "{json}");
        assert_eq!(json["chain"][0]["subject"], "CN=localhost", "{json}");
        assert_eq!(json["chain"][0]["names"], serde_json::json!(["localhost"]), "{json}");
        assert_eq!(json["chain"][0]["sha256"].as_str().unwrap().len(), 64, "{json}");
        assert_eq!(
            (&json["local_chain"], &json["ocsp_response_bytes"]),
            (&serde_json::json!([]), &Value::Null)
        );
        assert_eq!(json["early_data"], "not_offered", "{json}");
        assert!(json["handshake"]["bytes_received"].as_u64().unwrap() > 500, "{json}");
    }
}

#[test]
fn a_refusal_shows_the_chain_the_reason_and_the_alert() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    authority.write_root(&path(&folder, "root.pem"));
    let server = serving(&folder, authority.expired_server("localhost"), &[]);
    for backend in BACKENDS {
        let root = path(&folder, "root.pem");
        let (code, output, notes) = connect(&server, &root, &["--backend", backend]);
        assert_eq!((code, output.as_str()), (Some(1), ""), "{notes}");
        let last = notes.lines().last().unwrap();
        assert!(last.starts_with("error: the certificate expired"), "{backend}: {notes}");
        let (_, _, line) = connect(&server, &root, &["--backend", backend, "--json"]);
        let json = &lines(&line)[0];
        assert_eq!((&json["event"], &json["kind"]), (&"failed".into(), &"certificate".into()), "{json}");
        assert_eq!((&json["fault"], &json["exit_code"]), (&"expired".into(), &1.into()), "{json}");
        if *backend == "native" {
            assert!(notes.contains("does not show the chain"), "{notes}");
            continue;
        }
        assert!(notes.contains("expired 30 days ago") && notes.contains("CN=the authority"), "{notes}");
        assert!(last.contains("expired on 20") && last.contains("that of CN=localhost, valid 20"), "{last}");
        assert!(last.contains("told `certificate_expired`"), "{last}");
        assert_eq!(json["alert_sent"], "certificate_expired", "{json}");
        assert_eq!(json["chain"][0]["subject"], "CN=localhost", "{json}");
        let (code, shown, _) = connect(&server, &root, &["--backend", backend, "--show-certs"]);
        assert_eq!((code, pem::parse_many(shown).unwrap().len()), (Some(1), 1));
    }
}

#[test]
fn a_revoked_certificate_is_refused_or_revocation_is() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    authority.write_root(&path(&folder, "root.pem"));
    let list = path(&folder, "list.pem");
    fs::write(&list, authority.revocation_list(&[4711])).unwrap();
    let identity = authority.issue("localhost", |params| params.serial_number = Some(4711.into()));
    let server = serving(&folder, identity, &[]);
    let checking = backends_where("revocation");
    for backend in BACKENDS {
        let (code, output, notes) =
            connect(&server, &path(&folder, "root.pem"), &["--crl", &list, "--backend", backend]);
        let last = notes.lines().last().unwrap();
        let (expected, words) = match checking.contains(backend) {
            true => (1, "was revoked"),
            false => (2, "cannot honour checking revocation"),
        };
        assert_eq!((code, output.as_str()), (Some(expected), ""), "{backend}: {notes}");
        assert!(last.starts_with("error: ") && last.contains(words), "{backend}: {notes}");
    }
}

#[test]
fn a_server_with_another_key_than_the_pinned_is_refused() {
    let (folder, server) = good();
    let root = path(&folder, "root.pem");
    let pin = |der: &[u8]| polytls::SpkiPin::of(&der.into()).unwrap().to_string();
    let (other, own) = (pin(Authority::new("another").der()), pin(&server_certificate(&folder)));
    for backend in BACKENDS {
        let (code, _, notes) = connect(&server, &root, &["--pin", &own, "--backend", backend]);
        if *backend == "native" {
            assert_eq!(code, Some(2), "{notes}");
            assert!(notes.contains("--pin needs a verifier of the application's"), "{notes}");
            continue;
        }
        assert_eq!(code, Some(0), "{backend}: {notes}");
        let (code, _, notes) = connect(&server, &root, &["--pin", &other, "--backend", backend]);
        assert_eq!(code, Some(1), "{backend}: {notes}");
        assert!(notes.contains("no key of the certification path is pinned"), "{backend}: {notes}");
    }
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl"))]
fn a_chain_to_nowhere_says_where_it_ends() {
    let (folder, server) = good();
    let root = path(&folder, "other.pem");
    Authority::new("another authority").write_root(&root);
    for backend in BACKENDS.iter().filter(|backend| **backend != "native") {
        let (code, _, notes) = connect(&server, &root, &["--backend", backend]);
        assert_eq!(code, Some(1), "{notes}");
        let words = "no trusted root leads to the certificate's issuer";
        let more = "the chain ends at CN=localhost, issued by CN=the authority";
        assert!(notes.contains(words) && notes.contains(more), "{backend}: {notes}");
    }
}

#[test]
fn a_certificate_that_steers_terminals_is_written_out() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    authority.write_root(&path(&folder, "root.pem"));
    let identity = authority.issue("localhost", |params| {
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "\u{1b}[2J\r\nerror: all is well");
    });
    let server = serving(&folder, identity, &[]);
    let (code, _, notes) = connect(&server, &path(&folder, "root.pem"), &[]);
    assert_eq!(code, Some(0), "{notes}");
    assert!(notes.contains("O=\\u{1b}[2J\\u{d}\\u{a}error: all is well"), "{notes}");
}

#[test]
fn json_of_a_certificate_that_steers_terminals_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    authority.write_root(&path(&folder, "root.pem"));
    let organization = "\u{7f}\u{9b}2J\u{202e}moc\u{2066}";
    let identity = authority.issue("localhost", |params| {
        params.distinguished_name.push(rcgen::DnType::OrganizationName, organization);
    });
    let server = serving(&folder, identity, &[]);
    let root = path(&folder, "root.pem");
    let (_, _, notes) = connect(&server, &root, &["--json"]);
    let verifying = ["verify", &path(&folder, "cert.pem"), "--name", "localhost", "--roots", &root, "--json"];
    for line in [notes, text(polytls(&verifying, b"").stdout)] {
        let raw = |character: char| organization.contains(character) && !character.is_ascii_alphanumeric();
        assert!(!line.contains(raw), "{line:?}");
        let json = &lines(&line)[0];
        assert!(json["chain"][0]["subject"].as_str().unwrap().contains(organization), "{json}");
    }
}

/// Serves TLS with this identity, a connection after another, until the runtime is gone.
#[cfg(any(feature = "rustls", feature = "openssl"))]
fn library_serving(identity: polytls::Identity) -> (tokio::runtime::Runtime, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = polytls::ServerConfig::builder(polytls::default_backend().unwrap(), identity);
    let acceptor = polytls::TlsAcceptor::new(&config.build().unwrap()).unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    runtime.spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(tcp).await else { continue };
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
        }
    });
    (runtime, address)
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl"))]
fn an_ocsp_response_is_told_with_its_length() {
    // OCSPResponse (RFC 6960 §4.2.1), successful, with bytes of type id-pkix-ocsp-basic.
    let response =
        *b"\x30\x1d\x0a\x01\x00\xa0\x18\x30\x16\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01\x04\x09somebytes";
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    let root = path(&folder, "root.pem");
    authority.write_root(&root);
    let (cert, key) = authority.server("localhost");
    let identity = polytls::Identity::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
    let (_runtime, address) = library_serving(identity.with_ocsp_response(response));
    let asking = backends_where("ocsp_response");
    assert!(!asking.is_empty());
    for backend in BACKENDS {
        let arguments = [
            "connect",
            &address,
            "--name",
            "localhost",
            "--roots",
            &root,
            "--no-stdin",
            "--backend",
            backend,
        ];
        let notes = text(polytls(&arguments, b"").stderr);
        let line = text(polytls(&[&arguments[..], &["--json"]].concat(), b"").stderr);
        let (told, length) = match asking.contains(backend) {
            true => ("OCSP        response of 31 bytes", Value::from(31)),
            false => ("OCSP        no response seen", Value::Null),
        };
        assert!(notes.contains(told), "{backend}: {notes}");
        assert_eq!(lines(&line)[0]["ocsp_response_bytes"], length, "{backend}: {line}");
    }
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl"))]
fn what_was_presented_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    let root = path(&folder, "root.pem");
    authority.write_root(&root);
    let (cert, key) = authority.issue("someone", |params| {
        params.extended_key_usages = [rcgen::ExtendedKeyUsagePurpose::ClientAuth].into();
    });
    let (client_cert, client_key) = (path(&folder, "client.pem"), path(&folder, "client.key"));
    fs::write(&client_cert, cert).unwrap();
    fs::write(&client_key, key).unwrap();
    let required = ["--client-auth", "required", "--client-roots", &root];
    let server = serving(&folder, authority.server("localhost"), &required);
    for backend in BACKENDS.iter().filter(|backend| **backend != "native") {
        let known = ["--client-cert", &client_cert, "--client-key", &client_key, "--backend", backend];
        let (code, _, notes) = connect(&server, &root, &known);
        assert_eq!(code, Some(0), "{backend}: {notes}");
        assert!(notes.contains("presented   CN=someone"), "{backend}: {notes}");
        let (_, _, line) = connect(&server, &root, &[&known[..], &["--json"]].concat());
        assert_eq!(lines(&line)[0]["local_chain"][0]["subject"], "CN=someone", "{backend}: {line}");
    }
}

#[test]
fn an_identity_that_has_expired_is_a_warning_once_and_none_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    let root = path(&folder, "root.pem");
    authority.write_root(&root);
    let mut server = serving(&folder, authority.expired_server("localhost"), &[]);
    let warnings = |notes: &str| notes.matches("the identity's certificate has expired").count();
    let expired = ["--client-cert", &path(&folder, "cert.pem"), "--client-key", &path(&folder, "key.pem")];
    for _ in 0..2 {
        let (code, _, notes) = connect(&server, &root, &expired);
        assert_eq!((code, warnings(&notes)), (Some(1), 1), "{notes}");
    }
    let (_, _, line) = connect(&server, &root, &[&expired[..], &["--json"]].concat());
    assert_eq!(lines(&line)[0]["event"], "failed", "{line}");
    server.child.kill().unwrap();
    let mut notes = String::new();
    server.child.stderr.take().unwrap().read_to_string(&mut notes).unwrap();
    assert_eq!(warnings(&notes), 1, "{notes}");
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl"))]
fn a_reconnection_resumes_unless_that_is_forbidden() {
    let (folder, server) = good();
    let root = path(&folder, "root.pem");
    for backend in BACKENDS.iter().filter(|backend| **backend != "native") {
        for version in ["1.2", "1.3"] {
            let options = ["--backend", backend, "--tls", version, "--reconnect", "2", "--json"];
            let (code, _, notes) = connect(&server, &root, &options);
            let resumed: Vec<_> = lines(&notes).iter().map(|json| json["resumed"].clone()).collect();
            assert_eq!((code, resumed.as_slice()), (Some(0), &[false.into(), true.into(), true.into()][..]));
        }
        let (_, _, notes) = connect(&server, &root, &["--backend", backend, "--reconnect", "1"]);
        assert!(notes.contains("session new") && notes.contains("session resumed"), "{notes}");
    }
}

#[test]
fn a_session_that_is_not_kept_is_not_resumed() {
    let (folder, server) = good();
    let (code, _, notes) = connect(&server, &path(&folder, "root.pem"), &["--no-resumption", "--json"]);
    assert_eq!((code, &lines(&notes)[0]["resumed"]), (Some(0), &false.into()), "{notes}");
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl"))]
fn what_is_offered_is_what_is_negotiated() {
    let (folder, server) = good();
    let root = path(&folder, "root.pem");
    for backend in BACKENDS.iter().filter(|backend| **backend != "native") {
        let offer =
            ["--tls", "1.3", "--cipher-suites", "tls_chacha20_poly1305_sha256", "--groups", "SECP384R1"];
        let more = ["--sigalgs", "ecdsa_secp256r1_sha256", "--no-sni", "--json", "--backend", backend];
        let (code, _, notes) = connect(&server, &root, &[&offer[..], &more].concat());
        assert_eq!(code, Some(0), "{notes}");
        let json = &lines(&notes)[0];
        assert_eq!(json["cipher_suite"], "TLS_CHACHA20_POLY1305_SHA256", "{json}");
        assert_eq!(
            (&json["named_group"], &json["server_name"]),
            (&"secp384r1".into(), &Value::Null),
            "{json}"
        );

        let (code, _, notes) = connect(&server, &root, &["--alpn", "nothing", "--backend", backend]);
        assert_eq!(code, Some(1), "{notes}");
        assert!(notes.contains("--alpn"), "what to do is missing: {notes}");
    }
}

#[test]
fn a_name_that_is_not_sent_is_still_looked_for() {
    let (folder, server) = good();
    for backend in BACKENDS {
        let root = path(&folder, "root.pem");
        let arguments = ["connect", &server.address, "--name", "example.com", "--no-sni", "--roots", &root];
        let output = polytls(&[&arguments[..], &["--backend", backend]].concat(), b"");
        let notes = text(output.stderr);
        assert_eq!(output.status.code(), Some(1), "{backend}: {notes}");
        assert!(notes.contains("not for `example.com`"), "{backend}: {notes}");
    }
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl"))]
fn a_connection_to_anybody_says_so() {
    let (_folder, server) = good();
    for backend in BACKENDS.iter().filter(|backend| **backend != "native") {
        let anybody = ["connect", &server.address, "--danger-accept-any-certificate", "--no-stdin"];
        let output = polytls(&[&anybody[..], &["--backend", backend]].concat(), b"");
        let notes = text(output.stderr);
        assert_eq!(output.status.code(), Some(0), "{backend}: {notes}");
        assert!(notes.contains("verified    nothing: anybody may be"), "{backend}: {notes}");
        let output = polytls(&[&anybody[..], &["--json", "--backend", backend]].concat(), b"");
        assert_eq!(lines(&text(output.stderr))[0]["path"], Value::Null, "{backend}");
    }
}

#[test]
fn a_version_that_the_server_does_not_speak_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("the authority");
    authority.write_root(&path(&folder, "root.pem"));
    let server = serving(&folder, authority.server("localhost"), &["--tls", "1.2"]);
    for backend in BACKENDS {
        let (code, _, notes) =
            connect(&server, &path(&folder, "root.pem"), &["--tls", "1.3", "--backend", backend]);
        assert_eq!((code, notes.lines().count()), (Some(1), 1), "{backend}: {notes}");
        assert!(notes.contains("--tls"), "{backend}: {notes}");
    }
}

#[test]
fn an_error_output_that_is_gone_is_no_panic() {
    let (folder, server) = good();
    let root = path(&folder, "root.pem");
    let arguments = ["connect", &server.address, "--roots", &root, "--name", "localhost", "--no-stdin"];
    for more in [&[][..], &["--json"]] {
        let mut child = support::command(&[&arguments[..], more].concat()).spawn().unwrap();
        drop(child.stderr.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_reader_of_certificates_that_is_gone_is_a_failure() {
    let (folder, server) = good();
    let root = path(&folder, "root.pem");
    let arguments = ["connect", &server.address, "--roots", &root, "--name", "localhost", "--show-certs"];
    let mut child = support::command(&arguments).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let error = text(output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("cannot write to standard output") && !error.contains("panicked"), "{error}");
}
