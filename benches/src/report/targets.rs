//! What polytls is to reach, and whether it does: from the numbers of one run.

use std::collections::BTreeMap;

use polytls_benches::scenarios::limits::{AWS_LC, OPENSSL_EVP};

use super::{
    Report,
    numbers::{number, ratio},
    verdict::{Missing, Target, Verdict, within},
};
use crate::compare::outcome::{Metric, Outcome, Ratio, Role};

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

/// What is measured of a stack whose process ended.
const DIED: &str = "its process ended";
/// What makes a figure of idle connections lower than that of distinct peers.
const ONE_SERVER: &str = "all clients hold one server's chain, which is shared";

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
    let what = format!("{BUILTIN}, {}", rule.scenario);
    let missing = match (outcome, rule.against) {
        (Some(outcome), Against::BestPeer) => Missing::of(report, outcome),
        _ => Missing::default(),
    };
    if outcome.is_some_and(|outcome| outcome.died(BUILTIN)) {
        return Target { what, asked, measured: DIED.into(), verdict: Verdict::Missed, within_spread: false };
    }
    let found = outcome
        .zip(other)
        .and_then(|(outcome, other)| Some((other, outcome.ratio(BUILTIN, other, rule.metric)?)));
    let Some((other, found)) = found else {
        return Target {
            what,
            asked,
            measured: String::new(),
            verdict: Verdict::NotMeasured,
            within_spread: false,
        };
    };
    Target {
        what,
        asked,
        measured: format!("{} × {other}{}", ratio(found), missing.in_words()),
        verdict: Verdict::of(found.of_medians >= rule.factor).without(&missing),
        within_spread: within(rule.factor, found),
    }
}

/// The lowest ratio of rates among all scenarios that are timed, how many are below what is asked, and how many are not
/// compared because one of the two does not do them. Where our process ended, the target is missed.
fn everything(
    report: &Report,
    ours: &str,
    theirs: &str,
    factor: f64,
    what: &str,
    counts: impl Fn(&Outcome) -> bool,
) -> Target {
    let counted = || report.outcomes.iter().filter(|outcome| counts(outcome));
    let died: Vec<_> = counted().filter(|outcome| outcome.died(ours)).map(name).collect();
    let (mut ratios, mut others) = (Vec::<(&str, Ratio)>::new(), Vec::new());
    for outcome in counted().filter(|outcome| outcome.is_timed() && !outcome.died(ours)) {
        match outcome.ratio(ours, theirs, Metric::Rate) {
            Some(found) => ratios.push((name(outcome), found)),
            None => others.push(outcome),
        }
    }
    let below: Vec<_> = ratios.iter().filter(|(_, found)| found.of_medians < factor).collect();
    let lowest = ratios.iter().min_by(|(_, one), (_, other)| one.of_medians.total_cmp(&other.of_medians));
    let mut measured = Vec::new();
    if let Some((name, found)) = lowest {
        measured.push(format!(
            "lowest {} in {name}; {} of {} below",
            ratio(*found),
            below.len(),
            ratios.len()
        ));
    }
    if !died.is_empty() {
        measured.push(format!("{DIED} in {}", died.join(", ")));
    }
    if !ratios.is_empty() && !others.is_empty() {
        measured.push(format!("{} not compared: {}", others.len(), named(&others)));
    }
    let of_those_below = !below.is_empty() && below.iter().all(|(_, found)| within(factor, *found));
    let of_the_lowest = below.is_empty() && lowest.is_some_and(|(_, found)| within(factor, *found));
    Target {
        what: format!("{ours}, {what}"),
        asked: format!("at least {factor} × {theirs}"),
        measured: measured.join("; "),
        verdict: match lowest {
            _ if !died.is_empty() => Verdict::Missed,
            None => Verdict::NotMeasured,
            Some(_) => Verdict::of(below.is_empty()),
        },
        within_spread: died.is_empty() && (of_those_below || of_the_lowest),
    }
}

fn name(outcome: &Outcome) -> &str {
    &outcome.measurement.name
}

