//! A gate that slow hooks wait at, and a handshake that stands still there.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    rc::Rc,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Poll, Waker},
};

use polytls_api::{Error, HandshakeError};

use crate::{
    behaviour::{Stop, ensure, ensure_eq, failed},
    pair::Side,
    pipe::{Direction, PipeEnd, Wire, pipe},
    quiet::{Quiet, Rest},
    scene::{Ends, Stream},
};

/// What a hook waits at before it answers.
#[derive(Debug)]
pub(crate) struct Gate {
    open: AtomicBool,
    asked: AtomicUsize,
    waiting: Mutex<Vec<Waker>>,
}

impl Gate {
    pub(crate) fn new(open: bool) -> Self {
        Self { open: AtomicBool::new(open), asked: AtomicUsize::new(0), waiting: Mutex::default() }
    }

    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn shut(&self) {
        self.open.store(false, Ordering::Release);
        self.asked.store(0, Ordering::Release);
    }

    /// How often somebody came to it, since it was shut.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Acquire)
    }

    /// Waits until it is open.
    pub(crate) async fn pass(&self) {
        self.asked.fetch_add(1, Ordering::AcqRel);
        poll_fn(|cx| {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if self.open.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            waiting.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// What became of a handshake so far; `None` while it runs.
type Slot = Rc<RefCell<Option<Result<Stream, Error>>>>;

/// A handshake that stands still.
pub(crate) struct Standstill {
    client: Slot,
    server: Slot,
    /// What the client wrote.
    pub(crate) from_client: Direction,
    /// What the server wrote.
    pub(crate) from_server: Direction,
}

impl Standstill {
    /// Goes on if the client's handshake has not ended.
    pub(crate) fn client_waits(&self) -> Result<(), Stop> {
        ensure(self.client.borrow().is_none(), || "the client was done before the hook answered".into())
    }

    /// Goes on if the server's handshake has not ended.
    pub(crate) fn server_waits(&self) -> Result<(), Stop> {
        ensure(self.server.borrow().is_none(), || "the server was done before the hook answered".into())
    }
}

/// How both sides' handshakes ended.
pub(crate) struct Outcomes {
    pub(crate) client: Result<Stream, Error>,
    pub(crate) server: Result<Stream, Error>,
}

/// A handshake that stands still at a gate, is looked at, and goes on once the gate is open.
pub(crate) fn at_the_gate(
    ends: &Ends,
    gate: &Gate,
    waiting: impl FnOnce(&Standstill) -> Result<(), Stop>,
) -> Result<Outcomes, Stop> {
    let (near, far) = pipe(Wire::default(), Wire::default());
    let (from_client, from_server) = (near.writing(), far.writing());
    let (client, server) = (Slot::default(), Slot::default());
    let still = Standstill { client: client.clone(), server: server.clone(), from_client, from_server };
    let mut tasks = Quiet::new();
    tasks.add(async {
        let outcome = ends.connector.connect(&ends.name, near).await;
        *client.borrow_mut() = Some(outcome.map_err(HandshakeError::into_error));
    });
    tasks.add(async {
        let outcome = ends.acceptor.accept(far).await;
        *server.borrow_mut() = Some(outcome.map_err(HandshakeError::into_error));
    });
    let rest = tasks.run_with_threads(|| gate.asked() > 0);
    ensure_eq(rest, Rest::Stalled, "the handshake while its hook thinks")?;
    ensure(gate.asked() > 0, || "the handshake waits for something else than its hook".into())?;
    waiting(&still)?;
    gate.open();
    ensure_eq(tasks.run_with_threads(|| false), Rest::Done, "the handshake after the answer")?;
    drop(tasks);
    match (client.take(), server.take()) {
        (Some(client), Some(server)) => Ok(Outcomes { client, server }),
        _ => failed("a side has no outcome"),
    }
}

/// Drops one side's handshake at the gate, which stays shut: the peer's must end, and never in a connection.
pub(crate) async fn dropped_at_the_gate(ends: &Ends, gate: &Gate, dropped: Side) -> Result<(), Stop> {
    let (near, far) = pipe(Wire::default(), Wire::default());
    let client = ends.connector.connect(&ends.name, near);
    let server = ends.acceptor.accept(far);
    let outcomes = tokio::join!(
        dropped_once_asked(client, gate, dropped == Side::Client),
        dropped_once_asked(server, gate, dropped == Side::Server),
    );
    match outcomes {
        (None, Some(Err(_))) | (Some(Err(_)), None) => Ok(()),
        other => failed(format!("one must be dropped and the other fail: {other:?}")),
    }
}

async fn dropped_once_asked(
    handshake: impl Future<Output = Result<Stream, HandshakeError<PipeEnd>>>,
    gate: &Gate,
    drops: bool,
) -> Option<Result<&'static str, Error>> {
    tokio::select! {
        biased;
        outcome = handshake => Some(outcome.map(|_| "connected").map_err(HandshakeError::into_error)),
        () = asked(gate), if drops => None,
    }
}

async fn asked(gate: &Gate) {
    while gate.asked() == 0 {
        tokio::task::yield_now().await;
    }
}
