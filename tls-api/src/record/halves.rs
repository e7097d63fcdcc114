//! The parts of a session on their own: two tasks use them at once.
//!
//! Data takes no lock. The schedule has one, for new keys, tickets and exports alone.

use std::{
    fmt,
    io::IoSlice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    KeySchedule, TrafficKeys,
    receiving::Receiving,
    sending::Sending,
    signals::{Common, Signals},
};
use crate::{Buffer, Error, Opened, ReceivingHalf, SendingHalf, SessionHalves};

/// What both halves hold.
#[derive(Debug)]
struct Shared {
    signals: Signals,
    schedule: Mutex<Box<dyn KeySchedule>>,
}

struct RecordSendingHalf {
    sending: Sending,
    shared: Arc<Shared>,
}

struct RecordReceivingHalf {
    receiving: Receiving,
    shared: Arc<Shared>,
}

/// The parts of a session as halves.
pub(super) fn apart(
    sending: Sending,
    receiving: Receiving,
    signals: Signals,
    schedule: Box<dyn KeySchedule>,
) -> SessionHalves {
    let shared = Arc::new(Shared { signals, schedule: Mutex::new(schedule) });
    SessionHalves {
        sending: Box::new(RecordSendingHalf { sending, shared: shared.clone() }),
        receiving: Box::new(RecordReceivingHalf { receiving, shared }),
    }
}

impl SendingHalf for RecordSendingHalf {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        let Self { sending, shared } = self;
        shared.with(|common| sending.seal(plaintext, outgoing, common))
    }

    fn answer(&mut self, outgoing: &mut Buffer) {
        self.sending.answer(outgoing, &self.shared.signals);
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        self.sending.close(outgoing, &self.shared.signals)
    }

    fn update_keys(&mut self, ask_peer: bool, outgoing: &mut Buffer) -> Result<(), Error> {
        let Self { sending, shared } = self;
        shared.with(|common| sending.update_keys(ask_peer, outgoing, common))
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        lock(&self.shared.schedule).export_keying_material(output, label, context)
    }
}

impl ReceivingHalf for RecordReceivingHalf {
    fn open(&mut self, incoming: &mut Buffer, plaintext: &mut [u8]) -> Result<Opened, Error> {
        let Self { receiving, shared } = self;
        shared.with(|common| receiving.open(incoming, plaintext, common))
    }

    fn has_answer(&self) -> bool {
        self.shared.signals.have_answer()
    }
}

impl Shared {
    fn with<T>(&self, call: impl FnOnce(&mut Common<'_>) -> T) -> T {
        call(&mut Common { signals: &self.signals, schedule: &mut &self.schedule })
    }
}

/// A schedule that is locked for as long as it is asked.
impl KeySchedule for &Mutex<Box<dyn KeySchedule>> {
    fn next_sending_keys(&mut self) -> Result<TrafficKeys, Error> {
        lock(self).next_sending_keys()
    }

    fn next_receiving_keys(&mut self) -> Result<TrafficKeys, Error> {
        lock(self).next_receiving_keys()
    }

    fn new_session_ticket(&mut self, body: &[u8]) -> Result<(), Error> {
        lock(self).new_session_ticket(body)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        lock(self).export_keying_material(output, label, context)
    }
}

fn lock(schedule: &Mutex<Box<dyn KeySchedule>>) -> MutexGuard<'_, Box<dyn KeySchedule>> {
    schedule.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for RecordSendingHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordSendingHalf")
            .field("backend", &self.shared.signals.backend)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RecordReceivingHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordReceivingHalf")
            .field("backend", &self.shared.signals.backend)
            .finish_non_exhaustive()
    }
}
