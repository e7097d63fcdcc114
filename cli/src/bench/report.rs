//! The figures, for people and for programs.

use std::{sync::Arc, thread::available_parallelism};

use polytls::Backend;
use serde::Serialize;

use super::{
    Found, Options, Over,
    engine::Negotiated,
    figure::{Figure, Measured},
    identity::Parties,
    scenario::{Scenario, Work},
    size,
};
use crate::{
    certificate::Certificate,
    output::{self, BAD, FAINT, STRONG, printable, styled},
};

/// All that is told.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    machine: Machine,
    over: &'static str,
    mutual: bool,
    rounds: u16,
    duration: f64,
    echo_size: usize,
    name: String,
    certificate: Certificate,
    negotiated: Option<Negotiated>,
    backends: Vec<Engine>,
    left_out: Vec<LeftOut>,
    figures: Vec<Figure>,
    #[serde(skip)]
    options: &'a Options,
}

/// Where it was measured.
#[derive(Serialize)]
struct Machine {
    cores: Option<usize>,
    os: &'static str,
    arch: &'static str,
    optimised: bool,
}

/// What was measured.
#[derive(Serialize)]
struct Engine {
    name: &'static str,
    library: String,
    crypto: String,
}

/// What was not, and why.
#[derive(Serialize)]
pub(super) struct LeftOut {
    pub(super) backend: &'static str,
    pub(super) scenarios: Vec<&'static str>,
    pub(super) reason: String,
}

/// What is measured, for people.
pub(super) fn title(work: Work) -> String {
    match work.scenario {
        Scenario::Handshakes => "full handshakes".into(),
        Scenario::Resumed => "resumed handshakes".into(),
        Scenario::Bulk => format!("bulk, writes of {}", size::text(work.size)),
        Scenario::Echo => format!("echo of {}", size::text(work.size)),
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(
        options: &'a Options,
        parties: &Parties,
        backends: &[Arc<dyn Backend>],
        found: Found,
    ) -> Self {
        let measured = |name: &str| {
            found.figures.iter().any(|figure| figure.results.iter().any(|result| result.backend == name))
        };
        let infos = backends.iter().map(|backend| backend.info());
        let engines = infos.filter(|info| measured(info.name));
        Self {
            machine: Machine {
                cores: available_parallelism().ok().map(usize::from),
                os: std::env::consts::OS,
                arch: std::env::consts::ARCH,
                optimised: !cfg!(debug_assertions),
            },
            over: options.over.name(),
            mutual: options.mutual,
            rounds: options.rounds,
            duration: options.duration.as_secs_f64(),
            echo_size: options.echo_size,
            name: parties.name.to_string(),
            certificate: parties.certificate(),
            negotiated: found.negotiated.map(|(negotiated, _)| negotiated),
            backends: engines
                .map(|info| Engine { name: info.name, library: info.library, crypto: info.crypto })
                .collect(),
            left_out: found.left_out,
            figures: found.figures,
            options,
        }
    }

    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        format!("{}\n", output::json(self))
    }

    /// What was measured and with what, then a table for each scenario.
    pub(super) fn table(&self) -> String {
        let mut text = self.head();
        let widths = self.widths();
        let mut last = None;
        for figure in &self.figures {
            if last.replace(figure.work.scenario) != Some(figure.work.scenario) {
                text += &format!("\n{}", row(&heading(figure.work.scenario), &widths, true));
            }
            for result in &figure.results {
                text += &row(&cells(figure, result), &widths, false);
            }
        }
        text
    }

    fn head(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            text += &format!("{} {value}\n", styled(FAINT, format!("{name:<11}")));
        };
        for engine in &self.backends {
            line(engine.name, &format!("{}, cryptography by {}", engine.library, engine.crypto));
        }
        if let Some(negotiated) = &self.negotiated {
            line("negotiated", &negotiated.to_string());
        }
        let key = self.certificate.key().unwrap_or_default();
        let mutual = if self.mutual { "; the client presents one too" } else { "" };
        line("certificate", &format!("{key}, for {}{mutual}", printable(&self.name)));
        line("machine", &self.machine.describe());
        line("measured", &self.method());
        for left in &self.left_out {
            let scenarios = left.scenarios.join(", ");
            line("left out", &format!("{} of {scenarios}: {}", left.backend, printable(&left.reason)));
        }
        if !self.machine.optimised {
            line(
                "note",
                &styled(BAD, "this command was built without optimisations: the figures say little"),
            );
        }
        text
    }

    fn method(&self) -> String {
        let place = match self.options.over {
            Over::Memory => "over memory, both ends on one thread",
            Over::Tcp => "over loopback TCP, each end on a thread of its own",
        };
        format!(
            "{place}; medians of {} rounds in turns, {} s in all for each figure",
            self.rounds, self.duration
        )
    }

    /// How wide each column must be for all tables.
    fn widths(&self) -> [usize; COLUMNS] {
        let headings = self.figures.iter().map(|figure| heading(figure.work.scenario));
        let results =
            self.figures.iter().flat_map(|figure| figure.results.iter().map(|result| cells(figure, result)));
        headings.chain(results).fold([0; COLUMNS], |widths, cells| {
            std::array::from_fn(|column| widths[column].max(cells[column].chars().count()))
        })
    }
}

