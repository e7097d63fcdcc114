//! Private keys that are elsewhere, as a provider of OpenSSL's (provider(7)).
//!
//! OpenSSL asks who made a key to sign with it. This provider makes keys of a certificate's public key and a
//! [`RemoteKey`], which signs; everything else asked of them, the default provider answers for the public key. It
//! is loaded in a library context of its own, where nothing looks for algorithms but [`private_key`]: what
//! OpenSSL does for others stays as it was, and the provider is found by its keys alone.

mod keymgmt;
mod signature;

use std::{
    ffi::{CStr, c_char, c_int, c_uint, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::{Arc, Mutex, PoisonError},
};

use foreign_types::ForeignType;
use openssl::{
    error::ErrorStack,
    pkey::{PKey, Private},
};
use openssl_sys as sys;

use crate::signer::RemoteKey;

const NAME: &CStr = c"polytls";
const PROPERTIES: &CStr = c"provider=polytls";

/// The parameter that a key is made of: `data` points to an `Arc<RemoteKey>`.
const KEY: &CStr = c"polytls-remote-key";

// Of `openssl/core_dispatch.h`; the functions' types are there as well.
const FUNC_PROVIDER_QUERY_OPERATION: c_int = 1027;
const OP_KEYMGMT: c_int = 10;
const OP_SIGNATURE: c_int = 12;
const SELECT_PRIVATE_KEY: c_int = 0x01;
const SELECT_KEYPAIR_AND_PARAMETERS: c_int = 0x87;

// Of `openssl/core.h`.
const PARAM_INTEGER: c_uint = 1;
const PARAM_UTF8_STRING: c_uint = 4;
const PARAM_OCTET_STRING: c_uint = 5;
const PARAM_UNMODIFIED: usize = usize::MAX;

type ProviderInit = unsafe extern "C" fn(
    handle: *const c_void,
    core: *const Dispatch,
    provider: *mut *const Dispatch,
    context: *mut *mut c_void,
) -> c_int;

// As OpenSSL 3.0 to 3.6 declare it in `openssl/provider.h`.
unsafe extern "C" {
    fn OSSL_PROVIDER_add_builtin(
        library: *mut sys::OSSL_LIB_CTX,
        name: *const c_char,
        init: Option<ProviderInit>,
    ) -> c_int;
}

/// `OSSL_DISPATCH`: a function by its number; a table of them ends in zeroes.
#[repr(C)]
struct Dispatch {
    function_id: c_int,
    function: *const c_void,
}

// SAFETY: tables of these are constants, and point to functions.
unsafe impl Sync for Dispatch {}

impl Dispatch {
    const END: Self = Self { function_id: 0, function: ptr::null() };

    const fn new(function_id: c_int, function: *const c_void) -> Self {
        Self { function_id, function }
    }
}

/// `OSSL_ALGORITHM`: what is done under these names; a table of them ends in nulls.
#[repr(C)]
struct Algorithm {
    names: *const c_char,
    properties: *const c_char,
    functions: *const Dispatch,
    description: *const c_char,
}

// SAFETY: tables of these are constants, and point to constants.
unsafe impl Sync for Algorithm {}

impl Algorithm {
    const END: Self = Self {
        names: ptr::null(),
        properties: ptr::null(),
        functions: ptr::null(),
        description: ptr::null(),
    };

    const fn new(names: &'static CStr, functions: &'static [Dispatch]) -> Self {
        Self {
            names: names.as_ptr(),
            properties: PROPERTIES.as_ptr(),
            functions: functions.as_ptr(),
            description: ptr::null(),
        }
    }
}

/// A list of the parameters that a function knows, which ends in an unnamed one.
struct Known<const N: usize>([sys::OSSL_PARAM; N]);

// SAFETY: these lists are constants, and point to the constant names of parameters and to no data.
unsafe impl<const N: usize> Sync for Known<N> {}

/// A parameter without data: its name and type, or the end of a list.
const fn parameter(name: Option<&'static CStr>, data_type: c_uint) -> sys::OSSL_PARAM {
    let key = match name {
        Some(name) => name.as_ptr(),
        None => ptr::null(),
    };
    sys::OSSL_PARAM { key, data_type, data: ptr::null_mut(), data_size: 0, return_size: PARAM_UNMODIFIED }
}

/// The private key of OpenSSL's that has `key` sign.
pub(crate) fn private_key(key: RemoteKey) -> Result<PKey<Private>, ErrorStack> {
    let library = library()?;
    let algorithm = key.algorithm();
    let key = Arc::new(key);
    let made_of = sys::OSSL_PARAM {
        data: (&raw const key).cast_mut().cast(),
        data_size: size_of::<Arc<RemoteKey>>(),
        ..parameter(Some(KEY), PARAM_OCTET_STRING)
    };
    let mut parameters = [made_of, parameter(None, 0)];
    // SAFETY: the library context lives as long as the process, the name ends in NUL, and `keymgmt::import`, to
    // which the parameters go, reads `key` within the call and takes a reference of its own. What comes back is
    // owned by the caller.
    unsafe {
        let context = sys::EVP_PKEY_CTX_new_from_name(library, algorithm.as_ptr(), ptr::null());
        if context.is_null() {
            return Err(ErrorStack::get());
        }
        let mut made = ptr::null_mut();
        let done = sys::EVP_PKEY_fromdata_init(context) == 1
            && sys::EVP_PKEY_fromdata(
                context,
                &raw mut made,
                SELECT_KEYPAIR_AND_PARAMETERS,
                parameters.as_mut_ptr(),
            ) == 1;
        sys::EVP_PKEY_CTX_free(context);
        if done && !made.is_null() { Ok(PKey::from_ptr(made)) } else { Err(ErrorStack::get()) }
    }
}

/// A library context with this provider and no other.
struct Library(*mut sys::OSSL_LIB_CTX);

// SAFETY: OpenSSL locks what of a library context changes.
unsafe impl Send for Library {}

/// The library context of all keys. OpenSSL's keys must not outlive theirs, so it stays; it is the same for every
/// configuration and holds nothing of any.
fn library() -> Result<*mut sys::OSSL_LIB_CTX, ErrorStack> {
    static LIBRARY: Mutex<Option<Library>> = Mutex::new(None);
    let mut library = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = &*library {
        return Ok(library.0);
    }
    Ok(library.insert(Library::new()?).0)
}

impl Library {
    fn new() -> Result<Self, ErrorStack> {
        // SAFETY: the name ends in NUL and the function is of the type that OpenSSL calls; a context that the
        // provider cannot be loaded in is freed before anything is made in it.
        unsafe {
            let context = sys::OSSL_LIB_CTX_new();
            if context.is_null() {
                return Err(ErrorStack::get());
            }
            let added = OSSL_PROVIDER_add_builtin(context, NAME.as_ptr(), Some(init)) == 1;
            if added && !sys::OSSL_PROVIDER_load(context, NAME.as_ptr()).is_null() {
                return Ok(Self(context));
            }
            sys::OSSL_LIB_CTX_free(context);
        }
        Err(ErrorStack::get())
    }
}

static PROVIDER: [Dispatch; 2] =
    [Dispatch::new(FUNC_PROVIDER_QUERY_OPERATION, query_operation as *const c_void), Dispatch::END];

/// The provider's entry: OpenSSL learns its functions. They need no context, but OpenSSL wants one.
unsafe extern "C" fn init(
    handle: *const c_void,
    _core: *const Dispatch,
    provider: *mut *const Dispatch,
    context: *mut *mut c_void,
) -> c_int {
    // SAFETY: OpenSSL passes two places to write to; what is written is a constant, and OpenSSL's own handle.
    unsafe {
        provider.write(PROVIDER.as_ptr());
        context.write(handle.cast_mut());
    }
    1
}

unsafe extern "C" fn query_operation(
    _context: *mut c_void,
    operation: c_int,
    no_cache: *mut c_int,
) -> *const Algorithm {
    // SAFETY: OpenSSL passes a place to write to.
    unsafe { no_cache.write(0) };
    match operation {
        OP_KEYMGMT => keymgmt::ALGORITHMS.as_ptr(),
        OP_SIGNATURE => signature::ALGORITHMS.as_ptr(),
        _ => ptr::null(),
    }
}

/// Runs what OpenSSL asked for: 1 if it went well. A panic must not cross into C; what panicked has failed.
fn answer(call: impl FnOnce() -> Option<()>) -> c_int {
    c_int::from(matches!(catch_unwind(AssertUnwindSafe(call)), Ok(Some(()))))
}
