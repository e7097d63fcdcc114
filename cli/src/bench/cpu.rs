//! Time that processors spend on this process.

use std::time::Duration;

/// What all threads of this process have used so far; `None` where the system has no such clock.
#[cfg(unix)]
pub(super) fn time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::ProcessCPUTime);
    Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
}

/// What all threads of this process have used so far; `None` where the system has no such clock.
#[cfg(not(unix))]
pub(super) fn time() -> Option<Duration> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn work_takes_time_and_waiting_takes_none() {
        let before = time().unwrap();
        while time().unwrap() == before {
            std::hint::spin_loop();
        }
        assert!(time().unwrap() > before);
    }
}
