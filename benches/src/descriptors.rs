//! How many files a process may have open: each end of a TCP connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{Refusal, Scenario};

/// Beside a scenario's connections: pipes, a listener, the runtime's own.
const SPARE: u64 = 64;

/// Raises what this process may have open to the most that it is allowed. Where that fails, `enough` finds too few.
pub fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    }
}

/// Whether this process may have open what the scenario needs.
///
/// # Errors
/// [`Refusal`] with what it needs and what is allowed.
pub(crate) fn enough(scenario: &Scenario) -> Result<(), Refusal> {
    within(scenario, getrlimit(Resource::Nofile).current)
}

/// `None` is no limit.
fn within(scenario: &Scenario, allowed: Option<u64>) -> Result<(), Refusal> {
    let needed = 2 * scenario.connections_over_tcp() as u64 + SPARE;
    match allowed {
        Some(allowed) if allowed < needed => Err(Refusal(format!(
            "it needs {needed} file descriptors, and the limit is {allowed} (ulimit -Hn)"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenarios::Over;

    #[test]
    fn too_low_a_limit_is_told_with_both_numbers() {
        let many = Scenario::Echo { over: Over::Tcp, connections: 5_000 };
        assert_eq!(within(&many, Some(10_064)), Ok(()));
        assert_eq!(within(&many, None), Ok(()));
        let Refusal(reason) = within(&many, Some(10_063)).unwrap_err();
        assert!(reason.contains("10064") && reason.contains("10063"), "{reason}");
        let in_memory = Scenario::Echo { over: Over::Memory, connections: 5_000 };
        assert_eq!(within(&in_memory, Some(SPARE)), Ok(()));
    }

    #[test]
    fn what_is_raised_is_all_that_is_allowed() {
        raise();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
