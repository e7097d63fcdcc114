//! The page: plots first, then targets, then every table.

use std::{collections::BTreeMap, fmt::Write};

use polytls_benches::{
    Scenario, Settings,
    scenarios::{Over, limits},
};

use super::{
    Report,
    numbers::{GIB, Units, number, ratio, spread},
    plots::Plot,
    targets,
};
use crate::compare::{
    outcome::{Outcome, PEERS, REFERENCE, Role, Row},
    plan::{FAMILIES, Measurement},
};

/// The plots that the summary shows.
const SHOWN: [&str; 3] = ["bulk", "handshakes", "memory"];
/// The lines of the summary's table: scenario, title, what is told.
const HEADLINES: [(&str, &str, Told); 10] = [
    ("bulk-memory-64kib-aes-128-gcm", "bulk in memory, 64 KiB writes", Told::Rate),
    ("bulk-memory-1kib-aes-128-gcm", "bulk in memory, 1 KiB writes", Told::Rate),
    ("bulk-tcp-64kib-aes-128-gcm", "bulk over TCP, 64 KiB writes", Told::Rate),
    ("bulk-tcp-64kib-aes-128-gcm", "the same", Told::Cpu),
    ("bulk-tcp-64kib-aes-128-gcm-halves", "both ways over TCP, two threads", Told::Rate),
    ("full-p-256-x25519", "full handshakes", Told::Rate),
    ("full-p-256-x25519mlkem768", "full handshakes, X25519MLKEM768", Told::Rate),
    ("resumed-x25519", "resumed handshakes", Told::Rate),
    ("echo-1-tcp", "100-byte answers over TCP", Told::Rate),
    ("echo-1-tcp", "the same", Told::P99),
];

/// What of a row the summary tells.
#[derive(Clone, Copy, Debug)]
enum Told {
    Rate,
    Cpu,
    P99,
}

impl Told {
    fn unit(self, units: Units) -> &'static str {
        match self {
            Self::Rate => units.rate,
            Self::Cpu => units.cpu,
            Self::P99 => "p99 µs",
        }
    }

    fn of(self, row: &Row, units: Units) -> Option<f64> {
        Some(match self {
            Self::Rate => row.rate?.median * units.rate_factor,
            Self::Cpu => row.cpu?.median * units.cpu_factor,
            Self::P99 => row.p99?.median * 1e6,
        })
    }
}

/// The whole page.
pub(super) fn page(report: &Report, plots: &[Plot]) -> String {
    let mut page = String::from("# polytls beside its peers\n\n");
    if report.quick {
        page.push_str("**A few short rounds, for a look: these figures are not to be quoted.**\n\n");
    }
    page.push_str(&report.machine.in_words());
    page.push_str(
        ". All stacks of a table have one version, suite and group, as each says itself, and chains of one kind, made anew for \
         each; rounds in turns, each stack in a process of its own; medians, with quartiles as whiskers and in brackets.\n\n",
    );
    for plot in plots {
        let _ = writeln!(page, "![{}]({})\n", plot.title, plot.file());
    }
    page.push_str(&targets_table(report));
    page.push_str(&tables(report));
    page.push_str(&absent(report));
    page.push_str(&versions(report));
    page.push_str(READING);
    page
}

/// A few plots and the most asked figures, for a file beside which `directory` has the report.
pub(super) fn summary(report: &Report, directory: &str) -> String {
    let mut text = String::new();
    for name in SHOWN {
        let _ = writeln!(text, "![{name}]({directory}/{name}.svg)\n");
    }
    let stacks = summary_stacks(report);
    let names: Vec<_> = stacks.iter().map(|stack| format!(" {} |", column(stack))).collect();
    let _ = writeln!(text, "| |{}", names.concat());
    let _ = writeln!(text, "|---|{}", "--:|".repeat(stacks.len()));
    for (name, title, told) in HEADLINES {
        let Some(outcome) = report.outcome(name) else { continue };
        let units = Units::of(outcome);
        let cells = stacks.iter().map(|stack| outcome.row(stack).and_then(|row| told.of(row, units)));
        let cells: String = cells.map(cell).collect();
        let _ = writeln!(text, "| {title}, {} |{cells}", told.unit(units));
    }
    text.push_str(&summary_of_memory(report, &stacks));
    let used: Vec<_> =
        stacks.iter().filter_map(|stack| report.versions.get(*stack)).map(String::as_str).collect();
    let _ = write!(
        text,
        "\nMedians; {}. {}. [The report]({directory}/report.md) has the spread, every scenario and every target.\n",
        report.machine.in_words(),
        used.join("; "),
    );
    text
}

