//! Where a verifier answers otherwise, and why.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Answer, Case, Expected, ReadError, Suite, Verdict, suite::read_json};

/// What one verifier answers otherwise.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Exceptions {
    /// No case twice.
    pub entries: Vec<Exception>,
}

/// One case that a verifier answers otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Exception {
    /// The case.
    pub id: String,
    /// What must be said, as [`Expected`] is written.
    pub expected: String,
    /// What the verifier says: `accepted`, `refused`, `not run`; `refused: FAULT` where the fault is what differs.
    pub actual: String,
    /// Why, and by which rule.
    pub reason: String,
}

/// What to think of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "an answer agrees or not, and there is an entry or not")]
pub enum Judgement<'a> {
    /// It is the suite's.
    Agrees,
    /// It is another, and the entry says why.
    Explained(&'a Exception),
    /// It is another, and no entry says why.
    Unexplained,
    /// The entry says something else than what was seen.
    Stale(&'a Exception),
}

impl Exceptions {
    /// Reads a list of entries in JSON; a file that is not there is an empty list.
    ///
    /// # Errors
    /// [`ReadError`] where it cannot be read, where a reason is missing, or a case is there twice.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        if !path.exists() {
            return Ok(Self::default());
        }
        let entries: Vec<Exception> = read_json(path)?;
        for (index, entry) in entries.iter().enumerate() {
            if entry.reason.trim().is_empty() {
                return Err(ReadError::new(path, format!("{} has no reason", entry.id)));
            }
            if entries.iter().skip(index + 1).any(|other| other.id == entry.id) {
                return Err(ReadError::new(path, format!("{} is there twice", entry.id)));
            }
        }
        Ok(Self { entries })
    }

    /// What to think of the answer to this case.
    pub fn judge(&self, case: &Case, answer: &Answer) -> Judgement<'_> {
        let entry = self.entries.iter().find(|entry| entry.id == case.id);
        match (entry, agrees(&case.expected, answer)) {
            (None, true) => Judgement::Agrees,
            (None, false) => Judgement::Unexplained,
            (Some(entry), false)
                if entry.expected == case.expected.to_string()
                    && entry.actual == actual(&case.expected, answer) =>
            {
                Judgement::Explained(entry)
            }
            (Some(entry), _) => Judgement::Stale(entry),
        }
    }

    /// The entries for cases that none of the suites has.
    pub fn strays<'a>(&'a self, suites: &'a [Suite]) -> impl Iterator<Item = &'a Exception> {
        let known = |id: &str| suites.iter().any(|suite| suite.cases.iter().any(|case| case.id == id));
        self.entries.iter().filter(move |entry| !known(&entry.id))
    }
}

/// Whether the answer is what must be said.
pub(crate) fn agrees(expected: &Expected, answer: &Answer) -> bool {
    match (expected, answer) {
        (Expected::Accepted, answer) => answer.verdict() == Verdict::Accepted,
        (Expected::Refused, answer) => answer.verdict() == Verdict::Refused,
        (Expected::RefusedFor(fault), Answer::Refused(found)) => fault.same_fault(found),
        (Expected::RefusedFor(_), _) => false,
    }
}

/// The answer as an entry has it.
pub(crate) fn actual(expected: &Expected, answer: &Answer) -> String {
    match (expected, answer.verdict()) {
        (_, Verdict::Accepted) => "accepted".into(),
        (_, Verdict::NotRun) => "not run".into(),
        (Expected::RefusedFor(_), Verdict::Refused) => answer.outline(),
        (_, Verdict::Refused) => "refused".into(),
    }
}
