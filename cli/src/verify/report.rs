//! The verifiers' answers, as a table for people and as JSON for programs.

use polytls::CertificateError;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::{Answer, Question, agree};
use crate::{
    certificate::{self, Certificate},
    faults::fault_name,
    output::{BAD, FAINT, GOOD, STRONG, printable, styled},
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
        let (style, verdict) = match &answer.verdict {
            Some(Ok(_)) => (GOOD, "accepted"),
            Some(Err(_)) => (BAD, "refused"),
            None => (FAINT, "unsupported"),
        };
        let name = format!("{:width$}", answer.backend.name);
        let verdict = styled(style, format!("{verdict:11}"));
        text += format!("\n{name}  {verdict}  {}", reason(answer)).trim_end();
    }
    let answered = answers.iter().filter(|answer| answer.verdict.is_some()).count();
    if answered > 1 {
        text += if agree(answers) { "\n\nThey agree." } else { "\n\nThey differ." };
    }
    text + "\n"
}

fn reason(answer: &Answer) -> String {
    match &answer.verdict {
        Some(Ok(path)) => {
            let path = path.path().iter().map(|der| Certificate::read(der).subject());
            format!("path: {}", path.collect::<Vec<_>>().join(" < "))
        }
        Some(Err(reason)) => printable(&reason.to_string()),
        None => "its verifier is not to be had alone".into(),
    }
}

#[derive(Serialize)]
struct Report {
    role: &'static str,
    name: Option<String>,
    at: String,
    chain: Vec<Certificate>,
    verdicts: Vec<Verdict>,
    accepted: bool,
    agree: bool,
}

#[derive(Serialize)]
struct Verdict {
    backend: &'static str,
    library: String,
    verdict: &'static str,
    path: Vec<Certificate>,
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
        verdicts: answers.iter().map(verdict).collect(),
        accepted: answers.iter().all(|answer| matches!(answer.verdict, Some(Ok(_)) | None)),
        agree: agree(answers),
    };
    format!("{}\n", serde_json::to_string(&report).unwrap_or_default())
}

fn verdict(answer: &Answer) -> Verdict {
    let refusal = answer.refusal();
    Verdict {
        backend: answer.backend.name,
        library: answer.backend.library.clone(),
        verdict: match &answer.verdict {
            Some(Ok(_)) => "accepted",
            Some(Err(_)) => "refused",
            None => "unsupported",
        },
        path: match &answer.verdict {
            Some(Ok(path)) => Certificate::read_all(path.path()),
            _ => Vec::new(),
        },
        fault: refusal.map(fault_name),
        reason: refusal.map(CertificateError::to_string),
    }
}

fn time(question: &Question) -> String {
    question.at.format(&Rfc3339).unwrap_or_default()
}