/// Scenarios by name, or how many of a family where there are many.
fn named(outcomes: &[&Outcome]) -> String {
    let mut families: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for outcome in outcomes {
        families.entry(outcome.measurement.family).or_default().push(name(outcome));
    }
    let words = families.into_iter().map(|(family, names)| match names.len() {
        many if many > 3 => format!("{many} of {family}"),
        _ => names.join(", "),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// What an end holds beside its byte stream in bytes, the mean of both, after its handshake or when it was used as well.
fn beside_its_stream(outcome: &Outcome, stack: &str, used: bool) -> Option<f64> {
    let (ours, plain) = (outcome.row(stack)?.memory?, outcome.row("plain")?.memory?);
    Some(match used {
        true => (ours.used.allocated - plain.used.allocated) / 2.0,
        false => (ours.fresh.allocated - plain.fresh.allocated) / 2.0,
    })
}

/// What an idle connection holds beside its byte stream: below a bound, and less than every other.
fn memory(report: &Report) -> [Target; 3] {
    let outcome = report.outcome("memory");
    let apart = report.outcome("memory-servers");
    let of_one = |stack: &str, used: bool| beside_its_stream(outcome?, stack, used);
    let died = outcome.is_some_and(|outcome| outcome.died(BUILTIN));
    let judged = |met: Option<bool>| match met {
        _ if died => Verdict::Missed,
        Some(met) => Verdict::of(met),
        None => Verdict::NotMeasured,
    };
    let missing = outcome.map(|outcome| Missing::of(report, outcome)).unwrap_or_default();
    let apart = |used| match apart.and_then(|outcome| beside_its_stream(outcome, BUILTIN, used)) {
        Some(bytes) => format!("; {} where each has a server of its own", number(bytes)),
        None => String::new(),
    };
    let below = |used, when: &str| {
        let bytes = of_one(BUILTIN, used);
        Target {
            what: format!("{BUILTIN}, idle connection {when}"),
            asked: format!("less than {} bytes beside its byte stream, the mean of both ends", number(IDLE)),
            measured: bytes
                .map(|bytes| format!("{} bytes; {ONE_SERVER}{}", number(bytes), apart(used)))
                .unwrap_or_default(),
            verdict: judged(bytes.map(|bytes| bytes < IDLE)),
            within_spread: false,
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
            format!("{} bytes; {stack} {}{}", number(ours), number(least), missing.in_words())
        }),
        verdict: judged(lowest.map(|((_, least), ours)| ours < least)).without(&missing),
        within_spread: false,
    };
    [below(false, "after its handshake"), below(true, "after 16 KiB each way"), lowest_of_all]
}

#[cfg(test)]
mod tests {
    use polytls_benches::scenarios::{Footprint, Memory, Sample};

    use super::*;
    use crate::compare::{
        machine::Machine,
        outcome::{
            PEERS, Series,
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
        // Three peers did not run.
        assert_eq!(built(all(90.0)), [Verdict::Met, Verdict::Met, Verdict::MetByThoseThatRan]);
        assert_eq!(built(all(86.0)), [Verdict::Met, Verdict::Missed, Verdict::Missed]);
        assert_eq!(built(all(84.0)), [Verdict::Missed; 3]);
    }

    fn target(report: &Report, what: &str, asked: &str) -> Target {
        let mut targets = evaluate(report).into_iter();
        targets.find(|target| target.what.contains(what) && target.asked.contains(asked)).unwrap()
    }

    #[test]
    fn the_best_peer_is_the_best_of_all_or_it_is_said_of_whom() {
        let name = "bulk-memory-1kib-aes-128-gcm";
        let with = |last: Series| {
            let mut all = vec![series("polytls-builtin", &[200.0])];
            all.extend(PEERS[..4].iter().map(|peer| series(peer, &[100.0])));
            all.push(last);
            target(&report(vec![outcome(name, all)]), &format!("builtin, {name}"), "the best peer")
        };
        assert_eq!(with(series(PEERS[4], &[100.0])).verdict, Verdict::Met);
        let refused = with(Series { refused: Some("it cannot".into()), ..Series::new(PEERS[4]) });
        assert_eq!(refused.verdict, Verdict::MetByThoseThatRan);
        assert!(refused.measured.contains("did not run: tokio-boring (it cannot)"), "{}", refused.measured);
        let died = with(Series { ended: Some("it broke".into()), ..Series::new(PEERS[4]) });
        assert_eq!(died.verdict, Verdict::NotMeasured);
        // Who did not run cannot make it better.
        assert_eq!(with(series(PEERS[4], &[150.0])).verdict, Verdict::Missed);
    }

    #[test]
    fn what_lies_within_the_spread_is_said_to() {
        let name = "full-p-256-x25519mlkem768";
        let of = |counts: &[f64]| {
            let limit = series("aws-lc-rs", &vec![100.0; counts.len()]);
            let one = report(vec![outcome(name, vec![series("polytls-builtin", counts), limit])]);
            target(&one, name, "the limit").verdict_in_words()
        };
        assert_eq!(of(&[80.0, 91.0, 99.0]), "met, within the spread");
        assert_eq!(of(&[80.0, 89.0, 99.0]), "**missed**, within the spread");
        assert_eq!(of(&[91.0, 92.0, 93.0]), "met");
        assert_eq!(of(&[87.0, 88.0, 89.0]), "**missed**");
    }

    #[test]
    fn where_ours_ended_everything_is_missed_and_what_is_refused_is_named() {
        let fine =
            outcome("echo-1-tcp", vec![series("polytls-rustls", &[150.0]), series("tokio-rustls", &[100.0])]);
        let refused = Series { refused: Some("no".into()), ..Series::new("tokio-rustls") };
        let alone = outcome("resumed-x25519", vec![series("polytls-rustls", &[100.0]), refused]);
        let both = report(vec![fine.clone(), alone]);
        let good = target(&both, "polytls-rustls, everything", "");
        assert_eq!(good.verdict, Verdict::Met);
        assert!(good.measured.ends_with("0 of 1 below; 1 not compared: resumed-x25519"), "{}", good.measured);
        let ended = Series { ended: Some("broke".into()), ..series("polytls-rustls", &[900.0]) };
        let dead = outcome("full-p-256-x25519", vec![ended, series("tokio-rustls", &[100.0])]);
        let bad = target(&report(vec![fine, dead]), "polytls-rustls, everything", "");
        assert_eq!(bad.verdict, Verdict::Missed);
        assert!(bad.measured.ends_with("its process ended in full-p-256-x25519"), "{}", bad.measured);
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
        assert_eq!(with(4600.0), [Verdict::Met, Verdict::Met, Verdict::MetByThoseThatRan]);
        assert_eq!(with(4800.0), [Verdict::Met, Verdict::Missed, Verdict::MetByThoseThatRan]);
        assert_eq!(with(9200.0), [Verdict::Met, Verdict::Missed, Verdict::Missed]);
    }
}
