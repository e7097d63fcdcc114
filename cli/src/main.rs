//! The `polytls` command: a tour of the engines, what each can do, a client, a server.
//!
//! Every failure is one line on standard error. Exit code 1 says that a connection failed, 2 that an argument or
//! a configuration cannot be used.

mod backends;
mod chain;
mod connect;
mod failure;
mod serve;
mod settings;
mod tour;

use std::process::ExitCode;

use clap::{Parser, Subcommand, error::ErrorKind};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// TLS over interchangeable engines.
#[derive(Parser)]
#[command(name = "polytls", version, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 success, 1 a connection failed, 2 wrong usage or configuration.")]
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
    Tour(tour::Options),
    /// What each engine can do
    Backends(backends::Options),
    /// Connects standard input and output to a TLS server
    Connect(connect::Options),
    /// Serves a folder over HTTPS (h2 and http/1.1)
    Serve(serve::Options),
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

/// Help goes out whole; of a mistake, the one line that says what it is.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        print!("{error}");
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" ");
    let line = if line.starts_with("error:") { line } else { "error: a command is missing".into() };
    eprintln!("{line}; see `polytls --help`");
    ExitCode::from(failure::USAGE)
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let backend = arguments.backend.as_deref();
    if let Command::Backends(options) = &arguments.command {
        return backends::run(backend, options);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments.command {
            Command::Tour(options) => tour::run(backend, &options).await,
            Command::Connect(options) => connect::run(backend, options).await,
            Command::Serve(options) => serve::run(backend, options).await,
            Command::Backends(_) => Ok(()),
        }
    })?;
    // A read of standard input that nobody waits for any more must not hold the process.
    runtime.shutdown_background();
    Ok(())
}
