//! What rounds in turns came to: medians, quartiles, ratios.

use std::collections::BTreeSet;

use polytls_benches::{
    Scenario,
    rounds::Quartiles,
    scenarios::{Memory, Sample, limits},
};
use serde::Serialize;

use super::plan::Measurement;

/// The stack that all are compared with.
pub(crate) const REFERENCE: &str = "tokio-rustls";

/// Whom polytls is to be as good as. The best of them is the best of those that ran.
pub(crate) const PEERS: [&str; 5] =
    ["tokio-rustls", "tokio-openssl", "tokio-native-tls", "s2n-tls-tokio", BORING];

/// The peer whose worker is no part of this program.
pub(crate) const BORING: &str = "tokio-boring";

/// The rounds of one stack in one scenario.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    pub(crate) stack: String,
    pub(crate) samples: Vec<Sample>,
    pub(crate) untold: Vec<String>,
    /// Which of several ways it went.
    pub(crate) how: BTreeSet<String>,
    /// Why it does not do it, or does it no more.
    pub(crate) refused: Option<String>,
    /// What its process said last, where it ended.
    pub(crate) ended: Option<String>,
}

impl Series {
    pub(crate) fn new(stack: &str) -> Self {
        Self { stack: stack.to_owned(), ..Self::default() }
    }
}

/// What a scenario came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    #[serde(flatten)]
    pub(crate) measurement: Measurement,
    /// The stacks that ran, in the order of their roles and names.
    pub(crate) rows: Vec<Row>,
    /// Those that do not do it, each with its reason.
    pub(crate) refusals: Vec<(String, String)>,
    /// Those whose process ended, each with what it said last. What they did before counts.
    pub(crate) ended: Vec<(String, String)>,
}

/// What a stack came to in a scenario.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) stack: String,
    pub(crate) role: Role,
    /// How many of what the scenario counts in a second; nothing where it is not timed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<Quartiles>,
    /// Processor seconds for each of what the scenario counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu: Option<Quartiles>,
    /// The median of single ones in seconds, of each round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p50: Option<Quartiles>,
    /// What 99 of 100 stayed below in seconds, of each round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) p99: Option<Quartiles>,
    /// Bytes of a pair of connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<Memory>,
    /// How its rate stands to the reference's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<Ratio>,
    /// Which of version, suite and group it does not tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) untold: Vec<String>,
    /// Which of several ways it went, where it had a choice.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) how: BTreeSet<String>,
    /// Each round as it was.
    pub(crate) rounds: Vec<Sample>,
}

/// How one stands to another: above 1 it is better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Ratio {
    /// Of the medians.
    pub(crate) of_medians: f64,
    /// Of each round's.
    pub(crate) of_rounds: Quartiles,
}

/// What a stack is in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    Polytls,
    Peer,
    /// No TLS at all.
    Plain,
    /// The cryptography alone.
    Limit,
}

impl Role {
    pub(crate) fn of(stack: &str) -> Self {
        match stack {
            limits::AWS_LC | limits::OPENSSL_EVP => Self::Limit,
            "plain" => Self::Plain,
            polytls if polytls.starts_with("polytls-") => Self::Polytls,
            _ => Self::Peer,
        }
    }
}

/// What of a round is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    /// More is better.
    Rate,
    /// Less is better.
    Cpu,
    /// Less is better.
    P99,
}

impl Metric {
    /// Its value, such that more is better.
    fn merit(self, sample: &Sample) -> Option<f64> {
        let merit = match self {
            Self::Rate => sample.count / sample.seconds,
            Self::Cpu => sample.count / sample.cpu_seconds,
            Self::P99 => sample.latency?.p99.recip(),
        };
        // No time at all is what a clock says that is too coarse for the round.
        (merit.is_finite() && merit > 0.0).then_some(merit)
    }
}

