//! The keys (provider-keymgmt(7)): made by [`super::private_key`], and never told.
//!
//! There is no function to compare two keys: OpenSSL then exports the public part to the default provider, which
//! compares.

use std::{
    ffi::{c_char, c_int, c_void},
    ptr,
    sync::{Arc, OnceLock},
};

use foreign_types::ForeignTypeRef;
use openssl::pkey::{PKeyRef, Public};
use openssl_sys as sys;

use super::{
    Algorithm, Dispatch, KEY, Known, OP_SIGNATURE, PARAM_INTEGER, PARAM_OCTET_STRING, SELECT_PRIVATE_KEY,
    answer, parameter,
};
use crate::signer::RemoteKey;

// Of `openssl/core_dispatch.h`.
const FUNC_NEW: c_int = 1;
const FUNC_FREE: c_int = 10;
const FUNC_GET_PARAMS: c_int = 11;
const FUNC_GETTABLE_PARAMS: c_int = 12;
const FUNC_QUERY_OPERATION_NAME: c_int = 20;
const FUNC_HAS: c_int = 21;
const FUNC_IMPORT: c_int = 40;
const FUNC_IMPORT_TYPES: c_int = 41;
const FUNC_EXPORT: c_int = 42;
const FUNC_EXPORT_TYPES: c_int = 43;

type ExportCallback = unsafe extern "C" fn(*const sys::OSSL_PARAM, *mut c_void) -> c_int;

// As OpenSSL 3.0 to 3.6 declare it in `openssl/evp.h`.
unsafe extern "C" {
    fn EVP_PKEY_export(
        key: *const sys::EVP_PKEY,
        selection: c_int,
        callback: Option<ExportCallback>,
        argument: *mut c_void,
    ) -> c_int;
}

/// The names are those of the default provider: by them libssl knows what certificate a key is for.
pub(super) static ALGORITHMS: [Algorithm; 4] = [
    Algorithm::new(c"RSA:rsaEncryption:1.2.840.113549.1.1.1", &FUNCTIONS),
    Algorithm::new(c"EC:id-ecPublicKey:1.2.840.10045.2.1", &EC_FUNCTIONS),
    Algorithm::new(c"ED25519:1.3.101.112", &FUNCTIONS),
    Algorithm::END,
];

static FUNCTIONS: [Dispatch; 11] = functions(Dispatch::END);
static EC_FUNCTIONS: [Dispatch; 11] =
    functions(Dispatch::new(FUNC_QUERY_OPERATION_NAME, ec_operation as *const c_void));

/// The parameters that OpenSSL asks every key for. A key answers to all that its public part does.
static GETTABLE: Known<4> = Known([
    parameter(Some(c"bits"), PARAM_INTEGER),
    parameter(Some(c"security-bits"), PARAM_INTEGER),
    parameter(Some(c"max-size"), PARAM_INTEGER),
    parameter(None, 0),
]);
static IMPORTED: Known<2> = Known([parameter(Some(KEY), PARAM_OCTET_STRING), parameter(None, 0)]);
static EXPORTED: Known<1> = Known([parameter(None, 0)]);

/// What OpenSSL holds as the content of a key: empty when new, and filled once.
#[derive(Default)]
pub(super) struct KeyData(OnceLock<Arc<RemoteKey>>);

impl KeyData {
    /// The key in what OpenSSL passes.
    ///
    /// # Safety
    /// `data` is null or from [`new`], and was not freed.
    pub(super) unsafe fn key<'a>(data: *const c_void) -> Option<&'a Arc<RemoteKey>> {
        // SAFETY: by the contract; nobody borrows it mutably, ever.
        unsafe { data.cast::<Self>().as_ref() }?.0.get()
    }
}

unsafe extern "C" fn new(_provider: *mut c_void) -> *mut c_void {
    Box::into_raw(Box::<KeyData>::default()).cast()
}

unsafe extern "C" fn free(data: *mut c_void) {
    if !data.is_null() {
        answer(|| {
            // SAFETY: it is from `new`, and OpenSSL frees it once, when nobody uses it any more.
            drop(unsafe { Box::from_raw(data.cast::<KeyData>()) });
            Some(())
        });
    }
}

