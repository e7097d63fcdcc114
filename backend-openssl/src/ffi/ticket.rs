//! The keys that seal a server's tickets (RFC 5077 §4).

use std::{
    ffi::c_int,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr, slice,
};

use foreign_types::ForeignTypeRef;
use openssl::{
    error::ErrorStack,
    ssl::{SslContextBuilder, SslRef, SslVersion},
};
use openssl_sys as sys;

use super::done;
use crate::{
    connection::Connection,
    ticket_keys::{NAME_LEN, Opening, TicketKey},
};

/// The length of the initialisation vector of AES-CBC.
const IV_LEN: usize = 16;

/// `OSSL_PARAM_UTF8_STRING` of `openssl/core.h`.
const UTF8_STRING: u32 = 4;

/// What the callback answers.
const FAILED: c_int = -1;
const UNKNOWN: c_int = 0;
const KNOWN: c_int = 1;
const KNOWN_RENEW: c_int = 2;

type TicketKeyCallback = unsafe extern "C" fn(
    *mut sys::SSL,
    *mut u8,
    *mut u8,
    *mut sys::EVP_CIPHER_CTX,
    *mut sys::EVP_MAC_CTX,
    c_int,
) -> c_int;

// As OpenSSL 3.0 to 3.6 declare it in `openssl/tls1.h`.
unsafe extern "C" {
    fn SSL_CTX_set_tlsext_ticket_key_evp_cb(
        context: *mut sys::SSL_CTX,
        callback: Option<TicketKeyCallback>,
    ) -> c_int;
}

/// Has tickets sealed and opened with the keys that a [`Connection`] holds.
pub(crate) fn use_ticket_keys(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    // SAFETY: the builder owns the context, and the callback needs nothing that would have to outlive it.
    done(unsafe { SSL_CTX_set_tlsext_ticket_key_evp_cb(builder.as_ptr(), Some(ticket_key_callback)) })
}

unsafe extern "C" fn ticket_key_callback(
    ssl: *mut sys::SSL,
    name: *mut u8,
    iv: *mut u8,
    cipher: *mut sys::EVP_CIPHER_CTX,
    mac: *mut sys::EVP_MAC_CTX,
    seals: c_int,
) -> c_int {
    // SAFETY: OpenSSL passes the connection that it works for, for the time of the call.
    let ssl = unsafe { SslRef::from_ptr(ssl) };
    let Some(keys) = Connection::of(ssl).and_then(|connection| connection.ticket_keys.as_ref()) else {
        return UNKNOWN;
    };
    // A panic must not cross into C.
    let answered = catch_unwind(AssertUnwindSafe(|| {
        if seals != 0 {
            let Ok(key) = keys.sealing() else { return FAILED };
            let mut vector = [0; IV_LEN];
            if openssl::rand::rand_bytes(&mut vector).is_err() {
                return FAILED;
            }
            // SAFETY: when a ticket is made, OpenSSL has room for a name of 16 bytes and for the longest vector, 16.
            unsafe {
                ptr::copy_nonoverlapping(key.name.as_ptr(), name, NAME_LEN);
                ptr::copy_nonoverlapping(vector.as_ptr(), iv, IV_LEN);
            }
            // SAFETY: both are contexts that OpenSSL made for this ticket.
            return if unsafe { start(&key, &vector, cipher, mac, true) } { KNOWN } else { FAILED };
        }
        // SAFETY: OpenSSL opens no ticket that is shorter than a name and the longest vector.
        let (name, vector) =
            unsafe { (slice::from_raw_parts(name, NAME_LEN), slice::from_raw_parts(iv, IV_LEN)) };
        let (key, answer) = match keys.opening(name) {
            Opening::Unknown => return UNKNOWN,
            // RFC 8446 appendix C.4: a ticket of TLS 1.3 is used once, so the next connection needs a new one.
            Opening::Current(key) if ssl.version2() != Some(SslVersion::TLS1_3) => (key, KNOWN),
            Opening::Current(key) | Opening::Previous(key) => (key, KNOWN_RENEW),
        };
        // SAFETY: both are contexts that OpenSSL made for this ticket.
        if unsafe { start(&key, vector, cipher, mac, false) } { answer } else { FAILED }
    }));
    answered.unwrap_or(FAILED)
}

/// Sets the contexts of one ticket going.
///
/// # Safety
/// `cipher` and `mac` must be contexts that nobody else uses meanwhile, and `vector` must have [`IV_LEN`] bytes.
unsafe fn start(
    key: &TicketKey,
    vector: &[u8],
    cipher: *mut sys::EVP_CIPHER_CTX,
    mac: *mut sys::EVP_MAC_CTX,
    seals: bool,
) -> bool {
    let digest = c"SHA256";
    let parameters = [
        sys::OSSL_PARAM {
            key: c"digest".as_ptr(),
            data_type: UTF8_STRING,
            data: digest.as_ptr().cast_mut().cast(),
            data_size: digest.count_bytes(),
            return_size: 0,
        },
        // SAFETY: the function makes the mark of a list's end.
        unsafe { sys::OSSL_PARAM_construct_end() },
    ];
    let begin = if seals { sys::EVP_EncryptInit_ex } else { sys::EVP_DecryptInit_ex };
    // SAFETY: AES-256-CBC has a key of 32 bytes and a vector of 16, HMAC takes a key of any length; OpenSSL copies
    // them. The parameters end in the mark, are only read, and live until the call returns.
    unsafe {
        let aes = openssl::cipher::Cipher::aes_256_cbc().as_ptr();
        begin(cipher, aes, ptr::null_mut(), key.cipher_key.as_ptr(), vector.as_ptr()) == 1
            && sys::EVP_MAC_init(mac, key.mac_key.as_ptr(), key.mac_key.len(), parameters.as_ptr()) == 1
    }
}
