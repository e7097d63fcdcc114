//! What is measured, in the order of the report.

use polytls_benches::{
    CertificateKind, Group, Scenario, Settings, Suite, Version,
    scenarios::{Directions, Over},
};
use serde::Serialize;

/// A scenario with its settings: one table of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Measurement {
    /// What it is called by `--scenario`, in the JSON and in file names.
    pub(crate) name: String,
    /// Which of [`FAMILIES`] it belongs to.
    pub(crate) family: &'static str,
    /// The table's title.
    pub(crate) title: String,
    /// What a round does.
    pub(crate) scenario: Scenario,
    /// What every stack is told.
    pub(crate) settings: Settings,
    /// Whether targets or plots ask for it, so that `--quick` has it too and it gets more rounds.
    pub(crate) headline: bool,
}

/// The families of scenarios, each with what it is.
pub(crate) const FAMILIES: [(&str, &str); 8] = [
    ("full", "Full handshakes"),
    ("resumed", "Resumed handshakes"),
    ("mutual", "Handshakes in which the client presents a certificate too"),
    ("bulk-memory", "Bytes through a pipe in memory"),
    ("bulk-tcp", "Bytes over loopback TCP"),
    ("echo", "Requests and answers of 100 bytes"),
    ("memory", "What an idle connection holds"),
    ("record-ciphers", "Record ciphers alone"),
];

const SUITES: [Suite; 3] = [Suite::Aes128Gcm, Suite::Aes256Gcm, Suite::ChaCha20Poly1305];
const GROUPS: [Group; 2] = [Group::X25519, Group::X25519MlKem768];
const KINDS: [CertificateKind; 3] =
    [CertificateKind::P256, CertificateKind::Rsa2048, CertificateKind::Ed25519];
const WRITES: [usize; 4] = [1 << 10, 16 << 10, 64 << 10, 1 << 20];
const RECORDS: [usize; 4] = [64, 1 << 10, 4 << 10, 16 << 10];

/// Connections at once. Client and server are in one process, two file descriptors a connection.
const MANY: [usize; 3] = [1, 100, 5_000];

/// Pairs of idle connections.
const IDLE: usize = 1_000;
/// The same with `--quick`.
const IDLE_QUICKLY: usize = 200;

/// All of it; with `quick` what targets and plots ask for, and no more than hundreds of connections.
pub(crate) fn plan(quick: bool) -> Vec<Measurement> {
    let mut all = Vec::new();
    handshakes(&mut all);
    bulk(&mut all, Over::Memory);
    bulk(&mut all, Over::Tcp);
    echo(&mut all);
    memory(&mut all, if quick { IDLE_QUICKLY } else { IDLE });
    record_ciphers(&mut all);
    all.retain(|measurement| !quick || measurement.headline);
    all
}

fn handshakes(all: &mut Vec<Measurement>) {
    let mut add = |family, over, settings: Settings, headline| {
        let Settings { version, group, certificate, .. } = settings;
        let certificate = match family {
            "resumed" => String::new(),
            _ => format!(", {certificate}"),
        };
        all.push(measurement(
            family,
            &[&certificate, &group.to_string(), version_name(version), over_name(over)],
            format!("{}: {version}, {group}{certificate}, {}", title(family), in_words(over)),
            Scenario::Handshakes { over },
            settings,
            headline,
        ));
    };
    let default = Settings::default();
    let first = |settings: Settings| settings.certificate == CertificateKind::P256;
    for certificate in KINDS {
        for group in GROUPS {
            let settings = Settings { certificate, group, ..default };
            add("full", Over::Memory, settings, first(settings));
        }
    }
    add("full", Over::Tcp, default, true);
    add("full", Over::Memory, tls12(default), true);
    for group in GROUPS {
        let settings = Settings { group, ..default }.resuming();
        add("resumed", Over::Memory, settings, group == Group::X25519);
    }
    add("resumed", Over::Tcp, default.resuming(), true);
    for certificate in KINDS {
        let settings = Settings { mutual: true, certificate, ..default };
        add("mutual", Over::Memory, settings, first(settings));
    }
    add("mutual", Over::Tcp, Settings { mutual: true, ..default }, false);
}

fn bulk(all: &mut Vec<Measurement>, over: Over) {
    let mut add = |write: usize, directions, settings: Settings, headline| {
        let family = match over {
            Over::Memory => "bulk-memory",
            Over::Tcp => "bulk-tcp",
        };
        let Settings { version, suite, .. } = settings;
        let (way, words) = match directions {
            Directions::One => ("", ""),
            Directions::Both => ("both", ", both directions at once"),
            Directions::Halves => ("halves", ", both directions at once on two threads"),
        };
        all.push(measurement(
            family,
            &[&size(write), &suite.to_string(), version_name(version), way],
            format!("{}: {} writes, {version}, {suite}{words}", title(family), size(write)),
            Scenario::Bulk { over, write, directions },
            settings,
            headline,
        ));
    };
    let default = Settings::default();
    for suite in SUITES {
        for write in WRITES {
            let headline = suite == Suite::Aes128Gcm;
            if over == Over::Memory || headline || write == 64 << 10 {
                add(write, Directions::One, Settings { suite, ..default }, headline);
            }
        }
    }
    for write in WRITES {
        if over == Over::Memory || write == 64 << 10 {
            add(write, Directions::Both, default, false);
        }
    }
    add(64 << 10, Directions::One, tls12(default), over == Over::Memory);
    if over == Over::Tcp {
        for write in [16 << 10, 64 << 10] {
            add(write, Directions::Halves, default, write == 64 << 10);
        }
    }
}

