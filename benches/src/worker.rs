//! Rounds in a process of its own: a line of JSON asks for one, a line answers.
//!
//! A worker says first which stacks it has ([`Greeting`]). The first round of a scenario prepares it, the same again goes on
//! with it; another drops it. A stack whose symbols clash with another's is in a worker of its own.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    Refusal, Scenario, Settings, Stack,
    scenarios::{Prepared, Sample, prepare},
};

/// What a worker says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "both ends are built together")]
pub struct Greeting {
    /// The stacks that it has, each with the versions of its libraries.
    pub stacks: BTreeMap<String, String>,
}

/// What it is asked: one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "both ends are built together")]
pub struct Request {
    /// What to do.
    pub scenario: Scenario,
    /// The stack's name.
    pub stack: String,
    /// What the stack is told.
    pub settings: Settings,
    /// How long the round lasts at least.
    pub at_least_seconds: f64,
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(clippy::exhaustive_enums, reason = "both ends are built together")]
pub enum Answer {
    /// The round was run.
    Ran {
        /// What it came to.
        #[serde(flatten)]
        sample: Sample,
        /// Which of version, suite and group the stack does not tell.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        untold: Vec<String>,
    },
    /// The stack cannot do it.
    Refused {
        /// Why.
        refused: String,
    },
}

/// A stack that a worker has.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "a worker reads it")]
pub struct Entry {
    /// The stack's name.
    pub name: &'static str,
    /// The libraries that run, with their versions.
    pub version: fn() -> String,
    /// Makes it ready for rounds.
    pub prepare: fn(&Scenario, &Settings) -> Result<Prepared, Refusal>,
}

impl Entry {
    /// This stack.
    pub fn of<S: Stack>() -> Self {
        Self { name: S::NAME, version: S::version, prepare: prepare::<S> }
    }
}

/// Runs what is asked for until there is no more to read.
///
/// # Errors
/// The input's and output's; a line that is no [`Request`] is `InvalidData`.
pub fn serve(entries: &[Entry], input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let stacks = entries.iter().map(|entry| (entry.name.to_owned(), (entry.version)())).collect();
    say(&mut output, &Greeting { stacks })?;
    let mut current: Option<(Request, Prepared)> = None;
    for line in input.lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let same = |(asked, _): &(Request, Prepared)| {
            Request { at_least_seconds: request.at_least_seconds, ..asked.clone() } == request
        };
        if !current.as_ref().is_some_and(same) {
            // What is there gives back its memory and its connections first.
            drop(current.take());
            match prepare_one(entries, &request) {
                Ok(prepared) => current = Some((request.clone(), prepared)),
                Err(refusal) => say(&mut output, &Answer::Refused { refused: refusal.0 })?,
            }
        }
        if let Some((_, prepared)) = &mut current {
            let at_least = Duration::try_from_secs_f64(request.at_least_seconds).unwrap_or_default();
            let sample = (prepared.round)(at_least);
            say(&mut output, &Answer::Ran { sample, untold: prepared.untold.clone() })?;
        }
    }
    Ok(())
}

fn prepare_one(entries: &[Entry], request: &Request) -> Result<Prepared, Refusal> {
    let entry = entries.iter().find(|entry| entry.name == request.stack);
    let entry = entry.ok_or_else(|| Refusal(format!("no stack `{}` here", request.stack)))?;
    (entry.prepare)(&request.scenario, &request.settings)
}

fn say(output: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *output, message)?;
    output.write_all(b"\n")?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scenarios::Over, stacks::TokioRustls};

    fn answers(requests: &[Request]) -> Vec<String> {
        let lines: Vec<_> =
            requests.iter().map(|request| serde_json::to_string(request).unwrap() + "\n").collect();
        let mut output = Vec::new();
        serve(&[Entry::of::<TokioRustls>()], lines.concat().as_bytes(), &mut output).unwrap();
        String::from_utf8(output).unwrap().lines().map(str::to_owned).collect()
    }

    fn request(stack: &str) -> Request {
        Request {
            scenario: Scenario::Handshakes { over: Over::Memory },
            stack: stack.into(),
            settings: Settings::default(),
            at_least_seconds: 0.0,
        }
    }

    #[test]
    fn a_worker_greets_and_answers_line_by_line() {
        let lines = answers(&[request("tokio-rustls"), request("nobody"), request("tokio-rustls")]);
        let greeting: Greeting = serde_json::from_str(&lines[0]).unwrap();
        assert!(greeting.stacks["tokio-rustls"].contains("rustls "), "{greeting:?}");
        let answers: Vec<Answer> =
            lines[1..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        match &answers[..] {
            [Answer::Ran { sample, untold }, Answer::Refused { refused }, Answer::Ran { .. }] => {
                assert_eq!((sample.count, untold.len()), (1.0, 0));
                assert!(refused.contains("nobody"), "{refused}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_no_request_is_an_error() {
        let error = serve(&[], &b"{\"stack\": 1}\n"[..], Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
