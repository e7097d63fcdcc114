//! Bounds on what a peer can make the record layer hold or do.

/// How much a peer may send to no purpose, and how long its messages may be, in bytes without their header.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) handshake_message: usize,
    pub(crate) client_hello: usize,
    pub(crate) certificate: usize,
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
