//! The report: one Markdown page, one JSON file, plots. Every figure in it comes from the outcomes.

mod json;
mod markdown;
mod numbers;
mod plots;
pub(crate) mod readme;
mod targets;
mod verdict;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use crate::compare::{
    machine::Machine,
    outcome::{BORING, Outcome},
};

/// Why the worker for tokio-boring is not there.
const NOT_BUILT: &str = "its worker is not built: `benches/boring/build`";

/// All that a report says.
#[derive(Debug)]
pub(crate) struct Report {
    machine: Machine,
    /// The stacks that took part, each with the versions of its libraries.
    versions: BTreeMap<String, String>,
    outcomes: Vec<Outcome>,
    quick: bool,
}

impl Report {
    pub(crate) fn new(
        machine: Machine,
        versions: BTreeMap<String, String>,
        outcomes: Vec<Outcome>,
        quick: bool,
    ) -> Self {
        Self { machine, versions, outcomes, quick }
    }

    /// Writes `report.md`, `report.json` and the plots into this directory.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), String> {
        let plots = plots::draw(&self.outcomes)?;
        let mut files = vec![
            ("report.md".to_owned(), markdown::page(self, &plots)),
            ("report.json".to_owned(), json::document(self)?),
        ];
        files.extend(plots.into_iter().map(|plot| (plot.file(), plot.svg)));
        for (name, content) in files {
            let path = directory.join(name);
            fs::write(&path, content).map_err(|error| failed(&path, &error))?;
        }
        Ok(())
    }

    /// Every table in Markdown.
    pub(crate) fn tables(&self) -> String {
        self.outcomes.iter().map(|outcome| markdown::table(self, outcome)).collect()
    }

    /// What must not be: a process that ended, a scenario that nobody ran.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.outcomes.iter().flat_map(Outcome::faults).collect()
    }

    /// Why a stack has no figures in a scenario.
    fn why_absent<'a>(&self, outcome: &'a Outcome, stack: &str) -> &'a str {
        match outcome.reason(stack) {
            Some(reason) => reason,
            None if stack == BORING => NOT_BUILT,
            None => "it is not part of this program",
        }
    }

    fn outcome(&self, name: &str) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| outcome.measurement.name == name)
    }
}

/// Makes the directory, and finds out that files can be written there before anything is measured.
pub(crate) fn writable(directory: &Path) -> Result<(), String> {
    let path: PathBuf = directory.join("report.md");
    fs::create_dir_all(directory).map_err(|error| failed(directory, &error))?;
    let opened = fs::OpenOptions::new().append(true).create(true).open(&path);
    opened.map(drop).map_err(|error| failed(&path, &error))
}

fn failed(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_cannot_be_written_is_named_before_anything_runs() {
        let error = writable(Path::new("/proc/nowhere")).unwrap_err();
        assert!(error.starts_with("/proc/nowhere"), "{error}");
    }
}
