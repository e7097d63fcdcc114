//! What the crate boring leaves to unsafe code.
#![allow(unsafe_code, reason = "a client's session and the number of tickets have no other door")]

use boring::{
    error::ErrorStack,
    ssl::{ConnectConfiguration, SslContextBuilder, SslSession},
};

/// Resumes a session that the same connector was given.
pub(crate) fn set_session(
    configuration: &mut ConnectConfiguration,
    session: &SslSession,
) -> Result<(), ErrorStack> {
    // SAFETY: the session must be of the context that the connection is of. Only the connector's own callback keeps
    // sessions, and only that connector's connections are given them.
    unsafe { configuration.set_session(session) }
}

/// How many tickets a server gives to a connection of TLS 1.3. BoringSSL's default: 2.
pub(crate) fn set_num_tickets(context: &mut SslContextBuilder, tickets: usize) -> Result<(), ErrorStack> {
    // SAFETY: the pointer is to the context that the builder owns, and nothing of it is kept.
    match unsafe { boring_sys::SSL_CTX_set_num_tickets(context.as_ptr(), tickets) } {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}
