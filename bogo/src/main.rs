//! A shim for BoringSSL's protocol test runner (BoGo): the runner's flags, over polytls's public API.
//!
//! The runner starts the shim once a test, with flags that say what to be; the shim connects to the runner, once or
//! several times in a row, plays its part, and ends with a code: 0 for what was asked for, 89 for flags that ask for
//! what it cannot do, 1 for anything else, with the reason on standard error. `README.md` says how to run it.

mod backend;
mod config;
mod connection;
mod credential;
mod exchange;
mod expect;
mod flags;
mod hellos;
mod hooks;
mod link;
mod options;
mod policy;
mod report;
mod selection;
mod signer;

use std::{
    os::unix::ffi::OsStringExt,
    process::{self, ExitCode},
};

use crate::{
    flags::{FlagError, Plan},
    report::Failure,
};

/// The code for a test that asks for what the shim cannot do.
const UNIMPLEMENTED: u8 = 89;

fn main() -> ExitCode {
    let outcome = run();
    if let Err(failure) = &outcome {
        eprintln!("{failure}");
    }
    // The runner takes what comes after this line for the words of a sanitizer.
    eprintln!("--- DONE ---");
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Unimplemented(_)) => UNIMPLEMENTED.into(),
        Err(_) => ExitCode::FAILURE,
    }
}

fn run() -> Result<(), Failure> {
    let plan =
        Plan::parse(std::env::args_os().skip(1).map(OsStringExt::into_vec)).map_err(|error| match error {
            FlagError::Unimplemented(flag) => Failure::Unimplemented(flag),
            FlagError::Value(flag) => Failure::Shim(format!("a value is missing or wrong: {flag}")),
        })?;
    if plan.initial.runner.asks_for_handshaker {
        println!("No");
        process::exit(0);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Shim(error.to_string()))?;
    runtime.block_on(connection::run(&plan))
}
