//! The thread that notices changes.

use std::{
    collections::BTreeSet,
    ops::Deref,
    path::PathBuf,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};

use crate::{
    ReloadError,
    line::{Line, Source, Trigger},
    places::directories,
};

/// Files are often replaced one after the other: this long after the last event they are looked at.
const SETTLE: Duration = Duration::from_millis(200);

/// Where events do not end, they are looked at this long after the first.
const SETTLE_AT_MOST: Duration = Duration::from_secs(2);

/// How often all is read again, whatever the file system tells.
const POLL: Duration = Duration::from_secs(60);

/// How changes of files are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watching {
    /// `None` for not at all.
    poll: Option<Duration>,
}

impl Default for Watching {
    /// By the file system's events; and all is read again every minute.
    fn default() -> Self {
        Self { poll: Some(POLL) }
    }
}

impl Watching {
    /// Not at all: content is looked at when the application asks for it.
    pub fn off() -> Self {
        Self { poll: None }
    }

    /// By the file system's events; and all is read again this often, at most once a second.
    pub fn polling(every: Duration) -> Self {
        Self { poll: Some(every.max(Duration::from_secs(1))) }
    }
}

/// A line whose files are watched as long as this is held.
pub(crate) struct Watched<S: Source> {
    line: Arc<Line<S>>,
    _watch: Option<Watch>,
}

impl<S: Source> Watched<S> {
    /// Loads the first generation, and watches the files from then on.
    pub(crate) fn start(source: S, watching: Watching) -> Result<Arc<Self>, ReloadError> {
        let line = Arc::new(Line::new(source)?);
        let watch = Watch::start(&line, watching)?;
        Ok(Arc::new(Self { line, _watch: watch }))
    }
}

impl<S: Source> Deref for Watched<S> {
    type Target = Line<S>;

    fn deref(&self) -> &Line<S> {
        &self.line
    }
}

/// Has its thread end when it is dropped.
struct Watch {
    stopped: Arc<AtomicBool>,
    wake: SyncSender<()>,
}

impl Watch {
    /// Watches the files of a line from now on, on a thread of its own; `None` where it shall not.
    fn start<S: Source>(line: &Arc<Line<S>>, watching: Watching) -> Result<Option<Self>, ReloadError> {
        let Some(poll) = watching.poll else { return Ok(None) };
        // One wake-up stands for all that came before it is heard.
        let (wake, wakes) = sync_channel(1);
        let watch = Self { stopped: Arc::default(), wake: wake.clone() };
        let thread = Thread { line: Arc::downgrade(line), stopped: watch.stopped.clone(), wakes, poll };
        let spawned = thread::Builder::new().name("polytls-reload".into()).spawn(move || thread.run(wake));
        spawned.map_err(|error| ReloadError::Watch { reason: error.to_string() })?;
        Ok(Some(watch))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        // A wake-up that is there already does as well.
        let _ = self.wake.try_send(());
    }
}

struct Thread<S: Source> {
    line: Weak<Line<S>>,
    stopped: Arc<AtomicBool>,
    wakes: Receiver<()>,
    poll: Duration,
}

impl<S: Source> Thread<S> {
    fn run(self, wake: SyncSender<()>) {
        let mut events = Events::new(wake);
        while !self.stopped.load(Ordering::Acquire) {
            let Some(line) = self.line.upgrade() else { return };
            // First the watching, then the look: what changes in between is noticed too.
            events.watch(directories(&line.source().places()));
            let _ = line.reload(Trigger::Noticed);
            drop(line);
            self.wait();
        }
    }

    /// Until something may have changed.
    fn wait(&self) {
        if self.wakes.recv_timeout(self.poll) != Ok(()) {
            return;
        }
        let first = Instant::now();
        while first.elapsed() < SETTLE_AT_MOST && !self.stopped.load(Ordering::Acquire) {
            if let Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) =
                self.wakes.recv_timeout(SETTLE)
            {
                return;
            }
        }
    }
}

/// The file system's events; none where it has none to give, and then polling has to do.
struct Events {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
}

impl Events {
    fn new(wake: SyncSender<()>) -> Self {
        let on_event = move |event: notify::Result<Event>| {
            if is_change(&event) {
                let _ = wake.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(on_event);
        if let Err(error) = &watcher {
            tracing::warn!(target: "polytls::reload", %error, "no events of the file system; files are polled alone");
        }
        Self { watcher: watcher.ok(), watched: BTreeSet::new() }
    }

    /// Watches these directories and no others. Each anew: another may be under the same name by now.
    fn watch(&mut self, directories: BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for directory in std::mem::take(&mut self.watched) {
            // It may be gone.
            let _ = watcher.unwatch(&directory);
        }
        for directory in directories {
            match watcher.watch(&directory, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(directory);
                }
                Err(error) => {
                    tracing::debug!(target: "polytls::reload", %error, ?directory, "not watched, but polled");
                }
            }
        }
    }
}

/// Whether content may have changed: reading it, as is done here, is an event too.
fn is_change(event: &notify::Result<Event>) -> bool {
    match event {
        Ok(event) => match event.kind {
            EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
            _ => true,
        },
        // Events were lost, perhaps.
        Err(_) => true,
    }
}
