//! `polytls-benches`: measures polytls beside its peers and writes the report.

mod compare;
mod report;

use std::{io, process::ExitCode};

use clap::{Parser, Subcommand};
use polytls_benches::{scenarios::limits, stacks, worker};

/// polytls measured beside its peers.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure every stack in turns; write report.md, report.json and plots.
    Compare(compare::Options),
    /// Run rounds that standard input asks for, a line of JSON each.
    Worker,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Compare(options) => compare::run(&options),
        Command::Worker => serve(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("polytls-benches: {message}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), String> {
    let entries: Vec<_> = stacks::entries().into_iter().chain(limits::entries()).collect();
    worker::serve(&entries, io::stdin().lock(), io::stdout().lock()).map_err(|error| error.to_string())
}
