//! Whether what was measured is what is asked, and how sure that is.

use serde::Serialize;

use super::Report;
use crate::compare::outcome::{Outcome, PEERS, Ratio};

/// A target, and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Target {
    /// What is compared.
    pub(crate) what: String,
    /// What is asked.
    pub(crate) asked: String,
    /// What was measured: the ratio of medians, and the quartiles of the rounds' ratios.
    pub(crate) measured: String,
    pub(crate) verdict: Verdict,
    /// Whether what is asked lies within the spread of the rounds, so that another run may judge otherwise.
    pub(crate) within_spread: bool,
}

impl Target {
    pub(crate) fn verdict_in_words(&self) -> String {
        let word = match self.verdict {
            Verdict::Met => "met",
            Verdict::MetByThoseThatRan => "met, of those that ran",
            Verdict::Missed => "**missed**",
            Verdict::NotMeasured => "not measured",
        };
        let narrowly = self.within_spread && self.verdict != Verdict::NotMeasured;
        format!("{word}{}", if narrowly { ", within the spread" } else { "" })
    }
}

/// Whether a target was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Met,
    /// Met as far as it was measured: a peer cannot do it, or is not built.
    MetByThoseThatRan,
    Missed,
    /// Who is compared did not run, or a peer's process ended.
    NotMeasured,
}

impl Verdict {
    pub(super) fn of(met: bool) -> Self {
        if met { Self::Met } else { Self::Missed }
    }

    /// The same where peers are missing.
    pub(super) fn without(self, missing: &Missing) -> Self {
        match self {
            Self::Met if missing.died => Self::NotMeasured,
            Self::Met if !missing.named.is_empty() => Self::MetByThoseThatRan,
            other => other,
        }
    }
}

/// The peers that have no figures in a scenario, or not all of them.
#[derive(Debug, Default)]
pub(super) struct Missing {
    /// Each with its reason.
    named: Vec<String>,
    /// Whether one of them was to run, and ended.
    died: bool,
}

impl Missing {
    pub(super) fn of(report: &Report, outcome: &Outcome) -> Self {
        let absent = PEERS.iter().filter(|peer| outcome.row(peer).is_none() || outcome.died(peer));
        Self {
            died: PEERS.iter().any(|peer| outcome.died(peer)),
            named: absent.map(|peer| format!("{peer} ({})", report.why_absent(outcome, peer))).collect(),
        }
    }

    pub(super) fn in_words(&self) -> String {
        match &self.named[..] {
            [] => String::new(),
            named => format!("; did not run: {}", named.join(", ")),
        }
    }
}

/// Whether what is asked lies within the quartiles of the rounds' ratios.
pub(super) fn within(factor: f64, found: Ratio) -> bool {
    (found.of_rounds.lower..=found.of_rounds.upper).contains(&factor)
        && found.of_rounds.lower < found.of_rounds.upper
}
