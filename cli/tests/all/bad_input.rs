//! Whatever cannot be used: one clear line, an exit code that is not 0, nothing half done.

#[cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]
use std::{fs, path::Path};

use crate::support::{self, refused};

/// Each command as it would run.
const COMMANDS: [&[&str]; 5] =
    [&["tour"], &["backends"], &["connect", "localhost:1"], &["serve", "."], &["bench"]];

/// A file that every machine has which runs these tests.
const THIS_CRATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");

/// A certificate and a key that is another's.
#[cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]
fn mismatched(folder: &Path) -> (String, String) {
    let one = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::KeyPair::generate().unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    fs::write(&cert, one.cert.pem()).unwrap();
    fs::write(&key, other.serialize_pem()).unwrap();
    (cert.display().to_string(), key.display().to_string())
}

#[test]
fn options_and_commands_that_are_none() {
    refused(&["frobnicate"], 2, &["frobnicate"]);
    refused(&["tour", "--frobnicate"], 2, &["--frobnicate"]);
    refused(&[], 2, &["a command is missing"]);
    refused(&["tour", "--mib", "many"], 2, &["many"]);
    refused(&["tour", "--mib", "0"], 2, &["0 is not in"]);
    refused(&["tour", "--mib", "17592186044416"], 2, &["17592186044416 is not in"]);
    refused(&["connect"], 2, &["HOST:PORT"]);
    refused(&["connect", "localhost:1", "--tls", "1.1"], 2, &["1.1"]);
    refused(&["connect", "localhost:1", "--time-limit", "0"], 2, &["0"]);
    refused(&["connect", "localhost:1", "--roots", "os", "--danger-accept-any-certificate"], 2, &["--roots"]);
    refused(&["serve", ".", "--client-auth", "perhaps"], 2, &["perhaps"]);
    refused(&["serve", ".", "--client-auth", "required"], 2, &["--client-roots"]);
    refused(&["serve", ".", "--reload"], 2, &["--cert"]);
    refused(&["serve", ".", "--listen", "nowhere"], 2, &["nowhere"]);
    refused(&["backends", "--json", "--markdown"], 2, &["--json", "--markdown"]);
    refused(&["backends", "--color", "perhaps"], 2, &["perhaps"]);
    refused(&["completions"], 2, &["SHELL"]);
    refused(&["completions", "csh"], 2, &["csh"]);
    refused(&["man", "frobnicate"], 2, &["frobnicate", "is no command"]);
    refused(&["man", "connect", "--out", "."], 2, &["--out"]);
    refused(&["man", "--out", THIS_CRATE], 2, &["cannot write", "Cargo.toml"]);
}

#[test]
fn what_connect_cannot_offer() {
    for (more, words) in [
        (&["--starttls", "ftp"][..], &["ftp", "smtp, imap, postgres"][..]),
        (&["--cipher-suites", "RC4"], &["RC4", "--cipher-suites"]),
        (&["--groups", "brainpool"], &["brainpool", "x25519"]),
        (&["--sigalgs", "md5"], &["md5", "ed25519"]),
        (&["--groups", ""], &["--groups"]),
        (&["--reconnect", "101"], &["101"]),
        (&["--reconnect", "-1"], &["-1"]),
        (&["--reconnect", "1", "--no-resumption"], &["--no-resumption"]),
        (&["--quiet", "--json"], &["--quiet", "--json"]),
        (&["--crl", "list.pem", "--danger-accept-any-certificate"], &["--crl"]),
        (&["--crl-dir", "lists", "--danger-accept-any-certificate"], &["--crl-dir"]),
        (&["--revocation", "hard", "--danger-accept-any-certificate"], &["--revocation"]),
        (&["--revocation", "never"], &["never", "off, soft, hard"]),
        (&["--pin", "sha256/x"], &["--pin", "sha256/x"]),
    ] {
        refused(&[&["connect", "localhost:1"], more].concat(), 2, words);
    }
}

#[test]
fn what_verify_cannot_be_asked() {
    refused(&["verify"], 2, &["FILE"]);
    refused(&["verify", "chain.pem"], 2, &["--name"]);
    refused(&["verify", "chain.pem", "--name", "a.example", "--client"], 2, &["--client"]);
    refused(&["verify", "chain.pem", "--client", "--at", "yesterday"], 2, &["yesterday", "2026-01-01"]);
    refused(&["verify", "chain.pem", "--client", "--ocsp", "response.der"], 2, &["--ocsp"]);
    refused(&["verify", "chain.pem", "--name", "https://a.example"], 2, &["https://a.example", "host name"]);
}

