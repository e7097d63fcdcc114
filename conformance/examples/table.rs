//! Prints the table of conformance: a behaviour a row, a pair of backends a column.
//!
//! `cargo run -p polytls-conformance --example table [-- OPTION...]`
//! - `--markdown`: writes `docs/conformance.md` as well
//! - `--backend NAME`: pairs of this backend alone; more than once for several
//!
//! The exit code is 1 if any behaviour fails.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::Path,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use polytls::Backend;
use polytls_conformance::{BEHAVIOURS, Failure, Outcome, Pair};

/// One run: a behaviour by a pair.
type Cell = Result<Outcome, Failure>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let pairs = pairs(&arguments);
    let started = Instant::now();
    let rows = run(&pairs);
    let table = table(&pairs, &rows);
    print!("{table}");
    let totals = totals(&rows);
    println!("{totals}; {:.0} s", started.elapsed().as_secs_f64());
    let failures = report(&pairs, &rows);
    if arguments.iter().any(|argument| argument == "--markdown") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
        if let Err(error) = fs::write(&path, page(&pairs, &table, &totals)) {
            eprintln!("cannot write {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every ordered pair of the backends that are asked for, or of all.
fn pairs(arguments: &[String]) -> Vec<Pair> {
    let named: Vec<&str> = arguments
        .windows(2)
        .filter(|argument| argument[0] == "--backend")
        .map(|argument| argument[1].as_str())
        .collect();
    let mut backends: Vec<Arc<dyn Backend>> = polytls::backends::all();
    backends.retain(|backend| named.is_empty() || named.contains(&backend.info().name));
    let mut pairs = Vec::new();
    for client in &backends {
        pairs.extend(backends.iter().map(|server| Pair::from_arcs(client.clone(), server.clone())));
    }
    pairs
}

/// Runs every behaviour by every pair, on as many threads as there are cores: a row a behaviour.
fn run(pairs: &[Pair]) -> Vec<Vec<Cell>> {
    let jobs = BEHAVIOURS.len() * pairs.len();
    let cells: Vec<Mutex<Option<Cell>>> = (0..jobs).map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let job = next.fetch_add(1, Ordering::Relaxed);
                    let Some(cell) = cells.get(job) else { return };
                    let outcome = BEHAVIOURS[job / pairs.len()].run(&pairs[job % pairs.len()]);
                    *cell.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
                }
            });
        }
    });
    let mut cells = cells.into_iter().map(|cell| {
        let cell = cell.into_inner().unwrap_or_else(PoisonError::into_inner);
        cell.expect("every job was run")
    });
    BEHAVIOURS.iter().map(|_| cells.by_ref().take(pairs.len()).collect()).collect()
}

fn mark(cell: &Cell) -> &'static str {
    match cell {
        Ok(Outcome::Passed) => "✓",
        Ok(_) => "–",
        Err(_) => "✗",
    }
}

/// The table in Markdown, which reads well in a terminal too.
fn table(pairs: &[Pair], rows: &[Vec<Cell>]) -> String {
    let width = BEHAVIOURS.iter().map(|behaviour| behaviour.what.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    let mut area = "";
    for (behaviour, row) in BEHAVIOURS.iter().zip(rows) {
        if behaviour.area != area {
            area = behaviour.area;
            let titles: Vec<String> = pairs.iter().map(ToString::to_string).collect();
            let title = area.replace('_', " ");
            let _ = writeln!(text, "\n| {title:width$} | {} |", titles.join(" | "));
            let rules: Vec<String> = titles.iter().map(|title| "-".repeat(title.chars().count())).collect();
            let _ = writeln!(text, "|{}|-{}-|", "-".repeat(width + 2), rules.join("-|-"));
        }
        let marks: Vec<String> = pairs
            .iter()
            .zip(row)
            .map(|(pair, cell)| format!("{:<1$}", mark(cell), pair.to_string().chars().count()))
            .collect();
        let _ = writeln!(text, "| {:width$} | {} |", behaviour.what, marks.join(" | "));
    }
    text.push('\n');
    text
}

fn totals(rows: &[Vec<Cell>]) -> String {
    let count = |wanted: &str| rows.iter().flatten().filter(|cell| mark(cell) == wanted).count();
    let runs = rows.iter().map(Vec::len).sum::<usize>();
    format!(
        "{} behaviours, {runs} runs: {} passed, {} refused as declared, {} failed",
        BEHAVIOURS.len(),
        count("✓"),
        count("–"),
        count("✗")
    )
}

/// Says what failed and why, and how much did.
fn report(pairs: &[Pair], rows: &[Vec<Cell>]) -> usize {
    let mut failures = 0;
    for (behaviour, row) in BEHAVIOURS.iter().zip(rows) {
        for (pair, cell) in pairs.iter().zip(row) {
            if let Err(failure) = cell {
                failures += 1;
                eprintln!("✗ {pair}: {}::{}: {failure}", behaviour.area, behaviour.name);
            }
        }
    }
    failures
}

fn page(pairs: &[Pair], table: &str, totals: &str) -> String {
    let mut page = String::from(
        "# Conformance\n\nWhat every backend must show with every other as its peer, and what each shows. Made by\n\
         `cargo run -p polytls-conformance --example table -- --markdown`; do not edit it by hand.\n\n\
         ✓ passed · – refused as declared: a backend of the pair lacks the option, and ends in `Unsupported` · ✗ failed\n\n",
    );
    let _ = writeln!(page, "{totals}.\n\nThe client's backend stands first. The backends:\n");
    let mut named = Vec::new();
    for backend in pairs.iter().flat_map(|pair| [&pair.client, &pair.server]) {
        let info = backend.info();
        if !named.contains(&info.name) {
            named.push(info.name);
            let _ = writeln!(page, "- `{}`: {}, cryptography by {}", info.name, info.library, info.crypto);
        }
    }
    page.push_str(table);
    while page.ends_with("\n\n") {
        page.pop();
    }
    page
}
