//! What rounds came to: rates, and what each unit of work cost.

use serde::Serialize;

use super::{
    rounds::{Quartiles, quartiles},
    scenario::{Sample, Scenario, Work},
};

/// One thing measured on all engines that can do it.
#[derive(Serialize)]
pub(super) struct Figure {
    #[serde(skip)]
    pub(super) work: Work,
    scenario: &'static str,
    size: Option<usize>,
    unit: &'static str,
    cpu_unit: &'static str,
    pub(super) results: Vec<Measured>,
}

/// What one engine came to, in the figure's units.
#[derive(Serialize)]
pub(super) struct Measured {
    pub(super) backend: &'static str,
    /// The median.
    pub(super) rate: f64,
    pub(super) quartiles: [f64; 2],
    /// The rate to that of the first engine.
    pub(super) ratio: f64,
    pub(super) cpu: Option<f64>,
    pub(super) p50_us: Option<f64>,
    pub(super) p99_us: Option<f64>,
    rounds: Vec<f64>,
}

/// What the unit of a rate is, in handshakes, writes or requests.
struct Unit {
    name: &'static str,
    cpu: &'static str,
    /// How many units of a rate one of them is.
    rate: f64,
    /// How many units of cost one of them is: handshakes, requests, or GiB.
    cost: f64,
}

impl Figure {
    /// The names of the engines, and the samples of each.
    pub(super) fn new(work: Work, names: &[&'static str], samples: &[Vec<Sample>]) -> Self {
        let unit = Unit::of(work);
        let measured = names.iter().zip(samples).filter_map(|(name, samples)| unit.measured(name, samples));
        let mut results: Vec<_> = measured.collect();
        let first = results.first().map_or(1.0, |first| first.rate);
        for result in &mut results {
            result.ratio = result.rate / first;
        }
        let size = (work.size > 0).then_some(work.size);
        Self { work, scenario: work.scenario.name(), size, unit: unit.name, cpu_unit: unit.cpu, results }
    }
}

impl Unit {
    fn of(work: Work) -> Self {
        match work.scenario {
            Scenario::Handshakes | Scenario::Resumed => {
                Self { name: "handshakes/s", cpu: "s/handshake", rate: 1.0, cost: 1.0 }
            }
            Scenario::Echo => Self { name: "requests/s", cpu: "s/request", rate: 1.0, cost: 1.0 },
            Scenario::Bulk => {
                let bytes = work.size as f64;
                Self {
                    name: "MiB/s",
                    cpu: "s/GiB",
                    rate: bytes / f64::from(1 << 20),
                    cost: bytes / f64::from(1 << 30),
                }
            }
        }
    }

    fn measured(&self, backend: &'static str, samples: &[Sample]) -> Option<Measured> {
        let rate = |sample: &Sample| sample.count as f64 * self.rate / sample.elapsed.as_secs_f64();
        let rounds: Vec<_> = samples.iter().map(rate).collect();
        let [lower, rate, upper] = quartiles(rounds.iter().copied())?;
        let median = |value: &dyn Fn(&Sample) -> Option<f64>| {
            // What one round does not tell none does.
            quartiles(samples.iter().filter_map(value)).map(|[_, median, _]: Quartiles| median)
        };
        let cpu = median(&|sample| Some(sample.cpu?.as_secs_f64() / (sample.count as f64 * self.cost)));
        let latency = |which: usize| median(&|sample| Some(sample.latency?[which].as_secs_f64() * 1e6));
        let (p50_us, p99_us) = (latency(0), latency(1));
        Some(Measured { backend, rate, quartiles: [lower, upper], ratio: 1.0, cpu, p50_us, p99_us, rounds })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample(millis: u64, count: u64) -> Sample {
        let elapsed = Duration::from_millis(millis);
        Sample { elapsed, cpu: Some(elapsed / 2), count, latency: None }
    }

    #[test]
    fn rates_and_costs_are_in_the_units_that_are_told() {
        let work = Work { scenario: Scenario::Bulk, size: 1 << 20 };
        let samples =
            [vec![sample(1000, 100), sample(500, 100), sample(250, 100)], vec![sample(2000, 100); 3]];
        let figure = Figure::new(work, &["one", "other"], &samples);
        let [one, other] = &figure.results[..] else { panic!("two results") };
        assert_eq!((one.rate, one.quartiles, one.ratio), (200.0, [150.0, 300.0], 1.0));
        assert_eq!((other.rate, other.ratio), (50.0, 0.25));
        assert!((other.cpu.unwrap() - 10.24).abs() < 1e-9);
        let handshakes = Work { scenario: Scenario::Handshakes, size: 0 };
        let figure = Figure::new(handshakes, &["one"], &samples[1..]);
        assert_eq!((figure.results[0].rate, figure.results[0].cpu), (50.0, Some(0.01)));
    }
}
