//! The verifiers' answers, as a table for people and as JSON for programs.

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::{
    answers::{Answer, Answers, Group, Verdict},
    question::Question,
};
use crate::{
    certificate::{self, Certificate},
    output::{self, BAD, FAINT, GOOD, STRONG, printable, styled},
};

/// The chain, the verdicts, and whether they are one.
pub(super) fn table(question: &Question, answers: &Answers) -> String {
    let peer = question.name.as_ref().map_or("a client".into(), |name| format!("the server `{name}`"));
    let mut text = format!(
        "{}: a chain of {} certificate(s), for {peer}, at {}\n{}\n",
        styled(STRONG, files(question).join(", ")),
        question.chain.len(),
        time(question),
        certificate::describe_chain(&question.chain, question.at),
    );
    let width = answers.all().iter().map(|answer| answer.verifier.len()).fold("verifier".len(), usize::max);
    text += &styled(FAINT, format!("{:width$}  {:11}  {}", "verifier", "verdict", "reason"));
    for answer in answers.all() {
        let (style, reason) = match &answer.verdict {
            Verdict::Accepted(path) => (GOOD, format!("path: {}", certificate::path(path))),
            Verdict::Refused(reason) => (BAD, printable(&reason.to_string())),
            Verdict::Unsupported(error) => (FAINT, error.to_string()),
        };
        let verdict = styled(style, format!("{:11}", answer.verdict.name()));
        text += &format!("\n{:width$}  {verdict}  {reason}", answer.verifier);
    }
    if answers.given().count() > 1 {
        text += &format!("\n\n{}", comparison(&answers.groups()));
    }
    for answer in answers.dissenting() {
        let fault = answer.verdict.fault().map(|fault| format!(": {}", fault.replace('_', " ")));
        text += &format!(
            "\n{}, which does not count without --strict: {}{}",
            answer.verifier,
            answer.verdict.name(),
            fault.unwrap_or_default()
        );
    }
    text + "\n"
}

/// Whether they say the same, else who says what.
fn comparison(groups: &[Group<'_>]) -> String {
    if groups.len() <= 1 {
        return "They agree.".into();
    }
    let accepting = groups.iter().any(|group| matches!(group.verdict(), Some(Verdict::Accepted(_))));
    let heading = if accepting { "They differ:" } else { "They all refuse it, for different faults:" };
    let mut text = styled(BAD, heading);
    for group in groups {
        let verdict = group.verdict().map(Verdict::name).unwrap_or_default();
        text += &format!("\n  {verdict} by {}", group.verifiers().join(", "));
        if let Some(fault) = group.verdict().and_then(Verdict::fault) {
            text += &format!(": {}", fault.replace('_', " "));
        }
    }
    text
}

#[derive(Serialize)]
struct Report {
    role: &'static str,
    name: Option<String>,
    at: String,
    files: Vec<String>,
    chain: Vec<Certificate>,
    ocsp_response_bytes: Option<usize>,
    verdicts: Vec<Row>,
    accepted: bool,
    agree: bool,
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct Row {
    verifier: &'static str,
    backend: &'static str,
    library: String,
    counts: bool,
    verdict: &'static str,
    path: Option<Vec<Certificate>>,
    fault: Option<&'static str>,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Difference {
    verdict: &'static str,
    fault: Option<&'static str>,
    verifiers: Vec<&'static str>,
}

/// All of it on one line.
pub(super) fn json(question: &Question, answers: &Answers) -> String {
    let report = Report {
        role: if question.name.is_some() { "server" } else { "client" },
        name: question.name.as_ref().map(ToString::to_string),
        at: time(question),
        files: files(question),
        chain: Certificate::read_all(&question.chain),
        ocsp_response_bytes: question.ocsp_response.as_ref().map(Vec::len),
        verdicts: answers.all().iter().map(row).collect(),
        accepted: answers.accepted(),
        agree: answers.agree(),
        differences: differences(answers),
    };
    format!("{}\n", output::json(&report))
}

fn row(answer: &Answer) -> Row {
    let (path, reason) = match &answer.verdict {
        Verdict::Accepted(path) => (Some(Certificate::read_all(path.path())), None),
        Verdict::Refused(reason) => (None, Some(reason.to_string())),
        Verdict::Unsupported(error) => (None, Some(error.to_string())),
    };
    Row {
        verifier: answer.verifier,
        backend: answer.backend.name,
        library: answer.backend.library.clone(),
        counts: answer.counts,
        verdict: answer.verdict.name(),
        path,
        fault: answer.verdict.fault(),
        reason,
    }
}

fn differences(answers: &Answers) -> Vec<Difference> {
    if answers.agree() {
        return Vec::new();
    }
    let difference = |group: &Group<'_>| {
        let verdict = group.verdict()?;
        Some(Difference { verdict: verdict.name(), fault: verdict.fault(), verifiers: group.verifiers() })
    };
    answers.groups().iter().filter_map(difference).collect()
}

fn files(question: &Question) -> Vec<String> {
    question.files.iter().map(|file| file.display().to_string()).collect()
}

fn time(question: &Question) -> String {
    question.at.format(&Rfc3339).unwrap_or_default()
}
