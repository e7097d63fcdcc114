//! Bounds on what a peer can make a handshake hold or do, with the alert that answers each.

use polytls_api::ConfigError;

use super::invalid;

/// What a bound on a message may be: less holds no real one, and more is what RFC 8446 §4 has no length for.
const MESSAGE: std::ops::RangeInclusive<usize> = 1024..=(1 << 24) - 1;

/// Bounds on what a peer may make a handshake hold.
///
/// Beside them stands [`handshake_size_limit`](polytls_api::ClientConfigBuilder::handshake_size_limit), which bounds
/// all of a handshake's bytes, and ends most floods whatever is set here. A message over its bound is refused when
/// its header has come, before anything is set aside for it.
///
/// What cannot be set: 32 empty records and 4 warning alerts in a row, 2 change_cipher_spec records of TLS 1.3, and once
/// the connection is established 32 key updates and 32 tickets without data between them; one more of each is
/// `unexpected_message`. In the search for a path to a root
/// 8 intermediates and 100 signatures are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest handshake message of those that have no bound of their own here, in bytes: 1 KiB to 16 MiB.
    /// Default: 16 KiB. More: `illegal_parameter`.
    pub handshake_message: usize,
    /// The longest ClientHello that a server reads, in bytes: 1 KiB to 16 MiB. Default: 64 KiB, which is also the
    /// most that a server with a resolver reads. More: `illegal_parameter`.
    pub client_hello: usize,
    /// The longest Certificate message, before compression, in bytes: 1 KiB to 16 MiB. Default: 64 KiB.
    /// More: `illegal_parameter`, for a compressed one `bad_certificate` (RFC 8879 §4).
    pub certificate: usize,
    pub(crate) empty_records: u8,
    pub(crate) warning_alerts: u8,
    pub(crate) change_cipher_specs: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake_message: 16 * 1024,
            client_hello: 64 * 1024,
            certificate: 64 * 1024,
            empty_records: 32,
            warning_alerts: 4,
            change_cipher_specs: 2,
        }
    }
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let settable = [self.handshake_message, self.client_hello, self.certificate];
        if settable.iter().all(|bytes| MESSAGE.contains(bytes)) {
            return Ok(());
        }
        invalid("limits", "a message may have 1 KiB to 16 MiB")
    }
}
