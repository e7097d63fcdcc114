//! The project's one module with `unsafe`: what OpenSSL offers and the `openssl` crate does not wrap.
//!
//! Deciding on a chain in the library's place, the chain that the peer presented, the parameters and the result of
//! a verification, and offering a session for resumption. Each is safe to call from outside.

#![allow(
    unsafe_code,
    reason = "a handful of calls that the openssl crate does not wrap; each block argues its case"
)]

use std::{
    ffi::{c_int, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
};

use foreign_types::ForeignTypeRef;
use openssl::{
    ssl::{Ssl, SslContextBuilder, SslRef, SslSession},
    stack::StackRef,
    x509::{X509, X509StoreContextRef, X509VerifyResult, verify::X509VerifyParamRef},
};
use openssl_sys::{SSL_CTX, X509_STORE_CTX, X509_VERIFY_PARAM, stack_st_X509};

type VerifyCallback = unsafe extern "C" fn(*mut X509_STORE_CTX, *mut c_void) -> c_int;

unsafe extern "C" {
    fn SSL_CTX_set_cert_verify_callback(ctx: *mut SSL_CTX, cb: Option<VerifyCallback>, arg: *mut c_void);
    fn X509_STORE_CTX_get0_untrusted(ctx: *const X509_STORE_CTX) -> *mut stack_st_X509;
    fn X509_STORE_CTX_get0_param(ctx: *const X509_STORE_CTX) -> *mut X509_VERIFY_PARAM;
}

/// Has [`crate::verifier::decide`] decide on every chain, in place of `X509_verify_cert`.
pub(crate) fn decide_on_chains(context: &mut SslContextBuilder) {
    // SAFETY: the pointer is valid for as long as the builder is borrowed, and the callback is a function that
    // lives for ever and ignores its argument.
    unsafe { SSL_CTX_set_cert_verify_callback(context.as_ptr(), Some(callback), std::ptr::null_mut()) }
}

unsafe extern "C" fn callback(context: *mut X509_STORE_CTX, _: *mut c_void) -> c_int {
    // SAFETY: OpenSSL calls back with a context that is valid and not shared until the callback returns.
    let context = unsafe { X509StoreContextRef::from_ptr_mut(context) };
    // A panic must not cross into C, and must not let anybody in.
    let accepted = catch_unwind(AssertUnwindSafe(|| crate::verifier::decide(context)));
    c_int::from(accepted.unwrap_or(false))
}

/// The chain that the peer presented, its own certificate first.
pub(crate) fn presented(context: &X509StoreContextRef) -> Vec<X509> {
    // SAFETY: the context is valid. The stack is the context's own (`get0`), is checked for null, and is borrowed
    // no longer than here.
    let stack: Option<&StackRef<X509>> = unsafe {
        let stack = X509_STORE_CTX_get0_untrusted(context.as_ptr());
        if stack.is_null() { None } else { Some(StackRef::from_ptr(stack)) }
    };
    stack.map(|stack| stack.iter().map(ToOwned::to_owned).collect()).unwrap_or_default()
}

/// Changes the parameters of a verification that has not begun.
pub(crate) fn with_param<T>(
    context: &mut X509StoreContextRef,
    change: impl FnOnce(&mut X509VerifyParamRef) -> T,
) -> Option<T> {
    // SAFETY: the context is valid and borrowed mutably, so nobody else holds its parameters; they are the
    // context's own (`get0`), checked for null, and live for the time of the call.
    unsafe {
        let param = X509_STORE_CTX_get0_param(context.as_ptr());
        if param.is_null() { None } else { Some(change(X509VerifyParamRef::from_ptr_mut(param))) }
    }
}

/// The result with this code of OpenSSL's.
pub(crate) fn verify_result(code: c_int) -> X509VerifyResult {
    // SAFETY: the type wraps the number; OpenSSL prints one that it does not know as such.
    unsafe { X509VerifyResult::from_raw(code) }
}

/// A session together with the context that it belongs to.
pub(crate) struct BoundSession {
    session: SslSession,
    /// The address of the context, never followed.
    context: usize,
}

impl BoundSession {
    /// A session that `ssl` has just established.
    pub(crate) fn new(ssl: &SslRef, session: SslSession) -> Self {
        Self { session, context: context_address(ssl) }
    }

    /// Offers the session for resumption; a session of another context is not offered.
    pub(crate) fn offer(&self, ssl: &mut Ssl) {
        if context_address(ssl) != self.context {
            return;
        }
        // SAFETY: `set_session` asks for a session of the same SSL_CTX, which was just checked.
        if unsafe { ssl.set_session(&self.session) }.is_err() {
            // Not offered: the handshake is a full one.
            let _ = openssl::error::ErrorStack::get();
        }
    }
}

fn context_address(ssl: &SslRef) -> usize {
    ssl.ssl_context().as_ptr() as usize
}
