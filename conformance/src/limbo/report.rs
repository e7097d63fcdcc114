//! The table of all answers.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use super::{
    Answer, Case, Exceptions, Expected, Importance, Judgement, Run, Suite, Verdict, Verifier,
    exceptions::{actual, agrees},
    run,
};

/// What a chain may cost that is made to cost much.
const BOUND: Duration = Duration::from_millis(20);

/// Every verifier's answer to every case.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report<'a> {
    /// The cases.
    pub suite: &'a Suite,
    /// One a verifier.
    pub rows: Vec<Row<'a>>,
}

/// One verifier's answers.
#[derive(Debug)]
#[non_exhaustive]
pub struct Row<'a> {
    /// The verifier's name.
    pub name: &'a str,
    /// Where it answers otherwise, and why.
    pub exceptions: &'a Exceptions,
    /// In the order of the cases.
    pub runs: Vec<Run>,
}

impl<'a> Report<'a> {
    /// Asks them all. A case that is made to cost much is asked three times, and the shortest time counts.
    pub fn new(suite: &'a Suite, verifiers: &'a [(Verifier, Exceptions)]) -> Self {
        let ask = |case: &Case, verifier| {
            let mut best = run(case, verifier);
            if is_costly(case) {
                best.took = (0..2).map(|_| run(case, verifier).took).fold(best.took, Duration::min);
            }
            best
        };
        let row = |(verifier, exceptions): &'a (Verifier, Exceptions)| Row {
            name: verifier.name(),
            exceptions,
            runs: suite.cases.iter().map(|case| ask(case, verifier)).collect(),
        };
        Self { suite, rows: verifiers.iter().map(row).collect() }
    }

    /// How many answers agree, and how the others differ.
    pub fn totals(&self) -> String {
        let mut table = vec![
            [
                "verifier",
                "agrees",
                "accepted, must be refused",
                "refused, must be accepted",
                "for another fault",
                "not run",
            ]
            .map(String::from)
            .to_vec(),
        ];
        for row in &self.rows {
            let count = |kind| self.answers(row).filter(|(case, run)| Kind::of(case, run) == kind).count();
            let mut line =
                vec![row.name.to_owned(), format!("{} of {}", count(Kind::Agrees), row.runs.len())];
            let others = [Kind::FalselyAccepted, Kind::FalselyRefused, Kind::OtherFault, Kind::NotRun];
            line.extend(others.map(|kind| count(kind).to_string()));
            table.push(line);
        }
        markdown(&table)
    }

    /// How many answers of each category agree.
    pub fn categories(&self) -> String {
        let mut categories: BTreeMap<&str, (usize, Vec<usize>)> = BTreeMap::new();
        for (index, case) in self.suite.cases.iter().enumerate() {
            let (cases, agreed) = categories.entry(case.category()).or_insert((0, vec![0; self.rows.len()]));
            *cases += 1;
            for (row, agreed) in self.rows.iter().zip(agreed) {
                *agreed +=
                    usize::from(row.runs.get(index).is_some_and(|run| agrees(&case.expected, &run.answer)));
            }
        }
        let mut table = vec![vec!["category".to_owned(), "cases".to_owned()]];
        table[0].extend(self.rows.iter().map(|row| row.name.to_owned()));
        for (category, (cases, agreed)) in categories {
            let mut line = vec![category.to_owned(), cases.to_string()];
            line.extend(agreed.iter().map(usize::to_string));
            table.push(line);
        }
        markdown(&table)
    }

    /// What the chains cost that are made to cost much: the shortest of three runs, with `!` where it is over 20 ms.
    pub fn costs(&self) -> String {
        let mut table = vec![vec!["case".to_owned()]];
        table[0].extend(self.rows.iter().map(|row| row.name.to_owned()));
        for (index, case) in self.suite.cases.iter().enumerate().filter(|(_, case)| is_costly(case)) {
            let mut line = vec![case.id.clone()];
            line.extend(self.rows.iter().map(|row| row.runs.get(index).map_or_else(String::new, cost)));
            table.push(line);
        }
        markdown(&table)
    }

    /// Every answer that differs, with its reason.
    pub fn differences(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let mut table = vec![["case", "must be", "is", "reason"].map(String::from).to_vec()];
            for (case, run) in self.answers(row) {
                let reason = match row.exceptions.judge(case, &run.answer) {
                    Judgement::Agrees => continue,
                    Judgement::Explained(entry) => entry.reason.clone(),
                    Judgement::Unexplained => format!("**no reason is given** ({})", run.answer),
                    Judgement::Stale(entry) => {
                        format!(
                            "**the entry no longer applies**: it says {}, for: {}",
                            entry.actual, entry.reason
                        )
                    }
                };
                let importance = match case.importance {
                    Importance::High | Importance::Critical => format!(" ({:?})", case.importance),
                    _ => String::new(),
                };
                let expected = format!("{}{}", case.expected, importance.to_lowercase());
                table.push(vec![
                    case.id.clone(),
                    expected,
                    actual(&case.expected, &run.answer),
                    one_line(&reason),
                ]);
            }
            let differ = table.len() - 1;
            let _ = write!(text, "\n### {}: {differ} of {}\n\n", row.name, row.runs.len());
            match differ {
                0 => text.push_str("None.\n"),
                _ => text.push_str(&markdown(&table)),
            }
        }
        text
    }

    /// All of it, for programs: an object a verifier, in it an object a case.
    pub fn json(&self) -> Value {
        let answer = |row: &Row<'_>, case: &Case, run: &Run| {
            let reason = match row.exceptions.judge(case, &run.answer) {
                Judgement::Explained(entry) => Some(entry.reason.clone()),
                _ => None,
            };
            json!({
                "expected": case.expected.to_string(),
                "actual": run.answer.outline(),
                "agrees": agrees(&case.expected, &run.answer),
                "detail": run.answer.to_string(),
                "reason": reason,
                "importance": format!("{:?}", case.importance).to_lowercase(),
                "microseconds": u64::try_from(run.took.as_micros()).unwrap_or(u64::MAX),
            })
        };
        let row = |row: &Row<'_>| {
            let cases = self.answers(row).map(|(case, run)| (case.id.clone(), answer(row, case, run)));
            (row.name.to_owned(), Value::Object(cases.collect()))
        };
        Value::Object(self.rows.iter().map(row).collect())
    }

    fn answers<'b>(&'b self, row: &'b Row<'_>) -> impl Iterator<Item = (&'b Case, &'b Run)> {
        self.suite.cases.iter().zip(&row.runs)
    }
}

