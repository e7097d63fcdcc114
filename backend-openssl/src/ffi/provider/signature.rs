//! Signing with the keys (provider-signature(7)), in the one form that TLS uses: a whole message in one call.

use std::{
    ffi::{CStr, c_char, c_int, c_uchar, c_void},
    ptr, slice,
    sync::Arc,
};

use openssl_sys as sys;

use super::{
    Algorithm, Dispatch, Known, PARAM_INTEGER, PARAM_UTF8_STRING, answer, keymgmt::KeyData, parameter,
};
use crate::signer::{Padding, RemoteKey};

// Of `openssl/core_dispatch.h`.
const FUNC_NEWCTX: c_int = 1;
const FUNC_DIGEST_SIGN_INIT: c_int = 8;
const FUNC_DIGEST_SIGN: c_int = 11;
const FUNC_FREECTX: c_int = 16;
const FUNC_SET_CTX_PARAMS: c_int = 20;
const FUNC_SETTABLE_CTX_PARAMS: c_int = 21;

// Of `openssl/core_names.h` and `openssl/rsa.h`: the same choices as numbers and as words.
const PAD_MODE: &CStr = c"pad-mode";
const SALTLEN: &CStr = c"saltlen";
const PADDING_PKCS1: Choice<'_> = Choice(1, c"pkcs1");
const PADDING_PSS: Choice<'_> = Choice(6, c"pss");
const SALTLEN_DIGEST: Choice<'_> = Choice(-1, c"digest");

// As OpenSSL 3.0 to 3.6 declare it in `openssl/params.h`.
unsafe extern "C" {
    fn OSSL_PARAM_get_int(parameter: *const sys::OSSL_PARAM, value: *mut c_int) -> c_int;
}

pub(super) static ALGORITHMS: [Algorithm; 4] = [
    Algorithm::new(c"RSA:rsaEncryption:1.2.840.113549.1.1.1", &FUNCTIONS),
    Algorithm::new(c"ECDSA", &FUNCTIONS),
    Algorithm::new(c"ED25519:1.3.101.112", &FUNCTIONS),
    Algorithm::END,
];

static FUNCTIONS: [Dispatch; 7] = [
    Dispatch::new(FUNC_NEWCTX, newctx as *const c_void),
    Dispatch::new(FUNC_FREECTX, freectx as *const c_void),
    Dispatch::new(FUNC_DIGEST_SIGN_INIT, digest_sign_init as *const c_void),
    Dispatch::new(FUNC_DIGEST_SIGN, digest_sign as *const c_void),
    Dispatch::new(FUNC_SET_CTX_PARAMS, set_ctx_params as *const c_void),
    Dispatch::new(FUNC_SETTABLE_CTX_PARAMS, settable_ctx_params as *const c_void),
    Dispatch::END,
];

static SETTABLE: Known<3> = Known([
    parameter(Some(PAD_MODE), PARAM_UTF8_STRING),
    parameter(Some(SALTLEN), PARAM_UTF8_STRING),
    parameter(None, 0),
]);

/// One signature in the making.
#[derive(Default)]
struct Signing {
    key: Option<Arc<RemoteKey>>,
    digest: Option<String>,
    padding: Padding,
}

impl Signing {
    fn start(&mut self, key: Arc<RemoteKey>, digest: Option<&CStr>) -> Option<()> {
        self.digest = digest.map(|name| name.to_str().map(ToOwned::to_owned)).transpose().ok()?;
        // OpenSSL asks so which digests a key can sign with.
        key.can_sign(self.digest.as_deref()).then(|| self.key = Some(key))
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let key = self.key.as_ref()?;
        key.sign(key.scheme(self.digest.as_deref(), self.padding)?, message)
    }
}

unsafe extern "C" fn newctx(_provider: *mut c_void, _properties: *const c_char) -> *mut c_void {
    Box::into_raw(Box::<Signing>::default()).cast()
}

unsafe extern "C" fn freectx(signing: *mut c_void) {
    if !signing.is_null() {
        answer(|| {
            // SAFETY: it is from `newctx`, and OpenSSL frees it once.
            drop(unsafe { Box::from_raw(signing.cast::<Signing>()) });
            Some(())
        });
    }
}

