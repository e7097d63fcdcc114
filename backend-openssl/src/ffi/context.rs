//! What a context is told: schemes, chains, sizes and lifetimes.

use std::ffi::{CString, c_int, c_long, c_void};

use foreign_types::ForeignTypeRef;
use openssl::{
    error::ErrorStack,
    ssl::{SslContextBuilder, SslOptions},
    x509::X509Ref,
};
use openssl_sys as sys;

use super::done;

// As `openssl/ssl.h` numbers them.
const SET_MAX_SEND_FRAGMENT: c_int = 52;
const CHAIN_CERT: c_int = 89;
const SET_CLIENT_SIGALGS_LIST: c_int = 102;

/// With [`CHAIN_CERT`]: the context takes a reference of its own.
const ADD_REFERENCE: c_long = 1;

/// `SSL_OP_NO_ANTI_REPLAY` of `openssl/ssl.h`.
const NO_ANTI_REPLAY: u64 = 1 << 24;

// As OpenSSL 3.0 to 3.6 declare them in `openssl/ssl.h`.
unsafe extern "C" {
    fn SSL_CTX_set_timeout(context: *mut sys::SSL_CTX, seconds: c_long) -> c_long;
    fn SSL_CTX_set_recv_max_early_data(context: *mut sys::SSL_CTX, bytes: u32) -> c_int;
}

/// The signature schemes of certificates and signatures of clients, by name: those that a server accepts, or
/// those that a client signs with.
pub(crate) fn set_client_sigalgs_list(
    builder: &mut SslContextBuilder,
    names: &str,
) -> Result<(), ErrorStack> {
    let Ok(names) = CString::new(names) else { return Err(ErrorStack::get()) };
    // SAFETY: the builder owns the context; OpenSSL parses the text, which ends in NUL, and keeps none of it.
    let set = unsafe {
        let text = names.as_ptr().cast_mut().cast();
        sys::SSL_CTX_ctrl(builder.as_ptr(), SET_CLIENT_SIGALGS_LIST, 0, text)
    };
    done(set as c_int)
}

/// Adds to the chain of the context's certificate, the end entity's issuer first.
pub(crate) fn add_chain_certificate(
    builder: &mut SslContextBuilder,
    issuer: &X509Ref,
) -> Result<(), ErrorStack> {
    // SAFETY: the builder owns the context, which takes a reference of its own to the certificate.
    let added = unsafe {
        sys::SSL_CTX_ctrl(builder.as_ptr(), CHAIN_CERT, ADD_REFERENCE, issuer.as_ptr().cast::<c_void>())
    };
    done(added as c_int)
}

/// The most plaintext of a record that is sent; OpenSSL takes 512 to 16384 bytes.
pub(crate) fn set_max_send_fragment(builder: &mut SslContextBuilder, bytes: usize) -> Result<(), ErrorStack> {
    let bytes = c_long::try_from(bytes).unwrap_or(c_long::MAX);
    // SAFETY: the builder owns the context, and the control takes a number.
    let set =
        unsafe { sys::SSL_CTX_ctrl(builder.as_ptr(), SET_MAX_SEND_FRAGMENT, bytes, std::ptr::null_mut()) };
    done(set as c_int)
}

/// For how long sessions of the context may be resumed, in seconds.
pub(crate) fn set_session_lifetime(builder: &mut SslContextBuilder, seconds: u64) {
    let seconds = c_long::try_from(seconds).unwrap_or(c_long::MAX);
    // SAFETY: the builder owns the context, and the function stores a number.
    unsafe { SSL_CTX_set_timeout(builder.as_ptr(), seconds) };
}

/// How much early data a server reads, or passes over, whatever a ticket allowed.
pub(crate) fn set_recv_max_early_data(builder: &mut SslContextBuilder, bytes: u32) -> Result<(), ErrorStack> {
    // SAFETY: the builder owns the context, and the function stores a number.
    done(unsafe { SSL_CTX_set_recv_max_early_data(builder.as_ptr(), bytes) })
}

/// Leaves it to whoever looks sessions up that none is used twice for early data.
pub(crate) fn without_replay_protection(builder: &mut SslContextBuilder) {
    builder.set_options(SslOptions::from_bits_retain(NO_ANTI_REPLAY));
}