#[test]
fn what_bench_cannot_measure() {
    for (more, words) in [
        (&["frobnicate"][..], &["frobnicate", "handshakes, resumed, bulk, echo"][..]),
        (&["--size", "0"], &["0", "1..=64MiB"]),
        (&["--size", "65MiB"], &["65MiB", "1..=64MiB"]),
        (&["--size", "64KB"], &["64KB", "16KiB"]),
        (&["--size", "1KiB,"], &["--size"]),
        (&["--size", "99999999999999999999"], &["1..=64MiB"]),
        (&["--echo-size", "0"], &["--echo-size", "1..=64MiB"]),
        (&["--rounds", "0"], &["0 is not in"]),
        (&["--rounds", "1001"], &["1001 is not in"]),
        (&["--duration", "0"], &["0.01..=60"]),
        (&["--duration", "61"], &["0.01..=60"]),
        (&["--duration", "NaN"], &["0.01..=60"]),
        (&["--duration", "long"], &["no number of seconds"]),
        (&["--over", "udp"], &["udp", "memory, tcp"]),
        (&["--tls", "1.1"], &["1.1"]),
        (&["--cipher-suites", "RC4"], &["RC4", "--cipher-suites"]),
        (&["--groups", "brainpool"], &["brainpool", "x25519"]),
        (&["--roots", "os"], &["--cert"]),
        (&["--name", "a.example"], &["--cert"]),
    ] {
        refused(&[&["bench"], more].concat(), 2, words);
    }
}

#[test]
fn a_backend_that_is_not_compiled_in() {
    for command in COMMANDS {
        let arguments = [command, &["--backend", "gnutls"]].concat();
        refused(&arguments, 2, &["gnutls", "compiled in", support::BACKENDS.first().unwrap_or(&"none")]);
    }
    refused(&["tour", "--client", "gnutls"], 2, &["gnutls"]);
    if !support::BACKENDS.is_empty() {
        refused(&["tour", "--server", "gnutls"], 2, &["gnutls"]);
    }
}

#[test]
#[cfg(not(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin")))]
fn no_backend_at_all() {
    for command in COMMANDS {
        refused(command, 2, &["compiled in: none", "rustls", "openssl", "native", "builtin"]);
    }
}