/// How an answer stands to what must be said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Agrees,
    FalselyAccepted,
    FalselyRefused,
    OtherFault,
    NotRun,
}

impl Kind {
    fn of(case: &Case, run: &Run) -> Self {
        match (&case.expected, run.answer.verdict()) {
            (expected, _) if agrees(expected, &run.answer) => Self::Agrees,
            (_, Verdict::NotRun) => Self::NotRun,
            (_, Verdict::Accepted) => Self::FalselyAccepted,
            (Expected::Accepted, Verdict::Refused) => Self::FalselyRefused,
            (_, Verdict::Refused) => Self::OtherFault,
        }
    }
}

fn is_costly(case: &Case) -> bool {
    case.has("denial-of-service")
}

fn cost(run: &Run) -> String {
    match &run.answer {
        Answer::NotRun(_) => "not run".into(),
        Answer::Unusable(_) => "not looked at".into(),
        _ => {
            let mark = if run.took > BOUND { " !" } else { "" };
            format!("{:.2} ms{mark}", run.took.as_secs_f64() * 1e3)
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

/// The lines as a table, the first as its head; the last column is as wide as it is.
fn markdown(table: &[Vec<String>]) -> String {
    let columns = table.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| match column + 1 == columns && columns == 4 {
            true => 3,
            false => table
                .iter()
                .filter_map(|line| line.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0),
        })
        .collect();
    let mut text = String::new();
    for (index, line) in table.iter().enumerate() {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
        if index == 0 {
            let rules: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
            let _ = writeln!(text, "|-{}-|", rules.join("-|-"));
        }
    }
    text
}
