//! HKDF-Expand (RFC 5869 §2.3). The `openssl` crate's looks the algorithm up anew each time, and leaves a copy of the key
//! behind that nobody clears.

use std::{
    ffi::{CStr, c_int, c_uint, c_void},
    ptr,
    sync::OnceLock,
};

use openssl::error::ErrorStack;
use openssl_sys as sys;

use super::done;

// Of `openssl/core.h`.
const PARAM_INTEGER: c_uint = 1;
const PARAM_UTF8_STRING: c_uint = 4;
const PARAM_OCTET_STRING: c_uint = 5;

/// The algorithm, once it was looked up.
struct Hkdf(*mut sys::EVP_KDF);

// SAFETY: OpenSSL's algorithms are shared by threads: they are not changed once they are there, and counted atomically.
unsafe impl Send for Hkdf {}
// SAFETY: as above.
unsafe impl Sync for Hkdf {}

/// A computation under way, freed when it goes; OpenSSL clears its copy of the key then.
struct Context(*mut sys::EVP_KDF_CTX);

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: it was made by `EVP_KDF_CTX_new`, and is freed once.
        unsafe { sys::EVP_KDF_CTX_free(self.0) }
    }
}

/// Expands a pseudorandom key under a hash of this name, to each output with its info.
pub(crate) fn hkdf_expand(
    digest: &'static CStr,
    key: &[u8],
    outputs: &mut [(&[u8], &mut [u8])],
) -> Result<(), ErrorStack> {
    let mut mode: c_int = sys::EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    let context = context()?;
    let mut is_set = false;
    for (info, output) in outputs {
        let mut params = [
            param(c"info", PARAM_OCTET_STRING, info.as_ptr().cast_mut().cast(), info.len()),
            param(c"digest", PARAM_UTF8_STRING, digest.as_ptr().cast_mut().cast(), digest.count_bytes()),
            param(c"mode", PARAM_INTEGER, ptr::from_mut(&mut mode).cast(), size_of::<c_int>()),
            param(c"key", PARAM_OCTET_STRING, key.as_ptr().cast_mut().cast(), key.len()),
            END,
        ];
        if is_set {
            // What was set before stays, but for the info.
            params[1] = END;
        }
        // SAFETY: the parameters end with one that has no name; each points to as many bytes as it says, which live for
        // the call and are only read. The output is written for its length.
        done(unsafe { sys::EVP_KDF_derive(context.0, output.as_mut_ptr(), output.len(), params.as_ptr()) })?;
        is_set = true;
    }
    Ok(())
}

fn context() -> Result<Context, ErrorStack> {
    static HKDF: OnceLock<Hkdf> = OnceLock::new();
    let hkdf = match HKDF.get() {
        Some(hkdf) => hkdf,
        None => {
            // SAFETY: the name ends in NUL; no library context and no properties stand for the default ones.
            let fetched = unsafe { sys::EVP_KDF_fetch(ptr::null_mut(), c"HKDF".as_ptr(), ptr::null()) };
            if fetched.is_null() {
                return Err(ErrorStack::get());
            }
            // One that another thread was first with stays, and this one is never freed: it happens once.
            HKDF.get_or_init(|| Hkdf(fetched))
        }
    };
    // SAFETY: the algorithm lives for ever; the context holds it.
    let context = unsafe { sys::EVP_KDF_CTX_new(hkdf.0) };
    if context.is_null() { Err(ErrorStack::get()) } else { Ok(Context(context)) }
}

const END: sys::OSSL_PARAM =
    sys::OSSL_PARAM { key: ptr::null(), data_type: 0, data: ptr::null_mut(), data_size: 0, return_size: 0 };

fn param(name: &'static CStr, data_type: c_uint, data: *mut c_void, data_size: usize) -> sys::OSSL_PARAM {
    sys::OSSL_PARAM { key: name.as_ptr(), data_type, data, data_size, return_size: usize::MAX }
}
