//! The halves of a session: together they are a session again, and any session has some.

use std::{
    io::IoSlice,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{Buffer, Error, Opened, ReceivingHalf, SendingHalf, Session, SessionHalves};

/// How much may wait to be sent before a library's answers stay with it, where it has a bound on them.
const ANSWERS_WAIT: usize = 64 * 1024;

impl SessionHalves {
    /// Halves of a session that does not come apart: each holds a lock for the length of a call.
    pub fn behind_a_lock(session: Box<dyn Session>) -> Self {
        let state = Mutex::new(Locked { session, answers: Buffer::new(), failed: false });
        let shared = Arc::new(Shared { state, has_answer: AtomicBool::new(false) });
        Self {
            sending: Box::new(LockedSending(shared.clone())),
            receiving: Box::new(LockedReceiving(shared)),
        }
    }
}

impl Session for SessionHalves {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        self.sending.seal(plaintext, outgoing)
    }

    fn open(
        &mut self,
        incoming: &mut Buffer,
        outgoing: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<Opened, Error> {
        let opened = self.receiving.open(incoming, plaintext);
        self.sending.answer(outgoing);
        opened
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        self.sending.close(outgoing)
    }

    fn update_keys(&mut self, ask_peer: bool, outgoing: &mut Buffer) -> Result<(), Error> {
        self.sending.update_keys(ask_peer, outgoing)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.sending.export_keying_material(output, label, context)
    }

    fn split(self: Box<Self>) -> SessionHalves {
        *self
    }
}

/// A session for both halves.
#[derive(Debug)]
struct Shared {
    state: Mutex<Locked>,
    /// Whether there are answers; changed under the lock alone.
    has_answer: AtomicBool,
}

#[derive(Debug)]
struct Locked {
    session: Box<dyn Session>,
    /// What opening appended to be sent. It goes out before all that is sealed after it.
    answers: Buffer,
    /// Opening has failed: the last of the answers is the alert, and there will be no more.
    failed: bool,
}

#[derive(Debug)]
struct LockedSending(Arc<Shared>);

#[derive(Debug)]
struct LockedReceiving(Arc<Shared>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session, when all that it has answered is in `outgoing`.
    fn lock_to_send(&self, outgoing: &mut Buffer) -> MutexGuard<'_, Locked> {
        let mut locked = self.lock();
        self.take_answers(&mut locked, outgoing);
        locked
    }

    fn take_answers(&self, locked: &mut Locked, outgoing: &mut Buffer) {
        if !locked.answers.is_empty() {
            outgoing.extend(locked.answers.filled());
            locked.answers = Buffer::new();
            self.has_answer.store(false, Ordering::Release);
        }
    }
}

impl SendingHalf for LockedSending {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        self.0.lock_to_send(outgoing).session.seal(plaintext, outgoing)
    }

    fn answer(&mut self, outgoing: &mut Buffer) {
        if self.0.has_answer.load(Ordering::Acquire) {
            let mut locked = self.0.lock();
            // Nobody may come back for the last ones: each side of the application sees the failure, and may end.
            if locked.failed || outgoing.len() < ANSWERS_WAIT {
                self.0.take_answers(&mut locked, outgoing);
            }
        }
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        self.0.lock_to_send(outgoing).session.close(outgoing)
    }

    fn update_keys(&mut self, ask_peer: bool, outgoing: &mut Buffer) -> Result<(), Error> {
        self.0.lock_to_send(outgoing).session.update_keys(ask_peer, outgoing)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.0.lock().session.export_keying_material(output, label, context)
    }
}

impl ReceivingHalf for LockedReceiving {
    fn open(&mut self, incoming: &mut Buffer, plaintext: &mut [u8]) -> Result<Opened, Error> {
        let mut locked = self.0.lock();
        let Locked { session, answers, failed } = &mut *locked;
        let opened = session.open(incoming, answers, plaintext);
        *failed |= opened.is_err();
        if !answers.is_empty() {
            self.0.has_answer.store(true, Ordering::Release);
        }
        opened
    }

    fn has_answer(&self) -> bool {
        self.0.has_answer.load(Ordering::Acquire)
    }
}
