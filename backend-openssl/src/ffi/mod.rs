//! What the `openssl` crate does not wrap, by theme. Nothing outside this folder is unsafe.
//!
//! Every function here is safe to call with anything that its types allow.
#![allow(unsafe_code, reason = "foreign functions; each call says why it is sound")]

mod connection;
mod context;
mod kdf;
pub(crate) mod provider;
mod session;
mod ticket;
mod verification;

use std::ffi::{c_int, c_ulong};

use openssl::error::ErrorStack;

#[cfg(test)]
pub(crate) use self::connection::ask_for_max_fragment_length;
pub(crate) use self::{
    connection::{
        EarlyData, add_ticket, clear_certificates, count_records, early_data_status,
        has_presented_certificate, max_fragment_length, release_buffers, send_no_tickets,
        set_session_id_context, set_sigalgs_list,
    },
    context::{
        add_chain_certificate, set_client_sigalgs_list, set_max_send_fragment, set_recv_max_early_data,
        set_session_lifetime, without_replay_protection,
    },
    kdf::hkdf_expand,
    session::{ResumableSession, is_live, lifetime, look_up_sessions, offer_foreign},
    ticket::use_ticket_keys,
    verification::{
        below_root, decide_on_chains, parameters, presented, roots, set_verify_error, take_any_policy,
    },
};

unsafe extern "C" {
    /// The oldest error of the thread's queue, zero if there is none. The `openssl-sys` crate leaves it out.
    fn ERR_peek_error() -> c_ulong;
}

/// Whether there is anything in the thread's queue of errors, asked as OpenSSL asks: for the oldest. To look costs less
/// than to fetch nothing.
pub(crate) fn has_errors() -> bool {
    // SAFETY: the function reads the thread's own queue, and changes nothing.
    unsafe { ERR_peek_error() != 0 }
}

/// Empties the thread's queue of errors.
pub(crate) fn clear_errors() {
    // SAFETY: the function changes the thread's own queue alone.
    unsafe { openssl_sys::ERR_clear_error() }
}

/// What a function says that returns one on success.
fn done(result: c_int) -> Result<(), ErrorStack> {
    if result == 1 { Ok(()) } else { Err(ErrorStack::get()) }
}
