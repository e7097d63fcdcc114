//! The real binary: run to its end, or as a server until dropped.

#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Output, Stdio},
};

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