impl Outcome {
    pub(crate) fn new(measurement: Measurement, series: Vec<Series>) -> Self {
        let timed = !matches!(measurement.scenario, Scenario::Memory { .. });
        let (mut rows, mut refusals, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        for mut series in series {
            let named = |reason| (series.stack.clone(), reason);
            refusals.extend(series.refused.take().map(named));
            ended.extend(series.ended.take().map(named));
            if !series.samples.is_empty() {
                rows.push(Row::new(series, timed));
            }
        }
        rows.sort_by(|one, other| (one.role, &one.stack).cmp(&(other.role, &other.stack)));
        let mut outcome = Self { measurement, rows, refusals, ended };
        let ratios: Vec<_> = outcome
            .rows
            .iter()
            .map(|row| row.rate.and_then(|_| outcome.ratio(&row.stack, REFERENCE, Metric::Rate)))
            .collect();
        for (row, ratio) in outcome.rows.iter_mut().zip(ratios) {
            row.ratio = ratio;
        }
        outcome
    }

    /// Whether rates and times are compared.
    pub(crate) fn is_timed(&self) -> bool {
        !matches!(self.measurement.scenario, Scenario::Memory { .. })
    }

    pub(crate) fn row(&self, stack: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.stack == stack)
    }

    /// Why this stack has no row: what it said, where it was there at all.
    pub(crate) fn reason(&self, stack: &str) -> Option<&str> {
        let mut said = self.refusals.iter().chain(&self.ended);
        said.find(|(name, _)| name == stack).map(|(_, reason)| reason.as_str())
    }

    /// Whether the stack's process ended while it ran this.
    pub(crate) fn died(&self, stack: &str) -> bool {
        self.ended.iter().any(|(name, _)| name == stack)
    }

    /// What must not be: a process that ended, nobody that ran.
    pub(crate) fn faults(&self) -> Vec<String> {
        let name = &self.measurement.name;
        let mut faults: Vec<_> =
            self.ended.iter().map(|(stack, said)| format!("{name}: {stack} ended: {said}")).collect();
        if self.rows.is_empty() {
            let reasons: Vec<_> =
                self.refusals.iter().map(|(stack, reason)| format!("{stack}: {reason}")).collect();
            faults.push(format!("{name}: nobody ran it ({})", reasons.join("; ")));
        }
        faults
    }

    /// How the one stands to the other by this metric, of the rounds in which both have a value.
    pub(crate) fn ratio(&self, ours: &str, theirs: &str, metric: Metric) -> Option<Ratio> {
        let rounds = self.row(ours)?.rounds.iter().zip(&self.row(theirs)?.rounds);
        let merits: Vec<(f64, f64)> =
            rounds.filter_map(|(ours, theirs)| metric.merit(ours).zip(metric.merit(theirs))).collect();
        let ours = Quartiles::of(merits.iter().map(|(ours, _)| *ours))?;
        let theirs = Quartiles::of(merits.iter().map(|(_, theirs)| *theirs))?;
        Some(Ratio {
            of_medians: ours.median / theirs.median,
            of_rounds: Quartiles::of(merits.iter().map(|(ours, theirs)| ours / theirs))?,
        })
    }

    /// The peer that is best by this metric.
    pub(crate) fn best_peer(&self, metric: Metric) -> Option<&str> {
        let merit = |row: &Row| Quartiles::of(row.rounds.iter().filter_map(|sample| metric.merit(sample)));
        let peers = self.rows.iter().filter(|row| row.role == Role::Peer);
        let merits = peers.filter_map(|row| Some((row, merit(row)?.median)));
        merits.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(row, _)| row.stack.as_str())
    }
}

