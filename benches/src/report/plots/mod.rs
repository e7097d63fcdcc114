//! Which plots there are, and what each shows.

mod bars;

use polytls_benches::{rounds::Quartiles, scenarios::limits};

use self::bars::{Bar, Line, Panel};
use super::{markdown::tcp_limit, numbers::GIB};
use crate::compare::outcome::{Outcome, Role, Row};

const MIB: f64 = 1_048_576.0;

/// A drawing.
#[derive(Debug)]
pub(super) struct Plot {
    /// Its name, which is the file's without the ending.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) svg: String,
}

impl Plot {
    pub(super) fn file(&self) -> String {
        format!("{}.svg", self.name)
    }
}

/// A scenario's part in a plot: its name, what its panel is called, what is shown.
type Part = (&'static str, &'static str, Shown);

/// What of an outcome a panel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// Bytes in MiB a second.
    Throughput,
    /// Processor seconds a GiB.
    CpuPerByte,
    /// How many a second.
    Rate,
    /// Processor microseconds for each.
    CpuEach,
    /// In microseconds.
    P99,
    /// Allocated for a pair, after the handshake.
    Fresh,
    /// Allocated for a pair, after data.
    Used,
    /// Resident for a pair, after data.
    Resident,
}

const PLOTS: [(&str, &str, &[Part]); 7] = [
    (
        "bulk",
        "Bytes through one connection, TLS 1.3, AES-128-GCM, 64 KiB writes",
        &[
            ("bulk-memory-64kib-aes-128-gcm", "in memory, MiB/s", Shown::Throughput),
            ("bulk-tcp-64kib-aes-128-gcm", "over TCP, MiB/s", Shown::Throughput),
            ("bulk-tcp-64kib-aes-128-gcm-halves", "TCP, both ways, 2 cores", Shown::Throughput),
        ],
    ),
    (
        "write-sizes",
        "Bytes in memory by the size of writes, TLS 1.3, AES-128-GCM, MiB/s",
        &[
            ("bulk-memory-1kib-aes-128-gcm", "1 KiB", Shown::Throughput),
            ("bulk-memory-16kib-aes-128-gcm", "16 KiB", Shown::Throughput),
            ("bulk-memory-1mib-aes-128-gcm", "1 MiB", Shown::Throughput),
        ],
    ),
    (
        "tcp",
        "What a GiB over loopback TCP takes, TLS 1.3, AES-128-GCM, processor seconds (less is better)",
        &[
            ("bulk-tcp-1kib-aes-128-gcm", "1 KiB writes", Shown::CpuPerByte),
            ("bulk-tcp-16kib-aes-128-gcm", "16 KiB writes", Shown::CpuPerByte),
            ("bulk-tcp-64kib-aes-128-gcm", "64 KiB writes", Shown::CpuPerByte),
        ],
    ),
    (
        "handshakes",
        "Handshakes a second, TLS 1.3, P-256, both sides on one thread",
        &[
            ("full-p-256-x25519", "full, X25519", Shown::Rate),
            ("full-p-256-x25519mlkem768", "full, X25519MLKEM768", Shown::Rate),
            ("resumed-x25519", "resumed, X25519", Shown::Rate),
        ],
    ),
    (
        "handshakes-tcp",
        "Handshakes over loopback TCP and with clients' certificates, a second",
        &[
            ("full-p-256-x25519-tcp", "full, TCP", Shown::Rate),
            ("full-p-256-x25519-tcp", "CPU µs each (less is better)", Shown::CpuEach),
            ("mutual-p-256-x25519", "mutual, in memory", Shown::Rate),
        ],
    ),
    (
        "echo",
        "Requests and answers of 100 bytes over loopback TCP",
        &[
            ("echo-1-tcp", "one connection, answers/s", Shown::Rate),
            ("echo-1-tcp", "p99, µs (less is better)", Shown::P99),
            ("echo-100-tcp", "100 at once, answers/s", Shown::Rate),
        ],
    ),
    (
        "memory",
        "What an idle pair of connections holds, client and server, bytes (less is better)",
        &[
            ("memory", "allocated", Shown::Fresh),
            ("memory", "after 16 KiB each way", Shown::Used),
            ("memory", "resident, after 16 KiB", Shown::Resident),
        ],
    ),
];

