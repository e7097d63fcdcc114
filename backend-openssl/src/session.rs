//! An established connection: OpenSSL's record layer over the connection's own buffers.
//!
//! OpenSSL writes nothing while a handshake message of the peer's, a ticket for example, has come only in part. What
//! is to be sent meanwhile is held here until the rest has come.

use std::{borrow::Cow, fmt, io::IoSlice, sync::atomic::Ordering};

use openssl::{
    error::ErrorStack,
    ssl::{self, ErrorCode, ShutdownState, SslStream},
};
use polytls_api::{
    Buffer, CipherSuite, ConfigError, Error, ErrorKind, Opened, Phase, ProtocolVersion, Session,
    SessionHalves,
};
use zeroize::Zeroizing;

use crate::{
    NAME, connection::Connection, drive::forget_errors, error, ffi, session_store::Keeper, wire::Wire,
};

/// The most plaintext of one record (RFC 8446 §5.1), and of one call to `seal`.
pub(crate) const RECORD: usize = 16 * 1024;
const SEALED_PER_CALL: usize = 64 * 1024;

/// How much may wait to be sent before a peer that makes OpenSSL answer has gone too far: well over what a
/// writer that waits for its turn leaves there.
const ANSWERS_LIMIT: usize = 512 * 1024;

/// How much is held back for a peer that does not complete its message.
const HELD_LIMIT: usize = 256 * 1024;

/// An established connection.
pub(crate) struct OpenSslSession {
    stream: SslStream<Wire>,
    version: ProtocolVersion,
    /// Why nothing works any more.
    failure: Option<Error>,
    /// OpenSSL may have plaintext that was not asked for yet.
    may_be_pending: bool,
    /// The most plaintext of a record that is sent.
    record: usize,
    /// Records that may be sealed under one key, and how many of them are left under this one.
    records_per_key: u64,
    records_left: u64,
    /// What waits for the rest of a message of the peer's.
    held: Option<Box<Held>>,
    /// On a client with a store: where its sessions go.
    keeper: Option<Keeper>,
}

/// What is to be sent as soon as OpenSSL can write again.
#[derive(Default)]
struct Held {
    plaintext: Zeroizing<Vec<u8>>,
    /// Keys are to be renewed, before the plaintext; whether the peer is asked to do the same.
    key_update: Option<bool>,
    close: bool,
}

impl OpenSslSession {
    pub(crate) fn new(
        stream: SslStream<Wire>,
        version: ProtocolVersion,
        cipher_suite: Option<CipherSuite>,
        record: usize,
    ) -> Self {
        let records_per_key = records_per_key(cipher_suite);
        Self {
            stream,
            version,
            failure: None,
            may_be_pending: true,
            record,
            records_per_key,
            records_left: records_per_key,
            held: None,
            keeper: None,
        }
    }

    /// Hands the sessions that come from here on to a store.
    pub(crate) fn keep_sessions(&mut self, keeper: Keeper) {
        self.keeper = Some(keeper);
        self.keep_new_sessions();
    }

    fn keep_new_sessions(&self) {
        let Some(keeper) = &self.keeper else { return };
        let connection = Connection::of(self.stream.ssl());
        if let Some(sessions) = connection.and_then(|connection| connection.stored_sessions.as_ref()) {
            keeper.keep_new(sessions);
        }
    }

    fn check(&self) -> Result<(), Error> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    fn fail(&mut self, failure: Error) -> Error {
        self.failure.insert(failure).clone()
    }

    /// Calls OpenSSL with these buffers.
    fn with_buffers<T>(
        &mut self,
        incoming: &mut Buffer,
        outgoing: &mut Buffer,
        call: impl FnOnce(&mut Self) -> T,
    ) -> T {
        forget_errors();
        self.stream.get_mut().swap(incoming, outgoing);
        let result = call(self);
        self.stream.get_mut().swap(incoming, outgoing);
        result
    }

    /// Whether a handshake message of the peer's has come only in part.
    fn is_in_message(&self) -> bool {
        !self.stream.ssl().is_init_finished()
    }

    fn write(&mut self, mut plaintext: &[u8]) -> Result<(), Error> {
        while !plaintext.is_empty() {
            self.renew_exhausted_keys()?;
            let count = self.stream.ssl_write(plaintext).map_err(established_error)?;
            self.records_left = self.records_left.saturating_sub(count.div_ceil(self.record) as u64);
            plaintext = &plaintext[count..];
        }
        Ok(())
    }

