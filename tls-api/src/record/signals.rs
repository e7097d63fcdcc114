//! What passes between the sending and the receiving part of a session: the only thing that both touch.

use std::sync::{
    OnceLock,
    atomic::{AtomicU8, Ordering},
};

use super::KeySchedule;
use crate::{Error, ErrorKind, Phase};

/// The peer has asked for new keys, and none were sent since (RFC 8446 §4.6.3).
const KEY_UPDATE_OWED: u8 = 1;
/// RFC 9846: the peer was asked for new keys, and none have come since.
const KEY_UPDATE_ASKED: u8 = 2;
/// The peer has not been told yet why the connection is over.
const ALERT_OWED: u8 = 4;
/// The peer has not been told yet that there is no renegotiation.
const WARNING_OWED: u8 = 8;

/// Flags that either part sets, and why nothing works any more.
///
/// In a whole session it stands beside the parts, in halves behind an `Arc`. A flag is set after what it stands for,
/// and cleared before that is done: whatever is asked for meanwhile is asked for once more.
#[derive(Debug)]
pub(super) struct Signals {
    pub(super) backend: &'static str,
    flags: AtomicU8,
    failure: OnceLock<Error>,
}

impl Signals {
    pub(super) fn new(backend: &'static str) -> Self {
        Self { backend, flags: AtomicU8::new(0), failure: OnceLock::new() }
    }

    /// An error of the established connection.
    pub(super) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind).in_phase(Phase::Established).on_backend(self.backend)
    }

    /// Why nothing works on this connection any more.
    pub(super) fn failure(&self) -> Option<&Error> {
        self.failure.get()
    }

    /// The connection is over, and this says why, unless it was over already.
    pub(super) fn fail(&self, error: Error) -> Error {
        self.failure.get_or_init(|| error).clone()
    }

    /// The connection is over, and the peer is to be told by the alert in the error.
    pub(super) fn fail_with_alert(&self, error: Error) {
        if self.failure.set(error).is_ok() {
            self.raise(ALERT_OWED);
        }
    }

    pub(super) fn owe_key_update(&self) {
        self.raise(KEY_UPDATE_OWED);
    }

    pub(super) fn owes_key_update(&self) -> bool {
        self.are_raised(KEY_UPDATE_OWED)
    }

    pub(super) fn key_update_is_sent(&self) {
        self.lower(KEY_UPDATE_OWED);
    }

    /// Whether the peer may be asked for new keys: it has answered the last request.
    pub(super) fn ask_for_key_update(&self) -> bool {
        self.flags.fetch_or(KEY_UPDATE_ASKED, Ordering::AcqRel) & KEY_UPDATE_ASKED == 0
    }

    pub(super) fn key_update_has_come(&self) {
        self.lower(KEY_UPDATE_ASKED);
    }

    pub(super) fn owe_warning(&self) {
        self.raise(WARNING_OWED);
    }

    /// Whether the sending part has something to send that does not wait for data.
    pub(super) fn have_answer(&self) -> bool {
        self.are_raised(ALERT_OWED | WARNING_OWED)
    }

    /// Whether a fatal alert is owed; from here on it is not.
    pub(super) fn take_alert(&self) -> bool {
        self.lower(ALERT_OWED)
    }

    /// Whether a warning is owed; from here on it is not.
    pub(super) fn take_warning(&self) -> bool {
        self.lower(WARNING_OWED)
    }

    fn are_raised(&self, flags: u8) -> bool {
        self.flags.load(Ordering::Acquire) & flags != 0
    }

    fn raise(&self, flag: u8) {
        self.flags.fetch_or(flag, Ordering::AcqRel);
    }

    fn lower(&self, flag: u8) -> bool {
        self.flags.fetch_and(!flag, Ordering::AcqRel) & flag != 0
    }
}

/// What a part has in common with the other, for the length of a call.
pub(super) struct Common<'a> {
    pub(super) signals: &'a Signals,
    pub(super) schedule: &'a mut dyn KeySchedule,
}
