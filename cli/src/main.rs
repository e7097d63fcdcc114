//! The `polytls` command: a tour of the engines, what each can do, a client, a server.
//!
//! Every failure is one line on standard error. Exit code 1 says that a connection failed, 2 that an argument or
//! a configuration cannot be used.

mod backends;
mod chain;
mod connect;
mod failure;
mod output;
mod serve;
mod settings;
mod tour;

use std::process::ExitCode;

use clap::{Parser, Subcommand, error::ErrorKind};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

const EXIT_CODES: &str = "Exit codes: 0 success, 1 a connection failed, 2 wrong usage or configuration.";

/// TLS over interchangeable engines.
#[derive(Parser)]
#[command(name = "polytls", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Arguments {
    /// The engine: rustls, openssl or native, as far as compiled in [default: the first of them]
    #[arg(long, global = true, value_name = "NAME")]
    backend: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A handshake in six steps, then data, for each pair of engines
    #[command(after_help = EXIT_CODES)]
    Tour(tour::Options),
    /// What each engine can do
    #[command(after_help = EXIT_CODES)]
    Backends(backends::Options),
    /// Connects standard input and output to a TLS server
    #[command(after_help = EXIT_CODES)]
    Connect(connect::Options),
    /// Serves a folder over HTTPS (h2 and http/1.1)
    #[command(after_help = EXIT_CODES)]
    Serve(serve::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::try_parse() {
        Ok(arguments) => run(arguments),
        Err(error) => usage(&error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::note(&format!("error: {}", failure.message));
            ExitCode::from(failure.code)
        }
    }
}

/// Help goes out whole; of a mistake, the one line that says what it is.
fn usage(error: &clap::Error) -> Result<(), Failure> {
    let text = error.to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return output::print(&text);
    }
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" ");
    let line = line.strip_prefix("error: ").unwrap_or("a command is missing");
    Err(Failure::usage(format!("{line}; see `polytls --help`")))
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let backend = arguments.backend.as_deref();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        match arguments.command {
            Command::Tour(options) => tour::run(backend, &options).await,
            Command::Backends(options) => backends::run(backend, &options),
            Command::Connect(options) => connect::run(backend, options).await,
            Command::Serve(options) => serve::run(backend, options).await,
        }
    });
    // A read of standard input that nobody waits for any more must not hold the process.
    runtime.shutdown_background();
    outcome
}
