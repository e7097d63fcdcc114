//! Rounds in turns: what else the machine does falls on all engines alike.

use std::time::Duration;

use indicatif::ProgressBar;

use super::{
    link::Link,
    scenario::{Contestant, Sample},
};
use crate::failure::Failure;

/// A round that is longer than this part of a round's time shows how many fit into one.
const ENOUGH: u32 = 4;

/// The first, second and third quartile.
pub(super) type Quartiles = [f64; 3];

/// Warms all of them up, then has each run so many rounds that take about this long: the samples of each.
pub(super) async fn in_turns<L: Link>(
    contestants: &mut [Contestant<'_, L>],
    rounds: usize,
    time: Duration,
    progress: &ProgressBar,
) -> Result<Vec<Vec<Sample>>, Failure> {
    let mut counts = Vec::with_capacity(contestants.len());
    for contestant in &mut *contestants {
        let count = calibrated(contestant, time).await;
        counts.push(count.map_err(|failure| failure.in_context(contestant.name))?);
    }
    let mut samples = vec![Vec::with_capacity(rounds); contestants.len()];
    for round in 0..rounds {
        for index in order(round, contestants.len()) {
            let contestant = &mut contestants[index];
            let sample = contestant.run(counts[index]).await;
            samples[index].push(sample.map_err(|failure| failure.in_context(contestant.name))?);
            progress.inc(1);
        }
    }
    Ok(samples)
}

/// How often the work fits into this time, as it is when it has been done for a while; once at the least.
async fn calibrated<L: Link>(contestant: &mut Contestant<'_, L>, time: Duration) -> Result<u64, Failure> {
    let mut count: u64 = 1;
    loop {
        let elapsed = contestant.run(count).await?.elapsed;
        if elapsed * ENOUGH >= time {
            let fitting = count as f64 * time.as_secs_f64() / elapsed.as_secs_f64();
            return Ok((fitting as u64).max(1));
        }
        count *= 2;
    }
}

/// Who comes when: each round begins with another one, and every other round goes backwards, so that nobody always
/// follows the same one.
fn order(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |place| {
        let place = if round.is_multiple_of(2) { place } else { count - 1 - place };
        (place + round / 2) % count
    })
}

/// The quartiles, between two values in proportion; `None` of nothing.
pub(super) fn quartiles(values: impl Iterator<Item = f64>) -> Option<Quartiles> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some([1, 2, 3].map(|part| {
        let (below, rest) = (last * part / 4, (last * part % 4) as f64 / 4.0);
        values[below] + (values[last.min(below + 1)] - values[below]) * rest
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_the_values() {
        let of = |values: &[f64]| quartiles(values.iter().copied());
        assert_eq!(of(&[5.0, 1.0, 3.0, 2.0, 4.0]), Some([2.0, 3.0, 4.0]));
        assert_eq!(of(&[1.0, 2.0]), Some([1.25, 1.5, 1.75]));
        assert_eq!(of(&[7.0]), Some([7.0; 3]));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn each_runs_once_a_round_and_begins_as_often_as_the_others() {
        let mut begun = [0; 4];
        for round in 0..8 {
            let order: Vec<_> = order(round, 4).collect();
            begun[order[0]] += 1;
            let mut all = order;
            all.sort_unstable();
            assert_eq!(all, [0, 1, 2, 3]);
        }
        assert_eq!(begun, [2; 4]);
    }
}
