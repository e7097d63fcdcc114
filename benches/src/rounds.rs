//! Two things measured in turns: a round of one, a round of the other, in one process and on one thread, so that whatever
//! else the machine does falls on both alike.

use std::time::{Duration, Instant};

/// What rounds in turns came to.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "a benchmark reads it")]
pub struct Comparison {
    /// The median of the first's rounds.
    pub first: Duration,
    /// The median of the second's.
    pub second: Duration,
    /// The quartiles of the rounds' ratios, the second's time to the first's: above 1 the first is faster.
    pub ratios: [f64; 3],
}

/// Runs this many rounds of both, each beginning every other time; each returns the time that it took.
pub fn compare(
    rounds: usize,
    mut first: impl FnMut() -> Duration,
    mut second: impl FnMut() -> Duration,
) -> Comparison {
    // What is slow the first time is not measured.
    first();
    second();
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (our, their) = if round % 2 == 0 {
            let our = first();
            (our, second())
        } else {
            let their = second();
            (first(), their)
        };
        ours.push(our);
        theirs.push(their);
        ratios.push(their.as_secs_f64() / our.as_secs_f64());
    }
    ours.sort();
    theirs.sort();
    ratios.sort_by(f64::total_cmp);
    let quartile = |part: usize| ratios[rounds * part / 4];
    Comparison {
        first: ours[rounds / 2],
        second: theirs[rounds / 2],
        ratios: [quartile(1), quartile(2), quartile(3)],
    }
}

/// How long this takes so many times.
pub fn time(times: u32, mut run: impl FnMut()) -> Duration {
    let started = Instant::now();
    for _ in 0..times {
        run();
    }
    started.elapsed()
}