#[test]
fn addresses_ports_and_names() {
    refused(&["connect", "example.com"], 2, &["example.com", "HOST:PORT"]);
    refused(&["connect", "example.com:99999"], 2, &["65535"]);
    refused(&["connect", "bad_host name:443"], 2, &["bad_host name"]);
    refused(&["connect", "localhost:443", "--name", "https://x"], 2, &["https://x"]);
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]
fn files_that_are_not_there_or_are_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("text"), "no PEM at all").unwrap();
    refused(&["connect", "localhost:1", "--roots", &path("missing")], 2, &["missing", "cannot read"]);
    refused(&["connect", "localhost:1", "--roots", &path("text")], 2, &["text", "BEGIN CERTIFICATE"]);
    fs::create_dir(path("roots")).unwrap();
    refused(&["connect", "localhost:1", "--roots", &path("roots")], 2, &["roots", "no file of certificates"]);
    fs::copy(path("text"), path("roots/bad.pem")).unwrap();
    refused(&["connect", "localhost:1", "--roots", &path("roots")], 2, &["bad.pem", "BEGIN CERTIFICATE"]);
    refused(&["connect", "localhost:1", "--client-key", &path("text")], 2, &["--client-cert"]);
    refused(&["connect", "localhost:1", "--key-password-file", &path("text")], 2, &["needs --client-cert"]);
    refused(&["serve", ".", "--key", &path("text")], 2, &["--cert"]);
    refused(&["bench", "--key", &path("text")], 2, &["--cert"]);
    refused(&["bench", "--cert", &path("missing")], 2, &["missing", "cannot read"]);
    refused(&["serve", ".", "--key-password-file", &path("text")], 2, &["needs --cert"]);
    refused(&["serve", &path("missing")], 2, &["missing"]);
    refused(&["serve", &path("text")], 2, &["not a folder"]);
    refused(&["serve", ".", "--cert", &path("text"), "--key", &path("text")], 2, &["BEGIN CERTIFICATE"]);
    refused(&["serve", ".", "--write-root", &path("missing/root.pem")], 2, &["cannot write"]);
    let roots = ["--client-auth", "required", "--client-roots", &path("missing")];
    let root = path("root.pem");
    refused(&[&["serve", ".", "--write-root", &root][..], &roots].concat(), 2, &["missing", "cannot read"]);
    assert!(!Path::new(&root).exists(), "the root of a server that did not start");
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]
fn files_that_hold_no_identity_or_under_another_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("right"), "pass phrase\n").unwrap();
    fs::write(path("wrong"), "guess\n").unwrap();
    fs::write(path("two"), "one\ntwo\n").unwrap();
    let file = support::fixture;
    for (options, words) in [
        (&["--cert", &file("ec.cert.pem")][..], &["ec.cert.pem", "--key"][..]),
        (&["--cert", &file("modern.p12")], &["modern.p12", "--key-password-file"]),
        (&["--cert", &file("modern.p12"), "--key-password-file", &path("wrong")], &["wrong password"]),
        (&["--cert", &file("modern.p12"), "--key-password-file", &path("two")], &["two", "one line"]),
        (&["--cert", &file("modern.p12"), "--key-password-file", &path("missing")], &["missing"]),
        (&["--cert", &file("no-key.p12"), "--key-password-file", &path("right")], &["no-key.p12", "key"]),
        (&["--cert", &file("ec.cert.pem"), "--key", &file("ec.aes-256.pem")], &["--key-password-file"]),
        (
            &[
                "--cert",
                &file("ec.cert.pem"),
                "--key",
                &file("ec.aes-256.pem"),
                "--key-password-file",
                &path("wrong"),
            ],
            &["ec.aes-256.pem", "wrong password"],
        ),
    ] {
        refused(&[&["serve", "."], options].concat(), 2, words);
        refused(&[&["connect", "localhost:1"], options].concat(), 2, words);
        refused(&[&["bench"], options].concat(), 2, words);
    }
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]
fn files_that_hold_no_chain() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    support::pki::Authority::new("root").write_root(&path("root"));
    fs::write(path("empty"), "").unwrap();
    fs::write(path("text"), "no PEM at all").unwrap();
    fs::write(path("torn"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERT").unwrap();
    fs::write(path("cut"), [0x30, 0x03, 0x02, 0x01]).unwrap();
    fs::write(path("twice"), [0x30, 0x00, 0x30, 0x00]).unwrap();
    fs::File::create(path("endless")).unwrap().set_len((16 << 20) + 1).unwrap();
    fs::write(path("garbled"), "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n").unwrap();
    for (file, word) in [
        ("missing", "cannot read"),
        ("empty", "is empty"),
        ("text", "BEGIN CERTIFICATE"),
        ("torn", "torn"),
        ("garbled", "malformed PEM"),
        ("cut", "neither a certificate in DER nor"),
        ("twice", "neither a certificate in DER nor"),
        ("endless", "larger than 16 MiB"),
    ] {
        refused(&["verify", &path(file), "--client", "--roots", &path("root")], 2, &[file, word]);
    }
    refused(&["verify", &path("root"), "--client", "--roots", &path("missing")], 2, &["missing"]);
    refused(&["verify", &path("root"), "--name", "a b", "--roots", &path("root")], 2, &["a b"]);
    let root = path("root");
    for command in [&["verify", &root, "--client"][..], &["connect", "localhost:1"]] {
        let with_roots = [command, &["--roots", &root, "--crl"]].concat();
        refused(&[&with_roots[..], &[&path("missing")]].concat(), 2, &["missing", "cannot read"]);
        refused(&[&with_roots[..], &[&path("root")]].concat(), 2, &["root", "BEGIN X509 CRL"]);
        refused(&[&with_roots[..], &[&path("endless")]].concat(), 2, &["endless", "larger than 16 MiB"]);
    }
    let unknown = ["verify", &path("root"), "--client", "--roots", &path("root"), "--backend", "gnutls"];
    refused(&unknown, 2, &["gnutls"]);
}

#[test]
#[cfg(all(
    target_os = "linux",
    any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin")
))]
fn devices_that_never_end() {
    let never = "/dev/zero";
    let words = &[never, "larger than 16 MiB"];
    refused(&["verify", never, "--client", "--roots", "none"], 2, words);
    refused(&["connect", "localhost:1", "--roots", "none", "--crl", never], 2, words);
    let cert = support::fixture("modern.p12");
    refused(&["serve", ".", "--cert", &cert, "--key-password-file", never], 2, words);
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]
fn a_key_that_is_another_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = mismatched(folder.path());
    for backend in support::BACKENDS {
        let words = &["private key does not belong"];
        refused(&["serve", ".", "--cert", &cert, "--key", &key, "--backend", backend], 2, words);
        refused(&["connect", "localhost:1", "--cert", &cert, "--key", &key, "--backend", backend], 2, words);
        refused(&["bench", "--cert", &cert, "--key", &key, "--backend", backend], 2, words);
    }
}

#[test]
#[cfg(any(feature = "rustls", feature = "openssl", feature = "native", feature = "builtin"))]
fn nobody_listens_there() {
    // Bound and closed again: nobody listens on it now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    refused(&["connect", &format!("127.0.0.1:{port}")], 1, &["cannot reach", &port.to_string()]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(&["serve", ".", "--listen", &address], 2, &["cannot listen", &address]);
}

#[test]
#[cfg(feature = "native")]
fn an_option_that_the_backend_cannot_honour() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let log_text = log.display().to_string();
    refused(
        &["connect", "localhost:1", "--backend", "native", "--key-log", &log_text],
        2,
        &["native", "key log"],
    );
    assert!(!log.exists(), "the key log of a connection that was not tried");
    let arguments = ["connect", "localhost:1", "--backend", "native", "--danger-accept-any-certificate"];
    refused(&arguments, 2, &["native", "verifier"]);
}
