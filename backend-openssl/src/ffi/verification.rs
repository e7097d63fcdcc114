//! Verification: the callback that decides on a chain, a verification's parameters and certificates.

use std::{
    ffi::{c_int, c_void},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
};

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::{
    asn1::Asn1Object,
    error::ErrorStack,
    ssl::SslContextBuilder,
    stack::StackRef,
    x509::{X509, X509StoreContextRef, store::X509Store, verify::X509VerifyParamRef},
};
use openssl_sys as sys;

use crate::verifier;

type VerifyCallback = unsafe extern "C" fn(*mut sys::X509_STORE_CTX, *mut c_void) -> c_int;

// As OpenSSL 3.0 to 3.6 declare them in `openssl/ssl.h` and `openssl/x509_vfy.h`.
unsafe extern "C" {
    fn SSL_CTX_set_cert_verify_callback(
        context: *mut sys::SSL_CTX,
        callback: Option<VerifyCallback>,
        argument: *mut c_void,
    );
    fn X509_STORE_CTX_get0_untrusted(context: *const sys::X509_STORE_CTX) -> *mut sys::stack_st_X509;
    fn X509_STORE_CTX_get_num_untrusted(context: *const sys::X509_STORE_CTX) -> c_int;
    fn X509_STORE_CTX_get0_store(context: *const sys::X509_STORE_CTX) -> *mut sys::X509_STORE;
    fn X509_STORE_up_ref(store: *mut sys::X509_STORE) -> c_int;
    fn X509_STORE_CTX_get0_param(context: *const sys::X509_STORE_CTX) -> *mut sys::X509_VERIFY_PARAM;
    fn X509_VERIFY_PARAM_add0_policy(
        parameters: *mut sys::X509_VERIFY_PARAM,
        policy: *mut sys::ASN1_OBJECT,
    ) -> c_int;
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

/// How many certificates of a verification's path stand below the first that is trusted.
pub(crate) fn below_root(context: &X509StoreContextRef) -> usize {
    // SAFETY: the verification is borrowed, and only read.
    let count = unsafe { X509_STORE_CTX_get_num_untrusted(context.as_ptr()) };
    usize::try_from(count).unwrap_or_default()
}

/// The roots of a verification.
pub(crate) fn roots(context: &X509StoreContextRef) -> Option<X509Store> {
    // SAFETY: the store belongs to the verification, which is borrowed; null says that it has none. The reference that is
    // counted here is the one that is given back when the value is dropped.
    unsafe {
        let store = X509_STORE_CTX_get0_store(context.as_ptr());
        let counted = !store.is_null() && X509_STORE_up_ref(store) == 1;
        counted.then(|| X509Store::from_ptr(store))
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

/// Has a verification that looks at policies take any of them: without a policy that is asked for, OpenSSL finds that
/// none holds. user-initial-policy-set is anyPolicy (RFC 5280 §6.1.1 (c)).
pub(crate) fn take_any_policy(parameters: &mut X509VerifyParamRef) -> Result<(), ErrorStack> {
    let any_policy = Asn1Object::from_str("2.5.29.32.0")?;
    // SAFETY: the parameters are borrowed; they own the object if the call succeeds, and only then.
    let added = unsafe { X509_VERIFY_PARAM_add0_policy(parameters.as_ptr(), any_policy.as_ptr()) };
    if added != 1 {
        return Err(ErrorStack::get());
    }
    mem::forget(any_policy);
    Ok(())
}

/// Sets the code that a verification ends with, from which OpenSSL chooses the alert.
pub(crate) fn set_verify_error(context: &mut X509StoreContextRef, code: c_int) {
    // SAFETY: the verification is borrowed, and the function stores any number.
    unsafe { sys::X509_STORE_CTX_set_error(context.as_ptr(), code) }
}
