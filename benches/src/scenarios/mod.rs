//! What a round does, and how one is prepared: connections made and settings asserted before anything is timed.

mod bulk;
mod echo;
mod handshakes;
pub mod limits;
mod memory;
mod record_ciphers;

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

pub use self::memory::{Footprint, Memory};
use crate::{Certificates, Refusal, Settings, Stack, descriptors};

/// What a round does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
#[allow(clippy::exhaustive_enums, reason = "a worker must know every one")]
pub enum Scenario {
    /// Connections made and dropped. Counts handshakes.
    Handshakes {
        /// Between which ends.
        over: Over,
    },
    /// Bytes through one connection. Counts bytes, of both directions together.
    Bulk {
        /// Between which ends.
        over: Over,
        /// The size of each write in bytes.
        write: usize,
        /// Which way.
        directions: Directions,
    },
    /// Requests and answers of [`MESSAGE`] bytes, one at a time on each connection. Counts answers, and times each.
    Echo {
        /// Between which ends.
        over: Over,
        /// How many connections do so at once.
        connections: usize,
    },
    /// Connections over TCP that wait, in a process that has done nothing else. Counts pairs.
    Memory {
        /// How many pairs.
        pairs: usize,
        /// Among how many servers, each with a chain of its own, and clients that know it, they are distributed.
        servers: usize,
    },
    /// Records through the record cipher of a backend, sealed and opened. Counts bytes of plaintext.
    RecordCipher {
        /// The plaintext of each in bytes.
        size: usize,
    },
}

impl Scenario {
    /// How many connections over TCP it holds at once; both ends of each are in one process.
    pub(crate) fn connections_over_tcp(&self) -> usize {
        match *self {
            Self::Echo { over: Over::Tcp, connections } => connections,
            Self::Memory { pairs, .. } => pairs,
            Self::Handshakes { over: Over::Tcp } | Self::Bulk { over: Over::Tcp, .. } => 1,
            _ => 0,
        }
    }
}

/// Between which ends a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::exhaustive_enums, reason = "a scenario must know both")]
pub enum Over {
    /// A pipe within the process.
    Memory,
    /// The loopback interface.
    Tcp,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(clippy::exhaustive_enums, reason = "a scenario must know every one")]
pub enum Directions {
    /// From the client to the server.
    One,
    /// Both at once, in one task.
    Both,
    /// Both at once, each half of each stream in a task of its own, on two threads.
    Halves,
}

/// The size of a request and of its answer in bytes.
pub const MESSAGE: usize = 100;

/// What a round came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "scenarios construct it")]
pub struct Sample {
    /// Seconds that passed.
    pub seconds: f64,
    /// Seconds that the process's threads ran, in the kernel too.
    pub cpu_seconds: f64,
    /// How many of what the scenario counts.
    pub count: f64,
    /// How long single ones took, where the scenario times them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// What a pair of connections holds, where the scenario looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// How long single requests took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "scenarios construct it")]
pub struct Latency {
    /// The median in seconds.
    pub p50: f64,
    /// What 99 of 100 stayed below, in seconds.
    pub p99: f64,
}

/// A scenario of one stack's, ready to run.
#[allow(clippy::exhaustive_structs, reason = "a worker takes it apart")]
pub struct Prepared {
    /// Runs until at least this much time has passed.
    pub round: Box<dyn FnMut(Duration) -> Sample>,
    /// Which of version, suite and group the stack does not tell, so that nobody asserted it.
    pub untold: Vec<String>,
    /// Which of several ways it goes, where it has a choice.
    pub how: Option<&'static str>,
}

/// Makes the stack's two sides, asserts what they negotiate, and gives what runs rounds of the scenario.
///
/// # Errors
/// [`Refusal`] where the stack cannot do it, or says that it negotiated something else.
pub fn prepare<S: Stack>(scenario: &Scenario, settings: &Settings) -> Result<Prepared, Refusal> {
    if let Scenario::RecordCipher { size } = *scenario {
        let cipher = S::record_cipher(settings)?;
        let round = Box::new(record_ciphers::rounds(cipher, size));
        return Ok(Prepared { round, untold: Vec::new(), how: None });
    }
    descriptors::enough(scenario)?;
    let certificates = Certificates::new(settings.certificate);
    let stack = S::new(settings, &certificates)?;
    let untold = handshakes::check(&stack, settings)?;
    let round: Box<dyn FnMut(Duration) -> Sample> = match *scenario {
        Scenario::Handshakes { over } => Box::new(handshakes::rounds(stack, *settings, over)),
        Scenario::Bulk { over, write, directions } => bulk::rounds(&stack, over, write, directions),
        Scenario::Echo { over: Over::Memory, connections } => Box::new(echo::in_memory(&stack, connections)),
        Scenario::Echo { over: Over::Tcp, connections } => Box::new(echo::over_tcp(&stack, connections)),
        Scenario::Memory { pairs, servers } => Box::new(memory::rounds(stack, *settings, pairs, servers)?),
        Scenario::RecordCipher { .. } => return Err(Refusal::new("a record cipher has no connection")),
    };
    Ok(Prepared { round, untold, how: None })
}

/// Runs batches until the time is over; each says how many it did.
fn timed(at_least: Duration, mut batch: impl FnMut() -> usize) -> Sample {
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let mut count = 0;
    loop {
        count += batch();
        let passed = started.elapsed();
        if passed >= at_least {
            return Sample {
                seconds: passed.as_secs_f64(),
                cpu_seconds: cpu_seconds() - cpu,
                count: count as f64,
                ..Sample::default()
            };
        }
    }
}

/// How long the threads of this process have run, in the kernel too.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A runtime that runs on the caller's thread alone.
fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_last_as_long_as_they_are_told_and_count_what_they_do() {
        let mut batches = 0;
        let sample = timed(Duration::from_millis(5), || {
            batches += 1;
            3
        });
        assert!(sample.seconds >= 0.005);
        assert_eq!(sample.count, f64::from(batches) * 3.0);
    }
}