/// What a column is of, for who does not know the stacks' names.
fn column(stack: &str) -> String {
    match Role::of(stack) {
        Role::Limit => format!("limit: {stack} alone"),
        Role::Plain => "no TLS".into(),
        Role::Polytls | Role::Peer => stack.into(),
    }
}

/// polytls, its peers and the limit, as far as any headline has them.
fn summary_stacks(report: &Report) -> Vec<&str> {
    let headlines = || HEADLINES.iter().filter_map(|(name, ..)| report.outcome(name));
    let mut stacks: Vec<&str> = Vec::new();
    for row in headlines().flat_map(|outcome| &outcome.rows) {
        if row.stack != limits::OPENSSL_EVP && !stacks.contains(&row.stack.as_str()) {
            stacks.push(&row.stack);
        }
    }
    stacks.sort_by_key(|stack| (Role::of(stack), *stack));
    stacks
}

fn summary_of_memory(report: &Report, stacks: &[&str]) -> String {
    let Some(outcome) = report.outcome("memory") else { return String::new() };
    let held = stacks.iter().map(|stack| Some(outcome.row(stack)?.memory?.used.allocated));
    format!("| idle pair after 16 KiB each way, bytes |{}\n", held.map(cell).collect::<String>())
}

fn cell(value: Option<f64>) -> String {
    value.map_or_else(|| " – |".to_owned(), |value| format!(" {} |", number(value)))
}

fn targets_table(report: &Report) -> String {
    let mut text =
        String::from("## Targets\n\n| | asked | measured (quartiles of rounds) | |\n|---|---|---|---|\n");
    for target in targets::evaluate(report) {
        let word = target.verdict_in_words();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {word} |",
            target.what,
            target.asked,
            one_line(&target.measured)
        );
    }
    text.push('\n');
    text
}

/// Every table, those of a family folded together.
fn tables(report: &Report) -> String {
    let mut text = String::from("## Tables\n\n");
    for (family, title) in FAMILIES {
        let of_family: Vec<_> =
            report.outcomes.iter().filter(|outcome| outcome.measurement.family == family).collect();
        if of_family.is_empty() {
            continue;
        }
        let _ = writeln!(text, "<details><summary>{title} ({})</summary>\n", of_family.len());
        for outcome in of_family {
            text.push_str(&table(report, outcome));
        }
        text.push_str("</details>\n\n");
    }
    text
}

/// What all stacks of a table were told.
fn terms(measurement: &Measurement) -> String {
    let Settings { version, suite, group, certificate, .. } = measurement.settings;
    match measurement.scenario {
        Scenario::RecordCipher { .. } => suite.to_string(),
        _ => format!("{version}, {suite}, {group}, chains of {certificate}"),
    }
}

pub(super) fn table(report: &Report, outcome: &Outcome) -> String {
    let measurement = &outcome.measurement;
    let mut text =
        format!("### {}\n\n`--scenario {}`: {}\n\n", measurement.title, measurement.name, terms(measurement));
    if let Scenario::Memory { .. } = measurement.scenario {
        text.push_str(&memory_table(outcome));
        return text;
    }
    let units = Units::of(outcome);
    let timed = outcome.rows.iter().any(|row| row.p99.is_some());
    let (times, rule) = if timed { (" p50 µs | p99 µs |", "--:|--:|") } else { ("", "") };
    let _ = writeln!(text, "| | {} | ratio to {REFERENCE} | {} |{times}", units.rate, units.cpu);
    let _ = writeln!(text, "|---|--:|--:|--:|{rule}");
    for row in &outcome.rows {
        text.push_str(&line(row, units));
    }
    text.push_str(&beside_plain(report, outcome, units));
    text.push('\n');
    text
}

