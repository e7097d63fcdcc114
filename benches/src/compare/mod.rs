//! The whole comparison: what is measured, by whom, in turns, and what comes of it.

pub(crate) mod machine;
pub(crate) mod outcome;
pub(crate) mod plan;
mod workers;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use polytls_benches::{
    Scenario, descriptors,
    rounds::order,
    worker::{Answer, Request},
};

use self::{
    machine::Machine,
    outcome::{Outcome, Series},
    plan::{FAMILIES, Measurement, plan},
    workers::Stack,
};
use crate::report::{self, Report};

/// What `compare` is told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A few short rounds of what the targets ask for, within a minute: for a look, not for figures
    #[arg(long)]
    quick: bool,
    /// Only this family of scenarios or this one; --list names them. May be given again
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    #[arg(long, value_name = "N", help = rounds_help(), value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Where the report goes [default: docs/benchmarks, of a part of it target/benchmarks]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A file whose part between the markers of speed becomes this run's summary, such as README.md
    #[arg(long, value_name = "FILE", conflicts_with_all = ["quick", "scenario"])]
    readme: Option<PathBuf>,
    /// Another worker's program, for stacks that cannot be linked in. May be given again [default: benches/boring's]
    #[arg(long, value_name = "PROGRAM")]
    worker: Vec<PathBuf>,
    /// Name the families and the scenarios, and measure nothing
    #[arg(long)]
    list: bool,
}

impl Options {
    /// What is published is the whole of it.
    fn directory(&self) -> PathBuf {
        let whole = !self.quick && self.scenario.is_empty();
        self.out.clone().unwrap_or_else(|| if whole { "docs/benchmarks" } else { "target/benchmarks" }.into())
    }
}

/// Rounds of a scenario, and how many seconds each lasts at least.
#[derive(Clone, Copy, Debug)]
struct Effort {
    rounds: u32,
    seconds: f64,
}

const OF_QUICK: Effort = Effort { rounds: 3, seconds: 0.02 };
const OF_HEADLINES: Effort = Effort { rounds: 31, seconds: 0.06 };
const OF_OTHERS: Effort = Effort { rounds: 9, seconds: 0.06 };
/// After so many rounds all prepare anew, at other addresses, so that no ratio is that of lucky ones.
const ANEW_EVERY: usize = 3;
/// What has more connections than this is not prepared anew: they are at many addresses.
const FEW_CONNECTIONS: usize = 100;

fn rounds_help() -> String {
    let [others, headlines, quick] = [OF_OTHERS, OF_HEADLINES, OF_QUICK].map(|effort| effort.rounds);
    format!("Rounds of each scenario [default: {others}, of a headline {headlines}; with --quick {quick}]")
}

/// Measures, and writes what came of it.
///
/// # Errors
/// What could not be begun or written; and, once all is written, each process that ended and each scenario that nobody ran.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let measurements = chosen(plan(options.quick), &options.scenario)?;
    if options.list {
        list(&measurements);
        return Ok(());
    }
    let directory = options.directory();
    report::writable(&directory)?;
    let readme =
        options.readme.as_deref().map(|path| report::readme::Readme::open(path, &directory)).transpose()?;
    descriptors::raise();
    let others: Vec<_> = match &options.worker[..] {
        [] => workers::boring().into_iter().collect(),
        given => given.to_vec(),
    };
    let mut stacks = workers::stacks(&others)?;
    let outcomes = measure(&measurements, &mut stacks, options);
    let versions = stacks.into_iter().map(|stack| (stack.name, stack.version)).collect();
    let report = Report::new(Machine::this(), versions, outcomes, options.quick);
    report.write(&directory)?;
    if let Some(readme) = readme {
        readme.write(&report)?;
    }
    if !options.scenario.is_empty() {
        print!("{}", report.tables());
    }
    eprintln!("{}", directory.join("report.md").display());
    no_faults(report.faults())
}

fn no_faults(faults: Vec<String>) -> Result<(), String> {
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!("the report is written, but\n    {}", faults.join("\n    "))),
    }
}

fn list(measurements: &[Measurement]) {
    for (family, title) in FAMILIES {
        println!("{family}: {title}");
        for measurement in measurements.iter().filter(|measurement| measurement.family == family) {
            println!("    {}", measurement.name);
        }
    }
}

/// Those that were asked for, all where none was.
fn chosen(all: Vec<Measurement>, names: &[String]) -> Result<Vec<Measurement>, String> {
    let is = |measurement: &Measurement, name: &str| measurement.name == name || measurement.family == name;
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|one| is(one, name))) {
        let families: Vec<_> = FAMILIES.iter().map(|(family, _)| *family).collect();
        return Err(format!(
            "no scenario `{unknown}`; families are {}, and --list names all scenarios",
            families.join(", ")
        ));
    }
    let asked =
        |measurement: &Measurement| names.is_empty() || names.iter().any(|name| is(measurement, name));
    Ok(all.into_iter().filter(asked).collect())
}