fn echo(all: &mut Vec<Measurement>) {
    let mut add = |over, connections: usize| {
        let count = match connections {
            1 => "one connection".to_owned(),
            _ => format!("{} connections at once", thousands(connections)),
        };
        all.push(measurement(
            "echo",
            &[&connections.to_string(), over_name(over)],
            format!("{}: {count}, {}", title("echo"), in_words(over)),
            Scenario::Echo { over, connections },
            Settings::default(),
            connections <= 100,
        ));
    };
    add(Over::Memory, 1);
    for connections in MANY {
        add(Over::Tcp, connections);
    }
}

fn memory(all: &mut Vec<Measurement>, pairs: usize) {
    let mut add = |parts: &[&str], servers, of: &str| {
        let pairs_of = format!("{} pairs of {of}", thousands(pairs));
        let title = format!("{}: TLS 1.3, AES-128-GCM, {pairs_of}, over loopback TCP", title("memory"));
        let scenario = Scenario::Memory { pairs, servers };
        all.push(measurement("memory", parts, title, scenario, Settings::default(), servers == 1));
    };
    add(&[], 1, "one server");
    add(&["servers"], pairs, "as many servers");
}

fn record_ciphers(all: &mut Vec<Measurement>) {
    for suite in SUITES {
        for record in RECORDS {
            all.push(measurement(
                "record-ciphers",
                &[&size(record), &suite.to_string()],
                format!("{}: {} records, {suite}, sealed and opened", title("record-ciphers"), size(record)),
                Scenario::RecordCipher { size: record },
                Settings { suite, ..Settings::default() },
                record >= 1 << 10 && suite == Suite::Aes128Gcm,
            ));
        }
    }
}

/// What native-tls takes by itself, so that it has company.
fn tls12(settings: Settings) -> Settings {
    let (suite, certificate) = (Suite::ChaCha20Poly1305, CertificateKind::Rsa2048);
    Settings { version: Version::Tls12, suite, certificate, ..settings }
}

fn measurement(
    family: &'static str,
    parts: &[&str],
    title: String,
    scenario: Scenario,
    settings: Settings,
    headline: bool,
) -> Measurement {
    let words = |part: &str| part.to_lowercase().replace([' ', ','], "");
    let name = [family].into_iter().chain(parts.iter().copied()).map(words).filter(|part| !part.is_empty());
    let name = name.collect::<Vec<_>>().join("-");
    Measurement { name, family, title, scenario, settings, headline }
}

fn title(family: &str) -> &'static str {
    FAMILIES.iter().find(|(name, _)| *name == family).map_or("", |(_, title)| title)
}

/// TLS 1.3 goes without saying in a name.
fn version_name(version: Version) -> &'static str {
    match version {
        Version::Tls12 => "tls12",
        Version::Tls13 => "",
    }
}

fn over_name(over: Over) -> &'static str {
    match over {
        Over::Memory => "",
        Over::Tcp => "tcp",
    }
}

fn in_words(over: Over) -> &'static str {
    match over {
        Over::Memory => "in memory",
        Over::Tcp => "over loopback TCP",
    }
}

/// Such as `64 KiB`.
fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// Such as `5,000`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_measurement_has_a_name_of_its_own_and_a_family() {
        let all = plan(false);
        let names: BTreeSet<_> = all.iter().map(|measurement| &measurement.name).collect();
        assert_eq!(names.len(), all.len(), "{names:?}");
        for measurement in &all {
            assert!(FAMILIES.iter().any(|(family, _)| *family == measurement.family), "{measurement:?}");
            assert!(measurement.name.starts_with(measurement.family));
        }
    }

    #[test]
    fn names_are_what_targets_and_readers_ask_for() {
        let names: Vec<_> = plan(true).into_iter().map(|measurement| measurement.name).collect();
        for name in [
            "full-p-256-x25519",
            "full-p-256-x25519-tcp",
            "resumed-x25519",
            "bulk-memory-64kib-aes-128-gcm",
            "bulk-memory-1kib-aes-128-gcm",
            "bulk-tcp-64kib-aes-128-gcm",
            "bulk-tcp-64kib-aes-128-gcm-halves",
            "echo-1-tcp",
            "memory",
        ] {
            assert!(names.iter().any(|named| named == name), "{name}: {names:?}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        let grouped = [1, 100, 5_000, 28_000, 1_234_567].map(thousands);
        assert_eq!(grouped, ["1", "100", "5,000", "28,000", "1,234,567"]);
    }
}
