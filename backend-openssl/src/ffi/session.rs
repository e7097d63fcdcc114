//! Sessions: where a client's may be offered again, and where a server finds its own.

use std::time::{Duration, SystemTime};

use foreign_types::ForeignTypeRef;
use openssl::ssl::{SslContext, SslContextBuilder, SslRef, SslSession, SslSessionRef, SslVersion};
use openssl_sys as sys;

use crate::connection::Connection;

// As OpenSSL 3.0 to 3.6 declare it in `openssl/ssl.h`.
unsafe extern "C" {
    fn SSL_SESSION_get_ticket_lifetime_hint(session: *const sys::SSL_SESSION) -> std::ffi::c_ulong;
}

/// RFC 8446 §4.6.1: no ticket is used for longer.
const SEVEN_DAYS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A session, together with the context of the connection that it is from.
pub(crate) struct ResumableSession {
    context: SslContext,
    session: SslSession,
}

impl ResumableSession {
    /// The session of a connection, if it has one.
    pub(crate) fn of(ssl: &SslRef) -> Option<Self> {
        Some(Self { context: ssl.ssl_context().to_owned(), session: ssl.session()?.to_owned() })
    }

    /// As [`is_live`].
    pub(crate) fn is_live(&self) -> bool {
        is_live(&self.session)
    }

    /// Offers it for resumption, and says how much early data it allows; refuses one that is not live, and a connection
    /// of another context.
    pub(crate) fn offer(&self, ssl: &mut SslRef) -> Option<u32> {
        if !self.is_live() || !std::ptr::eq(ssl.ssl_context(), &*self.context) {
            return None;
        }
        // SAFETY: the function wants session and connection to be of one context. They are: the session's own
        // is held alive here, so that its address is no other's.
        unsafe { ssl.set_session(&self.session) }.ok()?;
        Some(self.session.max_early_data())
    }
}

#[cfg(test)]
impl ResumableSession {
    /// Puts the time at which it began back by this much.
    pub(crate) fn make_older(&self, age: Duration) {
        unsafe extern "C" {
            fn SSL_SESSION_set_time(
                session: *mut sys::SSL_SESSION,
                time: std::ffi::c_long,
            ) -> std::ffi::c_long;
        }
        let time = self.session.time() - i64::try_from(age.as_secs()).unwrap();
        // SAFETY: the session is held here, and a number is stored in it; no other thread of a test has it.
        unsafe { SSL_SESSION_set_time(self.session.as_ptr(), time) };
    }
}

/// Offers a session in OpenSSL's encoding, and says how much early data it allows; refuses what is none, or not live.
pub(crate) fn offer_foreign(ssl: &mut SslRef, encoded: &[u8]) -> Option<u32> {
    let session = SslSession::from_der(encoded).ok().filter(|session| is_live(session))?;
    // SAFETY: the function wants session and connection to be of one context. A session that was decoded just now is
    // of none yet.
    unsafe { ssl.set_session(&session) }.ok()?;
    Some(session.max_early_data())
}

/// Whether a client may still offer the session, whose ticket in TLS 1.3 is used for as long as its server said and no
/// longer (RFC 8446 §4.6.1); zero says not at all.
///
/// Nobody else sees to it: OpenSSL leaves a ticket that is too old out of the hello without a word, and encrypts early data
/// all the same, under a key that is made of zeros.
pub(crate) fn is_live(session: &SslSessionRef) -> bool {
    if session.protocol_version() != SslVersion::TLS1_3 {
        return true;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let age = u64::try_from(session.time()).ok().and_then(|begun| now.checked_sub(begun));
    age.is_some_and(|age| age < ticket_lifetime_hint(session).min(SEVEN_DAYS.as_secs()))
}

/// For how long a client may keep a session: as long as the server says, else as OpenSSL has it in TLS 1.2.
pub(crate) fn lifetime(session: &SslSessionRef) -> Duration {
    let seconds = match ticket_lifetime_hint(session) {
        0 if session.protocol_version() != SslVersion::TLS1_3 => {
            u64::try_from(session.timeout()).unwrap_or_default()
        }
        hint => hint,
    };
    Duration::from_secs(seconds).min(SEVEN_DAYS)
}

/// For how many seconds the server says that a ticket may be used; in TLS 1.2 0 where it does not say.
fn ticket_lifetime_hint(session: &SslSessionRef) -> u64 {
    // SAFETY: the session is borrowed, and only read.
    unsafe { SSL_SESSION_get_ticket_lifetime_hint(session.as_ptr()) as u64 }
}

/// Has a server look for a session among those that its [`Connection`] was given beforehand.
pub(crate) fn look_up_sessions(builder: &mut SslContextBuilder) {
    // SAFETY: the callback must not return a session of another context. What a connection was given was decoded for
    // it, and is of none.
    unsafe {
        builder.set_get_session_callback(|ssl, id| Connection::of(ssl)?.stored_sessions.as_ref()?.find(id));
    }
}