    /// RFC 8446 §5.5: no key protects more records than it may. OpenSSL leaves that to its user.
    fn renew_exhausted_keys(&mut self) -> Result<(), Error> {
        if self.records_left > 0 {
            return Ok(());
        }
        if self.version == ProtocolVersion::Tls12 {
            let error = Error::new(ErrorKind::KeysExhausted).in_phase(Phase::Established);
            return Err(error.on_backend(NAME));
        }
        self.renew_keys(false)
    }

    /// Has the next record written be a KeyUpdate (RFC 8446 §4.6.3).
    fn renew_keys(&mut self, ask_peer: bool) -> Result<(), Error> {
        let ask_peer = ask_peer && self.may_ask_peer();
        ffi::update_keys(&mut self.stream, ask_peer).map_err(established_fault)?;
        self.records_left = self.records_per_key;
        Ok(())
    }

    /// RFC 9846 §4.7.3: while one request is not answered, there is no other.
    fn may_ask_peer(&mut self) -> bool {
        let Some(connection) = Connection::of(self.stream.ssl()) else { return false };
        if connection.key_update_asked.swap(true, Ordering::Relaxed) {
            return false;
        }
        ffi::note_key_updates(&mut self.stream);
        true
    }

    /// Reads records until the buffer is full, there is none left, or there is a reason to stop.
    fn read(&mut self, plaintext: &mut [u8]) -> (usize, Option<ssl::Error>) {
        let mut count = 0;
        while count < plaintext.len() && (self.may_be_pending || self.stream.get_ref().has_record()) {
            match self.stream.ssl_read(&mut plaintext[count..]) {
                Ok(read) => count += read,
                // It has read all there is.
                Err(error) if error.code() == ErrorCode::WANT_READ => {
                    self.may_be_pending = false;
                    break;
                }
                Err(error) => return (count, Some(error)),
            }
            self.may_be_pending = count == plaintext.len() && self.stream.ssl().pending() > 0;
        }
        (count, None)
    }

    /// The end of a call without data.
    fn end(&mut self) -> Opened {
        // Only close_notify sets this, and it stays.
        match self.stream.get_shutdown().contains(ShutdownState::RECEIVED) {
            true => Opened::Closed,
            false => Opened::NeedMore,
        }
    }

    /// What is held, if the next bytes have to join it.
    fn held(&mut self) -> Option<&mut Held> {
        if self.held.is_some() || self.is_in_message() {
            Some(self.held.get_or_insert_default())
        } else {
            None
        }
    }

    fn hold(&mut self, plaintext: &[u8]) -> Result<usize, Error> {
        let held = self.held.get_or_insert_default();
        if held.plaintext.len() + plaintext.len() > HELD_LIMIT {
            let error = Error::new(ErrorKind::LimitExceeded).in_phase(Phase::Established);
            return Err(error.on_backend(NAME));
        }
        held.plaintext.extend_from_slice(plaintext);
        Ok(plaintext.len())
    }

    /// Sends what was held, if the peer's message is complete by now.
    fn release_held(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        if self.held.is_none() || self.is_in_message() {
            return Ok(());
        }
        let Some(held) = self.held.take() else { return Ok(()) };
        self.with_buffers(&mut Buffer::new(), outgoing, |session| {
            if let Some(ask_peer) = held.key_update {
                session.renew_keys(ask_peer)?;
                session.stream.do_handshake().map_err(established_error)?;
            }
            session.write(&held.plaintext)?;
            if held.close {
                session.stream.shutdown().map_err(established_error)?;
            }
            Ok(())
        })
    }
}

