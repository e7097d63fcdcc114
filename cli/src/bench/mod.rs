//! `polytls bench`: what each engine comes to on this machine, with a certificate and sizes of one's own.

mod cpu;
mod engine;
mod figure;
mod identity;
mod link;
mod report;
mod rounds;
mod scenario;
mod size;

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use polytls::{Backend, CipherSuite, ConfigError, NamedGroup};

use self::{
    engine::{Engine, Negotiated},
    figure::Figure,
    identity::Parties,
    link::{Link, Memory, Tcp},
    report::{LeftOut, Report},
    scenario::{Contestant, Scenario, Work},
};
use crate::{
    failure::Failure,
    output,
    settings::{self, Version, cipher_suites, groups},
};

/// What `--help` says of `--json`, with [`certificate::JSON`](crate::certificate::JSON) below it.
pub(crate) const JSON: &str = "\
With --json, one line of JSON on standard output. Its keys stay:
  machine: cores, os, arch, and optimised: whether this command was built with optimisations
  over, mutual, rounds, duration, echo_size: as they were chosen
  name, certificate: whom the client expects, and what the server presents
  negotiated: version, cipher_suite, named_group, which all engines agree in
  backends: of each engine that was measured name, library, crypto
  left_out: of each that was not, backend, scenarios and reason
  figures: of each thing that was measured scenario, size (of a write or a request in bytes, else null), unit,
    cpu_unit, results
Of each result, null where it does not apply or the system does not tell:
  backend, rate: the median of the rounds; quartiles: the first and the third; rounds: all of them, in their order
  ratio: the rate to that of the first result
  cpu: time of the processors on both ends, the median
  p50_us, p99_us: of requests, the median of the rounds' percentiles";

/// What to measure, and with what.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to measure [default: all]
    #[arg(value_enum, value_name = "SCENARIO")]
    scenarios: Vec<Scenario>,
    /// The server's certificate chain: PEM, or PKCS#12 with the key [default: one with a P-256 key, made for localhost]
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Its private key, in PEM [default: the one in the file of the certificate]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A file with the password of the key or of the PKCS#12 file, and nothing else
    #[arg(long, value_name = "FILE")]
    key_password_file: Option<PathBuf>,
    /// The roots that the client trusts: os, bundled, none, a PEM file, or a directory of such files [default: the last
    /// certificate of the chain]
    #[arg(long, requires = "cert")]
    roots: Option<String>,
    /// The name that the client expects in the certificate [default: the first that is there]
    #[arg(long, requires = "cert")]
    name: Option<String>,
    /// Have the client authenticate too, with a P-256 certificate that is made
    #[arg(long)]
    mutual: bool,
    /// The size of a write of bulk data, in bytes, KiB or MiB; may be given more than once [default: 1KiB, 16KiB, 64KiB]
    #[arg(long = "size", value_delimiter = ',', value_name = "SIZE", value_parser = size::parse)]
    sizes: Vec<usize>,
    /// The size of a request and of its answer
    #[arg(long, value_name = "SIZE", default_value = "100", value_parser = size::parse)]
    echo_size: usize,
    /// Protocol versions on both sides
    #[arg(long, value_delimiter = ',', value_enum)]
    tls: Vec<Version>,
    /// Cipher suites on both sides, most wanted first; one at least for each version
    #[arg(long, value_delimiter = ',', value_name = "SUITES", ignore_case = true, hide_possible_values = true, value_parser = cipher_suites())]
    cipher_suites: Vec<CipherSuite>,
    /// Groups for the key exchange on both sides, most wanted first
    #[arg(long, value_delimiter = ',', value_name = "GROUPS", ignore_case = true, value_parser = groups())]
    groups: Vec<NamedGroup>,
    /// Where both ends meet
    #[arg(long, value_enum, default_value = "memory")]
    over: Over,
    /// How often each engine has its turn
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Seconds for each figure of each engine, all rounds together, 0.01 to 60; warming up comes before
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    duration: Duration,
    /// As one line of JSON
    #[arg(long)]
    json: bool,
}

/// Where both ends meet.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Over {
    /// A pipe in memory; both on one thread
    Memory,
    /// TCP over the loopback interface; each on a thread of its own
    Tcp,
}

/// The sizes of bulk data's writes where the user names none.
const SIZES: [usize; 3] = [1 << 10, 16 << 10, 64 << 10];

pub(crate) fn run(backends: &[String], options: &Options) -> Result<(), Failure> {
    let backends = settings::backends_of(backends)?;
    let bench = Bench { options, parties: Parties::new(options)?, backends };
    // One thread for all that is measured: what a scheduler of many does would be measured with it.
    let measuring = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(bench.run())
    };
    let measured = std::thread::scope(|scope| scope.spawn(measuring).join());
    let report = measured.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    output::print(&if options.json { report.json() } else { report.table() })
}

/// What the user wants measured.
struct Bench<'a> {
    options: &'a Options,
    parties: Parties,
    backends: Vec<Arc<dyn Backend>>,
}

