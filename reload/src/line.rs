//! A line of generations: the one in force, and how it is followed by the next.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::SystemTime,
};

use crate::{ReloadError, files::digest, places::Place};

/// What became of new content.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It is in force, for all that begins from now on.
    Swapped {
        /// Its generation.
        generation: u64,
    },
    /// It is not used.
    Refused {
        /// Why.
        error: ReloadError,
        /// The generation that stays in force.
        generation: u64,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Swapped { generation } => write!(f, "generation {generation} is in force"),
            Self::Refused { error, generation } => {
                write!(f, "{error}; generation {generation} stays in force")
            }
        }
    }
}

/// Where content comes from, and what is made of it.
pub(crate) trait Source: Send + Sync + 'static {
    /// What the log calls it.
    const NAME: &'static str;
    /// What is read.
    type Content;
    /// What is in force.
    type Value: Clone + Send + Sync + 'static;

    /// What is to be watched.
    fn places(&self) -> Vec<Place>;

    fn read(&self) -> Result<Self::Content, ReloadError>;

    /// What tells the content from another.
    fn digest(&self, content: &Self::Content) -> [u8; 32];

    /// The value of the next generation, if all checks go well; `current` is there from the second on.
    fn make(
        &self,
        content: &Self::Content,
        current: Option<&Self::Value>,
        generation: u64,
    ) -> Result<Self::Value, ReloadError>;
}

/// Why a reload is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// The application asked: what was refused is looked at again.
    Asked,
    /// Files may have changed: what was looked at before is not looked at again.
    Noticed,
}

type Listener = Arc<dyn Fn(&Outcome) + Send + Sync>;

/// The generation in force, and what is needed to replace it.
pub(crate) struct Line<S: Source> {
    source: S,
    current: RwLock<Current<S::Value>>,
    /// Held while content is read and checked, so that one reload follows another.
    attempts: Mutex<Attempts>,
    listeners: Mutex<Vec<Listener>>,
}

/// A value and its number in the line.
#[derive(Clone)]
pub(crate) struct Current<V> {
    pub(crate) value: V,
    pub(crate) generation: u64,
}

struct Attempts {
    /// The digest of what is in force.
    in_force: [u8; 32],
    /// The digest of what was looked at last, be it in force or refused.
    seen: [u8; 32],
    /// From when on what was refused may be good without having changed.
    again_from: Option<SystemTime>,
}

enum Attempt {
    /// There is nothing new.
    Nothing,
    /// The log and the listeners have been told before.
    RefusedAgain(ReloadError),
    /// This is to be told.
    Told(Outcome),
}

impl<S: Source> Line<S> {
    /// The first generation.
    pub(crate) fn new(source: S) -> Result<Self, ReloadError> {
        let content = source.read()?;
        let value = source.make(&content, None, 1)?;
        let digest = source.digest(&content);
        Ok(Self {
            source,
            current: RwLock::new(Current { value, generation: 1 }),
            attempts: Mutex::new(Attempts { in_force: digest, seen: digest, again_from: None }),
            listeners: Mutex::default(),
        })
    }

    pub(crate) fn source(&self) -> &S {
        &self.source
    }

    pub(crate) fn current(&self) -> Current<S::Value> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn generation(&self) -> u64 {
        self.current().generation
    }

    pub(crate) fn listen(&self, listener: impl Fn(&Outcome) + Send + Sync + 'static) {
        lock(&self.listeners).push(Arc::new(listener));
    }

    /// Has what is in the files now take the place of what is in force, if it is something else and good. Gives the
    /// generation that is in force then.
    pub(crate) fn reload(&self, trigger: Trigger) -> Result<u64, ReloadError> {
        let outcome = match self.attempt(trigger) {
            Attempt::Nothing => return Ok(self.generation()),
            Attempt::RefusedAgain(error) => return Err(error),
            Attempt::Told(outcome) => outcome,
        };
        // No lock is held: a listener may ask for anything.
        let listeners = lock(&self.listeners).clone();
        for listener in listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(&outcome))).is_err() {
                tracing::error!(target: "polytls::reload", "a listener for reloads panicked");
            }
        }
        match outcome {
            Outcome::Swapped { generation } => Ok(generation),
            Outcome::Refused { error, .. } => Err(error),
        }
    }

    fn attempt(&self, trigger: Trigger) -> Attempt {
        let mut attempts = lock(&self.attempts);
        let content = self.source.read();
        let digest = match &content {
            Ok(content) => self.source.digest(content),
            Err(error) => digest([error.to_string().as_bytes()].into_iter()),
        };
        let is_due = attempts.again_from.is_some_and(|time| time <= SystemTime::now());
        let is_known = digest == attempts.seen && !is_due;
        if trigger == Trigger::Noticed && is_known {
            return Attempt::Nothing;
        }
        attempts.seen = digest;
        attempts.again_from = None;
        if digest == attempts.in_force {
            return Attempt::Nothing;
        }
        let current = self.current();
        let generation = current.generation + 1;
        let made = content.and_then(|content| self.source.make(&content, Some(&current.value), generation));
        let files = Files(self.source.places());
        match made {
            Ok(value) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Current { value, generation };
                attempts.in_force = digest;
                tracing::info!(target: "polytls::reload", %files, generation, "new {} in force", S::NAME);
                Attempt::Told(Outcome::Swapped { generation })
            }
            Err(error) => {
                attempts.again_from = error.good_from();
                if is_known {
                    return Attempt::RefusedAgain(error);
                }
                let generation = current.generation;
                tracing::error!(
                    target: "polytls::reload", %files, reason = %error, generation,
                    "new {} refused, the old stay in force", S::NAME
                );
                Attempt::Told(Outcome::Refused { error, generation })
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The names of files, for the log.
struct Files(Vec<Place>);

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(index, place)| {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{}", place.path().display())
        })
    }
}
