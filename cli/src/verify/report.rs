//! The verifiers' answers, as a table for people and as JSON for programs.

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::{Answer, Question, Verdict, agree, given};
use crate::{
    certificate::{self, Certificate},
    faults::fault_name,
    output::{self, BAD, FAINT, GOOD, STRONG, printable, styled},
};

/// The chain, the verdicts, and whether they are one.
pub(super) fn table(question: &Question, answers: &[Answer]) -> String {
    let peer = question.name.as_ref().map_or("a client".into(), |name| format!("the server `{name}`"));
    let mut text = format!(
        "{}: a chain of {} certificate(s), for {peer}, at {}\n{}\n",
        styled(STRONG, question.file.display()),
        question.chain.len(),
        time(question),
        certificate::describe_chain(&question.chain),
    );
    let width =
        answers.iter().map(|answer| answer.backend.name.len()).max().unwrap_or(0).max("backend".len());
    text += &styled(FAINT, format!("{:width$}  {:11}  {}", "backend", "verdict", "reason"));
    for answer in answers {
        let (style, reason) = match &answer.verdict {
            Verdict::Accepted(path) => (GOOD, format!("path: {}", certificate::path(path))),
            Verdict::Refused(reason) => (BAD, printable(&reason.to_string())),
            Verdict::Unsupported(error) => (FAINT, error.to_string()),
        };
        let verdict = styled(style, format!("{:11}", name(&answer.verdict)));
        text += &format!("\n{:width$}  {verdict}  {reason}", answer.backend.name);
    }
    if given(answers).count() > 1 {
        text += if agree(answers) { "\n\nThey agree." } else { "\n\nThey differ." };
    }
    text + "\n"
}

/// A verdict's name, for people and for programs.
fn name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accepted(_) => "accepted",
        Verdict::Refused(_) => "refused",
        Verdict::Unsupported(_) => "unsupported",
    }
}

#[derive(Serialize)]
struct Report {
    role: &'static str,
    name: Option<String>,
    at: String,
    chain: Vec<Certificate>,
    verdicts: Vec<Row>,
    accepted: bool,
    agree: bool,
}

#[derive(Serialize)]
struct Row {
    backend: &'static str,
    library: String,
    verdict: &'static str,
    path: Option<Vec<Certificate>>,
    fault: Option<&'static str>,
    reason: Option<String>,
}

/// All of it on one line.
pub(super) fn json(question: &Question, answers: &[Answer]) -> String {
    let report = Report {
        role: if question.name.is_some() { "server" } else { "client" },
        name: question.name.as_ref().map(ToString::to_string),
        at: time(question),
        chain: Certificate::read_all(&question.chain),
        verdicts: answers.iter().map(row).collect(),
        accepted: given(answers).all(|answer| matches!(answer.verdict, Verdict::Accepted(_))),
        agree: agree(answers),
    };
    format!("{}\n", output::json(&report))
}

fn row(answer: &Answer) -> Row {
    let (path, fault, reason) = match &answer.verdict {
        Verdict::Accepted(path) => (Some(Certificate::read_all(path.path())), None, None),
        Verdict::Refused(reason) => (None, Some(fault_name(reason)), Some(reason.to_string())),
        Verdict::Unsupported(error) => (None, None, Some(error.to_string())),
    };
    Row {
        backend: answer.backend.name,
        library: answer.backend.library.clone(),
        verdict: name(&answer.verdict),
        path,
        fault,
        reason,
    }
}

fn time(question: &Question) -> String {
    question.at.format(&Rfc3339).unwrap_or_default()
}
