//! What the `openssl` crate does not wrap: the callback that decides on a chain, access to a verification's
//! parameters and certificates, the schemes that a server accepts, resumption, key updates.
//!
//! Every function here is safe to call with anything that its types allow.
#![allow(unsafe_code, reason = "foreign functions; each call says why it is sound")]

pub(crate) mod provider;

use std::{
    ffi::{CString, c_int, c_long, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
};

use foreign_types::ForeignTypeRef;
use openssl::{
    error::ErrorStack,
    ssl::{SslContext, SslContextBuilder, SslRef, SslSession, SslStream},
    stack::StackRef,
    x509::{X509, X509StoreContextRef, verify::X509VerifyParamRef},
};
use openssl_sys as sys;

use crate::verifier;

/// `SSL_CTRL_SET_CLIENT_SIGALGS_LIST` of `openssl/ssl.h`.
const SET_CLIENT_SIGALGS_LIST: c_int = 102;

/// `SSL_KEY_UPDATE_NOT_REQUESTED` of `openssl/ssl.h`: the peer may keep its own keys.
const KEY_UPDATE_NOT_REQUESTED: c_int = 0;

type VerifyCallback = unsafe extern "C" fn(*mut sys::X509_STORE_CTX, *mut c_void) -> c_int;

// As OpenSSL 3.0 to 3.6 declare them in `openssl/ssl.h` and `openssl/x509_vfy.h`.
unsafe extern "C" {
    fn SSL_CTX_set_cert_verify_callback(
        context: *mut sys::SSL_CTX,
        callback: Option<VerifyCallback>,
        argument: *mut c_void,
    );
    fn SSL_key_update(ssl: *mut sys::SSL, update_type: c_int) -> c_int;
    fn X509_STORE_CTX_get0_untrusted(context: *const sys::X509_STORE_CTX) -> *mut sys::stack_st_X509;
    fn X509_STORE_CTX_get0_param(context: *const sys::X509_STORE_CTX) -> *mut sys::X509_VERIFY_PARAM;
}

/// Has [`verifier::decide`] decide on every chain that a connection of this context is presented with.
pub(crate) fn decide_on_chains(builder: &mut SslContextBuilder) {
    // SAFETY: the builder owns the context, and the callback needs no argument, so nothing has to outlive it.
    unsafe {
        SSL_CTX_set_cert_verify_callback(builder.as_ptr(), Some(verify_callback), std::ptr::null_mut());
    }
}

unsafe extern "C" fn verify_callback(context: *mut sys::X509_STORE_CTX, _argument: *mut c_void) -> c_int {
    // SAFETY: OpenSSL passes a verification that it has just prepared and touches again only after the return.
    let context = unsafe { X509StoreContextRef::from_ptr_mut(context) };
    // A panic must not cross into C; what panicked has not accepted.
    let decided = catch_unwind(AssertUnwindSafe(|| verifier::decide(context)));
    c_int::from(decided.unwrap_or(false))
}

/// The certificates of a verification as they were presented.
pub(crate) fn presented(context: &X509StoreContextRef) -> Option<&StackRef<X509>> {
    // SAFETY: the stack belongs to the verification or to who started it, and outlives this borrow of it; null
    // says that there is none.
    unsafe {
        let stack = X509_STORE_CTX_get0_untrusted(context.as_ptr());
        if stack.is_null() { None } else { Some(StackRef::from_ptr(stack)) }
    }
}

/// The parameters of a verification that has been initialised.
pub(crate) fn parameters(context: &mut X509StoreContextRef) -> Option<&mut X509VerifyParamRef> {
    // SAFETY: the parameters belong to the verification, which is borrowed for as long as they are; null says
    // that it is not initialised.
    unsafe {
        let parameters = X509_STORE_CTX_get0_param(context.as_ptr());
        if parameters.is_null() { None } else { Some(X509VerifyParamRef::from_ptr_mut(parameters)) }
    }
}

/// Sets the code that a verification ends with, from which OpenSSL chooses the alert.
pub(crate) fn set_verify_error(context: &mut X509StoreContextRef, code: c_int) {
    // SAFETY: the verification is borrowed, and the function stores any number.
    unsafe { sys::X509_STORE_CTX_set_error(context.as_ptr(), code) }
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
        sys::SSL_CTX_ctrl(builder.as_ptr(), SET_CLIENT_SIGALGS_LIST, 0 as c_long, text)
    };
    if set == 1 { Ok(()) } else { Err(ErrorStack::get()) }
}

/// Renews the keys for sending before the next record (RFC 8446 §4.6.3).
pub(crate) fn update_sending_keys<S>(stream: &mut SslStream<S>) -> Result<(), ErrorStack> {
    // SAFETY: the connection is nobody else's for the call; where it has no keys to update, the function says so.
    let updated = unsafe { SSL_key_update(stream.ssl().as_ptr(), KEY_UPDATE_NOT_REQUESTED) };
    if updated == 1 { Ok(()) } else { Err(ErrorStack::get()) }
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

    /// Offers it for resumption; refuses on a connection of another context.
    pub(crate) fn offer(&self, ssl: &mut SslRef) -> bool {
        if !std::ptr::eq(ssl.ssl_context(), &*self.context) {
            return false;
        }
        // SAFETY: the function wants session and connection to be of one context. They are: the session's own
        // is held alive here, so that its address is no other's.
        unsafe { ssl.set_session(&self.session) }.is_ok()
    }
}