impl Machine {
    fn describe(&self) -> String {
        let cores = match self.cores {
            Some(1) => "1 core".into(),
            Some(cores) => format!("{cores} cores"),
            None => "an unknown number of cores".into(),
        };
        format!("{cores}, {} on {}", self.os, self.arch)
    }
}

impl Over {
    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Tcp => "tcp",
        }
    }
}

const COLUMNS: usize = 8;

fn heading(scenario: Scenario) -> [String; COLUMNS] {
    let (title, rate, cpu) = match scenario {
        Scenario::Handshakes => ("full handshakes", "each s", "CPU us each"),
        Scenario::Resumed => ("resumed handshakes", "each s", "CPU us each"),
        Scenario::Bulk => ("bulk, by size of a write", "MiB/s", "CPU s/GiB"),
        Scenario::Echo => ("echo, by size", "each s", "CPU us each"),
    };
    let [p50, p99] = if scenario == Scenario::Echo { ["p50 us", "p99 us"] } else { ["", ""] };
    [title, "", rate, "quartiles", "ratio", cpu, p50, p99].map(str::to_owned)
}

fn cells(figure: &Figure, result: &Measured) -> [String; COLUMNS] {
    let Work { scenario, size } = figure.work;
    let size = if size > 0 { size::text(size) } else { String::new() };
    let [lower, upper] = result.quartiles.map(number);
    let unit = if scenario == Scenario::Bulk { 1.0 } else { 1e6 };
    let told = |value: Option<f64>| value.map_or("-".into(), number);
    let latency = |value: Option<f64>| if scenario == Scenario::Echo { told(value) } else { String::new() };
    [
        format!("  {}", result.backend),
        size,
        number(result.rate),
        format!("{lower} to {upper}"),
        format!("{:.2}", result.ratio),
        told(result.cpu.map(|cpu| cpu * unit)),
        latency(result.p50_us),
        latency(result.p99_us),
    ]
}

/// Three digits that count, or all before the point.
fn number(value: f64) -> String {
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$}")
}

/// The first two columns to the left, numbers to the right.
fn row(cells: &[String; COLUMNS], widths: &[usize; COLUMNS], is_heading: bool) -> String {
    let place = |(column, cell): (usize, &String)| {
        let width = widths[column];
        if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
    };
    let line = cells.iter().enumerate().map(place).collect::<Vec<_>>().join("  ");
    let line = line.trim_end();
    if is_heading { format!("{}\n", styled(STRONG, line)) } else { format!("{line}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        let told = [0.123, 9.876, 12.34, 99.96, 123.4, 12345.6].map(number);
        assert_eq!(told, ["0.12", "9.88", "12.3", "100.0", "123", "12346"]);
    }
}
