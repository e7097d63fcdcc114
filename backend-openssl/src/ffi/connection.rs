//! What one connection is told and asked.

use std::ffi::{CString, c_int, c_long, c_uint, c_void};

use foreign_types::ForeignTypeRef;
use openssl::{
    error::ErrorStack,
    ssl::{SslRef, SslSessionRef, SslStream},
};
use openssl_sys as sys;

use super::done;
use crate::connection::Connection;

/// `SSL3_RT_HEADER` of `openssl/ssl3.h`: what the message callback is told when it is shown a record's header.
const HEADER: c_int = 256;

/// `SSL_CTRL_SET_SIGALGS_LIST` of `openssl/ssl.h`.
const SET_SIGALGS_LIST: c_int = 98;

/// `SSL_CTRL_MODE` and `SSL_MODE_RELEASE_BUFFERS` of `openssl/ssl.h`.
const SET_MODE: c_int = 33;
const RELEASE_BUFFERS: c_long = 0x10;

type MessageCallback =
    unsafe extern "C" fn(c_int, c_int, c_int, *const c_void, usize, *mut sys::SSL, *mut c_void);

// As OpenSSL 3.0 to 3.6 declare them in `openssl/ssl.h` and `openssl/tls1.h`.
unsafe extern "C" {
    fn SSL_certs_clear(ssl: *mut sys::SSL);
    fn SSL_set_session_id_context(ssl: *mut sys::SSL, context: *const u8, length: c_uint) -> c_int;
    fn SSL_get_signature_type_nid(ssl: *const sys::SSL, nid: *mut c_int) -> c_int;
    fn SSL_get_early_data_status(ssl: *const sys::SSL) -> c_int;
    fn SSL_new_session_ticket(ssl: *mut sys::SSL) -> c_int;
    fn SSL_free_buffers(ssl: *mut sys::SSL) -> c_int;
    fn SSL_SESSION_get_max_fragment_length(session: *const sys::SSL_SESSION) -> u8;
    fn SSL_set_msg_callback(ssl: *mut sys::SSL, callback: Option<MessageCallback>);
}

/// Takes back the certificates that the context has given the connection.
pub(crate) fn clear_certificates(ssl: &mut SslRef) {
    // SAFETY: the connection is borrowed for the call.
    unsafe { SSL_certs_clear(ssl.as_ptr()) }
}

/// Only sessions of this context are resumed on the connection.
pub(crate) fn set_session_id_context(ssl: &mut SslRef, context: &[u8; 32]) -> Result<(), ErrorStack> {
    // SAFETY: OpenSSL copies the bytes, of which it takes up to 32.
    done(unsafe { SSL_set_session_id_context(ssl.as_ptr(), context.as_ptr(), context.len() as c_uint) })
}

/// The signature schemes, by name, that this connection of a server signs with.
pub(crate) fn set_sigalgs_list(ssl: &mut SslRef, names: &str) -> Result<(), ErrorStack> {
    let Ok(names) = CString::new(names) else { return Err(ErrorStack::get()) };
    // SAFETY: the connection is borrowed for the call; OpenSSL parses the text, which ends in NUL, and keeps none of it.
    let set = unsafe {
        let text = names.as_ptr().cast_mut().cast();
        sys::SSL_ctrl(ssl.as_ptr(), SET_SIGALGS_LIST, 0, text)
    };
    done(set as c_int)
}

/// Whether this client has presented a certificate: it has chosen a scheme to sign with.
pub(crate) fn has_presented_certificate(ssl: &SslRef) -> bool {
    let mut nid = 0;
    // SAFETY: the connection is borrowed, and the number is written to the place given.
    unsafe { SSL_get_signature_type_nid(ssl.as_ptr(), &mut nid) == 1 }
}

/// What became of early data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EarlyData {
    NotSent,
    Rejected,
    Accepted,
}

/// What became of early data, once the handshake is complete.
pub(crate) fn early_data_status(ssl: &SslRef) -> EarlyData {
    // SAFETY: the connection is borrowed, and only read.
    match unsafe { SSL_get_early_data_status(ssl.as_ptr()) } {
        2 => EarlyData::Accepted,
        1 => EarlyData::Rejected,
        _ => EarlyData::NotSent,
    }
}

/// Has the next call of this server send one more ticket.
pub(crate) fn add_ticket<S>(stream: &mut SslStream<S>) -> Result<(), ErrorStack> {
    // SAFETY: the connection is borrowed for the call; where it can send no ticket, the function says so.
    done(unsafe { SSL_new_session_ticket(stream.ssl().as_ptr()) })
}

/// Has this server send no ticket of those that it has not sent yet.
pub(crate) fn send_no_tickets<S>(stream: &mut SslStream<S>) {
    // SAFETY: the connection is borrowed for the call, which sets a number and fails on none.
    unsafe { sys::SSL_set_num_tickets(stream.ssl().as_ptr(), 0) };
}

/// The most plaintext of a record that a client has asked its server for (RFC 6066 §4), and been promised.
pub(crate) fn max_fragment_length(session: &SslSessionRef) -> Option<u16> {
    // SAFETY: the session is borrowed, and only read.
    match unsafe { SSL_SESSION_get_max_fragment_length(session.as_ptr()) } {
        code @ 1..=4 => Some(256 << code),
        _ => None,
    }
}

/// Has this client ask for records of this length, as RFC 6066 §4 numbers them; zero for none.
#[cfg(test)]
pub(crate) fn ask_for_max_fragment_length(ssl: &mut SslRef, code: u8) {
    unsafe extern "C" {
        fn SSL_set_tlsext_max_fragment_length(ssl: *mut sys::SSL, mode: u8) -> c_int;
    }
    // SAFETY: the connection is borrowed for the call, which sets a number and says so of one that there is not.
    assert_eq!(unsafe { SSL_set_tlsext_max_fragment_length(ssl.as_ptr(), code) }, 1);
}

/// Frees the connection's buffers for records, and has them freed from here on whenever they are empty. For a connection
/// that has read whole records and is asked for none of their data: early releases of 3.0 to 3.3 free a buffer too early
/// while one is read in part (CVE-2024-4741).
pub(crate) fn release_buffers<S>(stream: &mut SslStream<S>) {
    let ssl = stream.ssl().as_ptr();
    // SAFETY: the connection is borrowed for both calls. The first sets a flag; the second frees what is empty, and
    // leaves alone what is not.
    unsafe {
        sys::SSL_ctrl(ssl, SET_MODE, RELEASE_BUFFERS, std::ptr::null_mut());
        SSL_free_buffers(ssl);
    }
}

/// Has the [`Connection`] count the records that are written and read.
pub(crate) fn count_records(ssl: &mut SslRef) {
    // SAFETY: the connection is borrowed for the call, and the callback needs nothing that would have to outlive it.
    unsafe { SSL_set_msg_callback(ssl.as_ptr(), Some(message_callback)) }
}

unsafe extern "C" fn message_callback(
    sent: c_int,
    _version: c_int,
    content_type: c_int,
    message: *const c_void,
    length: usize,
    ssl: *mut sys::SSL,
    _argument: *mut c_void,
) {
    if content_type != HEADER || message.is_null() || length == 0 || ssl.is_null() {
        return;
    }
    // SAFETY: OpenSSL passes a header of this length, at least one byte, and the connection whose record it is, both for
    // the time of the call.
    let (record_type, ssl) = unsafe { (*message.cast::<u8>(), SslRef::from_ptr(ssl)) };
    if let Some(connection) = Connection::of(ssl) {
        connection.secrets.record(sent != 0, record_type);
    }
}
