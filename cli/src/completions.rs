//! `polytls completions`: what a shell must know to complete the command.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{Arguments, failure::Failure, output};

/// For which shell.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "polytls", &mut script);
    output::print(&String::from_utf8_lossy(&script))
}