fn line(row: &Row, units: Units) -> String {
    let told = |value: Option<_>, factor| {
        value.map_or_else(
            || "–".to_owned(),
            |value: polytls_benches::rounds::Quartiles| spread(value.scaled(factor)),
        )
    };
    let how: Vec<_> = row.how.iter().map(String::as_str).collect();
    let how = if how.is_empty() { String::new() } else { format!(", {}", how.join(" or ")) };
    let mut line = format!(
        "| {}{how} | {} | {} | {} |",
        row.stack,
        told(row.rate, units.rate_factor),
        row.ratio.map_or_else(|| "–".to_owned(), ratio),
        told(row.cpu, units.cpu_factor),
    );
    if row.p99.is_some() {
        let _ = write!(line, " {} | {} |", told(row.p50, 1e6), told(row.p99, 1e6));
    }
    line + "\n"
}

/// The processor time that no stack can pass over TCP: the byte stream's and the AEAD's.
pub(super) fn tcp_limit(report: &[Outcome], outcome: &Outcome) -> Option<f64> {
    let Scenario::Bulk { over: Over::Tcp, write, directions } = outcome.measurement.scenario else {
        return None;
    };
    let in_memory = report.iter().find(|other| {
        let same = Scenario::Bulk { over: Over::Memory, write, directions };
        other.measurement.scenario == same && other.measurement.settings == outcome.measurement.settings
    })?;
    let cpu = |outcome: &Outcome, stack| Some(outcome.row(stack)?.cpu?.median);
    Some(cpu(outcome, "plain")? + cpu(in_memory, limits::AWS_LC)?)
}

/// The same in memory too.
fn limit_with_bytes(report: &[Outcome], outcome: &Outcome) -> Option<f64> {
    match outcome.measurement.scenario {
        Scenario::Bulk { over: Over::Memory, .. } => {
            let cpu = |stack| Some(outcome.row(stack)?.cpu?.median);
            Some(cpu("plain")? + cpu(limits::AWS_LC)?)
        }
        _ => tcp_limit(report, outcome),
    }
}

fn beside_plain(report: &Report, outcome: &Outcome, units: Units) -> String {
    let Some(cpu) = limit_with_bytes(&report.outcomes, outcome) else { return String::new() };
    let (rate, cpu) = (units.rate_factor / cpu, cpu * GIB);
    format!("| plain and {} together, computed | {} | | {} |\n", limits::AWS_LC, number(rate), number(cpu))
}

fn memory_table(outcome: &Outcome) -> String {
    let mut text = String::from(
        "Bytes of a pair of connections, client and server; an end is what dropping it gives back.\n\n\
         | | allocated | after 16 KiB each way | client's end | server's end | resident | after 16 KiB each way |\n\
         |---|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in &outcome.rows {
        let Some(memory) = row.memory else { continue };
        let figures = [
            memory.fresh.allocated,
            memory.used.allocated,
            memory.client,
            memory.server,
            memory.fresh.resident,
            memory.used.resident,
        ];
        let cells: String = figures.map(|bytes| format!(" {} |", number(bytes.round()))).concat();
        let _ = writeln!(text, "| {} |{cells}", row.stack);
    }
    text.push('\n');
    text
}

