//! The `polytls` command: a tour of the engines, what each can do and how fast, a client, a verifier, a server.
//!
//! Every failure ends in one line on standard error. Exit code 1 says that a connection failed, 2 that an argument or
//! a configuration cannot be used.

mod backends;
mod bench;
mod bounded_file;
mod certificate;
mod chain;
mod completions;
mod connect;
mod der_file;
mod failure;
mod faults;
mod identity;
mod man;
mod output;
mod serve;
mod settings;
mod starttls;
mod tour;
mod trust;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand, error::ErrorKind};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    failure::Failure,
    output::{BAD, Color, printable, styled},
};

const EXIT_CODES: &str =
    "Exit codes: 0 success, 1 a connection failed or a chain was refused, 2 wrong usage or configuration.";

/// TLS over interchangeable engines.
#[derive(Parser)]
#[command(name = "polytls", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Arguments {
    /// The engine: rustls, openssl, native or builtin, as far as compiled in; may be given more than once to `bench`
    /// [default: the first of them, never builtin]
    #[arg(long, global = true, value_name = "NAME")]
    backend: Vec<String>,
    /// When to colour text
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A handshake in six steps, then data, for each pair of engines
    #[command(after_help = EXIT_CODES)]
    Tour(tour::Options),
    /// What each engine can do
    #[command(after_help = EXIT_CODES, after_long_help = with_exit_codes(&[backends::JSON]))]
    Backends(backends::Options),
    /// Connects standard input and output to a TLS server
    ///
    /// What the server sends goes to standard output, after its chain in PEM with --show-certs, and nothing else does;
    /// what the connection came to goes to standard error: what was negotiated, the server's chain, and if it is
    /// refused why, and what to do. The end of standard input closes this side's direction alone; the command ends
    /// when the server has closed its own.
    #[command(after_help = EXIT_CODES, after_long_help = with_exit_codes(&[connect::JSON, certificate::JSON]))]
    Connect(connect::Options),
    /// What each verifier says of a certificate chain in files
    ///
    /// The verifier of each engine that is compiled in is asked on its own, with the same roots, name and time. Their
    /// answers stand side by side, and where they differ it says who says what.
    #[command(after_help = EXIT_CODES, after_long_help = with_exit_codes(&[verify::JSON, certificate::JSON]))]
    Verify(verify::Options),
    /// Serves a folder over HTTPS (h2 and http/1.1)
    #[command(after_help = EXIT_CODES)]
    Serve(serve::Options),
    /// How fast each engine is here, with a certificate and sizes of one's own
    ///
    /// Client and server run in this process, of the same engine. Engines take turns round by round, each measured for
    /// as long as the others, so that whatever else the machine does falls on all alike; ratios are to the first of
    /// them. All must negotiate the same; one that does not, or cannot be told what the options say, is left out, and it
    /// says why. The server's certificate is verified as by any client.
    #[command(after_help = EXIT_CODES, after_long_help = with_exit_codes(&[bench::JSON, certificate::JSON]))]
    Bench(bench::Options),
    /// Prints what a shell needs to complete this command
    #[command(after_help = EXIT_CODES)]
    Completions(completions::Options),
    /// Prints or writes the manual
    #[command(after_help = EXIT_CODES)]
    Man(man::Options),
}

impl Command {
    /// Warnings are for people: an identity that has expired, a password that was not needed.
    fn log_level(&self) -> LevelFilter {
        match self {
            Self::Connect(options) if options.notes_are_json() => LevelFilter::OFF,
            _ => LevelFilter::WARN,
        }
    }
}

/// The one engine of a command that runs on one, or on one and another that its own options name.
fn one(backends: &[String]) -> Result<Option<&str>, Failure> {
    match backends {
        [] => Ok(None),
        [name] => Ok(Some(name)),
        _ => Err(Failure::usage("--backend is given more than once; `bench` alone measures several")),
    }
}

fn with_exit_codes(more: &[&str]) -> String {
    format!("{}\n\n{EXIT_CODES}", more.join("\n"))
}

fn main() -> ExitCode {
    let outcome = match Arguments::try_parse() {
        Ok(arguments) => run(arguments),
        Err(error) => usage(&error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.told {
                output::note(&format!("{} {}", styled(BAD, "error:"), printable(&failure.message)));
            }
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

/// Writes the library's events to standard error: those that RUST_LOG chooses, else those of this level. A tour
/// listens to those of the engines' steps, whatever is written.
fn log(level: LevelFilter, tour: Option<tour::Events>) {
    let written = EnvFilter::builder().with_default_directive(level.into()).from_env_lossy();
    let writer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(output::notes_are_coloured())
        .with_filter(written);
    let steps = Targets::new().with_target(tour::TARGET, LevelFilter::INFO);
    tracing_subscriber::registry().with(writer).with(tour.map(|events| events.with_filter(steps))).init();
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    arguments.color.choose();
    let events = tour::Events::default();
    let is_tour = matches!(arguments.command, Command::Tour(_));
    log(arguments.command.log_level(), is_tour.then(|| events.clone()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let backend = match &arguments.command {
            Command::Bench(_) => None,
            _ => one(&arguments.backend)?,
        };
        match arguments.command {
            Command::Tour(options) => tour::run(backend, &options, &events).await,
            Command::Backends(options) => backends::run(backend, &options),
            Command::Connect(options) => connect::run(backend, options).await,
            Command::Verify(options) => verify::run(backend, options).await,
            Command::Serve(options) => serve::run(backend, options).await,
            Command::Bench(options) => bench::run(&arguments.backend, &options),
            Command::Completions(options) => completions::run(&options),
            Command::Man(options) => man::run(&options),
        }
    });
    // A read of standard input that nobody waits for any more must not hold the process.
    runtime.shutdown_background();
    outcome
}
