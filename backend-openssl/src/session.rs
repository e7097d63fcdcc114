//! An established connection of TLS 1.2: OpenSSL's record layer over the connection's own buffers.

use std::{borrow::Cow, fmt, io::IoSlice};

use openssl::ssl::{self, ErrorCode, ShutdownState, SslStream};
use polytls_api::{
    Buffer, CipherSuite, ConfigError, Error, ErrorKind, Opened, Phase, Session, SessionHalves,
};

use crate::{NAME, drive::forget_errors, error, export::export_keying_material, wire::Wire};

/// The most plaintext of one record (RFC 5246 §6.2.1), and of one call to `seal`.
pub(crate) const RECORD: usize = 16 * 1024;
const SEALED_PER_CALL: usize = 64 * 1024;

/// How much may wait to be sent before a peer that makes OpenSSL answer has gone too far: well over what a
/// writer that waits for its turn leaves there.
const ANSWERS_LIMIT: usize = 512 * 1024;

/// An established connection.
pub(crate) struct OpenSslSession {
    stream: SslStream<Wire>,
    /// Why nothing works any more.
    failure: Option<Error>,
    /// OpenSSL may have plaintext that was not asked for yet.
    may_be_pending: bool,
    /// The most plaintext of a record that is sent.
    record: usize,
    /// Records that may still be sealed.
    records_left: u64,
}

impl OpenSslSession {
    pub(crate) fn new(stream: SslStream<Wire>, cipher_suite: CipherSuite, record: usize) -> Self {
        let records_left = records_per_key(cipher_suite);
        Self { stream, failure: None, may_be_pending: true, record, records_left }
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

    fn write(&mut self, mut plaintext: &[u8]) -> Result<(), Error> {
        while !plaintext.is_empty() {
            // OpenSSL leaves it to its user how many records a key protects.
            if self.records_left == 0 {
                return Err(established(ErrorKind::KeysExhausted));
            }
            let count = self.stream.ssl_write(plaintext).map_err(established_error)?;
            self.records_left = self.records_left.saturating_sub(count.div_ceil(self.record) as u64);
            plaintext = &plaintext[count..];
        }
        Ok(())
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
}

impl Session for OpenSslSession {
    fn seal(&mut self, plaintext: &[IoSlice<'_>], outgoing: &mut Buffer) -> Result<usize, Error> {
        self.check()?;
        let piece = first_piece(plaintext);
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
            return Err(self.fail(established(ErrorKind::LimitExceeded)));
        }
        if !self.may_be_pending && !self.stream.get_ref().would_read(incoming.filled()) {
            return Ok(self.end());
        }
        let (count, stopped) = self.with_buffers(incoming, outgoing, |session| session.read(plaintext));
        match stopped {
            None => {}
            Some(error) if error.code() == ErrorCode::ZERO_RETURN => {}
            Some(error) => {
                let failure = self.fail(established_error(error));
                // What came before the failure is good; the next call reports it.
                return if count > 0 { Ok(Opened::Data(count)) } else { Err(failure) };
            }
        }
        Ok(if count > 0 { Opened::Data(count) } else { self.end() })
    }

    fn close(&mut self, outgoing: &mut Buffer) -> Result<(), Error> {
        self.check()?;
        let closed = self.with_buffers(&mut Buffer::new(), outgoing, |session| session.stream.shutdown());
        closed.map(drop).map_err(|error| self.fail(established_error(error)))
    }

    fn update_keys(&mut self, _ask_peer: bool, _outgoing: &mut Buffer) -> Result<(), Error> {
        self.check()?;
        Err(established(ErrorKind::Config(ConfigError::no_key_update())))
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: Option<&[u8]>,
    ) -> Result<(), Error> {
        self.check()?;
        export_keying_material(self.stream.ssl(), output, label, context)
    }

    fn split(self: Box<Self>) -> SessionHalves {
        // One object of the library's serves both directions.
        SessionHalves::behind_a_lock(self)
    }
}

fn established_error(error: ssl::Error) -> Error {
    error::connection(error, Phase::Established)
}

fn established(kind: ErrorKind) -> Error {
    Error::new(kind).in_phase(Phase::Established).on_backend(NAME)
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
fn records_per_key(suite: CipherSuite) -> u64 {
    let chacha = suite.name().is_some_and(|name| name.contains("CHACHA20_POLY1305"));
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
        f.debug_struct("OpenSslSession").field("failure", &self.failure).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
