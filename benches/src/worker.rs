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
    Refusal, Scenario, Settings, Stack, descriptors,
    scenarios::{Prepared, Sample, prepare},
};

/// The number of what is said here: another one is of a worker that was built from other sources.
pub const PROTOCOL: u32 = 1;

/// What a worker says first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "both ends are built together")]
pub struct Greeting {
    /// Its [`PROTOCOL`]; 0 where it tells none.
    #[serde(default)]
    pub protocol: u32,
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
    /// Whether what was prepared is dropped first, and prepared at other addresses.
    #[serde(default)]
    pub anew: bool,
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
        /// Which of several ways it went, where it had a choice.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        how: Option<String>,
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
    descriptors::raise();
    let stacks = entries.iter().map(|entry| (entry.name.to_owned(), (entry.version)())).collect();
    say(&mut output, &Greeting { protocol: PROTOCOL, stacks })?;
    let mut current: Option<(Request, Prepared)> = None;
    let mut displaced = Displaced::default();
    for line in input.lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let at_least = Duration::try_from_secs_f64(request.at_least_seconds).unwrap_or_default();
        let same = |(asked, _): &(Request, Prepared)| {
            !request.anew
                && Request { at_least_seconds: request.at_least_seconds, anew: false, ..asked.clone() }
                    == request
        };
        if !current.as_ref().is_some_and(same) {
            // What is there gives back its memory and its connections first.
            drop(current.take());
            if request.anew {
                displaced.next();
            }
            match prepare_one(entries, &request) {
                Ok(mut prepared) => {
                    if request.anew {
                        // As the first round of all, what is slow the first time is not counted.
                        (prepared.round)(at_least / 4);
                    }
                    current = Some((request.clone(), prepared));
                }
                Err(refusal) => say(&mut output, &Answer::Refused { refused: refusal.0 })?,
            }
        }
        if let Some((_, prepared)) = &mut current {
            let sample = (prepared.round)(at_least);
            say(
                &mut output,
                &Answer::Ran {
                    sample,
                    untold: prepared.untold.clone(),
                    how: prepared.how.map(str::to_owned),
                },
            )?;
        }
    }
    Ok(())
}

/// What is held so that the allocations after it are elsewhere in their pages: `memcpy` is many times slower between some
/// offsets than between others.
#[derive(Debug, Default)]
struct Displaced {
    times: usize,
    held: Vec<u8>,
}

impl Displaced {
    /// Offsets follow one another in steps that have no factor in common with a page's 16-byte places.
    const STEP: usize = 85 * 16;
    const PAGE: usize = 4096;

    fn next(&mut self) {
        self.times += 1;
        self.held = vec![1; (self.times * Self::STEP) % Self::PAGE + Self::PAGE];
    }
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
            anew: false,
        }
    }

    #[test]
    fn a_worker_greets_and_answers_line_by_line() {
        let lines = answers(&[request("tokio-rustls"), request("nobody"), request("tokio-rustls")]);
        let greeting: Greeting = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(greeting.protocol, PROTOCOL);
        assert!(greeting.stacks["tokio-rustls"].contains("rustls "), "{greeting:?}");
        let answers: Vec<Answer> =
            lines[1..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        match &answers[..] {
            [Answer::Ran { sample, untold, .. }, Answer::Refused { refused }, Answer::Ran { .. }] => {
                assert_eq!((sample.count, untold.len()), (1.0, 0));
                assert!(refused.contains("nobody"), "{refused}");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_asked_for_anew_is_prepared_again_and_the_same_is_not() {
        use std::sync::atomic::{AtomicU32, Ordering};

        static PREPARED: AtomicU32 = AtomicU32::new(0);
        static ROUNDS: AtomicU32 = AtomicU32::new(0);
        let counted = Entry {
            name: "counted",
            version: String::new,
            prepare: |_, _| {
                PREPARED.fetch_add(1, Ordering::Relaxed);
                let round = |_| {
                    ROUNDS.fetch_add(1, Ordering::Relaxed);
                    Sample::default()
                };
                Ok(Prepared { round: Box::new(round), untold: Vec::new(), how: None })
            },
        };
        let once = request("counted");
        let requests = [once.clone(), once.clone(), Request { anew: true, ..once.clone() }, once];
        let lines = requests.map(|request| serde_json::to_string(&request).unwrap() + "\n").concat();
        serve(&[counted], lines.as_bytes(), io::sink()).unwrap();
        assert_eq!(PREPARED.load(Ordering::Relaxed), 2);
        // One more than was asked for: the first of what is prepared anew is not counted.
        assert_eq!(ROUNDS.load(Ordering::Relaxed), 5);
    }

    #[test]
    fn allocations_are_displaced_within_their_page_each_time() {
        let mut displaced = Displaced::default();
        let lengths: std::collections::BTreeSet<usize> = (0..256)
            .map(|_| {
                displaced.next();
                displaced.held.len() % Displaced::PAGE
            })
            .collect();
        assert_eq!(lengths.len(), 256);
    }

    #[test]
    fn what_is_no_request_is_an_error() {
        let error = serve(&[], &b"{\"stack\": 1}\n"[..], Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