unsafe extern "C" fn digest_sign_init(
    signing: *mut c_void,
    digest: *const c_char,
    key: *mut c_void,
    parameters: *const sys::OSSL_PARAM,
) -> c_int {
    answer(|| {
        // SAFETY: OpenSSL passes what `newctx` made, in no other call meanwhile, what `keymgmt` made, the name of
        // a digest or null, and a list of parameters or null.
        unsafe {
            let signing = signing.cast::<Signing>().as_mut()?;
            let digest = if digest.is_null() { None } else { Some(CStr::from_ptr(digest)) };
            signing.start(KeyData::key(key)?.clone(), digest)?;
            set(signing, parameters)
        }
    })
}

unsafe extern "C" fn set_ctx_params(signing: *mut c_void, parameters: *const sys::OSSL_PARAM) -> c_int {
    // SAFETY: OpenSSL passes what `newctx` made, in no other call meanwhile, and a list of parameters or null.
    answer(|| unsafe { set(signing.cast::<Signing>().as_mut()?, parameters) })
}

unsafe extern "C" fn settable_ctx_params(
    _signing: *mut c_void,
    _provider: *mut c_void,
) -> *const sys::OSSL_PARAM {
    SETTABLE.0.as_ptr()
}

/// Signs; asked without a buffer, says how long a signature may be.
unsafe extern "C" fn digest_sign(
    signing: *mut c_void,
    signature: *mut c_uchar,
    length: *mut usize,
    room: usize,
    message: *const c_uchar,
    message_length: usize,
) -> c_int {
    answer(|| {
        // SAFETY: OpenSSL passes what `newctx` made, in no other call meanwhile, a place for the length, a buffer
        // with that much room or null, and a message that is that long; `message` may be null if it is empty.
        unsafe {
            let signing = signing.cast::<Signing>().as_ref()?;
            if signature.is_null() {
                length.write(signing.key.as_ref()?.public().size());
                return Some(());
            }
            let message =
                if message_length == 0 { &[] } else { slice::from_raw_parts(message, message_length) };
            let signed = signing.sign(message).filter(|signed| signed.len() <= room)?;
            ptr::copy_nonoverlapping(signed.as_ptr(), signature, signed.len());
            length.write(signed.len());
            Some(())
        }
    })
}

/// Takes the parameters that [`settable_ctx_params`] lists, in the values that TLS has: no others.
///
/// # Safety
/// `parameters` is null or a list of parameters.
unsafe fn set(signing: &mut Signing, parameters: *const sys::OSSL_PARAM) -> Option<()> {
    if parameters.is_null() {
        return Some(());
    }
    // SAFETY: by the contract.
    let (pad_mode, saltlen) = unsafe {
        (
            sys::OSSL_PARAM_locate_const(parameters, PAD_MODE.as_ptr()).as_ref(),
            sys::OSSL_PARAM_locate_const(parameters, SALTLEN.as_ptr()).as_ref(),
        )
    };
    match pad_mode {
        None => {}
        Some(mode) if PADDING_PKCS1.is_made_by(mode) => signing.padding = Padding::Pkcs1,
        Some(mode) if PADDING_PSS.is_made_by(mode) => signing.padding = Padding::Pss,
        Some(_) => return None,
    }
    saltlen.is_none_or(|length| SALTLEN_DIGEST.is_made_by(length)).then_some(())
}

/// One value of a parameter, as a number and as a word.
struct Choice<'a>(c_int, &'a CStr);

impl Choice<'_> {
    fn is_made_by(&self, parameter: &sys::OSSL_PARAM) -> bool {
        match parameter.data_type {
            PARAM_INTEGER => {
                let mut number = 0;
                // SAFETY: the parameter is one of a list of OpenSSL's, and the function reads what its type says.
                let read = unsafe { OSSL_PARAM_get_int(parameter, &raw mut number) };
                read == 1 && number == self.0
            }
            PARAM_UTF8_STRING if !parameter.data.is_null() => {
                let data = parameter.data.cast::<u8>();
                // SAFETY: the parameter is one of a list of OpenSSL's: as many bytes are there.
                let word = unsafe { slice::from_raw_parts(data, parameter.data_size) };
                word == self.1.to_bytes()
            }
            _ => false,
        }
    }
}