/// What has been found out on the way.
struct Found {
    /// What the first engine negotiated, and its name.
    negotiated: Option<(Negotiated, &'static str)>,
    left_out: Vec<LeftOut>,
    /// Whether a certificate was refused.
    refused: bool,
    figures: Vec<Figure>,
    progress: ProgressBar,
}

impl Bench<'_> {
    async fn run(&self) -> Result<Report<'_>, Failure> {
        self.parties.verify(&self.backends).await?;
        let found = match self.options.over {
            Over::Memory => self.over(&Memory::new()).await?,
            Over::Tcp => {
                let link = Tcp::new().await?;
                let found = self.over(&link).await;
                link.stop();
                found?
            }
        };
        Ok(Report::new(self.options, &self.parties, &self.backends, found))
    }

    async fn over<L: Link>(&self, link: &L) -> Result<Found, Failure> {
        let work = self.work();
        let rounds = usize::from(self.options.rounds);
        let progress = progress(work.len() * rounds * self.backends.len());
        let mut found = Found::new(progress);
        for work in work {
            found.progress.set_message(report::title(work));
            let mut contestants = self.contestants(link, work, &mut found).await?;
            let time = self.options.duration / u32::from(self.options.rounds);
            let samples = rounds::in_turns(&mut contestants, rounds, time, &found.progress).await?;
            let names: Vec<_> = contestants.iter().map(|contestant| contestant.name).collect();
            found.progress.inc((rounds * (self.backends.len() - names.len())) as u64);
            if !names.is_empty() {
                found.figures.push(Figure::new(work, &names, &samples));
            }
        }
        found.progress.finish_and_clear();
        if found.figures.is_empty() { Err(found.nothing()) } else { Ok(found) }
    }

    /// Each thing to be measured, in the order of this list, whatever the user's.
    fn work(&self) -> Vec<Work> {
        let wanted = &self.options.scenarios;
        let sizes = if self.options.sizes.is_empty() { &SIZES[..] } else { &self.options.sizes };
        let mut work = Vec::new();
        for &scenario in Scenario::value_variants() {
            if !wanted.is_empty() && !wanted.contains(&scenario) {
                continue;
            }
            let sizes = match scenario {
                Scenario::Handshakes | Scenario::Resumed => &[0][..],
                Scenario::Bulk => sizes,
                Scenario::Echo => &[self.options.echo_size],
            };
            work.extend(sizes.iter().map(|&size| Work { scenario, size }));
        }
        work
    }

    /// The engines that can do it, and negotiate what the first does.
    async fn contestants<'l, L: Link>(
        &self,
        link: &'l L,
        work: Work,
        found: &mut Found,
    ) -> Result<Vec<Contestant<'l, L>>, Failure> {
        let mut contestants = Vec::new();
        for backend in &self.backends {
            let name = backend.info().name;
            let engine = Engine::new(backend, self.options, &self.parties, work.scenario.resumes());
            let engine = match engine {
                Ok(engine) => engine,
                // What is invalid anywhere leaves nobody.
                Err(error @ (ConfigError::Unsupported { .. } | ConfigError::Invalid { .. })) => {
                    found.leave_out(name, work.scenario, error.to_string());
                    continue;
                }
                Err(error) => return Err(Failure::from(error).in_context(name)),
            };
            match found.judged(engine.probe(link).await, name).map_err(|failure| failure.in_context(name))? {
                Ok(negotiated) => contestants.push(Contestant::new(name, engine, link, work, negotiated)),
                Err(reason) => found.leave_out(name, work.scenario, reason),
            }
        }
        Ok(contestants)
    }
}

impl Found {
    fn new(progress: ProgressBar) -> Self {
        Self { negotiated: None, left_out: Vec::new(), refused: false, figures: Vec::new(), progress }
    }

    /// Says once of each engine and reason for which scenarios it holds.
    fn leave_out(&mut self, backend: &'static str, scenario: Scenario, reason: String) {
        let same = |left: &&mut LeftOut| left.backend == backend && left.reason == reason;
        match self.left_out.iter_mut().find(same) {
            Some(left) if left.scenarios.contains(&scenario.name()) => {}
            Some(left) => left.scenarios.push(scenario.name()),
            None => self.left_out.push(LeftOut { backend, scenarios: vec![scenario.name()], reason }),
        }
    }

    /// What an engine's first connection negotiated, or why it is left out.
    fn judged(
        &mut self,
        probed: Result<Option<Negotiated>, Failure>,
        name: &'static str,
    ) -> Result<Result<Negotiated, String>, Failure> {
        match probed {
            Ok(Some(negotiated)) => Ok(self.disagreement(negotiated, name).map_or(Ok(negotiated), Err)),
            Ok(None) => Ok(Err("it does not resume one session after another with these settings".into())),
            Err(failure) => {
                // Others accept it: this one has rules of its own.
                let fault = failure.error.as_ref().and_then(polytls::Error::certificate_error);
                let reason = fault.map(|fault| format!("it refuses the certificate: {fault}"));
                self.refused |= reason.is_some();
                reason.map(Err).ok_or(failure)
            }
        }
    }

    /// Why what this engine negotiated cannot stand beside what the first did.
    fn disagreement(&mut self, negotiated: Negotiated, name: &'static str) -> Option<String> {
        let (first, its_name) = self.negotiated.get_or_insert((negotiated, name));
        if negotiated.agrees_with(first) {
            return None;
        }
        Some(format!(
            "it negotiates {negotiated} where {its_name} negotiates {first}; see --tls, --cipher-suites and --groups, \
             or measure it alone with --backend {name}"
        ))
    }

    /// No engine can do anything of it.
    fn nothing(&self) -> Failure {
        let reasons: Vec<_> =
            self.left_out.iter().map(|left| format!("{}: {}", left.backend, left.reason)).collect();
        let message = format!("nothing can be measured: {}", reasons.join("; "));
        if self.refused { Failure::connection(message) } else { Failure::usage(message) }
    }
}

/// Seconds, perhaps with a fraction.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it is no number of seconds")?;
    if !(0.01..=60.0).contains(&seconds) {
        return Err("it is not in 0.01..=60".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Shown on standard error, and only if that is a terminal.
fn progress(rounds: usize) -> ProgressBar {
    let bar = ProgressBar::new(rounds as u64).with_finish(ProgressFinish::AndClear);
    if let Ok(style) = ProgressStyle::with_template("{msg:30} [{bar:40}] {percent} %, {eta} left") {
        bar.set_style(style);
    }
    bar
}
