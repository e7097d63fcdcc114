//! What polytls is to reach, and whether it does: from the numbers of one run.

use polytls_benches::{
    Scenario,
    scenarios::limits::{AWS_LC, OPENSSL_EVP},
};
use serde::Serialize;

use super::{
    Report,
    numbers::{number, ratio},
};
use crate::compare::outcome::{Metric, Outcome, Ratio, Role};

/// A target, and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Target {
    /// What is compared.
    pub(crate) what: String,
    /// What is asked.
    pub(crate) asked: String,
    /// What was measured: the ratio of medians, and the quartiles of the rounds' ratios.
    pub(crate) measured: String,
    pub(crate) verdict: Verdict,
}

/// Whether a target was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// Who is compared did not run.
    NotMeasured,
}

impl Verdict {
    fn of(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::NotMeasured => "not measured",
        }
    }
}

const BUILTIN: &str = "polytls-builtin";
const RUSTLS: &str = "polytls-rustls";
const OPENSSL: &str = "polytls-openssl";

/// Whom a stack is held against.
#[derive(Clone, Copy, Debug)]
enum Against {
    Stack(&'static str),
    BestPeer,
}

/// At least so many times as good as another, by a metric, in a scenario.
struct AtLeast {
    scenario: &'static str,
    metric: Metric,
    factor: f64,
    against: Against,
}

const fn at_least(scenario: &'static str, metric: Metric, factor: f64, against: Against) -> AtLeast {
    AtLeast { scenario, metric, factor, against }
}

/// What the builtin engine is held to.
const OF_BUILTIN: [AtLeast; 16] = [
    at_least("bulk-memory-64kib-aes-128-gcm", Metric::Rate, 0.85, Against::Stack(AWS_LC)),
    at_least("bulk-memory-64kib-aes-128-gcm", Metric::Rate, 2.2, Against::Stack("tokio-rustls")),
    at_least("bulk-memory-64kib-aes-128-gcm", Metric::Rate, 1.25, Against::BestPeer),
    at_least("bulk-memory-1kib-aes-128-gcm", Metric::Rate, 1.5, Against::BestPeer),
    at_least("bulk-tcp-64kib-aes-128-gcm", Metric::Rate, 1.2, Against::BestPeer),
    at_least("bulk-tcp-64kib-aes-128-gcm", Metric::Rate, 1.7, Against::Stack("tokio-rustls")),
    at_least("bulk-tcp-64kib-aes-128-gcm", Metric::Cpu, 1.25, Against::BestPeer),
    at_least("full-p-256-x25519", Metric::Rate, 0.9, Against::Stack(AWS_LC)),
    at_least("full-p-256-x25519", Metric::Rate, 1.2, Against::BestPeer),
    at_least("full-p-256-x25519mlkem768", Metric::Rate, 0.9, Against::Stack(AWS_LC)),
    at_least("resumed-x25519", Metric::Rate, 0.75, Against::Stack(AWS_LC)),
    at_least("resumed-x25519", Metric::Rate, 1.4, Against::BestPeer),
    at_least("echo-1-tcp", Metric::Rate, 1.0, Against::BestPeer),
    at_least("echo-1-tcp", Metric::P99, 1.0, Against::BestPeer),
    at_least("bulk-tcp-64kib-aes-128-gcm-halves", Metric::Rate, 1.5, Against::Stack("tokio-rustls")),
    at_least("bulk-tcp-64kib-aes-128-gcm-halves", Metric::Rate, 1.0, Against::BestPeer),
];

/// The most that an idle connection of the builtin engine's may hold beside its byte stream, in bytes.
const IDLE: f64 = 2048.0;

/// Every target, in the order of the report.
pub(crate) fn evaluate(report: &Report) -> Vec<Target> {
    let mut targets: Vec<_> = OF_BUILTIN.iter().map(|rule| held_against(report, rule)).collect();
    targets.push(everything(report, RUSTLS, "tokio-rustls", 1.0, "everything", |_| true));
    targets.push(everything(report, RUSTLS, "tokio-rustls", 1.25, "bulk in memory", |outcome| {
        outcome.measurement.family == "bulk-memory"
    }));
    targets.push(everything(report, OPENSSL, "tokio-openssl", 1.0, "everything", |_| true));
    targets.extend(memory(report));
    targets
}

fn held_against(report: &Report, rule: &AtLeast) -> Target {
    let outcome = report.outcome(rule.scenario);
    let other = outcome.and_then(|outcome| match rule.against {
        Against::Stack(stack) => Some(stack),
        Against::BestPeer => outcome.best_peer(rule.metric),
    });
    let against = match rule.against {
        Against::Stack(AWS_LC | OPENSSL_EVP) => "the limit",
        Against::Stack(stack) => stack,
        Against::BestPeer => "the best peer",
    };
    let asked = match rule.metric {
        Metric::Rate => format!("at least {} × {against}", rule.factor),
        Metric::Cpu => format!("processor time lower by {} than {against}'s", rule.factor),
        Metric::P99 => format!("p99 no worse than {against}'s"),
    };
    let found = outcome
        .zip(other)
        .and_then(|(outcome, other)| Some((other, outcome.ratio(BUILTIN, other, rule.metric)?)));
    let (measured, verdict) = match found {
        Some((other, found)) => {
            (format!("{} × {other}", ratio(found)), Verdict::of(found.of_medians >= rule.factor))
        }
        None => (String::new(), Verdict::NotMeasured),
    };
    Target { what: format!("{BUILTIN}, {}", rule.scenario), asked, measured, verdict }
}

/// The lowest ratio of rates among all scenarios that both ran, and how many are below what is asked.
fn everything(
    report: &Report,
    ours: &str,
    theirs: &str,
    factor: f64,
    what: &str,
    counts: impl Fn(&Outcome) -> bool,
) -> Target {
    let measured = report.outcomes.iter().filter(|outcome| counts(outcome)).filter_map(|outcome| {
        outcome.row(ours)?.rate?;
        Some((&outcome.measurement.name, outcome.ratio(ours, theirs, Metric::Rate)?))
    });
    let ratios: Vec<(&String, Ratio)> = measured.collect();
    let below = ratios.iter().filter(|(_, found)| found.of_medians < factor).count();
    let lowest = ratios.iter().min_by(|(_, one), (_, other)| one.of_medians.total_cmp(&other.of_medians));
    let (measured, verdict) = match lowest {
        Some((name, found)) => (
            format!("lowest {} in {name}; {below} of {} below", ratio(*found), ratios.len()),
            Verdict::of(below == 0),
        ),
        None => (String::new(), Verdict::NotMeasured),
    };
    Target {
        what: format!("{ours}, {what}"),
        asked: format!("at least {factor} × {theirs}"),
        measured,
        verdict,
    }
}

/// What an idle connection holds beside its byte stream: below a bound, and less than every other.
fn memory(report: &Report) -> [Target; 3] {
    let outcome =
        report.outcomes.iter().find(|one| matches!(one.measurement.scenario, Scenario::Memory { .. }));
    let of_one = |stack: &str, used: bool| {
        let (ours, plain) = (outcome?.row(stack)?.memory?, outcome?.row("plain")?.memory?);
        Some(match used {
            true => (ours.used.allocated - plain.used.allocated) / 2.0,
            false => (ours.fresh.allocated - plain.fresh.allocated) / 2.0,
        })
    };
    let below = |used, when: &str| {
        let bytes = of_one(BUILTIN, used);
        Target {
            what: format!("{BUILTIN}, idle connection {when}"),
            asked: format!("less than {} bytes beside its byte stream, the mean of both ends", number(IDLE)),
            measured: bytes.map(|bytes| format!("{} bytes", number(bytes))).unwrap_or_default(),
            verdict: bytes.map_or(Verdict::NotMeasured, |bytes| Verdict::of(bytes < IDLE)),
        }
    };
    let stacks = outcome.into_iter().flat_map(|outcome| &outcome.rows);
    let others = stacks.filter(|row| row.role <= Role::Peer && row.stack != BUILTIN);
    let held = others.filter_map(|row| Some((row.stack.as_str(), of_one(&row.stack, true)?)));
    let lowest = held.min_by(|(_, one), (_, other)| one.total_cmp(other)).zip(of_one(BUILTIN, true));
    let lowest_of_all = Target {
        what: format!("{BUILTIN}, idle connection after data"),
        asked: "the lowest of all".into(),
        measured: lowest.map_or_else(String::new, |((stack, least), ours)| {
            format!("{} bytes; {stack} {}", number(ours), number(least))
        }),
        verdict: lowest.map_or(Verdict::NotMeasured, |((_, least), ours)| Verdict::of(ours < least)),
    };
    [below(false, "after its handshake"), below(true, "after 16 KiB each way"), lowest_of_all]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use polytls_benches::scenarios::{Footprint, Memory, Sample};

    use super::*;
    use crate::compare::{
        machine::Machine,
        outcome::{
            Series,
            tests::{outcome, series},
        },
    };

    fn report(outcomes: Vec<Outcome>) -> Report {
        Report::new(Machine::this(), BTreeMap::new(), outcomes, false)
    }

    fn verdicts(report: &Report, what: &str) -> Vec<Verdict> {
        let targets = evaluate(report).into_iter().filter(|target| target.what.contains(what));
        targets.map(|target| target.verdict).collect()
    }

    #[test]
    fn a_ratio_that_is_asked_for_is_met_or_missed_and_neither_where_nobody_ran() {
        let name = "bulk-memory-64kib-aes-128-gcm";
        assert_eq!(verdicts(&report(vec![]), &format!("builtin, {name}")), [Verdict::NotMeasured; 3]);
        let all = |builtin| {
            report(vec![outcome(
                name,
                vec![
                    series("aws-lc-rs", &[100.0]),
                    series("polytls-builtin", &[builtin]),
                    series("tokio-rustls", &[40.0]),
                    series("tokio-boring", &[70.0]),
                ],
            )])
        };
        let built = |report: Report| verdicts(&report, &format!("builtin, {name}"));
        assert_eq!(built(all(90.0)), [Verdict::Met; 3]);
        assert_eq!(built(all(86.0)), [Verdict::Met, Verdict::Missed, Verdict::Missed]);
        assert_eq!(built(all(84.0)), [Verdict::Missed; 3]);
    }

    #[test]
    fn everything_is_as_good_as_its_worst() {
        let one = |name, ours: f64| {
            outcome(name, vec![series("polytls-rustls", &[ours]), series("tokio-rustls", &[100.0])])
        };
        let good = report(vec![one("echo-1-tcp", 100.0), one("full-p-256-x25519", 130.0)]);
        assert_eq!(verdicts(&good, "rustls, everything"), [Verdict::Met]);
        let bad = report(vec![one("echo-1-tcp", 99.0), one("full-p-256-x25519", 130.0)]);
        let target = evaluate(&bad).into_iter().find(|target| target.what == "polytls-rustls, everything");
        let target = target.unwrap();
        assert_eq!(target.verdict, Verdict::Missed);
        assert_eq!(target.measured, "lowest 0.99 (0.99 – 0.99) in echo-1-tcp; 1 of 2 below");
    }

    #[test]
    fn memory_is_counted_beside_the_byte_stream_and_held_against_all() {
        let holds = |stack: &str, fresh: f64, used: f64| {
            let bytes = |allocated| Footprint { allocated, resident: 0.0 };
            let memory = Memory { fresh: bytes(fresh), used: bytes(used), ..Memory::default() };
            let sample = Sample { count: 1.0, memory: Some(memory), ..Sample::default() };
            Series { samples: vec![sample], ..Series::new(stack) }
        };
        let with = |used| {
            let stacks = vec![
                holds("plain", 600.0, 600.0),
                holds("polytls-builtin", 2600.0, used),
                holds("x", 9e3, 9e3),
            ];
            verdicts(&report(vec![outcome("memory", stacks)]), "idle")
        };
        assert_eq!(with(4600.0), [Verdict::Met; 3]);
        assert_eq!(with(4800.0), [Verdict::Met, Verdict::Missed, Verdict::Met]);
        assert_eq!(with(9200.0), [Verdict::Met, Verdict::Missed, Verdict::Missed]);
    }
}