impl Session for OpenSslSession {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        self.check()?;
        let piece = first_piece(plaintext);
        if self.held().is_some() {
            return self.hold(&piece).map_err(|failure| self.fail(failure));
        }
        let written = self.with_buffers(&mut Buffer::new(), outgoing, |session| session.write(&piece));
        written.map(|()| piece.len()).map_err(|failure| self.fail(failure))
    }

    fn open(
        &mut self,
        incoming: &mut Buffer,
        outgoing: &mut Buffer,
        plaintext: &mut [u8],
    ) -> Result<Opened, Error> {
        self.check()?;
        if outgoing.len() > ANSWERS_LIMIT {
            let error = Error::new(ErrorKind::LimitExceeded).in_phase(Phase::Established);
            return Err(self.fail(error.on_backend(NAME)));
        }
        if !self.may_be_pending && !self.stream.get_ref().would_read(incoming.filled()) {
            return Ok(self.end());
        }
        let (count, stopped) = self.with_buffers(incoming, outgoing, |session| session.read(plaintext));
        self.keep_new_sessions();
        match stopped {
            None => {}
            Some(error) if error.code() == ErrorCode::ZERO_RETURN => {}
            Some(error) => {
                let failure = self.fail(established_error(error));
                // What came before the failure is good; the next call reports it.
                return if count > 0 { Ok(Opened::Data(count)) } else { Err(failure) };
            }
        }
        if let Err(failure) = self.release_held(outgoing) {
            let failure = self.fail(failure);
            return if count > 0 { Ok(Opened::Data(count)) } else { Err(failure) };
        }
        Ok(if count > 0 { Opened::Data(count) } else { self.end() })
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        self.check()?;
        if let Some(held) = self.held() {
            held.close = true;
            return Ok(());
        }
        let closed = self.with_buffers(&mut Buffer::new(), outgoing, |session| session.stream.shutdown());
        closed.map(drop).map_err(|error| self.fail(established_error(error)))
    }

    fn update_keys(&mut self, ask_peer: bool, outgoing: &mut Buffer) -> Result<(), Error> {
        self.check()?;
        if self.version == ProtocolVersion::Tls12 {
            let error = Error::from(ConfigError::no_key_update()).in_phase(Phase::Established);
            return Err(error.on_backend(NAME));
        }
        if let Some(held) = self.held() {
            held.key_update = Some(ask_peer || held.key_update == Some(true));
            return Ok(());
        }
        let updated = self.with_buffers(&mut Buffer::new(), outgoing, |session| {
            session.renew_keys(ask_peer)?;
            session.stream.do_handshake().map_err(established_error)
        });
        updated.map_err(|failure| self.fail(failure))
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.check()?;
        let invalid = |reason: String| {
            let error = ConfigError::Invalid { option: "export_keying_material", reason };
            Err(Error::from(error).in_phase(Phase::Established).on_backend(NAME))
        };
        if output.is_empty() {
            return invalid("the output is empty".into());
        }
        // RFC 8446 §7.1 counts the length in 16 bits; in TLS 1.2 OpenSSL would go on for ever.
        if output.len() > usize::from(u16::MAX) {
            return invalid("the output has more than 65535 bytes".into());
        }
        forget_errors();
        match ffi::export_keying_material(self.stream.ssl(), output, label, context) {
            Ok(()) => Ok(()),
            Err(error) => invalid(format!("OpenSSL refuses the label, or an output of this length: {error}")),
        }
    }

    fn split(self: Box<Self>) -> SessionHalves {
        // One object of the library's serves both directions.
        SessionHalves::behind_a_lock(self)
    }
}

fn established_error(error: ssl::Error) -> Error {
    error::connection(error, Phase::Established)
}

fn established_fault(error: ErrorStack) -> Error {
    error::library(error).in_phase(Phase::Established)
}

/// What to seal in one call. OpenSSL makes at least one record of it: small slices go together into one.
fn first_piece<'a>(slices: &'a [IoSlice<'_>]) -> Cow<'a, [u8]> {
    let mut filled = slices.iter().map(|slice| &**slice).filter(|slice| !slice.is_empty());
    let Some(first) = filled.next() else { return Cow::Borrowed(&[]) };
    let Some(second) = filled.next().filter(|_| first.len() < RECORD) else {
        return Cow::Borrowed(&first[..first.len().min(SEALED_PER_CALL)]);
    };
    let mut record = Vec::with_capacity(RECORD);
    for slice in [first, second].into_iter().chain(filled) {
        let room = RECORD - record.len();
        record.extend_from_slice(&slice[..slice.len().min(room)]);
    }
    Cow::Owned(record)
}

/// RFC 8446 §5.5: records that may be sealed under one key.
fn records_per_key(suite: Option<CipherSuite>) -> u64 {
    let chacha = suite.and_then(CipherSuite::name).is_some_and(|name| name.contains("CHACHA20_POLY1305"));
    if chacha { u64::MAX } else { 1 << 24 }
}

impl Drop for OpenSslSession {
    fn drop(&mut self) {
        if self.failure.is_none() {
            // Without this OpenSSL takes a connection that is dropped for a broken one, and its session with
            // it; whether data was cut short is the reader's to say, and no fault of the session's.
            self.stream.set_shutdown(ShutdownState::SENT | ShutdownState::RECEIVED);
        }
    }
}

impl fmt::Debug for OpenSslSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenSslSession")
            .field("version", &self.version)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