/// Which stacks did not run, and what those that did do not tell.
fn absent(report: &Report) -> String {
    let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    let mut untold: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut ended = Vec::new();
    for outcome in &report.outcomes {
        let alone = matches!(outcome.measurement.scenario, Scenario::RecordCipher { .. });
        for (stack, reason) in
            outcome.refusals.iter().filter(|(stack, _)| !alone && Role::of(stack) <= Role::Peer)
        {
            reasons.entry((stack, reason)).or_default().push(&outcome.measurement.name);
        }
        for (stack, said) in &outcome.ended {
            ended.push(format!(
                "| {stack} | **its process ended: {}** | {} |\n",
                one_line(said),
                outcome.measurement.name
            ));
        }
        for row in outcome.rows.iter().filter(|row| row.role <= Role::Peer) {
            for fact in &row.untold {
                let fact = match fact.as_str() {
                    "group" => format!("group ({})", outcome.measurement.settings.group),
                    other => other.to_owned(),
                };
                let facts = untold.entry(&row.stack).or_default();
                if !facts.contains(&fact) {
                    facts.push(fact);
                }
            }
        }
    }
    let mut text = String::from("## What is not there\n\n| | did not run because | in |\n|---|---|---|\n");
    for peer in PEERS.iter().filter(|peer| !report.versions.contains_key(**peer)) {
        let reason = report.outcomes.first().map_or(super::NOT_BUILT, |first| report.why_absent(first, peer));
        let _ = writeln!(text, "| {peer} | {reason} | all |");
    }
    for ((stack, reason), names) in reasons {
        let reason = one_line(reason);
        let names = match names.len() {
            all if all == report.outcomes.len() => "all".to_owned(),
            many if many > 4 => format!("{many} scenarios"),
            _ => names.join(", "),
        };
        let _ = writeln!(text, "| {stack} | {reason} | {names} |");
    }
    text.push_str(&ended.concat());
    text.push_str("\nEach stack is told version, suite and group, and says itself what it negotiated.");
    for (stack, facts) in untold {
        let _ = write!(text, " {stack} does not tell: {}.", facts.join(", "));
    }
    text.push_str("\n\n");
    text
}

/// As a cell of a table can have it.
fn one_line(text: &str) -> String {
    text.replace(['|', '\n'], " ")
}

fn versions(report: &Report) -> String {
    let mut text = String::from("## Versions\n\n| | |\n|---|---|\n");
    for (stack, version) in &report.versions {
        let _ = writeln!(text, "| {stack} | {version} |");
    }
    text.push('\n');
    text
}

const READING: &str = include_str!("reading.md");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{
        machine::Machine,
        outcome::{
            Series,
            tests::{outcome, series},
        },
    };

    fn report() -> Report {
        let refused =
            Series { refused: Some("it cannot | be told".into()), ..Series::new("tokio-native-tls") };
        let untold = Series { untold: vec!["group".into()], ..series("tokio-openssl", &[50.0]) };
        let outcomes = vec![
            outcome(
                "echo-1-tcp",
                vec![
                    series("polytls-builtin", &[123.0, 456.0, 789.0]),
                    series("tokio-rustls", &[400.0, 400.0, 400.0]),
                    refused,
                    untold,
                    Series { how: ["in place".into()].into(), ..series("aws-lc-rs", &[900.0]) },
                ],
            ),
            outcome("full-ed25519-x25519", vec![series("polytls-builtin", &[1.0])]),
        ];
        let versions = [("tokio-rustls".to_owned(), "tokio-rustls 1.2.3".to_owned())];
        Report::new(Machine::this(), versions.into(), outcomes, true)
    }

    #[test]
    fn a_page_says_what_ran_what_did_not_and_that_it_was_quick() {
        let page = page(&report(), &[]);
        for text in [
            "not to be quoted",
            "| polytls-builtin | 456 (290 – 623) | 1.14 (0.72 – 1.56) |",
            "| aws-lc-rs, in place | 900 (900 – 900) |",
            "| tokio-native-tls | it cannot   be told | echo-1-tcp |",
            "tokio-openssl does not tell: group (X25519).",
            "| tokio-rustls | tokio-rustls 1.2.3 |",
            "| tokio-boring | its worker is not built",
            "TLS 1.3, AES-128-GCM, X25519, chains of Ed25519",
        ] {
            assert!(page.contains(text), "{text}\n{page}");
        }
    }

    #[test]
    fn a_summary_has_the_headlines_that_were_measured() {
        let summary = summary(&report(), "docs/benchmarks");
        for text in [
            "![bulk](docs/benchmarks/bulk.svg)",
            "| | polytls-builtin | tokio-openssl | tokio-rustls | limit: aws-lc-rs alone |",
            "| 100-byte answers over TCP, answers/s | 456 | 50.0 | 400 | 900 |",
            "[The report](docs/benchmarks/report.md)",
        ] {
            assert!(summary.contains(text), "{text}\n{summary}");
        }
        assert!(!summary.contains("resumed"), "{summary}");
    }
}
