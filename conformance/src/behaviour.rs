//! What a behaviour is, what running one ends in, and the guard that lets none of them hang.

use std::{fmt, panic, sync::mpsc, thread, time::Duration};

use futures_util::future::LocalBoxFuture;
use polytls_api::{ConfigError, ConfigOption, Error, HandshakeError};

use crate::Pair;

/// Real time after which a behaviour counts as hanging. The slowest takes some seconds.
const HANG_GUARD: Duration = Duration::from_secs(60);

/// One thing that every backend must show, with every other backend as its peer.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Behaviour {
    /// A sentence in snake case.
    pub name: &'static str,
    /// The theme: the module that holds it.
    pub area: &'static str,
    /// What is asserted.
    pub what: &'static str,
    #[doc(hidden)]
    pub run: fn(Pair) -> LocalBoxFuture<'static, Result<(), Stop>>,
}

/// How a behaviour ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The pair shows it.
    Passed,
    /// A backend of the pair declares that it lacks this option, and refused it with [`ConfigError::Unsupported`].
    Refused(ConfigOption),
}

/// How a behaviour ended badly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl Behaviour {
    /// Runs it on a thread and a runtime of its own.
    ///
    /// # Errors
    /// [`Failure`]: what was not as it must be; a panic and a hang are failures too.
    pub fn run(&self, pair: &Pair) -> Result<Outcome, Failure> {
        let (done, ended) = mpsc::channel();
        let (run, pair) = (self.run, pair.clone());
        let worker = thread::Builder::new().name(self.name.into()).spawn(move || {
            let outcome = on_own_runtime(run(pair));
            // Nobody listens any more once the guard has fired.
            let _ = done.send(());
            outcome
        });
        let worker = worker.map_err(|error| Failure::new(format!("no thread to run on: {error}")))?;
        if ended.recv_timeout(HANG_GUARD) == Err(mpsc::RecvTimeoutError::Timeout) {
            return Err(Failure::new(format!("it hangs: not done after {HANG_GUARD:?}")));
        }
        match worker.join() {
            Ok(outcome) => outcome,
            Err(panic) => Err(Failure::new(format!("it panicked: {}", panic_message(&*panic)))),
        }
    }
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Behaviour")
            .field("name", &self.name)
            .field("area", &self.area)
            .finish_non_exhaustive()
    }
}

fn on_own_runtime(behaviour: LocalBoxFuture<'static, Result<(), Stop>>) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("no runtime to run on: {error}")))?;
    match runtime.block_on(behaviour) {
        Ok(()) => Ok(Outcome::Passed),
        Err(Stop::Refused(option)) => Ok(Outcome::Refused(option)),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// Why a behaviour does not go on.
#[derive(Debug)]
#[doc(hidden)]
#[allow(clippy::exhaustive_enums, reason = "no part of the published interface")]
pub enum Stop {
    /// As declared, and checked.
    Refused(ConfigOption),
    /// Something is wrong.
    Failed(Failure),
}

/// The end of a behaviour that found something wrong.
pub(crate) fn failed<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(Failure::new(what)))
}

/// Goes on if `holds`, else fails with what was expected.
pub(crate) fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Stop> {
    if holds { Ok(()) } else { failed(what()) }
}

/// Goes on if both are the same.
pub(crate) fn ensure_eq<T: PartialEq + fmt::Debug>(found: T, expected: T, what: &str) -> Result<(), Stop> {
    ensure(found == expected, || format!("{what}: expected {expected:?}, found {found:?}"))
}

/// Says where a failure happened.
pub(crate) trait At<T> {
    fn at(self, place: impl fmt::Display) -> Result<T, Stop>;
}

impl<T, E: Into<Stop>> At<T> for Result<T, E> {
    fn at(self, place: impl fmt::Display) -> Result<T, Stop> {
        self.map_err(|error| match error.into() {
            Stop::Failed(Failure(what)) => Stop::Failed(Failure(format!("{place}: {what}"))),
            refused => refused,
        })
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(Failure(format!("{error} ({error:?})")))
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(Failure(format!("{error} ({error:?})")))
    }
}

impl From<ConfigError> for Stop {
    fn from(error: ConfigError) -> Self {
        Self::Failed(Failure(format!("{error} ({error:?})")))
    }
}

impl<IO> From<HandshakeError<IO>> for Stop {
    fn from(error: HandshakeError<IO>) -> Self {
        error.into_error().into()
    }
}

impl From<tokio::task::JoinError> for Stop {
    fn from(error: tokio::task::JoinError) -> Self {
        match error.try_into_panic() {
            Ok(panic) => panic::resume_unwind(panic),
            Err(error) => Self::Failed(Failure(error.to_string())),
        }
    }
}