fn effort(measurement: &Measurement, options: &Options) -> Effort {
    let usual = match (options.quick, measurement.headline) {
        (true, _) => OF_QUICK,
        (false, true) => OF_HEADLINES,
        (false, false) => OF_OTHERS,
    };
    let rounds = options.rounds.unwrap_or(usual.rounds);
    match measurement.scenario {
        // One look is as good as many: nothing is timed.
        Scenario::Memory { .. } => Effort { rounds: 1, seconds: 0.0 },
        Scenario::RecordCipher { .. } => Effort { rounds, seconds: usual.seconds / 3.0 },
        _ => Effort { rounds, ..usual },
    }
}

/// Whether all prepare anew before this round. Round 0 prepares.
fn anew(scenario: &Scenario, round: usize) -> bool {
    let few = !matches!(scenario, Scenario::Echo { connections, .. } if *connections > FEW_CONNECTIONS);
    few && round > 1 && (round - 1).is_multiple_of(ANEW_EVERY)
}

fn measure(measurements: &[Measurement], stacks: &mut [Stack], options: &Options) -> Vec<Outcome> {
    let rounds: u64 =
        measurements.iter().map(|measurement| u64::from(effort(measurement, options).rounds) + 1).sum();
    let progress = ProgressBar::new(rounds * stacks.len() as u64);
    let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {elapsed} of {duration}\n{msg}");
    progress.set_style(style.expect("a good template"));
    progress.enable_steady_tick(Duration::from_millis(500));
    let outcomes = measurements
        .iter()
        .map(|measurement| in_turns(measurement, stacks, effort(measurement, options), &progress))
        .collect();
    progress.finish_and_clear();
    outcomes
}

/// Rounds of all stacks in turns, after one each that prepares it and is not counted.
fn in_turns(
    measurement: &Measurement,
    stacks: &mut [Stack],
    Effort { rounds, seconds }: Effort,
    progress: &ProgressBar,
) -> Outcome {
    let mut series: Vec<Series> = stacks.iter().map(|stack| Series::new(&stack.name)).collect();
    let alone = matches!(measurement.scenario, Scenario::Memory { .. });
    if progress.is_hidden() {
        eprintln!("{}", measurement.title);
    }
    for round in 0..=rounds as usize {
        for place in order(stacks.len(), round) {
            let (stack, series) = (&mut stacks[place], &mut series[place]);
            progress.inc(1);
            // What is measured alone needs no preparation, and a process that has done nothing else.
            let gone = series.refused.is_some() || series.ended.is_some();
            if gone || alone && round == 0 {
                continue;
            }
            progress.set_message(format!("{} · {}", measurement.title, stack.name));
            let request = Request {
                scenario: measurement.scenario,
                stack: stack.name.clone(),
                settings: measurement.settings,
                at_least_seconds: seconds,
                anew: anew(&measurement.scenario, round),
            };
            if alone {
                stack.end();
            }
            match stack.run(&request) {
                Ok(Answer::Ran { untold, .. }) if round == 0 => series.untold = untold,
                Ok(Answer::Ran { sample, untold, how }) => {
                    series.untold = untold;
                    series.how.extend(how);
                    series.samples.push(sample);
                }
                Ok(Answer::Refused { refused }) => series.refused = Some(refused),
                Err(said) => series.ended = Some(said),
            }
        }
    }
    // The next scenario has processes of its own: where an allocator puts buffers depends on what it did before, and a
    // scenario that is asked for alone is to show the same.
    stacks.iter_mut().for_each(Stack::end);
    Outcome::new(measurement.clone(), series)
}

#[cfg(test)]
mod tests {
    use polytls_benches::scenarios::Over;

    use super::*;

    #[test]
    fn a_family_and_a_scenario_are_both_names() {
        let chosen = chosen(plan(false), &["memory".into(), "echo-1-tcp".into()]).unwrap();
        let names: Vec<_> = chosen.iter().map(|measurement| measurement.name.as_str()).collect();
        assert_eq!(names, ["echo-1-tcp", "memory", "memory-servers"]);
    }

    #[test]
    fn rounds_are_prepared_anew_but_for_thousands_of_connections() {
        let of = |scenario| (0..9).filter(|round| anew(&scenario, *round)).collect::<Vec<_>>();
        let echo = |connections| Scenario::Echo { over: Over::Tcp, connections };
        assert_eq!(of(echo(1)), [4, 7]);
        assert!(of(echo(5_000)).is_empty());
    }

    #[test]
    fn what_must_not_be_is_an_error_with_all_of_it() {
        assert_eq!(no_faults(vec![]), Ok(()));
        let error = no_faults(vec!["one".into(), "two".into()]).unwrap_err();
        assert!(error.contains("one") && error.contains("two"), "{error}");
    }

    #[test]
    fn an_unknown_scenario_is_named_with_what_there_is() {
        let error = chosen(plan(false), &["echo".into(), "fast".into()]).unwrap_err();
        assert!(error.contains("`fast`") && error.contains("bulk-tcp"), "{error}");
    }
}