unsafe extern "C" fn has(data: *const c_void, _selection: c_int) -> c_int {
    // SAFETY: OpenSSL passes what `new` made.
    c_int::from(unsafe { KeyData::key(data) }.is_some())
}

/// Fills a key with what [`super::private_key`] passes; from anyone else there is nothing to take.
unsafe extern "C" fn import(
    data: *mut c_void,
    _selection: c_int,
    parameters: *const sys::OSSL_PARAM,
) -> c_int {
    answer(|| {
        // SAFETY: OpenSSL passes what `new` made and a list of parameters. The provider's own parameter comes
        // from `private_key` alone, and there its data is an `Arc<RemoteKey>` that outlives the call.
        unsafe {
            let made_of = sys::OSSL_PARAM_locate_const(parameters, KEY.as_ptr()).as_ref()?;
            let key = made_of.data.cast::<Arc<RemoteKey>>().as_ref()?.clone();
            data.cast::<KeyData>().as_ref()?.0.set(key).ok()
        }
    })
}

unsafe extern "C" fn import_types(_selection: c_int) -> *const sys::OSSL_PARAM {
    IMPORTED.0.as_ptr()
}

/// Hands out the public part. Asked for the private one as well, it must fail: so OpenSSL learns that no other
/// provider can sign with the key.
unsafe extern "C" fn export(
    data: *mut c_void,
    selection: c_int,
    callback: Option<ExportCallback>,
    argument: *mut c_void,
) -> c_int {
    if selection & SELECT_PRIVATE_KEY != 0 {
        return 0;
    }
    // SAFETY: OpenSSL passes what `new` made; the callback and its argument go back to OpenSSL unseen.
    unsafe {
        match public(data) {
            Some(public) => EVP_PKEY_export(public.as_ptr(), selection, callback, argument),
            None => 0,
        }
    }
}

unsafe extern "C" fn export_types(_selection: c_int) -> *const sys::OSSL_PARAM {
    EXPORTED.0.as_ptr()
}

unsafe extern "C" fn get_params(data: *mut c_void, parameters: *mut sys::OSSL_PARAM) -> c_int {
    // SAFETY: OpenSSL passes what `new` made; the parameters go back to OpenSSL unseen.
    unsafe {
        match public(data) {
            Some(public) => sys::EVP_PKEY_get_params(public.as_ptr(), parameters),
            None => 0,
        }
    }
}

unsafe extern "C" fn gettable_params(_provider: *mut c_void) -> *const sys::OSSL_PARAM {
    GETTABLE.0.as_ptr()
}

/// The name under which a key of this kind signs, where it is not the key's own.
unsafe extern "C" fn ec_operation(operation: c_int) -> *const c_char {
    if operation == OP_SIGNATURE { c"ECDSA".as_ptr() } else { ptr::null() }
}

/// # Safety
/// As [`KeyData::key`].
unsafe fn public<'a>(data: *const c_void) -> Option<&'a PKeyRef<Public>> {
    // SAFETY: by the contract.
    unsafe { KeyData::key(data) }.map(|key| key.public())
}

/// The functions of every kind of key, and one of its own.
const fn functions(own: Dispatch) -> [Dispatch; 11] {
    [
        Dispatch::new(FUNC_NEW, new as *const c_void),
        Dispatch::new(FUNC_FREE, free as *const c_void),
        Dispatch::new(FUNC_HAS, has as *const c_void),
        Dispatch::new(FUNC_IMPORT, import as *const c_void),
        Dispatch::new(FUNC_IMPORT_TYPES, import_types as *const c_void),
        Dispatch::new(FUNC_EXPORT, export as *const c_void),
        Dispatch::new(FUNC_EXPORT_TYPES, export_types as *const c_void),
        Dispatch::new(FUNC_GET_PARAMS, get_params as *const c_void),
        Dispatch::new(FUNC_GETTABLE_PARAMS, gettable_params as *const c_void),
        own,
        Dispatch::END,
    ]
}