impl Row {
    fn new(series: Series, timed: bool) -> Self {
        let quartiles = |value: &dyn Fn(&Sample) -> Option<f64>| {
            Quartiles::of(series.samples.iter().filter_map(value).filter(|value| value.is_finite()))
        };
        let timed = |value: Option<Quartiles>| value.filter(|_| timed);
        Self {
            role: Role::of(&series.stack),
            rate: timed(quartiles(&|sample| Some(sample.count / sample.seconds))),
            cpu: timed(quartiles(&|sample| Some(sample.cpu_seconds / sample.count))),
            p50: quartiles(&|sample| Some(sample.latency?.p50)),
            p99: quartiles(&|sample| Some(sample.latency?.p99)),
            memory: series.samples.last().and_then(|sample| sample.memory),
            ratio: None,
            untold: series.untold,
            how: series.how,
            rounds: series.samples,
            stack: series.stack,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use polytls_benches::scenarios::Latency;

    use super::*;
    use crate::compare::plan::plan;

    /// Rounds of a second each that counted so many.
    pub(crate) fn series(stack: &str, counts: &[f64]) -> Series {
        let sample = |&count: &f64| Sample {
            seconds: 1.0,
            cpu_seconds: 0.5,
            count,
            latency: Some(Latency { p50: 0.5 / count, p99: 1.0 / count }),
            memory: None,
        };
        Series { samples: counts.iter().map(sample).collect(), ..Series::new(stack) }
    }

    /// The outcome of the scenario of this name.
    pub(crate) fn outcome(name: &str, series: Vec<Series>) -> Outcome {
        let measurement = plan(false).into_iter().find(|measurement| measurement.name == name);
        Outcome::new(measurement.expect("a scenario of this name"), series)
    }

    #[test]
    fn medians_are_compared_and_rounds_tell_the_spread() {
        let outcome = outcome(
            "full-p-256-x25519",
            vec![
                series("tokio-rustls", &[100.0, 200.0, 300.0]),
                series("polytls-builtin", &[300.0, 400.0, 300.0]),
            ],
        );
        let row = outcome.row("polytls-builtin").unwrap();
        let ratio = row.ratio.unwrap();
        assert_eq!(ratio.of_medians, 1.5);
        assert_eq!(ratio.of_rounds, Quartiles { lower: 1.5, median: 2.0, upper: 2.5 });
        assert_eq!(row.cpu.unwrap().median, 0.5 / 300.0);
        assert_eq!(outcome.row("tokio-rustls").unwrap().ratio.unwrap().of_medians, 1.0);
    }

    #[test]
    fn the_best_peer_is_neither_polytls_nor_plain_nor_a_limit() {
        let outcome = outcome(
            "echo-1-tcp",
            vec![
                series("plain", &[900.0]),
                series("aws-lc-rs", &[800.0]),
                series("polytls-builtin", &[700.0]),
                series("s2n-tls-tokio", &[500.0]),
                series("tokio-rustls", &[400.0]),
            ],
        );
        assert_eq!(outcome.best_peer(Metric::Rate), Some("s2n-tls-tokio"));
        assert_eq!(outcome.best_peer(Metric::P99), Some("s2n-tls-tokio"));
        // Less is better, so that a ratio above 1 is better all the same.
        let ratio = outcome.ratio("polytls-builtin", "s2n-tls-tokio", Metric::P99).unwrap();
        assert!((ratio.of_medians - 1.4).abs() < 1e-9, "{ratio:?}");
    }

    #[test]
    fn a_round_without_processor_time_is_left_out_and_not_the_others() {
        let mut ours = series("polytls-builtin", &[200.0, 300.0, 200.0]);
        ours.samples[1].cpu_seconds = 0.0;
        let outcome = outcome("echo-1-tcp", vec![ours, series("tokio-rustls", &[100.0, 900.0, 100.0])]);
        let ratio = outcome.ratio("polytls-builtin", "tokio-rustls", Metric::Cpu).unwrap();
        assert_eq!((ratio.of_medians, ratio.of_rounds.upper), (2.0, 2.0));
    }

    #[test]
    fn who_ended_keeps_its_rounds_and_is_a_fault_and_who_refused_is_none() {
        let ended = Series { ended: Some("it broke".into()), ..series("tokio-openssl", &[1.0]) };
        let refused = Series { refused: Some("it cannot".into()), ..Series::new("tokio-native-tls") };
        let fine = outcome("echo-1-tcp", vec![refused.clone(), series("tokio-rustls", &[1.0])]);
        assert!(fine.faults().is_empty());
        let broken = outcome("echo-1-tcp", vec![refused.clone(), ended]);
        assert_eq!(broken.rows.len(), 1);
        assert!(broken.died("tokio-openssl") && !broken.died("tokio-native-tls"));
        assert_eq!(broken.faults(), ["echo-1-tcp: tokio-openssl ended: it broke"]);
        let empty = outcome("echo-1-tcp", vec![refused]);
        assert_eq!(empty.faults(), ["echo-1-tcp: nobody ran it (tokio-native-tls: it cannot)"]);
    }

    #[test]
    fn who_refused_has_a_reason_and_no_row() {
        let refused = Series { refused: Some("it cannot".into()), ..Series::new("tokio-native-tls") };
        let outcome = outcome("memory", vec![refused, series("tokio-rustls", &[1.0])]);
        assert_eq!(outcome.refusals, [("tokio-native-tls".to_owned(), "it cannot".to_owned())]);
        assert_eq!(outcome.rows.len(), 1);
        assert_eq!(outcome.rows[0].rate, None);
    }
}
