//! Rounds in turns, so that whatever else the machine does falls on all alike, and what is made of many rounds.

use std::time::{Duration, Instant};

/// The quartiles of some numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "a report reads it")]
pub struct Quartiles {
    /// A quarter is below.
    pub lower: f64,
    /// A half is below.
    pub median: f64,
    /// A quarter is above.
    pub upper: f64,
}

impl Quartiles {
    /// Of these numbers, between neighbours by their distance; `None` where there are none.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let at = |part: f64| {
            let place = part * last as f64;
            let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        Some(Self { lower: at(0.25), median: at(0.5), upper: at(0.75) })
    }

    /// Each times this factor, which is not negative.
    pub fn scaled(self, factor: f64) -> Self {
        Self { lower: self.lower * factor, median: self.median * factor, upper: self.upper * factor }
    }
}

/// In which order so many take their turns in this round: each begins once in so many rounds, and every other time they go
/// backwards, so that none always follows the same one.
pub fn order(count: usize, round: usize) -> Vec<usize> {
    let backwards = round % 2 == 1;
    (0..count).map(|place| (round + if backwards { count - place } else { place }) % count).collect()
}

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

/// Runs this many rounds of both, at least one, each beginning every other time; each returns the time that it took.
pub fn compare(
    rounds: usize,
    mut first: impl FnMut() -> Duration,
    mut second: impl FnMut() -> Duration,
) -> Comparison {
    // What is slow the first time is not measured.
    first();
    second();
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds.max(1) {
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
    let median = |times: Vec<Duration>| {
        let median = Quartiles::of(times.iter().map(Duration::as_secs_f64)).expect("a round was run").median;
        Duration::from_secs_f64(median)
    };
    let Quartiles { lower, median: ratio, upper } = Quartiles::of(ratios).expect("a round was run");
    Comparison { first: median(ours), second: median(theirs), ratios: [lower, ratio, upper] }
}

/// How long this takes so many times.
pub fn time(times: u32, mut run: impl FnMut()) -> Duration {
    let started = Instant::now();
    for _ in 0..times {
        run();
    }
    started.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_between_neighbours() {
        assert_eq!(Quartiles::of([]), None);
        let one = Quartiles { lower: 7.0, median: 7.0, upper: 7.0 };
        assert_eq!(Quartiles::of([7.0]), Some(one));
        let odd = Quartiles { lower: 2.0, median: 3.0, upper: 4.0 };
        assert_eq!(Quartiles::of([5.0, 1.0, 4.0, 2.0, 3.0]), Some(odd));
        let even = Quartiles { lower: 1.75, median: 2.5, upper: 3.25 };
        assert_eq!(Quartiles::of([4.0, 3.0, 2.0, 1.0]), Some(even));
        assert_eq!(even.scaled(2.0), Quartiles { lower: 3.5, median: 5.0, upper: 6.5 });
    }

    #[test]
    fn everyone_has_a_turn_in_every_round_and_begins_once() {
        let rounds: Vec<_> = (0..6).map(|round| order(6, round)).collect();
        for round in &rounds {
            let mut sorted = round.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5]);
        }
        let first: Vec<_> = rounds.iter().map(|round| round[0]).collect();
        assert_eq!(first, [0, 1, 2, 3, 4, 5]);
        let follows_zero = |round: &Vec<usize>| {
            let place = round.iter().position(|&stack| stack == 0).unwrap();
            round.get(place + 1).copied()
        };
        assert_ne!(follows_zero(&rounds[0]), follows_zero(&rounds[1]));
        assert!(order(0, 3).is_empty());
    }
}
