//! `polytls man`: the manual, made of what `--help` says.

use std::{fs, io, path::PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::{Arguments, failure::Failure, output};

/// What to write, and where to.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The page of this command alone, to standard output [default: polytls(1)]
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Option<String>,
    /// Write every page to this folder, which is made if it is not there, and print the files' names
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let pages = pages();
    let Some(folder) = &options.out else {
        let wanted =
            options.command.as_ref().map_or("polytls".into(), |command| format!("polytls-{command}"));
        let page = pages.into_iter().find(|page| page.name == wanted);
        let page = page.ok_or_else(|| {
            let command = options.command.as_deref().unwrap_or_default();
            Failure::usage(format!("`{command}` is no command; see `polytls --help`"))
        })?;
        return output::print(&page.text()?);
    };
    let unwritable = |path: &PathBuf, error: io::Error| {
        Failure::usage(format!("cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    let mut written = String::new();
    for page in pages {
        let path = folder.join(format!("{}.1", page.name));
        fs::write(&path, page.text()?).map_err(|error| unwritable(&path, error))?;
        written += &format!("{}\n", path.display());
    }
    output::print(&written)
}

/// One page of the manual.
struct Page {
    name: String,
    command: Command,
}

impl Page {
    fn text(self) -> Result<String, Failure> {
        let source = format!("polytls {}", env!("CARGO_PKG_VERSION"));
        let man = Man::new(self.command).title(self.name).source(source).manual("polytls");
        let mut text = Vec::new();
        man.render(&mut text).map_err(Failure::from)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// The command's own page, then one for each of its commands.
fn pages() -> Vec<Page> {
    let mut whole = Arguments::command().disable_help_subcommand(true);
    whole.build();
    let parts = whole.get_subcommands().cloned();
    let parts = parts.map(|command| Page { name: format!("polytls-{}", command.get_name()), command });
    let parts: Vec<_> = parts.collect();
    std::iter::once(Page { name: "polytls".into(), command: whole }).chain(parts).collect()
}
