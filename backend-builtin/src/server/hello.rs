//! The ClientHello as it came (RFC 8446 §4.1.2), and what of it holds in either version.

use super::read_message;
use crate::{
    error::Fault,
    record::Records,
    wire::handshake::{ClientHello, HandshakeMessage, HandshakeType},
};

/// A ClientHello: the message, which the transcript takes, and what it says.
#[derive(Clone, Copy)]
pub(super) struct Hello<'a> {
    pub(super) message: &'a HandshakeMessage,
    pub(super) client_hello: &'a ClientHello<'a>,
}

impl<'a> std::ops::Deref for Hello<'a> {
    type Target = ClientHello<'a>;

    fn deref(&self) -> &Self::Target {
        self.client_hello
    }
}

/// Reads a ClientHello, the first or, after a HelloRetryRequest, the second.
pub(super) async fn read_client_hello(records: &mut Records<'_, '_>) -> Result<HandshakeMessage, Fault> {
    read_message(records, HandshakeType::CLIENT_HELLO, "a handshake begins with a ClientHello").await
}
