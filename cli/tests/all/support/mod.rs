//! The real binary: run to its end, or as a server until dropped.

#![allow(dead_code, reason = "without engines there is less to test")]

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Output, Stdio},
};

pub(crate) mod ocsp;
pub(crate) mod pki;

/// Every engine that is compiled in.
pub(crate) const BACKENDS: &[&str] = &[
    #[cfg(feature = "rustls")]
    "rustls",
    #[cfg(feature = "openssl")]
    "openssl",
    #[cfg(feature = "native")]
    "native",
    #[cfg(feature = "builtin")]
    "builtin",
];

/// Every verifier that `polytls verify` asks.
pub(crate) const VERIFIERS: &[&str] = &[
    #[cfg(feature = "rustls")]
    "rustls",
    #[cfg(feature = "openssl")]
    "openssl",
    #[cfg(feature = "native")]
    "native",
    #[cfg(feature = "builtin")]
    "builtin",
    #[cfg(feature = "builtin")]
    "builtin-strict",
];

/// What the command wrote.
pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Runs the command to its end with this on its standard input.
pub(crate) fn polytls(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = command(arguments).spawn().expect("the binary runs");
    // A command that ends at once may not read its input.
    let _ = child.stdin.take().expect("it was piped").write_all(input);
    child.wait_with_output().expect("it ends")
}

/// The command with its three standard streams piped, to be run.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polytls"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `polytls serve`, until it is dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts it on a free port, and waits until it listens.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let free: &[&str] =
            if arguments.contains(&"--listen") { &["serve"] } else { &["serve", "--listen", "127.0.0.1:0"] };
        let all = [free, arguments].concat();
        let mut child = command(&all).stdin(Stdio::null()).spawn().expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it was piped")).read_line(&mut line).expect("a line");
        let address = line.strip_prefix("listening on https://").and_then(|rest| rest.split(' ').next());
        let address = address.unwrap_or_else(|| panic!("it does not listen: {line:?}")).to_owned();
        Self { child, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `polytls verify --json` of these files with these options: the exit code, the JSON on standard output, and standard
/// error.
pub(crate) fn verified(files: &[&str], more: &[&str]) -> (Option<i32>, serde_json::Value, String) {
    let arguments = [&["verify", "--json"], files, more].concat();
    let output = polytls(&arguments, b"");
    let (json, error) = (text(output.stdout), text(output.stderr));
    assert_eq!(json.lines().count(), 1, "{json}{error}");
    (output.status.code(), serde_json::from_str(&json).expect("it is JSON"), error)
}

/// Runs the command, which must refuse in one line that holds these words.
pub(crate) fn refused(arguments: &[&str], code: i32, words: &[&str]) {
    let output = polytls(arguments, b"");
    let error = text(output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    assert_eq!(error.lines().count(), 1, "{arguments:?}: more than one line: {error}");
    assert!(error.starts_with("error: "), "{arguments:?}: {error}");
    for word in words {
        assert!(error.contains(word), "{arguments:?}: `{word}` is not in: {error}");
    }
    assert!(output.stdout.is_empty(), "{arguments:?}: something was done");
}

/// The engines whose `polytls backends --json` says this of their client.
pub(crate) fn backends_where(capability: &str) -> Vec<&'static str> {
    let json: serde_json::Value =
        serde_json::from_slice(&polytls(&["backends", "--json"], b"").stdout).expect("it is JSON");
    let has = |name: &&&str| {
        let all = json["backends"].as_array().expect("a list");
        let backend = all.iter().find(|backend| backend["name"] == **name).expect("each is there");
        backend["client"][capability].as_bool().expect("a capability that is there or not")
    };
    BACKENDS.iter().filter(has).copied().collect()
}

/// A file with an identity in one of its many forms, under the password `pass phrase` where there is one.
pub(crate) fn fixture(name: &str) -> String {
    format!("{}/../tls-api/src/identity/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}