/// Every plot that has something to show.
pub(super) fn draw(outcomes: &[Outcome]) -> Result<Vec<Plot>, String> {
    let mut plots = Vec::new();
    for (name, title, parts) in PLOTS {
        let panels: Vec<Panel> = parts.iter().filter_map(|part| panel(outcomes, part)).collect();
        if !panels.is_empty() {
            plots.push(Plot { name, title, svg: bars::draw(title, &panels)? });
        }
    }
    Ok(plots)
}

fn panel(outcomes: &[Outcome], (scenario, title, shown): &Part) -> Option<Panel> {
    let outcome = outcomes.iter().find(|outcome| outcome.measurement.name == *scenario)?;
    let rows = outcome.rows.iter().filter(|row| row.role <= Role::Peer);
    let bars: Vec<Bar> =
        rows.filter_map(|row| Some(Bar { stack: row.stack.clone(), value: value(row, *shown)? })).collect();
    if bars.is_empty() {
        return None;
    }
    Some(Panel { title: (*title).to_owned(), bars, line: line(outcomes, outcome, *shown) })
}

fn value(row: &Row, shown: Shown) -> Option<Quartiles> {
    let bytes = |bytes: f64| Quartiles { lower: bytes, median: bytes, upper: bytes };
    Some(match shown {
        Shown::Throughput => row.rate?.scaled(1.0 / MIB),
        Shown::CpuPerByte => row.cpu?.scaled(GIB),
        Shown::Rate => row.rate?,
        Shown::CpuEach => row.cpu?.scaled(1e6),
        Shown::P99 => row.p99?.scaled(1e6),
        Shown::Fresh => bytes(row.memory?.fresh.allocated),
        Shown::Used => bytes(row.memory?.used.allocated),
        Shown::Resident => bytes(row.memory?.used.resident),
    })
}

/// The limit: of the cryptography alone, over TCP together with the byte stream; the byte stream's where there is no other.
fn line(outcomes: &[Outcome], outcome: &Outcome, shown: Shown) -> Option<Line> {
    let of = |stack: &str, label: &str| {
        let value = value(outcome.row(stack)?, shown)?.median;
        Some(Line { label: label.to_owned(), value })
    };
    if let Some(cpu) = tcp_limit(outcomes, outcome) {
        let value = match shown {
            Shown::CpuPerByte => cpu * GIB,
            // On one thread time is processor time; on more it is not.
            _ if outcome.measurement.name.ends_with("halves") => return None,
            _ => 1.0 / cpu / MIB,
        };
        return Some(Line { label: "TCP and AEAD".into(), value });
    }
    of(limits::AWS_LC, "limit").or_else(|| of("plain", "no TLS"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{
        outcome::tests::{outcome, series},
        plan::plan,
    };

    #[test]
    fn plots_ask_for_scenarios_that_there_are() {
        let names: Vec<_> = plan(true).into_iter().map(|measurement| measurement.name).collect();
        for (scenario, ..) in PLOTS.iter().flat_map(|(.., parts)| *parts) {
            assert!(names.iter().any(|name| name == scenario), "{scenario}");
        }
    }

    #[test]
    fn a_plot_shows_who_ran_and_the_limit() {
        let outcomes = [outcome(
            "full-p-256-x25519",
            vec![
                series("polytls-builtin", &[5000.0]),
                series("tokio-rustls", &[4047.0]),
                series("aws-lc-rs", &[5443.0]),
            ],
        )];
        let plots = draw(&outcomes).unwrap();
        assert_eq!(plots.len(), 1);
        for text in ["polytls-builtin", "tokio-rustls", "4,047", "limit 5,443", "prefers-color-scheme"] {
            assert!(plots[0].svg.contains(text), "{text}");
        }
        assert!(!plots[0].svg.contains("aws-lc-rs"));
    }
}
