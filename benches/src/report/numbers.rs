//! Numbers as people read them.

use polytls_benches::{Scenario, rounds::Quartiles};

use crate::compare::{
    outcome::{Outcome, Ratio},
    plan::thousands,
};

/// A GiB in bytes.
pub(super) const GIB: f64 = 1_073_741_824.0;
const MIB: f64 = 1_048_576.0;

/// In what an outcome's rates and its processor time are told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Units {
    /// Such as `MiB/s`.
    pub(super) rate: &'static str,
    /// What the rate is multiplied with.
    pub(super) rate_factor: f64,
    /// Such as `CPU s/GiB`.
    pub(super) cpu: &'static str,
    /// What the processor time is multiplied with.
    pub(super) cpu_factor: f64,
}

impl Units {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let (rate, rate_factor, cpu, cpu_factor) = match outcome.measurement.scenario {
            Scenario::Handshakes { .. } => ("handshakes/s", 1.0, "CPU µs each", 1e6),
            Scenario::Echo { .. } => ("answers/s", 1.0, "CPU µs each", 1e6),
            Scenario::Memory { .. } => ("pairs", 1.0, "CPU", 1.0),
            Scenario::Bulk { .. } | Scenario::RecordCipher { .. } => ("MiB/s", 1.0 / MIB, "CPU s/GiB", GIB),
        };
        Self { rate, rate_factor, cpu, cpu_factor }
    }
}

/// Three digits that mean something, and thousands grouped.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        small if small < 9.995 => format!("{value:.2}"),
        middle if middle < 99.95 => format!("{value:.1}"),
        _ => {
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}", thousands(value.abs().round() as usize))
        }
    }
}

/// The median, and the quartiles behind it.
pub(super) fn spread(quartiles: Quartiles) -> String {
    let Quartiles { lower, median, upper } = quartiles;
    format!("{} ({} – {})", number(median), number(lower), number(upper))
}

/// The ratio of medians, and the quartiles of the rounds' ratios behind it.
pub(super) fn ratio(ratio: Ratio) -> String {
    let Ratio { of_medians, of_rounds } = ratio;
    format!("{of_medians:.2} ({:.2} – {:.2})", of_rounds.lower, of_rounds.upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        let told = [0.0, 0.594, 9.994, 9.996, 52.26, 99.96, 1931.4, 52_262.0, -1234.0].map(number);
        assert_eq!(told, ["0.00", "0.59", "9.99", "10.0", "52.3", "100", "1,931", "52,262", "-1,234"]);
    }

    #[test]
    fn spreads_stand_behind_medians() {
        let quartiles = Quartiles { lower: 1.0, median: 20.0, upper: 3000.0 };
        assert_eq!(spread(quartiles), "20.0 (1.00 – 3,000)");
        let told =
            ratio(Ratio { of_medians: 1.5, of_rounds: Quartiles { lower: 1.4, median: 1.6, upper: 1.7 } });
        assert_eq!(told, "1.50 (1.40 – 1.70)");
    }
}
