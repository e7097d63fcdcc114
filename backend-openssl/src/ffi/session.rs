//! Sessions: where a client's may be offered again, and where a server finds its own.

use foreign_types::ForeignTypeRef;
use openssl::ssl::{SslContext, SslContextBuilder, SslRef, SslSession, SslSessionRef};
use openssl_sys as sys;

use crate::connection::Connection;

// As OpenSSL 3.0 to 3.6 declare it in `openssl/ssl.h`.
unsafe extern "C" {
    fn SSL_SESSION_get_ticket_lifetime_hint(session: *const sys::SSL_SESSION) -> std::ffi::c_ulong;
}

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

    /// Offers it for resumption, and says how much early data it allows; refuses on a connection of another context.
    pub(crate) fn offer(&self, ssl: &mut SslRef) -> Option<u32> {
        if !std::ptr::eq(ssl.ssl_context(), &*self.context) {
            return None;
        }
        // SAFETY: the function wants session and connection to be of one context. They are: the session's own
        // is held alive here, so that its address is no other's.
        unsafe { ssl.set_session(&self.session) }.ok()?;
        Some(self.session.max_early_data())
    }
}

/// Offers a session in OpenSSL's encoding, and says how much early data it allows; refuses what is none.
pub(crate) fn offer_foreign(ssl: &mut SslRef, encoded: &[u8]) -> Option<u32> {
    let session = SslSession::from_der(encoded).ok()?;
    // SAFETY: the function wants session and connection to be of one context. A session that was decoded just now is
    // of none yet.
    unsafe { ssl.set_session(&session) }.ok()?;
    Some(session.max_early_data())
}

/// For how many seconds the server says that a ticket may be used; 0 where it does not say.
pub(crate) fn ticket_lifetime_hint(session: &SslSessionRef) -> u64 {
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
